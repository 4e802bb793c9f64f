"""The columns that need a distribution: where they are filled in, where they are empty, and with what."""

import numpy as np
import pandas as pd
import pytest
from calls import extract_regions
from scipy.stats import f, false_discovery_control, norm, t

from statmap.inference.random_field import cluster_log_p, dlh_of, peak_p_fwe, peak_q, spm_cluster_log_p
from statmap.inference.region_statistics import (
    cluster_columns,
    cluster_logs,
    critical_extent,
    excursion_maxima,
    excursion_sizes,
    peak_fdr,
    peak_fwe,
    peak_statistics,
    search_entries,
    search_from,
    search_of,
    true_discovery_proportions,
)
from statmap.inference.resels import resel_counts
from statmap.inference.thresholds import cutoff_entries, cutoff_of, resolve_cutoff, suprathreshold_mask
from statmap.io.files import UserError
from statmap.regions.measures import measure_regions
from statmap.stability.robustness import robustness
from statmap.stability.sweep import sweep_grid, trees_of_settings

AFFINE = np.diag([3.0, 3, 3, 1])


@pytest.mark.parametrize("sided", ["two", "positive", "negative"])
def test_peaks_against_scipy(sided):
    values = np.array([2.0, -3.5, 5.0])
    tail = {"two": np.abs(values), "positive": values, "negative": -values}[sided]
    factor = 2 if sided == "two" else 1
    for stat, df, reference in (("z", None, norm), ("t", 12.0, t(12))):
        p, log10_p, z = peak_statistics(values, stat, df, sided)
        np.testing.assert_allclose(p, factor * reference.sf(tail), rtol=1e-10)
        np.testing.assert_allclose(log10_p, -np.log10(factor * reference.sf(tail)), rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(z, np.sign(values) * norm.isf(reference.sf(np.abs(values))), rtol=1e-8)


def test_far_peaks_are_finite():
    p, log10_p, z = peak_statistics(np.array([30.0, 60.0]), "z", None, "two")
    assert 0 < p[0] < 1e-190 and np.isfinite(log10_p).all() and log10_p[1] > 700
    assert np.isfinite(peak_statistics(np.array([300.0]), "t", 50.0, "two")[2]).all()


@pytest.mark.parametrize(("stat", "df"), [("other", None), ("t", None)])
def test_without_a_distribution_the_columns_are_empty(stat, df):
    assert np.isnan(peak_statistics(np.array([3.0]), stat, df, "two")).all()
    labels = np.ones((2, 2, 2), dtype=np.int32)
    assert np.isnan(true_discovery_proportions(labels * 5.0, labels, labels > 0, stat, df, "two", 0.05)).all()


def p_of_sizes(sizes, fwhm_mm, dlh, **keys):
    family = np.zeros((60, 60, 60), dtype=bool)
    family[10:50, 10:50, 10:35] = True  # 40,000 voxels
    search = search_of(family, AFFINE, fwhm_mm, dlh)
    given = {"stat": "z", "df": None, "sided": "positive", "signs": "split", "extract_type": "connected_components"}
    return cluster_columns(np.array(sizes), np.array(sizes), 3.1, search, theory="fsl", **(given | keys))


def test_smoothness_in_mm_or_as_dlh():
    given = p_of_sizes([5, 50], None, 0.05)
    expected = -cluster_log_p(np.array([5, 50]), 3.1, 40000, 0.05) / np.log(10)
    np.testing.assert_allclose(given["log10_p_cluster"], expected)
    np.testing.assert_allclose(p_of_sizes([5, 50], [9.0, 9, 9], 0.05)["log10_p_cluster"], expected)
    width = p_of_sizes([5, 50], 8.0, None)
    expected = -cluster_log_p(np.array([5, 50]), 3.1, 40000, dlh_of(8, 27)) / np.log(10)
    np.testing.assert_allclose(width["log10_p_cluster"], expected)
    assert p_of_sizes([50], None, 0.05, sided="two")["p_cluster"][0] > given["p_cluster"][1]


def test_true_discoveries_on_the_real_map(motor):
    data, _ = motor
    labels = (data > 5).astype(np.int32)
    [tdp] = true_discovery_proportions(data, labels, data != 0, "z", None, "two", 0.05)
    assert 0.9 < tdp <= 1
    noise = np.random.default_rng(0).normal(size=data.shape)
    [nothing] = true_discovery_proportions(noise, labels, data != 0, "z", None, "two", 0.05)
    assert nothing == 0


def test_dimensions_of_the_search_volume():
    family = np.zeros((5, 6, 7), dtype=bool)
    assert search_of(family, AFFINE, 8.0, None) is None
    family[1:4, 2:5, 3] = True
    assert search_of(family, AFFINE, 8.0, None).n_dims == 2
    family[2, 3, 4] = True
    found = search_of(family, AFFINE, 8.0, None, search_voxels=99)
    assert found.n_dims == 3 and found.n_voxels == 99 and search_of(family, AFFINE, 8.0, None).n_voxels == 10
    back = search_from(search_entries(found, "sheet"))
    assert all(np.array_equal(one, other) for one, other in zip(found, back, strict=True))
    assert search_entries(None, None) == {} and search_from({}) is None


def critical(sizes, search, **keys):
    given = {
        "cluster_p": None,
        "cluster_q": None,
        "cluster_theory": "fsl",
        "stat": "z",
        "df": None,
        "sided": "positive",
    }
    return critical_extent(np.array(sizes, dtype=int), 3.1, search, **(given | keys), name="map 'm'")


def test_the_critical_extent_is_the_smallest_significant_size():
    search = search_of(np.ones((40, 40, 25), bool), AFFINE, 8.0, None)
    sizes = [3, 8, 30, 60, 90, 200]
    for theory in ("fsl", "spm"):
        logs = cluster_logs(3.1, search, theory=theory, stat="z", df=None, sided="positive")
        k = critical(sizes, search, cluster_p=0.05, cluster_theory=theory)
        p = np.exp(logs(np.array([k - 1, k]))[1])
        assert p[0] > 0.05 >= p[1]
        q = false_discovery_control(np.exp(logs(np.array(sizes))[0]))
        k = critical(sizes, search, cluster_q=0.05, cluster_theory=theory)
        assert k == min(size for size, one in zip(sizes, q, strict=True) if one <= 0.05)
        both = critical(sizes, search, cluster_p=1e-9, cluster_q=0.05, cluster_theory=theory)
        assert both == critical(sizes, search, cluster_p=1e-9, cluster_theory=theory) > k
    assert critical([1, 2], search, cluster_q=0.001) == 3  # none is significant
    assert critical([1, 2], search_of(np.ones((3, 3, 3), bool), AFFINE, 30.0, None), cluster_p=1e-9) == 28
    assert critical(sizes, search) is None and critical([], search, cluster_p=0.05) is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [({}, "smoothness"), ({"stat": "other"}, "stat other"), ({"stat": "t"}, "df None"), ({"cutoff": 0.5}, "z = 1")],
)
def test_significance_without_a_theory_is_refused(keys, said):
    search = None if not keys else search_of(np.ones((9, 9, 9), bool), AFFINE, 8.0, None)
    given = {"cutoff": 3.1, "stat": "z"} | keys
    with pytest.raises(UserError, match=r"map 'm': cluster_p: 0[.]05") as caught:
        critical_extent(
            np.array([5]),
            given["cutoff"],
            search,
            cluster_p=0.05,
            cluster_q=None,
            cluster_theory="fsl",
            stat=given["stat"],
            df=None,
            sided="two",
            name="map 'm'",
        )
    assert said in str(caught.value)


