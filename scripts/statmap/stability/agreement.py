"""How far two variants of one map agree: overlap of their kept voxels, and region by region."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from ..grid import voxel_volume


def dice_jaccard(kept_masks: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Dice and Jaccard coefficients of the voxels that every two variants keep.

    Parameters
    ----------
    kept_masks : variant name to bool, True inside any region; voxels that are False in all may be left out.

    Returns
    -------
    list of dict, a row per unordered pair, in the order of the dict
        ``variant_a, variant_b, voxels_a, voxels_b, overlap_voxels``, ``dice`` = 2 |A and B| / (|A| + |B|),
        ``jaccard`` = |A and B| / |A or B|; both NaN where neither variant keeps anything.
    """
    packed = {name: np.packbits(mask) for name, mask in kept_masks.items()}
    voxels = {name: count_packed(bits) for name, bits in packed.items()}
    rows = []
    for first, second in combinations(packed, 2):
        overlap = count_packed(packed[first] & packed[second])
        rows.append({"variant_a": first, "variant_b": second, **coefficients(voxels[first], voxels[second], overlap)})
    return rows


def coefficients(voxels_a: int, voxels_b: int, overlap: int) -> dict[str, Any]:
    """The numbers of a pair of masks from their sizes and that of their overlap, see `dice_jaccard`."""
    both = voxels_a + voxels_b
    return {
        "voxels_a": voxels_a,
        "voxels_b": voxels_b,
        "overlap_voxels": overlap,
        "dice": 2 * overlap / both if both else np.nan,
        "jaccard": overlap / (both - overlap) if both else np.nan,
    }


def count_packed(bits: np.ndarray) -> int:
    """Number of set bits of a mask that `numpy.packbits` packed."""
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def match_regions(labels_a: np.ndarray, labels_b: np.ndarray, affine: np.ndarray) -> dict[str, np.ndarray]:
    """Match the regions of two label images of one map by overlap.

    Parameters
    ----------
    labels_a, labels_b : int arrays of one shape, 0 outside, regions 1..n; voxels that are 0 in both may be left out.
    affine : (4, 4) array.

    Returns
    -------
    dict of column name to (rows,) array, a row per pair of regions that overlap, by region_a and region_b
        ``region_a, region_b``; ``overlap_voxels, overlap_mm3``; ``dice`` of the two regions; ``share_a, share_b``, the
        part of each region that lies in the other; ``best_a``, True where region_b is the best partner of region_a
        (largest Dice, then lowest number); ``best_b``, the other way round.
        A region that overlaps none has a row too, with 0 for its partner, the overlap, dice and both shares; those of
        the second image come last.
    """
    either = (labels_a > 0) | (labels_b > 0)
    a, b = labels_a[either].astype(np.int64), labels_b[either].astype(np.int64)
    size_a, size_b = np.bincount(a, minlength=1), np.bincount(b, minlength=1)
    width = len(size_b)
    joint, overlap = np.unique(a * width + b, return_counts=True)
    region_a, region_b = joint // width, joint % width

    matched = (region_a > 0) & (region_b > 0)
    # Background against a region is a row only for a region that overlaps nothing.
    alone_a = (region_b == 0) & (overlap == size_a[region_a])
    alone_b = (region_a == 0) & (overlap == size_b[region_b])
    listed = matched | alone_a | alone_b
    region_a, region_b, matched = region_a[listed], region_b[listed], matched[listed]
    overlap = np.where(matched, overlap[listed], 0)

    dice = 2 * overlap / (size_a[region_a] + size_b[region_b])
    table = {
        "region_a": region_a,
        "region_b": region_b,
        "overlap_voxels": overlap,
        "overlap_mm3": overlap * voxel_volume(affine),
        "dice": dice,
        "share_a": overlap / np.maximum(size_a[region_a], 1),
        "share_b": overlap / np.maximum(size_b[region_b], 1),
        "best_a": matched & _is_best(region_a, dice, region_b),
        "best_b": matched & _is_best(region_b, dice, region_a),
    }
    by_region = np.lexsort([region_b, region_a, region_a == 0])
    return {name: values[by_region] for name, values in table.items()}


def _is_best(region, dice, partner):
    """True on the row of each region's largest Dice, of equal ones on that with the lowest partner."""
    order = np.lexsort([partner, -dice, region])
    best = np.zeros(len(region), dtype=bool)
    best[order[np.flatnonzero(np.diff(region[order], prepend=-1))]] = True
    return best
