"""One map under a whole grid of thresholds, smallest regions, connectivities and sign rules."""

import numpy as np
import pandas as pd

from ..io.images import voxel_volume
from ..regions.clusters import large_enough
from .tree import component_sizes, component_tree, signed_maps


def sweep_grid(data, affine, cutoffs, sizes, connectivities, signs, sided, size_rule):
    """Count and measure the regions (connected components) at every point of a grid.

    Nothing is labelled: one component tree per connectivity and sign gives the component sizes at every threshold, and
    every smallest size is a comparison with them.

    Parameters
    ----------
    data : (i, j, k) float array, finite.
    affine : (4, 4) array.
    cutoffs : dict of the threshold as it is written to the `thresholds.Cutoff` it resolves to.
    sizes : sequence of float, smallest regions in mm^3.
    connectivities : sequence of 6, 18, 26.
    signs : sequence of ``split``, ``merged``.
    sided : ``two``, ``positive`` or ``negative``.
    size_rule : ``>`` or ``>=``.

    Returns
    -------
    table : DataFrame, one row per grid point, the last of the four axes fastest in the order given
        ``connectivity, signs, threshold, cutoff, cutoff_rule, min_region_size``; ``survivors`` (voxels); ``n_regions``;
        ``volume_mm3``, all regions together; ``largest_mm3``, the largest of them, 0 without any; and the ledger,
        ``kept`` and ``too_small`` voxels, which add up to the survivors.
    frequency : (i, j, k) float32, share of the grid points that keep each voxel in a region.
    """
    thresholds = np.array([cutoff.at_least for cutoff in cutoffs.values()])
    sizes = np.asarray(sizes, dtype=np.float64)
    times_kept = np.zeros(data.shape, dtype=np.int32)
    blocks = []
    for connectivity in connectivities:
        for handling in signs:
            measured = []
            for signed in signed_maps(data, handling, sided).values():
                tree = component_tree(signed, connectivity, floor=thresholds.min())
                found, times = _measure(tree, affine, thresholds, sizes, size_rule)
                times_kept.ravel()[tree.voxels] += times
                measured.append(found.reshape(4, -1))
            survivors, n_regions, kept, _ = np.sum(measured, axis=0)
            largest = np.max(measured, axis=0)[3]
            blocks.append(
                pd.DataFrame(
                    {
                        "connectivity": connectivity,
                        "signs": handling,
                        "threshold": np.repeat(list(cutoffs), len(sizes)),
                        "cutoff": np.repeat([cutoff.value for cutoff in cutoffs.values()], len(sizes)),
                        "cutoff_rule": np.repeat([cutoff.rule for cutoff in cutoffs.values()], len(sizes)),
                        "min_region_size": np.tile(sizes, len(thresholds)),
                        "survivors": survivors,
                        "n_regions": n_regions,
                        "volume_mm3": kept * voxel_volume(affine),
                        "largest_mm3": largest * voxel_volume(affine),
                        "kept": kept,
                        "too_small": survivors - kept,
                    }
                )
            )
    table = pd.concat(blocks, ignore_index=True)
    return table, (times_kept / len(table)).astype(np.float32)


def _measure(tree, affine, thresholds, sizes, size_rule):
    """Measure one tree at every threshold and size.

    Returns
    -------
    found : (4, thresholds, sizes) int: survivors, regions, kept voxels, voxels of the largest region.
    times_kept : (n,) int32, how many of these grid points keep each of the tree's voxels.
    """
    ascending = np.argsort(thresholds, kind="stable")
    thresholds = thresholds[ascending]
    bounds = np.append(np.searchsorted(tree.values, thresholds), len(tree.values))
    found = np.zeros((4, len(thresholds), len(sizes)), dtype=np.int64)
    times_kept = np.zeros(len(tree.values), dtype=np.int32)
    so_far = np.zeros(len(tree.birth), dtype=np.int32)  # by peak: grid points that keep a voxel of its, if high enough
    steps = zip(ascending, bounds[:-1], bounds[1:], component_sizes(tree, thresholds), strict=True)
    for row, low, high, (main, n_voxels) in steps:
        kept = large_enough(n_voxels, affine, sizes[:, None], size_rule) & (n_voxels > 0)
        kept_voxels = kept * n_voxels
        found[0, row] = len(tree.values) - low
        found[1, row] = kept.sum(axis=1)
        found[2, row] = kept_voxels.sum(axis=1)
        found[3, row] = kept_voxels.max(axis=1, initial=0)
        lengths = np.append(main[1:], len(so_far)) - main
        so_far += np.repeat(kept.sum(axis=0, dtype=np.int32), lengths)
        times_kept[low:high] = so_far[tree.basin[low:high]]
    return found, times_kept
