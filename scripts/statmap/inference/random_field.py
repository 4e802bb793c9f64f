"""P values of cluster sizes and peak heights by random field theory, as FSL's `cluster` and SPM print them."""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln, log_ndtr

from ..types import Stat
from .statistics import cutoff_p, log_sf


def dlh_of(fwhm_mm, voxel_volume):
    """FSL's smoothness from the width of the noise: (4 ln 2)^(3/2) / (FWHM_x FWHM_y FWHM_z), widths in voxels.

    dLh is the square root of the determinant of the covariance of the noise's gradient (Worsley et al. 1996, Hum Brain
    Mapp 4:58), in voxels^-3. FSL's `smoothest` also corrects it for the degrees of freedom of the residuals
    (`smoothness.fsl_correction`: +0.5% with 100, +2.9% with 20): where FSL gave DLH, use that.

    Parameters
    ----------
    fwhm_mm : float or three floats, full width at half maximum of the noise in mm, along the voxel axes.
    voxel_volume : float, mm^3.

    Returns
    -------
    float, voxels^-3.
    """
    widths = np.broadcast_to(np.asarray(fwhm_mm, dtype=np.float64), 3)
    return float((4 * np.log(2)) ** 1.5 * voxel_volume / np.prod(widths))


def cluster_log_p_unc(n_voxels: np.ndarray, z_cutoff: float, dlh: float) -> np.ndarray:
    """Natural logarithm of the uncorrected p of cluster sizes, exp(-beta n^(2/3)) with the beta of `cluster_log_p`."""
    n_voxels = np.asarray(n_voxels, dtype=np.float64)
    if z_cutoff <= 1:
        return np.full(n_voxels.shape, np.nan)
    return -_fsl_rate(z_cutoff, _fsl_log_density(z_cutoff, dlh)) * n_voxels ** (2 / 3)


def _fsl_log_density(z_cutoff, dlh):
    """ln(E / V), the clusters expected per voxel."""
    return np.log(dlh) - 2 * np.log(2 * np.pi) + np.log(z_cutoff**2 - 1) - z_cutoff**2 / 2


def _fsl_rate(z_cutoff, log_density):
    """beta of `cluster_log_p`."""
    return np.exp((gammaln(2.5) + log_density - log_ndtr(-z_cutoff)) * 2 / 3)


def cluster_log_p(n_voxels, z_cutoff, search_voxels, dlh, tails=1):
    """Natural logarithm of the family-wise p value of clusters, by their size.

    The clusters above a cutoff z are taken for a Poisson clump process (Friston et al. 1994, Hum Brain Mapp 1:210). In
    three dimensions, with V the search volume in voxels and Phi the normal distribution function,

        E = V dLh (2 pi)^-2 (z^2 - 1) exp(-z^2 / 2)         the number of clusters expected in noise
                                                            (the Euler characteristic's term; Worsley et al. 1996)
        beta = (Gamma(5/2) E / (V Phi(-z)))^(2/3)
        p = 1 - exp(-E exp(-beta n^(2/3)))                  the chance of any cluster of n voxels or more

    These are the formulas of FSL's `cluster`, which works in float32: it prints P = 0 below 1e-45 and P in steps of
    6e-8 below 1e-5. They hold for a connected set of voxels above a high cutoff (2.3 or 3.1 in FSL; below about 2 the
    Euler characteristic no longer counts clusters), not for parts of one.

    Parameters
    ----------
    n_voxels : array of int, cluster sizes in voxels.
    z_cutoff : float, the cutoff that formed the clusters, as z (for a t map: `statistics.z_of` of its cutoff).
    search_voxels : int, number of voxels that were searched (of the mask).
    dlh : float, smoothness in voxels^-3 (FSL's DLH, or `dlh_of`).
    tails : 1, one tail was searched, as FSL does; 2, both were, which doubles E in the last formula.

    Returns
    -------
    array as `n_voxels`, float64: finite and at most 0; NaN where z_cutoff <= 1, for which there is no theory.
    """
    n_voxels = np.asarray(n_voxels, dtype=np.float64)
    if z_cutoff <= 1:
        return np.full(n_voxels.shape, np.nan)
    log_density = _fsl_log_density(z_cutoff, dlh)
    beta = _fsl_rate(z_cutoff, log_density)
    log_expected = np.log(tails * search_voxels) + log_density - beta * n_voxels ** (2 / 3)
    return _log_of_any(log_expected)


# ---- SPM's theory ---------------------------------------------------------------------------------------------------

# SPM's spm_P_RF takes no Euler characteristic density for less than this (MATLAB's eps): q of very high peaks shows it
SMALLEST_DENSITY = 2.0**-52


