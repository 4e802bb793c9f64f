"""Peaks of regions: the main peak of each, and its local maxima at a minimum distance.

One rule of ties, here and in the component tree (`stability.tree`): equal voxels that touch are one plateau; of equal
plateaus the one whose first voxel comes first in C order ranks higher; a plateau's place is its voxel nearest, in mm,
to the mean of its positions, of equally near ones (to 1e-6 mm) the first.

Everything works on the labelled voxels alone, as 1D arrays with one entry per voxel (`labelled_voxels`), so the cost
does not grow with the number of regions times the size of the volume.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from ..grid import apply_affine
from ..types import Connectivity, PeakDistanceRule

# Distances that differ by less count as equal, so that rounding decides neither a tie nor "at least min_peak_distance".
TOLERANCE_MM = 1e-6


class MainPeaks(NamedTuple):
    """The main peak of each region, in order of region id.

    Attributes
    ----------
    value : (n,) array of the data's dtype, signed.
    ties : (n,) int, voxels of the region that share the peak's magnitude, itself among them.
    ijk : (n, 3) int, voxel indices.
    """

    value: np.ndarray
    ties: np.ndarray
    ijk: np.ndarray


class LocalMaxima(NamedTuple):
    """Peaks of all regions: by region id, then in the order they were taken.

    Attributes
    ----------
    region : (p,) int, region id.
    peak : (p,) int, 1 for the region's main peak, then 2, 3, ...
    value : (p,) array of the data's dtype, signed.
    ijk : (p, 3) int, voxel indices.
    mm : (p, 3) float64, world coordinates in mm.
    distance_mm : (p,) float64, to the region's main peak.
    """

    region: np.ndarray
    peak: np.ndarray
    value: np.ndarray
    ijk: np.ndarray
    mm: np.ndarray
    distance_mm: np.ndarray


def labelled_voxels(labels: np.ndarray, data: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The voxels of all regions, in C order.

    Parameters
    ----------
    labels : (i, j, k) int array, 0 = background, regions 1..n.
    data : (i, j, k) float array, finite.

    Returns
    -------
    values : (m,) array of the dtype of `data`.
    region : (m,) array of the dtype of `labels`.
    ijk : (m, 3) int array of voxel indices.
    """
    flat = np.flatnonzero(labels != 0)  # of a bool array: seven times as fast
    ijk = np.column_stack(np.unravel_index(flat, labels.shape))
    return data.ravel()[flat], labels.ravel()[flat], ijk


def most_central(group: np.ndarray, ijk: np.ndarray, affine: np.ndarray, n_groups: int) -> np.ndarray:
    """Of each group of voxels, the row nearest to the centre of the group, the first of equally near ones.

    The centre is the mean position in mm: in voxel indices, anisotropic voxels would distort the distances.

    Parameters
    ----------
    group : (t,) int, 0..n_groups - 1, each at least once.
    ijk : (t, 3) int.
    affine : (4, 4) array.

    Returns
    -------
    (n_groups,) int, rows of `ijk`.
    """
    mm = apply_affine(affine, ijk)
    size = np.bincount(group, minlength=n_groups)
    centre = np.column_stack([np.bincount(group, mm[:, axis], n_groups) / size for axis in range(3)])
    distance = np.linalg.norm(mm - centre[group], axis=1)
    nearest = np.full(n_groups, np.inf)
    np.minimum.at(nearest, group, distance)
    near = np.flatnonzero(distance <= nearest[group] + TOLERANCE_MM)
    return near[np.unique(group[near], return_index=True)[1]]


def main_peaks(
    values: np.ndarray,
    region: np.ndarray,
    ijk: np.ndarray,
    affine: np.ndarray,
    n_regions: int,
    connectivity: Connectivity,
) -> MainPeaks:
    """The voxel of largest magnitude in each region.

    Where several voxels of a region share that magnitude (in a region of merged signs of either sign), the peak is on
    the plateau that holds the first of them, at its most central voxel (see the rule of ties above). Flipping or
    permuting the axes of the image moves it only where a region has several plateaus of one height, or a plateau two
    voxels equally near to its centre.

    Parameters
    ----------
    values, region, ijk : the labelled voxels in C order, as `labelled_voxels` gives them.
    affine : (4, 4) array, voxel indices to mm.
    n_regions : the ids 1..n_regions are all there.
    connectivity : 6, 18 or 26, of the regions: equal voxels that touch so are one plateau.
    """
    magnitude = np.abs(values)
    highest = np.zeros(n_regions + 1, magnitude.dtype)
    np.maximum.at(highest, region, magnitude)
    tied = np.flatnonzero(magnitude == highest[region])
    ties = np.bincount(region[tied] - 1, minlength=n_regions)
    plateau = tied[_touches_the_first(region[tied], ijk[tied], connectivity)] if len(tied) > n_regions else tied
    peak = plateau[most_central(region[plateau] - 1, ijk[plateau], affine, n_regions)]
    return MainPeaks(values[peak], ties, ijk[peak])


