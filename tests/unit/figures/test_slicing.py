import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine as to_mm

from statmap.figures.slicing import box_of, outlines, pick_planes, project, sections, slice_of, world_axes

QUICK = settings(deadline=None, max_examples=30)
WORLD = np.array([[-500.0] * 3, [500.0] * 3])


@st.composite
def oriented_affines(draw):
    """Affines whose axes are permuted, flipped and scaled only."""
    matrix = np.zeros((3, 3))
    for row, column in enumerate(draw(st.permutations(range(3)))):
        matrix[row, column] = draw(st.sampled_from([-3.0, -1.0, 0.7, 2.5]))
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, draw(st.tuples(*[st.integers(-50, 50)] * 3))
    return affine


def rotation(x, y, z):
    turn = np.eye(3)
    for (a, b), angle in zip(((1, 2), (0, 2), (0, 1)), (x, y, z), strict=True):
        about = np.eye(3)
        about[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        turn = turn @ about
    return turn


@QUICK
@given(oriented_affines())
def test_every_voxel_keeps_its_world_position(affine):
    image = np.arange(1, 61).reshape(3, 4, 5)
    origin, step, [world] = world_axes(affine, image)
    assert np.shares_memory(world, image)
    assert (step > 0).all()
    ijk = np.argwhere(image > 0)
    at = np.rint((to_mm(affine, ijk) - origin) / step).astype(int)
    np.testing.assert_array_equal(world[tuple(at.T)], image[tuple(ijk.T)])


@QUICK
@given(st.tuples(*[st.floats(0.05, 1.5)] * 3), st.tuples(*[st.sampled_from([0.8, 2.0, 3.3])] * 3))
def test_an_oblique_image_shows_every_voxel_where_it_is(angles, zooms):
    affine = np.eye(4)
    affine[:3, :3] = rotation(*angles) * zooms
    affine[:3, 3] = 5, -7, 11
    image = np.arange(1, 61).reshape(3, 4, 5)
    origin, step, [world] = world_axes(affine, image)
    assert set(np.unique(world)) == {0, *range(1, 61)}
    at = np.argwhere(world)
    voxel = np.linalg.inv(affine) @ np.c_[origin + at * step, np.ones(len(at))].T
    ijk = np.stack(np.unravel_index(world[tuple(at.T)] - 1, image.shape))
    assert np.abs(voxel[:3] - ijk).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cut_has_left_at_the_left_and_up_at_the_top(axis):
    image = np.zeros((7, 8, 9))
    image[1, 6, 7] = 1  # to the left, to the front, up
    pixels, edges = slice_of(image, np.zeros(3), np.ones(3), axis, (1, 6, 7)[axis], WORLD)
    [[row, column]] = np.argwhere(pixels)
    across, up = [(1, 6, 7)[other] for other in range(3) if other != axis]
    assert (edges[0] + column + 0.5, edges[3] - row - 0.5) == (across, up)


def test_a_cut_takes_the_nearest_slice_and_only_the_box():
    image = np.arange(1000).reshape(10, 10, 10)
    box = np.array([[1.5, 2.5, 0.0], [4.5, 8.5, 9.0]])
    pixels, edges = slice_of(image, np.zeros(3), np.ones(3), 2, 3.4, box)
    np.testing.assert_array_equal(pixels, image[2:5, 3:9, 3].T[::-1])
    assert edges == (1.5, 4.5, 2.5, 8.5)


@pytest.mark.parametrize("mm", [-0.6, 9.6])
def test_a_cut_outside_the_image_is_empty(mm):
    assert slice_of(np.ones((10, 10, 10)), np.zeros(3), np.ones(3), 2, mm, WORLD)[0].size == 0


def test_sections_count_the_voxels_of_every_region_in_every_plane():
    labels = np.random.default_rng(1).integers(0, 6, (5, 6, 7))
    expected = [[(labels[:, :, k] == region).sum() for k in range(7)] for region in range(1, 6)]
    np.testing.assert_array_equal(sections(labels), expected)
    assert sections(np.zeros((2, 2, 2), int)).shape == (0, 2)


areas_of_regions = st.integers(1, 30).flatmap(
    lambda planes: st.lists(
        st.lists(st.integers(0, 9), min_size=planes, max_size=planes).filter(any), min_size=0, max_size=40
    ).map(lambda rows: np.array(rows, dtype=int).reshape(-1, planes))
)


@QUICK
@given(areas_of_regions, st.integers(1, 8))
def test_planes_show_every_region(areas, least):
    planes = areas.shape[1]
    chosen = pick_planes(np.ones(planes), areas, least, planes, 3.0)
    assert len(set(chosen)) == len(chosen) >= min(least, planes)
    assert (areas[:, chosen] >= areas.max(axis=1, initial=0)[:, None] / 2).any(axis=1).all()


@QUICK
@given(areas_of_regions, st.integers(1, 5))
def test_planes_never_exceed_the_most(areas, most):
    chosen = pick_planes(np.ones(areas.shape[1]), areas, 1, most, 3.0)
    assert len(chosen) <= most


def test_where_few_planes_must_do_any_part_of_a_region_counts():
    areas = np.array([[9, 2, 0], [0, 2, 9]])  # only the middle plane shows both
    assert pick_planes(np.ones(3), areas, 1, 1, 3.0) == [1]
    assert sorted(pick_planes(np.ones(3), areas, 1, 3, 3.0)) == [0, 2]


def test_without_regions_planes_follow_the_mass():
    mass = np.zeros(60)
    mass[[10, 50]] = 5, 3
    assert sorted(pick_planes(mass, np.zeros((0, 60), int), 2, 2, 3.0)) == [10, 50]


@QUICK
@given(st.integers(0, 2**32 - 1), st.integers(0, 2))
def test_a_projection_keeps_the_value_furthest_from_zero(seed, axis):
    rng = np.random.default_rng(seed)
    data, mask = rng.normal(size=(4, 5, 6)), rng.random((4, 5, 6)) < 0.2
    pixels, edges = project(data, mask, np.zeros(3), np.ones(3), axis)
    kept = np.where(mask, data, 0)
    furthest = np.take_along_axis(kept, np.abs(kept).argmax(axis=axis, keepdims=True), axis=axis).squeeze(axis)
    if mask.any():
        left, right, bottom, top = (int(edge + 0.5) for edge in edges)
        np.testing.assert_array_equal(pixels, furthest[left:right, bottom:top].T[::-1])
        furthest[left:right, bottom:top] = 0
    assert not furthest.any()


def test_a_box_holds_the_mask_with_half_a_voxel_around():
    mask = np.zeros((5, 5, 5), bool)
    mask[1:3, 2, 4] = True
    np.testing.assert_allclose(box_of(mask, np.full(3, 10.0), np.full(3, 2.0)), [[11, 13, 17], [15, 15, 19]])
    assert box_of(mask & False, np.zeros(3), np.ones(3)) is None


@QUICK
@given(st.integers(0, 2**32 - 1))
def test_outlines_enclose_the_area_of_the_pixels(seed):
    mask = np.random.default_rng(seed).random((6, 7)) < 0.4
    lines = outlines(mask, (0.0, 7.0, 0.0, 6.0))
    assert all((line[0] == line[-1]).all() for line in lines)
    area = sum(
        np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2 for x, y in (line.T for line in lines)
    )  # holes run backwards
    assert abs(abs(area) - mask.sum()) <= 0.04 * mask.sum()  # the corners are cut


def test_an_outline_set_in_stays_inside_its_pixel():
    [line] = outlines(np.ones((1, 1), bool), (0.0, 3.0, 0.0, 3.0), inset=0.08)
    assert line.min() > 0 and line.max() < 3