def ec_densities(values: np.ndarray | float, stat: Stat, df: float | tuple[float, float] | None = None) -> np.ndarray:
    """Euler characteristic densities of a field of z, t or F, in 0 to 3 dimensions, per resel.

    Worsley et al. 1996 (Hum Brain Mapp 4:58, table II), as SPM12's spm_P_RF has them.

    Parameters
    ----------
    values : (n,) array or float, heights: of z and t any number, of F above 0.
    stat : ``z``, ``t`` or ``F``.
    df : degrees of freedom of t; the pair of F, numerator first.

    Returns
    -------
    (4, n) or (4,) float64, the first the tail probability; negative below about 1, where they count no clusters.
    """
    x = np.asarray(values, dtype=np.float64)
    a = 4 * np.log(2)
    tail = np.exp(log_sf(x, stat, df))
    if stat == "F":
        k, v = df  # type: ignore[misc]  # of F, the pair
        y = k * x / v
        far = np.exp(-(v + k - 2) / 2 * np.log1p(y))
        a /= 2 * np.pi
        scale = [np.exp(gammaln((v + k - d) / 2) - gammaln(v / 2) - gammaln(k / 2)) * far for d in (1, 2, 3)]
        quadratic = (v - 1) * (v - 2) * y**2 - (2 * v * k - v - k - 1) * y + (k - 1) * (k - 2)
        return np.stack(
            [
                tail,
                np.sqrt(2 * a) * scale[0] * y ** ((k - 1) / 2),
                a * scale[1] * y ** ((k - 2) / 2) * ((v - 1) * y - (k - 1)),
                a**1.5 / np.sqrt(2) * scale[2] * y ** ((k - 3) / 2) * quadratic,
            ]
        )
    if stat == "z":
        far, slope, curve = np.exp(-(x**2) / 2), x, x**2 - 1
    else:
        v = float(df)  # type: ignore[arg-type]  # of t, a number
        far = np.exp((1 - v) / 2 * np.log1p(x**2 / v))
        slope = x * np.exp(gammaln((v + 1) / 2) - gammaln(v / 2)) / np.sqrt(v / 2)
        curve = (v - 1) * x**2 / v - 1
    lengths = [np.sqrt(a) / (2 * np.pi), a / (2 * np.pi) ** 1.5, a**1.5 / (2 * np.pi) ** 2]
    return np.stack([tail, lengths[0] * far, lengths[1] * far * slope, lengths[2] * far * curve])


def expected_ec(values: np.ndarray | float, resels: np.ndarray, stat: Stat, df=None, tails: int = 1) -> np.ndarray:
    """Expected Euler characteristic of the noise above each height: at high ones the number of clusters expected.

    Parameters
    ----------
    values, stat, df : as in `ec_densities`.
    resels : (4,) float, `resels.resel_counts` of the search volume.
    tails : 2 where both tails were searched.

    Returns
    -------
    float64, the shape of `values`: tails times the sum over dimensions of resels times densities, each density at least
        `SMALLEST_DENSITY`.
    """
    return tails * np.tensordot(resels, np.maximum(ec_densities(values, stat, df), SMALLEST_DENSITY), 1)


def peak_p_fwe(
    values: np.ndarray, resels: np.ndarray, search_voxels: int, stat: Stat, df=None, tails: int = 1
) -> np.ndarray:
    """Family-wise p of peak heights: the smaller of random field theory's and Bonferroni's, as SPM has it.

    p = min(1 - exp(-E(t)), V P(T > t)), with E of `expected_ec` and V voxels searched.

    Parameters
    ----------
    values : (n,) array, heights turned so that large means significant.
    resels, stat, df, tails : as in `expected_ec`.
    search_voxels : int.

    Returns
    -------
    (n,) float64, at most 1.
    """
    field = -np.expm1(-expected_ec(values, resels, stat, df, tails))
    return np.minimum(field, tails * search_voxels * np.exp(log_sf(values, stat, df)))


def cutoff_fwe(
    alpha: float, resels: np.ndarray, search_voxels: int, stat: Stat, df=None, tails: int = 1
) -> tuple[float, str]:
    """The height that noise exceeds anywhere with probability alpha, and which theory gave it.

    Returns
    -------
    float : the lower of the two cutoffs (see `peak_p_fwe`); inf for no voxel.
    str : ``random field theory`` or ``Bonferroni``.
    """
    if not search_voxels:
        return np.inf, "Bonferroni"
    tail = alpha / tails / search_voxels
    bonferroni = cutoff_p(tail, stat, df, "positive")
    target = -np.log1p(-alpha)

    def excess(height):
        return float(expected_ec(height, resels, stat, df, tails)) - target

    # the highest height of that expectation: coming down from where there is less
    high = min(bonferroni, 1e6)
    if excess(high) > 0:
        return bonferroni, "Bonferroni"
    low = high
    while excess(low) <= 0 and low > 1:
        high, low = low, low * 0.95
    if excess(low) <= 0:
        return bonferroni, "Bonferroni"  # a volume of a few voxels, where the expectation counts no clusters
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) <= 0 else (middle, high)
    return high, "random field theory"


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q of each p value of a family, (n,) float64: the smallest false discovery rate at which it is significant."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    q = np.empty(p.size)
    q[order] = np.minimum.accumulate((p[order] * p.size / np.arange(1, p.size + 1))[::-1])[::-1]
    return np.minimum(q, 1)


