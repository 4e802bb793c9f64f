"""Dice, Jaccard and region matching against their definitions."""

import io

import numpy as np
import pandas as pd
from calls import extract_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.stability.agreement import dice_jaccard, match_regions

AFFINE = np.diag([-3.0, 3.0, 3.0, 1.0])
PAIR_COLUMNS = ["variant_a", "variant_b", "voxels_a", "voxels_b", "overlap_voxels", "dice", "jaccard"]
MATCH_COLUMNS = [
    "region_a",
    "region_b",
    "overlap_voxels",
    "overlap_mm3",
    "dice",
    "share_a",
    "share_b",
    "best_a",
    "best_b",
]


def pair_rows(masks):
    return pd.DataFrame(dice_jaccard(masks), columns=PAIR_COLUMNS)


def match_rows(a, b, affine):
    return pd.DataFrame(match_regions(a, b, affine))


def masks_of(n):
    return hnp.arrays(bool, (n, 3, 3, 3))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 4).flatmap(masks_of))
def test_coefficients_follow_their_definitions(stack):
    masks = {f"v{n}": mask for n, mask in enumerate(stack)}
    table = pair_rows(masks)
    assert list(table.columns) == PAIR_COLUMNS and len(table) == len(stack) * (len(stack) - 1) // 2
    for row in table.itertuples():
        a, b = masks[row.variant_a], masks[row.variant_b]
        both, either = (a & b).sum(), (a | b).sum()
        assert row.variant_a < row.variant_b
        assert (row.voxels_a, row.voxels_b, row.overlap_voxels) == (a.sum(), b.sum(), both)
        if either:
            assert row.dice == 2 * both / (a.sum() + b.sum()) and row.jaccard == both / either
        else:
            assert np.isnan(row.dice) and np.isnan(row.jaccard)


def labels_up_to(n):
    """Label images whose regions are 1..m, m <= n, none of them empty."""
    images = hnp.arrays(np.int32, (3, 3, 2), elements=st.integers(0, n))
    return images.map(lambda x: np.searchsorted(np.unique(np.append(x, 0)), x).astype(np.int32))


@settings(deadline=None, max_examples=150)
@given(labels_up_to(5), labels_up_to(5))
def test_matching_lists_every_overlap_and_every_lonely_region(a, b):
    table = match_rows(a, b, AFFINE)
    assert list(table.columns) == MATCH_COLUMNS
    dice = {}
    for i in range(1, a.max() + 1):
        for j in range(1, b.max() + 1):
            overlap = ((a == i) & (b == j)).sum()
            if overlap:
                dice[i, j] = 2 * overlap / ((a == i).sum() + (b == j).sum())
    met_a, met_b = {i for i, _ in dice}, {j for _, j in dice}
    lonely_a = [(i, 0) for i in range(1, a.max() + 1) if i not in met_a]
    lonely_b = [(0, j) for j in range(1, b.max() + 1) if j not in met_b]
    pairs = list(zip(table["region_a"], table["region_b"], strict=True))
    assert pairs == sorted([*dice, *lonely_a]) + lonely_b
    for row in table.itertuples():
        i, j = row.region_a, row.region_b
        overlap = ((a == i) & (b == j)).sum() if i and j else 0
        assert (row.overlap_voxels, row.overlap_mm3, row.dice) == (overlap, 27.0 * overlap, dice.get((i, j), 0))
        assert row.share_a == (overlap / (a == i).sum() if i else 0)
        assert row.share_b == (overlap / (b == j).sum() if j else 0)
        best_j = min((j for ii, j in dice if ii == i), key=lambda j: (-dice[i, j], j), default=None)
        best_i = min((i for i, jj in dice if jj == j), key=lambda i: (-dice[i, j], i), default=None)
        assert row.best_a == (i > 0 and j > 0 and j == best_j)
        assert row.best_b == (i > 0 and j > 0 and i == best_i)


def label_motor(motor, value):
    data, affine = motor
    spec = {
        "extract_type": "connected_components",
        "connectivity": 6,
        "signs": "split",
        "min_region_size": 500,
        "size_rule": ">",
    }
    suprathreshold = suprathreshold_mask(data, Cutoff(value, ">=", "value"), "two")
    return extract_regions(np.where(suprathreshold, data, 0), affine, spec).labels


def test_nested_thresholds_of_the_real_map(motor):
    low, high = label_motor(motor, 3.0), label_motor(motor, 4.0)
    table = match_rows(low, high, motor[1])
    # Every region at 4 lies in exactly one at 3: it is wholly shared, and that region is its best partner.
    inside = table[table["region_b"] > 0]
    assert sorted(inside["region_b"]) == list(range(1, high.max() + 1))
    assert (inside["share_b"] == 1).all() and inside["best_b"].all()
    assert set(table["region_a"]) == set(range(1, low.max() + 1))
    row = pair_rows({"low": low > 0, "high": high > 0}).iloc[0]
    assert row["jaccard"] == (high > 0).sum() / (low > 0).sum()


def test_a_variant_agrees_with_itself(motor):
    labels = label_motor(motor, 3.0)
    table = match_rows(labels, labels, motor[1])
    assert (table["region_a"] == table["region_b"]).all() and len(table) == labels.max()
    assert (table[["dice", "share_a", "share_b", "best_a", "best_b"]] == 1).all(axis=None)
    assert pair_rows({"a": labels > 0, "b": labels > 0})[["dice", "jaccard"]].eq(1).all(axis=None)


def test_tables_read_back_with_their_types(motor):
    low, high = label_motor(motor, 3.0), label_motor(motor, 5.0)
    empty = np.zeros_like(low)
    pairs = pair_rows({"low": low > 0, "high": high > 0, "none": empty > 0, "nothing": empty > 0})
    for table in (pairs, match_rows(low, high, motor[1]), match_rows(low, empty, motor[1])):
        back = pd.read_csv(io.StringIO(table.to_csv(index=False)))
        pd.testing.assert_frame_equal(back, table)
    nothing = match_rows(empty, empty, motor[1])
    assert nothing.to_csv(index=False) == ",".join(MATCH_COLUMNS) + "\n"
