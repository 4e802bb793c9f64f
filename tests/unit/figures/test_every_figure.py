"""What holds for every figure of a variant."""

import numpy as np
import pytest
from drawn import collisions, pixels, words
from scenes import AFFINE, LONG, PLAIN, peaks_of, scene_of, spots

from statmap.figures.glass import glass_figure
from statmap.figures.montage import regions_figure, threshold_figure
from statmap.figures.region_page import region_page
from statmap.figures.scene import make_scene
from statmap.figures.surface import surface_figure

CASES = ["none", "infinite cutoff", "empty map", "1", "4", "12", "40", "640", "two voxels", "cutoff near 0"]


def drawn_from(scene, regions, title):
    yield threshold_figure(scene, *title)
    yield regions_figure(scene, regions, *title)
    yield glass_figure(scene, regions, *title)
    yield surface_figure(scene, regions, *title)
    if len(regions):
        yield region_page(scene, regions[-1]["region"], regions, peaks_of(regions), *title)


@pytest.mark.parametrize("case", CASES)
def test_nothing_overlaps_and_nothing_leaves_the_figure(scenes, case):
    for figure in drawn_from(*scenes[case], PLAIN):
        assert collisions(figure) == []
        width, height = np.array([figure.width, figure.height]) / 72 * 2.54
        assert width == pytest.approx(18, abs=0.01)
        assert 1.5 < height < 29.7


@pytest.mark.parametrize("title", [LONG, ("", "")], ids=["long", "none"])
def test_long_titles_are_wrapped(scenes, title):
    for figure in drawn_from(*scenes["12"], title):
        assert collisions(figure) == []


@pytest.mark.parametrize("flips", [(-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("draw", [threshold_figure, glass_figure])
def test_storage_order_does_not_change_the_picture(motor, template, flips, draw):
    data, affine = motor
    turned, order = np.eye(4), (2, 0, 1)
    for axis, flip in enumerate(flips):
        turned[axis, axis] = flip
        turned[axis, 3] = 0 if flip > 0 else data.shape[axis] - 1
    stored = data[tuple(slice(None, None, flip) for flip in flips)].transpose(order)
    stored_affine = affine @ turned @ np.eye(4)[:, [*order, 3]]
    pictures = []
    for image, to_world in ((data, affine), (stored, stored_affine)):
        labels = np.zeros(image.shape, dtype=np.int32)
        scene = make_scene(image, to_world, np.abs(image) >= 3, labels, 3.0, template)
        pictures.append(pixels(draw(scene, *(([],) if draw is glass_figure else ()), *PLAIN)))
    np.testing.assert_array_equal(*pictures)


def test_an_empty_result_says_so(scenes):
    scene, regions = scenes["none"]
    assert any("No suprathreshold voxel" in word for word in words(threshold_figure(scene, *PLAIN)))
    assert any("No suprathreshold voxel" in word for word in words(regions_figure(scene, regions, *PLAIN)))
    assert any("No suprathreshold voxel" in word for word in words(glass_figure(scene, regions, *PLAIN)))
    small, none = scene_of(spots((20, 30, 20)), AFFINE, 3.0, smallest=9)
    assert any("every cluster is too small" in word for word in words(regions_figure(small, none, *PLAIN)))


def test_a_minus_is_a_minus(motor_scene):
    written = words(threshold_figure(motor_scene[0], "map-1", "z <= -3.1, of group-2"))
    assert {"map-1", "z <= −3.1, of group-2"} <= set(written)