def test_tables_robustness_and_sweep_keep_one_sign_under_a_lax_cutoff():
    """A one-sided p of 0.9 resolves to 0: nothing negative in the table, the intervals or the grid."""
    data = np.random.default_rng(5).normal(size=(8, 8, 8))
    keys = {"sided": "positive", "cutoff_rule": None, "percentile_domain": "all", "domain": "mask"}
    cutoff = resolve_cutoff(data, data != 0, threshold={"p": 0.9}, **keys, stat="z", df=None)
    kept = suprathreshold_mask(data, cutoff, "positive")
    rules = {"extract_type": "connected_components", "connectivity": 6, "signs": "split"}
    rules |= {"min_region_size": 0, "size_rule": ">"}
    labels = extract_regions(np.where(kept, data, 0), AFFINE, rules).labels
    rules.pop("extract_type")
    table = pd.DataFrame(measure_regions(data, labels, AFFINE))
    assert set(table["sign"]) == {"positive"} and table["n_voxels"].sum() == (data > 0).sum()
    peaks = table[["peak_i", "peak_j", "peak_k"]].to_numpy()
    low, high, _ = robustness(data, AFFINE, table["sign"].to_numpy(), peaks, cutoff, sided="positive", **rules)
    assert (low >= 0).all() and (high > 0).all()
    settings = trees_of_settings(data, [6], ["split"], "positive", cutoff.at_least)
    grid, times_kept = sweep_grid(settings, data.shape, AFFINE, {"p=0.9": cutoff}, [0], ">")
    assert grid["suprathreshold"][0] == (data > 0).sum() and not times_kept[data < 0].any()


# ---- columns of random field theory ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def excursion(motor):
    """The real map above 4.5, positive side: data, affine, what passed, and its search volume."""
    data, affine = motor
    return data, affine, data >= 4.5, search_of(data != 0, affine, [9.0, 9.0, 8.0], None)