def _touches_the_first(group, ijk, connectivity):
    """Which voxels are connected, within their group, with the first one of it: (t,) bool; t voxels in C order."""
    row_at, position, offsets = _neighbourhood(ijk, connectivity)
    pairs = []
    for offset in offsets[offsets > 0]:  # each pair once
        beside = row_at[position + offset]
        touching = np.flatnonzero((beside >= 0) & (group[beside] == group))
        pairs.append((touching, beside[touching]))
    component = _connected(len(group), *(np.concatenate(ends) for ends in zip(*pairs, strict=True)))
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    return component == component[first][member]


def _connected(n, first, second):
    """Number the connected components of a graph with `n` nodes and edges `first[e]`-`second[e]`: (n,) int from 0."""
    root = np.arange(n)
    while True:
        # Hook the root of each end to the lower of the two, then let every node point past its root, until all agree.
        lower = np.minimum(root[first], root[second])
        hooked = root.copy()
        np.minimum.at(hooked, root[first], lower)
        np.minimum.at(hooked, root[second], lower)
        hooked = hooked[hooked]
        if np.array_equal(hooked, root):
            return np.unique(root, return_inverse=True)[1]
        root = hooked


def _plateaus(magnitude, region, ijk, neighbours):
    """Regional maxima: connected sets of equal voxels of one region without a higher voxel of it beside them.

    Two voxels are beside each other when one is among the 6, 18 or 26 `neighbours` of the other.

    Returns
    -------
    rows : (c,) int, the voxels on a maximum, in rising order.
    plateau : (c,) int, which maximum each belongs to, from 0.
    """
    row_at, position, offsets = _neighbourhood(ijk, neighbours)
    # Background is row -1: the entry added at the end, of no region.
    magnitude, region = np.append(magnitude, 0), np.append(region, 0)
    rows = np.arange(len(position))
    for offset in offsets:  # few voxels are left after the first neighbours: 26 cost little more than three
        beside = row_at[position[rows] + offset]
        rows = rows[(region[beside] != region[rows]) | (magnitude[beside] <= magnitude[rows])]

    # A voxel with no higher neighbour may lie on a plateau that has one elsewhere: then an equal voxel beside it was
    # dropped above, and its whole plateau goes with it.
    candidate = np.full(len(region), -1, np.int32)
    candidate[rows] = np.arange(len(rows))
    on_slope, pairs = np.zeros(len(rows), bool), []
    for offset in offsets:
        beside = row_at[position[rows] + offset]
        level = (region[beside] == region[rows]) & (magnitude[beside] == magnitude[rows])
        other = candidate[beside]
        on_slope |= level & (other < 0)
        if offset > 0:  # each pair once
            level &= other >= 0
            pairs.append((candidate[rows[level]], other[level]))
    plateau = _connected(len(rows), *(np.concatenate(ends) for ends in zip(*pairs, strict=True)))
    summit = ~np.isin(plateau, plateau[on_slope])
    return rows[summit], np.unique(plateau[summit], return_inverse=True)[1]


def _neighbourhood(ijk, neighbours):
    """Where each voxel's neighbours stand.

    Returns
    -------
    row_at : flat volume around the voxels, a voxel of background on every side: the row of `ijk`, -1 for background.
    position : (m,) int, where each voxel is in it.
    offsets : (neighbours,) int, steps to the neighbours in it, those that share a face first.
    """
    corner = ijk.min(axis=0) - 1
    shape = ijk.max(axis=0) - corner + 2
    position = np.ravel_multi_index((ijk - corner).T, shape)
    row_at = np.full(np.prod(shape), -1, np.int32)
    row_at[position] = np.arange(len(position))
    steps = sorted(product((-1, 0, 1), repeat=3), key=lambda step: np.abs(step).sum())[1 : neighbours + 1]
    return row_at, position, np.array(steps) @ [shape[1] * shape[2], shape[2], 1]


