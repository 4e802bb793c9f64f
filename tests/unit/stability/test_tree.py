"""The component tree against labelling at every threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_maps import STRUCTURE, connectivities, label, levels_of, maps, same_components, tied_maps

from statmap.stability.tree import component_sizes, component_tree, cut, signed_maps


@settings(deadline=None, max_examples=150)
@given(maps, connectivities)
def test_cutting_the_tree_at_any_threshold_is_labelling(data, connectivity):
    tree = component_tree(data, connectivity)
    for threshold in [0.0, *levels_of(data), 99.0]:
        components = cut(tree, threshold)
        assert same_components(components, label(data, threshold, connectivity)) and components.dtype == np.int32


@settings(deadline=None, max_examples=40)
@given(maps, connectivities)
def test_a_basin_is_what_steepest_ascent_reaches(data, connectivity):
    """Voxel by voxel, over all neighbours; of equal values the lowest index is the highest."""
    tree = component_tree(data, connectivity)
    peaks, basin = {}, np.full(data.size, -1)
    basin[tree.voxels] = tree.basin
    steps = np.argwhere(STRUCTURE[connectivity]) - 1
    for voxel in np.argwhere(data > 0):
        near = voxel + steps
        near = near[((near >= 0) & (near < data.shape)).all(axis=1)]
        flat = np.ravel_multi_index(near.T, data.shape)
        here = np.ravel_multi_index(voxel, data.shape)
        uphill = flat[np.lexsort((-flat, data.ravel()[flat]))[-1]]
        assert basin[here] == basin[uphill]
        if uphill == here:
            peaks[here] = basin[here]
    assert sorted(peaks.values()) == list(range(len(tree.birth)))
    np.testing.assert_array_equal(tree.birth[list(peaks.values())], data.ravel()[list(peaks)])


@settings(deadline=None, max_examples=40)
@given(maps, connectivities, st.floats(0, 4))
def test_a_floor_changes_nothing_above_it(data, connectivity, floor):
    tree = component_tree(data, connectivity, floor)
    assert (tree.values >= floor).all()
    for threshold in levels_of(data):
        if threshold >= floor:
            assert same_components(cut(tree, threshold), label(data, threshold, connectivity))


def test_a_floor_is_not_rounded_to_the_precision_of_the_map():
    data = np.array([[[0.1, 0.2]]], np.float32)
    assert len(component_tree(data, 6, float(data[0, 0, 0])).values) == 2
    assert len(component_tree(data, 6, float(np.nextafter(float(data[0, 0, 0]), 1))).values) == 1


@settings(deadline=None, max_examples=40)
@given(tied_maps, connectivities)
def test_storage_order_does_not_matter(data, connectivity):
    a, b = component_tree(data, connectivity), component_tree(np.asfortranarray(data), connectivity)
    for field in ("voxels", "values", "basin", "birth", "death", "parent"):
        assert np.array_equal(getattr(a, field), getattr(b, field))


@settings(deadline=None, max_examples=60)
@given(maps, connectivities)
def test_component_sizes_are_those_of_labelling(data, connectivity):
    thresholds = levels_of(data)
    tree = component_tree(data, connectivity)
    for threshold, (_, n_voxels) in zip(thresholds, component_sizes(tree, thresholds), strict=True):
        expected = np.bincount(label(data, threshold, connectivity).ravel())[1:]
        assert sorted(n_voxels[n_voxels > 0]) == sorted(expected)


def test_the_maps_of_each_sign():
    data = np.array([[[-2.0, 0, 3]]])
    found = {
        (signs, sided): {sign: values.ravel().tolist() for sign, values in signed_maps(data, signs, sided).items()}
        for signs in ("split", "merged")
        for sided in ("two", "positive", "negative")
    }
    positive, negative = {"positive": [-2, 0, 3]}, {"negative": [2, 0, -3]}
    assert found == {
        ("split", "two"): positive | negative,
        ("merged", "two"): {"mixed": [2, 0, 3]},
        **{(signs, "positive"): positive for signs in ("split", "merged")},
        **{(signs, "negative"): negative for signs in ("split", "merged")},
    }


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_real_map(motor, connectivity):
    data, affine = motor
    for sign, signed in signed_maps(data, "split", "two").items():
        tree = component_tree(signed, connectivity)
        for threshold in (0.0, 0.5, 2.3, 3.0, 5.0, float(signed.max())):
            assert same_components(cut(tree, threshold), label(signed, threshold, connectivity)), (sign, threshold)
