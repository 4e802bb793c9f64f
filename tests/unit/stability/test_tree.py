"""The component tree against labelling at every threshold, persistence and robustness against their definitions."""

import io

import numpy as np
import pandas as pd
import pytest
from calls import extract_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from statmap.inference.thresholds import Cutoff, find_survivors
from statmap.stability.tree import component_sizes, component_tree, cut, persistence, robustness, signed_maps

AFFINE = np.array([[-3.0, 0, 0, 78], [0, 3, 0, -112], [0, 0, 3, -50], [0, 0, 0, 1]])
STRUCTURE = {c: ndimage.generate_binary_structure(3, rank) for c, rank in ((6, 1), (18, 2), (26, 3))}
connectivities = st.sampled_from((6, 18, 26))
shapes = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)
tied_maps = hnp.arrays(np.float32, shapes, elements=st.integers(-2, 4).map(float))
smooth_maps = hnp.arrays(np.float64, shapes, elements=st.floats(-4, 8)).map(lambda x: ndimage.gaussian_filter(x, 0.7))
maps = st.one_of(tied_maps, smooth_maps)


def label(data, threshold, connectivity):
    return ndimage.label((data >= np.float64(threshold)) & (data > 0), STRUCTURE[connectivity])[0]


def same_components(a, b):
    """Equal up to the numbers of the components."""
    pairs = np.unique(a.astype(np.int64) * (b.max(initial=0) + 1) + b)
    n_components = len(np.unique(a))
    return np.array_equal(a == 0, b == 0) and len(pairs) == n_components == len(np.unique(b))


def levels_of(data):
    """Every value of the map, and a threshold just above each."""
    values = np.unique(data[data > 0]).astype(np.float64)
    return np.sort(np.concatenate([values, np.nextafter(values, np.inf)]))


@settings(deadline=None, max_examples=150)
@given(maps, connectivities)
def test_cutting_the_tree_at_any_threshold_is_labelling(data, connectivity):
    tree = component_tree(data, connectivity)
    for threshold in [0.0, *levels_of(data), 99.0]:
        assert same_components(cut(tree, threshold), label(data, threshold, connectivity))


@settings(deadline=None, max_examples=40)
@given(maps, connectivities, st.floats(0, 4))
def test_a_floor_changes_nothing_above_it(data, connectivity, floor):
    tree = component_tree(data, connectivity, floor)
    assert (tree.values >= floor).all()
    for threshold in levels_of(data):
        if threshold >= floor:
            assert same_components(cut(tree, threshold), label(data, threshold, connectivity))


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
    table = persistence({"positive": component_tree(data, connectivity)}, AFFINE, {})
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
    table = persistence({"positive": component_tree(data, connectivity)}, AFFINE, cutoffs)
    for written, cutoff in cutoffs.items():
        survivors = find_survivors(data, cutoff, "positive")
        labels = ndimage.label(survivors, STRUCTURE[connectivity])[0]
        column = table[f"volume_mm3@{written}"]
        for row, volume in zip(table.itertuples(), column, strict=True):
            if not survivors[row.i, row.j, row.k]:
                assert volume == 0
            elif row.death > cutoff.value or (row.death == cutoff.value and rule == ">=" and row.parent):
                assert np.isnan(volume)
            else:
                assert volume == 27 * (labels == labels[row.i, row.j, row.k]).sum()
        assert column.sum() == 27 * survivors.sum()


def test_both_signs_share_one_numbering():
    data = np.zeros((9, 3, 3))
    data[1:8, 1, 1] = [5, 1, 4, 0, -3, -2, -6]
    trees = {sign: component_tree(x, 6) for sign, x in signed_maps(data, "split", "two").items()}
    table = persistence(trees, AFFINE, {})
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
    table = persistence({"positive": component_tree(data, 6)}, AFFINE, {})
    assert table[["i", "j", "k", "ties", "birth", "death"]].values.tolist() == [[1, 2, 1, 9, 4.0, 0.0]]


def test_of_equal_peaks_the_lowest_index_lives_on():
    data = np.zeros((7, 3, 3))
    data[1:6, 1, 1] = [4, 2, 4, 3, 4]
    table = persistence({"positive": component_tree(data, 6)}, AFFINE, {})
    assert table[["i", "death", "parent"]].values.tolist() == [[1, 0, 0], [3, 2, 1], [5, 3, 2]]