def local_maxima(
    values: np.ndarray,
    region: np.ndarray,
    ijk: np.ndarray,
    affine: np.ndarray,
    n_regions: int,
    connectivity: Connectivity,
    min_peak_distance: float,
    max_peaks: int,
    distance_rule: PeakDistanceRule = ">=",
    neighbours: Connectivity = 26,
) -> LocalMaxima:
    """The main peak of each region and its further maxima, none closer to another than `min_peak_distance`.

    A local maximum is a voxel, or a plateau of equal touching voxels, whose neighbours within the region are all lower
    in magnitude. A plateau counts once, at its most central voxel (the plateau that holds the region's main peak:
    there). Peaks are taken greedily, the main peak, then by falling magnitude, of equal ones the plateau whose first
    voxel comes first; one is taken only if its distance to *every* peak already taken in the region is at
    least `min_peak_distance` (``>=``, to 1e-6 mm) or more than that (``>``, as SPM and nilearn ask for; but nilearn's
    get_clusters_table lets a later comparison take back an earlier refusal).

    Parameters
    ----------
    values, region, ijk, affine, n_regions, connectivity : as in `main_peaks`.
    min_peak_distance : mm; 0 keeps every maximum.
    max_peaks : most peaks per region, the main one among them; at least 1.
    distance_rule : ``>=`` or ``>``.
    neighbours : that a maximum is compared with, whatever the connectivity of the regions: 26, or 18 as SPM, which
        then has a peak beside a higher voxel that touches it at a corner.
    """
    if n_regions == 0:
        empty = np.zeros(0, np.int64)
        return LocalMaxima(empty, empty, values[:0], ijk[:0], np.zeros((0, 3)), np.zeros(0))
    main = main_peaks(values, region, ijk, affine, n_regions, connectivity)
    candidates = _candidates(np.abs(values), region, ijk, affine, main.ijk, neighbours)
    mm = apply_affine(affine, ijk[candidates])
    least = min_peak_distance + (TOLERANCE_MM if distance_rule == ">" else -TOLERANCE_MM)
    peak, number = _keep_apart(candidates, mm, region, least, max_peaks)
    mm = apply_affine(affine, ijk[peak])
    distance = np.linalg.norm(mm - mm[number == 1][region[peak] - 1], axis=1)
    return LocalMaxima(region[peak], number, values[peak], ijk[peak], mm, distance)


def _candidates(magnitude, region, ijk, affine, main_ijk, neighbours):
    """Rows of all local maxima, one per plateau, by region and within it in the order in which they are taken."""
    rows, plateau = _plateaus(magnitude, region, ijk, neighbours)
    n_plateaus = plateau.max() + 1
    candidates = rows[most_central(plateau, ijk[rows], affine, n_plateaus)]
    first = np.unique(plateau, return_index=True)[1]
    is_main = (ijk[rows] == main_ijk[region[rows] - 1]).all(axis=1)
    candidates[plateau[is_main]] = rows[is_main]
    holds_main = np.zeros(n_plateaus, bool)
    holds_main[plateau[is_main]] = True
    return candidates[np.lexsort((rows[first], -magnitude[candidates], ~holds_main, region[candidates]))]


def _keep_apart(candidates, mm, region, least, max_peaks):
    """Take maxima greedily, none nearer than `least` (mm) to one that was taken.

    Parameters
    ----------
    candidates : (c,) int, rows of the maxima as `_candidates` orders them; mm : (c, 3) float, where they are.

    Returns
    -------
    peak : (p,) int, rows that were taken, by region, then in the order they were taken.
    number : (p,) int, that order, 1 for the first of each region.
    """
    taken = []
    for _ in range(max_peaks):  # one round takes the best candidate of every region that has one left
        if candidates.size == 0:
            break
        best = np.flatnonzero(np.diff(region[candidates], prepend=0))
        taken.append(candidates[best])
        best_of = np.repeat(best, np.diff(best, append=len(candidates)))
        far = np.linalg.norm(mm - mm[best_of], axis=1) >= least
        far[best] = False
        candidates, mm = candidates[far], mm[far]
    number = np.repeat(np.arange(1, len(taken) + 1), [len(best) for best in taken])
    peak = np.concatenate(taken)
    order = np.lexsort((number, region[peak]))
    return peak[order], number[order]
