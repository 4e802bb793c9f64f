"""Peaks: against plain loops on generated volumes, and on the real map where nilearn breaks its own distance rule."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from statmap.regions.peaks import labelled_voxels, local_maxima, main_peaks

TOUCHING = {n: ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[n]) for n in (6, 18, 26)}

OBLIQUE = np.array([[1.9, -0.4, 0.2, -30], [0.5, 2.6, 0.3, 12], [-0.1, -0.5, 3.4, 7], [0, 0, 0, 1]])
AFFINES = {
    "motor": np.array([[-3.0, 0, 0, 78], [0, 3, 0, -112], [0, 0, 3, -50], [0, 0, 0, 1]]),
    "anisotropic": np.diag([1.0, 2.5, 4.0, 1]),
    "oblique": OBLIQUE,
}


def label_components(data, cutoff):
    """Two-sided regions, signs apart, 6 neighbours, in no particular order."""
    positive, n = ndimage.label(data >= cutoff)
    negative, _ = ndimage.label(data <= -cutoff)
    return np.where(negative > 0, negative + n, positive).astype(np.int32)


def mm_of(affine, ijk):
    return np.asarray(ijk) @ affine[:3, :3].T + affine[:3, 3]


def most_central(voxels, affine):
    """The rule in words: nearest in mm to the mean position, then the first in C order."""
    voxels = sorted(map(tuple, voxels))
    mm = mm_of(affine, voxels)
    distance = np.linalg.norm(mm - mm.mean(axis=0), axis=1)
    return voxels[np.flatnonzero(distance <= distance.min() + 1e-6)[0]]


def main_peak(inside, data, affine, connectivity):
    """The rule in words: the plateau that holds the first of the highest voxels, there the most central one."""
    highest = inside & (np.abs(data) == np.abs(data[inside]).max())
    plateaus = ndimage.label(highest, TOUCHING[connectivity])[0]
    return most_central(np.argwhere(plateaus == plateaus[highest][0]), affine)


def slow_local_maxima(labels, data, affine, connectivity, min_distance, max_peaks, neighbours):
    """One region, one level, one plateau and one pair at a time: (region, ijk) in order."""
    found, touching = [], TOUCHING[neighbours]
    for region in range(1, labels.max() + 1):
        inside = labels == region
        height = np.where(inside, np.abs(data), -1)
        main = main_peak(inside, data, affine, connectivity)
        candidates = []
        for level in np.unique(height[inside]):
            plateaus, n = ndimage.label(height == level, touching)
            for plateau in range(1, n + 1):
                around = ndimage.binary_dilation(plateaus == plateau, touching) & inside
                if height[around].max() <= level:
                    voxels = [tuple(map(int, voxel)) for voxel in np.argwhere(plateaus == plateau)]
                    voxel = main if main in voxels else most_central(voxels, affine)
                    candidates.append((voxel != main, -level, min(voxels), voxel))
        taken = []
        for *_, voxel in sorted(candidates):
            mm = mm_of(affine, voxel)
            if all(np.linalg.norm(mm - mm_of(affine, other)) >= min_distance - 1e-6 for other in taken):
                taken.append(voxel)
        found += [(region, voxel) for voxel in taken[:max_peaks]]
    return found


@st.composite
def labelled_maps(draw, distinct=False):
    """A small map with touching regions; few levels of either sign, so plateaus and ties are the rule."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.tuples(*[st.integers(1, 7)] * 3))
    levels = draw(st.integers(1, 5))
    size = int(np.prod(shape))
    data = rng.permutation(size) + 1.0 if distinct else rng.integers(1, levels + 1, size).astype(float)
    data = (data * rng.choice([-1, 1], size)).reshape(shape).astype(draw(st.sampled_from([np.float32, np.float64])))
    labels = np.kron(rng.integers(0, 4, (4, 4, 4)), np.ones((2, 2, 2), int))[tuple(map(slice, shape))]
    return np.unique(np.append(labels.ravel(), 0), return_inverse=True)[1][:-1].reshape(shape).astype(np.int32), data


@given(labelled_maps(), st.sampled_from(sorted(AFFINES)), st.sampled_from([6, 18, 26]))
@settings(deadline=None, max_examples=80)
def test_main_peak_is_the_most_central_voxel_of_the_first_highest_plateau(case, name, connectivity):
    labels, data = case
    n, affine = labels.max(), AFFINES[name]
    peaks = main_peaks(*labelled_voxels(labels, data), affine, n, connectivity)
    assert len(peaks.value) == len(peaks.ties) == len(peaks.ijk) == n
    assert peaks.value.dtype == data.dtype
    for region, (value, ties, ijk) in enumerate(zip(*peaks, strict=True), start=1):
        height = np.abs(data[labels == region]).max()
        tied = np.argwhere((labels == region) & (np.abs(data) == height))
        assert ties == len(tied)
        assert tuple(ijk) == main_peak(labels == region, data, affine, connectivity)
        assert value == data[tuple(ijk)]


