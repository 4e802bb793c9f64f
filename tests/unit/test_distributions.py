"""Tails, cutoffs, equivalent z and Euler characteristic densities against scipy, reference values and each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import gamma

from statmap import distributions
from statmap.distributions import F, PValues, T, Unknown, Z, distribution_of, tail_values

SIDES = ("two", "positive", "negative")
SYMMETRIC = [Z(), T(1), T(3.5), T(28), T(1e6)]

finite = st.floats(allow_nan=False, allow_infinity=False)
usual = st.floats(-9, 9)
LARGEST = 1e150
laws = settings(deadline=None, max_examples=60)
of_any_size = st.one_of(usual, st.floats(-400, 400), finite)
any_distribution = st.one_of(
    st.just(Z()),
    st.floats(1, 1e6).map(T),
    st.builds(F, st.floats(1, 100), st.floats(1, 1e6)),
    st.just(PValues()),
)

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


def scipys(distribution):
    """The same distribution in scipy."""
    if isinstance(distribution, F):
        return stats.f(distribution.dfn, distribution.dfd)
    return stats.t(distribution.df) if isinstance(distribution, T) else stats.norm


# ---- laws of every distribution -------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=300)
@given(distribution=any_distribution, values=st.lists(of_any_size, min_size=2, max_size=20))
def test_the_tail_never_rises_and_is_a_probability(distribution, values):
    """To the relative precision that `log_sf` has."""
    log_tail = distribution.log_sf(np.sort(values))
    assert np.isfinite(log_tail).all() and (log_tail <= 0).all()
    assert (np.diff(log_tail) <= 1e-12 * np.abs(log_tail[1:])).all()


@laws
@given(distribution=any_distribution, low=st.floats(1, 300), step=st.floats(1e-3, 300))
def test_the_tail_of_a_higher_value_is_smaller(distribution, low, step):
    tails = distribution.log_sf([low, low + step])
    assert tails[1] < tails[0] < 0


@settings(deadline=None, max_examples=300)
@given(distribution=any_distribution, values=st.lists(of_any_size, min_size=1, max_size=20))
@pytest.mark.parametrize("sided", SIDES)
def test_a_p_value_is_a_probability_and_its_log_its_logarithm(sided, distribution, values):
    values = np.array(values)
    p = distribution.p(values, sided)
    assert p.shape == values.shape and p.dtype == np.float64
    assert ((p >= 0) & (p <= 1)).all()
    usual = np.abs(values) <= LARGEST  # beyond, the logarithm stays what it is there
    log_p = distribution.log_p(values, sided)
    np.testing.assert_allclose(np.exp(log_p)[usual], p[usual], rtol=1e-9, atol=1e-300)


@settings(deadline=None, max_examples=300)
@given(distribution=any_distribution, log10_alpha=st.floats(-12, np.log10(0.49)))
@pytest.mark.parametrize("sided", SIDES)
def test_the_cutoff_of_a_p_value_has_it(sided, distribution, log10_alpha):
    alpha = 10**log10_alpha
    cutoff = distribution.cutoff(alpha, sided)
    assert type(cutoff) is float and cutoff >= 0
    assert cutoff == distribution.isf(alpha / distribution.tails(sided))
    if distribution.two_tailed or sided != "negative":
        height = -cutoff if sided == "negative" else cutoff
        assert distribution.p(height, sided) == pytest.approx(alpha, rel=1e-7 if isinstance(distribution, F) else 1e-9)


@settings(deadline=None, max_examples=300)
@given(distribution=any_distribution, values=st.lists(of_any_size, min_size=2, max_size=20))
def test_the_equivalent_z_never_falls(distribution, values):
    z = distribution.to_z(np.sort(values))
    assert not np.isnan(z).any() and (z < np.inf).all()
    assert ((z[1:] >= z[:-1]) | np.isclose(z[1:], z[:-1], rtol=1e-12, atol=0)).all()


@laws
@given(distribution=any_distribution, log10_alpha=st.floats(-12, np.log10(0.49)))
def test_the_equivalent_z_has_the_same_tail(distribution, log10_alpha):
    value = distribution.cutoff(10**log10_alpha, "positive")
    assert stats.norm.sf(distribution.to_z(value)) == pytest.approx(10**log10_alpha, rel=1e-7)


# ---- tails ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("df", "t", "expected"), FAR_TAIL_OF_T)
def test_log_sf_of_t_reference_values(df, t, expected):
    assert T(df).log_sf(t) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("distribution", SYMMETRIC, ids=str)
def test_log_sf_agrees_with_scipy_where_scipy_does_not_underflow(distribution):
    values = np.linspace(-30, 30, 1201)
    expected = scipys(distribution).sf(values)
    np.testing.assert_allclose(np.exp(distribution.log_sf(values)), expected, rtol=1e-10)
    np.testing.assert_allclose(distribution.sf(values), expected, rtol=1e-10)


@pytest.mark.parametrize("df", [12.5, 300, 4e4, 1e6])
def test_the_series_of_t_is_the_direct_value_where_both_can_be_had(df, monkeypatch):
    t = -stats.t.ppf([1e-201, 1e-240, 1e-279], df)
    direct = T(df).log_sf(t)
    monkeypatch.setattr(distributions, "_SMALLEST_P", 1e-200)
    series = T(df).log_sf(t)
    assert (series != direct).any()
    np.testing.assert_allclose(series, direct, rtol=1e-13)


@laws
@given(values=st.lists(finite, min_size=1, max_size=20), df=st.floats(1, 1e6), sided=st.sampled_from(SIDES))
@pytest.mark.parametrize("statistic", [Z, T])
def test_logs_are_finite_and_z_keeps_the_sign_for_any_finite_value(statistic, values, df, sided):
    values, distribution = np.array(values), statistic(df)
    log_p = distribution.log_p(values, sided)
    assert log_p.shape == values.shape
    assert np.isfinite(log_p).all()
    assert (log_p <= 0).all()
    z = distribution.to_z(values)
    assert np.isfinite(z).all()
    assert (np.sign(z) == np.sign(values))[np.abs(values) > 1e-7].all()


@laws
@given(a=usual, b=usual, df=st.floats(1, 1e6))
def test_z_of_t_keeps_order_tail_and_symmetry(a, b, df):
    low, high = sorted((a, b))
    z = T(df).to_z([low, high, -low])
    assert z[0] <= z[1]
    assert z[2] == -z[0]
    assert abs(z[0]) <= abs(low) + 2e-8  # t has the heavier tail; near 0 it is right to 1e-8, see `log_sf`
    assert stats.norm.sf(z[0]) == pytest.approx(stats.t.sf(low, df), rel=1e-8)


@pytest.mark.parametrize(("df", "t", "log_tail"), FAR_TAIL_OF_T)
def test_z_of_t_has_the_same_tail_however_far(df, t, log_tail):
    z = T(df).to_z([t, -t])
    assert stats.norm.logsf(z[0]) == pytest.approx(log_tail, rel=1e-11)
    assert z[1] == -z[0]


def test_z_is_left_alone():
    np.testing.assert_array_equal(Z().to_z([-50.0, 0.0, 50.0]), [-50, 0, 50])


@pytest.mark.parametrize("distribution", SYMMETRIC, ids=str)
@pytest.mark.parametrize("sided", SIDES)
def test_p_values_and_their_logs_are_one(distribution, sided):
    values, reference = np.linspace(-12, 12, 97), scipys(distribution)
    expected = {
        "two": 2 * reference.sf(np.abs(values)),
        "positive": reference.sf(values),
        "negative": reference.sf(-values),
    }[sided]
    np.testing.assert_allclose(distribution.p(values, sided), expected, rtol=1e-12)
    np.testing.assert_allclose(np.exp(distribution.log_p(values, sided)), expected, rtol=1e-12)


@pytest.mark.parametrize("distribution", [*SYMMETRIC, F(3, 40), PValues()], ids=str)
def test_both_tails_are_looked_at_unless_told_otherwise(distribution):
    assert distribution.p(-2.5) == distribution.p(-2.5, "two") and distribution.log_p(2.5) == distribution.log_p(-2.5)
    assert distribution.cutoff(0.05) == distribution.cutoff(0.05, "two")
    assert distribution.tails("two") == 1 + distribution.two_tailed
    assert distribution.tails("positive") == distribution.tails("negative") == 1


def test_no_evidence_is_p_1():
    assert Z().log_p(0.0) == 0
    assert T(28).p(0.0) == 1


def test_float32_maps_are_worked_out_in_float64():
    values = np.array([8.25, -8.25], dtype=np.float32)
    assert Z().log_sf(values).dtype == np.float64
    assert Z().p(values, sided="two")[0] == 2 * stats.norm.sf(8.25)


@pytest.mark.parametrize(("sided", "expected"), [("two", [2, 3]), ("positive", [-2, 3]), ("negative", [2, -3])])
def test_values_are_turned_so_that_large_means_significant(sided, expected):
    turned = tail_values(np.array([-2, 3], dtype=np.float32), sided)
    assert turned.tolist() == expected and turned.dtype == np.float64


# ---- cutoffs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("distribution", SYMMETRIC, ids=str)
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001, 1e-12])
def test_cutoff_has_that_p(distribution, alpha):
    for sided in SIDES:
        cutoff = distribution.cutoff(alpha, sided)
        value = -cutoff if sided == "negative" else cutoff
        assert cutoff > 0
        assert distribution.p(value, sided) == pytest.approx(alpha, rel=1e-9)


def test_cutoffs_that_everyone_knows():
    assert Z().cutoff(0.001, sided="positive") == pytest.approx(3.0902, abs=1e-4)
    assert Z().cutoff(0.05) == pytest.approx(1.95996, abs=1e-5)
    assert T(10).cutoff(0.05) == pytest.approx(2.22814, abs=1e-5)


@pytest.mark.parametrize("distribution", [*SYMMETRIC, F(3, 40)], ids=str)
@pytest.mark.parametrize("rule", [">", ">="])
def test_a_cutoff_is_stored_as_it_is_unless_a_file_rounds_p_values(distribution, rule):
    assert distribution.stored(3.1, np.dtype(np.float32), rule) == 3.1
    stored = PValues().stored(3.1, np.dtype(np.float32), rule)
    assert stored == np.nextafter(np.float32(3.1), np.float32(0 if rule == ">=" else 9)) != np.float32(3.1)


# ---- F --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("df", [(1, 10), (3, 40.5), (6, 1000), (20, 12)])
def test_f_against_scipy(df):
    values = np.linspace(0, 60, 121)
    np.testing.assert_allclose(F(*df).log_sf(values), stats.f.logsf(values, *df), rtol=1e-9, atol=1e-12)
    for alpha in (0.2, 0.001, 1e-20):
        cutoff = F(*df).cutoff(alpha, "positive")
        assert np.exp(F(*df).log_sf(cutoff)) == pytest.approx(alpha, rel=1e-9)
        assert stats.norm.sf(F(*df).to_z(cutoff)) == pytest.approx(alpha, rel=1e-9)


@pytest.mark.parametrize("df", [28, 1000, 1e6])
@pytest.mark.parametrize("t", [3.0, 40.0, 300.0, 1000.0])
def test_f_with_one_numerator_is_t_squared_however_far(df, t):
    assert F(1, df).log_sf(t**2) == pytest.approx(np.log(2) + T(df).log_sf(t), rel=1e-9)


def test_f_with_two_numerators_has_a_closed_form():
    """P(F > f) = (1 + 2 f / v)^(-v/2)."""
    for v in (30.0, 500.0):
        f = np.array([1.0, 50, 1e3, 1e6])
        np.testing.assert_allclose(F(2, v).log_sf(f), -v / 2 * np.log1p(2 * f / v), rtol=1e-10)


# ---- Euler characteristic densities ---------------------------------------------------------------------------------


@pytest.mark.parametrize("df", [5.0, 28.0, 500.0])
def test_densities_of_f_with_one_numerator_are_those_of_both_tails_of_t(df):
    t = np.array([1.5, 3.0, 6.0])
    np.testing.assert_allclose(F(1.0, df).ec_densities(t**2), 2 * T(df).ec_densities(t), rtol=1e-9)


def test_densities_of_t_become_those_of_z():
    x = np.array([1.0, 2.5, 5.0])
    np.testing.assert_allclose(T(1e7).ec_densities(x), Z().ec_densities(x), rtol=1e-4, atol=1e-7)


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
    np.testing.assert_allclose(F(k, 1e7).ec_densities(x / k)[1:], expected, rtol=1e-4)


@pytest.mark.parametrize("distribution", [Z(), T(12.0), F(3, 40)], ids=str)
def test_densities_of_a_field_are_four_and_the_first_is_the_tail(distribution):
    assert distribution.is_field
    densities = distribution.ec_densities(np.array([2.0, 4.0]))
    assert densities.shape == (4, 2) and distribution.ec_densities(4.0).tolist() == densities[:, 1].tolist()
    np.testing.assert_allclose(densities[0], distribution.sf(np.array([2.0, 4.0])), rtol=1e-12)


@pytest.mark.parametrize("distribution", [PValues(), Unknown()], ids=str)
def test_what_is_no_field_has_no_densities(distribution):
    assert not distribution.is_field
    with pytest.raises(NotImplementedError):
        distribution.ec_densities(3.0)


# ---- from the sample sheet, and into words --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stat", "df", "distribution"),
    [
        ("z", None, Z()),
        ("z", 12, Z(12)),
        ("t", 23.5, T(23.5)),
        ("t", None, T()),
        ("F", [3, 40], F(3, 40)),
        ("F", (3, 40), F(3, 40)),
        ("F", None, F()),
        ("p", None, PValues()),
        ("1-p", None, PValues()),
        ("log10p", None, PValues()),
        ("other", None, Unknown()),
    ],
)
def test_the_sheet_names_the_distribution(stat, df, distribution):
    assert distribution_of(stat, df) == distribution


@pytest.mark.parametrize(
    ("distribution", "symbol", "units", "words"),
    [
        (Z(), "z", "z", "z map"),
        (Z(12), "z", "z", "z map with 12 degrees of freedom"),
        (T(23.5), "t", "t", "t map with 23.5 degrees of freedom"),
        (T(), "t", "t", "t map"),
        (F(3, 40), "F", "F", "F map with 3 and 40 degrees of freedom"),
        (F(), "F", "F", "F map"),
        (PValues(), "−log₁₀ p", "−log₁₀ p", "map of −log₁₀ p"),
        (Unknown(), "x", "value", "map"),
        (distribution_of("z", [3, 40]), "z", "z", "z map"),
        (PValues(corrected="fwe"), "−log₁₀ p", "−log₁₀ p", "map of −log₁₀ p (FWE-corrected)"),
    ],
    ids=str,
)
def test_words(distribution, symbol, units, words):
    assert (distribution.symbol, distribution.units, distribution.in_words) == (symbol, units, words)


def test_degrees_of_freedom_of_the_noise_are_those_of_the_denominator():
    assert [d.df_of_noise for d in (Z(12), T(23), F(3, 40), F(), Unknown(9))] == [12, 23, 40, None, 9]
