"""Tails, cutoffs and true discovery proportions against scipy.stats, reference values and first principles."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from statmap.inference import statistics

SIDES = ("two", "positive", "negative")
DISTRIBUTIONS = [("z", None), ("t", 1), ("t", 3.5), ("t", 28), ("t", 1e6)]

finite = st.floats(allow_nan=False, allow_infinity=False)
usual = st.floats(-9, 9)
laws = settings(deadline=None, max_examples=60)

# df, t, ln P(T >= t). Obtained with mpmath 1.4.1 at 40 digits: the logarithm of the integral of the density over
# (t, inf), by mpmath.quad in v = ln(x / t), the density at t divided out, the range cut where 1, 3, 8, 20, 50 and 120
# powers of e are lost. The same code gives the closed forms of df = 1 and df = 2 to 35 digits.
FAR_TAIL_OF_T = [
    (1, 5, -2.7672755312468292),
    (1, 1000, -8.0524854981647261),
    (3.5, 60, -13.755117250400051),
    (10, 8, -12.042683957260618),
    (28, 35, -55.798708341397779),
    (28, 1000, -149.36063106162064),
    (100, 1000, -463.74599291625249),
    (1000, 37, -435.33356275301562),
    (1000, 60, -767.27893372308117),
    (1000, 1000, -3458.7499570780993),
    (12345, 40, -756.78947436254531),
    (12345, 300, -13061.009683013897),
    (1e6, 5, -15.064829835370246),
    (1e6, 38.5, -745.14580586111068),
    (1e6, 300, -43095.427764046686),
    (1e6, 1000, -346581.07040144455),
]


def scipy_sf(values, stat, df):
    return stats.norm.sf(values) if stat == "z" else stats.t.sf(values, df)


# ---- tails ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("df", "t", "expected"), FAR_TAIL_OF_T)
def test_log_sf_of_t_reference_values(df, t, expected):
    assert statistics.log_sf(t, "t", df) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("stat", "df"), DISTRIBUTIONS)
def test_log_sf_agrees_with_scipy_where_scipy_does_not_underflow(stat, df):
    values = np.linspace(-30, 30, 1201)
    np.testing.assert_allclose(np.exp(statistics.log_sf(values, stat, df)), scipy_sf(values, stat, df), rtol=1e-10)


@pytest.mark.parametrize("df", [12.5, 300, 4e4, 1e6])
def test_the_series_of_t_is_the_direct_value_where_both_can_be_had(df, monkeypatch):
    t = -stats.t.ppf([1e-201, 1e-240, 1e-279], df)
    direct = statistics.log_sf(t, "t", df)
    monkeypatch.setattr(statistics, "_SMALLEST_P", 1e-200)
    series = statistics.log_sf(t, "t", df)
    np.testing.assert_allclose(series, direct, rtol=1e-13)


@laws
@given(values=st.lists(finite, min_size=1, max_size=20), df=st.floats(1, 1e6), sided=st.sampled_from(SIDES))
@pytest.mark.parametrize("stat", ["z", "t"])
def test_logs_are_finite_and_z_keeps_the_sign_for_any_finite_value(stat, values, df, sided):
    values = np.array(values)
    log = statistics.log_p(values, stat, df, sided)
    assert log.shape == values.shape
    assert np.isfinite(log).all()
    assert (log <= 0).all()
    z = statistics.z_of(values, stat, df)
    assert np.isfinite(z).all()
    assert (np.sign(z) == np.sign(values))[np.abs(values) > 1e-7].all()


@laws
@given(a=usual, b=usual, df=st.floats(1, 1e6))
def test_z_of_t_keeps_order_tail_and_symmetry(a, b, df):
    low, high = sorted((a, b))
    z = statistics.z_of([low, high, -low], "t", df)
    assert z[0] <= z[1]
    assert z[2] == -z[0]
    assert abs(z[0]) <= abs(low) + 1e-12  # t has the heavier tail
    assert stats.norm.sf(z[0]) == pytest.approx(stats.t.sf(low, df), rel=1e-8)


@pytest.mark.parametrize(("df", "t", "log_tail"), FAR_TAIL_OF_T)
def test_z_of_t_has_the_same_tail_however_far(df, t, log_tail):
    z = statistics.z_of([t, -t], "t", df)
    assert stats.norm.logsf(z[0]) == pytest.approx(log_tail, rel=1e-11)
    assert z[1] == -z[0]


def test_z_beyond_30_has_a_finite_log10_and_z_is_left_alone():
    assert statistics.minus_log10(statistics.log_p(40.0, "z")) == pytest.approx(349.136, abs=1e-3)
    np.testing.assert_array_equal(statistics.z_of([-50.0, 0.0, 50.0], "z"), [-50, 0, 50])


@pytest.mark.parametrize(("stat", "df"), DISTRIBUTIONS)
@pytest.mark.parametrize("sided", SIDES)
def test_p_values_and_their_logs_are_one(stat, df, sided):
    values = np.linspace(-12, 12, 97)
    expected = {
        "two": 2 * scipy_sf(np.abs(values), stat, df),
        "positive": scipy_sf(values, stat, df),
        "negative": scipy_sf(-values, stat, df),
    }[sided]
    np.testing.assert_allclose(statistics.p_values(values, stat, df, sided), expected, rtol=1e-12)
    np.testing.assert_allclose(np.exp(statistics.log_p(values, stat, df, sided)), expected, rtol=1e-12)


def test_no_evidence_is_p_1_and_a_plain_zero():
    assert statistics.log_p(0.0, "z") == 0
    assert statistics.p_values(0.0, "t", 28) == 1
    assert str(statistics.minus_log10(statistics.log_p(0.0, "z"))) == "0.0"


def test_float32_maps_are_worked_out_in_float64():
    values = np.array([8.25, -8.25], dtype=np.float32)
    assert statistics.log_sf(values, "z").dtype == np.float64
    assert statistics.p_values(values, "z", sided="two")[0] == 2 * stats.norm.sf(8.25)


# ---- cutoffs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stat", "df"), DISTRIBUTIONS)
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001, 1e-12])
def test_cutoff_p_has_that_p(stat, df, alpha):
    for sided in SIDES:
        cutoff = statistics.cutoff_p(alpha, stat, df, sided)
        value = -cutoff if sided == "negative" else cutoff
        assert cutoff > 0
        assert statistics.p_values(value, stat, df, sided) == pytest.approx(alpha, rel=1e-9)


def test_cutoffs_that_everyone_knows():
    assert statistics.cutoff_p(0.001, "z", sided="positive") == pytest.approx(3.0902, abs=1e-4)
    assert statistics.cutoff_p(0.05, "z") == pytest.approx(1.95996, abs=1e-5)
    assert statistics.cutoff_p(0.05, "t", 10) == pytest.approx(2.22814, abs=1e-5)
    assert statistics.cutoff_bonferroni(0.05, 1000, "z") == statistics.cutoff_p(0.05 / 1000, "z")
    assert statistics.cutoff_bonferroni(0.05, 0, "z") == np.inf


def rejected_by_fdr(values, alpha, stat, df, sided):
    cutoff = statistics.cutoff_fdr(values, alpha, stat, df, sided)
    return statistics.tail_values(values, sided) >= cutoff


@laws
@given(
    values=st.lists(usual, min_size=1, max_size=40),
    alpha=st.floats(1e-4, 0.49),
    sided=st.sampled_from(SIDES),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@pytest.mark.parametrize(("stat", "df"), [("z", None), ("t", 12)])
def test_fdr_rejects_what_scipy_rejects(stat, df, values, alpha, sided, dtype):
    values = np.array(values, dtype=dtype)
    adjusted = stats.false_discovery_control(np.minimum(statistics.p_values(values, stat, df, sided), 1))
    if np.abs(adjusted / alpha - 1).min() > 1e-12:  # a p that equals its limit is decided by rounding
        np.testing.assert_array_equal(rejected_by_fdr(values, alpha, stat, df, sided), adjusted <= alpha)


@laws
@given(values=st.lists(usual, min_size=1, max_size=40), alpha=st.floats(1e-4, 0.49), sided=st.sampled_from(SIDES))
def test_the_fdr_cutoff_is_a_voxel_of_the_map_or_inf(values, alpha, sided):
    cutoff = statistics.cutoff_fdr(np.array(values), alpha, "z", None, sided)
    assert cutoff == np.inf or cutoff in statistics.tail_values(values, sided)


def test_negative_fdr_is_the_positive_one_of_the_mirrored_map():
    values = np.random.default_rng(5).normal(size=500) - 3 * (np.arange(500) < 50)
    negative = statistics.cutoff_fdr(values, 0.05, "z", sided="negative")
    assert negative == statistics.cutoff_fdr(-values, 0.05, "z", sided="positive")
    assert 1 < negative < 4
    assert statistics.cutoff_fdr(values, 0.05, "z", sided="positive") > negative


def test_nothing_significant_is_inf():
    assert statistics.cutoff_fdr(np.linspace(-1, 1, 50), 0.05, "z") == np.inf
    assert statistics.cutoff_fdr(np.array([]), 0.05, "z") == np.inf


def test_statistics_whose_p_underflows_are_significant():
    values = np.array([50.0, 1e4, 0.1, -0.2])
    assert statistics.cutoff_fdr(values, 0.05, "z") == 50


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
    kept = {s for s in sets if any(s <= larger and not simes[larger] for larger in sets)}
    return len(region) - max((len(s) for s in kept if s <= region), default=0)


@settings(deadline=None, max_examples=25)
@given(p=st.lists(st.floats(0, 0.3), min_size=5, max_size=5), split=st.integers(1, 4))
def test_tdp_is_the_bound_of_closed_testing(p, split):
    alpha = 0.1
    ids = np.array([1] * split + [2] * (5 - split))
    tdp = statistics.region_tdp(p, ids, 2, statistics.hommel_value(p, alpha), alpha)
    for region in (1, 2):
        members = frozenset(np.flatnonzero(ids == region).tolist())
        found = discovered_by_closed_testing(p, members, alpha)
        assert tdp[region - 1] == pytest.approx(found / len(members))


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
    p = statistics.p_values(np.array([50.0, 60.0, 1.0, -1.0]), "z", sided="positive")
    assert p[0] == 0
    h = statistics.hommel_value(p, 0.05)
    np.testing.assert_array_equal(statistics.region_tdp(p, [1, 1, 2, 2], 2, h, 0.05), [1, 0])
    assert statistics.hommel_value([0.01, 0.02], 0.05) == 0
    np.testing.assert_array_equal(statistics.region_tdp([0.01, 0.02], [1, 1], 1, 0, 0.05), [1])
    assert statistics.hommel_value([], 0.05) == 0
    assert statistics.region_tdp([], np.array([], dtype=int), 0, 0, 0.05).shape == (0,)


# ---- F --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("df", [(1, 10), (3, 40.5), (6, 1000), (20, 12)])
def test_f_against_scipy(df):
    values = np.linspace(0, 60, 121)
    np.testing.assert_allclose(statistics.log_sf(values, "F", df), stats.f.logsf(values, *df), rtol=1e-9, atol=1e-12)
    for alpha in (0.2, 0.001, 1e-20):
        cutoff = statistics.cutoff_p(alpha, "F", df, "positive")
        assert np.exp(statistics.log_sf(cutoff, "F", df)) == pytest.approx(alpha, rel=1e-9)
        assert stats.norm.sf(statistics.z_of(cutoff, "F", df)) == pytest.approx(alpha, rel=1e-9)


@pytest.mark.parametrize("df", [28, 1000, 1e6])
@pytest.mark.parametrize("t", [3.0, 40.0, 300.0, 1000.0])
def test_f_with_one_numerator_is_t_squared_however_far(df, t):
    assert statistics.log_sf(t**2, "F", (1, df)) == pytest.approx(np.log(2) + statistics.log_sf(t, "t", df), rel=1e-9)


def test_f_with_two_numerators_has_a_closed_form():
    """P(F > f) = (1 + 2 f / v)^(-v/2)."""
    for v in (30.0, 500.0):
        f = np.array([1.0, 50, 1e3, 1e6])
        np.testing.assert_allclose(statistics.log_sf(f, "F", (2, v)), -v / 2 * np.log1p(2 * f / v), rtol=1e-10)
