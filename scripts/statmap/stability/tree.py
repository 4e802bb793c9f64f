"""Every region at every threshold at once: the component tree of a map, peaks' persistence and robustness intervals.

The tree is kept as a line of peaks. Each voxel belongs to the peak that steepest ascent reaches (its basin), and the
basins are put in an order in which the connected components at *any* threshold are runs of neighbours. Lowering the
threshold only ever joins neighbouring runs, and a run starts with its strongest peak; so a peak's `death`, the
threshold at which it joins a stronger one, says where the runs begin: at threshold t, wherever ``death < t``.

Basins joined from the highest saddle down, the stronger peak living on (the elder rule): Edelsbrunner, Letscher and
Zomorodian 2002, doi 10.1007/s00454-002-2885-2. Thresholds keep the voxels *at or above* them throughout.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..inference.thresholds import magnitude
from ..io.images import to_mm, voxel_volume
from ..regions.clusters import large_enough
from ..regions.neighbours import forward_steps
from ..regions.peaks import main_peaks


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

    shape: tuple
    floor: float
    voxels: np.ndarray
    values: np.ndarray
    basin: np.ndarray
    birth: np.ndarray
    death: np.ndarray
    parent: np.ndarray


def signed_maps(data, signs, sided):
    """The maps whose components are the regions of a variant, by sign.

    ``split`` two-sided gives x and -x; ``merged``, where touching voxels of opposite sign join, gives |x| as ``mixed``;
    one-sided there is one map either way.
    """
    if sided == "two" and signs == "split":
        return {"positive": data, "negative": -data}
    return {"mixed" if sided == "two" else sided: magnitude(data, sided)}


def component_tree(data, connectivity, floor=0.0):
    """Component tree (max-tree) of the voxels of `data` that are positive and at or above `floor`.

    Parameters
    ----------
    data : (i, j, k) float array, finite. For negative values pass ``-data``, for both signs merged ``abs(data)``.
    connectivity : 6, 18 or 26.
    floor : float, at least 0.

    Returns
    -------
    Tree
    """
    voxels = np.flatnonzero((data >= np.float64(floor)) & (data > 0))
    values = data.ravel()[voxels].astype(np.float64)
    n = len(voxels)
    # Ranked, no two voxels are equal: of equal values the lowest index ranks highest.
    ascending = n - 1 - np.argsort(values[::-1], kind="stable")
    rank = np.empty(n, dtype=np.int32)
    rank[ascending] = np.arange(n, dtype=np.int32)
    # One voxel of background all around: a neighbour is then a fixed step away in the flat array.
    padded = tuple(axis + 2 for axis in data.shape)
    place = np.ravel_multi_index(np.add(np.unravel_index(voxels, data.shape), 1), padded)
    steps = forward_steps(padded, connectivity)
    ranks = np.full(padded, -1, dtype=np.int32).ravel()
    ranks[place] = rank

    highest = rank.copy()
    for step in steps:
        np.maximum(highest, ranks[place + step], out=highest)
        np.maximum(highest, ranks[place - step], out=highest)
    uphill = highest[ascending]  # from here on by rank
    while not np.array_equal(further := uphill[uphill], uphill):
        uphill = further
    peaks = np.flatnonzero(uphill == np.arange(n))[::-1]  # strongest first
    p = len(peaks)
    number = np.empty(n, dtype=np.int32)
    number[peaks] = np.arange(p)
    basin = number[uphill]
    values = values[ascending]
    order, death, parent = _join(p, *_saddles(basin[rank], p, ranks, place, steps), values)

    position = np.empty(p, dtype=np.int64)
    position[order] = np.arange(p)
    death, parent = death[order], np.append(position, -1)[parent[order]]
    # Several joins at one value are one event: the parent is the strongest peak of what they make together.
    while (same := (parent >= 0) & (death[parent] == death)).any():
        parent[same] = parent[parent[same]]
    birth = values[peaks[order]]
    return Tree(data.shape, float(floor), voxels[ascending], values, position[basin], birth, death, parent)


def _saddles(basin, p, ranks, place, steps):
    """Pairs of touching basins and the rank of their saddle, the highest place where one can cross; highest first."""
    basins = np.full(len(ranks), -1, dtype=np.int32)
    basins[place] = basin
    pairs, crossings = [], []
    for step in steps:
        other = basins[place + step]
        border = np.flatnonzero((other >= 0) & (other != basin))
        a, b = basin[border].astype(np.int64), other[border]
        pairs.append(np.minimum(a, b) * p + np.maximum(a, b))
        crossings.append(np.minimum(ranks[place[border]], ranks[place[border] + step]))
    pairs, crossings = np.concatenate(pairs), np.concatenate(crossings)
    order = np.argsort(pairs)
    pairs = pairs[order]
    first = np.flatnonzero(np.diff(pairs, prepend=-1))
    if len(first) == 0:
        return [], [], first
    saddle = np.maximum.reduceat(crossings[order], first)
    order = np.argsort(-saddle, kind="stable")
    pairs, saddle = pairs[first[order]], saddle[order]
    return (pairs // p).tolist(), (pairs % p).tolist(), saddle


def _join(p, first, second, saddle, values):
    """Join basins over their saddles, highest first (Kruskal), each run of basins kept as a linked list.

    Returns
    -------
    order : (p,) int, the basins in the order in which components are runs.
    death, parent : (p,) by basin.
    """
    elder, last, following = list(range(p)), list(range(p)), [-1] * p
    death, parent = np.full(p, -np.inf), np.full(p, -1)
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
    order = np.empty(p, dtype=np.int64)
    place = 0
    for basin in np.flatnonzero(parent < 0).tolist():
        while basin >= 0:
            order[place] = basin
            place, basin = place + 1, following[basin]
    return order, death, parent


def cut(tree, threshold):
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


def component_sizes(tree, thresholds):
    """Sizes of all components at each of a series of thresholds, without labelling.

    Parameters
    ----------
    tree : Tree.
    thresholds : sequence of float, ascending, none below ``tree.floor``.

    Yields
    ------
    main : int array, the strongest peak of each run of peaks (ascending; the run ends before the next one).
    n_voxels : int array, the run's voxels at or above the threshold; 0 where the peak itself lies below it.
    """
    below = 0
    counts = np.bincount(tree.basin, minlength=len(tree.birth))
    for threshold, first in zip(thresholds, np.searchsorted(tree.values, thresholds), strict=True):
        counts -= np.bincount(tree.basin[below:first], minlength=len(counts))
        below = first
        main = np.flatnonzero(tree.death < threshold)
        yield main, np.add.reduceat(counts, main) if len(main) else main


def persistence(trees, affine, cutoffs):
    """One row per peak: from which threshold down it exists, and where it joins a stronger one.

    Parameters
    ----------
    trees : dict of sign to Tree, as ``{"positive": component_tree(x, 6, floor), "negative": component_tree(-x, …)}``.
    affine : (4, 4) array, voxel indices to mm.
    cutoffs : dict of a threshold as it is written to the `thresholds.Cutoff` at which the volumes are wanted, none
        below a tree's floor.

    Returns
    -------
    DataFrame, longest persistence first, then highest birth, then voxel index
        ``peak`` 1..n over all signs; ``sign``; ``birth``, the peak's value, and ``death``, the threshold at which it
        joins a stronger peak, or the floor (both are magnitudes: thresholds on -x for a negative peak);
        ``persistence``, birth - death; ``parent``, the peak that it joins, 0 for none; ``ties``, voxels of its plateau;
        ``x, y, z`` mm and ``i, j, k`` voxel: of a plateau the voxel nearest to its centre, then the lowest index;
        and for each cutoff ``volume_mm3@<threshold>``, the volume of its component there: 0 where the cutoff is above
        its birth, empty where it has joined its parent and is counted there.
        Of two peaks of one value that join, the one with the lowest voxel index lives on.
    """
    thresholds = np.array([cutoff.at_least for cutoff in cutoffs.values()])
    ascending = np.argsort(thresholds, kind="stable")
    tables, n_peaks = [], 0
    for sign, tree in trees.items():
        volumes = np.full((len(tree.birth), len(thresholds)), np.nan)
        for column, (main, n_voxels) in zip(ascending, component_sizes(tree, thresholds[ascending]), strict=True):
            volumes[main, column] = n_voxels * voxel_volume(affine)
        real = tree.birth > tree.death
        number = np.append(np.cumsum(real) + n_peaks, 0)  # the peak -1 is number 0
        n_peaks += np.count_nonzero(real)
        top = _plateau_peaks(tree, affine)
        columns = {
            "sign": sign,
            "birth": tree.birth[real],
            "death": np.maximum(tree.death[real], tree.floor),
            "parent": number[tree.parent[real]],
            "ties": top.ties,
            **dict(zip("xyz", to_mm(affine, top.ijk).T, strict=True)),
            **dict(zip("ijk", top.ijk.T, strict=True)),
            **{f"volume_mm3@{written}": volumes[real, n] for n, written in enumerate(cutoffs)},
        }
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables, ignore_index=True)
    table.insert(3, "persistence", table["birth"] - table["death"])
    order = np.lexsort([table["k"], table["j"], table["i"], -table["birth"], -table["persistence"]])
    table = table.iloc[order].reset_index(drop=True)
    number = np.zeros(n_peaks + 1, dtype=np.int64)
    number[order + 1] = np.arange(1, n_peaks + 1)
    table["parent"] = number[table["parent"]]
    table.insert(0, "peak", np.arange(1, n_peaks + 1))
    return table


def _plateau_peaks(tree, affine):
    """The voxel that stands for each peak of the tree that is one (``birth > death``), and its tied voxels."""
    # The other entries of a plateau come right after its peak in the line, so they take its number. Entries on a
    # shoulder, which also die at birth, come after a higher peak: `main_peaks` passes over their voxels.
    number = np.cumsum(tree.birth > tree.death)
    tied = np.flatnonzero(tree.values == tree.birth[tree.basin])
    tied = tied[np.argsort(tree.voxels[tied])]  # C order, as main_peaks takes them
    ijk = np.stack(np.unravel_index(tree.voxels[tied], tree.shape), axis=1)
    return main_peaks(tree.values[tied], number[tree.basin[tied]], ijk, affine, int(number.max(initial=0)))


def robustness(data, affine, regions, cutoff, *, connectivity, signs, sided, min_region_size, size_rule):
    """The exact interval of cutoffs over which each region of a variant stays the same finding.

    Within the interval the region's main peak is above the cutoff, its connected component holds no stronger peak, and
    the component passes the size filter. The size shrinks as the threshold rises, so this is one interval: from the
    threshold at which the component joins a stronger peak up to the last one at which it is large enough.

    Parameters
    ----------
    data : (i, j, k) float array, finite: the map, not the thresholded map.
    affine : (4, 4) array.
    regions : DataFrame with ``sign`` and ``peak_i``, ``peak_j``, ``peak_k``, the regions that a variant kept.
    cutoff : thresholds.Cutoff, the variant's.
    connectivity, signs, sided, min_region_size (mm^3), size_rule : as in the variant.

    Returns
    -------
    DataFrame, indexed as `regions`
        ``robust_low``, ``robust_high`` : values of voxels, as magnitudes (``robust_low`` is 0 where no stronger peak
        is ever joined). With cutoffs that keep values at or above them the interval is open below and closed above,
        ``low < c <= high``; with cutoffs that keep values strictly above, ``low <= c < high``.
        ``margin`` : distance from the cutoff to the nearer end.

    Notes
    -----
    In ``local_regions`` several regions may share a component, and the interval is that of the component, from the
    component's main peak. Peaks of equal value are not stronger than one another.
    """

    def large(n_voxels):
        return (n_voxels > 0) & large_enough(n_voxels, affine, min_region_size, size_rule)

    result = pd.DataFrame(np.nan, index=regions.index, columns=["robust_low", "robust_high", "margin"])
    maps = signed_maps(data, signs, sided)
    for sign, signed in maps.items():
        chosen = (regions["sign"] == sign).to_numpy() if len(maps) > 1 else np.ones(len(regions), dtype=bool)
        if chosen.any():
            ijk = regions.loc[chosen, ["peak_i", "peak_j", "peak_k"]].to_numpy().T
            peaks = np.ravel_multi_index(tuple(ijk), data.shape)
            low, high = _intervals(component_tree(signed, connectivity), peaks, cutoff.at_least, large)
            result.loc[chosen, "robust_low"], result.loc[chosen, "robust_high"] = low, high
    result["margin"] = np.minimum(cutoff.value - result["robust_low"], result["robust_high"] - cutoff.value)
    return result


def _intervals(tree, peaks, threshold, large):
    """Ends of the intervals of the components that hold `peaks` (flat indices) at a threshold, see `robustness`."""
    first = np.searchsorted(tree.values, threshold)
    levels, level = np.unique(tree.values[first:], return_inverse=True)
    voxels, basin = tree.voxels[first:], tree.basin[first:]
    starts = tree.death < threshold
    component = np.cumsum(starts) - 1  # of each peak of the tree

    in_order = np.argsort(voxels)
    own = basin[in_order[np.searchsorted(voxels, peaks, sorter=in_order)]]
    of_region = component[own]
    # Of each component the strongest peak; where it has equal ones, the peak of the first region listed.
    main = np.flatnonzero(starts)
    equal = np.flatnonzero(tree.birth[own] == tree.birth[main[of_region]])[::-1]
    main[of_region[equal]] = own[equal]

    low = main[of_region]
    while (equal := (tree.parent[low] >= 0) & (tree.birth[tree.parent[low]] == tree.birth[low])).any():
        low[equal] = tree.parent[low[equal]]

    # Bisect all components at once for the highest level at which what is left around the main peak is large enough.
    enough, too_high = np.zeros(len(main), dtype=np.int64), np.full(len(main), len(levels))
    while (too_high - enough > 1).any():
        middle = (enough + too_high) // 2
        piece = np.cumsum(tree.death < levels[middle][component]) - 1
        alive = level >= middle[component][basin]
        sizes = np.bincount(piece[basin[alive]], minlength=len(tree.birth))
        passed = large(sizes[piece[main]])
        enough, too_high = np.where(passed, middle, enough), np.where(passed, too_high, middle)
    return np.maximum(tree.death[low], 0.0), levels[enough[of_region]]
