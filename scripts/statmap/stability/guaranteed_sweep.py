"""The points of a sweep whose threshold is a true discovery proportion: regions with a guarantee, no one cutoff."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from ..inference.statistics import hommel_value, p_values
from ..io.images import voxel_volume
from ..regions.clusters import large_enough
from ..types import Connectivity, Sided, Signs, SizeRule, Stat
from .findings import NO_OCCURRENCES, Occurrences, join_occurrences, name_peaks
from .guaranteed import discovery_ranks, maximal_nodes, node_of_voxels
from .sweep import trees_of_settings


def sweep_guaranteed(
    data: np.ndarray,
    affine: np.ndarray,
    inside: np.ndarray,
    bounds: Mapping[str, float],
    sizes: Sequence[float],
    connectivities: Sequence[Connectivity],
    signs: Sequence[Signs],
    *,
    alpha: float,
    stat: Stat,
    df: float | None,
    sided: Sided,
    size_rule: SizeRule,
) -> tuple[dict[str, np.ndarray], np.ndarray, Occurrences]:
    """Regions of `guaranteed.guaranteed_regions` at every point of a grid.

    Parameters
    ----------
    data, affine, inside, alpha, stat, df, sided, size_rule : as there.
    bounds : the proportions by the threshold as it is written.
    sizes : smallest regions in mm^3.
    connectivities, signs : the other two axes.

    Returns
    -------
    table : as `sweep.sweep_grid`; ``cutoff`` is the lowest of its regions' own (inf without any), small ones too, and
        ``suprathreshold`` are the voxels of all of them.
    times_kept : (i, j, k) int32.
    occurrences : the main peaks of its regions, each with its region's own cutoff; ``row`` counts from 0 here.
    """
    hommel = hommel_value(p_values(data[inside], stat, df, sided), alpha)
    smallest = np.asarray(sizes, dtype=np.float64)
    times_kept = np.zeros(data.shape, dtype=np.int32)
    blocks, parts = [], [NO_OCCURRENCES]
    settings = trees_of_settings(data, connectivities, signs, sided, 0.0)
    for (setting, trees), (written, bound) in product(settings.items(), bounds.items()):
        levels, voxels = [], []
        for tree in trees.values():
            values = data.ravel()[tree.voxels]
            needed = discovery_ranks(values, hommel, alpha, stat, df, sided)
            main, level, number = _nodes(tree, needed, bound)
            n_voxels = np.bincount(number, minlength=len(main) + 1)[1:]
            total = np.bincount(number, values, minlength=len(main) + 1)[1:]
            kept = large_enough(n_voxels[:, None], affine, smallest, size_rule)
            times_kept.ravel()[tree.voxels] += np.append(0, kept.sum(axis=1))[number]
            node, size = np.nonzero(kept)
            names = (place[main[node]] for place in name_peaks(tree, affine))
            row = len(blocks) * len(smallest) + size
            parts.append(Occurrences(*names, row, level[node], n_voxels[node], total[node]))
            levels.append(level)
            voxels.append(n_voxels)
        measured = _measure(np.concatenate(levels), np.concatenate(voxels), affine, smallest, size_rule)
        of_point = {"connectivity": setting[0], "signs": setting[1], "threshold": written}
        blocks.append({name: [word] * len(smallest) for name, word in of_point.items()} | measured)
    table = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return table, times_kept, join_occurrences(parts)


def _nodes(tree, needed, bound):
    """Main peak and level of each node that `maximal_nodes` finds, and the number of the node of each voxel."""
    found = maximal_nodes(tree, needed, bound)
    main = np.array([main for main, _ in found], dtype=np.int64)
    level = np.array([level for _, level in found], dtype=np.float64)
    return main, level, node_of_voxels(tree, found)


def _measure(level, n_voxels, affine, sizes, size_rule):
    """The columns from ``cutoff`` on for the regions of one setting and bound, a row per smallest size."""
    kept = large_enough(n_voxels, affine, sizes[:, None], size_rule) * n_voxels
    volume = voxel_volume(affine)
    return {
        "cutoff": np.full(len(sizes), level.min(initial=np.inf)),
        "cutoff_rule": [">="] * len(sizes),
        "min_region_size": sizes,
        "suprathreshold": np.full(len(sizes), n_voxels.sum()),
        "n_regions": np.count_nonzero(kept, axis=1),
        "volume_mm3": kept.sum(axis=1) * volume,
        "largest_mm3": kept.max(axis=1, initial=0) * volume,
        "kept": kept.sum(axis=1),
        "too_small": n_voxels.sum() - kept.sum(axis=1),
    }
