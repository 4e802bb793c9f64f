"""The points of a sweep whose threshold is a true discovery proportion: regions with a guarantee, no one cutoff."""

from collections.abc import Mapping
from itertools import product

import numpy as np

from ..grid import voxel_volume
from ..inference.families import family_of
from ..inference.statistics import discovery_ranks, hommel_value
from ..io.stat_map import StatMap
from ..regions.clusters import large_enough
from ..rules import SweepRule
from .findings import NO_OCCURRENCES, Occurrences, join_occurrences, name_peaks
from .guaranteed import lowest_cutoff, maximal_nodes, node_of_voxels
from .sweep import trees_of_settings
from .tree import signed_maps


def sweep_guaranteed(
    stat_map: StatMap, rule: SweepRule, bounds: Mapping[str, float]
) -> tuple[dict[str, np.ndarray], np.ndarray, Occurrences]:
    """Regions of `guaranteed.guaranteed_regions` at every point of a grid.

    Parameters
    ----------
    stat_map : the map, of a distribution that has p values.
    rule : of the sweep, whose other axes and shared keys count.
    bounds : the proportions by the threshold as it is written.

    Returns
    -------
    table : as `sweep.sweep_grid`; ``cutoff`` is the lowest of its regions' own (inf without any), small ones too, and
        ``suprathreshold`` are the voxels of all of them.
    times_kept : (i, j, k) int32.
    occurrences : the main peaks of its regions, each with its region's own cutoff; ``row`` counts from 0 here.
    """
    data, affine = stat_map.values, stat_map.affine
    p = stat_map.distribution.p(data, rule.sided)
    hommel = hommel_value(p[family_of(stat_map, rule.domain)], rule.tdp_alpha)
    ranks = discovery_ranks(p, hommel, rule.tdp_alpha)
    smallest = np.asarray(rule.min_region_sizes, dtype=np.float64)
    times_kept = np.zeros(data.shape, dtype=np.int32)
    blocks, parts = [], [NO_OCCURRENCES]
    floor = min(
        lowest_cutoff(signed, ranks, connectivity, min(bounds.values()))
        for connectivity, handling in product(rule.connectivities, rule.signs)
        for signed in signed_maps(data, handling, rule.sided).values()
    )
    settings = trees_of_settings(data, rule, floor)
    for (setting, trees), (threshold_text, bound) in product(settings.items(), bounds.items()):
        levels, voxels = [], []
        for tree in trees.values():
            values = data.ravel()[tree.voxels]
            main, level, number = _nodes(tree, ranks.ravel()[tree.voxels], bound)
            n_voxels = np.bincount(number, minlength=len(main) + 1)[1:]
            total = np.bincount(number, values, minlength=len(main) + 1)[1:]
            large = large_enough(n_voxels[:, None], affine, smallest, rule.size_rule)
            times_kept.ravel()[tree.voxels] += np.append(0, large.sum(axis=1))[number]
            node, size = np.nonzero(large)
            names = (place[main[node]] for place in name_peaks(tree, affine))
            row = len(blocks) * len(smallest) + size
            parts.append(Occurrences(*names, row, level[node], n_voxels[node], total[node]))
            levels.append(level)
            voxels.append(n_voxels)
        measured = _measure(np.concatenate(levels), np.concatenate(voxels), affine, smallest, rule.size_rule)
        of_point = {"connectivity": setting[0], "signs": setting[1], "threshold": threshold_text}
        blocks.append({name: [word] * len(smallest) for name, word in of_point.items()} | measured)
    table = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return table, times_kept, join_occurrences(parts)


def _nodes(tree, ranks, bound):
    """Main peak and level of each node that `maximal_nodes` finds, and the number of the node of each voxel."""
    nodes = maximal_nodes(tree, ranks, bound)
    main = np.array([main for main, _ in nodes], dtype=np.int64)
    level = np.array([level for _, level in nodes], dtype=np.float64)
    return main, level, node_of_voxels(tree, nodes)


def _measure(level, n_voxels, affine, sizes, size_rule):
    """The columns from ``cutoff`` on for the regions of one setting and bound, a row per smallest size."""
    kept_voxels = large_enough(n_voxels, affine, sizes[:, None], size_rule) * n_voxels
    volume = voxel_volume(affine)
    return {
        "cutoff": np.full(len(sizes), level.min(initial=np.inf)),
        "cutoff_rule": [">="] * len(sizes),
        "min_region_size": sizes,
        "suprathreshold": np.full(len(sizes), n_voxels.sum()),
        "n_regions": np.count_nonzero(kept_voxels, axis=1),
        "volume_mm3": kept_voxels.sum(axis=1) * volume,
        "largest_mm3": kept_voxels.max(axis=1, initial=0) * volume,
        "kept": kept_voxels.sum(axis=1),
        "too_small": n_voxels.sum() - kept_voxels.sum(axis=1),
    }
