"""The numbers that SPM prints below its table, and the set level: random field theory of all that a variant found."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..io.sidecar import key_of

if TYPE_CHECKING:  # a page that shows the numbers computes none
    from .random_field import RandomField

LEVEL = 0.05  # of FWEp, FDRp, FWEc and FDRc


@dataclass(frozen=True, kw_only=True)
class SpmFooter:
    """The numbers below SPM's table (spm_list.m); None where there is no theory, or nothing reaches the level.

    Attributes
    ----------
    statistic : what is compared with the height, in symbols.
    height, p, p_fwe : height threshold, its uncorrected and its family-wise p.
    extent, extent_p, extent_p_fwe : extent threshold in voxels, 0 for none, then without p; its p at that height.
    voxels_per_cluster, expected_clusters : what noise has above both thresholds, <k> and <c>.
    height_fwe, height_fdr : FWEp, height of p FWE 0.05; FDRp, the lowest maximum that was found of q FDR 0.05 or less.
    extent_fwe, extent_fdr : FWEc and FDRc, voxels of the smallest cluster that was found of p FWE, q FDR 0.05 or less.
    df : degrees of freedom of effect and noise; None of z.
    fwhm_mm, fwhm_voxels : width of the noise along the voxel axes.
    voxel_mm, n_voxels, volume_mm3, resels, voxels_per_resel : of the search volume.
    set_c, set_p : clusters found, and the probability of that many or more in noise.
    """

    statistic: str
    height: float
    p: float
    p_fwe: float
    extent: int
    extent_p: float | None
    extent_p_fwe: float | None
    voxels_per_cluster: float | None
    expected_clusters: float | None
    height_fwe: float | None
    height_fdr: float | None
    extent_fwe: int | None
    extent_fdr: int | None
    df: list[float] | None
    fwhm_mm: list[float]
    fwhm_voxels: list[float]
    voxel_mm: list[float]
    n_voxels: int
    volume_mm3: float
    resels: float
    voxels_per_resel: float
    set_c: int
    set_p: float | None

    def entries(self) -> dict[str, Any]:
        """As entries of a sidecar, with digits that no processor's arithmetic changes."""
        return {key_of(member.name): _rounded(getattr(self, member.name)) for member in fields(self)}

    @classmethod
    def from_entries(cls, entries: Mapping[str, Any]) -> Self:
        """Back from the entries of a sidecar."""
        return cls(**{member.name: entries[key_of(member.name)] for member in fields(cls)})

    def lines(self) -> list[str]:
        """As SPM prints them, p with three digits: what is None is ``Inf`` among levels, else left out."""

        def widths(numbers):
            return " ".join(f"{number:.1f}" for number in numbers)

        of_extent = "" if self.extent_p is None else f", p = {self.extent_p:.3g} ({self.extent_p_fwe:.3g})"
        levels = f"FWEp: {_level(self.height_fwe, '.3f')}, FDRp: {_level(self.height_fdr, '.3f')}"
        if self.voxels_per_cluster is not None:
            levels += f", FWEc: {_level(self.extent_fwe, 'd')}, FDRc: {_level(self.extent_fdr, 'd')}"
        lines = {
            f"Height threshold: {self.statistic} = {self.height:.2f}, p = {self.p:.3g} ({self.p_fwe:.3g})": True,
            f"Extent threshold: k = {self.extent} voxels{of_extent}": True,
            f"Expected voxels per cluster, <k> = {_level(self.voxels_per_cluster, '.3f')}": self.voxels_per_cluster,
            f"Expected number of clusters, <c> = {_level(self.expected_clusters, '.2f')}": self.expected_clusters,
            levels: True,
            f"Degrees of freedom = [{', '.join(f'{df:.1f}' for df in self.df or [])}]": self.df,
            f"FWHM = {widths(self.fwhm_mm)} mm; {widths(self.fwhm_voxels)} voxels": True,
            f"Volume: {self.volume_mm3:.0f} mm³ = {self.n_voxels} voxels = {self.resels:.1f} resels": True,
            f"Voxel size: {widths(self.voxel_mm)} mm (resel = {self.voxels_per_resel:.2f} voxels)": True,
        }
        return [line for line, is_known in lines.items() if is_known]


