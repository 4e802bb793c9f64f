"""Every finding of a sweep over all of its specifications.

A specification is one point of the grid: a connectivity, a way to treat signs, a threshold and a smallest size. A
finding is a peak that is the main peak of a region in at least one of them. Over specifications peaks are matched by
their place in the component trees: a peak is named by the first voxel, in C order, of its plateau. A plateau that is a
peak with 26 neighbours, or on |x|, holds one that is a peak with 6, or of one sign, and the two begin with the same
voxel when they stand for each other; so this name means the same peak in every tree of the map.

It is the table behind a specification curve (Simonsohn, Simmons and Nelson 2020, doi 10.1038/s41562-020-0912-z; Steegen
et al. 2016, doi 10.1177/1745691616658637). It describes how far findings depend on choices; it infers nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..grid import apply_affine, voxel_volume
from ..inference.thresholds import Cutoff
from ..regions.clusters import large_enough
from ..regions.peaks import labelled_voxels, main_peaks
from ..types import Connectivity, SizeRule
from .persistence import plateau_peaks
from .sweep import Settings
from .tree import Tree


class Occurrences(NamedTuple):
    """The main peaks of the regions of many specifications, an entry per region and specification.

    Attributes
    ----------
    peak : (m,) int, flat index of the first voxel of the peak's plateau, its name.
    place : (m,) int, flat index of the most central voxel of the plateau.
    row : (m,) int, the specification: a row of the sweep's table, from 0.
    cutoff : (m,) float64, magnitude that made the region.
    n_voxels : (m,) int, size of the region.
    total : (m,) float64, sum of the map over the region.
    """

    peak: np.ndarray
    place: np.ndarray
    row: np.ndarray
    cutoff: np.ndarray
    n_voxels: np.ndarray
    total: np.ndarray


NO_OCCURRENCES = Occurrences(*(np.zeros(0, dtype) for dtype in (int, int, int, float, int, float)))


def join_occurrences(parts: Iterable[Occurrences]) -> Occurrences:
    """Occurrences of several grids as one."""
    return Occurrences(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def findings(
    data: np.ndarray, affine: np.ndarray, occurrences: Occurrences, n_specifications: int
) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """The findings of a sweep, and the specifications in which each is found.

    Parameters
    ----------
    data : (i, j, k) float array, finite: the map.
    affine : (4, 4) array, voxel indices to mm.
    occurrences : see `main_peaks_of_sweep`.
    n_specifications : of the whole sweep.

    Returns
    -------
    table : dict of column name to (n,) array, the finding of most specifications first, then the highest
        ``finding`` 1..n; ``sign``; ``n_found``, number of specifications with a region whose main peak it is, and
        ``share`` of all; ``peak_value``, signed; ``x, y, z`` mm and ``i, j, k`` voxel (of a plateau the voxel nearest
        to its centre, in the first specification that finds it); ``lowest_cutoff, highest_cutoff`` of those that find
        it, magnitudes; ``smallest_mm3, median_mm3, largest_mm3``, the size of its region over them;
        ``lowest_mean, median_mean, highest_mean``, the mean value of its region over them.
    found_in : by finding the specifications that find it, ascending: int, rows of the sweep's table from 0.
    """
    ascending = np.argsort(occurrences.row, kind="stable")
    peak, place, row, cutoff, n_voxels, total = (field[ascending] for field in occurrences)
    name, first, member, n_found = np.unique(peak, return_index=True, return_inverse=True, return_counts=True)
    peak_value = data.ravel()[name].astype(np.float64)
    order = np.lexsort((name, -np.abs(peak_value), -n_found))
    member = np.argsort(order)[member]
    peak_value, n_found = peak_value[order], n_found[order]
    ijk = np.column_stack(np.unravel_index(place[first[order]], data.shape))
    lowest_cutoff, _, highest_cutoff = _lowest_median_highest(cutoff, member)
    smallest, middle, largest = _lowest_median_highest(n_voxels * voxel_volume(affine), member)
    lowest_mean, median_mean, highest_mean = _lowest_median_highest(total / n_voxels, member)
    table = {
        "finding": np.arange(1, len(name) + 1),
        "sign": np.where(peak_value > 0, "positive", "negative"),
        "n_found": n_found,
        "share": n_found / n_specifications,
        "peak_value": peak_value,
        **dict(zip("xyz", apply_affine(affine, ijk).T, strict=True)),
        **dict(zip("ijk", ijk.T, strict=True)),
        "lowest_cutoff": lowest_cutoff,
        "highest_cutoff": highest_cutoff,
        "smallest_mm3": smallest,
        "median_mm3": middle,
        "largest_mm3": largest,
        "lowest_mean": lowest_mean,
        "median_mean": median_mean,
        "highest_mean": highest_mean,
    }
    rows_by_finding = row[np.argsort(member, kind="stable")]
    return table, np.split(rows_by_finding, np.cumsum(n_found)[:-1]) if len(name) else []


def main_peaks_of_sweep(
    data: np.ndarray,
    settings: Settings,
    affine: np.ndarray,
    cutoffs: Mapping[str, Cutoff],
    sizes: Sequence[float],
    size_rule: SizeRule,
) -> Occurrences:
    """The main peak of every region of every specification of `sweep.sweep_grid`, whose arguments these are."""
    smallest = np.asarray(sizes, dtype=np.float64)
    thresholds = np.array([cutoff.at_least for cutoff in cutoffs.values()])
    values = np.array([cutoff.value for cutoff in cutoffs.values()])
    parts = [NO_OCCURRENCES]
    for setting, trees in enumerate(settings.values()):
        for tree in trees.values():
            peak, place = name_peaks(tree, affine)
            weights = data.ravel()[tree.voxels]
            for level, main, n_voxels, total in _components(tree, thresholds, weights):
                large = large_enough(n_voxels[:, None], affine, smallest, size_rule) & (n_voxels[:, None] > 0)
                component, size = np.nonzero(large)
                row = (setting * len(thresholds) + level) * len(smallest) + size
                peaks, cutoff = main[component], np.full(len(row), values[level])
                parts.append(Occurrences(peak[peaks], place[peaks], row, cutoff, n_voxels[component], total[component]))
    return join_occurrences(parts)


def main_peaks_of_regions(
    data: np.ndarray, affine: np.ndarray, labels: np.ndarray, connectivity: Connectivity, row: int, cutoff: float
) -> Occurrences:
    """The main peak of every region of one specification, however its regions were made.

    Parameters
    ----------
    data : (i, j, k) float array, finite: the map.
    affine : (4, 4) array.
    labels : (i, j, k) int array, 0 background, regions 1..n.
    connectivity : of the regions, see `peaks.main_peaks`.
    row : of the specification.
    cutoff : magnitude that made its regions.

    Notes
    -----
    A region is named as a component of a tree is: by the first voxel, in C order, of those that share its largest
    magnitude. Of a region that holds but a part of a plateau (``local_regions``) that is the first voxel of this part.
    """
    values, region, ijk = labelled_voxels(labels, data)
    n_regions = int(labels.max(initial=0))
    if not n_regions:
        return NO_OCCURRENCES
    flat = np.ravel_multi_index(ijk.T, labels.shape)
    order = np.lexsort((flat, -np.abs(values), region))
    first = order[np.searchsorted(region[order], np.arange(1, n_regions + 1))]
    peaks = main_peaks(values, region, ijk, affine, n_regions, connectivity)
    return Occurrences(
        flat[first],
        np.ravel_multi_index(peaks.ijk.T, labels.shape),
        np.full(n_regions, row),
        np.full(n_regions, cutoff),
        np.bincount(region - 1),
        np.bincount(region - 1, weights=values.astype(np.float64)),
    )


def name_peaks(tree: Tree, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each peak of a tree the first voxel of its plateau, and the most central one, as flat indices."""
    first = np.empty(len(tree.birth), dtype=np.int64)
    first[tree.basin] = tree.voxels  # by ascending rank: the last one written is the peak
    central = first.copy()
    central[tree.birth > tree.death] = np.ravel_multi_index(plateau_peaks(tree, affine).ijk.T, tree.shape)
    return first, central


