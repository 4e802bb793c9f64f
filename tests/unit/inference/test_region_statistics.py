"""The columns that need a distribution: where they are filled in, where they are empty, and with what."""

import numpy as np
import pandas as pd
import pytest
from calls import resolve_cutoff, rule_of, stat_map_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f, false_discovery_control, norm, t

from statmap.distributions import F, PValues, T, Unknown, Z
from statmap.grid import voxel_volume
from statmap.inference.kinds import Cutoff
from statmap.inference.random_field import RandomField, benjamini_hochberg, fsl_cluster_log_p, random_field
from statmap.inference.region_statistics import (
    CLUSTER_COLUMNS,
    cluster_columns,
    critical_extent,
    excursion_maxima,
    excursion_sizes,
    peak_fdr,
    peak_fwe,
    peak_statistics,
    true_discovery_proportions,
)
from statmap.inference.search_volume import dlh_of, search_of
from statmap.inference.thresholds import Thresholded, suprathreshold_mask
from statmap.io.files import UserError
from statmap.io.stat_map import StatMap
from statmap.regions.extract import extract_regions
from statmap.regions.measures import measure_regions
from statmap.rules import PeakRule, RegionRule, SweepRule, ThresholdRule
from statmap.stability.robustness import robustness
from statmap.stability.sweep import sweep_grid, trees_of_settings
from statmap.tables.of_variant import tables_of_variant

AFFINE = np.diag([3.0, 3, 3, 1])


