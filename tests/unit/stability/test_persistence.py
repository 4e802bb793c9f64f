"""Persistence of peaks against its definition."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from small_maps import AFFINE, STRUCTURE, connectivities, label, maps

from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.stability.persistence import persistence
from statmap.stability.tree import component_tree, cut, signed_maps


def rows_of(trees, affine, cutoffs):
    """The table with its rows at hand."""
    return pd.DataFrame(persistence(trees, affine, cutoffs))


def expected_peaks(data, connectivity):
    """Peaks from their definition: {lowest voxel index of a plateau: (birth, death, index of the parent, ties)}."""
    flat = data.ravel()
    values = np.unique(data[data > 0]).astype(np.float64)[::-1]

    def strongest(component):
        best = np.flatnonzero(component & (data == data[component].max()))
        return best[0]

    found = {}
    for value in values:
        labels = label(data, value, connectivity)
        for number in np.unique(labels[(labels > 0) & (data == value)]):
            component = labels == number
            if (data[component] == value).all():
                found[strongest(component)] = (value, int(component.sum()))
    result = {}
    for voxel, (birth, ties) in found.items():
        result[voxel] = (birth, 0.0, -1, ties)
        for value in values[values < birth]:
            labels = label(data, value, connectivity)
            stronger = strongest(labels == labels.ravel()[voxel])
            if stronger != voxel:
                assert flat[stronger] >= birth
                result[voxel] = (birth, value, stronger, ties)
                break
    return result


@settings(deadline=None, max_examples=80)
@given(maps, connectivities)
def test_persistence_follows_the_elder_rule(data, connectivity):
    table = rows_of({"positive": component_tree(data, connectivity)}, AFFINE, {})
    expected = expected_peaks(data, connectivity)
    assert len(table) == len(expected)
    # A peak is told by the lowest voxel of its plateau, a place in the table by the plateau's most central voxel.
    lowest = {}
    for row in table.itertuples():
        plateau = label(np.where(data == data[row.i, row.j, row.k], data, 0), 0, connectivity)
        lowest[row.peak] = np.flatnonzero(plateau == plateau[row.i, row.j, row.k])[0]
    for row in table.itertuples():
        parent = lowest[row.parent] if row.parent else -1
        assert (row.birth, row.death, parent, row.ties) == expected[lowest[row.peak]]
        assert row.persistence == row.birth - row.death > 0
        assert row.birth == data[row.i, row.j, row.k]
    assert table["peak"].tolist() == list(range(1, len(table) + 1))
    assert table["persistence"].is_monotonic_decreasing


@settings(deadline=None, max_examples=40)
@given(maps, connectivities, st.sampled_from((">=", ">")))
def test_volumes_are_step_functions_of_the_cutoff(data, connectivity, rule):
    cutoffs = {str(value): Cutoff(value, rule, "value") for value in (3.0, 1.0, 2.0, 0.5)}
    table = rows_of({"positive": component_tree(data, connectivity)}, AFFINE, cutoffs)
    for written, cutoff in cutoffs.items():
        suprathreshold = suprathreshold_mask(data, cutoff, "positive")
        labels = ndimage.label(suprathreshold, STRUCTURE[connectivity])[0]
        column = table[f"volume_mm3@{written}"]
        for row, volume in zip(table.itertuples(), column, strict=True):
            if not suprathreshold[row.i, row.j, row.k]:
                assert volume == 0
            elif row.death > cutoff.value or (row.death == cutoff.value and rule == ">=" and row.parent):
                assert np.isnan(volume)
            else:
                assert volume == 27 * (labels == labels[row.i, row.j, row.k]).sum()
        assert column.sum() == 27 * suprathreshold.sum()


def test_both_signs_share_one_numbering():
    data = np.zeros((9, 3, 3))
    data[1:8, 1, 1] = [5, 1, 4, 0, -3, -2, -6]
    trees = {sign: component_tree(x, 6) for sign, x in signed_maps(data, "split", "two").items()}
    table = rows_of(trees, AFFINE, {})
    assert table[["peak", "sign", "birth", "death", "parent", "i"]].values.tolist() == [
        [1, "negative", 6.0, 0.0, 0, 7],
        [2, "positive", 5.0, 0.0, 0, 1],
        [3, "positive", 4.0, 1.0, 2, 3],
        [4, "negative", 3.0, 2.0, 1, 5],
    ]
    assert table.loc[0, ["x", "y", "z"]].tolist() == [57.0, -109.0, -47.0]


def test_a_plateau_is_one_peak_at_its_most_central_voxel():
    data = np.zeros((7, 7, 3))
    data[1:6, 1, 1] = data[1, 1:6, 1] = 4.0  # an L whose corner is the lowest index; its centre lies off the plateau
    table = rows_of({"positive": component_tree(data, 6)}, AFFINE, {})
    assert table[["i", "j", "k", "ties", "birth", "death"]].values.tolist() == [[1, 2, 1, 9, 4.0, 0.0]]


def test_of_equal_peaks_the_lowest_index_lives_on():
    data = np.zeros((7, 3, 3))
    data[1:6, 1, 1] = [4, 2, 4, 3, 4]
    table = rows_of({"positive": component_tree(data, 6)}, AFFINE, {})
    assert table[["i", "death", "parent"]].values.tolist() == [[1, 0, 0], [3, 2, 1], [5, 3, 2]]


@pytest.mark.parametrize("shape", [(4, 4, 4), (0, 3, 3)])
def test_a_map_without_suprathreshold_voxels_keeps_its_header(shape):
    tree = component_tree(np.zeros(shape, np.float32), 18, 2.0)
    assert not cut(tree, 2.0).any()
    table = rows_of({"positive": tree, "negative": tree}, AFFINE, {"3.0": Cutoff(3.0, ">=", "value")})
    assert table.empty
    assert ",".join(table) == "peak,sign,birth,death,persistence,parent,ties,x,y,z,i,j,k,volume_mm3@3.0"


def test_saturated_plateaus_of_the_real_map_count_once_each(motor):
    data, affine = motor
    top = data == data.max()
    assert top.sum() == 693
    _, n_plateaus = ndimage.label(top, STRUCTURE[18])
    table = rows_of({"positive": component_tree(data, 18, 2.0)}, affine, {})
    saturated = table[table["birth"] == data.max()]
    assert len(saturated) == n_plateaus and saturated["ties"].sum() == 693
    assert table["ties"].max() == saturated["ties"].max() > 500


def test_persistence_reads_back_with_its_types(motor):
    data, affine = motor
    trees = {sign: component_tree(x, 6, 3.0) for sign, x in signed_maps(data, "split", "two").items()}
    table = rows_of(trees, affine, {"3.0": Cutoff(3.0, ">=", "value"), "97%": Cutoff(4.5, ">", "percentile")})
    back = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    pd.testing.assert_frame_equal(back, table)
    assert (back[["peak", "parent", "ties", "i", "j", "k"]].dtypes == np.int64).all()
