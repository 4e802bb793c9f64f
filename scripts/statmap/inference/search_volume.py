"""The volume that was searched and the noise in it: voxels, widths, resel counts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..grid import voxel_volume
from ..io.log import log
from ..io.stat_map import StatMap
from ..rules import Smoothness


@dataclass(frozen=True, eq=False)
class SearchVolume:
    """The volume that was searched, and the noise in it.

    Attributes
    ----------
    n_voxels : int, voxels that were tested (column `search_voxels` of the sheet, or those of the family).
    n_dims : dimensions of the volume, 0 to 3: the highest in which it has resels.
    fwhm : (3,) float64, width of the noise in voxels, 1 along an axis of one voxel.
    resels : (4,) float64, `resel_counts`.
    dlh : float, voxels^-3.
    source : where the smoothness came from: ``sheet``, ``map`` or ``residuals``.
    """

    n_voxels: int
    n_dims: int
    fwhm: np.ndarray
    resels: np.ndarray
    dlh: float
    source: str = "sheet"

    def entries(self) -> dict[str, Any]:
        """The search volume as entries of a sidecar."""
        return {
            "SmoothnessSource": self.source,
            "FWHMVoxels": self.fwhm.tolist(),
            "DLH": self.dlh,
            "Resels": self.resels.tolist(),
            "SearchVoxels": self.n_voxels,
            "SearchDimensions": self.n_dims,
        }

    @classmethod
    def from_entries(cls, entries: dict[str, Any]) -> "SearchVolume | None":
        """The search volume back from the entries of a sidecar; None where there is none."""
        if "FWHMVoxels" not in entries:
            return None
        fwhm, resels = np.array(entries["FWHMVoxels"]), np.array(entries["Resels"])
        numbers = entries["SearchVoxels"], entries["SearchDimensions"]
        return cls(*numbers, fwhm, resels, entries["DLH"], entries["SmoothnessSource"])


def search_volumes(
    stat_map: StatMap, smoothness: Smoothness, name: str | None = None
) -> Callable[[np.ndarray], SearchVolume | None]:
    """Function from a family of tests, (i, j, k) bool, to what was searched; to None where nothing says how smooth.

    Parameters
    ----------
    stat_map : the map.
    smoothness : of its row of the sample sheet.
    name : what the map is called in an error.

    Raises
    ------
    UserError : see `smoothness.sheet_smoothness` and `images.read_residuals`.
    """
    if not smoothness.is_known:
        return lambda family: None
    # Here, not above: scipy.special takes as long to import as all the rest takes to run.
    from .smoothness import sheet_smoothness

    fwhm_mm, dlh, source = sheet_smoothness(stat_map, smoothness, name or str(stat_map))
    log.info("%s: smoothness from the %s: FWHM %s mm, dlh %s", name or stat_map, source, fwhm_mm, dlh)
    return lambda family: search_of(family, stat_map.affine, fwhm_mm, dlh, smoothness.search_voxels, source)


def search_of(
    family: np.ndarray,
    affine: np.ndarray,
    fwhm_mm: list[float] | float | None,
    dlh: float | None,
    search_voxels: int | None = None,
    source: str = "sheet",
) -> SearchVolume | None:
    """The search volume of a map, or None where nothing is known of its smoothness.

    Parameters
    ----------
    family : (i, j, k) bool, the voxels that were tested (`families.family_of`).
    affine : (4, 4) array.
    fwhm_mm, dlh : smoothness, mm and voxels^-3; widths come from `fwhm_mm`, FSL's cluster sizes from `dlh`, each
        from the other where it is not given.
    search_voxels : their number, where the sheet says it.
    source : where the smoothness came from.
    """
    if not family.any():
        return None
    extended = [np.ptp(along) > 0 for along in np.nonzero(family)]
    fwhm = noise_width(fwhm_mm, dlh, affine, int(np.count_nonzero(extended)))
    if fwhm is None:
        return None
    dlh = dlh or dlh_of(fwhm_mm, _box_volume(affine))
    fwhm = np.where(extended, fwhm, 1.0)
    n_voxels = search_voxels or int(np.count_nonzero(family))
    resels = resel_counts(family, fwhm)
    # As SPM counts them: slices that nowhere touch another have no volume.
    n_dims = int(np.flatnonzero(resels > 0).max(initial=0))
    return SearchVolume(n_voxels, n_dims, fwhm, resels, dlh, source)


def _box_volume(affine):
    """Product of a voxel's sides in mm^3: of a sheared grid the widths of the noise are along them."""
    sides, volume = float(np.prod(np.linalg.norm(affine[:3, :3], axis=0))), voxel_volume(affine)
    return volume if abs(sides - volume) <= 1e-6 * volume else sides


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
    n_edges, n_faces = (np.array([np.count_nonzero(mask) for mask in masks]) for masks in (edges, faces))
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


def dlh_of(fwhm_mm: list[float] | float | None, voxel_mm3: float) -> float:
    """FSL's smoothness from the width of the noise: (4 ln 2)^(3/2) / (FWHM_x FWHM_y FWHM_z), widths in voxels.

    dLh is the square root of the determinant of the covariance of the noise's gradient (Worsley et al. 1996, Hum Brain
    Mapp 4:58), in voxels^-3. FSL's `smoothest` also corrects it for the degrees of freedom of the residuals
    (`smoothness.fsl_correction`: +0.5% with 100, +2.9% with 20): where FSL gave DLH, use that.

    Parameters
    ----------
    fwhm_mm : float or three floats, full width at half maximum of the noise in mm, along the voxel axes.
    voxel_mm3 : float, volume of one.

    Returns
    -------
    float, voxels^-3.
    """
    widths = np.broadcast_to(np.asarray(fwhm_mm, dtype=np.float64), 3)
    return float((4 * np.log(2)) ** 1.5 * voxel_mm3 / np.prod(widths))
