"""Findings of a sweep against labelling every point of its grid."""

import numpy as np
import pytest
from calls import extract_regions, list_peaks, measure_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from small_maps import AFFINE, connectivities, maps

from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.rules import SweepRule
from statmap.stability.findings import findings, main_peaks_of_sweep, read_ranges, write_ranges
from statmap.stability.persistence import persistence
from statmap.stability.sweep import sweep_grid, trees_of_settings
from statmap.stability.tree import component_tree


def found(data, affine, cutoffs, sizes, connectivities, signs, sided, size_rule):
    floor = min(cutoff.at_least for cutoff in cutoffs.values())
    axes = {"min_region_sizes": sizes, "connectivities": connectivities, "signs": signs}
    trees = trees_of_settings(data, SweepRule(thresholds=[], **axes, sided=sided), floor)
    grid, _ = sweep_grid(trees, data.shape, affine, cutoffs, sizes, size_rule)
    occurrences = main_peaks_of_sweep(data, trees, affine, cutoffs, sizes, size_rule)
    return *findings(data, affine, occurrences, len(grid["kept"])), grid


def by_labelling(data, cutoffs, sizes, connectivities, signs, sided, size_rule):
    """By the first voxel of largest magnitude of any region: [(specification, cutoff, voxels, mean)]."""
    main, row = {}, 0
    for connectivity in connectivities:
        for handling in signs:
            for cutoff in cutoffs.values():
                thresholded = np.where(suprathreshold_mask(data, cutoff, sided), data, 0)
                for size in sizes:
                    spec = {"extract_type": "connected_components", "connectivity": connectivity, "signs": handling}
                    spec |= {"min_region_size": size, "size_rule": size_rule}
                    labels = extract_regions(thresholded, AFFINE, spec).labels
                    for region in range(1, labels.max() + 1):
                        inside = np.flatnonzero(labels.ravel() == region)
                        values = data.ravel()[inside].astype(np.float64)
                        voxel = inside[np.abs(values).argmax()]
                        main.setdefault(voxel, []).append((row, cutoff.value, len(inside), values.mean()))
                    row += 1
    return main, row


