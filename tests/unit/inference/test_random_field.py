"""Cluster p values against tables that FSL printed for real maps, and against simulated noise."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import false_discovery_control

from statmap.distributions import F, PValues, T, Unknown, Z
from statmap.inference.random_field import (
    RandomField,
    benjamini_hochberg,
    fsl_cluster_log_p,
    random_field,
    smallest_extent,
)
from statmap.inference.search_volume import SearchVolume, dlh_of, search_of
from statmap.inference.statistics import minus_log10

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


RESELS = np.array([1.0, 30, 300, 900])


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
    _, log_p = fsl_cluster_log_p(sizes, cutoff, dlh, volume)
    assert [printed_by_fsl(log) for log in log_p] == [row[1:] for row in table]
    # and without that emulation: half a unit of the third digit (which covers float32's step here)
    np.testing.assert_allclose(minus_log10(log_p), np.array(printed_log10, dtype=float), rtol=5e-3)


def test_only_float32_keeps_us_from_every_printed_digit():
    """FSL's 4.77e-07 is 8 steps of 2^-24, the resolution of float32 just below 1; the formula gives 4.85e-07."""
    assert f"{8 * 2.0**-24:.3g}" == "4.77e-07"
    assert f"{np.exp(fsl_cluster_log_p(810, 3.1, 0.0364566, 262770)[1]):.3g}" == "4.85e-07"


def test_huge_clusters_have_finite_logs():
    for log_p in fsl_cluster_log_p([10, 10**4, 10**6, 10**9], 3.1, 0.5, 10**6):
        assert np.isfinite(log_p).all()
        assert (np.diff(log_p) < 0).all()
        assert log_p[-1] < -1e5


@pytest.mark.parametrize("cutoff", [2.0, 3.1, 6.0, 12.0, 37.0, 60.0])
def test_p_is_a_probability_that_falls_with_size_and_rises_with_volume(cutoff):
    sizes = np.arange(1, 2000)
    uncorrected, family_wise = fsl_cluster_log_p(sizes, cutoff, 0.02, 200_000)
    for log_p in (uncorrected, family_wise):
        assert (log_p <= 0).all()
        assert (np.diff(log_p) <= 0).all()
    in_twice_as_many = fsl_cluster_log_p(sizes, cutoff, 0.02, 400_000)
    assert (in_twice_as_many[0] == uncorrected).all() and (in_twice_as_many[1] >= family_wise).all()


def test_the_two_branches_of_the_logarithm_meet():
    """Around an expected number of exp(-36), where p is taken to be that number."""
    sizes = np.linspace(300, 600, 3001)
    _, log_p = fsl_cluster_log_p(sizes, 2.3, 0.7, 38344)
    assert log_p[0] > -36 > log_p[-1]
    assert np.abs(np.diff(log_p, n=2)).max() < 1e-4


def field_of(distribution, sided="positive", n_voxels=500_000, n_dims=3, fwhm=(1.0, 1, 1), dlh=0.1):
    """A field over a search volume of the resels below."""
    return RandomField(distribution, sided, SearchVolume(n_voxels, n_dims, np.array(fwhm), RESELS, dlh))


def test_both_tails_have_twice_the_clusters():
    positive, two = (
        field_of(Z(), sided, 262770, dlh=0.0364566).cluster_log_p(3.1, "fsl")(np.array([20, 500]))[1]
        for sided in ("positive", "two")
    )
    np.testing.assert_array_equal(positive, fsl_cluster_log_p([20, 500], 3.1, 0.0364566, 262770)[1])
    np.testing.assert_allclose(-np.log1p(-np.exp(two)), -2 * np.log1p(-np.exp(positive)), rtol=1e-9)


@pytest.mark.parametrize("cutoff", [1.0, 0.5, -2.0])
def test_no_theory_at_low_cutoffs(cutoff):
    assert np.isnan(fsl_cluster_log_p([5, 10], cutoff, 0.1, 1000)).all()
    assert field_of(Z()).cluster_log_p(cutoff, "fsl") is None


def test_noise_has_as_many_clusters_as_the_theory_says():
    """Gaussian noise of FWHM 6 voxels on a 48^3 torus above z = 3: 5.3 clusters expected in each of 30 fields."""
    rng = np.random.default_rng(7)
    fwhm, cutoff, size, fields = 6.0, 3.0, 48, 30
    sigma = fwhm / np.sqrt(8 * np.log(2))
    clusters, volume = 0, 0
    for _ in range(fields):
        field = ndimage.gaussian_filter(rng.normal(size=(size,) * 3), sigma, mode="wrap")
        above = field / field.std() >= cutoff
        clusters += ndimage.label(above, structure=np.ones((3, 3, 3)))[1]
        volume += above.sum()
    dlh = dlh_of(fwhm * 2.0, 8.0)  # the same noise on 2 mm voxels
    expected = -np.log1p(-np.exp(fsl_cluster_log_p(0, cutoff, dlh, size**3)[1]))
    assert clusters / fields == pytest.approx(expected, rel=0.2)
    assert volume / fields / size**3 == pytest.approx(np.exp(Z().log_sf(cutoff)), rel=0.2)


# ---- SPM's theory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", [Z(), T(20.0), F(3.0, 40.0)], ids=str)
@pytest.mark.parametrize("sided", ["positive", "two"])
def test_at_the_fwe_cutoff_the_family_wise_p_is_alpha(distribution, sided):
    field = field_of(distribution, sided)
    cutoff, method = field.cutoff_fwe(0.05)
    assert method == "random field theory"
    [p] = field.p_fwe(np.array([cutoff]))
    assert p == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize("sided", ["positive", "two"])
