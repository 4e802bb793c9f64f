"""The columns that need a distribution: where they are filled in, where they are empty, and with what."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from statmap.inference.random_field import cluster_log_p, dlh_of
from statmap.inference.region_statistics import (
    cluster_p,
    peak_statistics,
    search_dims,
    true_discovery_proportions,
)
from statmap.inference.thresholds import find_survivors, resolve_cutoff
from statmap.regions.extract import extract_regions
from statmap.regions.measures import measure_regions
from statmap.stability.sweep import sweep_grid
from statmap.stability.tree import robustness

SPEC = {
    "stat": "z",
    "df": None,
    "dlh": 0.05,
    "fwhm_mm": None,
    "signs": "split",
    "sided": "positive",
    "extract_type": "connected_components",
}
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
    assert np.isnan(cluster_p(np.array([9]), 3.0, AFFINE, 1000, **(SPEC | {"stat": stat, "df": df}))).all()


@pytest.mark.parametrize(
    "keys",
    [{"dlh": None}, {"extract_type": "local_regions"}, {"signs": "merged", "sided": "two"}],
)
def test_cluster_p_is_empty_where_the_theory_does_not_apply(keys):
    assert np.isnan(cluster_p(np.array([9]), 3.0, AFFINE, 1000, **(SPEC | keys))).all()
    assert np.isnan(cluster_p(np.array([9]), np.inf, AFFINE, 1000, **SPEC)).all()


def test_smoothness_in_mm_or_as_dlh():
    given = cluster_p(np.array([5, 50]), 3.1, AFFINE, 40000, **SPEC)
    np.testing.assert_allclose(given[1], -cluster_log_p(np.array([5, 50]), 3.1, 40000, 0.05) / np.log(10))
    width = cluster_p(np.array([5, 50]), 3.1, AFFINE, 40000, **(SPEC | {"dlh": None, "fwhm_mm": [8.0]}))
    np.testing.assert_allclose(width[1], -cluster_log_p(np.array([5, 50]), 3.1, 40000, dlh_of(8, 27)) / np.log(10))
    both = cluster_p(np.array([50]), 3.1, AFFINE, 40000, **(SPEC | {"sided": "two"}))
    assert both[0] > given[0][1]


def test_true_discoveries_on_the_real_map(motor):
    data, _ = motor
    labels = (data > 5).astype(np.int32)
    [tdp] = true_discovery_proportions(data, labels, data != 0, "z", None, "two", 0.05)
    assert 0.9 < tdp <= 1
    noise = np.random.default_rng(0).normal(size=data.shape)
    [nothing] = true_discovery_proportions(noise, labels, data != 0, "z", None, "two", 0.05)
    assert nothing == 0


def test_a_single_slice_has_no_three_dimensional_p():
    assert np.isnan(cluster_p(np.array([9]), 3.0, AFFINE, 1000, **SPEC, n_dims=2)).all()
    family = np.zeros((5, 6, 7), dtype=bool)
    assert search_dims(family) == 0
    family[1:4, 2:5, 3] = True
    assert search_dims(family) == 2
    family[2, 3, 4] = True
    assert search_dims(family) == 3


def test_tables_robustness_and_sweep_keep_one_sign_under_a_lax_cutoff():
    """A one-sided p of 0.9 resolves to 0: nothing negative in the table, the intervals or the grid."""
    data = np.random.default_rng(5).normal(size=(8, 8, 8))
    keys = {"sided": "positive", "cutoff_rule": None, "percentile_domain": "all", "domain": "mask"}
    cutoff = resolve_cutoff(data, data != 0, threshold={"p": 0.9}, **keys, stat="z", df=None)
    kept = find_survivors(data, cutoff, "positive")
    rules = {"extract_type": "connected_components", "connectivity": 6, "signs": "split"}
    rules |= {"min_region_size": 0, "size_rule": ">"}
    labels = extract_regions(np.where(kept, data, 0), AFFINE, rules).labels
    rules.pop("extract_type")
    table = pd.DataFrame(measure_regions(data, labels, AFFINE))
    assert set(table["sign"]) == {"positive"} and table["n_voxels"].sum() == (data > 0).sum()
    interval = robustness(data, AFFINE, table, cutoff, sided="positive", **rules)
    assert (interval["robust_low"] >= 0).all() and (interval["robust_high"] > 0).all()
    grid, share = sweep_grid(data, AFFINE, {"p=0.9": cutoff}, [0], [6], ["split"], "positive", ">")
    assert grid["survivors"][0] == (data > 0).sum() and not share[data < 0].any()
