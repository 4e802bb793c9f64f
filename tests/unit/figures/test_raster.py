"""Where on the canvas things land, and how large."""

import numpy as np
import pytest
from drawn import SCALE, pixels

from statmap.figures.page import Page

INCH = 72.0  # points: 150 pixels


def page():
    return Page("", "")


def dark(page, below=128):
    """Box of the dark pixels: (left, top, right, bottom), ends included."""
    rows, columns = np.nonzero(pixels(page).max(axis=2) < below)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_a_page_has_its_size():
    assert pixels(page().finish(INCH - 10)).shape == (150, 1062, 3)


def test_a_box_covers_its_pixels_and_no_others():
    drawn = page()
    drawn.box(INCH, INCH / 2, INCH / 2, INCH / 4, "black")
    left, top, right, bottom = dark(drawn.finish(2 * INCH))
    assert (left, top, right, bottom) == (150, 75, 224, pytest.approx(75 + 37, abs=1))


def test_an_image_keeps_its_edges_and_its_pixels():
    """One dark voxel of a grid that does not fall on whole pixels."""
    drawn = page()
    image = np.full((5, 7, 3), 255, np.uint8)
    image[3, 2] = 0
    left, right, bottom, top = 10.3, 80.9, 66.6, 20.2
    drawn.image(image, left, right, bottom, top)
    found = np.array(dark(drawn.finish(2 * INCH))) + [0, 0, 1, 1]
    width, height = (right - left) / 7, (bottom - top) / 5
    voxel = left + 2 * width, top + 3 * height, left + 3 * width, top + 4 * height
    np.testing.assert_allclose(found, np.array(voxel) * SCALE, atol=0.5 + 1e-6)


def test_what_is_transparent_lets_through():
    drawn = page()
    drawn.box(0, 0, INCH, INCH, "black", above=-1)
    image = np.zeros((1, 2, 4), np.uint8)
    image[0, 1] = 255, 0, 0, 128
    drawn.image(image, 0, INCH, INCH, 0)
    picture = pixels(drawn.finish(INCH))
    assert picture[100, 30].tolist() == [0, 0, 0]
    assert picture[100, 120].tolist() == [128, 0, 0]


@pytest.mark.parametrize("points", [((20, 30), (60, 30)), ((20, 30), (60, 50))])
@pytest.mark.parametrize("width", [0.5, 2.0, 6.0])
def test_a_line_has_its_width(points, width):
    drawn = page()
    drawn.lines([np.array(points, float)], "black", width)
    ink = (255 - pixels(drawn.finish(INCH)).mean(axis=2)).sum() / 255
    length = np.linalg.norm(np.subtract(*points))
    assert ink == pytest.approx(length * width * SCALE**2, rel=0.15)


def test_a_dashed_line_leaves_gaps():
    def ink(style):
        drawn = page()
        drawn.lines([np.array([(10.0, 30), (300, 30), (300, 60)])], "black", 1.0, style)
        return (255 - pixels(drawn.finish(INCH)).mean(axis=2)).sum()

    whole = ink("solid")
    assert ink("dashed") / whole == pytest.approx(3.7 / 5.3, abs=0.05)
    assert ink("dotted") / whole == pytest.approx(1 / 2.65, abs=0.05)
    assert ink("dashdot") / whole == pytest.approx(7.4 / 10.6, abs=0.05)
