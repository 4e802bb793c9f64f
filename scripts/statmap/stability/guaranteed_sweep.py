"""The points of a sweep whose threshold is a true discovery proportion: regions with a guarantee, no one cutoff."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..inference.statistics import hommel_value, p_values
from ..io.images import voxel_volume
from ..regions.extract import large_enough
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
        ``survivors`` are the voxels of all of them.
    times_kept : (i, j, k) int32.
    occurrences : the main peaks of its regions, each with its region's own cutoff; ``row`` counts from 0 here.
    """
    hommel = hommel_value(p_values(data[inside], stat, df, sided), alpha)
    sizes = np.asarray(sizes, dtype=np.float64)
    times_kept = np.zeros(data.shape, dtype=np.int32)
    rows, parts = [], [NO_OCCURRENCES]
    settings = trees_of_settings(data, connectivities, signs, sided, 0.0)
    for (connectivity, handling), trees in settings.items():
        needed = {
            sign: discovery_ranks(data.ravel()[tree.voxels], hommel, alpha, stat, df, sided)
            for sign, tree in trees.items()
        }
        for written, bound in bounds.items():
            first_row, levels, voxels = len(rows), [], []
            for sign, tree in trees.items():
                found = maximal_nodes(tree, needed[sign], bound)
                number = node_of_voxels(tree, found)
                main, level = np.array([node[0] for node in found], int), np.array([node[1] for node in found], float)
                n_voxels = np.bincount(number, minlength=len(found) + 1)[1:]
                total = np.bincount(number, data.ravel()[tree.voxels], minlength=len(found) + 1)[1:]
                kept = large_enough(n_voxels[:, None], affine, sizes, size_rule)
                times_kept.ravel()[tree.voxels] += np.append(0, kept.sum(axis=1))[number]
                region, size = np.nonzero(kept)
                names = (place[main[region]] for place in name_peaks(tree, affine))
                parts.append(Occurrences(*names, first_row + size, level[region], n_voxels[region], total[region]))
                levels.append(level)
                voxels.append(n_voxels)
            level, n_voxels = np.concatenate(levels), np.concatenate(voxels)
            for size in sizes:
                kept = n_voxels[large_enough(n_voxels, affine, size, size_rule)]
                rows.append(
                    {
                        "connectivity": connectivity,
                        "signs": handling,
                        "threshold": written,
                        "cutoff": level.min(initial=np.inf),
                        "cutoff_rule": ">=",
                        "min_region_size": size,
                        "survivors": n_voxels.sum(),
                        "n_regions": len(kept),
                        "volume_mm3": kept.sum() * voxel_volume(affine),
                        "largest_mm3": kept.max(initial=0) * voxel_volume(affine),
                        "kept": kept.sum(),
                        "too_small": n_voxels.sum() - kept.sum(),
                    }
                )
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, times_kept, join_occurrences(parts)
