"""Random field theory: p values of cluster sizes and peak heights, as FSL's `cluster` and SPM print them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, log_ndtr

from ..distributions import Distribution, tail_values
from ..types import ClusterTheory, Sided
from .search_volume import SearchVolume

# SPM's spm_P_RF takes no Euler characteristic density for less than this (MATLAB's eps): q of very high peaks shows it
SMALLEST_DENSITY = 2.0**-52

# Function from cluster sizes in voxels to ln of their uncorrected and of their family-wise p.
ClusterLogP = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class RandomField:
    """The noise of a map as a random field over what was searched.

    Attributes
    ----------
    distribution : of its values, one that `is_field`.
    sided : which tails were searched.
    search : what was searched.
    """

    distribution: Distribution
    sided: Sided
    search: SearchVolume

    @property
    def tails(self) -> int:
        """How many tails were searched: both double the number of clusters expected."""
        return self.distribution.tails(self.sided)

    def expected_ec(self, heights: np.ndarray | float) -> np.ndarray:
        """Expected Euler characteristic of the noise above each height: at high ones the number of clusters expected.

        Returns
        -------
        float64, the shape of `heights`: tails times the sum over dimensions of resels times densities, each density at
            least `SMALLEST_DENSITY`.
        """
        densities = np.maximum(self.distribution.ec_densities(heights), SMALLEST_DENSITY)
        return self.tails * np.tensordot(self.search.resels, densities, 1)

    def p_fwe(self, values: np.ndarray) -> np.ndarray:
        """Family-wise p of signed peak values: the smaller of random field theory's and Bonferroni's, as SPM has it.

        p = min(1 - exp(-E(t)), V P(T > t)), with E of `expected_ec` and V voxels searched.

        Returns
        -------
        (n,) float64, at most 1.
        """
        heights = tail_values(values, self.sided)
        expected = self.expected_ec(heights)
        field = np.where(expected > 0, -np.expm1(-expected), 1.0)  # of a mask full of tunnels it can be below 0
        bonferroni = self.tails * self.search.n_voxels * np.exp(self.distribution.log_sf(heights))
        return np.minimum(np.minimum(field, bonferroni), 1)

    def cutoff_fwe(self, alpha: float) -> tuple[float, str]:
        """The height that noise exceeds anywhere with probability alpha, and which theory gave it.

        Returns
        -------
        float : the lower of the two cutoffs (see `p_fwe`); inf for no voxel.
        str : ``random field theory`` or ``Bonferroni``.
        """
        if not self.search.n_voxels:
            return np.inf, "Bonferroni"
        bonferroni = self.distribution.isf(alpha / self.tails / self.search.n_voxels)
        target = -np.log1p(-alpha)

        def excess(height):
            return float(self.expected_ec(height)) - target

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

    def q(self, values: np.ndarray, maxima: np.ndarray, cutoff: float) -> np.ndarray:
        """Topological false discovery rate of signed peak values (Chumbley et al. 2010, NeuroImage 49:3057).

        Benjamini-Hochberg over E(height) / E(cutoff), the p value of a maximum given that it is above the cutoff. Two
        tails change nothing: both expectations double.

        Parameters
        ----------
        values : (n,) array; one that is no local maximum of the excursion gets the q of the next lower one.
        maxima : (m,) array, heights of all local maxima above the cutoff, large means significant.
        cutoff : float, height that formed the excursion.

        Returns
        -------
        (n,) float64; NaN where the cutoff is not finite, there is no maximum, or fewer than none are expected (in a
            mask full of tunnels).
        """
        nothing = np.full(len(values), np.nan)
        if not np.isfinite(cutoff) or not maxima.size:
            return nothing
        maxima = np.sort(maxima)
        expected, at_cutoff = self.expected_ec(maxima), self.expected_ec(cutoff)
        if at_cutoff <= 0 or (expected < 0).any():
            return nothing
        ratio = expected / at_cutoff
        q = np.append(np.nan, benjamini_hochberg(np.minimum(ratio, 1)))
        return q[np.searchsorted(maxima, tail_values(values, self.sided), side="right")]

    def cluster_log_p(self, cutoff: float, theory: ClusterTheory) -> ClusterLogP | None:
        """The p values of cluster sizes above a cutoff, as a function of size; None where there is no theory.

        ``fsl`` is that of a Gaussian field in three dimensions, for cutoffs above z = 1 (`fsl_cluster_log_p`); ``spm``
        that of the map's own field in one to three (`spm_cluster_log_p`).
        """
        if not np.isfinite(cutoff):
            return None
        if theory == "spm":
            if np.isnan(self.extent_rate(cutoff)) or self.expected_ec(cutoff) <= 0:
                return None
            return lambda n: self.spm_cluster_log_p(n, cutoff)
        z_cutoff = float(self.distribution.to_z(cutoff))
        if self.search.n_dims != 3 or z_cutoff <= 1:
            return None
        volume = self.tails * self.search.n_voxels
        return lambda n: fsl_cluster_log_p(n, z_cutoff, self.search.dlh, volume)

    def extent_rate(self, cutoff: float) -> float:
        """beta of SPM's cluster extents: P(extent >= k resels) = exp(-beta k^(2/D)), D dimensions.

        beta = (Gamma(D/2 + 1) rho_D / rho_0)^(2/D) at the height cutoff (Friston et al. 1994, Hum Brain Mapp 1:210),
        where rho_0 / rho_D is the expected extent of a cluster in resels. NaN where a density is not above 0: no theory
        so low.
        """
        density, n_dims = self.distribution.ec_densities(cutoff), self.search.n_dims
        if n_dims < 1 or density[n_dims] <= 0:
            return np.nan
        return float((np.exp(gammaln(n_dims / 2 + 1)) * density[n_dims] / density[0]) ** (2 / n_dims))

    def expected_extent(self, cutoff: float) -> float:
        """Expected extent of a cluster of noise above a cutoff, in resels: rho_0 / rho_D; NaN as in `extent_rate`."""
        density, n_dims = self.distribution.ec_densities(cutoff), self.search.n_dims
        return float(density[0] / density[n_dims]) if n_dims and density[n_dims] > 0 else np.nan

    def spm_cluster_log_p(self, n_voxels: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
        """Natural logarithms of the uncorrected and the family-wise p of cluster extents, as SPM's tables have them.

        uncorrected = exp(-beta k^(2/D)), k = voxels / voxels per resel; family-wise = 1 - exp(-E(cutoff) uncorrected).

        Parameters
        ----------
        n_voxels : (n,) array, sizes in voxels.
        cutoff : float, height that formed the clusters, in the units of the map.

        Returns
        -------
        uncorrected, family_wise : (n,) float64, at most 0; NaN where there is no theory (see `extent_rate`).
        """
        k = np.asarray(n_voxels, dtype=np.float64) / np.prod(self.search.fwhm)
        uncorrected = -self.extent_rate(cutoff) * k ** (2 / max(self.search.n_dims, 1))
        return uncorrected, _log_p_of_any(np.log(self.expected_ec(cutoff)) + uncorrected)


def random_field(distribution: Distribution, sided: Sided, search: SearchVolume | None) -> RandomField | None:
    """The field of a map; None where its smoothness is not known, or no theory is known for its statistic."""
    return RandomField(distribution, sided, search) if search and distribution.is_field and distribution.has_p else None


def fsl_cluster_log_p(
    n_voxels: np.ndarray, z_cutoff: float, dlh: float, volume: float
) -> tuple[np.ndarray, np.ndarray]:
    """Natural logarithms of the uncorrected and the family-wise p of cluster sizes, as FSL's `cluster` has them.

    uncorrected = exp(-beta n^(2/3)), family-wise = 1 - exp(-V rho uncorrected), where rho = dlh (2 pi)^-2 (z^2 - 1)
    exp(-z^2 / 2) clusters are expected per voxel and beta = (Gamma(5/2) rho / P(Z > z))^(2/3).

    FSL's `cluster` works in float32: it prints P = 0 below 1e-45 and P in steps of 6e-8 below 1e-5.
    From z = 8 it takes an approximation for large cutoffs, and from 13 an expected number of clusters of 0 (its
    `infer.cc`); here the formulas stand at every cutoff, so the p values differ from its own there. The formulas hold
    for a connected set of voxels above a high cutoff (2.3 or 3.1 in FSL; below about 2 the Euler characteristic no
    longer counts clusters), not for parts of one.

    Parameters
    ----------
    n_voxels : array of int, cluster sizes in voxels.
    z_cutoff : float, the cutoff that formed the clusters, as z.
    dlh : float, smoothness in voxels^-3 (FSL's DLH, or `search_volume.dlh_of`).
    volume : number of voxels that were searched, twice that where both tails were.

    Returns
    -------
    uncorrected, family_wise : as `n_voxels`, float64, at most 0; NaN where z_cutoff <= 1, for which there is no theory.
    """
    n_voxels = np.asarray(n_voxels, dtype=np.float64)
    if z_cutoff <= 1:
        return (np.full(n_voxels.shape, np.nan),) * 2
    log_density = np.log(dlh) - 2 * np.log(2 * np.pi) + np.log(z_cutoff**2 - 1) - z_cutoff**2 / 2
    beta = np.exp((gammaln(2.5) + log_density - log_ndtr(-z_cutoff)) * 2 / 3)
    uncorrected = -beta * n_voxels ** (2 / 3)
    return uncorrected, _log_p_of_any(np.log(volume) + log_density + uncorrected)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """q of each p value of a family, (n,) float64: the smallest false discovery rate at which it is significant."""
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    q = np.empty(p.size)
    q[order] = np.minimum.accumulate((p[order] * p.size / np.arange(1, p.size + 1))[::-1])[::-1]
    return np.minimum(q, 1)


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
    logs = np.asarray(log_p(sizes))
    if not logs.size or np.isnan(logs).any():
        return np.nan
    enough = np.flatnonzero(logs <= np.log(alpha))
    return float(sizes[enough[0]]) if enough.size else np.inf


def _log_p_of_any(log_expected):
    """ln p of at least one cluster, ln(1 - exp(-E)), from ln E, the expected number; p is E where that is small."""
    return np.where(log_expected < -36, log_expected, np.log(-np.expm1(-np.exp(np.maximum(log_expected, -36)))))
