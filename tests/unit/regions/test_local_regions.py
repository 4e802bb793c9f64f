"""Local regions: against their definition on whole volumes, and by known answers."""

import numpy as np
import pytest
from calls import extract_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from statmap.io.files import UserError
from statmap.regions.clusters import bounding_box
from statmap.regions.local_regions import label_local_regions
from statmap.regions.seeds import find_seeds
from statmap.rules import RegionRule

AFFINE = np.diag([3.0, 3, 3, 1])
KEYS = {
    "extract_type": "local_regions",
    "signs": "merged",
    "connectivity": 6,
    "min_region_size": 0,
    "size_rule": ">",
    "unseeded": "drop",
    "edge_scale": "volume",
    "random_walker": "converged",
}


def divide(data, **keys):
    """The regions before the extent threshold, over the whole grid, and voxels without a seed and seed_only."""
    box = bounding_box(data != 0)
    found = label_local_regions(data, box, AFFINE, RegionRule(**(KEYS | keys)))
    whole = np.zeros(data.shape, int)
    whole[box] = found.labels
    return whole, int(found.unseeded.sum()), int(found.seed_only.sum())


def dense_walk(values, voxels, seeds, connectivity, scale):
    """Most probable seed of each voxel of one component, from dense linear algebra, and whether it is clear: (n,)."""
    far = np.abs(voxels[:, None] - voxels[None])
    beside = (far.max(axis=2) == 1) & (far.sum(axis=2) <= {6: 1, 18: 2, 26: 3}[connectivity])
    weights = beside * (np.exp(-130 * (values[:, None] - values[None]) ** 2 / (10 * scale)) + 1e-10)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    free, names = seeds == 0, np.unique(seeds[seeds > 0])
    owner, clear = seeds.copy(), np.ones(len(seeds), bool)
    if free.any():
        right = np.stack([weights[free][:, seeds == name].sum(axis=1) for name in names], axis=1)
        probability = np.linalg.solve(laplacian[np.ix_(free, free)], right)
        owner[free] = names[probability.argmax(axis=1)]
        if len(names) > 1:
            best, second = np.sort(probability, axis=1)[:, [-1, -2]].T
            clear[free] = best - second > 1e-4
    return owner, clear


def divide_by_definition(data, signs, connectivity, unseeded, edge_scale):
    """As `divide`, component by component; and which voxels are clear."""
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    result, clear = np.zeros(data.shape, int), np.ones(data.shape, bool)
    lost = {"unseeded": 0, "seed_only": 0}
    for part in (np.maximum(data, 0), np.maximum(-data, 0)) if signs == "split" else (data,):
        if not part.any():
            continue
        scale = float(np.std((part if edge_scale == "volume" else part[part != 0]).astype(np.float64)))
        seeds = np.zeros(data.shape, int)
        box = bounding_box(part != 0)
        seeds[box] = find_seeds(part, box, AFFINE, RegionRule(connectivity=connectivity))
        components, n_components = ndimage.label(part != 0, structure)
        alone, others = [], 0
        for n in range(1, n_components + 1):
            voxels = np.argwhere(components == n)
            at = tuple(voxels.T)
            if not seeds[at].any():
                if unseeded == "keep":
                    result[at] = result.max() + 1
                else:
                    lost["unseeded"] += len(voxels)
                continue
            owner, clear[at] = dense_walk(part[at].astype(float), voxels, seeds[at], connectivity, scale)
            first = result.max()
            for number, name in enumerate(np.unique(owner), first + 1):
                result[tuple(voxels[owner == name].T)] = number
            if (seeds[at] > 0).all():
                alone.append(at)
            else:
                others += 1
        if others and unseeded == "drop":
            for at in alone:
                result[at] = 0
                lost["seed_only"] += len(at[0])
    return result, lost["unseeded"], lost["seed_only"], clear


