"""The last words of a run."""

import pytest

from statmap.tables.closing import MOST_WARNINGS, closing_words, counted
from statmap.tables.columns import SUMMARY
from statmap.tables.csv_files import write_rows
from statmap.tables.warned import join_warnings, split_warnings


def summary(path, *warnings):
    """A summary.csv of one variant, with these warnings of maps a, b, ..."""
    empty = dict.fromkeys(SUMMARY)
    rows = [
        empty | {"map": name, "variant": "v", "n_regions": 1, "warning": warning}
        for name, warning in zip("abcdefgh", warnings, strict=False)
    ]
    write_rows(path, rows, SUMMARY)
    return path


def test_warnings_that_say_the_same_are_one_line_that_names_the_map_or_counts_them(tmp_path):
    path = summary(tmp_path / "summary.csv", "odd", "7 NaN | odd", "9 NaN", "none")
    *lines, total = closing_words(path).splitlines()
    assert lines == ["Warning: odd (2 maps)", "Warning: 7 to 9 NaN (2 maps)"]
    assert total.startswith("4 regions in 1 variant of 4 maps, 3 warnings. Look first at ")
    assert closing_words(summary(tmp_path / "summary.csv", "odd")).startswith("Warning: odd (a)\n1 region in")


def test_only_the_first_warnings_are_shown(tmp_path):
    texts = [f"kind {letter}" for letter in "stuvwxyz"]
    for number, more in ((MOST_WARNINGS, ""), (MOST_WARNINGS + 1, "1 other warning"), (MOST_WARNINGS + 2, "2 other")):
        lines = closing_words(summary(tmp_path / "summary.csv", " | ".join(texts[:number]))).splitlines()
        assert len(lines) == MOST_WARNINGS + bool(more) + 1
        assert lines[-2].startswith(f"… and {more}") if more else lines[-2] == f"Warning: {texts[number - 1]} (a)"


def test_a_run_without_any_warning_says_where_to_look_alone(tmp_path):
    path = summary(tmp_path / "summary.csv", "none", "none")
    assert closing_words(path) == (
        f"2 regions in 1 variant of 2 maps, 0 warnings. Look first at {tmp_path}/summary.html."
    )


@pytest.mark.parametrize(
    ("texts", "cell"), [([], "none"), (["odd"], "odd"), (["7 NaN", "odd", "odd"], "7 NaN | odd | odd")]
)
def test_warnings_come_back_from_their_cell(texts, cell):
    assert join_warnings(texts) == cell and split_warnings(cell) == texts


@pytest.mark.parametrize(("number", "text"), [(0, "0 maps"), (1, "1 map"), (2, "2 maps"), (1234, "1,234 maps")])
def test_numbers_of_things(number, text):
    assert counted(number, "map") == text
