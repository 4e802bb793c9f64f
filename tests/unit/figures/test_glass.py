from itertools import pairwise

import numpy as np
import pytest
from drawn import pixels, words
from scenes import AFFINE, PLAIN, SHAPE, scene_of, spots

from statmap.figures.glass import glass_figure


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