def _components(tree, thresholds, values):
    """Yield the index of each threshold, the main peaks of its components, their voxels, and the sum of `values`."""
    counts, sums = np.zeros(len(tree.birth), dtype=np.int64), np.zeros(len(tree.birth))
    above = len(tree.values)
    for level in np.argsort(-thresholds, kind="stable"):
        first = np.searchsorted(tree.values, thresholds[level])
        counts += np.bincount(tree.basin[first:above], minlength=len(counts))
        sums += np.bincount(tree.basin[first:above], weights=values[first:above], minlength=len(sums))
        above = first
        main = np.flatnonzero(tree.death < thresholds[level])
        if len(main):
            yield level, main, np.add.reduceat(counts, main), np.add.reduceat(sums, main)


def _lowest_median_highest(values, group):
    """Lowest, median and highest of the values of each group 0..n-1, each at least once: three (n,) arrays."""
    values = values[np.lexsort((values, group))]
    n = np.bincount(group)
    start = np.cumsum(n) - n
    median = (values[start + (n - 1) // 2] + values[start + n // 2]) / 2
    return values[start], median, values[start + n - 1]


def write_ranges(rows: Iterable[int]) -> str:
    """Ascending row numbers as text: 3, 4, 5, 9 is ``3-5 9``."""
    runs: list[list[int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return " ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def read_ranges(text: str) -> list[int]:
    """Row numbers back from the text of `write_ranges`."""
    ends = [[int(end) for end in run.split("-")] for run in text.split()]
    return [row for run in ends for row in range(run[0], run[-1] + 1)]