def peak_q(maxima: np.ndarray, cutoff: float, resels: np.ndarray, stat: Stat, df=None) -> np.ndarray:
    """Topological false discovery rate of the local maxima of an excursion (Chumbley et al. 2010, NeuroImage 49:3057).

    Benjamini-Hochberg over E(height) / E(cutoff), the p value of a maximum given that it is above the cutoff. Two tails
    change nothing: both expectations double.

    Parameters
    ----------
    maxima : (n,) array, heights of all local maxima above the cutoff, large means significant.
    cutoff : float, height that formed the excursion.
    resels, stat, df : as in `expected_ec`.

    Returns
    -------
    (n,) float64.
    """
    ratio = expected_ec(maxima, resels, stat, df) / expected_ec(cutoff, resels, stat, df)
    return benjamini_hochberg(np.minimum(ratio, 1))


def extent_rate(cutoff: float, n_dims: int, stat: Stat, df=None) -> float:
    """beta of SPM's cluster extents: P(extent >= k resels) = exp(-beta k^(2/D)), D dimensions.

    beta = (Gamma(D/2 + 1) rho_D / rho_0)^(2/D) at the height cutoff (Friston et al. 1994, Hum Brain Mapp 1:210), where
    rho_0 / rho_D is the expected extent of a cluster in resels. NaN where a density is not above 0: no theory so low.
    """
    density = ec_densities(cutoff, stat, df)
    if n_dims < 1 or density[n_dims] <= 0:
        return np.nan
    return float((np.exp(gammaln(n_dims / 2 + 1)) * density[n_dims] / density[0]) ** (2 / n_dims))


def spm_cluster_log_p(
    n_voxels: np.ndarray,
    cutoff: float,
    resels: np.ndarray,
    fwhm: np.ndarray,
    n_dims: int,
    stat: Stat,
    df=None,
    tails: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Natural logarithms of the uncorrected and the family-wise p of cluster extents, as SPM's tables have them.

    uncorrected = exp(-beta k^(2/D)), k = voxels / voxels per resel; family-wise = 1 - exp(-E(cutoff) uncorrected).

    Parameters
    ----------
    n_voxels : (n,) array, sizes in voxels.
    cutoff : float, height that formed the clusters, in the units of the map.
    resels, stat, df, tails : as in `expected_ec`.
    fwhm : (3,) float, voxels.
    n_dims : dimensions of the search volume, 1 to 3; of fewer, the width along an axis of one voxel is given as 1.

    Returns
    -------
    uncorrected, family_wise : (n,) float64, at most 0; NaN where there is no theory (see `extent_rate`).
    """
    k = np.asarray(n_voxels, dtype=np.float64) / np.prod(fwhm)
    uncorrected = -extent_rate(cutoff, n_dims, stat, df) * k ** (2 / max(n_dims, 1))
    log_expected = np.log(expected_ec(cutoff, resels, stat, df, tails)) + uncorrected
    return uncorrected, _log_of_any(log_expected)


def smallest_extent(log_p: Callable[[np.ndarray], np.ndarray], alpha: float, most: int) -> float:
    """Critical extent: the fewest voxels whose p is at most alpha.

    Parameters
    ----------
    log_p : function from sizes in voxels to ln p, falling.
    alpha : float.
    most : int, voxels searched: a cluster has no more.

    Returns
    -------
    float : number of voxels, at least 1; inf where not even `most` are enough, NaN where there is no theory.
    """
    sizes = np.arange(1, most + 1)
    found = np.asarray(log_p(sizes))
    if not found.size or np.isnan(found).any():
        return np.nan
    enough = np.flatnonzero(found <= np.log(alpha))
    return float(sizes[enough[0]]) if enough.size else np.inf


def _log_of_any(log_expected):
    """ln(1 - exp(-E)) from ln E; for a small number expected, p is that number."""
    return np.where(log_expected < -36, log_expected, np.log(-np.expm1(-np.exp(np.maximum(log_expected, -36)))))
