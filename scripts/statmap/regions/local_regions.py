"""Local regions: clusters divided between the local maxima of the smoothed map, as nilearn's ``local_regions``."""

from typing import NamedTuple

import numpy as np

from ..rules import RegionRule
from .clusters import Box, label_components


class LocalRegions(NamedTuple):
    """Local regions of one thresholded map, before the extent threshold.

    Attributes
    ----------
    labels : (i, j, k) int array over the box of the suprathreshold voxels, 0 for background.
    unseeded, seed_only : bool arrays over it: voxels of components without a seed, and of components that are nothing
        but their seed, where those were dropped.
    """

    labels: np.ndarray
    unseeded: np.ndarray
    seed_only: np.ndarray


def label_local_regions(thresholded: np.ndarray, box: Box, affine: np.ndarray, rule: RegionRule) -> LocalRegions:
    """Grow regions from the local maxima of the smoothed map.

    Parameters
    ----------
    thresholded : (i, j, k) float array, the whole grid: nilearn's edge weights depend on it.
    box : slices around the suprathreshold voxels.
    affine : (4, 4) array.
    rule : ``signs: split`` does it on the map and on minus the map, each with the voxels of its own sign, ``merged``
        seeds at positive maxima only, as nilearn; ``connectivity`` is that of components, seeds and edges, 6 with
        ``random_walker: nilearn``; ``unseeded: drop`` drops components without a seed, and those that hold only
        their seed, as nilearn; ``edge_scale`` says which voxels have the standard deviation that scales the edge
        weights; ``random_walker`` is ``converged`` (solved until no label changes) or ``nilearn`` (its system and its
        stopping rule).

    Returns
    -------
    LocalRegions
    """
    shape = thresholded[box].shape
    labels = np.zeros(shape, dtype=np.uint32)
    no_seed, only_seed = np.zeros((2, *shape), dtype=bool)
    for sign in (1, -1) if rule.signs == "split" else (0,):
        part = thresholded if sign == 0 else np.maximum(sign * thresholded, 0)
        suprathreshold = part[box] != 0
        if not suprathreshold.any():
            continue
        seeds, components = _seeds_and_components(part, box, suprathreshold, affine, rule)
        if rule.random_walker == "nilearn":
            owner = _nilearn_owner(part, box, suprathreshold, seeds, components)
        else:
            scale = float(np.std(part if rule.edge_scale == "volume" else part[box][suprathreshold], dtype=np.float64))
            owner = _converged_owner(part[box], suprathreshold, seeds, components, rule.connectivity, scale)
        owner, no_seed_here, only_seed_here = _drop_or_keep(owner, seeds, components, rule.unseeded)
        labels[suprathreshold] = owner + labels.max() * (owner > 0)
        no_seed[suprathreshold] |= no_seed_here
        only_seed[suprathreshold] |= only_seed_here
    return LocalRegions(labels, no_seed, only_seed)


def _seeds_and_components(part, box, suprathreshold, affine, rule):
    """Number of the seed (0 for none) and of the component of each suprathreshold voxel, two (n,) int arrays."""
    from .seeds import find_seeds

    seeds = find_seeds(part, box, affine, rule)[suprathreshold].astype(np.int64)
    return seeds, label_components(part[box], rule.connectivity, "merged")[suprathreshold].astype(np.int64)


def _converged_owner(inner, suprathreshold, seeds, components, connectivity, scale):
    """The seed that each voxel belongs to in the converged solution, 0 where its component has none: (n,) int."""
    seed_of_component = np.zeros(components.max() + 1, dtype=np.int64)
    np.maximum.at(seed_of_component, components, seeds)
    owner = seed_of_component[components]
    rivals = np.unique(components[(seeds > 0) & (seeds < owner)])
    if len(rivals):
        # Here, not above: scipy.sparse takes longer to import than all the rest takes to run.
        from .random_walker import assign_seeds, find_edges

        disputed = np.isin(components, rivals)
        arena = np.zeros_like(suprathreshold)
        arena[suprathreshold] = disputed
        values = inner[arena].astype(np.float64)
        edges = find_edges(arena, connectivity)
        owner[disputed] = assign_seeds(values, edges, seeds[disputed], scale if scale > 0 else 1.0)
    return owner


def _nilearn_owner(part, box, suprathreshold, seeds, components):
    """The seed that each voxel belongs to in nilearn's solution, 0 where its component has none: (n,) int."""
    from .nilearn_walker import label_like_nilearn, scale_of

    numbers, number = np.unique(seeds, return_inverse=True)
    seeded, free = (np.zeros(components.max() + 1, dtype=bool) for _ in range(2))
    seeded[components[seeds > 0]] = True
    free[components[seeds == 0]] = True
    takes_part = (seeded & free)[components]
    owner = seeds.copy()
    if takes_part.any():
        markers = np.full(suprathreshold.shape, -1, dtype=np.int32)
        markers[suprathreshold] = np.where(takes_part, number, -1)  # number 0, of no seed, is always there
        labels = label_like_nilearn(part[box], markers, scale_of(part))[suprathreshold]
        owner[takes_part] = numbers[labels[takes_part]]
    return owner


def _drop_or_keep(owner, seeds, components, unseeded):
    """Drop, or keep, components without a seed and components that hold only their seed.

    Returns
    -------
    owner : (n,) int, the region of each voxel, 0 for none.
    unseeded, seed_only : (n,) bool, the voxels that were dropped.
    """
    owner = owner.copy()
    none = np.zeros(len(owner), dtype=bool)
    if unseeded == "keep":
        orphan = owner == 0
        owner[orphan] = owner.max() + components[orphan]
        return owner, none, none
    # nilearn drops a component that holds only its seed, unless every component with a seed is one.
    has_free = np.zeros(components.max() + 1, dtype=bool)
    has_free[components[seeds == 0]] = True
    alone = ~has_free[components]
    others = has_free[components] & (owner > 0)
    orphan = owner == 0
    if not others.any():
        return owner, orphan, none
    owner[alone] = 0
    return owner, orphan, alone