def test_few_voxels_of_rough_noise_are_corrected_by_bonferroni(sided):
    field = field_of(Z(), sided, n_voxels=100)
    cutoff, method = field.cutoff_fwe(0.05)
    assert method == "Bonferroni" and cutoff == pytest.approx(Z().cutoff(0.05 / 100, sided))
    assert field.p_fwe(np.array([cutoff])) == pytest.approx(0.05, rel=1e-9)
    assert field_of(Z(), sided, n_voxels=0).cutoff_fwe(0.05)[0] == np.inf


@pytest.mark.parametrize("sided", ["positive", "negative", "two"])
def test_family_wise_p_is_of_the_tail_that_was_searched(sided):
    p = field_of(Z(), sided).p_fwe(np.array([-6.0, 0.0, 6.0]))
    assert ((p > 0) & (p <= 1)).all() and p[1] > 0.99
    assert (p[0] < 0.01, p[2] < 0.01) == (sided != "positive", sided != "negative")


@pytest.mark.parametrize("n_dims", [1, 2, 3])
@pytest.mark.parametrize("distribution", [Z(), T(12.0)], ids=str)
def test_a_larger_region_never_has_a_larger_p(distribution, n_dims):
    sizes = np.arange(1, 3000)
    field = field_of(distribution, n_dims=n_dims, fwhm=(3, 3, 2.0))
    for log_p in field.spm_cluster_log_p(sizes, 3.1):
        assert (log_p <= 0).all() and (np.diff(log_p) < 0).all() and np.isfinite(log_p).all()


def test_no_theory_of_extents_where_the_characteristic_counts_none():
    field = field_of(Z())
    assert np.isnan(field.extent_rate(0.9))
    assert np.isnan(field.spm_cluster_log_p([5], 0.9)).all()
    assert field.cluster_log_p(0.9, "spm") is None and field.cluster_log_p(3.1, "spm") is not None


def test_expected_extent_is_the_mean_of_the_extents():
    """The sum of P(extent >= k) over k is the mean extent, rho_0 / rho_D resels."""
    density = Z().ec_densities(3.0)
    k = np.linspace(0, 20, 400_001)
    p = np.exp(-field_of(Z()).extent_rate(3.0) * k ** (2 / 3))
    assert p.sum() * (k[1] - k[0]) == pytest.approx(density[0] / density[3], rel=1e-3)


@pytest.mark.parametrize("theory", ["fsl", "spm"])
def test_no_theory_where_nothing_is_above_the_cutoff(theory):
    assert field_of(Z()).cluster_log_p(np.inf, theory) is None


def test_smallest_extent_is_the_first_that_is_significant():
    def log_p(n):
        return fsl_cluster_log_p(n, 3.1, 0.0364566, 262770)[1]

    extent = smallest_extent(log_p, 0.05, 100_000)
    assert np.exp(log_p(extent)) <= 0.05 < np.exp(log_p(extent - 1))
    assert smallest_extent(log_p, 1e-300, 50) == np.inf
    assert np.isnan(smallest_extent(lambda n: n * np.nan, 0.05, 50))


def test_fsl_uncorrected_and_corrected_p_are_of_one_theory():
    uncorrected, family_wise = fsl_cluster_log_p([20, 200], 3.1, 0.0364566, 262770)
    _, of_any_size = fsl_cluster_log_p([0], 3.1, 0.0364566, 262770)
    expected, expected_of_any_size = (-np.log1p(-np.exp(log_p)) for log_p in (family_wise, of_any_size))
    np.testing.assert_allclose(expected / expected_of_any_size, np.exp(uncorrected), rtol=1e-6)


def test_q_is_scipys():
    p = np.random.default_rng(2).uniform(size=40) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12)


def test_a_field_needs_a_smoothness_and_a_theory():
    search = field_of(Z()).search
    for distribution in (Z(), T(20), F(3, 40)):
        field = random_field(distribution, "positive", search)
        assert (field.distribution, field.sided, field.search) == (distribution, "positive", search)
        assert random_field(distribution, "positive", None) is None
    for distribution in (T(), F(3), PValues(), Unknown()):
        assert random_field(distribution, "positive", search) is None


@pytest.mark.slow
def test_noise_exceeds_the_fwe_cutoff_and_holds_a_significant_cluster_in_one_map_of_twenty():
    """150 maps of FWHM 4 voxels in a box of 36: 5% within three standard errors, for heights and for both extents."""
    rng = np.random.default_rng(11)
    width, side, pad, n_maps = 4.0, 36, 12, 150
    inside = np.ones((side,) * 3, dtype=bool)
    field = RandomField(Z(), "positive", search_of(inside, np.eye(4), width, None))
    height, _ = field.cutoff_fwe(0.05)
    extents = []
    for theory in ("fsl", "spm"):
        log_p = field.cluster_log_p(3.1, theory)
        extents.append(smallest_extent(lambda n, log_p=log_p: log_p(n)[1], 0.05, inside.size))
    passed = np.zeros(3)
    for _ in range(n_maps):
        noise = ndimage.gaussian_filter(rng.normal(size=(side + 2 * pad,) * 3), width / np.sqrt(8 * np.log(2)))
        noise = noise[(slice(pad, -pad),) * 3] / noise.std()
        labels, _ = ndimage.label(noise >= 3.1, structure=np.ones((3, 3, 3)))
        largest = np.bincount(labels.ravel())[1:].max(initial=0)
        passed += [noise.max() >= height, *(largest >= extent for extent in extents)]
    share = passed / n_maps
    assert (np.abs(share - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n_maps)).all(), share
