"""Which suprathreshold voxels are in no region, and why."""

import numpy as np
import pytest
from calls import extract_regions
from drawn import collisions, pixels, words
from scenes import AFFINE, PLAIN, spots

from statmap.figures.accounting import COLOURS, accounting_figure
from statmap.figures.colours import rgb
from statmap.figures.scene import make_scene
from statmap.figures.slicing import world_axes
from statmap.figures.style import FigureStyle
from statmap.figures.variant import Accounting

SPEC = {"extract_type": "connected_components", "signs": "split", "connectivity": 6, "size_rule": ">"}


def accounting_of(data, affine, cutoff, template=None, style=None, **keys):
    thresholded = np.where(np.abs(data) >= cutoff, data, 0)
    spec = SPEC | {"min_region_size": 0} | keys
    found = extract_regions(thresholded, affine, spec)
    scene = make_scene(data, affine, thresholded != 0, found.labels, cutoff, template, style=style or FigureStyle())
    outcomes = world_axes(affine, found.outcomes)[2][0]
    return scene, Accounting(outcomes, found.accounting, spec["min_region_size"], spec["size_rule"])


def area(figure, outcome):
    """Pixels of the colour of an outcome, above the key."""
    picture = pixels(figure)
    colour = np.rint(255 * rgb(COLOURS[outcome]))
    return int((picture[: round(0.7 * len(picture))] == colour).all(axis=-1).sum())


@pytest.mark.parametrize("style", [FigureStyle(), FigureStyle(width=8, background="black"), FigureStyle(cuts=3)])
def test_each_voxel_has_the_colour_of_what_became_of_it(motor, template, style):
    nilearn = {"extract_type": "local_regions", "signs": "merged", "min_region_size": 1500}
    figure = accounting_figure(*accounting_of(*motor, 3.0, template, style, **nilearn), *PLAIN)
    assert collisions(figure) == []
    written = words(figure)
    assert {"in a region: 2,617", "too small (≤ 1,500 mm³): 13", "without a seed: 1,194"} <= set(written)
    assert not any(word.startswith("seed only") for word in written)
    assert "1,207 of 3,824 suprathreshold voxels (31.6%) are in no region: outlined." in " ".join(written)
    assert area(figure, "kept") > 500 and area(figure, "unseeded") > 500


def test_what_is_lost_is_in_view():
    """Two voxels far from the large cluster that is kept: the cuts go through them."""
    data = spots((slice(10, 20), slice(10, 20), slice(5, 15)), (40, 50, 33), (41, 50, 33))
    figure = accounting_figure(*accounting_of(data, AFFINE, 3.0, min_region_size=100), *PLAIN)
    assert "z = 49" in words(figure)  # -50 + 3 * 33
    assert area(figure, "too_small") > 10
    assert "too small (≤ 100 mm³): 2" in words(figure)


def test_the_rule_of_sizes_is_written_as_it_is():
    data = spots((10, 10, 10), (slice(20, 24), 20, 20))
    for rule, sign in ((">", "≤"), (">=", "<")):
        figure = accounting_figure(*accounting_of(data, AFFINE, 3.0, min_region_size=54, size_rule=rule), *PLAIN)
        assert f"too small ({sign} 54 mm³): 1" in words(figure)


def test_where_nothing_is_lost_there_is_a_sentence():
    for data, said in (
        (spots((10, 10, 10)), "All 1 suprathreshold voxels are in regions."),
        (spots(), "No suprathreshold voxel: no value passes the cutoff."),
    ):
        figure = accounting_figure(*accounting_of(data, AFFINE, 3.0), *PLAIN)
        assert said in words(figure) and figure.height < 60


def test_an_oblique_map(motor, template):
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
    data, affine = motor
    figure = accounting_figure(*accounting_of(data, turn @ affine, 3.0, template, min_region_size=1500), *PLAIN)
    assert collisions(figure) == [] and area(figure, "too_small") > 20