@given(
    labelled_maps(),
    st.sampled_from(sorted(AFFINES)),
    st.sampled_from([0, 2.5, 4, 8]),
    st.sampled_from([1, 2, 3, 100]),
    st.sampled_from([6, 18, 26]),
    st.sampled_from([6, 18, 26]),
)
@settings(deadline=None, max_examples=80)
def test_local_maxima_equal_the_plain_loops(case, name, min_distance, max_peaks, neighbours, connectivity):
    labels, data = case
    affine, how = AFFINES[name], (min_distance, max_peaks)
    voxels = labelled_voxels(labels, data)
    found = local_maxima(*voxels, affine, labels.max(), connectivity, *how, neighbours=neighbours)
    slow = slow_local_maxima(labels, data, affine, connectivity, *how, neighbours)
    assert [(region, tuple(ijk)) for region, ijk in zip(found.region, found.ijk, strict=True)] == slow
    assert found.value.tolist() == [data[ijk] for _, ijk in slow]
    np.testing.assert_allclose(found.mm, mm_of(affine, found.ijk).reshape(-1, 3))
    for region in range(1, labels.max() + 1):
        here = found.region == region
        assert found.peak[here].tolist() == list(range(1, here.sum() + 1))
        np.testing.assert_allclose(
            found.distance_mm[here], np.linalg.norm(found.mm[here] - found.mm[here][0], axis=1), atol=1e-9
        )


@given(labelled_maps(distinct=True), st.sampled_from(sorted(AFFINES)), st.sampled_from(list(permutations(range(3)))))
@settings(deadline=None, max_examples=40)
def test_peaks_do_not_depend_on_how_the_image_is_stored(case, name, axes):
    labels, data = case
    affine = AFFINES[name]
    n = labels.max()
    here = local_maxima(*labelled_voxels(labels, data), affine, n, 6, 4, 5)
    # The same image with its axes permuted, then the first one reversed: the affine says where voxels went.
    stored = np.eye(4)[:, [*axes, 3]]
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = data.shape[axes[0]] - 1
    turned = [np.asfortranarray(np.transpose(array, axes)[::-1]) for array in (labels, data)]
    there = local_maxima(*labelled_voxels(*turned), affine @ stored @ flip, n, 6, 4, 5)
    np.testing.assert_array_equal(here.region, there.region)
    np.testing.assert_array_equal(here.value, there.value)
    np.testing.assert_allclose(here.mm, there.mm, atol=1e-9)


def test_flat_top_resolves_to_the_same_place_however_it_is_stored():
    data = np.zeros((9, 9, 9))
    data[2:6, 3:6, 1:4] = 5  # even on the first axis: two voxels are equally near to its centre
    data[2, 3, 1] = 4  # ... no longer
    labels = (data > 0).astype(np.int32)
    peak = main_peaks(*labelled_voxels(labels, data), OBLIQUE, 1, 6)
    assert peak.ties[0] == 35
    assert peak.ijk[0].tolist() == [4, 4, 2]
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = 8
    flipped = main_peaks(*labelled_voxels(labels[::-1], data[::-1]), OBLIQUE @ flip, 1, 6)
    assert flipped.ijk[0].tolist() == [8 - 4, 4, 2]