def same_partition(one, other):
    pairs = {*zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)}
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 100_000),
    st.sampled_from(("split", "merged")),
    st.sampled_from((6, 18, 26)),
    st.sampled_from(("drop", "keep")),
    st.sampled_from(("volume", "suprathreshold")),
)
def test_local_regions_are_those_of_the_definition(seed, signs, connectivity, unseeded, edge_scale):
    """Volumes long enough for several seeds, with seed_only voxels, components without a seed, and contested ones."""
    random = np.random.default_rng(seed)
    data = ndimage.gaussian_filter(random.normal(size=(34, 5, 5)), random.uniform(0.3, 1.5)).astype(np.float32)
    data *= random.uniform(0.3, 3) / data.std()
    data[np.abs(data) < np.quantile(np.abs(data), random.uniform(0.3, 0.97))] = 0
    labels, n_unseeded, n_seed_only = divide(
        data, signs=signs, connectivity=connectivity, unseeded=unseeded, edge_scale=edge_scale
    )
    expected, e_unseeded, e_seed_only, clear = divide_by_definition(data, signs, connectivity, unseeded, edge_scale)
    assert (n_unseeded, n_seed_only) == (e_unseeded, e_seed_only)
    np.testing.assert_array_equal(labels > 0, expected > 0)
    assert same_partition(labels[clear], expected[clear])


def dumbbell(left=3.0, right=3.0, bridge=3.0):
    """Two cubes of 27 voxels whose centres are 16 voxels apart, and a bridge of one voxel's width."""
    data = np.zeros((30, 9, 9), np.float32)
    data[7:22, 4, 4] = bridge
    data[5:8, 3:6, 3:6], data[21:24, 3:6, 3:6] = left, right
    return data


@pytest.mark.parametrize("edge_scale", ["volume", "suprathreshold"])
def test_equal_voxels_are_divided_in_the_middle(edge_scale):
    """The suprathreshold voxels do not vary: their standard deviation is 0 and scales nothing."""
    labels, *lost = divide(dumbbell(), edge_scale=edge_scale)
    line = labels[5:24, 4, 4]
    assert lost == [0, 0] and len(np.unique(line)) == 2
    assert (line[:9] == line[0]).all() and (line[10:] == line[-1]).all()


def test_a_full_volume_of_equal_voxels_has_no_region_or_one():
    data = np.full((26, 5, 5), 2.0, np.float32)
    assert divide(data)[1:] == (data.size, 0) and not divide(data)[0].any()
    assert (divide(data, unseeded="keep")[0] == 1).all()


both_walkers = pytest.mark.parametrize("walker", [{"random_walker": "converged"}, {"random_walker": "nilearn"}])


@both_walkers
def test_a_lone_seed_is_kept_where_there_is_nothing_else(walker):
    """As nilearn: its random walker drops a component that is all seed, but is not run where nothing is to divide."""
    lone = np.zeros((30, 9, 9), np.float32)
    lone[4, 4, 4] = 5
    assert divide(lone, **walker)[0].max() == 1 and divide(lone, **walker)[1:] == (0, 0)
    lone[20, 4, 4] = 4
    assert divide(lone, **walker)[0].max() == 2 and divide(lone, **walker)[1:] == (0, 0)
    lone[18:23, 3:6, 3:6] = 3
    labels, *lost = divide(lone, **walker)
    assert lost == [0, 1] and labels[4, 4, 4] == 0 and labels[20, 4, 4] > 0
    labels, *lost = divide(lone, unseeded="keep", **walker)
    assert lost == [0, 0] and labels[4, 4, 4] > 0


@both_walkers
def test_an_isolated_component_may_have_several_voxels(walker):
    """Two equal voxels side by side are one seed and nothing else."""
    data = np.zeros((30, 9, 9), np.float32)
    data[3:6, 4, 4], data[4, 4, 4] = 3, 5
    data[20, 4, 4:6] = 5
    labels, *lost = divide(data, **walker)
    assert lost == [0, 2] and not labels[20].any() and labels[3:6, 4, 4].all()


