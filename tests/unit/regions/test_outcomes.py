"""What became of each voxel: the numbers are those of the extraction, and what was dropped was dropped whole."""

import numpy as np
import pytest
from calls import extract_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from statmap.io.images import read_image
from statmap.regions.clusters import label_components
from statmap.regions.outcomes import KEPT, SEED_ONLY, TOO_SMALL, UNSEEDED, voxel_outcomes
from statmap.rules import RegionRule

KEYS = {"size_rule": ">", "edge_scale": "volume", "random_walker": "converged"}


def outcomes_of(data, affine, keys):
    regions = extract_regions(data, affine, KEYS | keys)
    outcomes = voxel_outcomes(data, regions.labels, affine, regions.accounting, regions.rule)
    np.testing.assert_array_equal(outcomes != 0, data != 0)
    np.testing.assert_array_equal(outcomes == KEPT, regions.labels > 0)
    for outcome, name in ((TOO_SMALL, "too_small"), (UNSEEDED, "unseeded"), (SEED_ONLY, "seed_only")):
        assert np.count_nonzero(outcomes == outcome) == regions.accounting[name]
    return outcomes


@settings(deadline=None, max_examples=150)
@given(
    data=arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7),
        elements=st.integers(-4, 4).map(float),
    ),
    extract_type=st.sampled_from(("connected_components", "local_regions")),
    signs=st.sampled_from(("split", "merged")),
    connectivity=st.sampled_from((6, 18, 26)),
    unseeded=st.sampled_from(("drop", "keep")),
    size=st.sampled_from((0, 2, 9)),
)
def test_of_any_volume(data, extract_type, signs, connectivity, unseeded, size):
    keys = {
        "extract_type": extract_type,
        "signs": signs,
        "connectivity": connectivity,
        "unseeded": unseeded,
        "min_region_size": size,
    }
    outcomes = outcomes_of(data, np.eye(4), keys)
    components = label_components(data, connectivity, signs)
    for outcome in (UNSEEDED, SEED_ONLY):
        dropped = outcomes == outcome
        np.testing.assert_array_equal(np.isin(components, components[dropped]), dropped)


@pytest.mark.parametrize("signs", ["merged", "split"])
def test_of_the_published_example(motor_path, signs):
    """Under `merged` the negative side has no seed; components far below the maximum have none either way."""
    data, affine = read_image(motor_path)
    data = np.where(np.abs(data) >= 3, data, 0)
    keys = {
        "extract_type": "local_regions",
        "signs": signs,
        "connectivity": 6,
        "unseeded": "drop",
        "min_region_size": 1500,
    }
    outcomes = outcomes_of(data, affine, keys)
    assert ((outcomes[data < 0] == UNSEEDED).all()) == (signs == "merged")
    assert set(np.unique(outcomes)) >= {0, KEPT, TOO_SMALL, UNSEEDED}


def test_components_that_are_nothing_but_their_seed():
    data = np.zeros((40, 5, 5), np.float32)
    data[2, 2, 2] = 5  # alone
    data[30:34, 1:4, 1:4] = [[[4]], [[6]], [[5]], [[4]]]
    keys = {
        "extract_type": "local_regions",
        "signs": "split",
        "connectivity": 6,
        "unseeded": "drop",
        "min_region_size": 0,
    }
    outcomes = outcomes_of(data, np.diag([3.0, 3, 3, 1]), keys)
    assert outcomes[2, 2, 2] == SEED_ONLY and np.count_nonzero(outcomes == SEED_ONLY) == 1


def test_an_accounting_of_other_images_is_an_error():
    data = np.ones((2, 2, 2), np.float32)
    accounting = {"suprathreshold": 8, "kept": 8, "too_small": 0, "unseeded": 0, "seed_only": 0}
    with pytest.raises(AssertionError, match="not those of the accounting"):
        voxel_outcomes(data, np.zeros((2, 2, 2), int), np.eye(4), accounting, RegionRule())
