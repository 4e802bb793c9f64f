"""The last words of a run."""

import os

import pytest

from statmap.config.outcome import MOST_WARNINGS, failures, last_words
from statmap.io.log import logging_to
from statmap.tables.columns import SUMMARY
from statmap.tables.csv_files import write_rows


def test_each_job_that_failed_has_one_line(tmp_path):
    def log(name, text, time=100):
        (tmp_path / name).write_text(text, encoding="utf-8")
        os.utime(tmp_path / name, (time, time))

    log("a.log", "INFO: fine\nERROR: words of a package\nERROR: map 'a': no image\n")
    with pytest.raises(KeyError), logging_to(tmp_path / "b.log"):
        raise KeyError("x")
    log("c.log", "WARNING: map 'c': odd\n")
    log("d.log", "ERROR: of an earlier run\n", time=99)
    assert failures(tmp_path, 100) == [f"map 'a': no image ({tmp_path}/a.log)", f"KeyError: 'x' ({tmp_path}/b.log)"]


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
    *lines, total = last_words(summary(tmp_path / "summary.csv", "odd", "7 NaN | odd", "9 NaN", "none")).splitlines()
    assert lines == ["Warning: odd (2 maps)", "Warning: 7 to 9 NaN (2 maps)"]
    assert total.startswith("4 regions in 1 variant of 4 maps, 3 warnings. Look first at ")
    assert last_words(summary(tmp_path / "summary.csv", "odd")).startswith("Warning: odd (a)\n1 region in")


def test_only_the_first_warnings_are_shown(tmp_path):
    texts = [f"kind {letter}" for letter in "stuvwxyz"]
    for number, more in ((MOST_WARNINGS, ""), (MOST_WARNINGS + 1, "1 other warning"), (MOST_WARNINGS + 2, "2 other")):
        lines = last_words(summary(tmp_path / "summary.csv", " | ".join(texts[:number]))).splitlines()
        assert len(lines) == MOST_WARNINGS + bool(more) + 1
        assert lines[-2].startswith(f"… and {more}") if more else lines[-2] == f"Warning: {texts[number - 1]} (a)"
