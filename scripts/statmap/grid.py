"""The grid of voxels that a map lies on: volumes, places in mm, boxes, neighbours."""

import math
from itertools import product

import numpy as np

from .types import Connectivity


def voxel_volume(affine: np.ndarray) -> float:
    """Volume of one voxel in mm^3, ``|det(affine[:3, :3])|``."""
    return float(abs(np.linalg.det(np.asarray(affine, dtype=np.float64)[:3, :3])))


def voxel_sizes(affine: np.ndarray) -> np.ndarray:
    """Lengths of a voxel's sides along the axes of the array, (3,) mm."""
    return np.sqrt(np.sum(affine[:3, :3] ** 2, axis=0))


def apply_affine(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Places in mm of voxel indices, (..., 3), fractions among them: as nibabel's function of this name."""
    points = np.asarray(points)
    return (points.reshape(-1, 3) @ affine[:3, :3].T + affine[:3, 3]).reshape(points.shape)


def decimals_of(affine: np.ndarray) -> dict[str, int]:
    """Decimals that places in mm and volumes in mm^3 need on a grid: ``{"mm": 2, "volume": 1}`` on one of millimetres.

    Places are told apart to a hundredth of a voxel's shortest side; of a voxel's volume four digits count.
    """
    side, volume = float(np.linalg.norm(affine[:3, :3], axis=0).min()), voxel_volume(affine)
    of_volume = max(1, 4 - 1 - math.floor(math.log10(volume)))
    exact = f"{volume:.{of_volume}f}".partition(".")[2].rstrip("0")
    return {"mm": max(2, 2 - math.floor(math.log10(side))) if side < 1 else 2, "volume": max(1, len(exact))}


def same_grid(
    shape: tuple[int, ...], affine: np.ndarray, other_shape: tuple[int, ...], other_affine: np.ndarray
) -> bool:
    """Whether two images have the same voxels in the same places (to 1e-3 mm, since affines are stored as float32)."""
    return tuple(shape) == tuple(other_shape) and np.allclose(affine, other_affine, rtol=0, atol=1e-3)


def index_box(inside: np.ndarray) -> np.ndarray | None:
    """The smallest box around the set voxels of an (i, j, k) bool array.

    Returns
    -------
    (2, 3) int, first indices and those after the last, by axis; None where no voxel is set.
    """
    lines = [np.flatnonzero(inside.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    if not lines[0].size:
        return None
    return np.array([[line[0] for line in lines], [line[-1] + 1 for line in lines]])


def extent_of(inside: np.ndarray, affine: np.ndarray) -> np.ndarray | None:
    """World box around the set voxels of an (i, j, k) bool array, (2, 3) mm, to their faces; None for none."""
    box = index_box(inside)
    if box is None:
        return None
    corners = np.array(np.meshgrid(*(box - 0.5).T)).reshape(3, -1).T
    mm = apply_affine(affine, corners)
    return np.stack([mm.min(axis=0), mm.max(axis=0)])


def overlap_by_half(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    """Whether two boxes, (2, 3) mm, share at least half of the smaller; true where one is missing."""
    if first is None or second is None:
        return True
    shared = np.clip(np.minimum(first[1], second[1]) - np.maximum(first[0], second[0]), 0, None).prod()
    return bool(shared >= 0.5 * min(np.ptp(first, axis=0).prod(), np.ptp(second, axis=0).prod()))


def forward_steps(shape: tuple[int, int, int], connectivity: Connectivity) -> list[int]:
    """Flat index steps to half of a voxel's neighbours; the other half are their negatives.

    Parameters
    ----------
    shape : (3,) of the array, with a voxel of background all around: a step then never wraps into another line.
    connectivity : 6 (faces), 18 (edges too) or 26 (corners too).

    Returns
    -------
    list of int, ``connectivity / 2`` of them.
    """
    nonzero = {6: 1, 18: 2, 26: 3}[connectivity]
    steps = (s for s in product((-1, 0, 1), repeat=3) if s > (0, 0, 0) and np.count_nonzero(s) <= nonzero)
    return [(a * shape[1] + b) * shape[2] + c for a, b, c in steps]
