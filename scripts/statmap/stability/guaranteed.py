"""Regions with a guarantee: the largest clusters of which at least a given share is active, with no cutoff chosen.

Of all connected components at all thresholds (the nodes of the component tree) these are the maximal ones whose true
discovery proportion reaches a bound: Chen, Goeman, Krebs, Meijer and Weeda 2023, arXiv 2206.13587. Each has its own
cutoff. The bounds of `inference.statistics.region_tdp` hold for all sets of voxels at once, so the search is free.
"""

from typing import NamedTuple

import numpy as np

from ..inference.families import family_of
from ..inference.kinds import Cutoff, parse_threshold
from ..inference.search_volume import SearchVolume
from ..inference.statistics import discovery_ranks, hommel_value, region_tdp
from ..inference.thresholds import Thresholded, check_on_map, resolve_cutoff, suprathreshold_mask
from ..io.stat_map import StatMap
from ..regions.clusters import filter_and_sort, label_components
from ..rules import ThresholdRule
from ..types import Connectivity, SizeRule
from .tree import Tree, component_tree, signed_map, signs_of_maps

HIGHEST_RANK = 2**31 - 1  # more than a map has voxels: voxels of this rank, or a higher one, are no discoveries


class Guaranteed(NamedTuple):
    """Regions with a guarantee, largest first.

    Attributes
    ----------
    labels : (i, j, k) int32, 0 outside, regions 1..n.
    cutoffs : (n,) float64, magnitude at or above which each region is a connected component: of its lowest voxel.
    tdp : (n,) float64, lower bound of the share of its voxels that are active, at least the bound asked for.
    """

    labels: np.ndarray
    cutoffs: np.ndarray
    tdp: np.ndarray


def guaranteed_regions(
    stat_map: StatMap, rule: ThresholdRule, min_region_size: float = 0, size_rule: SizeRule = ">="
) -> Guaranteed:
    """Find the maximal connected components, over all cutoffs, whose true discovery proportion is at least a bound.

    Two of them never touch, so that labelling their voxels with the same connectivity and signs gives them back.

    Parameters
    ----------
    stat_map : the map, of a distribution that has p values.
    rule : its threshold is the bound, ``{"tdp": 0.7}``, in (0, 1]; `tdp_alpha` is one minus the confidence with which
        all of it holds, `domain` the family of tests.
    min_region_size : mm^3; smaller ones of the maximal components are dropped.
    size_rule : ``">"`` or ``">="``.
    """
    data, family = stat_map.values, family_of(stat_map, rule.domain)
    _, bound = parse_threshold(rule.threshold)
    p = stat_map.distribution.p(data[family], rule.sided)
    hommel = hommel_value(p, rule.tdp_alpha)
    ranks = np.zeros(data.shape, dtype=np.int32)
    ranks[family] = np.minimum(discovery_ranks(p, hommel, rule.tdp_alpha), HIGHEST_RANK)
    del p  # of every voxel: read again below for those that are in a region
    nodes = np.zeros(data.shape, dtype=np.int32)
    for sign in signs_of_maps(rule.signs, rule.sided):
        signed = signed_map(data, sign)
        tree = component_tree(signed, rule.connectivity, lowest_cutoff(signed, ranks, rule.connectivity, bound))
        number = node_of_voxels(tree, maximal_nodes(tree, ranks.ravel()[tree.voxels], bound))
        nodes.ravel()[tree.voxels] += np.where(number > 0, number + nodes.max(), 0)
    labels = filter_and_sort(nodes, data, stat_map.affine, rule.connectivity, min_region_size, size_rule)
    n_regions = int(labels.max(initial=0))
    inside = family & (labels > 0)
    p = stat_map.distribution.p(data[inside], rule.sided)
    tdp = region_tdp(p, labels[inside], n_regions, hommel, rule.tdp_alpha)
    return Guaranteed(labels, lowest_values(labels, data), tdp)


def lowest_values(labels: np.ndarray, data: np.ndarray) -> np.ndarray:
    """The smallest magnitude in each region, (n,) float64: of a region with a guarantee, its own cutoff."""
    lowest = np.full(int(labels.max(initial=0)) + 1, np.inf)
    inside = labels > 0
    np.minimum.at(lowest, labels[inside], np.abs(data[inside].astype(np.float64)))
    return lowest[1:]


def apply_threshold(
    stat_map: StatMap, rule: ThresholdRule, search: SearchVolume | None = None, name: str | None = None
) -> tuple[Thresholded, np.ndarray]:
    """Apply a variant's threshold of any kind: the threshold resolved, and the voxels that pass, (i, j, k) bool.

    Parameters
    ----------
    stat_map, rule, search, name : as in `thresholds.resolve_cutoff`.

    Raises
    ------
    UserError : see there.
    """
    kind, _ = parse_threshold(rule.threshold)
    if not kind.per_region:
        cutoff = resolve_cutoff(stat_map, rule, search, name)
        return Thresholded(rule, cutoff, search), suprathreshold_mask(stat_map.values, cutoff, rule.sided)
    check_on_map(stat_map, rule, search, name)
    regions = guaranteed_regions(stat_map, rule)
    tests = int(np.count_nonzero(family_of(stat_map, rule.domain)))
    lowest = float(regions.cutoffs.min(initial=np.inf))
    highest = float(regions.cutoffs.max()) if len(regions.cutoffs) else None
    cutoff = Cutoff(lowest, ">=", kind.name, rule.domain, tests, highest=highest)
    return Thresholded(rule, cutoff, search), regions.labels > 0


