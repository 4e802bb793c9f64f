"""Seeds of local regions: known answers, and the definition on the whole volume, without any shortcut."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from statmap.regions.clusters import bounding_box
from statmap.regions.seeds import find_seeds
from statmap.rules import RegionRule

MM = {"cubic": (3.0, 3.0, 3.0), "anisotropic": (1.5, 3.0, 5.0)}


def affine_of(mm, axes=(0, 1, 2), flips=(1, 1, 1)):
    """Voxels of size `mm` along the array's axes, which point along the `axes` of the world."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    affine[axes, (0, 1, 2)] = np.multiply(mm, flips)
    return affine


def seeds_on_the_whole_volume(part, affine, connectivity):
    """nilearn: of the map smoothed by 6 mm, the highest of 21 x 21 x 21 voxels, above a tenth of the maximum."""
    sigma = 6 / (2 * np.sqrt(2 * np.log(2))) / np.array(nib.affines.voxel_sizes(affine))
    smooth = part
    for axis in range(3):
        smooth = ndimage.gaussian_filter1d(smooth, sigma[axis], axis)
    highest = np.pad(smooth, 10)
    for axis in range(3):
        highest = np.lib.stride_tricks.sliding_window_view(highest, 21, axis).max(axis=-1)
    maxima = (smooth == highest) & (smooth > 0) & (smooth > 0.1 * float(smooth.max()))
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    return ndimage.label(maxima, structure)[0]


def place(*points, shape=(30, 24, 24)):
    """A volume that is 0 but for some voxels: ``((i, j, k), value)``."""
    data = np.zeros(shape, np.float32)
    for voxel, value in points:
        data[voxel] = value
    return data


def seeds_of(data, affine, connectivity=6):
    """Number of seeds and the voxels they lie on."""
    box = bounding_box(data != 0)
    labels = find_seeds(data, box, affine, RegionRule(connectivity=connectivity))
    corner = [side.start for side in box]
    return int(labels.max()), [tuple(v) for v in (np.argwhere(labels) + corner).tolist()]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from(("cubic", "anisotropic")),
    st.permutations(range(3)),
    st.tuples(*[st.sampled_from((-1, 1))] * 3),
    st.sampled_from((6, 18, 26)),
    st.sampled_from((np.float32, np.float64)),
)
def test_seeds_are_those_of_the_whole_volume(seed, sizes, axes, flips, connectivity, dtype):
    """Volumes that hold several seeds; axes of the array in any order and direction, so that each size has its axis."""
    random = np.random.default_rng(seed)
    data = ndimage.gaussian_filter(random.normal(size=(34, 28, 30)), random.uniform(0.5, 3)).astype(dtype)
    data *= data > np.quantile(data, random.uniform(0.5, 0.999))
    if seed % 3 == 0:  # plateaus
        data = np.ceil(data / data.max() * 3).astype(dtype)
    affine = affine_of(MM[sizes], axes, flips)
    box = bounding_box(data != 0)
    expected = seeds_on_the_whole_volume(data, affine, connectivity)[box]
    found = find_seeds(data, box, affine, RegionRule(connectivity=connectivity))
    np.testing.assert_array_equal(found > 0, expected > 0)
    pairs = {*zip(expected.ravel().tolist(), found.ravel().tolist(), strict=True)}
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("apart", "seeds"), [(10, 1), (11, 2)])
def test_a_maximum_within_ten_voxels_of_a_higher_one_is_no_seed(axis, apart, seeds):
    """Ten voxels along each axis of the array, whatever they measure."""
    low, high = [6, 6, 6], [6, 6, 6]
    high[axis] += apart
    data = place((tuple(low), 5.0), (tuple(high), 6.0))
    assert seeds_of(data, affine_of((2.0, 3.0, 4.0))) == (seeds, [tuple(low), tuple(high)][2 - seeds :])


def test_the_neighbourhood_is_a_cube_not_a_ball():
    data = place(((4, 4, 4), 5.0), ((14, 14, 14), 6.0))
    assert seeds_of(data, affine_of((3.0, 3.0, 3.0))) == (1, [(14, 14, 14)])


def test_equal_maxima_ten_voxels_apart_are_both_seeds():
    data = place(((4, 4, 4), 5.0), ((14, 4, 4), 5.0))
    assert seeds_of(data, affine_of((3.0, 3.0, 3.0))) == (2, [(4, 4, 4), (14, 4, 4)])


@pytest.mark.parametrize(("height", "seeds"), [(0.99, 1), (1.01, 2)])
def test_a_seed_is_higher_than_a_tenth_of_the_highest(height, seeds):
    data = place(((5, 5, 5), 10.0), ((20, 5, 5), height))
    assert seeds_of(data, affine_of((3.0, 3.0, 3.0)))[0] == seeds


@pytest.mark.parametrize(("step", "least"), [((1, 0, 0), 6), ((1, 1, 0), 18), ((1, 1, 1), 26)])
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_touching_maxima_are_one_seed_as_the_connectivity_has_it(step, least, connectivity):
    """Two equal voxels that share a face, an edge or a corner; voxels so large that smoothing does not join them."""
    data = place(((8, 8, 8), 5.0), (tuple(np.add(8, step)), 5.0))
    number, voxels = seeds_of(data, affine_of((8.0, 8.0, 8.0)), connectivity)
    assert len(voxels) == 2 and number == (1 if connectivity >= least else 2)