@settings(deadline=None, max_examples=100)
@given(
    data=maps,
    cutoffs=st.lists(
        st.tuples(st.sampled_from((0.0, 0.5, 1.0, 2.0, 2.5, 9.0, np.inf)), st.sampled_from((">=", ">"))), min_size=1
    ),
    sizes=st.lists(st.sampled_from((0.0, 27.0, 40.0, 81.0)), min_size=1, max_size=3),
    connectivities=st.sampled_from(([6], [26, 6], [6, 18, 26])),
    signs=st.sampled_from((["split"], ["merged"], ["merged", "split"])),
    sided=st.sampled_from(("two", "positive", "negative")),
    size_rule=st.sampled_from((">", ">=")),
)
def test_findings_are_the_main_peaks_of_every_specification(
    data, cutoffs, sizes, connectivities, signs, sided, size_rule
):
    cutoffs = {f"t{n}": Cutoff(value, rule, "value") for n, (value, rule) in enumerate(cutoffs)}
    axes = cutoffs, sizes, connectivities, signs, sided, size_rule
    table, found_in, grid = found(data, AFFINE, *axes)
    expected, n_specifications = by_labelling(data, *axes)
    flat = data.ravel()
    order = sorted(expected, key=lambda voxel: (-len(expected[voxel]), -abs(flat[voxel]), voxel))
    assert table["finding"].tolist() == list(range(1, len(order) + 1)) and len(found_in) == len(order)
    assert table["peak_value"].tolist() == [flat[voxel] for voxel in order]
    for rank, voxel in enumerate(order):
        rows, values, voxels, means = (np.array(column) for column in zip(*expected[voxel], strict=True))
        assert found_in[rank].tolist() == rows.tolist()
        assert table["n_found"][rank] == len(rows) and table["share"][rank] == len(rows) / n_specifications
        assert table["sign"][rank] == ("positive" if flat[voxel] > 0 else "negative")
        assert abs(data[tuple(table[axis][rank] for axis in "ijk")]) == abs(flat[voxel])
        for words, of in (("{}est_cutoff", values), ("{}est_mean", means)):
            ends = [table[words.format(end)][rank] for end in ("low", "high")]
            np.testing.assert_allclose(ends, [of.min(), of.max()], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(table["median_mean"][rank], np.median(means), rtol=1e-12, atol=1e-12)
        sizes_found = [table[f"{name}_mm3"][rank] for name in ("smallest", "median", "largest")]
        np.testing.assert_allclose(sizes_found, 27 * np.array([voxels.min(), np.median(voxels), voxels.max()]))
    # A region has one main peak: a specification finds as many findings as it has regions.
    counted = np.bincount(np.concatenate([np.zeros(0, int), *found_in]), minlength=n_specifications)
    assert counted.tolist() == grid["n_regions"].tolist()


def test_a_finding_ends_where_it_joins_a_stronger_one():
    data = np.zeros((9, 3, 3))
    data[1:8, 1, 1] = [5, 3, 2, 3, 4, 0, -6]
    cutoffs = {str(value): Cutoff(value, ">=", "value") for value in (1.0, 2.0, 2.5, 4.5, 5.5)}
    table, found_in, _ = found(data, AFFINE, cutoffs, [0.0], [6], ["split"], "two", ">")
    assert table["peak_value"].tolist() == [-6, 5, 4]
    assert [rows.tolist() for rows in found_in] == [[0, 1, 2, 3, 4], [0, 1, 2, 3], [2]]
    assert table["largest_mm3"].tolist() == [27, 135, 54] and table["median_mean"].tolist() == [-6, 3.7, 3.5]


def test_the_place_is_the_centre_of_a_plateau():
    data = np.zeros((7, 3, 3))
    data[1:6, 1, 1] = 4
    table, _, _ = found(data, AFFINE, {"3": Cutoff(3.0, ">=", "value")}, [0], [6, 26], ["split"], "two", ">")
    assert [table[name].tolist() for name in ("i", "j", "k", "x", "n_found", "share")] == [
        [3],
        [1],
        [1],
        [69],
        [2],
        [1],
    ]


@settings(deadline=None, max_examples=100)
@given(maps, connectivities)
def test_one_cluster_has_one_peak_in_every_table(data, connectivity):
    """Regions, their peaks, findings and persistence tell ties by one rule (`regions.peaks`)."""
    cutoff = Cutoff(1.0, ">=", "value")
    trees = {"positive": component_tree(data, connectivity)}
    rule = {"sided": "positive", "connectivity": connectivity, "min_region_size": 0}
    labels = extract_regions(np.where(data >= 1, data, 0), AFFINE, rule).labels
    regions = measure_regions(data, labels, AFFINE, connectivity)
    places = sorted(zip(*(regions[f"peak_{axis}"] for axis in "ijk"), strict=True))
    peaks = list_peaks(data, labels, AFFINE, connectivity)
    found_once = found(data, AFFINE, {"1": cutoff}, [0.0], [connectivity], ["split"], "positive", ">")[0]
    table = persistence(trees, AFFINE, {"1": cutoff})
    alive = (table["birth"] >= 1) & (table["death"] < 1)
    for ijk in (
        [peaks[axis][peaks["peak"] == 1] for axis in "ijk"],
        [found_once[axis] for axis in "ijk"],
        [table[axis][alive] for axis in "ijk"],
    ):
        assert sorted(zip(*ijk, strict=True)) == places


def test_nothing_found_keeps_the_columns():
    table, found_in, _ = found(
        np.zeros((3, 4, 5)), AFFINE, {"3": Cutoff(3.0, ">=", "value")}, [0], [6], ["split"], "two", ">"
    )
    assert found_in == [] and len(table) == 19 and all(len(column) == 0 for column in table.values())


@pytest.mark.parametrize(
    ("rows", "text"), [([], ""), ([4], "4"), ([1, 2, 3, 7, 9, 10], "1-3 7 9-10"), (np.array([0, 2]), "0 2")]
)
def test_rows_as_ranges(rows, text):
    assert write_ranges(rows) == text
    assert read_ranges(text) == list(rows)
