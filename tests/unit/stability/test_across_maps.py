"""Agreement of maps against its definitions."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from statmap.stability.across_maps import found_in_maps, maps_on_one_grid, overlap_of_maps, shared_voxels


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5).flatmap(lambda n: hnp.arrays(bool, (n, 3, 2, 4))))
def test_overlap_follows_its_definition(stack):
    n_maps, rows = overlap_of_maps((f"m{n}", mask) for n, mask in enumerate(stack))
    assert n_maps.tolist() == stack.sum(axis=0).tolist() and n_maps.dtype == np.int16
    assert [(row["map_a"], row["map_b"]) for row in rows] == list(combinations([f"m{n}" for n in range(len(stack))], 2))
    for row in rows:
        a, b = stack[int(row["map_a"][1])], stack[int(row["map_b"][1])]
        both, either = (a & b).sum(), (a | b).sum()
        assert (row["voxels_a"], row["voxels_b"], row["overlap_voxels"]) == (a.sum(), b.sum(), both)
        expected = [2 * both / (a.sum() + b.sum()), both / either] if either else [np.nan, np.nan]
        np.testing.assert_equal([row["dice"], row["jaccard"]], expected)


def test_no_map_overlaps_nothing():
    assert overlap_of_maps([]) == (None, [])


def test_maps_on_other_grids_are_left_out():
    here = np.diag([-3.0, 3, 3, 1])
    beside, rounded = here.copy(), here.astype(np.float32) + np.float32(1e-6)
    beside[0, 3] = 1
    shape = (53, 63, 46)
    grids = {"a": (shape, beside), "b": (shape, here), "c": ((53, 63, 47), here), "d": (shape, rounded)}
    assert maps_on_one_grid(grids) == (["b", "d"], ["a", "c"])
    assert maps_on_one_grid({"a": (shape, beside), "b": (shape, here)}) == (["a"], ["b"])
    assert maps_on_one_grid({}) == ([], [])


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 4).flatmap(lambda n: hnp.arrays(np.int32, (n, 3, 2, 4), elements=st.integers(0, 3))))
def test_shared_voxels_follow_their_definition(stack):
    found = list(shared_voxels((f"m{n}", labels) for n, labels in enumerate(stack)))
    expected = []
    for one, other in combinations(range(len(stack)), 2):
        for a in range(1, 4):
            for b in range(1, 4):
                voxels = int(((stack[one] == a) & (stack[other] == b)).sum())
                expected += [((f"m{one}", a), (f"m{other}", b), voxels)] if voxels else []
    assert found == sorted(expected)
    assert list(shared_voxels([])) == []


def test_a_region_is_found_where_one_of_its_sign_shares_a_voxel():
    regions = {
        "a": [{"region": 1, "sign": "positive"}, {"region": 2, "sign": "negative"}],
        "b": [{"region": n, "sign": "positive"} for n in (1, 2, 3)],
        "c": [],
    }
    shared = [(("a", 1), ("b", 1), 2), (("a", 1), ("b", 3), 5), (("a", 2), ("b", 2), 9)]
    rows = list(found_in_maps(regions, shared))
    assert [(row["n_maps"], row["regions@a"], row["regions@b"], row["regions@c"]) for row in rows] == [
        (2, "1", "3 1", None),
        (1, "2", None, None),
        (2, "1", "1", None),
        (1, None, "2", None),
        (2, "1", "3", None),
    ]
