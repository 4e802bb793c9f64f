"""Cluster p values against tables that FSL printed for real maps, and against simulated noise."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import gamma
from scipy.stats import false_discovery_control

from statmap.inference import random_field, statistics
from statmap.inference.resels import resel_counts

# What `cluster` was told (-t, -d, --volume) and what it printed: Voxels, P, -log10(P).
FSL_TABLES = {
    # cmaumet/fsl, README.md (first versions, "Cluster-wise corrected, original FSL call": the command and its table)
    "fmri_test.feat": (
        (2.3, 0.388188, 45089),
        [
            (1217, "3.61e-24", "23.4"),
            (518, "4.57e-13", "12.3"),
            (114, "0.000717", "3.14"),
            (79, "0.00995", "2"),
        ],
    ),
    # incf-nidash/nidmresults-examples at commit 832b8f38532925c5a92c85d7e59fc3c125722c74, FSL 5.0.10:
    # fsl_thr_clustfwep05/logs/feat4_post (the command) and fsl_thr_clustfwep05/cluster_zstat1.txt (the table)
    "one subject": (
        (2.3, 0.70114, 38352),
        [
            (3130, "0", "68.9"),
            (522, "5.57e-20", "19.3"),
            (167, "1.69e-08", "7.77"),
            (99, "1.57e-05", "4.8"),
            (46, "0.011", "1.96"),
            (41, "0.0227", "1.64"),
            (40, "0.0263", "1.58"),
        ],
    ),
    # incf-nidash/nidmresults-examples, FSL 5.0.8, a group map on the 2 mm MNI grid:
    # fsl_OLS_t_test/cope1.feat/logs/feat4_post (commit f649dae98077caeb9fe7c5720bbb87af85a5f792) and
    # fsl_OLS_t_test/cope1.feat/cluster_zstat1_std.html (commit 88048d19c62b37ac0e5d4a6eeb4c7c6fffc67396)
    "group": (
        (3.1, 0.0364566, 262770),
        [
            (1106, "8.78e-09", "8.06"),
            (810, "4.77e-07", "6.32"),
            (681, "3.22e-06", "5.49"),
            (399, "0.000335", "3.47"),
            (397, "0.000348", "3.46"),
            (349, "0.000846", "3.07"),
            (321, "0.00145", "2.84"),
        ],
    ),
}


def printed_by_fsl(log_p):
    """P and -log10(P) with three digits after the float32 steps of FSL's `cluster`.

    exp(-E) is rounded to float32 before it is taken from 1 (and E itself stands in where nothing is left), and P is
    rounded to float32 (0 below 1e-45).
    """
    expected = -np.log1p(-np.exp(log_p))
    left = np.float32(1) - np.float32(np.exp(-expected))
    if left > 0:
        log_p = np.log(np.float64(left))
    with np.errstate(under="ignore"):
        return f"{np.float32(np.exp(log_p)):.3g}", f"{-log_p / np.log(10):.3g}"


@pytest.mark.parametrize("name", FSL_TABLES)
def test_p_values_that_fsl_printed_for_real_maps(name):
    (cutoff, dlh, volume), table = FSL_TABLES[name]
    sizes, _, printed_log10 = zip(*table, strict=True)
    log_p = random_field.cluster_log_p(sizes, cutoff, volume, dlh)
    assert [printed_by_fsl(one) for one in log_p] == [row[1:] for row in table]
    # and without that emulation: half a unit of the third digit (which covers float32's step here)
    np.testing.assert_allclose(statistics.minus_log10(log_p), np.array(printed_log10, dtype=float), rtol=5e-3)


def test_only_float32_keeps_us_from_every_printed_digit():
    """FSL's 4.77e-07 is 8 steps of 2^-24, the resolution of float32 just below 1; the formula gives 4.85e-07."""
    assert f"{8 * 2.0**-24:.3g}" == "4.77e-07"
    assert f"{np.exp(random_field.cluster_log_p(810, 3.1, 262770, 0.0364566)):.3g}" == "4.85e-07"


def test_huge_clusters_have_finite_logs():
    log_p = random_field.cluster_log_p([10, 10**4, 10**6, 10**9], 3.1, 10**6, 0.5)
    assert np.isfinite(log_p).all()
    assert (np.diff(log_p) < 0).all()
    assert log_p[-1] < -1e5


@pytest.mark.parametrize("cutoff", [2.0, 3.1, 6.0, 12.0, 37.0, 60.0])
def test_p_is_a_probability_that_falls_with_size_and_rises_with_volume(cutoff):
    sizes = np.arange(1, 2000)
    log_p = random_field.cluster_log_p(sizes, cutoff, 200_000, 0.02)
    assert (log_p <= 0).all()
    assert (np.diff(log_p) <= 0).all()
    assert (random_field.cluster_log_p(sizes, cutoff, 400_000, 0.02) >= log_p).all()


