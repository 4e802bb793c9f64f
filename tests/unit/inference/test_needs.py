"""What needs p values says which column of the sample sheet is missing."""

import pytest

from statmap.distributions import F, PValues, T, Unknown, Z, distribution_of
from statmap.inference.needs import check_p, no_smoothness
from statmap.io.files import UserError


@pytest.mark.parametrize(
    ("stat", "df", "column"),
    [
        ("other", None, "stat"),
        ("other", 12, "stat"),
        ("t", None, "df"),
        ("t", float("nan"), "df"),
        ("t", float("inf"), "df"),
        ("t", [3, 40], "df"),
        ("t", 0, "df"),
        ("t", -3, "df"),
    ],
)
def test_a_map_without_a_distribution_is_refused(stat, df, column):
    with pytest.raises(UserError) as refusal:
        check_p(distribution_of(stat, df), "map 'motor'", "threshold {fdr: 0.05}")
    text = str(refusal.value)
    assert "map 'motor'" in text
    assert "threshold {fdr: 0.05}" in text
    assert f"column {column} of the sample sheet" in text
    assert "\n" not in text


@pytest.mark.parametrize("distribution", [Z(), Z(12), T(1), F(2, 40), PValues()], ids=str)
def test_a_map_with_a_distribution_passes(distribution):
    assert distribution.has_p
    check_p(distribution, "map 'a'", "tdp")


@pytest.mark.parametrize("distribution", [Unknown(), Unknown(12), T(), F()], ids=str)
def test_without_a_distribution_there_are_no_p_values(distribution):
    assert not distribution.has_p


@pytest.mark.parametrize(
    "df",
    [
        None,
        3,
        (3,),
        (3, 0),
        (3, 4, 5),
    ],
)
def test_an_f_map_needs_two_degrees_of_freedom(df):
    with pytest.raises(UserError, match=r"column df of the sheet is .*two degrees of freedom"):
        check_p(distribution_of("F", df), "map 'm'", "fdr", sheet_name="the sheet")


@pytest.mark.parametrize("distribution", [F(2, 40), PValues()], ids=str)
@pytest.mark.parametrize("sided", ["two", "negative"])
def test_a_statistic_of_one_tail_is_refused_on_another(distribution, sided):
    with pytest.raises(UserError, match=rf"accepted: sided: positive \(found {sided}\)"):
        check_p(distribution, "map 'm'", "fdr", sided)


def test_a_missing_smoothness_names_the_columns_that_give_it():
    text = str(no_smoothness("map 'm'", "threshold {fwe: 0.05}", "maps.tsv"))
    assert text.startswith("map 'm': threshold {fwe: 0.05} needs the smoothness")
    assert all(column in text for column in ("fwhm_mm", "dlh", "residuals of maps.tsv")) and "\n" not in text
