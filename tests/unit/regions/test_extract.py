"""What is promised of regions on any volume: labels, sizes, order, and a voxel accounting that balances."""

import numpy as np
import pytest
from calls import extract_regions, measure_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from statmap.grid import voxel_volume
from statmap.inference.thresholds import Cutoff, suprathreshold_mask
from statmap.io.images import read_image
from statmap.io.nifti import write_image, write_sparse
from statmap.regions.clusters import label_components
from statmap.regions.extract import (
    KEPT,
    SEED_ONLY,
    TOO_SMALL,
    UNSEEDED,
    accounting_warnings,
    check_accounting,
    region_voxels,
)
from statmap.rules import RegionRule

STRUCTURE = {
    6: ndimage.generate_binary_structure(3, 1),
    18: ndimage.generate_binary_structure(3, 2),
    26: np.ones((3, 3, 3)),
}
SPEC = {
    "extract_type": "connected_components",
    "signs": "split",
    "connectivity": 6,
    "min_region_size": 0,
    "size_rule": ">",
    "unseeded": "drop",
    "edge_scale": "volume",
    "random_walker": "converged",
}

connectivities = st.sampled_from((6, 18, 26))
extract_types = st.sampled_from(("connected_components", "local_regions"))
signs = st.sampled_from(("split", "merged"))
volumes = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7), elements=st.integers(-4, 4).map(float)
)


@st.composite
def affines(draw):
    """Flipped, permuted, anisotropic and oblique affines."""
    sizes = draw(st.tuples(*[st.floats(0.5, 4)] * 3))
    flips = draw(st.tuples(*[st.sampled_from((-1, 1))] * 3))
    angle = draw(st.floats(0, 0.7))
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = (rotation @ np.diag(np.multiply(sizes, flips)))[:, draw(st.permutations(range(3)))]
    affine[:3, 3] = draw(st.tuples(*[st.floats(-90, 90)] * 3))
    return affine


def same_partition(one, other):
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1] and all((a == 0) == (b == 0) for a, b in pairs.T)


@settings(deadline=None, max_examples=100)
@given(volumes, connectivities)
def test_components_are_scipys(data, connectivity):
    expected, count = ndimage.label(data, STRUCTURE[connectivity])
    found = label_components(data, connectivity, "merged")
    assert found.max() == count and same_partition(found, expected)


@settings(deadline=None, max_examples=100)
@given(volumes, connectivities, affines())
def test_split_equals_labelling_each_sign_apart(data, connectivity, affine):
    found = extract_regions(data, affine, SPEC | {"connectivity": connectivity}).labels
    apart = ndimage.label(data > 0, STRUCTURE[connectivity])[0]
    negative = ndimage.label(data < 0, STRUCTURE[connectivity])[0]
    assert same_partition(found, apart + np.where(negative, negative + apart.max(), 0))


@settings(deadline=None, max_examples=60)
@given(volumes, affines(), extract_types)
def test_local_regions_of_split_signs_are_those_of_x_and_of_minus_x(data, affine, extract_type):
    spec = SPEC | {"extract_type": extract_type}
    both = extract_regions(data, affine, spec).labels
    positive = extract_regions(np.maximum(data, 0), affine, spec).labels
    negative = extract_regions(np.maximum(-data, 0), affine, spec).labels
    assert same_partition(both, positive + np.where(negative, negative + positive.max(), 0))


@settings(deadline=None, max_examples=100)
@given(volumes, affines(), extract_types, signs, connectivities, st.floats(0, 200), st.sampled_from(("drop", "keep")))
def test_every_suprathreshold_voxel_is_accounted_for(
    data, affine, extract_type, handling, connectivity, smallest, unseeded
):
    spec = SPEC | {
        "extract_type": extract_type,
        "signs": handling,
        "connectivity": connectivity,
        "min_region_size": smallest,
        "unseeded": unseeded,
    }
    found = extract_regions(data, affine, spec)
    accounting = found.accounting
    assert accounting["suprathreshold"] == np.count_nonzero(data)
    assert accounting["suprathreshold"] == sum(
        accounting[outcome] for outcome in ("kept", "too_small", "unseeded", "seed_only")
    )
    assert accounting["kept"] == np.count_nonzero(found.labels)
    assert not (found.labels[data == 0]).any()
    if unseeded == "keep" or extract_type == "connected_components":
        assert accounting["unseeded"] == accounting["seed_only"] == 0
    sizes = np.bincount(found.labels.ravel(), minlength=1)[1:]
    assert (sizes * voxel_volume(affine) > smallest * (1 - 1e-9)).all()
    assert (np.diff(sizes) <= 0).all(), "largest first"