def lowest_cutoff(signed: np.ndarray, ranks: np.ndarray, connectivity: Connectivity, tdp: float) -> float:
    """A threshold below which no connected component has a true discovery proportion of at least `tdp`.

    Parameters
    ----------
    signed : (i, j, k) array, one of `tree.signed_maps`.
    ranks : (i, j, k) array, `statistics.discovery_ranks` of its positive voxels.
    connectivity : 6, 18 or 26.
    tdp : share in (0, 1].

    Notes
    -----
    A component that reaches `tdp` has at most d / tdp voxels, d the discoveries of all voxels together, so that voxels
    of higher ranks are no discoveries of it. Where only such voxels are lower, the share of the others falls as
    components grow and is averaged as they join: once it is below `tdp` in all of them, it stays so.
    """
    positive = signed > 0
    rising = np.sort(ranks[positive & (ranks <= np.count_nonzero(positive))])
    discoveries = (np.arange(2, rising.size + 2) - rising).max(initial=0)
    may_count = positive & (ranks <= discoveries / tdp + 1)  # one more, for the rounding of the share
    if not may_count.any():
        return np.inf
    values = np.sort(signed[positive])
    number = int(np.count_nonzero(values >= signed[may_count].min()))
    while number < len(values):
        above = signed >= values[-number]
        labels = label_components(above, connectivity, "merged")[above]
        if (np.bincount(labels, may_count[above])[1:] / np.bincount(labels)[1:] < tdp).all():
            return float(values[-number])
        number += number // 4 + 1
    return 0.0


class _Component:
    """A connected component as it grows, with the number of its discoveries.

    That number, max over u of 1 - u + #{voxels counted by u}, is the number of unit jobs that find no slot when each
    voxel is a job that must be done in one of the slots 1..u-1 (Hall's theorem). Jobs take the latest free slot, which
    is best whatever the order in which they come; so voxels can be added one at a time, and components merged.
    """

    __slots__ = ("discoveries", "earlier", "nodes", "placed", "size")

    def __init__(self):
        self.size = self.discoveries = 0
        self.placed = []  # last slot allowed, of every job that has a slot
        self.earlier = {}  # taken slot to an earlier one from which to look further
        self.nodes = []  # the maximal nodes within that reach the bound: (strongest peak, level)

    def add(self, last_slot):
        """Add one voxel, as a job for one of the slots 1..last_slot."""
        slot = last_slot
        while slot in self.earlier:
            slot = self.earlier[slot]
        step = last_slot
        while step != slot:  # shorten the way for those who come after
            self.earlier[step], step = slot, self.earlier[step]
        if slot == 0:
            self.discoveries += 1
        else:
            self.earlier[slot] = slot - 1
            self.placed.append(last_slot)

    def absorb(self, other):
        """Add another component. A job without a slot stays without one when jobs are added."""
        self.size += other.size
        self.discoveries += other.discoveries
        self.nodes += other.nodes
        for last_slot in other.placed:
            self.add(last_slot)


def maximal_nodes(tree: Tree, ranks: np.ndarray, tdp: float) -> list[tuple[int, float]]:
    """Nodes of a tree whose true discovery proportion is at least `tdp` and that lie within no other such node.

    Parameters
    ----------
    tree : Tree, its floor at most `lowest_cutoff`.
    ranks : (n,) array, `statistics.discovery_ranks` of its voxels.
    tdp : share in (0, 1].

    Returns
    -------
    list of (main, level) : the strongest peak of each node, and the threshold at which it is a connected component.

    Notes
    -----
    Voxels are added from the highest down. Where components join, the smaller is added to the larger: a voxel is moved
    at most log2(n) times.
    """
    components: list[_Component | None] = [None] * len(tree.birth)
    towards = list(range(len(tree.birth)))  # from a peak towards the strongest of the component that holds it
    joining = np.argsort(-tree.death, kind="stable").tolist()
    deaths, parents, basins = (x.tolist() for x in (tree.death, tree.parent, tree.basin))
    last_slots = (ranks.astype(np.int64) - 1).tolist()
    levels, starts = np.unique(tree.values, return_index=True)
    n_joined, end = 0, len(basins)
    for level, start in zip(levels[::-1].tolist(), starts[::-1].tolist(), strict=True):
        while n_joined < len(joining) and deaths[joining[n_joined]] == level:
            peak = joining[n_joined]
            n_joined += 1
            main = towards[peak] = _strongest_peak(towards, parents[peak])
            components[main], components[peak] = _union(components[main], components[peak]), None
        grown = set()
        for voxel in range(start, end):
            main = _strongest_peak(towards, basins[voxel])
            component = components[main] = components[main] or _Component()
            component.size += 1
            component.add(last_slots[voxel])
            grown.add(main)
        end = start
        for main in grown:
            if components[main].discoveries / components[main].size >= tdp:
                components[main].nodes = [(main, level)]
    return [node for component in components if component for node in component.nodes]


def _strongest_peak(towards, peak):
    """The strongest peak of the component that holds a peak."""
    while towards[peak] != peak:
        towards[peak] = peak = towards[towards[peak]]
    return peak


def _union(first, second):
    """Two components as one; either may still be without a voxel (None)."""
    if first is None or second is None:
        return first or second
    large, small = (first, second) if first.size >= second.size else (second, first)
    large.absorb(small)
    return large


def node_of_voxels(tree: Tree, nodes: list[tuple[int, float]]) -> np.ndarray:
    """Which of some disjoint nodes each voxel of the tree is in: (n,) int32, from 1, 0 for none."""
    number = np.zeros(len(tree.birth), dtype=np.int32)
    lowest = np.zeros(len(tree.birth))
    for n, (main, level) in enumerate(nodes, start=1):
        later = np.flatnonzero(tree.death[main + 1 :] < level)
        run = slice(main, main + 1 + later[0] if len(later) else None)
        number[run], lowest[run] = n, level
    return np.where(tree.values >= lowest[tree.basin], number[tree.basin], 0)
