"""The columns that need the distribution of the map: p and z of peaks, true discovery proportion, cluster p values."""

import numpy as np

from ..io.images import voxel_volume
from ..types import ExtractType, Sided, Signs, Stat
from .random_field import cluster_log_p, dlh_of
from .statistics import hommel_value, log_p, minus_log10, p_values, region_tdp, z_of


def has_distribution(stat, df):
    """Whether p values exist for a map: ``stat`` is z, or t with degrees of freedom."""
    return stat == "z" or (stat == "t" and df is not None)


def peak_statistics(values, stat, df, sided):
    """p, -log10 p and z of peak values, three (n,) arrays; NaN on a map without a distribution."""
    if not has_distribution(stat, df):
        return (np.full(len(values), np.nan),) * 3
    log = log_p(values, stat, df, sided)
    return np.exp(log), minus_log10(log), z_of(values, stat, df)


def true_discovery_proportions(data, labels, inside, stat, df, sided, alpha):
    """Lower bound of the active share of every region (`statistics.region_tdp`), (n,) array; NaN as above.

    Parameters
    ----------
    data : (i, j, k) array; labels : (i, j, k) int32; inside : (i, j, k) bool, the family of tests.
    """
    n_regions = int(labels.max(initial=0))
    if not has_distribution(stat, df) or not inside.any():
        return np.full(n_regions, np.nan)
    p = p_values(data[inside], stat, df, sided)
    return region_tdp(p, labels[inside], n_regions, hommel_value(p, alpha), alpha)


def search_dims(family: np.ndarray) -> int:
    """Number of axes along which the voxels that were tested, (i, j, k) bool, extend over more than one: 0 to 3."""
    return sum(np.ptp(along) > 0 for along in np.nonzero(family)) if family.any() else 0


def cluster_p(
    n_voxels: np.ndarray,
    cutoff: float,
    affine: np.ndarray,
    search_voxels: int,
    *,
    stat: Stat,
    df: float | None,
    sided: Sided,
    signs: Signs,
    extract_type: ExtractType,
    fwhm_mm: list[float] | None,
    dlh: float | None,
    n_dims: int = 3,
) -> tuple[np.ndarray, np.ndarray]:
    """p and -log10 p of region sizes by random field theory, two (n,) arrays.

    NaN unless all of this holds: the map has a distribution and a smoothness (``dlh`` or ``fwhm_mm``), and the regions
    are whole connected components of one sign in a search volume of three dimensions (`n_dims`, see `search_dims`; a
    single slice has another theory). Both tails searched double the number of clusters expected in noise.
    """
    smooth = dlh or (fwhm_mm and dlh_of(fwhm_mm, voxel_volume(affine)))
    known = smooth and has_distribution(stat, df) and np.isfinite(cutoff)
    one_sign = signs == "split" or sided != "two"
    if n_dims != 3 or not known or not one_sign or extract_type != "connected_components":
        return np.full(len(n_voxels), np.nan), np.full(len(n_voxels), np.nan)
    z_cutoff = float(z_of(cutoff, stat, df))
    log = cluster_log_p(n_voxels, z_cutoff, search_voxels, smooth, tails=2 if sided == "two" else 1)
    return np.exp(log), minus_log10(log)