@settings(deadline=None, max_examples=60)
@given(volumes, affines(), extract_types, signs, st.floats(0, 60), st.floats(0, 60))
def test_a_smaller_limit_never_changes_the_regions_a_larger_one_kept(data, affine, extract_type, handling, one, other):
    spec = SPEC | {"extract_type": extract_type, "signs": handling}
    few, many = (
        extract_regions(data, affine, spec | {"min_region_size": size}).labels
        for size in (max(one, other), min(one, other))
    )
    # Largest first: the regions that the larger limit keeps are the first ones of the smaller limit, number for number.
    np.testing.assert_array_equal(few, np.where(many <= few.max(), many, 0))


@settings(deadline=None, max_examples=60)
@given(volumes, connectivities, st.tuples(*[st.integers(0, 4)] * 6))
def test_zero_padding_changes_no_component(data, connectivity, pads):
    spec = SPEC | {"connectivity": connectivity}
    padded = np.pad(data, np.reshape(pads, (3, 2)))
    inner = tuple(slice(low, low + size) for low, size in zip(pads[::2], data.shape, strict=True))
    found = extract_regions(padded, np.eye(4), spec).labels
    np.testing.assert_array_equal(found[inner], extract_regions(data, np.eye(4), spec).labels)


@settings(deadline=None, max_examples=60)
@given(volumes, affines(), st.sampled_from((np.float32, np.float64)), st.permutations(range(3)), st.integers(0, 7))
def test_sizes_do_not_depend_on_how_the_volume_is_stored(tmp_path_factory, data, affine, dtype, axes, flips):
    """Storage order, byte order, data type and axis flips."""
    reference = measure_regions(data, extract_regions(data, affine, SPEC).labels, affine)

    turn = np.eye(4)[:, [*axes, 3]]
    stored = np.transpose(data, axes).astype(dtype)
    for axis in range(3):
        if flips >> axis & 1:
            flip = np.eye(4)
            flip[axis, axis], flip[axis, 3] = -1, stored.shape[axis] - 1
            stored, turn = np.flip(stored, axis), turn @ flip
    stored = np.asfortranarray(stored).astype(stored.dtype.newbyteorder(">"))
    path = tmp_path_factory.mktemp("stored") / "map.nii.gz"
    write_image(path, stored, affine @ turn)
    read, read_affine = read_image(path)
    table = measure_regions(read, extract_regions(read, read_affine, SPEC).labels, read_affine)
    np.testing.assert_allclose(table["volume_mm3"].tolist(), reference["volume_mm3"].tolist(), rtol=1e-4)
    assert sorted(table["peak_value"]) == sorted(reference["peak_value"])


@settings(deadline=None, max_examples=60)
@given(volumes, affines(), extract_types, signs, connectivities)
def test_the_peak_is_inside_its_region(data, affine, extract_type, handling, connectivity):
    spec = SPEC | {"extract_type": extract_type, "signs": handling, "connectivity": connectivity}
    found = extract_regions(data, affine, spec)
    for row in measure_regions(data, found.labels, affine).to_dict("records"):
        peak = row["peak_i"], row["peak_j"], row["peak_k"]
        assert found.labels[peak] == row["region"]
        assert abs(data[peak]) == abs(data[found.labels == row["region"]]).max() == abs(row["peak_value"])