def test_smoothing_is_six_mm_at_half_maximum_along_the_right_axis():
    """Two voxels 6 mm apart: seen apart across the axis of 6 mm voxels, as one along the axis of 1 mm voxels."""
    for turned in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]:
        affine = affine_of((1.0, 6.0, 6.0), turned)
        assert seeds_of(place(((8, 8, 8), 5.0), ((8, 9, 8), 5.0)), affine)[1] == [(8, 8, 8), (8, 9, 8)]
        # Between them, not on them: 3 voxels of 1 mm from both, half a Gaussian's width at half maximum.
        near = place(((8, 8, 8), 5.0), ((12, 8, 8), 5.0), ((10, 8, 8), 1e-3))
        assert seeds_of(near, affine)[1] == [(10, 8, 8)]


def test_a_seed_may_lie_where_no_voxel_passed():
    data = place(((8, 8, 8), 5.0), ((12, 8, 8), 5.0))
    assert seeds_of(data, affine_of((1.0, 6.0, 6.0)))[1] == [(10, 8, 8)] and data[10, 8, 8] == 0


def test_the_map_is_not_touched():
    data = place(((8, 8, 8), 5.0))
    data.setflags(write=False)
    assert seeds_of(data, affine_of((3.0, 3.0, 3.0))) == (1, [(8, 8, 8)])


def test_a_constant_map_has_no_seed_and_one_that_is_nearly_constant_has():
    """nilearn's rule: on a map whose voxels are all equal nothing is a maximum."""
    data = np.full((6, 7, 8), 3.0, np.float32)
    box = bounding_box(data != 0)
    assert not find_seeds(data, box, affine_of((3.0, 3.0, 3.0)), RegionRule()).any()
    data[3, 3, 3] = 4
    assert np.argwhere(find_seeds(data, box, affine_of((3.0, 3.0, 3.0)), RegionRule())).tolist() == [[3, 3, 3]]


def test_negative_voxels_have_no_seed():
    """With merged signs the map is as it is; the floor of a map without a positive voxel is 0."""
    for data in (
        place(((8, 8, 8), -5.0)),
        np.full((5, 5, 5), -2.0, np.float32) + place(((2, 2, 2), -1), shape=(5,) * 3),
    ):
        assert seeds_of(data, affine_of((3.0, 3.0, 3.0))) == (0, [])
    mixed = place(((5, 5, 5), 2.0), ((20, 5, 5), -9.0))
    assert seeds_of(mixed, affine_of((3.0, 3.0, 3.0))) == (1, [(5, 5, 5)])


@pytest.mark.parametrize("mm", [1.5, 3.0, 5.0])
@pytest.mark.parametrize("seed", range(8))
def test_seeds_of_a_few_voxels_amid_a_large_volume(mm, seed):
    """Only their neighbourhood is smoothed; what comes back has the shape of the box, and the seeds of all of it."""
    random = np.random.default_rng(seed)
    data = np.zeros((40, 36, 38), np.float32)
    corner = np.array([random.integers(4, 20) for _ in range(3)])
    for voxel in corner + random.integers(0, (3, 14, 7), size=(6, 3)):
        data[tuple(voxel)] = random.uniform(1, 5)
    affine = affine_of((mm,) * 3)
    box = bounding_box(data != 0)
    found = find_seeds(data, box, affine, RegionRule())
    assert found.shape == data[box].shape
    np.testing.assert_array_equal(found > 0, seeds_on_the_whole_volume(data, affine, 6)[box] > 0)


def test_negative_values_have_no_seed():
    assert seeds_of(place(((5, 5, 5), -4), ((20, 12, 12), -2)), affine_of((3, 3, 3))) == (0, [])


@pytest.mark.parametrize("value", [1, 2.5])
def test_a_constant_map_has_no_seed(value):
    assert seeds_of(np.full((6, 7, 8), value, np.float32), affine_of((3, 3, 3))) == (0, [])


def test_a_map_that_is_constant_but_for_one_voxel_has_a_seed():
    data = np.ones((6, 7, 8), np.float32)
    data[3, 3, 3] = 2
    assert seeds_of(data, affine_of((3, 3, 3)))[0] == 1


def test_the_whole_of_the_gaussian_is_seen():
    """Mass that too narrow a margin throws back makes the outer maxima higher; the inner one falls below a tenth."""
    corners = ((12, 12, 12), 10), ((40, 40, 40), 10)
    data = place(*corners, ((26, 26, 26), 1.02), shape=(54, 54, 54))
    assert seeds_of(data, affine_of((1.5,) * 3)) == (3, [(12, 12, 12), (26, 26, 26), (40, 40, 40)])


@pytest.mark.parametrize(("cube", "expected"), [(21, 1), (7, 2)])
def test_two_maxima_are_apart_where_the_cube_is_small(cube, expected):
    data = np.zeros((9, 9, 20), np.float32)
    data[4, 4, 4], data[4, 4, 12] = 6, 5
    box = (slice(0, 9), slice(0, 9), slice(0, 20))
    labels = find_seeds(data, box, np.eye(4), RegionRule(seed_cube_voxels=cube, seed_fwhm_mm=2))
    assert labels.max() == expected


def test_on_a_grid_of_microns_the_smoothing_is_what_it_says():
    """6 mm would make one plateau of a brain of 10 mm; half a voxel leaves every maximum."""
    data = np.zeros((9, 9, 20), np.float32)
    data[4, 4, 4], data[4, 4, 14] = 6, 5
    box, affine = (slice(0, 9), slice(0, 9), slice(0, 20)), np.diag([0.1, 0.1, 0.1, 1])
    rule = RegionRule(seed_cube_voxels=7, seed_fwhm_mm=0.1)
    assert find_seeds(data, box, affine, rule).max() == 2