@pytest.mark.parametrize("sided", ["two", "positive", "negative"])
def test_peaks_against_scipy(sided):
    values = np.array([2.0, -3.5, 5.0])
    tail = {"two": np.abs(values), "positive": values, "negative": -values}[sided]
    factor = 2 if sided == "two" else 1
    for distribution, reference in ((Z(), norm), (T(12.0), t(12))):
        p, log10_p, z = peak_statistics(values, distribution, sided)
        np.testing.assert_allclose(p, factor * reference.sf(tail), rtol=1e-10)
        np.testing.assert_allclose(log10_p, -np.log10(factor * reference.sf(tail)), rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(z, np.sign(values) * norm.isf(reference.sf(np.abs(values))), rtol=1e-8)


def test_far_peaks_are_finite():
    p, log10_p, z = peak_statistics(np.array([30.0, 60.0]), Z(), "two")
    assert 0 < p[0] < 1e-190 and np.isfinite(log10_p).all() and log10_p[1] > 700 and z.tolist() == [30, 60]
    assert np.isfinite(peak_statistics(np.array([300.0]), T(50.0), "two")[2]).all()


@pytest.mark.parametrize("distribution", [Unknown(), T(), F()], ids=str)
def test_without_a_distribution_the_columns_are_empty(distribution):
    assert np.isnan(peak_statistics(np.array([3.0]), distribution, "two")).all()
    labels = np.ones((2, 2, 2), dtype=np.int32)
    stat_map = StatMap("m", labels * 5.0, AFFINE, labels > 0, distribution)
    tdp = true_discovery_proportions(stat_map, labels, "mask", "two", 0.05)
    assert tdp.shape == (1,) and np.isnan(tdp).all()


def p_of_sizes(sizes, fwhm_mm, dlh, sided="positive"):
    family = np.zeros((60, 60, 60), dtype=bool)
    family[10:50, 10:50, 10:35] = True  # 40,000 voxels
    field = random_field(Z(), sided, search_of(family, AFFINE, fwhm_mm, dlh))
    return cluster_columns(np.array(sizes), field, np.array(sizes), 3.1, "fsl")


def test_smoothness_in_mm_or_as_dlh():
    by_dlh = p_of_sizes([5, 50], None, 0.05)
    expected = -fsl_cluster_log_p(np.array([5, 50]), 3.1, 0.05, 40000)[1] / np.log(10)
    np.testing.assert_allclose(by_dlh["log10_p_cluster"], expected)
    np.testing.assert_allclose(p_of_sizes([5, 50], [9.0, 9, 9], 0.05)["log10_p_cluster"], expected)
    by_width = p_of_sizes([5, 50], 8.0, None)
    expected = -fsl_cluster_log_p(np.array([5, 50]), 3.1, dlh_of(8, 27), 40000)[1] / np.log(10)
    np.testing.assert_allclose(by_width["log10_p_cluster"], expected)
    assert p_of_sizes([50], None, 0.05, sided="two")["p_cluster"][0] > by_dlh["p_cluster"][1]


def test_true_discoveries_on_the_real_map(motor):
    data, _ = motor
    labels = (data > 5).astype(np.int32)
    [tdp] = true_discovery_proportions(StatMap("m", data, AFFINE, data != 0, Z()), labels, "mask", "two", 0.05)
    assert 0.9 < tdp <= 1
    noise = np.random.default_rng(0).normal(size=data.shape)
    noise = StatMap("m", np.where(data != 0, noise, 0), AFFINE, data != 0, Z())
    [nothing] = true_discovery_proportions(noise, labels, "mask", "two", 0.05)
    assert nothing == 0


def critical(sizes, search, **keys):
    rule = RegionRule(**{"sided": "positive"} | keys)
    return critical_extent(np.array(sizes, dtype=int), 3.1, search, rule, Z(), "map 'm'")


def test_the_critical_extent_is_the_smallest_significant_size():
    search = search_of(np.ones((40, 40, 25), bool), AFFINE, 8.0, None)
    sizes = [3, 8, 30, 60, 90, 200]
    for theory in ("fsl", "spm"):
        log_p = RandomField(Z(), "positive", search).cluster_log_p(3.1, theory)
        k = critical(sizes, search, cluster_p=0.05, cluster_theory=theory)
        p = np.exp(log_p(np.array([k - 1, k]))[1])
        assert p[0] > 0.05 >= p[1]
        q = false_discovery_control(np.exp(log_p(np.array(sizes))[0]))
        k = critical(sizes, search, cluster_q=0.05, cluster_theory=theory)
        assert k == min(size for size, q_of_size in zip(sizes, q, strict=True) if q_of_size <= 0.05)
        both = critical(sizes, search, cluster_p=1e-9, cluster_q=0.05, cluster_theory=theory)
        assert both == critical(sizes, search, cluster_p=1e-9, cluster_theory=theory) > k
    assert critical([1, 2], search, cluster_q=0.001) == 3  # none is significant
    assert critical([1, 2], search_of(np.ones((3, 3, 3), bool), AFFINE, 30.0, None), cluster_p=1e-9) == 28
    assert critical(sizes, search) is None and critical([], search, cluster_p=0.05) is None


@pytest.mark.parametrize(
    ("distribution", "cutoff", "words"),
    [
        (None, 3.1, "smoothness"),
        (Unknown(), 3.1, "stat other"),
        (T(), 3.1, "df None"),
        (PValues(), 3.1, "stat log10p"),
        (Z(), 0.5, "z = 1"),
    ],
    ids=str,
)
def test_significance_without_a_theory_is_refused(distribution, cutoff, words):
    search = None if distribution is None else search_of(np.ones((9, 9, 9), bool), AFFINE, 8.0, None)
    rule = RegionRule(cluster_p=0.05, cluster_theory="fsl", sided="two")
    with pytest.raises(UserError, match=r"map 'm': cluster_p: 0[.]05") as refusal:
        critical_extent(np.array([5]), cutoff, search, rule, distribution or Z(), "map 'm'")
    assert words in str(refusal.value)


def test_tables_robustness_and_sweep_keep_one_sign_under_a_lax_cutoff():
    """A one-sided p of 0.9 resolves to 0: nothing negative in the table, the intervals or the grid."""
    data = np.random.default_rng(5).normal(size=(8, 8, 8))
    stat_map = stat_map_of(data, AFFINE, stat="z")
    cutoff = resolve_cutoff(data, data != 0, {"threshold": {"p": 0.9}, "sided": "positive", "stat": "z"})
    passes = suprathreshold_mask(data, cutoff, "positive")
    rule = RegionRule(sided="positive", signs="split", connectivity=6, min_region_size=0.0, size_rule=">")
    labels = extract_regions(np.where(passes, data, 0), AFFINE, rule).labels
    table = pd.DataFrame(measure_regions(data, labels, AFFINE, 6))
    assert set(table["sign"]) == {"positive"} and table["n_voxels"].sum() == (data > 0).sum()
    peaks = table[["peak_i", "peak_j", "peak_k"]].to_numpy()
    low, high, _ = robustness(stat_map, table["sign"].to_numpy(), peaks, cutoff, rule)
    assert (low >= 0).all() and (high > 0).all()
    sweep = SweepRule(
        thresholds=[{"p": 0.9}], min_region_sizes=[0], connectivities=[6], signs=["split"], sided="positive"
    )
    trees = trees_of_settings(data, sweep, cutoff.at_least)
    grid, times_kept = sweep_grid(trees, data.shape, AFFINE, {"p=0.9": cutoff}, [0], ">")
    assert grid["suprathreshold"][0] == (data > 0).sum() and not times_kept[data < 0].any()


# ---- columns of random field theory ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def excursion(motor):
    """The real map above 4.5, positive side: data, affine, what passed, and its search volume."""
    data, affine = motor
    return data, affine, data >= 4.5, search_of(data != 0, affine, [9.0, 9.0, 8.0], None)


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
    field, two_tailed = (RandomField(T(84.0), sided, search) for sided in ("positive", "two"))
    maxima = excursion_maxima(data, suprathreshold, "positive")
    values = np.sort(maxima)[::-1][:9]
    p = peak_fwe(values, field)
    expected = -np.expm1(-search.resels @ np.maximum(T(84.0).ec_densities(values), 2.0**-52))
    np.testing.assert_allclose(p, np.minimum(expected, search.n_voxels * t(84).sf(values)), rtol=1e-9)
    assert (peak_fwe(values, two_tailed) >= p).all()
    q = peak_fdr(values, field, maxima, 4.5)
    of_all = benjamini_hochberg(np.minimum(field.expected_ec(maxima) / field.expected_ec(4.5), 1))
    np.testing.assert_array_equal(q, [of_all[maxima == value][0] for value in values])
    between = np.sort(maxima)[3:5].mean()
    assert peak_fdr(np.array([between]), field, maxima, 4.5)[0] == np.sort(of_all)[::-1][3]


@pytest.mark.parametrize("theory", ["spm", "fsl"])
def test_cluster_columns(excursion, theory):
    data, affine, suprathreshold, search = excursion
    field, two_tailed = (RandomField(T(84.0), sided, search) for sided in ("positive", "two"))
    sizes = excursion_sizes(data, suprathreshold, 18)
    assert sizes.sum() == suprathreshold.sum()
    large = np.sort(sizes)[::-1][:4]
    columns = cluster_columns(large, field, sizes, 4.5, theory)
    assert tuple(columns) == CLUSTER_COLUMNS
    if theory == "fsl":
        z, dlh = norm.isf(t(84).sf(4.5)), dlh_of([9.0, 9.0, 8.0], voxel_volume(affine))
        uncorrected, family_wise = fsl_cluster_log_p(large, z, dlh, search.n_voxels)
    else:
        uncorrected, family_wise = field.spm_cluster_log_p(large, 4.5)
    np.testing.assert_allclose(columns["p_cluster"], np.exp(family_wise), rtol=1e-9)
    np.testing.assert_allclose(columns["log10_p_cluster"], -family_wise / np.log(10), rtol=1e-9)
    np.testing.assert_allclose(columns["p_cluster_unc"], np.exp(uncorrected))
    of_all = cluster_columns(sizes, field, sizes, 4.5, theory)
    np.testing.assert_allclose(of_all["q_cluster"], false_discovery_control(of_all["p_cluster_unc"]), rtol=1e-9)
    assert set(columns["q_cluster"]) <= set(of_all["q_cluster"])
    of_two = cluster_columns(large[:1], two_tailed, sizes, 4.5, theory)
    assert of_two["p_cluster"][0] >= columns["p_cluster"][0]
    assert of_two["p_cluster_unc"][0] == columns["p_cluster_unc"][0]


def empty_columns(excursion, theory, cutoff=4.5, smooth=True, **keys):
    """Which of the columns of clusters have no number in the table of a variant."""
    data, affine, _, search = excursion
    keys = {"sided": "positive", "stat": "t", "df": 84.0, "min_region_size": 0.0, "cluster_theory": theory} | keys
    resolved = Cutoff(cutoff, ">=", "value")
    thresholded = Thresholded(
        ThresholdRule(threshold=cutoff, sided=keys["sided"]), resolved, search if smooth else None
    )
    passing = np.where(suprathreshold_mask(data, resolved, keys["sided"]), data, 0)
    regions = extract_regions(passing, affine, rule_of(RegionRule, keys))
    stat_map = stat_map_of(data, affine, stat=keys["stat"], df=keys["df"])
    table = tables_of_variant(stat_map, thresholded, regions, PeakRule(max_peaks=1)).regions
    assert len(table["region"]) > 0
    return {name for name in CLUSTER_COLUMNS if np.isnan(table[name]).all()}


@pytest.mark.parametrize(
    "keys",
    [
        {"extract_type": "local_regions"},
        {"signs": "merged", "sided": "two"},
        {"stat": "other"},
        {"df": None},
        {"cutoff": 0.5},
        {"smooth": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("theory", ["spm", "fsl"])
def test_columns_are_empty_where_there_is_no_theory(excursion, theory, keys):
    assert empty_columns(excursion, theory, **keys) == set(CLUSTER_COLUMNS)


@pytest.mark.parametrize("keys", [{}, {"signs": "merged"}, {"sided": "two"}, {"stat": "z", "df": None}], ids=str)
@pytest.mark.parametrize("theory", ["spm", "fsl"])
def test_columns_are_filled_in_where_there_is_one(excursion, theory, keys):
    assert empty_columns(excursion, theory, **keys) == set()


@pytest.mark.parametrize("theory", ["spm", "fsl"])
def test_cluster_columns_without_a_theory_have_a_row_for_each_region(excursion, theory):
    field = RandomField(T(84.0), "positive", excursion[3])
    n_voxels, sizes = np.array([9]), np.array([9, 3])
    for columns in (
        cluster_columns(n_voxels, None, sizes, 4.5, theory),
        cluster_columns(n_voxels, field, sizes, 0.5, theory),
        cluster_columns(n_voxels, field, sizes, np.inf, theory),
    ):
        assert tuple(columns) == CLUSTER_COLUMNS
        assert all(column.shape == (1,) and np.isnan(column).all() for column in columns.values())


def test_peak_columns_are_empty_where_there_is_no_theory(excursion):
    search, values = excursion[3], np.array([5.0])
    for distribution, volume in ((T(84.0), None), (Unknown(), search), (T(), search), (PValues(), search)):
        field = random_field(distribution, "two", volume)
        assert np.isnan(peak_fwe(values, field)).all()
        assert np.isnan(peak_fdr(values, field, np.array([5.0]), 4.5)).all()
    field = random_field(T(84.0), "two", search)
    assert np.isnan(peak_fdr(values, field, np.zeros(0), 4.5)).all()
    assert np.isnan(peak_fdr(values, field, np.array([5.0]), np.inf)).all()
    assert peak_fdr(values, field, np.array([5.0]), 4.5)[0] > 0


def test_fwe_threshold_needs_the_smoothness_and_says_which_theory(excursion):
    data, affine, _, _ = excursion
    search = search_of(data != 0, affine, 18.0, None)
    keys = {"threshold": {"fwe": 0.05}, "sided": "two", "stat": "t", "df": 84.0}
    cutoff = resolve_cutoff(data, data != 0, keys, search=search)
    assert cutoff.method == "random field theory" and cutoff.n_domain == search.n_voxels
    assert peak_fwe(np.array([-cutoff.value]), RandomField(T(84.0), "two", search)) == pytest.approx(0.05)
    assert Cutoff.from_entries(cutoff.entries()) == cutoff and cutoff.entries()["Method"] == cutoff.method
    bonferroni = resolve_cutoff(data, data != 0, keys | {"threshold": {"bonferroni": 0.05}})
    assert cutoff.value < bonferroni.value
    with pytest.raises(UserError, match=r"map 'm'.*fwhm_mm"):
        resolve_cutoff(data, data != 0, keys, name="map 'm'")


def test_two_tails_double_what_is_expected(excursion):
    data, affine, _, _ = excursion
    search = search_of(data != 0, affine, 18.0, None)  # smooth: Bonferroni is not the smaller p
    positive, two = (
        -np.log1p(-peak_fwe(np.array([5.5]), RandomField(Z(), sided, search))) for sided in ("positive", "two")
    )
    np.testing.assert_allclose(two, 2 * positive, rtol=1e-9)


@pytest.mark.parametrize("sided", ["two", "positive"])
def test_f_and_p_have_one_tail_whatever_is_looked_at(excursion, sided):
    _, _, _, search = excursion
    distribution = F(3.0, 40.0)
    p, log10_p, z = peak_statistics(np.array([9.0]), distribution, sided)
    assert p == pytest.approx(f.sf(9.0, 3, 40)) and log10_p == pytest.approx(-np.log10(p))
    assert norm.sf(z) == pytest.approx(p)
    assert peak_statistics(np.array([3.0]), PValues(), sided)[0] == pytest.approx(0.001)
    field, positive = RandomField(distribution, sided, search), RandomField(distribution, "positive", search)
    expected = min(-np.expm1(-search.resels @ distribution.ec_densities(9.0)), search.n_voxels * f.sf(9.0, 3, 40))
    assert peak_fwe(np.array([9.0]), field) == pytest.approx(expected, rel=1e-9)
    log_p = field.cluster_log_p(9.0, "spm")(np.array([20]))
    assert log_p == positive.spm_cluster_log_p(np.array([20]), 9.0)


def test_a_slice_has_spms_theory_in_two_dimensions_and_none_of_fsl():
    family = np.zeros((40, 40, 3), bool)
    family[:, :, 1] = True
    field, sizes = RandomField(T(84.0), "positive", search_of(family, AFFINE, 12.0, None)), np.array([30, 60])
    spm, fsl = (cluster_columns(sizes, field, sizes, 3.0, theory)["p_cluster"] for theory in ("spm", "fsl"))
    assert 0 < spm[1] < spm[0] < 1 and np.isnan(fsl).all()


# ---- at the edges of the theory -------------------------------------------------------------------------------------


def tunnels(seed, fwhm_voxels):
    """A z map of noise on 16³ voxels, a fifth of them 0, and what was searched: tunnels all through."""
    random = np.random.default_rng(seed)
    data = random.normal(size=(16, 16, 16)).astype(np.float32)
    data[random.random(data.shape) < 0.2] = 0
    return data, search_of(data != 0, np.eye(4), float(fwhm_voxels), None)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 99),
    fwhm=st.floats(1.5, 40),
    cutoff=st.floats(1.1, 4),
    distribution=st.sampled_from([Z(), T(12), F(3, 40)]),
    sided=st.sampled_from(["two", "positive"]),
    theory=st.sampled_from(["fsl", "spm"]),
)
def test_every_p_and_q_is_one(seed, fwhm, cutoff, distribution, sided, theory):
    data, search = tunnels(seed, fwhm)
    data = np.abs(data) * 2 if not distribution.two_tailed else data * 2
    field = random_field(distribution, sided, search)
    passes = data >= cutoff
    maxima, sizes = excursion_maxima(data, passes, sided), excursion_sizes(data, passes, 18)
    heights = data[passes][:50].astype(np.float64)
    columns = cluster_columns(sizes, field, sizes, cutoff, theory)
    columns_of_peaks = [field.p_fwe(heights), field.q(heights, maxima, cutoff)]
    columns_of_peaks += [columns[name] for name in ("p_cluster", "p_cluster_unc", "q_cluster")]
    for values in columns_of_peaks:
        assert ((values >= 0) & (values <= 1) | np.isnan(values)).all()


@pytest.mark.parametrize("cutoff", [2.0, 3.0])
def test_where_fewer_than_no_clusters_are_expected_bonferroni_bounds(cutoff):
    data, search = tunnels(0, 30)
    field = random_field(Z(), "positive", search)
    assert field.expected_ec(cutoff) < 0
    heights = np.array([cutoff, cutoff + 1])
    np.testing.assert_allclose(field.p_fwe(heights), np.minimum(search.n_voxels * norm.sf(heights), 1), rtol=1e-9)
    assert np.isnan(field.q(heights, heights, cutoff)).all()


@pytest.mark.parametrize("search_voxels", [20, 5000])
@pytest.mark.parametrize("theory", ["fsl", "spm"])
def test_a_cluster_is_kept_by_its_own_p(search_voxels, theory):
    """Also one that has more voxels than the sheet says were searched."""
    search = search_of(np.ones((30, 30, 30), bool), np.eye(4), 12.0, None, search_voxels)
    sizes = np.array([15, 25, 40, 90, 400, 3000])
    rule = RegionRule(cluster_p=0.05, cluster_theory=theory, sided="positive")
    critical = critical_extent(sizes, 2.3, search, rule, Z(), "map 'm'")
    p = cluster_columns(sizes, random_field(Z(), "positive", search), sizes, 2.3, theory)["p_cluster"]
    assert ((sizes >= critical) == (p <= 0.05)).all() and (p > 0.05).any() == (theory == "spm" or search_voxels > 20)