def test_regions_are_ordered_by_size_then_by_peak_position():
    data = np.zeros((12, 3, 3), dtype=np.float32)
    data[0, 1, 1], data[3:5, 1, 1], data[7:9, 1, 1], data[11, 1, 1] = 9, 1, 5, 2
    labels = extract_regions(data, np.eye(4), SPEC).labels
    assert [labels[i, 1, 1] for i in (0, 3, 7, 11)] == [3, 1, 2, 4]


@pytest.mark.parametrize(("rule", "kept"), [(">", 1), (">=", 2)])
def test_size_is_compared_in_cubic_millimetres(rule, kept):
    data = np.zeros((10, 3, 3), dtype=np.float32)
    data[0:2, 1, 1], data[4:7, 1, 1] = 1, 1
    affine = np.diag([-2, 3, 3, 1.0])
    found = extract_regions(data, affine, SPEC | {"min_region_size": 36, "size_rule": rule})
    assert found.n_regions == kept and found.accounting["too_small"] == (2 if kept == 1 else 0)


def threshold(motor, value, sided):
    data, affine = motor
    return np.where(suprathreshold_mask(data, Cutoff(value, ">=", "value"), sided), data, 0), affine


def test_merged_local_regions_lose_every_negative_voxel_and_say_so(motor):
    """Two-sided |z| >= 3.1 on the embedded map: nilearn's local_regions drops all 1,139 negative voxels."""
    data, affine = threshold(motor, 3.1, "two")
    spec = SPEC | {"extract_type": "local_regions"}
    merged = extract_regions(data, affine, spec | {"signs": "merged"})
    assert (data < 0).sum() == 1139 and not (merged.labels[data < 0]).any()
    assert "reason other than size" in accounting_warnings(merged.accounting, merged.rule)[0]
    kept = extract_regions(data, affine, spec | {"unseeded": "keep"})
    assert (
        kept.accounting["kept"] == kept.accounting["suprathreshold"]
        and accounting_warnings(kept.accounting, kept.rule) == []
    )


def test_an_unseeded_component_of_286_voxels_is_reported_and_can_be_kept(motor):
    """One-sided z >= 4 on the embedded map: a large component lies too near to a stronger maximum to get a seed."""
    data, affine = threshold(motor, 4.0, "positive")
    spec = SPEC | {"extract_type": "local_regions", "signs": "merged"}
    lost = extract_regions(data, affine, spec)
    assert lost.accounting["unseeded"] >= 286
    missing = (data != 0) & (lost.labels == 0)
    components = np.bincount(ndimage.label(missing)[0].ravel())[1:]
    assert components.max() == 286
    kept = extract_regions(data, affine, spec | {"unseeded": "keep"})
    assert kept.accounting["kept"] == kept.accounting["suprathreshold"]
    assert 286 in np.bincount(kept.labels.ravel())


def test_padding_moves_nilearns_borders_but_not_those_of_edge_scale_suprathreshold(motor):
    """nilearn scales edge weights by the standard deviation of the whole array, background and all."""
    data, affine = threshold(motor, 0.5, "two")
    spec = SPEC | {"extract_type": "local_regions", "signs": "merged"}
    inner = (slice(30, -30),) * 3
    labels = {}
    for scale in ("volume", "suprathreshold"):
        whole = extract_regions(data, affine, spec | {"edge_scale": scale}).labels
        padded = extract_regions(np.pad(data, 30), affine, spec | {"edge_scale": scale}).labels[inner]
        labels[scale] = same_partition(whole, padded)
    assert labels == {"volume": False, "suprathreshold": True}


def test_four_d_image_holds_one_region_a_volume(motor, tmp_path):
    data, affine = threshold(motor, 3.0, "two")
    found = extract_regions(data, affine, SPEC)
    path = tmp_path / "regions_4d.nii.gz"
    write_sparse(path, region_voxels(found.labels, data), (*data.shape, found.n_regions), affine, data.dtype)
    import nibabel as nib

    four_d = nib.load(path).get_fdata(dtype=np.float32)
    assert four_d.shape[3] == found.n_regions > 20
    for region in range(found.n_regions):
        np.testing.assert_array_equal(four_d[..., region], np.where(found.labels == region + 1, data, 0))


