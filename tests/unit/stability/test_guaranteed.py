"""Regions with a guarantee against a search of every component at every cutoff."""

import numpy as np
import pytest
from calls import stat_map_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from small_maps import AFFINE, STRUCTURE, connectivities, shapes

from statmap.distributions import Z
from statmap.inference.statistics import discovery_ranks, hommel_value
from statmap.inference.thresholds import resolve_cutoff, suprathreshold_mask
from statmap.io.files import UserError
from statmap.rules import ThresholdRule
from statmap.stability.guaranteed import (
    apply_threshold,
    guaranteed_regions,
    lowest_cutoff,
    lowest_values,
    maximal_nodes,
)
from statmap.stability.tree import component_tree, signed_maps

# Some z above 3.5 in every map, so that there is something to find; many ties.
tied = hnp.arrays(np.float32, shapes, elements=st.integers(-12, 12).map(lambda n: n / 2))
smooth = hnp.arrays(np.float64, shapes, elements=st.floats(-9, 14)).map(lambda x: ndimage.gaussian_filter(x, 0.6))


def discoveries(p, hommel, alpha):
    """Its definition: of a set of n voxels, max over u = 1..n of 1 - u + #{i : h p_i <= u alpha}."""
    n = len(p)
    return max(0, *(1 - u + np.count_nonzero(np.maximum(np.ceil(hommel * p / alpha), 1) <= u) for u in range(1, n + 1)))


def every_component(data, signs, sided, connectivity):
    """Every connected component at every cutoff, as sets of flat indices."""
    found = set()
    for signed in signed_maps(data, signs, sided).values():
        for cutoff in np.unique(signed[signed > 0]):
            labels = ndimage.label(signed >= cutoff, STRUCTURE[connectivity])[0].ravel()
            found |= {frozenset(np.flatnonzero(labels == n).tolist()) for n in range(1, labels.max() + 1)}
    return found


def search(data, inside, tdp, alpha, sided, signs, connectivity):
    """The maximal components that reach the bound, and the proportion of each."""
    p = Z().p(data, sided).ravel()
    hommel = hommel_value(p[inside.ravel()], alpha)
    share = {}
    for component in every_component(data, signs, sided, connectivity):
        share[component] = discoveries(p[sorted(component)], hommel, alpha) / len(component)
    enough = [component for component in share if share[component] >= tdp]
    return {one: share[one] for one in enough if not any(one < other for other in enough)}


def found_regions(data, affine, tdp, min_region_size=0, **keys):
    """The regions of a map of z whose family of tests are its voxels that are not 0."""
    rule = ThresholdRule(threshold={"tdp": tdp}, **keys)
    return guaranteed_regions(stat_map_of(data, affine, stat="z"), rule, min_region_size, ">")


@settings(deadline=None, max_examples=200)
@given(
    data=st.one_of(tied, smooth),
    tdp=st.sampled_from((0.05, 0.3, 0.5, 0.7, 0.9, 1.0)),
    alpha=st.sampled_from((0.05, 0.2)),
    sided=st.sampled_from(("two", "positive", "negative")),
    signs=st.sampled_from(("split", "merged")),
    connectivity=connectivities,
)
def test_regions_are_the_maximal_components_that_reach_the_bound(data, tdp, alpha, sided, signs, connectivity):
    expected = search(data, data != 0, tdp, alpha, sided, signs, connectivity)
    keys = {"tdp_alpha": alpha, "sided": sided, "signs": signs, "connectivity": connectivity}
    found = found_regions(data, AFFINE, tdp, **keys)
    voxels = [frozenset(np.flatnonzero(found.labels.ravel() == n + 1).tolist()) for n in range(found.labels.max())]
    assert set(voxels) == set(expected)
    assert found.tdp.tolist() == [expected[own] for own in voxels] and (found.tdp >= tdp).all()
    assert found.cutoffs.tolist() == [np.abs(data.ravel()[sorted(own)]).min() for own in voxels]
    sizes = [len(own) for own in voxels]
    assert sizes == sorted(sizes, reverse=True)


def test_each_region_has_its_own_cutoff():
    # A broad strong blob may reach down to weaker voxels than a narrow one of the same height.
    data = np.zeros((20, 5, 5))
    data[1:9, 1:4, 1:4], data[8, 1:4, 1:4], data[12, 2, 2], data[13, 2, 2] = 7, 1.5, 7, 1.6
    keys = {"tdp_alpha": 0.05, "sided": "positive", "signs": "split", "connectivity": 6}
    found = found_regions(data, AFFINE, 0.8, **keys)
    assert found.cutoffs.tolist() == [1.5, 7.0]
    assert np.bincount(found.labels.ravel())[1:].tolist() == [72, 1]
    larger = found_regions(data, AFFINE, 0.8, min_region_size=27, **keys)
    assert larger.cutoffs.tolist() == [1.5] and larger.labels.max() == 1


