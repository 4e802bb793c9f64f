import numpy as np
import pytest
from drawn import words
from hypothesis import given, settings
from hypothesis import strategies as st
from scenes import PLAIN

from statmap.figures.montage import threshold_figure
from statmap.figures.scene import MOST_PANELS, choose_cuts, make_scene


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([1, -1]), st.sampled_from([1, -1]))
def test_every_region_is_in_some_cut(seed, n, flip_x, flip_z):
    rng = np.random.default_rng(seed)
    labels = np.zeros((20, 24, 22), dtype=np.int32)
    for region in range(1, n + 1):
        corner = rng.integers(0, 17, 3)
        i, j, k = corner + rng.integers(1, 4, 3)
        labels[corner[0] : i, corner[1] : j, corner[2] : k] = region
    affine = np.diag([3.0 * flip_x, 3.0, 4.0 * flip_z, 1.0])
    scene = make_scene(labels * 5.0, affine, labels > 0, labels, 3.0)
    cuts = choose_cuts(scene)
    planes = np.rint((np.array(cuts) - scene.origin[2]) / scene.step[2]).astype(int)
    assert set(np.unique(scene.labels[:, :, planes])) - {0} == set(np.unique(labels)) - {0}
    assert len(set(cuts)) == len(cuts) <= MOST_PANELS


def test_cuts_lie_in_voxel_centres_where_the_signal_is(motor_scene):
    scene, _ = motor_scene
    cuts = choose_cuts(scene, cover_regions=False)
    assert len(cuts) == 5
    assert all((cut + 50) % 3 == 0 for cut in cuts)
    planes = ((np.array(cuts) + 50) / 3).astype(int)
    assert scene.suprathreshold.any(axis=(0, 1))[planes].all()


def test_a_few_extreme_voxels_do_not_set_the_scale(motor):
    data, affine = motor
    spiked = data.copy()
    spiked[20, 30, 20:23] = 500
    empty = np.zeros(data.shape, dtype=np.int32)
    scene = make_scene(spiked, affine, data > 9, empty, 3.0)
    assert scene.limit == pytest.approx(7.94, abs=0.01)
    assert "≥ 7.94" in words(threshold_figure(scene, *PLAIN))
    assert make_scene(spiked, affine, data > 9, empty, 300.0).limit == 500


def test_a_template_that_the_map_does_not_lie_over_is_left_out(motor, template):
    data, affine = motor
    moved = affine.copy()
    moved[:3, 3] += 150
    for to_world, misplaced in ((affine, False), (moved, True)):
        scene = make_scene(data, to_world, data > 3, np.zeros(data.shape, dtype=np.int32), 3.0, template)
        assert (scene.misplaced, scene.template is None) == (misplaced, misplaced)
        said = any("does not lie over it" in word for word in words(threshold_figure(scene, *PLAIN)))
        assert said == misplaced
    slab = np.where(np.arange(46) // 4 == 5, data, 0)
    assert not make_scene(slab, affine, slab > 3, np.zeros(data.shape, np.int32), 3.0, template).misplaced
