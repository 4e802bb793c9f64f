"""How far maps agree: where the regions of several maps on one grid lie, which of them meet, how much two share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def shared_voxels(labels: Iterable[tuple[str, np.ndarray]]) -> Iterator[tuple[tuple[str, int], tuple[str, int], int]]:
    """Every two regions of two maps that share voxels, and how many.

    Parameters
    ----------
    labels : map and (i, j, k) integers, 0 outside, regions 1..n; of one shape. Each is read once, and kept where it is
        not 0.

    Yields
    ------
    one, other : map and region, that of the map that came first first; in order.
    voxels : number of voxels that lie in both.
    """
    owners: list[tuple[str, int]] = []
    places, regions = [], []
    for name, image in labels:
        flat = image.ravel()
        inside = np.flatnonzero(flat)
        places.append(inside)
        regions.append(flat[inside].astype(np.int64) + len(owners) - 1)
        owners += [(name, region) for region in range(1, int(flat.max(initial=0)) + 1)]
    if not owners:
        return
    place, region = np.concatenate(places), np.concatenate(regions)
    order = np.argsort(place, kind="stable")  # of a voxel the maps stay in their order
    place, region = place[order], region[order]
    pairs = []
    for lag in range(1, len(places)):
        same = place[lag:] == place[:-lag]
        pairs.append(region[:-lag][same] * len(owners) + region[lag:][same])
    both, counts = np.unique(np.concatenate(pairs or [np.empty(0, np.int64)]), return_counts=True)
    for pair, count in zip(both.tolist(), counts.tolist(), strict=True):
        yield owners[pair // len(owners)], owners[pair % len(owners)], count


def found_in_maps(
    regions: Mapping[str, Sequence[Mapping[str, Any]]],
    shared: Iterable[tuple[tuple[str, int], tuple[str, int], int]],
) -> Iterator[dict[str, Any]]:
    """Of every region of every map, in which other maps it is found, under one variant.

    Parameters
    ----------
    regions : rows of regions.csv by map.
    shared : of `shared_voxels`.

    Yields
    ------
    dict : the row, with ``n_maps``, the maps that have a region of its sign that shares a voxel with it, its own among
        them, and ``regions@<map>`` for each map, these regions, ``3 1``, largest overlap first; None for none.
    """
    signs = {(name, row["region"]): row["sign"] for name, rows in regions.items() for row in rows}
    partners: dict[tuple[str, int], dict[str, list[tuple[int, int]]]] = {own: {} for own in signs}
    for one, other, voxels in shared:
        if signs[one] == signs[other]:
            partners[one].setdefault(other[0], []).append((-voxels, other[1]))
            partners[other].setdefault(one[0], []).append((-voxels, one[1]))
    for name, rows in regions.items():
        for row in rows:
            found = {other: sorted(ids) for other, ids in partners[name, row["region"]].items()}
            found[name] = [(0, row["region"])]
            cells = {other: " ".join(str(region) for _, region in found.get(other, [])) or None for other in regions}
            yield dict(row) | {"n_maps": len(found)} | {f"regions@{other}": cell for other, cell in cells.items()}