def test_memory_of_the_four_d_image_does_not_grow_with_the_number_of_regions(tmp_path):
    import tracemalloc

    peaks = []
    for count in (4, 400):
        labels = np.zeros((60, 60, 60), dtype=np.int32)
        labels.reshape(-1)[:4000] = np.repeat(np.arange(1, count + 1), 4000 // count)
        data = np.ones(labels.shape, dtype=np.float32)
        tracemalloc.start()
        write_sparse(tmp_path / "x.nii.gz", region_voxels(labels, data), (60, 60, 60, count), np.eye(4), data.dtype)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("extract_type", ["local_regions", "connected_components"])
def test_nothing_is_a_result(extract_type):
    found = extract_regions(np.zeros((4, 5, 6), np.float32), np.eye(4), SPEC | {"extract_type": extract_type})
    assert found.n_regions == 0 and not found.labels.any() and set(found.accounting.values()) == {0}


def account(suprathreshold, kept=0, too_small=0, unseeded=0, seed_only=0):
    return {
        "suprathreshold": suprathreshold,
        "kept": kept,
        "too_small": too_small,
        "unseeded": unseeded,
        "seed_only": seed_only,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        account(10, kept=9),
        account(10, kept=9, seed_only=2),
        account(10, kept=12, too_small=-2),
        account(10, kept=5, too_small=3, unseeded=3),
    ],
)
def test_an_accounting_that_does_not_balance_stops_the_program(wrong):
    check_accounting(account(10, kept=4, too_small=3, unseeded=2, seed_only=1))
    with pytest.raises(AssertionError, match="does not balance"):
        check_accounting(wrong)


def test_voxels_that_get_lost_between_the_steps_are_noticed(monkeypatch):
    """Every count is counted by itself, none is what is left over: a region that loses a voxel does not balance."""
    from statmap.regions import extract

    data = np.zeros((6, 3, 3), np.float32)
    data[1:3, 1, 1], data[4:6, 1, 1] = 1, 1

    def lose_a_voxel(*arguments):
        labels = label_components(*arguments)
        labels[0, 0, 0] = 0
        return labels

    monkeypatch.setattr(extract, "label_components", lose_a_voxel)
    for smallest in (0, 1, 5):
        with pytest.raises(AssertionError, match="does not balance"):
            extract_regions(data, np.eye(4), SPEC | {"min_region_size": smallest})


def test_every_count_by_hand():
    """A region that is kept, one too small, one without a seed beside the first, a voxel that is its own seed."""
    data = np.zeros((30, 30, 9), np.float32)
    data[4:7, 4:7, 4:7], data[5, 5, 5] = 3, 9  # 27 voxels
    data[5, 9:11, 5] = 2  # without a seed: the maximum above is within ten voxels
    data[20:22, 5, 5], data[20, 5, 5] = 4, 8
    data[5, 24, 5] = 7
    spec = SPEC | {"extract_type": "local_regions", "min_region_size": 54}
    found = extract_regions(data, np.diag([3.0, 3, 3, 1]), spec)
    assert found.accounting == account(32, kept=27, too_small=2, unseeded=2, seed_only=1) and found.n_regions == 1
    kept = extract_regions(data, np.diag([3.0, 3, 3, 1]), spec | {"unseeded": "keep"})
    assert kept.accounting == account(32, kept=27, too_small=5) and kept.n_regions == 1


@pytest.mark.parametrize(("unseeded", "seed_only"), [(5, 0), (0, 5), (3, 2)])
def test_losses_are_warned_of_from_above_five_percent(unseeded, seed_only):
    rule = RegionRule(signs="merged", unseeded="drop")
    assert accounting_warnings(account(100, 95, 0, unseeded, seed_only), rule) == []
    assert accounting_warnings(account(100, 0, 95, unseeded, seed_only), rule) == []
    (said,) = accounting_warnings(account(99, 94, 0, unseeded, seed_only), rule)
    assert said.startswith("5 of 99 suprathreshold voxels (5.1%) are in no region for a reason other than size")
    assert f"{unseeded} in components without a seed, {seed_only} in components that hold only their seed" in said
    assert accounting_warnings(account(0), rule) == []
    assert "99 of 100 suprathreshold voxels (99.0%)" in accounting_warnings(account(100, 1, 0, 99), rule)[0]


