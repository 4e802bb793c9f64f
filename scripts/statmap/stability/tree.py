"""Every region at every threshold at once: the component tree of a map.

The tree is kept as a line of peaks. Each voxel belongs to the peak that steepest ascent reaches (its basin), and the
basins are put in an order in which the connected components at *any* threshold are runs of neighbours. Lowering the
threshold only ever joins neighbouring runs, and a run starts with its strongest peak; so a peak's `death`, the
threshold at which it joins a stronger one, says where the runs begin: at threshold t, wherever ``death < t``.

Basins joined from the highest saddle down, the stronger peak living on (the elder rule): Edelsbrunner, Letscher and
Zomorodian 2002, doi 10.1007/s00454-002-2885-2. Thresholds keep the voxels *at or above* them throughout.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..grid import forward_steps
from ..inference.families import magnitude
from ..types import Connectivity, Sided, Signs

Sign = Literal["positive", "negative", "mixed"]

_AT_A_TIME = 2**16  # voxels whose neighbours are looked up


@dataclass(frozen=True)
class Tree:
    """The component tree of the voxels of a map at or above a floor; made by `component_tree`.

    Attributes
    ----------
    shape : tuple of int, the map's shape.
    floor : float, the lowest threshold the tree knows; 0 stands for all positive voxels.
    voxels : (n,) int, flat C indices of the voxels, by ascending value.
    values : (n,) float64, their values.
    basin : (n,) int, the peak each voxel climbs to: an index into the next three.
    birth : (p,) float64, value of each peak.
    death : (p,) float64, the threshold at which it joins a stronger peak, -inf where it never does. A plateau may hold
        several entries; all but one have ``death == birth`` and are no peaks of their own.
    parent : (p,) int, the strongest peak of the component it joins (of equal ones, that of the lowest voxel index);
        -1 where it never joins one.
    """

    shape: tuple[int, ...]
    floor: float
    voxels: np.ndarray
    values: np.ndarray
    basin: np.ndarray
    birth: np.ndarray
    death: np.ndarray
    parent: np.ndarray


def signs_of_maps(signs: Signs, sided: Sided) -> tuple[Sign, ...]:
    """The signs of the maps whose components are the regions of a variant.

    ``split`` two-sided there is one of each sign; ``merged``, where touching voxels of opposite sign join, one of
    ``mixed`` sign; one-sided there is one map either way.
    """
    if sided == "two":
        return ("positive", "negative") if signs == "split" else ("mixed",)
    return (sided,)


def signed_map(data: np.ndarray, sign: Sign) -> np.ndarray:
    """The map of one of `signs_of_maps`: x, -x, or |x| as ``mixed``; what does not count in it is not positive."""
    return magnitude(data, "two" if sign == "mixed" else sign)


def signed_maps(data: np.ndarray, signs: Signs, sided: Sided) -> dict[str, np.ndarray]:
    """All maps of `signs_of_maps`, by sign."""
    return {sign: signed_map(data, sign) for sign in signs_of_maps(signs, sided)}


def component_tree(data: np.ndarray, connectivity: Connectivity, floor: float = 0.0) -> Tree:
    """Component tree (max-tree) of the voxels of `data` that are positive and at or above `floor`.

    Parameters
    ----------
    data : (i, j, k) float array, finite. For negative values pass ``-data``, for both signs merged ``abs(data)``.
    connectivity : 6, 18 or 26.
    floor : float, at least 0.
    """
    kept = (data >= np.float64(floor)) & (data > 0)
    voxels, shape = np.flatnonzero(kept), data.shape
    ascending = _ascending(data.ravel()[voxels])
    voxels = voxels[ascending]
    values = data.ravel()[voxels].astype(np.float64)
    rank = np.empty(len(voxels), dtype=np.int32)
    rank[ascending] = np.arange(len(voxels))
    # One voxel of background all around: a neighbour is then a fixed step away in the flat array.
    padded = tuple(axis + 2 for axis in shape)
    place = np.flatnonzero(np.pad(kept, 1))
    del data, kept  # large; what follows needs neither
    steps = forward_steps(padded, connectivity)
    ranks = np.full(padded, -1, dtype=np.int32).ravel()
    ranks[place] = rank

    peak_ranks, basin_of_rank = _climb(rank, ascending, ranks, place, steps)
    del ascending
    n_basins = len(peak_ranks)
    saddles = _saddles(rank, basin_of_rank, n_basins, ranks, place, steps)
    order, death, parent = _join(n_basins, *saddles, values)

    position = np.empty(n_basins, dtype=np.int32)  # of each basin in the line
    position[order] = np.arange(n_basins)
    death, parent = death[order], np.append(position, -1)[parent[order]]
    # Several joins at one value are one event: the parent is the strongest peak of what they make together.
    while (same := (parent >= 0) & (death[parent] == death)).any():
        parent[same] = parent[parent[same]]
    birth = values[peak_ranks[order]]
    return Tree(shape, float(floor), voxels, values, position[basin_of_rank], birth, death, parent)


def _ascending(values):
    """The order of positive values in which no two are equal: of equal ones the first comes last, (n,) int."""
    n = len(values)
    if values.dtype != np.float32:
        return n - 1 - np.argsort(values[::-1], kind="stable")
    # The bits of a positive float are an integer of the same rank; whole numbers are sorted faster than an argument is.
    keys = values.view(np.int32).astype(np.int64) << 32 | np.arange(n)[::-1]
    keys.sort()
    return n - 1 - (keys & (2**32 - 1))


def _climb(rank, ascending, ranks, place, steps):
    """Steepest ascent from every voxel.

    Parameters
    ----------
    rank : (n,) int, of each voxel; ascending : (n,) int, the voxel at each rank.
    ranks : flat padded volume of ranks, -1 outside; place : (n,) int, where each voxel is in it.
    steps : to half of the neighbours.

    Returns
    -------
    peak_ranks : (p,) int, ranks of the voxels without a higher neighbour, strongest first: basins are numbered so.
    basin_of_rank : (n,) int, the basin of the voxel at each rank.
    """
    highest = rank.copy()
    for part in _parts(len(rank)):
        for step in steps:
            np.maximum(highest[part], ranks[place[part] + step], out=highest[part])
            np.maximum(highest[part], ranks[place[part] - step], out=highest[part])
    uphill = highest[ascending]
    while not np.array_equal(further := uphill[uphill], uphill):
        uphill = further
    peak_ranks = np.flatnonzero(uphill == np.arange(len(rank)))[::-1]
    basin_at = np.empty(len(rank), dtype=np.int32)
    basin_at[peak_ranks] = np.arange(len(peak_ranks))
    return peak_ranks, basin_at[uphill]


def _saddles(rank, basin_of_rank, n_basins, ranks, place, steps):
    """Pairs of touching basins and the rank of their saddle, the highest place where one can cross; highest first."""
    basin, basin_or_none = basin_of_rank[rank], np.append(basin_of_rank, -1)  # that of rank -1, outside
    pairs, crossings = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int32)]
    for part in _parts(len(rank)):
        for step in steps:
            rank_of_other = ranks[place[part] + step]
            other = basin_or_none[rank_of_other]
            border = np.flatnonzero((other >= 0) & (other != basin[part]))
            a, b = basin[part][border].astype(np.int64), other[border]
            pairs.append(np.minimum(a, b) * n_basins + np.maximum(a, b))
            crossings.append(np.minimum(rank[part][border], rank_of_other[border]))
    pairs, crossings = np.concatenate(pairs), np.concatenate(crossings)
    order = np.argsort(pairs)
    pairs = pairs[order]
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    if len(first) == 0:
        return [], [], first
    saddle = np.maximum.reduceat(crossings[order], first)
    order = np.argsort(-saddle, kind="stable")
    pairs, saddle = pairs[first[order]], saddle[order]
    return (pairs // n_basins).tolist(), (pairs % n_basins).tolist(), saddle


def _parts(n_voxels):
    """Voxels by turns, as many as a cache holds."""
    return [slice(first, first + _AT_A_TIME) for first in range(0, n_voxels, _AT_A_TIME)]


def _join(n_basins, first, second, saddle, values):
    """Join basins over their saddles, highest first (Kruskal), each run of basins kept as a linked list.

    Returns
    -------
    order : (p,) int, the basins in the order in which components are runs.
    death, parent : (p,) by basin.
    """
    elder, last, following = list(range(n_basins)), list(range(n_basins)), [-1] * n_basins
    death, parent = np.full(n_basins, -np.inf), np.full(n_basins, -1)
    for a, b, height in zip(first, second, values[saddle].tolist(), strict=True):
        while elder[a] != a:
            elder[a] = a = elder[elder[a]]
        while elder[b] != b:
            elder[b] = b = elder[elder[b]]
        if a == b:
            continue
        a, b = min(a, b), max(a, b)  # basins are numbered from the strongest peak down
        elder[b], death[b], parent[b] = a, height, a
        following[last[a]], last[a] = b, last[b]
    order = np.empty(n_basins, dtype=np.int64)
    position = 0
    for basin in np.flatnonzero(parent < 0).tolist():
        while basin >= 0:
            order[position] = basin
            position, basin = position + 1, following[basin]
    return order, death, parent


def cut(tree: Tree, threshold: float) -> np.ndarray:
    """Connected components of the voxels at or above a threshold, read off the tree.

    Parameters
    ----------
    tree : Tree.
    threshold : float, at least ``tree.floor``.

    Returns
    -------
    (i, j, k) int32, 0 outside, components 1..n in no meaningful order.
    """
    first = np.searchsorted(tree.values, threshold)
    component = np.cumsum((tree.death < threshold) & (tree.birth >= threshold))
    labels = np.zeros(tree.shape, dtype=np.int32)
    labels.ravel()[tree.voxels[first:]] = component[tree.basin[first:]]
    return labels


def component_sizes(tree: Tree, thresholds: Sequence[float] | np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sizes of all components at each of a series of thresholds, without labelling.

    Parameters
    ----------
    tree : Tree.
    thresholds : ascending, none below ``tree.floor``.

    Yields
    ------
    main : int array, the strongest peak of each run of peaks (ascending; the run ends before the next one).
    n_voxels : int array, the run's voxels at or above the threshold; 0 where the peak itself lies below it.
    """
    below = 0
    counts = np.bincount(tree.basin)  # every basin holds its peak
    for threshold, first in zip(thresholds, np.searchsorted(tree.values, thresholds), strict=True):
        counts -= np.bincount(tree.basin[below:first], minlength=len(counts))
        below = first
        main = np.flatnonzero(tree.death < threshold)
        yield main, np.add.reduceat(counts, main)