RULES = {"stat": "t", "df": 84.0, "sided": "positive", "signs": "split", "extract_type": "connected_components"}


def test_search_volume(excursion):
    data, affine, _, search = excursion
    assert (search.n_voxels, search.n_dims) == (np.count_nonzero(data), 3)
    np.testing.assert_allclose(search.fwhm, [3, 3, 8 / 3])
    assert search.dlh == pytest.approx((4 * np.log(2)) ** 1.5 / 24)
    np.testing.assert_array_equal(search.resels, resel_counts(data != 0, search.fwhm))
    assert search_of(data != 0, affine, None, None) is None
    assert search_of(data != 0, affine, None, 0.05, 1234).n_voxels == 1234
    slice_only = np.zeros(data.shape, bool)
    slice_only[10:30, 10:30, 20] = True
    flat = search_of(slice_only, affine, 9.0, None)
    assert flat.n_dims == 2 and flat.fwhm[2] == 1 and flat.resels[3] == 0 and flat.resels[2] == pytest.approx(19**2 / 9)
    # DLH of a slice is per voxel^2: `smoothest` prints 4 ln 2 / (FWHM_x FWHM_y)
    np.testing.assert_allclose(search_of(slice_only, affine, None, 4 * np.log(2) / 9).fwhm, [3, 3, 1])


def test_maxima_have_no_higher_neighbour_by_brute_force():
    rng = np.random.default_rng(8)
    data = rng.integers(-9, 10, size=(7, 6, 5)) + rng.uniform(size=(7, 6, 5))
    suprathreshold = np.abs(data) >= 3
    expected = []
    for at in np.argwhere(suprathreshold):
        around = data[tuple(slice(max(i - 1, 0), i + 2) for i in at)]
        steps = np.indices(around.shape).reshape(3, -1).T + np.maximum(at - 1, 0) - at
        near = around.ravel()[np.abs(steps).sum(axis=1) <= 2]
        if (near * np.sign(data[tuple(at)])).max() == abs(data[tuple(at)]):
            expected.append(abs(data[tuple(at)]))
    np.testing.assert_allclose(np.sort(excursion_maxima(data, suprathreshold, "two")), np.sort(expected))
    assert len(expected) > 5


def test_a_plateau_is_one_maximum():
    data = np.zeros((6, 3, 3))
    data[1:4, 1, 1] = 5
    assert excursion_maxima(data, data > 0, "positive").tolist() == [5]
    assert excursion_maxima(data, np.zeros(data.shape, bool), "two").size == 0


def test_peak_columns_are_spms_formulas(excursion):
    data, _, suprathreshold, search = excursion
    maxima = excursion_maxima(data, suprathreshold, "positive")
    values = np.sort(maxima)[::-1][:9]
    p = peak_fwe(values, search, "t", 84.0, "positive")
    np.testing.assert_array_equal(p, peak_p_fwe(values, search.resels, search.n_voxels, "t", 84.0))
    q = peak_fdr(values, maxima, 4.5, search, "t", 84.0, "positive")
    of_all = peak_q(maxima, 4.5, search.resels, "t", 84.0)
    np.testing.assert_array_equal(q, [of_all[maxima == value][0] for value in values])
    assert (peak_fwe(values, search, "t", 84.0, "two") >= p).all()
    between = np.sort(maxima)[3:5].mean()
    assert peak_fdr(np.array([between]), maxima, 4.5, search, "t", 84.0, "positive")[0] == np.sort(of_all)[::-1][3]


@pytest.mark.parametrize("theory", ["spm", "fsl"])
def test_cluster_columns(excursion, theory):
    data, affine, suprathreshold, search = excursion
    sizes = excursion_sizes(data, suprathreshold, 18)
    assert sizes.sum() == suprathreshold.sum()
    large = np.sort(sizes)[::-1][:4]
    found = cluster_columns(large, sizes, 4.5, search, theory=theory, **RULES)
    if theory == "fsl":
        z = norm.isf(t(84).sf(4.5))
        log = cluster_log_p(large, z, search.n_voxels, dlh_of([9.0, 9.0, 8.0], abs(np.linalg.det(affine[:3, :3]))))
        np.testing.assert_allclose(found["p_cluster"], np.exp(log), rtol=1e-9)
        np.testing.assert_allclose(found["log10_p_cluster"], -log / np.log(10), rtol=1e-9)
    else:
        unc, fwe = spm_cluster_log_p(large, 4.5, search.resels, search.fwhm, 3, "t", 84.0)
        np.testing.assert_allclose(found["p_cluster"], np.exp(fwe))
        np.testing.assert_allclose(found["p_cluster_unc"], np.exp(unc))
    every = cluster_columns(sizes, sizes, 4.5, search, theory=theory, **RULES)
    np.testing.assert_allclose(every["q_cluster"], false_discovery_control(every["p_cluster_unc"]), rtol=1e-9)
    assert set(found["q_cluster"]) <= set(every["q_cluster"])
    one = cluster_columns(large[:1], sizes, 4.5, search, theory=theory, **(RULES | {"sided": "two"}))
    assert one["p_cluster"][0] >= found["p_cluster"][0] and one["p_cluster_unc"][0] == found["p_cluster_unc"][0]


