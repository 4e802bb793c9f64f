"""Families of tests: cutoffs that hold over all of them, and how much of a region is truly active."""

import numpy as np

from ..distributions import Distribution, tail_values
from ..types import Sided


def minus_log10(log_p):
    """-log10 p, as tables show it, from the natural logarithm of p."""
    return np.asarray(log_p) / -np.log(10) + 0.0  # + 0.0: no -0.0 in a table


def cutoff_bonferroni(alpha: float, n_tests: int, distribution: Distribution, sided: Sided = "two") -> float:
    """The cutoff that keeps the family-wise error rate over `n_tests` voxels at or below `alpha`; inf for no test."""
    return distribution.cutoff(alpha / n_tests, sided) if n_tests else np.inf


def cutoff_fdr(values: np.ndarray, alpha: float, distribution: Distribution, sided: Sided = "two") -> float:
    """The cutoff that controls the false discovery rate (Benjamini and Hochberg 1995, J R Stat Soc B 57:289).

    With m voxels and their p values in increasing order, the voxels 1..k are significant, k being the largest rank with
    p_k <= alpha k / m. Two-sided, p = 2 P(X >= |x|) against alpha is P(X >= |x|) against alpha / 2, which is how
    nilearn's threshold_stats_img writes it.

    Parameters
    ----------
    values : array, the statistic at the voxels of the family, finite.
    alpha : float, the rate.
    distribution, sided : of the map and the variant.

    Returns
    -------
    float : the statistic of the last significant voxel itself (its absolute value or its negative, as `sided` says),
        so that ``>=`` keeps it; inf where no voxel is significant.
    """
    x = tail_values(values, sided)
    tails: Sided = "two" if sided == "two" else "positive"
    n_tests = x.size
    x = np.sort(x[distribution.p(x, tails) <= alpha])[::-1]  # of no other is p <= alpha k / m
    significant = np.flatnonzero(distribution.p(x, tails) <= alpha * np.arange(1, x.size + 1) / n_tests)
    return float(x[significant[-1]]) if significant.size else np.inf


def hommel_value(p_values: np.ndarray, alpha: float) -> int:
    """Hommel's h: the largest number of voxels that could all be inactive, by closed testing with Simes tests.

    h = max {i in 0..m : i p_(m-i+j) > j alpha for j = 1..i}, over the m sorted p values of the family (Goeman et al.
    2019, Biometrika 106:841). With k = m - i + j this says p_m > alpha, and i < alpha (m - k) / (alpha - p_k) for each
    p_k < alpha: one pass over the sorted values bounds h, and a check of the definition itself decides on the rounding.

    Parameters
    ----------
    p_values : array, one per voxel of the family, of the same `sided` as the regions that are looked at.
    alpha : float in (0, 1), one minus the confidence of every bound that is derived from h.

    Returns
    -------
    int : h, 0 when every voxel is discovered.
    """
    p = np.asarray(p_values)
    m = p.size
    if m == 0 or p.max() <= alpha:
        return 0
    small = np.sort(p[p < alpha])  # of the others it holds: i p_k >= i alpha >= j alpha, and p_m > alpha
    bounds = alpha * (m - np.arange(1, small.size + 1)) / (alpha - small)
    h = int(min(m, bounds.min(initial=m) + 1))  # one more than the bound, which may have been rounded down
    while not (h * small[m - h :] > np.arange(1, small.size - m + h + 1) * alpha).all():
        h -= 1
    return h


def discovery_ranks(p_values: np.ndarray, hommel: int, alpha: float) -> np.ndarray:
    """The smallest u that counts each voxel in `region_tdp`: ceil(h p / alpha), at least 1; (n,) float64, whole."""
    return np.maximum(np.ceil(hommel * np.asarray(p_values) / alpha), 1)


def region_tdp(p_values: np.ndarray, region_ids: np.ndarray, n_regions: int, hommel: int, alpha: float) -> np.ndarray:
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
    # among voxels in the order of their ranks, the k-th makes the count k
    u = discovery_ranks(np.asarray(p_values)[inside], hommel, alpha)
    order = np.lexsort((u, ids))
    ids, u = ids[order], u[order]
    sizes = np.bincount(ids, minlength=n_regions + 1)
    rank = np.arange(1, ids.size + 1) - (np.cumsum(sizes) - sizes)[ids]
    discovered = np.zeros(n_regions + 1)
    np.maximum.at(discovered, ids, 1 - u + rank)
    return discovered[1:] / np.maximum(sizes[1:], 1)
