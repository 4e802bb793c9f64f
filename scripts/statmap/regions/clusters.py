"""Clusters: connected sets of suprathreshold voxels, the extent threshold, and the numbering of regions."""

from dataclasses import replace

import cc3d
import numpy as np

from ..grid import index_box, voxel_volume
from ..rules import RegionRule
from ..types import Connectivity, Signs, SizeRule
from .peaks import labelled_voxels, main_peaks

Box = tuple[slice, slice, slice]


def bounding_box(inside: np.ndarray) -> Box:
    """Slices of the smallest box around the set voxels of an (i, j, k) bool array; at least one is set."""
    box = index_box(inside)
    assert box is not None
    i, j, k = (slice(int(first), int(after)) for first, after in box.T)
    return i, j, k


def label_components(thresholded: np.ndarray, connectivity: Connectivity, signs: Signs) -> np.ndarray:
    """Label connected sets of suprathreshold voxels, both signs in one pass.

    Parameters
    ----------
    thresholded : (i, j, k) float array, 0 wherever a voxel did not pass the threshold.
    connectivity : 6 (faces), 18 (edges too) or 26 (corners too).
    signs : ``split`` (a positive and a negative voxel never share a component) or ``merged``.

    Returns
    -------
    (i, j, k) integer array, 0 for background, 1..n in the order of scanning.
    """
    if signs == "split":
        kinds = np.where(thresholded > 0, np.uint8(1), np.uint8(2))
        kinds[thresholded == 0] = 0
    else:
        kinds = (thresholded != 0).view(np.uint8)  # cc3d 4.1.1 fails on a bool line of three voxels
    return cc3d.connected_components(kinds, connectivity=connectivity, out_dtype=np.uint32)


def filter_and_sort(
    labels: np.ndarray,
    thresholded: np.ndarray,
    affine: np.ndarray,
    connectivity: Connectivity,
    min_region_size: float,
    size_rule: SizeRule,
) -> np.ndarray:
    """Drop regions that are too small and number the others: largest first, ties by peak position.

    Parameters
    ----------
    labels : (i, j, k) integer array, 0 for background; numbers need not be consecutive.
    thresholded : (i, j, k) float array.
    affine : (4, 4) array.
    connectivity : of the regions, see `peaks.main_peaks`.
    min_region_size : mm^3, compared with ``n_voxels * voxel volume``.
    size_rule : ``">"`` (nilearn) or ``">="``.

    Returns
    -------
    (i, j, k) int32
    """
    values, label, ijk = labelled_voxels(labels, thresholded)
    voxels = np.bincount(label)
    large = np.flatnonzero((voxels > 0) & large_enough(voxels, affine, min_region_size, size_rule))
    number = np.zeros(len(voxels), dtype=np.int32)
    number[large] = np.arange(1, len(large) + 1)
    region = number[label]
    inside = region > 0
    peaks = main_peaks(values[inside], region[inside], ijk[inside], affine, len(large), connectivity)
    position = np.ravel_multi_index(peaks.ijk.T, labels.shape)
    order = np.lexsort((position, -voxels[large]))
    number[large[order]] = np.arange(1, len(large) + 1)
    numbered = np.zeros(labels.shape, dtype=np.int32)
    numbered[labels != 0] = number[label]
    return numbered


def size_in_mm3(size: float | str, affine: np.ndarray) -> float:
    """A smallest region in mm^3, from mm^3 or from text, ``"10 voxels"``."""
    return int(size.split()[0]) * voxel_volume(affine) if isinstance(size, str) else float(size)


def with_extent(rule: RegionRule, critical: int | None, affine: np.ndarray) -> RegionRule:
    """The rule with one extent threshold in mm^3, from all that it asks for.

    Parameters
    ----------
    rule : its ``min_region_size`` is in mm^3, or text, ``"10 voxels"``.
    critical : fewest voxels of a cluster that is significant (`inference.region_statistics.critical_extent`), or None.
    affine : (4, 4) array.

    Returns
    -------
    RegionRule : with ``min_region_size`` in mm^3; ``critical`` voxels and ``size_rule: ">="`` where that is more.
    """
    smallest = size_in_mm3(rule.min_region_size, affine)
    if critical is None or not large_enough(np.array([critical - 1]), affine, smallest, rule.size_rule)[0]:
        return replace(rule, min_region_size=smallest)
    return replace(rule, min_region_size=critical * voxel_volume(affine), size_rule=">=")


def fewest_voxels(affine: np.ndarray, min_region_size: float, size_rule: SizeRule) -> int:
    """The smallest extent in voxels that passes an extent threshold in mm^3, see `large_enough`; 0 where all do."""
    around = int(min_region_size / voxel_volume(affine)) + np.arange(-1, 3)
    passing = around[(around >= 0) & large_enough(around, affine, min_region_size, size_rule)]
    return int(passing[0]) if min_region_size else 0


def large_enough(
    n_voxels: np.ndarray, affine: np.ndarray, min_region_size: float | np.ndarray, size_rule: SizeRule
) -> np.ndarray:
    """Which of these extents pass the extent threshold.

    Parameters
    ----------
    n_voxels : array of int of any shape, extents in voxels.
    affine : (4, 4) array.
    min_region_size : mm^3, a number, or an array that broadcasts with `n_voxels`.
    size_rule : ``">"`` or ``">="``.

    Returns
    -------
    bool array.

    Notes
    -----
    Compared in voxels. The determinant of an affine carries rounding (of float32, where that is how it is stored: one
    part in five million), so that 10 voxels of 2.5 mm could be more, or less, than 156.25 mm^3: a size that is a whole
    number of voxels, to one part in a million and a tenth of a voxel, is taken for that number. nilearn compares with
    the quotient.
    """
    smallest = np.asarray(min_region_size / voxel_volume(affine))
    whole = np.round(smallest)
    smallest = np.where(np.abs(smallest - whole) <= np.minimum(1e-6 * smallest, 0.1), whole, smallest)
    return n_voxels > smallest if size_rule == ">" else n_voxels >= smallest