@both_walkers
def test_with_split_signs_each_sign_is_judged_by_itself(walker):
    data = np.zeros((30, 9, 9), np.float32)
    data[4, 4, 4] = 5
    data[18:23, 3:6, 3:6], data[20, 4, 4] = -3, -5
    split, *lost = divide(data, signs="split", **walker)
    assert split[4, 4, 4] > 0 and split[20, 4, 4] > 0 and split[4, 4, 4] != split[20, 4, 4] and lost == [0, 0]
    merged, *lost = divide(data, signs="merged", **walker)
    assert merged[4, 4, 4] > 0 and not merged[20].any() and lost == [45, 0]


def test_edges_are_measured_against_the_voxels_asked_for():
    """A step of 0.3: a border on the scale of a wide background, hardly any on that of the voxels that passed."""
    data = dumbbell()
    data[5:18] += 0.3 * (data[5:18] != 0)
    data = np.pad(data, ((0, 0), (0, 40), (0, 40)))
    data[13:16, 24:27, 24:27] = 12  # far away: what passed varies much
    ends = {scale: divide(data, edge_scale=scale)[0] for scale in ("volume", "suprathreshold")}
    for scale, labels in ends.items():
        expected, *_, clear = divide_by_definition(data, "merged", 6, "drop", scale)
        assert clear[8:21, 4, 4].all() and same_partition(labels[clear], expected[clear])
    borders = {scale: np.flatnonzero(np.diff(labels[8:21, 4, 4])).tolist() for scale, labels in ends.items()}
    assert borders["volume"] == [9] and len(borders["suprathreshold"]) == 1 and borders["suprathreshold"][0] < 9


@pytest.mark.parametrize(("connectivity", "together"), [(6, False), (18, True), (26, True)])
def test_a_component_reaches_as_far_as_its_connectivity(connectivity, together):
    """A tail that touches its blob by an edge belongs to it or has no seed."""
    data = np.zeros((20, 12, 9), np.float32)
    data[4:7, 4:7, 4:7], data[5, 5, 5] = 3, 6
    data[7:9, 7, 5] = 2
    labels, n_unseeded, _ = divide(data, connectivity=connectivity)
    assert n_unseeded == (0 if together else 2) and labels[7, 7, 5] == (labels[5, 5, 5] if together else 0)


@pytest.mark.parametrize("wrong", [{"connectivity": 18}, {"connectivity": 26}, {"edge_scale": "suprathreshold"}])
def test_nilearns_walker_is_refused_what_it_does_not_have(wrong):
    """Its system has faces only: a voxel that hangs on by an edge would belong to any seed."""
    keys = KEYS | {"random_walker": "nilearn"} | wrong
    (name, value), *_ = wrong.items()
    with pytest.raises(UserError, match=f"^random_walker: nilearn works with connectivity: 6 .*{name}: {value}"):
        extract_regions(dumbbell(), AFFINE, keys)
    assert extract_regions(dumbbell(), AFFINE, keys | {"extract_type": "connected_components"}).n_regions == 1
    assert extract_regions(dumbbell(), AFFINE, KEYS | wrong).n_regions == 2


def test_nilearns_walker_stops_before_the_converged_solution():
    """Its conjugate gradients stop early: here some of the bridge has not yet changed sides."""
    data = dumbbell(4, 5, 3)
    data += (np.random.default_rng(0).random(data.shape) * 0.3 * (data != 0)).astype(np.float32)
    data[26:29, 7, 7] = 2  # without a seed
    converged, nilearn = (
        extract_regions(data, AFFINE, KEYS | {"random_walker": walker}) for walker in ("converged", "nilearn")
    )
    assert converged.accounting == nilearn.accounting
    assert (nilearn.accounting["kept"], nilearn.accounting["unseeded"]) == (67, 3)
    differ = converged.labels != nilearn.labels
    assert 0 < differ.sum() < 10 and differ[8:21, 4, 4].sum() == differ.sum()
