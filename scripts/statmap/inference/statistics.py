"""P values of a statistic, the cutoffs that follow from them, and how much of a region is truly active.

Everything is float64. Probabilities that are shown are computed as natural logarithms, so that z > 38 is not p = 0;
those that are only compared with alpha are plain, because a p that underflows to 0 loses every comparison that the
true value loses. `stat` is "z", "t" (then `df` is its degrees of freedom, above 0), "F" (then `df` is the pair of them,
numerator first) or "log10p" (-log10 of p, see `p_maps`); `sided` is "two", "positive" or "negative", for the last two
"positive". Only `scipy.special` is imported: `scipy.stats` would triple the start of each script.
"""

import numpy as np
from scipy.special import betainc, betaincinv, gammaln, log_ndtr, ndtr, ndtri, ndtri_exp, poch, stdtr, stdtrit

from ..types import ONE_TAILED

_LARGEST = 1e150  # beyond it the square of the statistic, hence log p, is no float64
_SMALLEST_P = 1e-280  # below it (t > 35 whatever df) the t distribution is taken from its series


def tail_values(values, sided):
    """The statistic turned so that large means significant: x, -x or |x|, as float64."""
    values = np.asarray(values, dtype=np.float64)
    if sided == "two":
        return np.abs(values)
    return values if sided == "positive" else -values


def tails_of(stat, sided):
    """How many tails are looked at: 2 or 1, of F and of p values 1 whatever `sided`, since they have no other."""
    return 2 if sided == "two" and stat not in ONE_TAILED else 1


def log_sf(values, stat, df=None):
    """Natural logarithm of the upper tail probability P(X >= value).

    Parameters
    ----------
    values : array of any shape, finite.
    stat, df : see the module.

    Returns
    -------
    array of the same shape, float64, finite and at most 0: to a relative 1e-12 (1e-8 for df = 1 and |t| < 1e-4), and
    beyond |value| = 1e150, where it has no float64, that of 1e150.
    """
    x = np.clip(np.asarray(values, dtype=np.float64), -_LARGEST, _LARGEST)
    if stat == "z":
        return log_ndtr(-x)
    if stat == "log10p":
        return -np.log(10) * np.maximum(x, 0)
    if stat == "F":
        return _log_sf_of_f(np.maximum(x, 0), *df)
    upper = _log_sf_of_positive_t(np.abs(x), df)
    return np.where(x >= 0, upper, np.log1p(-np.exp(upper)))


def _log_sf_of_positive_t(t, df):
    """`log_sf` of t >= 0.

    P(T >= t) = I_x(a, 1/2) / 2, with a = df / 2, x = df / (df + t^2) and I the regularised incomplete beta function.
    Where that underflows, DLMF 8.17.8 and 15.8.1 give, with y = t^2 / df (so that x / (1 - x) = 1 / y),

        I_x(a, 1/2) = (1 + y)^-a (1 + 1/y)^(1/2) Gamma(a + 1/2) / (Gamma(a + 1) sqrt(pi)) S
        S = sum over n of (1/2)_n / (a + 1)_n (-1/y)^n

    whose terms are each less than (2n + 1) / t^2 of the one before: eight are enough at t = 35. As df grows, S becomes
    the asymptotic series 1 - 1/t^2 + 3/t^4 - ... of the normal tail.
    """
    p = stdtr(df, -t)
    a = df / 2
    y = np.maximum(t, 30) ** 2 / df
    series = 1.0
    for n in range(7, -1, -1):
        series = 1 - series * (n + 0.5) / (a + 1 + n) / y
    constant = np.log(poch(a, 0.5) / (2 * a * np.sqrt(np.pi)))
    far = constant - a * np.log1p(y) + 0.5 * np.log1p(1 / y) + np.log(series)
    return np.where(p < _SMALLEST_P, far, np.log(np.maximum(p, _SMALLEST_P)))


def _log_sf_of_f(f, k, v):
    """`log_sf` of F >= 0: I_x(v/2, k/2) with x = v / (v + k f); where that underflows, the series of t, b for 1/2.

    With a = v/2, b = k/2 and y = k f / v: I_x(a, b) = x^a (1 - x)^(b-1) Gamma(a+b) / (Gamma(a+1) Gamma(b)) S,
    S = sum over n of (1-b)_n / (a+1)_n (-1/y)^n (DLMF 8.17.8 and 15.8.1), which ends or falls fast so far out.
    """
    a, b = v / 2, k / 2
    y = k * f / v
    p = betainc(a, b, 1 / (1 + y))
    y = np.where(p < _SMALLEST_P, y, np.inf)
    series = 1.0
    for n in range(59, -1, -1):
        series = 1 + series * (b - 1 - n) / (a + 1 + n) / y
    far = -a * np.log1p(y) - (b - 1) * np.log1p(1 / y) + np.log(series)
    far = far + gammaln(a + b) - gammaln(a + 1) - gammaln(b)
    return np.where(p < _SMALLEST_P, far, np.log(np.maximum(p, _SMALLEST_P)))


def z_of(values, stat, df=None):
    """The z that has the same tail probability as each value, with its sign: finite for t of any size."""
    x = np.asarray(values, dtype=np.float64)
    if stat == "z":
        return x
    if stat in ("F", "log10p"):
        return -ndtri_exp(log_sf(x, stat, df))
    return np.copysign(np.maximum(-ndtri_exp(log_sf(np.abs(x), stat, df)), 0), x)


def log_p(values, stat, df=None, sided="two"):
    """Natural logarithm of the p value: of the tail that `sided` names, or of twice that of |value|."""
    return log_sf(tail_values(values, sided), stat, df) + np.log(tails_of(stat, sided))


