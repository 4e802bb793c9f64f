"""Colours of regions on pages: the figures' first, then others that are told apart from them."""

import itertools

import numpy as np

from statmap.figures.colours import REGIONS, rgb
from statmap.web.colours import page_colours


def test_the_first_are_those_of_the_figures():
    assert tuple(page_colours(len(REGIONS))) == REGIONS


def test_two_dozen_are_told_apart():
    colours = page_colours(24)
    assert min(np.abs(rgb(a) - rgb(b)).sum() for a, b in itertools.combinations(colours, 2)) > 0.2
    assert page_colours(26)[24:] == colours[:2]