def test_the_two_branches_of_the_logarithm_meet():
    """Around an expected number of exp(-36), where p is taken to be that number."""
    sizes = np.linspace(300, 600, 3001)
    log_p = random_field.cluster_log_p(sizes, 2.3, 38344, 0.7)
    assert log_p[0] > -36 > log_p[-1]
    assert np.abs(np.diff(log_p, n=2)).max() < 1e-4


def test_both_tails_have_twice_the_clusters():
    one, both = (random_field.cluster_log_p([20, 500], 3.1, 262770, 0.0364566, tails=tails) for tails in (1, 2))
    np.testing.assert_allclose(-np.log1p(-np.exp(both)), -2 * np.log1p(-np.exp(one)), rtol=1e-9)


@pytest.mark.parametrize("cutoff", [1.0, 0.5, -2.0])
def test_no_theory_at_low_cutoffs(cutoff):
    assert np.isnan(random_field.cluster_log_p([5, 10], cutoff, 1000, 0.1)).all()


def test_dlh_of_fwhm():
    assert random_field.dlh_of(6, 27.0) == pytest.approx((4 * np.log(2)) ** 1.5 / 8)
    assert random_field.dlh_of([4, 6, 9], 8.0) == pytest.approx(random_field.dlh_of(6, 8.0))
    # FSL's own pair, DLH 0.70114 and RESELS 6.60665 voxels (map "one subject"): equal but for its correction for the
    # degrees of freedom of the residuals, which smoothest puts on DLH alone
    assert 0.70114 / random_field.dlh_of(6.60665 ** (1 / 3), 1.0) == pytest.approx(1.0033, abs=1e-4)


def test_noise_has_as_many_clusters_as_the_theory_says():
    """Gaussian noise of FWHM 6 voxels on a 48^3 torus above z = 3: 5.3 clusters expected in each of 30 fields."""
    rng = np.random.default_rng(7)
    fwhm, cutoff, size, fields = 6.0, 3.0, 48, 30
    sigma = fwhm / np.sqrt(8 * np.log(2))
    found, volume = 0, 0
    for _ in range(fields):
        field = ndimage.gaussian_filter(rng.normal(size=(size,) * 3), sigma, mode="wrap")
        above = field / field.std() >= cutoff
        found += ndimage.label(above, structure=np.ones((3, 3, 3)))[1]
        volume += above.sum()
    dlh = random_field.dlh_of(fwhm * 2.0, 8.0)  # the same noise on 2 mm voxels
    expected = -np.log1p(-np.exp(random_field.cluster_log_p(0, cutoff, size**3, dlh)))
    assert found / fields == pytest.approx(expected, rel=0.2)
    assert volume / fields / size**3 == pytest.approx(np.exp(statistics.log_sf(cutoff, "z")), rel=0.2)


# ---- SPM's theory ---------------------------------------------------------------------------------------------------

RESELS = np.array([1.0, 30, 300, 900])


@pytest.mark.parametrize("df", [5.0, 28.0, 500.0])
def test_densities_of_f_with_one_numerator_are_those_of_both_tails_of_t(df):
    t = np.array([1.5, 3.0, 6.0])
    np.testing.assert_allclose(
        random_field.ec_densities(t**2, "F", (1.0, df)), 2 * random_field.ec_densities(t, "t", df), rtol=1e-9
    )


def test_densities_of_t_become_those_of_z():
    x = np.array([1.0, 2.5, 5.0])
    np.testing.assert_allclose(
        random_field.ec_densities(x, "t", 1e7), random_field.ec_densities(x, "z"), rtol=1e-4, atol=1e-7
    )


def test_densities_of_chi_square():
    """F with many denominator degrees of freedom is chi-square / k; Worsley 1994 gives its densities."""
    k, x = 4.0, np.array([8.0, 20.0])
    a = 4 * np.log(2)
    common = np.exp(-x / 2) / 2 ** ((k - 2) / 2) / gamma(k / 2)
    expected = [
        np.sqrt(a / (2 * np.pi)) * x ** ((k - 1) / 2) * common,
        a / (2 * np.pi) * x ** ((k - 2) / 2) * common * (x - (k - 1)),
        (a / (2 * np.pi)) ** 1.5 * x ** ((k - 3) / 2) * common * (x**2 - (2 * k - 1) * x + (k - 1) * (k - 2)),
    ]
    found = random_field.ec_densities(x / k, "F", (k, 1e7))
    np.testing.assert_allclose(found[1:], expected, rtol=1e-4)


