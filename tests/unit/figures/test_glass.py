from itertools import pairwise

import numpy as np
import pytest
from drawn import pixels, words
from scenes import AFFINE, PLAIN, SHAPE, scene_of, spots

from statmap.figures.glass import glass_figure
from statmap.figures.glass_outlines import BOX, glass_outlines
from statmap.figures.page import Lines


def test_a_region_is_named_in_every_view_that_shows_it(template):
    scene, regions = scene_of(spots((39, 10, 40), shape=SHAPE), AFFINE, 3.0, 0, template)  # left, back, top
    written = words(glass_figure(scene, regions, *PLAIN))
    assert written.count("1") == 3
    assert (written.count("L"), written.count("P")) == (2, 2)


@pytest.mark.parametrize("i", [20, 39])  # x = 18 and x = -39
def test_the_hemispheres_are_seen_apart(template, i):
    data = spots((slice(i - 2, i + 3), slice(28, 33), slice(20, 25)))
    scene, regions = scene_of(data, AFFINE, 3.0, 0, template)
    picture = pixels(glass_figure(scene, regions, *PLAIN))
    orange = (picture[..., 0] - picture[..., 2] > 60) & (picture[..., 0] > 200)
    quarters = np.linspace(0, 0.89 * picture.shape[1], 5).astype(int)  # the colour bar is at the right
    left, behind, right, above = (orange[:, a:b].sum() for a, b in pairwise(quarters))
    assert min(behind, above) > 20
    assert (left > 20, right > 20) == (i == 39, i == 20)


def test_a_side_without_a_brain_has_no_panel():
    """A map in another space may lie to one side of x = 0: then no template is drawn, and one side is seen."""
    away = AFFINE.copy()
    away[0, 3] += 300
    scene, regions = scene_of(spots((39, 10, 40), value=5.0), away, 3.0)
    written = words(glass_figure(scene, regions, *PLAIN))
    assert "right hemisphere" in written and "left hemisphere" not in written
    assert written.count("1") == 3


def test_the_outlines_lie_over_the_template(template):
    """Drawn by hand, for MNI152: they reach as far as the brain does, to a few mm."""
    for name, (across, up) in {"side": (1, 2), "back": (0, 2), "front": (0, 2), "top": (0, 1)}.items():
        strokes = glass_outlines(f"glass-{name}")
        points = np.concatenate([line for stroke in strokes for line in stroke.lines])
        for axis, low, high in ((across, points[:, 0].min(), points[:, 0].max()), (up, *ends(points[:, 1]))):
            assert abs(low - template.brain[0, axis]) < 6 and abs(high - template.brain[1, axis]) < 6, name
            assert BOX[0, axis] < low < high < BOX[1, axis]
        assert {stroke.width for stroke in strokes} >= {0.4, 1.0}  # gyri, and the brain
        assert strokes[0].grey > 0.5 > strokes[-1].grey  # what lies within is drawn first


def ends(values):
    return values.min(), values.max()


def test_a_map_in_mni_space_lies_under_outlines_and_any_other_in_its_own(motor, template):
    drawn = {}
    for space, behind in (("MNI152", template), (None, None), ("scanner", template), ("scanner", None)):
        figure = glass_figure(*scene_of(*motor, 3.0, 55, behind, space=space), *PLAIN)
        drawn[space, behind is None] = sum(len(item.lines) for item in figure.items if isinstance(item, Lines))
    assert min(drawn["MNI152", False], drawn[None, True]) > 50 + max(drawn["scanner", False], drawn["scanner", True])


def test_lines_of_a_drawing_are_joined():
    """A path is pieces that begin where others end; joined, its corners are drawn whole."""
    [outline] = [stroke for stroke in glass_outlines("glass-side") if (stroke.grey, stroke.width) == (0, 1.0)]
    assert len(outline.lines) < 10 and max(map(len, outline.lines)) > 100


def test_nothing_to_project_is_a_sentence(scenes):
    figure = glass_figure(*scenes["none"], *PLAIN)
    assert "No suprathreshold voxel: no value passes the cutoff." in words(figure) and figure.height < 60