def minus_log10(log_p):
    """-log10 p, as tables show it, from the natural logarithm of p."""
    return np.asarray(log_p) / -np.log(10) + 0.0  # + 0.0: no -0.0 in a table


def p_values(values, stat, df=None, sided="two"):
    """Plain p values, to compare with alpha (0 beyond z = 38): float64, same shape."""
    x = tail_values(values, sided)
    if stat in ("F", "log10p"):
        return np.exp(log_sf(x, stat, df))
    upper = ndtr(-x) if stat == "z" else stdtr(df, -x)
    return tails_of(stat, sided) * upper


def cutoff_p(alpha, stat, df=None, sided="two"):
    """The cutoff whose p value is `alpha`, uncorrected: two-sided it leaves alpha / 2 in each tail."""
    tail = alpha / tails_of(stat, sided)
    if stat == "log10p":
        return float(-np.log10(tail))
    if stat == "F":
        x = betaincinv(df[1] / 2, df[0] / 2, tail)
        return float(df[1] * (1 - x) / (df[0] * x))
    return float(-(ndtri(tail) if stat == "z" else stdtrit(df, tail)) + 0.0)


def cutoff_bonferroni(alpha, n_tests, stat, df=None, sided="two"):
    """The cutoff that keeps the family-wise error rate over `n_tests` voxels at or below `alpha`; inf for no test."""
    return cutoff_p(alpha / n_tests, stat, df, sided) if n_tests else np.inf


def cutoff_fdr(values, alpha, stat, df=None, sided="two"):
    """The cutoff that controls the false discovery rate (Benjamini and Hochberg 1995, J R Stat Soc B 57:289).

    With m voxels and their p values in increasing order, the voxels 1..k are significant, k being the largest rank with
    p_k <= alpha k / m. Two-sided, p = 2 P(X >= |x|) against alpha is P(X >= |x|) against alpha / 2, which is how
    nilearn's threshold_stats_img writes it.

    Parameters
    ----------
    values : array, the statistic at the voxels of the family, finite.
    alpha : float, the rate.
    stat, df, sided : see the module.

    Returns
    -------
    float : the statistic of the last significant voxel itself (its absolute value or its negative, as `sided` says),
        so that ``>=`` keeps it; inf where no voxel is significant.
    """
    x = np.sort(tail_values(values, sided), axis=None)[::-1]
    p = p_values(x, stat, df, "two" if sided == "two" else "positive")
    significant = np.flatnonzero(p <= alpha * np.arange(1, x.size + 1) / x.size)
    return float(x[significant[-1]]) if significant.size else np.inf


def hommel_value(p_values, alpha):
    """Hommel's h: the largest number of voxels that could all be inactive, by closed testing with Simes tests.

    h = max {i in 0..m : i p_(m-i+j) > j alpha for j = 1..i}, over the m sorted p values of the family (Goeman et al.
    2019, Biometrika 106:841). With k = m - i + j this says p_m > alpha, and i < alpha (m - k) / (alpha - p_k) for each
    p_k < alpha: one pass over the sorted values bounds h, and a check of the definition itself settles the rounding.

    Parameters
    ----------
    p_values : array, one per voxel of the family, of the same `sided` as the regions that are looked at.
    alpha : float in (0, 1), one minus the confidence of every bound that is derived from h.

    Returns
    -------
    int : h, 0 when every voxel is discovered.
    """
    p = np.sort(p_values, axis=None)
    m = p.size
    if m == 0 or p[-1] <= alpha:
        return 0
    small = p[: np.searchsorted(p, alpha)]
    bounds = alpha * (m - np.arange(1, small.size + 1)) / (alpha - small)
    h = int(min(m, bounds.min(initial=m) + 1))  # one more than the bound, which may have been rounded down
    while not (h * p[m - h :] > np.arange(1, h + 1) * alpha).all():
        h -= 1
    return h


def region_tdp(p_values, region_ids, n_regions, hommel, alpha):
    """True discovery proportion: a lower bound of the share of each region's voxels that are truly active.

    All-resolutions inference (Rosenblatt et al. 2018, doi 10.1016/j.neuroimage.2018.07.060): of a region of n voxels at
    least d = max over u = 1..n of 1 - u + #{i : h p_i <= u alpha} are active. With probability 1 - alpha this holds at
    once for every set of voxels that anyone may choose, hence for all thresholds of a sweep.

    Parameters
    ----------
    p_values : (n,) array, p values of the voxels (those outside every region may be left out).
    region_ids : (n,) array of int, the region of each, 1..n_regions, or 0.
    n_regions : int.
    hommel : int, `hommel_value` of the whole family at the same alpha.
    alpha : float.

    Returns
    -------
    (n_regions,) float64 in [0, 1], the bound d / n of each region.
    """
    inside = np.asarray(region_ids) > 0
    ids = np.asarray(region_ids)[inside]
    # the smallest u that counts a voxel; among voxels in this order, the k-th makes the count k
    u = np.maximum(np.ceil(hommel * np.asarray(p_values)[inside] / alpha), 1)
    order = np.lexsort((u, ids))
    ids, u = ids[order], u[order]
    sizes = np.bincount(ids, minlength=n_regions + 1)
    rank = np.arange(1, ids.size + 1) - (np.cumsum(sizes) - sizes)[ids]
    discovered = np.zeros(n_regions + 1)
    np.maximum.at(discovered, ids, 1 - u + rank)
    return discovered[1:] / np.maximum(sizes[1:], 1)