def test_only_what_would_help_is_advised():
    def advice(signs, unseeded):
        return accounting_warnings(account(10, unseeded=10), RegionRule(signs=signs, unseeded=unseeded))[0]

    both = advice("merged", "drop")
    assert "signs: split or unseeded: keep keeps them; connected_components never loses any" in both
    assert ". unseeded: keep keeps them; connected_components" in advice("split", "drop")
    assert ". signs: split keeps them; connected_components" in advice("merged", "keep")
    assert advice("split", "keep").endswith("hold only their seed. connected_components never loses any")


def test_the_voxels_of_each_region_in_the_order_of_the_file():
    labels = np.array([2, 0, 1, 2, 3, 1], np.int32).reshape(3, 2, 1)
    values = np.arange(10.0, 16).reshape(3, 2, 1)
    voxels = [(where.tolist(), inside.tolist()) for where, inside in region_voxels(labels, values)]
    assert voxels == [([1, 5], [12, 15]), ([0, 4], [10, 13]), ([2], [14])]
    assert not list(region_voxels(labels * 0, values))
    assert [inside.dtype for _, inside in region_voxels(labels, values.astype(np.float32))] == [np.float32] * 3


def outcomes_of(data, affine, keys):
    """What became of each voxel, held against the labels and the accounting."""
    regions = extract_regions(data, affine, SPEC | keys)
    np.testing.assert_array_equal(regions.outcomes != 0, data != 0)
    np.testing.assert_array_equal(regions.outcomes == KEPT, regions.labels > 0)
    for outcome, name in ((TOO_SMALL, "too_small"), (UNSEEDED, "unseeded"), (SEED_ONLY, "seed_only")):
        assert np.count_nonzero(regions.outcomes == outcome) == regions.accounting[name]
    return regions.outcomes


@settings(deadline=None, max_examples=150)
@given(volumes, extract_types, signs, connectivities, st.sampled_from(("drop", "keep")), st.sampled_from((0, 2, 9)))
def test_what_is_dropped_for_its_seeds_is_dropped_whole(data, extract_type, handling, connectivity, unseeded, size):
    keys = {"extract_type": extract_type, "signs": handling, "connectivity": connectivity, "unseeded": unseeded}
    outcomes = outcomes_of(data, np.eye(4), keys | {"min_region_size": size})
    components = label_components(data, connectivity, handling)
    for outcome in (UNSEEDED, SEED_ONLY):
        dropped = outcomes == outcome
        np.testing.assert_array_equal(np.isin(components, components[dropped]), dropped)


@pytest.mark.parametrize("handling", ["merged", "split"])
def test_outcomes_of_the_published_example(motor_path, handling):
    """Under `merged` the negative side has no seed; components far below the maximum have none either way."""
    data, affine = read_image(motor_path)
    data = np.where(np.abs(data) >= 3, data, 0)
    keys = {"extract_type": "local_regions", "signs": handling, "min_region_size": 1500}
    outcomes = outcomes_of(data, affine, keys)
    assert ((outcomes[data < 0] == UNSEEDED).all()) == (handling == "merged")
    assert set(np.unique(outcomes)) >= {0, KEPT, TOO_SMALL, UNSEEDED}


def test_outcomes_of_components_that_are_nothing_but_their_seed():
    data = np.zeros((40, 5, 5), np.float32)
    data[2, 2, 2] = 5  # alone
    data[30:34, 1:4, 1:4] = [[[4]], [[6]], [[5]], [[4]]]
    outcomes = outcomes_of(data, np.diag([3.0, 3, 3, 1]), {"extract_type": "local_regions"})
    assert outcomes[2, 2, 2] == SEED_ONLY and np.count_nonzero(outcomes == SEED_ONLY) == 1
