"""Local regions: clusters divided between the local maxima of the smoothed map, as nilearn's ``local_regions``."""

from typing import NamedTuple

import numpy as np

from ..types import Connectivity, EdgeScale, RandomWalker, Signs, Unseeded
from .clusters import Box, label_components


class LocalRegions(NamedTuple):
    """Local regions of one thresholded map, before the extent threshold.

    Attributes
    ----------
    labels : (i, j, k) int array over the box of the suprathreshold voxels, 0 for background.
    unseeded, isolated : voxels of components without a seed, and of components that are nothing but their seed.
    settled : with ``random_walker: nilearn`` the same labels in the settled solution; else None.
    """

    labels: np.ndarray
    unseeded: int
    isolated: int
    settled: np.ndarray | None


def label_local_regions(
    thresholded: np.ndarray,
    box: Box,
    affine: np.ndarray,
    *,
    signs: Signs,
    connectivity: Connectivity,
    unseeded: Unseeded,
    edge_scale: EdgeScale,
    random_walker: RandomWalker,
) -> LocalRegions:
    """Grow regions from the local maxima of the smoothed map.

    Parameters
    ----------
    thresholded : (i, j, k) float array, the whole grid: nilearn's edge weights depend on it.
    box : slices around the suprathreshold voxels.
    affine : (4, 4) array.
    signs : ``split`` does it on the map and on minus the map, each with the voxels of its own sign; ``merged`` seeds at
        positive maxima only, as nilearn.
    connectivity : neighbours in components, seeds and edges; 6 with ``random_walker: nilearn``.
    unseeded : ``drop`` components without a seed, and those that are nothing but their seed, as nilearn; or ``keep``.
    edge_scale : voxels whose standard deviation scales the edge weights: the whole ``volume`` or the ``survivors``.
    random_walker : ``settled`` (solved until the labels are certain) or ``nilearn`` (its system and its stopping rule).

    Returns
    -------
    LocalRegions
    """
    shape = thresholded[box].shape
    both = np.zeros((2, *shape), dtype=np.uint32)  # as asked for, and settled
    n_unseeded = n_isolated = 0
    for sign in (1, -1) if signs == "split" else (0,):
        part = thresholded if sign == 0 else np.maximum(sign * thresholded, 0)
        survived = part[box] != 0
        if not survived.any():
            continue
        seeds, components = _seeds_and_components(part, box, survived, affine, connectivity)
        scale = float(np.std(part if edge_scale == "volume" else part[box][survived], dtype=np.float64))
        settled = _settle(part[box], survived, seeds, components, connectivity, scale)
        owner = settled if random_walker == "settled" else _walk(part, box, survived, seeds, components)
        highest = both.max()
        for labels, owner_of_voxel in zip(both, (owner, settled), strict=True):
            found, lost_unseeded, lost_isolated = _drop_or_keep(owner_of_voxel, seeds, components, unseeded)
            labels[survived] = found + highest * (found > 0)
        n_unseeded += lost_unseeded
        n_isolated += lost_isolated
    return LocalRegions(both[0], n_unseeded, n_isolated, both[1] if random_walker == "nilearn" else None)


def _seeds_and_components(part, box, survived, affine, connectivity):
    """Number of the seed (0 for none) and of the component of each suprathreshold voxel, two (n,) int arrays."""
    from .seeds import find_seeds

    seeds = find_seeds(part, box, affine, connectivity)[survived].astype(np.int64)
    return seeds, label_components(part[box], connectivity, "merged")[survived].astype(np.int64)


def _settle(inner, survived, seeds, components, connectivity, scale):
    """The seed that each voxel belongs to in the settled solution, 0 where its component has none: (n,) int."""
    seed_of_component = np.zeros(components.max() + 1, dtype=np.int64)
    np.maximum.at(seed_of_component, components, seeds)
    owner = seed_of_component[components]
    rivals = np.unique(components[(seeds > 0) & (seeds < owner)])
    if len(rivals):
        # Here, not above: scipy.sparse takes longer to import than all the rest takes to run.
        from .random_walker import assign_seeds, find_edges

        disputed = np.isin(components, rivals)
        arena = np.zeros_like(survived)
        arena[survived] = disputed
        values = inner[arena].astype(np.float64)
        edges = find_edges(arena, connectivity)
        owner[disputed] = assign_seeds(values, edges, seeds[disputed], scale if scale > 0 else 1.0)
    return owner


def _walk(part, box, survived, seeds, components):
    """The seed that each voxel belongs to in nilearn's solution, 0 where its component has none: (n,) int."""
    from .nilearn_walker import label_like_nilearn, scale_of

    numbers, number = np.unique(seeds, return_inverse=True)
    seeded, free = (np.zeros(components.max() + 1, dtype=bool) for _ in range(2))
    seeded[components[seeds > 0]] = True
    free[components[seeds == 0]] = True
    takes_part = (seeded & free)[components]
    owner = seeds.copy()
    if takes_part.any():
        markers = np.full(survived.shape, -1, dtype=np.int32)
        markers[survived] = np.where(takes_part, number, -1)  # number 0, of no seed, is always there
        found = label_like_nilearn(part[box], markers, scale_of(part))[survived]
        owner[takes_part] = numbers[found[takes_part]]
    return owner


def _drop_or_keep(owner, seeds, components, unseeded):
    """Drop, or keep, components without a seed and those that are nothing but their seed.

    Returns
    -------
    owner : (n,) int, the region of each voxel, 0 for none.
    unseeded, isolated : numbers of voxels that were dropped.
    """
    owner = owner.copy()
    if unseeded == "keep":
        orphan = owner == 0
        owner[orphan] = owner.max() + components[orphan]
        return owner, 0, 0
    # nilearn drops a component made of nothing but its seed, except where there is nothing else to find.
    has_free = np.zeros(components.max() + 1, dtype=bool)
    has_free[components[seeds == 0]] = True
    alone = ~has_free[components]
    others = has_free[components] & (owner > 0)
    n_unseeded = int(np.count_nonzero(owner == 0))
    if not others.any():
        return owner, n_unseeded, 0
    owner[alone] = 0
    return owner, n_unseeded, int(np.count_nonzero(alone))
