"""How far maps agree: where the regions of several maps on one grid lie, and how much every two share."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from ..grid import same_grid
from .agreement import coefficients, count_packed


def maps_on_one_grid(grids: Mapping[str, tuple[tuple[int, ...], np.ndarray]]) -> tuple[list[str], list[str]]:
    """Divide maps into those on the grid that most of them share, and the others.

    Parameters
    ----------
    grids : shape and (4, 4) affine by map.

    Returns
    -------
    together, left_out : names, in the order given. Of grids shared by equally many, the one of the first map counts.
    """
    groups: list[list[str]] = []
    for name, grid in grids.items():
        same = next((group for group in groups if same_grid(*grids[group[0]], *grid)), None)
        if same is None:
            groups.append(same := [])
        same.append(name)
    together = max(groups, key=len, default=[])
    return together, [name for name in grids if name not in together]


def overlap_of_maps(kept_masks: Iterable[tuple[str, np.ndarray]]) -> tuple[np.ndarray | None, list[dict[str, Any]]]:
    """Count the maps whose regions hold each voxel, and compare every two maps, under one variant.

    Parameters
    ----------
    kept_masks : map and (i, j, k) bool, True inside any region; of one shape. Each is read once and kept as bits.

    Returns
    -------
    n_maps : (i, j, k) int16, number of maps whose regions hold the voxel; None without any map.
    rows : a row per unordered pair, in the order given
        ``map_a, map_b, voxels_a, voxels_b, overlap_voxels``, and ``dice`` and ``jaccard`` as in `dice_jaccard`.
    """
    n_maps, packed = None, {}
    for name, mask in kept_masks:
        if n_maps is None:
            n_maps = np.zeros(mask.shape, dtype=np.int16)
        n_maps += mask
        packed[name] = np.packbits(mask)
    voxels = {name: count_packed(bits) for name, bits in packed.items()}
    rows = []
    for first, second in combinations(packed, 2):
        overlap = count_packed(packed[first] & packed[second])
        rows.append({"map_a": first, "map_b": second, **coefficients(voxels[first], voxels[second], overlap)})
    return n_maps, rows