@pytest.mark.parametrize(("stat", "df"), [("z", None), ("t", 20.0), ("F", (3.0, 40.0))])
@pytest.mark.parametrize("tails", [1, 2])
def test_at_the_fwe_cutoff_the_family_wise_p_is_alpha(stat, df, tails):
    cutoff, method = random_field.cutoff_fwe(0.05, RESELS, 500_000, stat, df, tails)
    assert method == "random field theory"
    [p] = random_field.peak_p_fwe(np.array([cutoff]), RESELS, 500_000, stat, df, tails)
    assert p == pytest.approx(0.05, rel=1e-9)


def test_few_voxels_of_rough_noise_are_corrected_by_bonferroni():
    cutoff, method = random_field.cutoff_fwe(0.05, RESELS, 100, "z")
    assert method == "Bonferroni" and cutoff == pytest.approx(statistics.cutoff_p(0.05 / 100, "z", None, "positive"))
    assert random_field.cutoff_fwe(0.05, RESELS, 0, "z")[0] == np.inf


@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize(("stat", "df"), [("z", None), ("t", 12.0)])
def test_a_larger_region_never_has_a_larger_p(stat, df, n_dims):
    sizes = np.arange(1, 3000)
    logs = random_field.spm_cluster_log_p(sizes, 3.1, RESELS, np.array([3, 3, 2.0]), n_dims, stat, df)
    for log in logs:
        assert (log <= 0).all() and (np.diff(log) < 0).all() and np.isfinite(log).all()


def test_no_theory_of_extents_where_the_characteristic_counts_none():
    assert np.isnan(random_field.extent_rate(0.9, 3, "z"))
    assert np.isnan(random_field.spm_cluster_log_p([5], 0.9, RESELS, np.ones(3), 3, "z")).all()


def test_expected_extent_is_the_mean_of_the_extents():
    """The sum of P(extent >= k) over k is the mean extent, rho_0 / rho_D resels."""
    density = random_field.ec_densities(3.0, "z")
    k = np.linspace(0, 20, 400_001)
    p = np.exp(-random_field.extent_rate(3.0, 3, "z") * k ** (2 / 3))
    assert p.sum() * (k[1] - k[0]) == pytest.approx(density[0] / density[3], rel=1e-3)


def test_smallest_extent_is_the_first_that_is_significant():
    def log_p(n):
        return random_field.cluster_log_p(n, 3.1, 262770, 0.0364566)

    extent = random_field.smallest_extent(log_p, 0.05, 100_000)
    assert np.exp(log_p(extent)) <= 0.05 < np.exp(log_p(extent - 1))
    assert random_field.smallest_extent(log_p, 1e-300, 50) == np.inf
    assert np.isnan(random_field.smallest_extent(lambda n: n * np.nan, 0.05, 50))


def test_fsl_uncorrected_and_corrected_p_are_of_one_theory():
    sizes = np.array([20, 200])
    both = (
        random_field.cluster_log_p(sizes, 3.1, 262770, 0.0364566),
        random_field.cluster_log_p([0], 3.1, 262770, 0.0364566),
    )
    corrected, any_size = (-np.log1p(-np.exp(log)) for log in both)
    np.testing.assert_allclose(
        corrected / any_size, np.exp(random_field.cluster_log_p_unc(sizes, 3.1, 0.0364566)), rtol=1e-6
    )


def test_q_is_scipys():
    p = np.random.default_rng(2).uniform(size=40) ** 3
    np.testing.assert_allclose(random_field.benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12)


@pytest.mark.slow
def test_noise_exceeds_the_fwe_cutoff_and_holds_a_significant_cluster_in_one_map_of_twenty():
    """150 maps of FWHM 4 voxels in a box of 36: 5% within three standard errors, for heights and for both extents."""
    rng = np.random.default_rng(11)
    width, side, pad, n_maps = 4.0, 36, 12, 150
    inside = np.ones((side,) * 3, dtype=bool)
    fwhm = np.full(3, width)
    resels = resel_counts(inside, fwhm)
    height, _ = random_field.cutoff_fwe(0.05, resels, inside.size, "z")
    dlh = random_field.dlh_of(width, 1.0)
    extents = [
        random_field.smallest_extent(log_p, 0.05, inside.size)
        for log_p in (
            lambda n: random_field.cluster_log_p(n, 3.1, inside.size, dlh),
            lambda n: random_field.spm_cluster_log_p(n, 3.1, resels, fwhm, 3, "z")[1],
        )
    ]
    found = np.zeros(3)
    for _ in range(n_maps):
        field = ndimage.gaussian_filter(rng.normal(size=(side + 2 * pad,) * 3), width / np.sqrt(8 * np.log(2)))
        field = field[(slice(pad, -pad),) * 3] / field.std()
        labels, _ = ndimage.label(field >= 3.1, structure=np.ones((3, 3, 3)))
        largest = np.bincount(labels.ravel())[1:].max(initial=0)
        found += [field.max() >= height, *(largest >= extent for extent in extents)]
    share = found / n_maps
    assert (np.abs(share - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n_maps)).all(), share
