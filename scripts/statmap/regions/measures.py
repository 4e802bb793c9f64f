"""Tables of regions and of peaks, as they are measured on the map."""

import numpy as np

from ..grid import apply_affine, voxel_volume
from ..rules import PeakRule
from ..types import Connectivity
from .peaks import labelled_voxels, local_maxima, main_peaks


def measure_regions(
    data: np.ndarray, labels: np.ndarray, affine: np.ndarray, connectivity: Connectivity
) -> dict[str, np.ndarray]:
    """Size, peak, centre and values of every region.

    Parameters
    ----------
    data : (i, j, k) float array, finite: the map.
    labels : (i, j, k) int32, regions 1..n.
    affine : (4, 4) array.
    connectivity : of the regions, see `peaks.main_peaks`.

    Returns
    -------
    dict of column name to (n_regions,) array, regions in order: ``region`` to ``sd_value`` of regions.csv. The centre
    of mass is weighted by |value|; the standard deviation is that of the region's voxels themselves (divided by their
    number).

    Notes
    -----
    All sums are `numpy.bincount` over the labelled voxels: one pass, however many regions there are.
    """
    values, region, ijk = labelled_voxels(labels, data)
    n_regions = int(labels.max(initial=0))
    exact = values.astype(np.float64)
    number = region - 1
    n_voxels = np.bincount(number, minlength=n_regions)

    def total(weights):
        return np.bincount(number, weights=weights, minlength=n_regions)

    mean = total(exact) / n_voxels
    weight = np.abs(exact)
    centre = np.stack([total(weight * axis) for axis in apply_affine(affine, ijk).T], axis=1) / total(weight)[:, None]
    positive = total(exact > 0)
    sign = np.where(positive == n_voxels, "positive", np.where(positive == 0, "negative", "mixed"))
    peaks = main_peaks(values, region, ijk, affine, n_regions, connectivity)
    return {
        "region": np.arange(1, n_regions + 1),
        "sign": sign,
        "n_voxels": n_voxels,
        "volume_mm3": n_voxels * voxel_volume(affine),
        "peak_value": peaks.value.astype(np.float64),
        "peak_ties": peaks.ties,
        **peak_places(peaks.ijk, affine),
        **dict(zip(("peak_i", "peak_j", "peak_k"), peaks.ijk.T, strict=True)),
        **dict(zip(("com_x", "com_y", "com_z"), centre.T, strict=True)),
        "mean_value": mean,
        "sd_value": np.sqrt(total((exact - mean[number]) ** 2) / n_voxels),
    }


def peak_places(ijk: np.ndarray, affine: np.ndarray) -> dict[str, np.ndarray]:
    """Voxels, (n, 3), as columns ``peak_x``, ``peak_y`` and ``peak_z`` in mm."""
    return dict(zip(("peak_x", "peak_y", "peak_z"), apply_affine(affine, ijk).T, strict=True))


def list_peaks(
    data: np.ndarray,
    labels: np.ndarray,
    affine: np.ndarray,
    connectivity: Connectivity,
    rule: PeakRule,
) -> dict[str, np.ndarray]:
    """The main peak of every region and its local maxima, see `peaks.local_maxima`.

    Returns
    -------
    dict of column name to (n_peaks,) array: ``region``, ``peak``, ``value``, ``x, y, z`` (mm), ``i, j, k`` and
    ``distance_mm``.
    """
    n_regions = int(labels.max(initial=0))
    values, region, ijk = labelled_voxels(labels, data)
    peaks = local_maxima(
        *(values, region, ijk, affine, n_regions, connectivity),
        *(rule.min_peak_distance, rule.max_peaks, rule.peak_distance_rule, rule.peak_neighbours),
    )
    return {
        "region": peaks.region,
        "peak": peaks.peak,
        "value": peaks.value.astype(np.float64),
        **dict(zip("xyz", peaks.mm.T, strict=True)),
        **dict(zip("ijk", peaks.ijk.T, strict=True)),
        "distance_mm": peaks.distance_mm,
    }
