"""Colours of regions in the view: those of the figures first, and none like another."""

import itertools

import numpy as np

from statmap.figures.colours import REGIONS, region_colours, rgb
from statmap.web.colours import DISTINCT, _lab, page_colours


def test_the_first_are_those_of_the_figures():
    n = len(REGIONS)
    assert page_colours(n) == [colour for colour, _ in region_colours(n)]
    assert page_colours(0) == [] and page_colours(3) == page_colours(40)[:3]


def test_no_two_look_alike():
    colours = _lab(np.array([rgb(colour) for colour in page_colours(DISTINCT)]))
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2)]
    assert min(distances) > 15  # about 2 can just be seen
    assert len(set(page_colours(500))) == DISTINCT


def test_lab_of_known_colours():
    known = {"#ffffff": (100, 0, 0), "#ff0000": (53.24, 80.09, 67.20), "#0000ff": (32.30, 79.19, -107.86)}
    for colour, lab in known.items():
        np.testing.assert_allclose(_lab(rgb(colour)), lab, atol=0.1)
