"""One map under a whole grid of thresholds, smallest regions, connectivities and sign rules."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..grid import voxel_volume
from ..inference.thresholds import Cutoff
from ..regions.clusters import large_enough
from ..rules import SweepRule
from ..types import Connectivity, Signs, SizeRule
from .tree import Tree, component_sizes, component_tree, signed_maps

# The trees of every connectivity and way to treat signs, in the order of the grid; each by the sign of its map.
Settings = Mapping[tuple[Connectivity, Signs], Mapping[str, Tree]]


def trees_of_settings(data: np.ndarray, rule: SweepRule, floor: float) -> Settings:
    """The component trees that a sweep is read from, all of them down to one floor."""
    return {
        (connectivity, handling): {
            sign: component_tree(signed, connectivity, floor)
            for sign, signed in signed_maps(data, handling, rule.sided).items()
        }
        for connectivity in rule.connectivities
        for handling in rule.signs
    }


def sweep_grid(
    settings: Settings,
    shape: tuple[int, ...],
    affine: np.ndarray,
    cutoffs: Mapping[str, Cutoff],
    sizes: Sequence[float],
    size_rule: SizeRule,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Count and measure the regions (connected components) at every point of a grid.

    Nothing is labelled: one component tree per connectivity and sign gives the component sizes at every threshold, and
    every smallest size is a comparison with them.

    Parameters
    ----------
    settings : the map's trees, see `trees_of_settings`; their floor is at or below every cutoff.
    shape : of the map.
    affine : (4, 4) array.
    cutoffs : the cutoffs by the threshold as it is written.
    sizes : smallest regions in mm^3.
    size_rule : ``>`` or ``>=``.

    Returns
    -------
    table : dict of column name to (points,) array, the last of the four axes fastest in the order given
        ``connectivity, signs, threshold, cutoff, cutoff_rule, min_region_size``; ``suprathreshold`` voxels;
        ``n_regions``; ``volume_mm3``, all regions together; ``largest_mm3``, the largest of them, 0 without any; and
        ``kept`` and ``too_small`` voxels, which add up to the suprathreshold voxels.
    times_kept : (i, j, k) int32, number of the grid points that keep each voxel in a region.
    """
    thresholds = np.array([cutoff.at_least for cutoff in cutoffs.values()])
    smallest = np.asarray(sizes, dtype=np.float64)
    times_kept = np.zeros(shape, dtype=np.int32)
    blocks = []
    for (connectivity, handling), trees in settings.items():
        measured = []
        for tree in trees.values():
            counts, times = _measure(tree, affine, thresholds, smallest, size_rule)
            times_kept.ravel()[tree.voxels] += times
            measured.append(counts.reshape(4, -1))
        suprathreshold, n_regions, kept, _ = np.sum(measured, axis=0)
        largest = np.max(measured, axis=0)[3]
        blocks.append(
            {
                "connectivity": np.full(len(kept), connectivity),
                "signs": np.full(len(kept), handling, dtype=object),
                "threshold": np.repeat(np.array(list(cutoffs), dtype=object), len(smallest)),
                "cutoff": np.repeat([cutoff.value for cutoff in cutoffs.values()], len(smallest)),
                "cutoff_rule": np.repeat(np.array([c.rule for c in cutoffs.values()], dtype=object), len(smallest)),
                "min_region_size": np.tile(smallest, len(thresholds)),
                "suprathreshold": suprathreshold,
                "n_regions": n_regions,
                "volume_mm3": kept * voxel_volume(affine),
                "largest_mm3": largest * voxel_volume(affine),
                "kept": kept,
                "too_small": suprathreshold - kept,
            }
        )
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}, times_kept


def _measure(tree, affine, thresholds, sizes, size_rule):
    """Measure one tree at every threshold and size.

    Returns
    -------
    counts : (4, thresholds, sizes) int: suprathreshold voxels, regions, kept voxels, voxels of the largest region.
    times_kept : (n,) int32, how many of these grid points keep each of the tree's voxels.
    """
    ascending = np.argsort(thresholds, kind="stable")
    thresholds = thresholds[ascending]
    bounds = np.append(np.searchsorted(tree.values, thresholds), len(tree.values))
    counts = np.zeros((4, len(thresholds), len(sizes)), dtype=np.int64)
    times_kept = np.zeros(len(tree.values), dtype=np.int32)
    so_far = np.zeros(len(tree.birth), dtype=np.int32)  # by peak: grid points that keep a voxel of its, if high enough
    steps = zip(ascending, bounds[:-1], bounds[1:], component_sizes(tree, thresholds), strict=True)
    for row, low, high, (main, n_voxels) in steps:
        large = large_enough(n_voxels, affine, sizes[:, None], size_rule) & (n_voxels > 0)
        kept_voxels = large * n_voxels
        counts[0, row] = len(tree.values) - low
        counts[1, row] = large.sum(axis=1)
        counts[2, row] = kept_voxels.sum(axis=1)
        counts[3, row] = kept_voxels.max(axis=1, initial=0)
        lengths = np.append(main[1:], len(so_far)) - main
        so_far += np.repeat(large.sum(axis=0, dtype=np.int32), lengths)
        times_kept[low:high] = so_far[tree.basin[low:high]]
    return counts, times_kept
