import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statmap.figures.text import number, shorten, text_width, wrap


@settings(deadline=None, max_examples=30)
@given(st.text("ab W−", min_size=0, max_size=120), st.integers(1, 4))
def test_wrapped_text_fits(text, most):
    lines = wrap(text, 7, 80, most)
    assert len(lines) <= most
    assert all(text_width(line, 7) <= 80 for line in lines)
    if not any(line.endswith("…") for line in lines):
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_text_that_fits_is_left_alone():
    assert shorten("motor", 7, 80) == "motor"
    assert wrap("left vs right", 7, 200, 2) == ["left vs right"]


@pytest.mark.parametrize(
    ("value", "written"),
    [(-23.0, "−23"), (2237, "2237"), (0.0456, "0.0456"), (1e-7, "1e−07"), (7.94144, "7.94"), (0.0, "0")],
)
def test_numbers_are_written_for_reading(value, written):
    assert number(value) == written


def test_a_word_wider_than_a_line_is_broken_after_an_underscore():
    label = "Right_Juxtapositional_Lobule_Cortex_(formerly_Supplementary_Motor_Cortex)"
    lines = wrap(label, 7, 150, 4)
    assert len(lines) > 1 and "".join(lines) == label
    assert all(line.endswith("_") for line in lines[:-1])
