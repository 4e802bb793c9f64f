"""How smooth the noise of a map is, estimated as FSL's `smoothest` does."""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr, stdtrit

from ..io.files import UserError
from ..io.formats import FEWEST_RESIDUALS
from ..io.images import judge, read_residuals
from ..io.opening import Look
from ..io.stat_map import StatMap
from ..rules import Smoothness
from .families import family_of
from .needs import check_p

# Degrees of freedom between which `smoothest` interpolates its correction
_NODES = (*range(5, 21), 25, 30, *range(40, 101, 10), 150, 200, 300, 500)


class Estimate(NamedTuple):
    """An estimate of the smoothness of the noise.

    Attributes
    ----------
    fwhm : (3,) float64, full width at half maximum in voxels; 1 along an axis of one voxel.
    dlh : float, square root of the determinant of the covariance of the gradient (Worsley et al. 1996), voxels^-3;
        voxels^-2 of a single slice.
    n_voxels : int, voxels whose neighbours were looked at.
    """

    fwhm: np.ndarray
    dlh: float
    n_voxels: int


def sheet_smoothness(
    stat_map: StatMap, smoothness: Smoothness, name: str
) -> tuple[float | list[float] | None, float | None, str]:
    """Smoothness of the noise of a map, as its row of the sample sheet gives it or asks for it.

    Parameters
    ----------
    stat_map : the map; its degrees of freedom correct what is estimated from residuals.
    smoothness : of its row. Residuals are used where neither ``fwhm_mm`` nor ``dlh`` is given; ``fwhm_mm: map``
        estimates it from the map itself.
    name : what the map is called in an error.

    Returns
    -------
    fwhm_mm : one number, or three along the voxel axes; dlh : voxels^-3; None where it is not known.
    source : ``sheet``, ``map`` or ``residuals``.

    Raises
    ------
    UserError : an estimate that needs a distribution or degrees of freedom that the sheet does not give, or fails; see
        also `images.read_residuals`.
    """
    fwhm_mm, dlh, distribution = smoothness.fwhm_mm, smoothness.dlh, stat_map.distribution
    grid = Look(stat_map.values.shape, stat_map.affine)
    if smoothness.residuals and (fwhm_mm or dlh):  # not used, but checked
        judge(smoothness.residuals, f"residuals of {name}", grid, FEWEST_RESIDUALS)
    if fwhm_mm != "map" and (fwhm_mm or dlh):
        return fwhm_mm, dlh, "sheet"  # type: ignore[return-value]  # of text only `map` is accepted
    family = family_of(stat_map, "mask")
    if fwhm_mm == "map":
        if not distribution.two_tailed:  # F is rougher than the fields it is made of, whose width its theory asks for
            raise UserError(
                f"{name}: fwhm_mm: map is for z and t maps, found stat {distribution.stat}; give fwhm_mm in mm in the "
                "sample sheet, or residuals"
            )
        check_p(distribution, name, "fwhm_mm: map")
        estimate, source = smoothness_of_map(distribution.to_z(stat_map.values), family), "map"
    else:
        residuals = read_residuals(smoothness.residuals, stat_map.values.shape, stat_map.affine, name)
        if distribution.df_of_noise is None:
            raise UserError(f"{name}: residuals need their degrees of freedom; fill in column df of the sample sheet")
        estimate, source = smoothness_of_residuals(residuals, family, distribution.df_of_noise), "residuals"
    if not np.isfinite(estimate.fwhm).all() or not np.isfinite(estimate.dlh):
        raise UserError(
            f"{name}: no smoothness can be estimated from the {source}: {estimate.n_voxels} voxels with neighbours "
            "that vary were found; give fwhm_mm or dlh in the sample sheet"
        )
    voxel_mm = np.linalg.norm(stat_map.affine[:3, :3], axis=0)
    return (estimate.fwhm * voxel_mm).tolist(), dlh or estimate.dlh, source


def smoothness_of_map(z: np.ndarray, inside: np.ndarray) -> Estimate:
    """Smoothness from a z map itself, as ``smoothest -z``. Activation makes the estimate too smooth.

    Parameters
    ----------
    z : (i, j, k) float array; of a t map give `Distribution.to_z`.
    inside : (i, j, k) bool, the voxels that were tested.
    """
    return _smoothness(z[..., np.newaxis], inside)


