"""P values of cluster sizes by Gaussian random field theory, as FSL's `cluster` prints them."""

import numpy as np
from scipy.special import gammaln, log_ndtr


def dlh_of(fwhm_mm, voxel_volume):
    """FSL's smoothness from the width of the noise: (4 ln 2)^(3/2) / (FWHM_x FWHM_y FWHM_z), widths in voxels.

    dLh is the square root of the determinant of the covariance of the noise's gradient (Worsley et al. 1996, Hum Brain
    Mapp 4:58), in voxels^-3. FSL's `smoothest` also corrects it for the degrees of freedom of the residuals (+0.3% with
    100, +5% with 20): where FSL gave DLH, use that.

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
    log_density = np.log(dlh) - 2 * np.log(2 * np.pi) + np.log(z_cutoff**2 - 1) - z_cutoff**2 / 2
    beta = np.exp((gammaln(2.5) + log_density - log_ndtr(-z_cutoff)) * 2 / 3)
    log_expected = np.log(tails * search_voxels) + log_density - beta * n_voxels ** (2 / 3)
    # for a small number expected, p is that number
    return np.where(log_expected < -36, log_expected, np.log(-np.expm1(-np.exp(np.maximum(log_expected, -36)))))
