"""How large a search volume is in units of the noise: its resel counts."""

import numpy as np


def fwhm_voxels(fwhm_mm: list[float] | float, affine: np.ndarray) -> np.ndarray:
    """Width of the noise in voxels along the voxel axes, (3,) float64.

    Parameters
    ----------
    fwhm_mm : full width at half maximum in mm, one number or one per voxel axis.
    affine : (4, 4) array, voxel indices to mm.
    """
    return np.broadcast_to(np.asarray(fwhm_mm, dtype=np.float64), 3) / np.linalg.norm(affine[:3, :3], axis=0)


def noise_width(
    fwhm_mm: list[float] | float | None, dlh: float | None, affine: np.ndarray, n_dims: int = 3
) -> np.ndarray | None:
    """`fwhm_voxels`; with `dlh` alone (voxels^-n_dims) the same width along all axes; None with neither."""
    if fwhm_mm:
        return fwhm_voxels(fwhm_mm, affine)
    return np.full(3, np.sqrt(4 * np.log(2)) * dlh ** (-1 / max(n_dims, 1))) if dlh else None


def lattice_counts(inside: np.ndarray) -> tuple[int, np.ndarray, np.ndarray, int]:
    """Points, edges, faces and cubes of the lattice whose points are the voxel centres of a mask.

    Parameters
    ----------
    inside : (i, j, k) bool.

    Returns
    -------
    points : int.
    edges : (3,) int, pairs of neighbours along each axis.
    faces : (3,) int, squares of four; entry a is those across axis a (in the plane of the two others).
    cubes : int, cubes of eight.
    """
    low, high = slice(None, -1), slice(1, None)

    def both(mask, axis):
        """Voxels of which the next along an axis is inside too."""
        where = [slice(None)] * 3
        first, second = where.copy(), where.copy()
        first[axis], second[axis] = low, high
        return mask[tuple(first)] & mask[tuple(second)]

    edges = [both(inside, axis) for axis in range(3)]
    faces = [both(edges[1], 2), both(edges[2], 0), both(edges[0], 1)]
    n_edges, n_faces = (np.array([np.count_nonzero(one) for one in ones]) for ones in (edges, faces))
    return int(np.count_nonzero(inside)), n_edges, n_faces, int(np.count_nonzero(both(faces[2], 2)))


def resel_counts(inside: np.ndarray, fwhm: np.ndarray) -> np.ndarray:
    """Resel counts of a mask of any shape (Worsley et al. 1996, Hum Brain Mapp 4:58; SPM's spm_resels_vol).

    Parameters
    ----------
    inside : (i, j, k) bool, the voxels that were tested.
    fwhm : (3,) float, full width at half maximum of the noise in voxels along the axes.

    Returns
    -------
    (4,) float64 : Euler characteristic, and length, area and volume in resels: diameter, half the surface and volume of
        a convex mask, whose lattice runs from centre to centre of its outer voxels.
    """
    points, edges, faces, cubes = lattice_counts(inside)
    width = np.asarray(fwhm, dtype=np.float64)
    across = np.array([faces[1] + faces[2], faces[2] + faces[0], faces[0] + faces[1]])  # faces that hold each axis
    return np.array(
        [
            points - edges.sum() + faces.sum() - cubes,
            ((edges - across + cubes) / width).sum(),
            ((faces - cubes) * width).sum() / width.prod(),
            cubes / width.prod(),
        ]
    )
