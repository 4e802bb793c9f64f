"""The grid against a loop that labels every point of it."""

import io

import numpy as np
import pandas as pd
import pytest
from calls import extract_regions, resolve_cutoff
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.rules import SweepRule
from statmap.stability.sweep import sweep_grid, trees_of_settings

AFFINE = np.diag([-3.0, 3.0, 3.0, 1.0])
COLUMNS = [
    "connectivity",
    "signs",
    "threshold",
    "cutoff",
    "cutoff_rule",
    "min_region_size",
    "suprathreshold",
    "n_regions",
    "volume_mm3",
    "largest_mm3",
    "kept",
    "too_small",
]
integers = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6), elements=st.integers(-3, 4).map(float)
)


def loop(data, affine, cutoffs, sizes, connectivities, signs, sided, size_rule):
    """The same grid, one extraction per point."""
    rows, times = [], np.zeros(data.shape)
    for connectivity in connectivities:
        for handling in signs:
            for threshold, cutoff in cutoffs.items():
                thresholded = np.where(suprathreshold_mask(data, cutoff, sided), data, 0)
                for size in sizes:
                    spec = {
                        "extract_type": "connected_components",
                        "connectivity": connectivity,
                        "signs": handling,
                        "min_region_size": size,
                        "size_rule": size_rule,
                    }
                    regions = extract_regions(thresholded, affine, spec)
                    voxels = np.bincount(regions.labels.ravel())[1:]
                    accounting = regions.accounting
                    rows.append(
                        (connectivity, handling, threshold, cutoff.value, cutoff.rule, float(size))
                        + (accounting["suprathreshold"], len(voxels), voxels.sum() * 27.0, voxels.max(initial=0) * 27.0)
                        + (accounting["kept"], accounting["too_small"])
                    )
                    times += regions.labels > 0
    return pd.DataFrame(rows, columns=COLUMNS), times


def sweep(data, affine, cutoffs, sizes, connectivities, signs, sided, size_rule):
    floor = min(cutoff.at_least for cutoff in cutoffs.values())
    axes = {"min_region_sizes": sizes, "connectivities": connectivities, "signs": signs}
    trees = trees_of_settings(data, SweepRule(thresholds=[], **axes, sided=sided), floor)
    table, times_kept = sweep_grid(trees, data.shape, affine, cutoffs, sizes, size_rule)
    return pd.DataFrame(table), times_kept


def check(*arguments):
    table, times_kept = sweep(*arguments)
    expected, expected_times = loop(*arguments)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, rtol=1e-12)
    assert np.array_equal(times_kept, expected_times)
    return table, times_kept


@settings(deadline=None, max_examples=60)
@given(
    integers,
    st.lists(
        st.tuples(st.sampled_from((0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 9.0, np.inf)), st.sampled_from((">=", ">"))),
        min_size=1,
    ),
    st.lists(st.sampled_from((0.0, 27.0, 40.0, 81.0)), min_size=1, max_size=3),
    st.lists(st.sampled_from((6, 18, 26)), min_size=1, max_size=2, unique=True),
    st.sampled_from((["split"], ["merged"], ["merged", "split"])),
    st.sampled_from(("two", "positive", "negative")),
    st.sampled_from((">", ">=")),
)
def test_every_grid_point_equals_its_own_extraction(data, cutoffs, sizes, connectivities, signs, sided, size_rule):
    cutoffs = {f"t{n}": Cutoff(value, rule, "value") for n, (value, rule) in enumerate(cutoffs)}
    check(data, AFFINE, cutoffs, sizes, connectivities, signs, sided, size_rule)


@pytest.mark.parametrize("sided", ["two", "negative"])
def test_real_map_with_values_and_percentiles_in_any_order(motor, variant, sided):
    data, affine = motor
    thresholds = [4.5, "97%", 2.3, "99.5%", 3.0, "80%"]
    keys = variant | {"sided": sided}
    cutoffs = {str(t): resolve_cutoff(data, data != 0, keys | {"threshold": t}) for t in thresholds}
    table, times_kept = check(data, affine, cutoffs, [0, 500, 1500], [6, 26], ["split", "merged"], sided, ">")
    assert table["threshold"].unique().tolist() == list(map(str, thresholds))
    assert (table["kept"] + table["too_small"] == table["suprathreshold"]).all()
    assert 0.5 * len(table) < times_kept.max() <= len(table)
    assert ((times_kept > 0) <= suprathreshold_mask(data, min(cutoffs.values(), key=lambda c: c.value), sided)).all()


def test_nothing_passes():
    data = np.zeros((3, 4, 5), np.float32)
    table, times_kept = sweep(data, AFFINE, {"3.0": Cutoff(3.0, ">=", "value")}, [0, 9], [6], ["split"], "two", ">")
    assert table[["suprathreshold", "n_regions", "volume_mm3", "largest_mm3", "kept", "too_small"]].eq(0).all(axis=None)
    assert times_kept.shape == data.shape and not times_kept.any()


def test_table_reads_back_with_its_types(motor):
    data, affine = motor
    cutoffs = {"97%": Cutoff(4.4, ">", "percentile"), "3.0": Cutoff(3.0, ">=", "value")}
    table, _ = sweep(data, affine, cutoffs, [0, 500], [6, 18], ["split", "merged"], "two", ">")
    back = pd.read_csv(io.StringIO(table.to_csv(index=False)))
    pd.testing.assert_frame_equal(back, table)
    assert (back[["connectivity", "suprathreshold", "n_regions", "kept", "too_small"]].dtypes == np.int64).all()