@pytest.mark.parametrize("tdp", [0.7, 1.0])
def test_no_component_below_the_lowest_cutoff_reaches_the_bound(motor, tdp):
    data, _ = motor
    p = Z().p(data, "two")
    ranks = discovery_ranks(p, hommel_value(p[data != 0], 0.05), 0.05)
    lowest = lowest_cutoff(data, ranks, 6, tdp)
    assert lowest > 1, "nothing is left out of the search"
    tree = component_tree(data, 6)
    levels = [level for _, level in maximal_nodes(tree, ranks.ravel()[tree.voxels], tdp)]
    assert levels and min(levels) >= lowest
    # Nothing reaches it where there is no signal.
    assert lowest_cutoff(np.ones((3, 3, 3)), np.full((3, 3, 3), 28.0), 6, tdp) == np.inf


def test_a_weaker_bound_gives_regions_that_hold_those_of_a_stronger_one(motor):
    data, affine = motor
    keys = {"tdp_alpha": 0.05, "sided": "two", "signs": "split", "connectivity": 26}
    before = None
    for tdp in (0.95, 0.7, 0.4):
        found = found_regions(data, affine, tdp, **keys)
        assert len(found.tdp) > 0 and (found.tdp >= tdp).all()
        for cutoff, region in zip(found.cutoffs, range(1, found.labels.max() + 1), strict=True):
            own = found.labels == region
            around = ndimage.binary_dilation(own, STRUCTURE[26]) & ~own
            same_sign = np.sign(data) == np.sign(data[own][0])
            assert (np.abs(data[around & same_sign]) < cutoff).all()
        if before is not None:
            assert (found.labels[before > 0] > 0).all()
        before = found.labels


@pytest.mark.parametrize("shape", [(4, 4, 4), (1, 1, 1)])
def test_an_empty_map_has_no_region(shape):
    data = np.zeros(shape, np.float32)
    keys = {"tdp_alpha": 0.05, "sided": "two", "signs": "split", "connectivity": 6}
    found = found_regions(data, AFFINE, 0.7, **keys)
    assert not found.labels.any() and len(found.cutoffs) == len(found.tdp) == 0


def test_a_threshold_of_one_cutoff_is_applied_as_it_resolves(motor):
    stat_map = stat_map_of(*motor, stat="z", name="motor")
    for threshold, sided in ((3.0, "two"), ("97%", "negative"), ({"fdr": 0.05}, "positive")):
        rule = ThresholdRule(threshold=threshold, sided=sided)
        thresholded, passes = apply_threshold(stat_map, rule)
        assert thresholded.rule is rule and thresholded.search is None
        assert thresholded.cutoff == resolve_cutoff(stat_map, rule) and not thresholded.cutoff.per_region
        np.testing.assert_array_equal(passes, suprathreshold_mask(stat_map.values, thresholded.cutoff, sided))
        assert passes.any()


def test_a_threshold_by_proportion_keeps_the_voxels_of_its_regions(motor):
    stat_map = stat_map_of(*motor, stat="z", name="motor")
    rule = ThresholdRule(threshold={"tdp": 0.7}, connectivity=26)
    thresholded, passes = apply_threshold(stat_map, rule)
    regions = guaranteed_regions(stat_map, rule)
    np.testing.assert_array_equal(passes, regions.labels > 0)
    cutoff = thresholded.cutoff
    assert cutoff.per_region and (cutoff.rule, cutoff.kind, cutoff.domain) == (">=", "tdp", "mask")
    assert (cutoff.value, cutoff.highest) == (regions.cutoffs.min(), regions.cutoffs.max())
    assert cutoff.value < cutoff.highest and cutoff.n_domain == np.count_nonzero(motor[0])
    np.testing.assert_array_equal(lowest_values(regions.labels, stat_map.values), regions.cutoffs)


def test_a_threshold_by_proportion_that_nothing_reaches():
    stat_map = stat_map_of(np.full((2, 2, 2), 0.1), stat="z")
    thresholded, passes = apply_threshold(stat_map, ThresholdRule(threshold={"tdp": 0.7}))
    assert not passes.any() and (thresholded.cutoff.value, thresholded.cutoff.highest) == (np.inf, None)


def test_a_threshold_by_proportion_needs_p_values():
    with pytest.raises(UserError, match=r"^map 'm', variant 'v': threshold {tdp: 0.7} needs p values.*column stat"):
        apply_threshold(
            stat_map_of(np.ones((2, 2, 2))), ThresholdRule(threshold={"tdp": 0.7}), name="map 'm', variant 'v'"
        )