def smoothness_of_residuals(residuals: np.ndarray, inside: np.ndarray, df: float) -> Estimate:
    """Smoothness from the residuals of a linear model, as ``smoothest -r -d``: standardised voxel by voxel.

    Parameters
    ----------
    residuals : (i, j, k, n) float array, n of 3 or more.
    inside : (i, j, k) bool; voxels whose residuals do not vary are left out.
    df : degrees of freedom of the residuals, which correct `dlh`, see `fsl_correction`.
    """
    spread = residuals.std(axis=3, ddof=1, dtype=np.float64)
    inside = inside & (spread > 0)
    scale = np.where(inside, spread, 1)[..., np.newaxis]
    standard = (residuals - residuals.mean(axis=3, keepdims=True, dtype=np.float64)) / scale
    estimate = _smoothness(standard, inside)
    return estimate._replace(dlh=estimate.dlh * fsl_correction(df))


def _smoothness(fields, inside):
    """Smoothness of (i, j, k, n) fields of mean 0.

    The correlation between neighbours along an axis, r = SS_shift / SS over the voxels whose backward neighbours along
    all axes are inside too, is that of white noise smoothed with a Gaussian of variance sigma^2 = -1 / (4 ln |r|);
    FWHM = sigma sqrt(8 ln 2), dLh = prod(sigma)^-1 2^(-D/2) (Flitney and Jenkinson, FMRIB report TR00DF1).
    """
    axes = [axis for axis in range(3) if inside.shape[axis] > 1]
    backward = {
        axis: tuple(slice(None, -1) if a == axis else slice(a in axes, None) for a in range(3)) for axis in axes
    }
    here = tuple(slice(axis in axes, None) for axis in range(3))
    used = inside[here].copy()
    for where in backward.values():
        used &= inside[where]
    n_voxels = int(used.sum())
    fwhm = np.ones(3)
    variances = []
    centre = fields[here][used].astype(np.float64)
    for axis, where in backward.items():
        behind = fields[where][used].astype(np.float64)
        scale = 0.5 * float(np.sum(centre**2) + np.sum(behind**2))
        ratio = abs(float(np.sum(centre * behind))) / scale if scale > 0 else np.nan
        ratio = 0.99999 if ratio >= 0.99999999 else ratio  # as smoothest: no infinite smoothness
        variances.append(-1 / (4 * np.log(ratio)) if ratio > 0 else np.nan)
        fwhm[axis] = np.sqrt(8 * np.log(2) * variances[-1])
    dlh = float(np.prod(variances) ** -0.5 * 2 ** (-len(axes) / 2)) if variances else np.nan
    return Estimate(fwhm, dlh, n_voxels)


def roughness_of_t(df: int) -> float:
    """How much rougher a t field turned into z is than the noise, per axis, as a ratio of gradient variances.

    lambda = integral of (t^2 + v - 1)^2 / ((v - 1)(v - 2)) phi_v(t)^3 / phi(z(t))^2 dt (Worsley et al. 1992, J Cereb
    Blood Flow Metab 12:900), phi_v the density of t, phi that of z; here over z, with dt = phi(z) / phi_v(t) dz.
    """
    z = np.linspace(-14, 0, 4001)
    t = stdtrit(df, ndtr(z))
    log_density = gammaln((df + 1) / 2) - gammaln(df / 2) - np.log(df * np.pi) / 2 - (df + 1) / 2 * np.log1p(t**2 / df)
    log_normal = -(z**2) / 2 - np.log(2 * np.pi) / 2
    inner = (t**2 + df - 1) ** 2 / ((df - 1) * (df - 2)) * np.exp(2 * log_density - log_normal)
    return float((inner.sum() - inner[-1] / 2) * (z[1] - z[0]) * 2)


def fsl_correction(df: float) -> float:
    """What `smoothest` multiplies DLH with for the degrees of freedom of residuals (FSL 5 and 6).

    The square root of lambda (`roughness_of_t`), interpolated between whole degrees of freedom l < v <= h as
    lambda_h + (lambda_h - lambda_l) (v - l) / (h - l): from the upper node, as FSL's program has it, where a straight
    line would start from the lower; 1.1 below 6, 1 + 1.0321 / v above 500.
    """
    if df < 6:
        return 1.1
    if int(df) > _NODES[-1]:
        return float(np.sqrt(1 + 1.0321 / df))
    high = next(node for node in _NODES if node >= int(df))
    low = _NODES[_NODES.index(high) - 1]
    above, below = roughness_of_t(high), roughness_of_t(low)
    return float(np.sqrt(above + (above - below) * (df - low) / (high - low)))
