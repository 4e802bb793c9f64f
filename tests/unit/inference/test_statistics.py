"""Cutoffs over families of tests and true discovery proportions, against scipy.stats and first principles."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from statmap.distributions import T, Z, tail_values
from statmap.inference import statistics

SIDES = ("two", "positive", "negative")

usual = st.floats(-9, 9)
laws = settings(deadline=None, max_examples=60)


def test_minus_log10_has_no_negative_zero():
    assert statistics.minus_log10(Z().log_p(40.0)) == pytest.approx(349.136, abs=1e-3)
    assert str(statistics.minus_log10(Z().log_p(0.0))) == "0.0"


# ---- cutoffs --------------------------------------------------------------------------------------------------------


def test_bonferroni_divides_the_level_by_the_tests():
    assert statistics.cutoff_bonferroni(0.05, 1000, Z()) == Z().cutoff(0.05 / 1000)
    assert statistics.cutoff_bonferroni(0.05, 1000, T(12), "positive") == T(12).cutoff(0.05 / 1000, "positive")
    assert statistics.cutoff_bonferroni(0.05, 0, Z()) == np.inf


def rejected_by_fdr(values, alpha, distribution, sided):
    cutoff = statistics.cutoff_fdr(values, alpha, distribution, sided)
    return tail_values(values, sided) >= cutoff


@laws
@given(
    values=st.lists(usual, min_size=1, max_size=40),
    alpha=st.floats(1e-4, 0.49),
    sided=st.sampled_from(SIDES),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@pytest.mark.parametrize("distribution", [Z(), T(12)], ids=str)
def test_fdr_rejects_what_scipy_rejects(distribution, values, alpha, sided, dtype):
    values = np.array(values, dtype=dtype)
    adjusted = stats.false_discovery_control(np.minimum(distribution.p(values, sided), 1))
    if np.abs(adjusted / alpha - 1).min() > 1e-12:  # a p that equals its limit is decided by rounding
        np.testing.assert_array_equal(rejected_by_fdr(values, alpha, distribution, sided), adjusted <= alpha)


@laws
@given(values=st.lists(usual, min_size=1, max_size=40), alpha=st.floats(1e-4, 0.49), sided=st.sampled_from(SIDES))
def test_the_fdr_cutoff_is_a_voxel_of_the_map_or_inf(values, alpha, sided):
    cutoff = statistics.cutoff_fdr(np.array(values), alpha, Z(), sided)
    assert cutoff == np.inf or cutoff in tail_values(values, sided)


def test_negative_fdr_is_the_positive_one_of_the_mirrored_map():
    values = np.random.default_rng(5).normal(size=500) - 3 * (np.arange(500) < 50)
    negative = statistics.cutoff_fdr(values, 0.05, Z(), sided="negative")
    assert negative == statistics.cutoff_fdr(-values, 0.05, Z(), sided="positive")
    assert 1 < negative < 4
    assert statistics.cutoff_fdr(values, 0.05, Z(), sided="positive") > negative


def test_nothing_significant_is_inf():
    assert statistics.cutoff_fdr(np.linspace(-1, 1, 50), 0.05, Z()) == np.inf
    assert statistics.cutoff_fdr(np.array([]), 0.05, Z()) == np.inf


def test_statistics_whose_p_underflows_are_significant():
    values = np.array([50.0, 1e4, 0.1, -0.2])
    assert statistics.cutoff_fdr(values, 0.05, Z()) == 50


# ---- true discovery proportion --------------------------------------------------------------------------------------

# a coarse grid (steps of 1/80) makes ties and equalities with j alpha / i common
p_lists = st.lists(
    st.one_of(st.integers(0, 80).map(lambda k: k / 80), st.floats(0, 1), st.just(0.0)), min_size=1, max_size=14
)
alphas = st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.5])


def hommel_by_definition(p, alpha):
    p, m = np.sort(p), len(p)
    return max(i for i in range(m + 1) if all(i * p[m - i + j - 1] > j * alpha for j in range(1, i + 1)))


@laws
@given(p=p_lists, alpha=alphas)
@example(p=[0.125, 1.0], alpha=0.25)  # 2 * 0.125 equals 1 * 0.25: Simes rejects the pair, so only one can be inactive
def test_hommel_is_its_definition(p, alpha):
    assert statistics.hommel_value(np.array(p), alpha) == hommel_by_definition(p, alpha)


def test_hommel_of_larger_families():
    rng = np.random.default_rng(11)
    for m in (200, 500):
        p = np.where(rng.random(m) < 0.3, rng.random(m) * 1e-4, rng.random(m))
        assert statistics.hommel_value(p, 0.05) == hommel_by_definition(p, 0.05)


def discovered_by_closed_testing(p, region, alpha):
    """The bound from first principles: |region| minus its largest subset that closed testing does not reject."""
    m = len(p)
    sets = [frozenset(c) for n in range(1, m + 1) for c in combinations(range(m), n)]
    simes = {s: any(q <= (k + 1) * alpha / len(s) for k, q in enumerate(sorted(p[i] for i in s))) for s in sets}
    tenable = {s for s in sets if any(s <= larger and not simes[larger] for larger in sets)}
    return len(region) - max((len(s) for s in tenable if s <= region), default=0)


@settings(deadline=None, max_examples=25)
@given(p=st.lists(st.floats(0, 0.3), min_size=5, max_size=5), split=st.integers(1, 4))
def test_tdp_is_the_bound_of_closed_testing(p, split):
    alpha = 0.1
    ids = np.array([1] * split + [2] * (5 - split))
    tdp = statistics.region_tdp(p, ids, 2, statistics.hommel_value(p, alpha), alpha)
    for region in (1, 2):
        members = frozenset(np.flatnonzero(ids == region).tolist())
        discovered = discovered_by_closed_testing(p, members, alpha)
        assert tdp[region - 1] == pytest.approx(discovered / len(members))


@laws
@given(data=st.data(), alpha=alphas)
def test_tdp_is_a_share_and_ignores_voxels_outside_and_their_order(data, alpha):
    p = np.array(data.draw(p_lists))
    ids = np.array(data.draw(st.lists(st.integers(0, 3), min_size=p.size, max_size=p.size)))
    h = statistics.hommel_value(p, alpha)
    tdp = statistics.region_tdp(p, ids, 3, h, alpha)
    assert tdp.shape == (3,)
    assert ((tdp >= 0) & (tdp <= 1)).all()
    order = np.random.default_rng(0).permutation(p.size)
    np.testing.assert_array_equal(tdp, statistics.region_tdp(p[order], ids[order], 3, h, alpha))
    np.testing.assert_array_equal(tdp, statistics.region_tdp(p[ids > 0], ids[ids > 0], 3, h, alpha))
    whole = statistics.region_tdp(p, np.ones(p.size, dtype=int), 1, h, alpha)[0]
    assert whole * p.size >= 0 and round(whole * p.size) == p.size - h


def test_tdp_of_pure_noise_is_mostly_nothing():
    """At alpha 0.1, about one family of noise in ten may hold any discovery (here 200 families of 300 voxels)."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(200):
        p = rng.random(300)
        h = statistics.hommel_value(p, 0.1)
        ids = np.where(p < 0.05, 1, 0)  # the region is chosen after looking: the bound allows it
        wrong += statistics.region_tdp(p, ids, 1, h, 0.1)[0] > 0
    assert 4 <= wrong <= 36


def test_everything_discovered_and_underflowed_p_values():
    p = Z().p(np.array([50.0, 60.0, 1.0, -1.0]), sided="positive")
    assert p[0] == 0
    h = statistics.hommel_value(p, 0.05)
    np.testing.assert_array_equal(statistics.region_tdp(p, [1, 1, 2, 2], 2, h, 0.05), [1, 0])
    assert statistics.hommel_value([0.01, 0.02], 0.05) == 0
    np.testing.assert_array_equal(statistics.region_tdp([0.01, 0.02], [1, 1], 1, 0, 0.05), [1])
    assert statistics.hommel_value([], 0.05) == 0
    assert statistics.region_tdp([], np.array([], dtype=int), 0, 0, 0.05).shape == (0,)