def test_centre_is_measured_in_mm():
    # A plateau along i, with an arm along j at its one end and a foot at the other: where j is ten times as long its
    # most central voxel is another one.
    data = np.zeros((8, 5, 1))
    data[:, 0, 0] = data[0, :, 0] = 1
    labels = np.ones(data.shape, np.int32)
    equal = main_peaks(*labelled_voxels(labels, data), np.eye(4), 1, 6)
    long = main_peaks(*labelled_voxels(labels, data), np.diag([1.0, 10, 1, 1]), 1, 6)
    assert equal.ijk[0].tolist() == [2, 0, 0]
    assert long.ijk[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize(("connectivity", "place"), [(6, [1, 1, 0]), (26, [2, 2, 0])])
def test_of_equal_plateaus_the_one_with_the_first_voxel_has_the_peak(connectivity, place):
    """Three voxels from corner to corner, and a larger plateau elsewhere in the region, whose middle lies between."""
    data = np.ones((12, 5, 2))
    data[[1, 2, 3], [1, 2, 3], 0] = 9
    data[8:11, 1:4, 0] = 9
    labels = np.ones(data.shape, np.int32)
    peak = main_peaks(*labelled_voxels(labels, data), np.eye(4), 1, connectivity)
    assert (peak.ties[0], peak.ijk[0].tolist()) == (12, place)


def test_plateau_beside_a_higher_voxel_is_no_maximum():
    line = np.array([9, 5, 5, 5, 1, 4, 4, 1, 3, 3, 7.0]).reshape(-1, 1, 1)
    labels = np.ones(line.shape, np.int32)
    found = local_maxima(*labelled_voxels(labels, line), np.eye(4), 1, 6, 0, 10)
    assert found.value.tolist() == [9, 7, 4]
    assert found.ijk[:, 0].tolist() == [0, 10, 5]


def test_merged_signs_have_maxima_of_the_magnitude():
    line = np.array([2, 6, 1, -1, -7, -3, 4.0]).reshape(-1, 1, 1)
    labels = np.ones(line.shape, np.int32)
    found = local_maxima(*labelled_voxels(labels, line), np.eye(4), 1, 6, 0, 10)
    assert found.value.tolist() == [-7, 6, 4]
    assert main_peaks(*labelled_voxels(labels, line), np.eye(4), 1, 6).value.tolist() == [-7]


@pytest.mark.parametrize("degrees", [0, 3, 18, 35, 72])
def test_distance_exactly_met_is_kept(degrees):
    # Two maxima 8 mm apart on a rotated 2 mm grid, where floats make the distance 7.999999999999999.
    turn = np.deg2rad(degrees)
    affine = np.eye(4)
    affine[:2, :2] = 2 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    line = np.array([5, 1, 1, 1, 4.0]).reshape(-1, 1, 1)
    labels = np.ones(line.shape, np.int32)
    assert len(local_maxima(*labelled_voxels(labels, line), affine, 1, 6, 8, 10).peak) == 2
    assert len(local_maxima(*labelled_voxels(labels, line), affine, 1, 6, 8.00001, 10).peak) == 1


def test_maxima_of_regions_that_touch_do_not_see_each_other():
    line = np.array([1, 2, 3, 4.0]).reshape(-1, 1, 1)
    labels = np.array([1, 1, 2, 2], np.int32).reshape(line.shape)
    found = local_maxima(*labelled_voxels(labels, line), np.eye(4), 2, 6, 0, 10)
    assert found.region.tolist() == [1, 2]
    assert found.value.tolist() == [2, 4]


def test_no_region_gives_empty_arrays_of_the_right_shape():
    labels, data = np.zeros((4, 5, 6), np.int32), np.zeros((4, 5, 6), np.float32)
    peaks = main_peaks(*labelled_voxels(labels, data), np.eye(4), 0, 6)
    assert [array.shape for array in peaks] == [(0,), (0,), (0, 3)]
    found = local_maxima(*labelled_voxels(labels, data), np.eye(4), 0, 6, 8, 3)
    assert [array.shape for array in found] == [(0,), (0,), (0,), (0, 3), (0, 3), (0,)]
    assert found.value.dtype == np.float32 and [array.dtype.kind for array in found] == list("iififf")


def test_saturated_peaks_of_the_real_map_are_counted(motor):
    data, affine = motor
    labels = label_components(data, 3.0)
    peaks = main_peaks(*labelled_voxels(labels, data), affine, labels.max(), 6)
    assert data.max() == np.float32(7.941345)
    assert peaks.ties[peaks.value == data.max()].sum() == np.count_nonzero(data == data.max()) == 693
    assert peaks.ties.max() == 631


def closest(xyz, group):
    """Pairs of rows in the same group, and the distance of the closest pair."""
    distances = [np.linalg.norm(a - b) for one in np.unique(group) for a, b in combinations(xyz[group == one], 2)]
    return len(distances), sum(distance < 8 for distance in distances), min(distances)


@pytest.mark.filterwarnings("ignore")
def test_distance_rule_holds_on_the_real_map_where_nilearn_breaks_it(motor, motor_path):
    from nilearn.reporting import get_clusters_table

    table = get_clusters_table(str(motor_path), 2.0, two_sided=True, min_distance=8.0)
    cluster = (table["Cluster Size (mm3)"] != "").cumsum().to_numpy()
    pairs, too_close, nearest = closest(table[["X", "Y", "Z"]].to_numpy(float), cluster)
    assert (pairs, too_close) == (57, 2)
    assert nearest == pytest.approx(np.sqrt(45))

    data, affine = motor
    labels = label_components(data, 2.0)
    voxels = labelled_voxels(labels, data)
    everything = local_maxima(*voxels, affine, labels.max(), 6, 0, 10_000)
    for max_peaks in (4, 10_000):
        found = local_maxima(*voxels, affine, labels.max(), 6, 8.0, max_peaks)
        assert closest(found.mm, found.region)[1] == 0
        assert np.bincount(found.region).max() <= max_peaks
    # Nothing was refused without need: every other maximum is closer than 8 mm to one that was taken and is no lower.
    for region, value, mm in zip(everything.region, everything.value, everything.mm, strict=True):
        near = (found.region == region) & (np.linalg.norm(found.mm - mm, axis=1) < 8)
        assert np.abs(found.value[near]).max() >= abs(value)


@pytest.mark.parametrize(("rule", "numbers"), [(">=", 2), (">", 1)])
def test_a_peak_at_exactly_the_distance_is_kept_by_at_least_only(rule, numbers):
    """SPM's peaks are more than 8 mm apart; two maxima four voxels of 2 mm apart are not."""
    data = np.ones((7, 3, 3), dtype=np.float32)
    data[1, 1, 1], data[5, 1, 1] = 5, 4
    labels = np.ones(data.shape, dtype=np.int32)
    found = local_maxima(*labelled_voxels(labels, data), np.diag([2.0, 2, 2, 1]), 1, 6, 8, 3, rule)
    assert len(found.peak) == numbers