@pytest.mark.parametrize("shape", [(4, 4, 4), (0, 3, 3)])
def test_a_map_without_survivors_keeps_its_header(shape):
    tree = component_tree(np.zeros(shape, np.float32), 18, 2.0)
    assert not cut(tree, 2.0).any()
    table = persistence({"positive": tree, "negative": tree}, AFFINE, {"3.0": Cutoff(3.0, ">=", "value")})
    header = "peak,sign,birth,death,persistence,parent,ties,x,y,z,i,j,k,volume_mm3@3.0\n"
    assert table.to_csv(index=False) == header


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_real_map(motor, connectivity):
    data, affine = motor
    for sign, signed in signed_maps(data, "split", "two").items():
        tree = component_tree(signed, connectivity)
        for threshold in (0.0, 0.5, 2.3, 3.0, 5.0, float(signed.max())):
            assert same_components(cut(tree, threshold), label(signed, threshold, connectivity)), (sign, threshold)


def test_saturated_plateaus_of_the_real_map_count_once_each(motor):
    data, affine = motor
    top = data == data.max()
    assert top.sum() == 693
    _, n_plateaus = ndimage.label(top, STRUCTURE[18])
    table = persistence({"positive": component_tree(data, 18, 2.0)}, affine, {})
    saturated = table[table["birth"] == data.max()]
    assert len(saturated) == n_plateaus and saturated["ties"].sum() == 693
    assert table["ties"].max() == saturated["ties"].max() > 500


def test_persistence_reads_back_with_its_types(motor):
    data, affine = motor
    trees = {sign: component_tree(x, 6, 3.0) for sign, x in signed_maps(data, "split", "two").items()}
    table = persistence(trees, affine, {"3.0": Cutoff(3.0, ">=", "value"), "97%": Cutoff(4.5, ">", "percentile")})
    back = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    pd.testing.assert_frame_equal(back, table)
    assert (back[["peak", "parent", "ties", "i", "j", "k"]].dtypes == np.int64).all()


def region_rows(data, labels):
    """The columns of a region table that robustness needs; of tied peaks the last, which the tree would not take."""
    rows = []
    for number in range(1, labels.max() + 1):
        inside = labels == number
        peak = np.argwhere(inside & (np.abs(data) == np.abs(data[inside]).max()))[-1]
        positive, negative = (data[inside] > 0).any(), (data[inside] < 0).any()
        rows.append(("mixed" if positive and negative else "positive" if positive else "negative", *peak))
    return pd.DataFrame(rows, columns=["sign", "peak_i", "peak_j", "peak_k"])


def holds(signed, peak, threshold, rule, connectivity, minimum, size_rule):
    """The definition of a region that is still the same finding, at one threshold."""
    alive = (signed >= threshold if rule == ">=" else signed > threshold) & (signed > 0)
    if not alive[peak]:
        return False
    labels = ndimage.label(alive, STRUCTURE[connectivity])[0]
    component = labels == labels[peak]
    volume = 27.0 * component.sum()
    return signed[component].max() == signed[peak] and (volume > minimum if size_rule == ">" else volume >= minimum)


