"""The grid of voxels: volumes, boxes, places, neighbours."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from statmap.grid import extent_of, forward_steps, index_box, overlap_by_half, same_grid, voxel_volume

AFFINE = np.array([[-2.0, 0.1, 0, 90], [0.1, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])
OBLIQUE = np.array([[2.0, 0.5, 0, -10], [-0.4, 0, 3.0, 20], [0.1, 1.5, 0.2, 5], [0, 0, 0, 1]])


def test_the_volume_of_a_voxel():
    assert voxel_volume(np.diag([-2, 3, 4, 1])) == pytest.approx(24, rel=1e-15)
    assert voxel_volume(np.array([[0, 0, 2, 9], [3, 0, 0, 9], [0, -4, 0, 9], [0, 0, 0, 1]])) == pytest.approx(24)
    i, j, k = OBLIQUE[:3, :3].T
    assert voxel_volume(OBLIQUE) == pytest.approx(abs(np.dot(np.cross(i, j), k)))
    assert isinstance(voxel_volume(OBLIQUE.astype(np.float32)), float)


def test_grids_are_compared_by_shape_and_place():
    assert same_grid((2, 3, 4), AFFINE, (2, 3, 4), AFFINE.astype(np.float32))
    assert same_grid([2, 3, 4], AFFINE, (2, 3, 4), AFFINE + 0.0009)
    assert not same_grid((2, 3, 4), AFFINE, (2, 3, 5), AFFINE)
    assert not same_grid((2, 3, 4), AFFINE, (2, 3, 4), AFFINE + 0.01)
    moved = AFFINE.copy()
    moved[1, 3] += 0.01
    assert not same_grid((2, 3, 4), AFFINE, (2, 3, 4), moved), "in mm, not relative to the offset of -126 mm"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_the_box_is_the_smallest_that_holds_every_set_voxel(seed):
    inside = np.random.default_rng(seed).random((4, 5, 6)) < 0.03
    inside[seed % 4, seed % 5, seed % 6] = True
    voxels = np.argwhere(inside)
    assert index_box(inside).tolist() == [voxels.min(axis=0).tolist(), (voxels.max(axis=0) + 1).tolist()]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from((AFFINE, OBLIQUE)))
def test_the_extent_holds_every_corner_of_the_outer_voxels(seed, affine):
    """In mm, to the faces of the voxels: the box of their indices from -1/2 on, turned by the affine."""
    inside = np.random.default_rng(seed).random((4, 5, 6)) < 0.03
    inside[seed % 4, seed % 5, seed % 6] = True
    voxels = np.argwhere(inside)
    low, high = voxels.min(axis=0) - 0.5, voxels.max(axis=0) + 0.5
    corners = np.array([[*np.where(upper, high, low), 1] for upper in product([False, True], repeat=3)]) @ affine.T
    expected = [corners[:, :3].min(axis=0), corners[:, :3].max(axis=0)]
    np.testing.assert_allclose(extent_of(inside, affine), expected, rtol=0, atol=1e-9)


def test_nothing_has_no_box_and_no_extent():
    nothing = np.zeros((3, 4, 5), bool)
    assert index_box(nothing) is None and extent_of(nothing, AFFINE) is None


def box(x, y=(0, 2), z=(0, 2)):
    return np.array([[x[0], y[0], z[0]], [x[1], y[1], z[1]]], float)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (box((0, 4)), box((0, 4)), True),
        (box((0, 4)), box((2, 6)), True),  # half of each
        (box((0, 4)), box((2.1, 6.1)), False),
        (box((0, 4)), box((-50, 50), (-50, 50), (-50, 50)), True),  # all of the smaller
        (box((0, 4)), box((4, 8)), False),
        (box((0, 4)), box((6, 8), (6, 8)), False),  # apart along two axes: two negative lengths are no volume
        (box((0, 4)), box((2, 6), (1, 3)), False),  # half along each of two axes
        (None, box((0, 4)), True),
        (None, None, True),
    ],
)
def test_boxes_that_share_half_of_the_smaller(first, second, expected):
    assert overlap_by_half(first, second) is expected
    assert overlap_by_half(second, first) is expected


@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_steps_and_their_negatives_lead_to_every_neighbour_once(connectivity, rank):
    shape = (5, 6, 7)
    steps = forward_steps(shape, connectivity)
    around = np.argwhere(ndimage.generate_binary_structure(3, rank)) - 1
    centre = np.ravel_multi_index((2, 2, 3), shape)
    expected = {int(np.ravel_multi_index(tuple(np.add((2, 2, 3), step)), shape)) - centre for step in around} - {0}
    assert len(steps) == connectivity / 2 and all(step > 0 for step in steps)
    assert {*steps, *(-step for step in steps)} == expected
