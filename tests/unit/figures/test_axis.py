from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statmap.figures.axis import axis_words, merge_labels, ranges, tell_apart, ticks
from statmap.figures.text import text_width


@settings(deadline=None, max_examples=50)
@given(st.floats(-100, 100), st.floats(0.01, 1000))
def test_ticks_are_few_and_inside(low, width):
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 9
    assert found[0] >= low - 1e-6 * width and found[-1] <= low + width + 1e-6 * width


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 100), max_size=20))
def test_merged_labels_stand_apart(places):
    merged = merge_labels([(place, n) for n, place in enumerate(places, start=1)], 6)
    ends = [(place - text_width(word, 6, True) / 2, place + text_width(word, 6, True) / 2) for place, word in merged]
    assert all(left[1] + 2 <= right[0] + 1e-9 for left, right in pairwise(ends))
    assert bool(merged) == bool(places)


@pytest.mark.parametrize(
    ("numbers", "written"), [([3], "3"), ([2, 1], "1–2"), ([1, 3, 4, 5, 9], "1, 3–5, 9"), ([1, 3, 5, 7], "1, 3, 5 …")]
)
def test_merged_numbers_are_written_as_ranges(numbers, written):
    assert ranges(numbers) == written


def test_values_of_one_sign_are_not_called_positive():
    assert axis_words("F", "positive") == "cutoff on F"
    assert axis_words("−log₁₀ p", "positive") == "cutoff on −log₁₀ p"
    assert axis_words("t", "positive") == "cutoff on t, positive values only"
    assert (axis_words("value"), axis_words("F")) == ("cutoff on |x|", "cutoff on F")


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([2.0, 2.5, 3.0], ["2", "2.5", "3"]),
        ([3.0, 3.001, 3.002], ["3", "3.001", "3.002"]),
        ([1000.0, 1000.5, 1001.0], ["1000", "1000.5", "1001"]),
        ([-3.0004, -3.0], ["−3.0004", "−3"]),
        ([5.0, 5.0], ["5", "5"]),
        ([], []),
    ],
)
def test_different_numbers_are_written_differently(values, written):
    assert tell_apart(values) == written
