"""Over which cutoffs each region of a variant stays the same finding."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..inference.thresholds import Cutoff
from ..io.stat_map import StatMap
from ..regions.clusters import large_enough
from ..rules import RegionRule
from ..types import Connectivity
from .tree import Sign, Tree, component_tree, signed_map, signs_of_maps


def robustness(
    stat_map: StatMap, region_signs: np.ndarray, peak_ijk: np.ndarray, cutoff: Cutoff, rule: RegionRule
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The exact interval of cutoffs over which each region of a variant stays the same finding.

    Within the interval the region's main peak is above the cutoff, its connected component holds no stronger peak, and
    the component passes the size filter. The size shrinks as the threshold rises, so this is one interval: from the
    threshold at which the component joins a stronger peak up to the last one at which it is large enough.

    Parameters
    ----------
    stat_map : the map, not thresholded.
    region_signs : (n,) array of str, the sign of each region that the variant kept.
    peak_ijk : (n, 3) int, voxel indices of their main peaks.
    cutoff : the variant's.
    rule : by which its regions were made, with the extent threshold in mm^3.

    Returns
    -------
    robust_low, robust_high : (n,) float64, values of voxels, as magnitudes (``robust_low`` is 0 where no stronger peak
        is ever joined). With cutoffs that keep values at or above them the interval is open below and closed above,
        ``low < c <= high``; with cutoffs that keep values strictly above, ``low <= c < high``.
    margin : (n,) float64, distance from the cutoff to the nearer end.

    Notes
    -----
    In ``local_regions`` several regions may share a component, and the interval is that of the component, from the
    component's main peak. Of two peaks of equal value that join, the one whose first voxel comes first in C order
    counts as the stronger (the rule of ties of `regions.peaks`).
    """

    def large(n_voxels):
        return (n_voxels > 0) & large_enough(n_voxels, stat_map.affine, rule.min_mm3, rule.size_rule)

    low, high = np.full((2, len(region_signs)), np.nan)
    signs = signs_of_maps(rule.signs, rule.sided)
    for sign in signs:
        chosen = np.asarray(region_signs) == sign if len(signs) > 1 else np.ones(len(low), dtype=bool)
        if chosen.any():
            peak_voxels = np.ravel_multi_index(tuple(np.asarray(peak_ijk)[chosen].T), stat_map.values.shape)
            tree = _tree_of(stat_map, sign, rule.connectivity)
            low[chosen], high[chosen] = _intervals(tree, peak_voxels, cutoff.at_least, large)
    return low, high, np.minimum(cutoff.value - low, high - cutoff.value)


@lru_cache(maxsize=2)  # the trees of both signs, which variants of a map share
def _tree_of(stat_map: StatMap, sign: Sign, connectivity: Connectivity) -> Tree:
    return component_tree(signed_map(stat_map.values, sign), connectivity)


def _intervals(tree: Tree, peak_voxels: np.ndarray, threshold: float, large: Callable) -> tuple:
    """Ends of the intervals of the components that hold these voxels at a threshold, see `robustness`."""
    component_of_peak = np.cumsum(tree.death < threshold) - 1
    main = np.flatnonzero(tree.death < threshold)  # of each component its strongest peak
    basin_at = np.full(np.prod(tree.shape), -1)
    basin_at[tree.voxels] = tree.basin
    of_region = component_of_peak[basin_at[peak_voxels]]
    high = _highest_large(tree, main, component_of_peak, threshold, large)
    return np.maximum(tree.death[main[of_region]], 0.0), high[of_region]


def _highest_large(tree, main, component_of_peak, threshold, large):
    """Of each component the highest value at which what is left around its main peak is large enough.

    All components are bisected at once over the distinct values of the voxels at or above the threshold.
    """
    first = np.searchsorted(tree.values, threshold)
    basin = tree.basin[first:]
    levels, level = np.unique(tree.values[first:], return_inverse=True)
    enough, too_high = np.zeros(len(main), dtype=np.int64), np.full(len(main), len(levels))
    while (too_high - enough > 1).any():
        middle = (enough + too_high) // 2
        piece = np.cumsum(tree.death < levels[middle][component_of_peak]) - 1
        alive = level >= middle[component_of_peak][basin]
        sizes = np.bincount(piece[basin[alive]], minlength=len(tree.birth))
        passed = large(sizes[piece[main]])
        enough, too_high = np.where(passed, middle, enough), np.where(passed, too_high, middle)
    return levels[enough]
