"""Clusters, the extent threshold at its boundary, and the order in which regions are numbered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statmap.regions.clusters import bounding_box, filter_and_sort, label_components, large_enough, with_extent
from statmap.rules import RegionRule


def rotated(mm, angle=0.0):
    """Affine of cubic voxels, turned about the third axis, as a NIfTI file stores it: rounded to float32."""
    turn = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    affine = np.eye(4)
    affine[:3, :3] = np.multiply(mm, turn)
    return affine.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("n_voxels", [1, 2, 10, 999, 8409, 300_000])
@pytest.mark.parametrize("mm", [0.7, 1.2, 2.0, 2.5, 3.0, 3.1, 3.5])
def test_a_whole_number_of_voxels_is_compared_exactly_whatever_the_affine(mm, n_voxels):
    """With 2.5 and 3.5 mm the determinant is a little more than the volume, so that the quotient is too small."""
    for affine in (np.diag([mm, mm, mm, 1]), np.diag([-mm, mm, mm, 1]), *(rotated(mm, 0.1 * n) for n in range(8))):
        around = np.array([n_voxels - 1, n_voxels, n_voxels + 1])
        assert large_enough(around, affine, n_voxels * mm**3, ">").tolist() == [False, False, True]
        assert large_enough(around, affine, n_voxels * mm**3, ">=").tolist() == [False, True, True]


@pytest.mark.parametrize("n_voxels", [1, 10, 5000])
def test_what_is_not_a_whole_number_of_voxels_is_not_rounded(n_voxels):
    for rule in (">", ">="):
        below, above = (n_voxels - 0.01) * 2.5**3, (n_voxels + 0.01) * 2.5**3
        assert large_enough(n_voxels, rotated(2.5), below, rule)
        assert not large_enough(n_voxels, rotated(2.5), above, rule)
    # A size of a million voxels and four tenths is not a million voxels, though it is to one part in a million.
    assert not large_enough(10**6, np.eye(4), 10**6 + 0.4, ">=") and large_enough(10**6, np.eye(4), 10**6 - 0.4, ">")


def test_sizes_may_be_many():
    kept = large_enough(np.array([[1], [2], [3]]), np.diag([2.0, 2, 2, 1]), np.array([0.0, 8, 20]), ">")
    assert kept.tolist() == [[True, False, False], [True, True, False], [True, True, True]]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_the_box_holds_every_set_voxel_and_is_the_smallest(seed):
    inside = np.random.default_rng(seed).random((4, 5, 6)) < 0.05
    inside[seed % 4, seed % 5, seed % 6] = True
    voxels = np.argwhere(inside)
    expected = tuple(slice(*ends) for ends in zip(voxels.min(axis=0), voxels.max(axis=0) + 1, strict=True))
    assert bounding_box(inside) == expected


def test_components_are_numbered_as_they_are_met():
    line = np.array([0, 2, 2, 0, -3, 1, 0, 0, -1], np.float32).reshape(9, 1, 1)
    assert label_components(line, 6, "split").ravel().tolist() == [0, 1, 1, 0, 2, 3, 0, 0, 4]
    assert label_components(line, 6, "merged").ravel().tolist() == [0, 1, 1, 0, 2, 2, 0, 0, 3]


def test_numbers_of_what_comes_in_need_not_be_consecutive():
    labels = np.array([7, 0, 3, 3, 0, 9, 9, 9, 0, 2], np.uint32).reshape(10, 1, 1)
    data = (labels != 0).astype(np.float32)
    assert filter_and_sort(labels, data, np.eye(4), 6, 0, ">").ravel().tolist() == [3, 0, 2, 2, 0, 1, 1, 1, 0, 4]
    assert filter_and_sort(labels, data, np.eye(4), 6, 1, ">").ravel().tolist() == [0, 0, 2, 2, 0, 1, 1, 1, 0, 0]
    assert filter_and_sort(labels, data, np.eye(4), 6, 1, ">=").ravel().tolist() == [3, 0, 2, 2, 0, 1, 1, 1, 0, 4]
    assert filter_and_sort(labels, data, np.eye(4), 6, 3, ">").dtype == np.int32


def test_equal_sizes_are_ordered_by_the_place_of_the_peak_not_by_that_of_the_region():
    labels = np.array([1, 1, 0, 2, 2, 0, 1], np.uint32).reshape(7, 1, 1)
    data = np.array([1, 1, 0, 1, 2, 0, 3], np.float32).reshape(7, 1, 1)
    assert filter_and_sort(labels, data, np.eye(4), 6, 0, ">").ravel().tolist() == [1, 1, 0, 2, 2, 0, 1], "larger first"
    labels[0], data[0] = 0, 0
    assert filter_and_sort(labels, data, np.eye(4), 6, 0, ">").ravel().tolist() == [0, 2, 0, 1, 1, 0, 2]
    data[1] = -4
    assert filter_and_sort(labels, data, np.eye(4), 6, 0, ">").ravel().tolist() == [0, 1, 0, 2, 2, 0, 1]


def test_numbers_that_no_voxel_has_are_no_regions():
    """Also where any size is kept."""
    labels = np.array([9, 0, 4, 4], np.uint32).reshape(4, 1, 1)
    assert filter_and_sort(labels, (labels != 0) * 1.0, np.eye(4), 6, 0, ">=").ravel().tolist() == [2, 0, 1, 1]


def test_the_larger_of_two_extent_thresholds_is_the_one():
    """Voxels of 27 mm³. Where both keep the same clusters, it is the variant's own; all else stays as it was."""
    affine = np.diag([3.0, 3, 3, 1])
    other = RegionRule(signs="merged", sided="positive", connectivity=26, cluster_p=0.05, unseeded="keep")

    def filled_in(min_region_size, size_rule, critical):
        return with_extent(replace(other, min_region_size=min_region_size, size_rule=size_rule), critical, affine)

    def expected(min_region_size, size_rule):
        return replace(other, min_region_size=min_region_size, size_rule=size_rule)

    assert filled_in(270, ">", None) == expected(270, ">")
    assert filled_in("10 voxels", ">=", 4) == expected(pytest.approx(270), ">=")
    assert filled_in(0, ">", 5) == expected(pytest.approx(135), ">=")
    assert filled_in(270, ">", 11) == expected(270, ">")
    assert filled_in(270, ">=", 11) == expected(pytest.approx(297), ">=")