@pytest.mark.parametrize(
    "keys",
    [{"extract_type": "local_regions"}, {"signs": "merged", "sided": "two"}, {"stat": "other"}, {"df": None}],
)
def test_columns_are_empty_where_there_is_no_theory(excursion, keys):
    data, _, suprathreshold, search = excursion
    for theory in ("spm", "fsl"):
        found = cluster_columns(np.array([9]), np.array([9, 3]), 4.5, search, theory=theory, **(RULES | keys))
        assert all(np.isnan(one).all() for one in found.values())
        nothing = cluster_columns(np.array([9]), np.array([9]), 4.5, None, theory=theory, **RULES)
        assert all(np.isnan(one).all() for one in nothing.values())
        low = cluster_columns(np.array([9]), np.array([9]), 0.5, search, theory=theory, **RULES)
        assert all(np.isnan(one).all() for one in low.values())
    assert np.isnan(peak_fwe(np.array([5.0]), None, "t", 84.0, "two")).all()
    assert np.isnan(peak_fwe(np.array([5.0]), search, "other", None, "two")).all()
    assert np.isnan(peak_fdr(np.array([5.0]), np.zeros(0), 4.5, search, "t", 84.0, "two")).all()


def test_fwe_threshold_needs_the_smoothness_and_says_which_theory(excursion):
    data, affine, _, _ = excursion
    search = search_of(data != 0, affine, 18.0, None)
    rules = {"sided": "two", "cutoff_rule": None, "percentile_domain": "all", "domain": "mask", "stat": "t", "df": 84.0}
    asked = {"threshold": {"fwe": 0.05}} | rules
    cutoff = resolve_cutoff(data, data != 0, **asked, search=search)
    assert cutoff.method == "random field theory" and cutoff.n_domain == search.n_voxels
    assert peak_fwe(np.array([-cutoff.value]), search, "t", 84.0, "two") == pytest.approx(0.05)
    assert cutoff_of(cutoff_entries(cutoff)) == cutoff and cutoff_entries(cutoff)["Method"] == cutoff.method
    bonferroni = resolve_cutoff(data, data != 0, **(asked | {"threshold": {"bonferroni": 0.05}}))
    assert cutoff.value < bonferroni.value
    with pytest.raises(UserError, match=r"map 'm'.*fwhm_mm"):
        resolve_cutoff(data, data != 0, **asked, name="map 'm'")


def test_two_tails_double_what_is_expected(excursion):
    data, affine, _, _ = excursion
    search = search_of(data != 0, affine, 18.0, None)  # smooth: Bonferroni is not the smaller p
    one, two = (-np.log1p(-peak_fwe(np.array([5.5]), search, "z", None, sided)) for sided in ("positive", "two"))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9)


@pytest.mark.parametrize("sided", ["two", "positive"])
def test_f_and_p_have_one_tail_whatever_is_looked_at(excursion, sided):
    _, _, _, search = excursion
    p, log10_p, z = peak_statistics(np.array([9.0]), "F", (3.0, 40.0), sided)
    assert p == pytest.approx(f.sf(9.0, 3, 40)) and log10_p == pytest.approx(-np.log10(p))
    assert norm.sf(z) == pytest.approx(p)
    assert peak_statistics(np.array([3.0]), "log10p", None, sided)[0] == pytest.approx(0.001)
    field = "F", (3.0, 40.0)
    assert peak_fwe(np.array([9.0]), search, *field, sided) == peak_p_fwe(
        np.array([9.0]), search.resels, search.n_voxels, *field
    )
    logs = cluster_logs(9.0, search, theory="spm", stat=field[0], df=field[1], sided=sided)(np.array([20]))
    assert logs == spm_cluster_log_p(np.array([20]), 9.0, search.resels, search.fwhm, 3, *field)


def test_a_slice_has_spms_theory_in_two_dimensions_and_none_of_fsl():
    family = np.zeros((40, 40, 3), bool)
    family[:, :, 1] = True
    flat = search_of(family, AFFINE, 12.0, None)
    spm, fsl = (
        cluster_columns(np.array([30, 60]), np.array([30, 60]), 3.0, flat, theory=theory, **RULES)["p_cluster"]
        for theory in ("spm", "fsl")
    )
    assert 0 < spm[1] < spm[0] < 1 and np.isnan(fsl).all()
