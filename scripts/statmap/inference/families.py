"""Which voxels a threshold is about: what is compared, families of tests, domains of percentiles."""

import numpy as np

from ..io.stat_map import StatMap
from ..types import Domain, Sided


def magnitude(data: np.ndarray, sided: Sided) -> np.ndarray:
    """What is compared with the cutoff: |x| (``two``), x (``positive``) or -x (``negative``); same shape as `data`."""
    if sided == "two":
        return np.abs(data)
    return data if sided == "positive" else -data


def domain_mask(data: np.ndarray, mask: np.ndarray, domain: Domain) -> np.ndarray:
    """Voxels that a percentile is taken over; see `family_of` for families of tests.

    Parameters
    ----------
    data : (i, j, k) array.
    mask : (i, j, k) bool, the map's mask (without one in the sample sheet, its nonzero voxels).
    domain : ``all``, ``nonzero`` or ``mask``.

    Returns
    -------
    (i, j, k) bool
    """
    return {"all": np.ones_like(mask), "nonzero": data != 0, "mask": mask}[domain]


def family_of(stat_map: StatMap, domain: Domain) -> np.ndarray:
    """Voxels that were tested: the family of `fdr`, `bonferroni` and `tdp`, and the search volume of `p_cluster`.

    A voxel of the mask where the map is 0 (or was NaN) has no statistic, so it was never tested; FSL's printed search
    volume leaves such voxels out too. Only ``all`` counts every voxel of the grid.

    Returns
    -------
    (i, j, k) bool
    """
    inside = domain_mask(stat_map.values, stat_map.mask, domain)
    return inside & ((stat_map.values != 0) | (domain == "all"))


def percentile_score(data: np.ndarray, inside: np.ndarray, percentile: float, sided: Sided) -> float:
    """Score at a percentile of the magnitudes in a domain, linear interpolation (nilearn: ``scoreatpercentile``).

    Two-sided it is a percentile of |x|; one-sided, of the values on that side of zero, zero included.
    """
    values = magnitude(data[inside], sided).astype(np.float64)
    if sided != "two":
        values = values[values >= 0]
    return float(np.percentile(values, percentile)) if values.size else float("inf")