@settings(deadline=None, max_examples=80)
@given(
    data=maps,
    connectivity=connectivities,
    signs=st.sampled_from(("split", "merged")),
    sided=st.sampled_from(("two", "positive", "negative")),
    value=st.sampled_from((0.0, 0.5, 1.0, 2.0)),
    rule=st.sampled_from((">=", ">")),
    minimum=st.sampled_from((0.0, 27.0, 40.0, 81.0)),
    size_rule=st.sampled_from((">", ">=")),
)
def test_robustness_is_the_interval_of_its_definition(
    data, connectivity, signs, sided, value, rule, minimum, size_rule
):
    cutoff = Cutoff(value, rule, "value")
    spec = {
        "extract_type": "connected_components",
        "connectivity": connectivity,
        "signs": signs,
        "min_region_size": minimum,
        "size_rule": size_rule,
    }
    survivors = find_survivors(data, cutoff, sided)
    regions = region_rows(data, extract_regions(np.where(survivors, data, 0), AFFINE, spec).labels)
    result = robustness(
        data,
        AFFINE,
        regions,
        cutoff,
        connectivity=connectivity,
        signs=signs,
        sided=sided,
        min_region_size=minimum,
        size_rule=size_rule,
    )
    assert list(result.columns) == ["robust_low", "robust_high", "margin"] and len(result) == len(regions)
    maps_by_sign = signed_maps(data, signs, sided)
    for region, interval in zip(regions.itertuples(), result.itertuples(), strict=True):
        signed = maps_by_sign.get(region.sign, next(iter(maps_by_sign.values()))).astype(np.float64)
        peak = region.peak_i, region.peak_j, region.peak_k
        low, high = interval.robust_low, interval.robust_high
        assert interval.margin == min(value - low, high - value) >= 0
        values = np.unique(np.concatenate([[0.0], signed[signed > 0]]))
        assert low in values and high in values
        for threshold in np.unique(np.concatenate([values, (values[1:] + values[:-1]) / 2, [value]])):
            inside = low < threshold <= high if rule == ">=" else low <= threshold < high
            if threshold > 0 or rule == ">":
                arguments = signed, peak, threshold, rule, connectivity, minimum, size_rule
                assert inside == holds(*arguments), (threshold, low, high)


@pytest.mark.parametrize("sided", ["two", "positive"])
def test_robustness_of_real_regions_by_extracting_again(motor, sided):
    data, affine = motor
    spec = {
        "extract_type": "connected_components",
        "connectivity": 18,
        "signs": "split",
        "min_region_size": 500,
        "size_rule": ">",
    }

    def extract(value):
        survivors = find_survivors(data, Cutoff(value, ">=", "value"), sided)
        return extract_regions(np.where(survivors, data, 0), affine, spec).labels

    labels = extract(3.0)
    regions = region_rows(data, labels)
    assert len(regions) >= 2
    keys = ("connectivity", "signs", "min_region_size", "size_rule")
    cutoff = Cutoff(3.0, ">=", "value")
    result = robustness(data, affine, regions, cutoff, sided=sided, **{key: spec[key] for key in keys})
    for region, interval in zip(regions.itertuples(), result.itertuples(), strict=True):
        peak = region.peak_i, region.peak_j, region.peak_k

        def main_peak_value(value, peak=peak):
            labels = extract(value)
            return np.abs(data[labels == labels[peak]]).max() if labels[peak] else None

        height = np.abs(data[peak])
        assert main_peak_value(np.nextafter(interval.robust_low, 9)) == height
        assert main_peak_value(interval.robust_high) == height
        assert main_peak_value(np.nextafter(interval.robust_high, 9)) is None
        if interval.robust_low > 0:
            assert main_peak_value(interval.robust_low) > height


def test_local_regions_take_the_interval_of_their_component():
    data = np.zeros((9, 3, 3))
    data[1:8, 1, 1] = [5, 3, 2, 3, 4, 0, 1]
    regions = pd.DataFrame({"sign": "positive", "peak_i": [1, 5], "peak_j": 1, "peak_k": 1})
    keys = {"connectivity": 6, "signs": "split", "sided": "two", "min_region_size": 0, "size_rule": ">"}
    together = robustness(data, AFFINE, regions, Cutoff(2.0, ">=", "value"), **keys)
    assert together.values.tolist() == [[0.0, 5.0, 2.0], [0.0, 5.0, 2.0]]
    apart = robustness(data, AFFINE, regions, Cutoff(2.5, ">=", "value"), **keys)
    assert apart.values.tolist() == [[0.0, 5.0, 2.5], [2.0, 4.0, 0.5]]


def test_robustness_without_regions_is_an_empty_table(motor):
    data, affine = motor
    regions = pd.DataFrame(columns=["sign", "peak_i", "peak_j", "peak_k"])
    keys = {"connectivity": 6, "signs": "split", "sided": "two", "min_region_size": 0, "size_rule": ">"}
    result = robustness(data, affine, regions, Cutoff(float("inf"), ">=", "fdr"), **keys)
    assert list(result.columns) == ["robust_low", "robust_high", "margin"] and result.empty
