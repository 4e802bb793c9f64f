"""What needs p values says which column of the sample sheet is missing."""

import pytest

from statmap.inference.distribution import check_stat
from statmap.io.files import UserError


@pytest.mark.parametrize(
    ("stat", "df", "column"),
    [
        ("other", None, "stat"),
        ("other", 12, "stat"),
        ("t", None, "df"),
        ("t", float("nan"), "df"),
        ("t", 0, "df"),
        ("t", -3, "df"),
    ],
)
def test_a_map_without_a_distribution_is_refused(stat, df, column):
    with pytest.raises(UserError) as caught:
        check_stat(stat, df, "map 'motor'", "threshold {fdr: 0.05}")
    text = str(caught.value)
    assert "map 'motor'" in text
    assert "threshold {fdr: 0.05}" in text
    assert f"column {column} of the sample sheet" in text
    assert "\n" not in text


def test_a_map_with_a_distribution_passes():
    check_stat("z", None, "map 'a'", "tdp")
    check_stat("t", 1, "map 'a'", "tdp")
    check_stat("F", (2, 40), "map 'a'", "tdp")
    check_stat("log10p", None, "map 'a'", "tdp")


@pytest.mark.parametrize("df", [None, 3, (3,), (3, 0), (3, 4, 5)])
def test_an_f_map_needs_two_degrees_of_freedom(df):
    with pytest.raises(UserError, match=r"column df of the sheet is .*two degrees of freedom"):
        check_stat("F", df, "map 'm'", "fdr", sheet_name="the sheet")


@pytest.mark.parametrize(("stat", "df"), [("F", (2, 40)), ("log10p", None)])
def test_a_statistic_of_one_tail_is_refused_on_two(stat, df):
    with pytest.raises(UserError, match=r"accepted: sided: positive \(found two\)"):
        check_stat(stat, df, "map 'm'", "fdr", "two")