def _rounded(value):
    if isinstance(value, list):
        return [_rounded(number) for number in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _level(number, form):
    return "Inf" if number is None else format(number, form)


def spm_footer(
    field: "RandomField",
    cutoff: float,
    extent: int,
    excursion: tuple[np.ndarray, np.ndarray, int],
    affine: np.ndarray,
    statistic: str,
) -> SpmFooter:
    """Compute the numbers below SPM's table.

    Parameters
    ----------
    field : the noise of the map; two tails double the number of clusters that it is expected to have.
    cutoff : height threshold, finite.
    extent : fewest voxels of a cluster in the table, 0 for no extent threshold.
    excursion : heights of all local maxima (m,) and sizes in voxels of all clusters (n,) above the cutoff, see
        `region_statistics`; number of clusters in the table.
    affine : (4, 4) array, voxel indices to mm.
    statistic : what is compared with the cutoff, in symbols.

    Notes
    -----
    The set level is 1 - Poisson(c - 1; <c>), <c> = E(cutoff) P(extent >= k) (Friston et al. 1996, NeuroImage 4:223;
    spm_P_RF.m).
    """
    from scipy.special import pdtrc

    from .random_field import benjamini_hochberg

    maxima, sizes, n_clusters = excursion
    search, distribution = field.search, field.distribution
    sign = -1 if field.sided == "negative" else 1
    expected, per_cluster = float(field.expected_ec(cutoff)), field.expected_extent(cutoff) * np.prod(search.fwhm)
    extent_p, extent_p_fwe = (float(np.exp(log_p[0])) for log_p in field.spm_cluster_log_p(np.array([extent]), cutoff))
    of_sizes = field.cluster_log_p(cutoff, "spm")
    uncorrected, corrected = of_sizes(sizes) if of_sizes else (np.full(len(sizes), np.nan),) * 2
    clusters = expected * (extent_p if extent else 1.0) if expected > 0 else np.nan
    df, dof = distribution.df, distribution.df_of_noise
    voxel_mm = np.linalg.norm(affine[:3, :3], axis=0)
    return SpmFooter(
        statistic=statistic.replace("−", "-"),
        height=cutoff,
        p=float(min(field.tails * np.exp(distribution.log_sf(cutoff)), 1)),
        p_fwe=float(field.p_fwe(np.array([sign * cutoff]))[0]),
        extent=extent,
        extent_p=_finite_or_none(extent_p) if extent else None,
        extent_p_fwe=_finite_or_none(extent_p_fwe) if extent else None,
        voxels_per_cluster=_finite_or_none(per_cluster),
        expected_clusters=_finite_or_none(clusters),
        height_fwe=_finite_or_none(field.cutoff_fwe(LEVEL)[0]),
        height_fdr=_finite_or_none(_lowest(maxima, field.q(sign * maxima, maxima, cutoff))),
        extent_fwe=_whole(_lowest(sizes, np.exp(corrected))),
        extent_fdr=_whole(_lowest(sizes, benjamini_hochberg(np.exp(uncorrected)))),
        df=None if dof is None else [float(part) for part in (df if isinstance(df, tuple) else (1, dof))],
        fwhm_mm=(search.fwhm * voxel_mm).tolist(),
        fwhm_voxels=search.fwhm.tolist(),
        voxel_mm=voxel_mm.tolist(),
        n_voxels=search.n_voxels,
        volume_mm3=float(search.n_voxels * abs(np.linalg.det(affine[:3, :3]))),
        resels=float(search.resels[search.n_dims]),
        voxels_per_resel=float(np.prod(search.fwhm)),
        set_c=n_clusters,
        set_p=_finite_or_none(pdtrc(n_clusters - 1, clusters)) if n_clusters else None,
    )


def _lowest(values, levels):
    """The lowest of the values whose p or q is at most the level, inf where none is."""
    return min(values[levels <= LEVEL].tolist(), default=np.inf)


def _finite_or_none(number):
    return float(number) if np.isfinite(number) else None


def _whole(number):
    return int(number) if np.isfinite(number) else None
