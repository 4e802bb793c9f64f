"""The columns that need the distribution of the map: p and z of peaks, true discovery proportion, cluster p values."""

from functools import lru_cache

import numpy as np

from ..distributions import Distribution
from ..io.files import UserError
from ..io.stat_map import StatMap
from ..rules import RegionRule
from ..types import ClusterTheory, Connectivity, Domain, Sided
from .families import family_of
from .needs import no_smoothness
from .random_field import RandomField, benjamini_hochberg, random_field, smallest_extent
from .search_volume import SearchVolume
from .statistics import hommel_value, minus_log10, region_tdp

CLUSTER_COLUMNS = ("p_cluster", "log10_p_cluster", "p_cluster_unc", "q_cluster")


def excursion_maxima(data: np.ndarray, suprathreshold: np.ndarray, sided: Sided) -> np.ndarray:
    """Heights of all local maxima of the suprathreshold voxels, (n,) float64, large means significant.

    A maximum has no higher one among its 18 neighbours of the same sign (SPM's); touching equal ones count once.

    Parameters
    ----------
    data : (i, j, k) float array, finite.
    suprathreshold : (i, j, k) bool, the voxels above the cutoff, before any size rule.
    """
    from scipy.ndimage import generate_binary_structure, label, maximum_filter

    neighbours = generate_binary_structure(3, 2)
    heights = []
    for sign in {"two": (1, -1), "positive": (1,), "negative": (-1,)}[sided]:
        height = np.where(suprathreshold & (data * sign > 0), data * sign, 0).astype(np.float64)
        top = (height > 0) & (height == maximum_filter(height, footprint=neighbours, mode="constant"))
        labels, n = label(top, structure=neighbours)
        first = np.unique(labels[top], return_index=True)[1] if n else np.zeros(0, int)
        heights.append(height[top][first])
    return np.concatenate(heights)


def excursion_sizes(data: np.ndarray, suprathreshold: np.ndarray, connectivity: Connectivity) -> np.ndarray:
    """Sizes in voxels of all connected components of the suprathreshold voxels, signs apart, before any size rule."""
    import cc3d

    signs = np.where(suprathreshold, np.where(data > 0, 1, 2), 0).astype(np.uint8)
    return np.bincount(cc3d.connected_components(signs, connectivity=connectivity).ravel())[1:]


def peak_statistics(values: np.ndarray, distribution: Distribution, sided: Sided) -> tuple[np.ndarray, ...]:
    """p, -log10 p and z of peak values, three (n,) arrays; NaN on a map without a distribution."""
    if not distribution.has_p:
        return (np.full(len(values), np.nan),) * 3
    log_p = distribution.log_p(values, sided)
    return np.exp(log_p), minus_log10(log_p), distribution.to_z(values)


def peak_fwe(values: np.ndarray, field: RandomField | None) -> np.ndarray:
    """Family-wise p of signed peak values (`RandomField.p_fwe`), (n,); NaN where no field is known."""
    return np.full(len(values), np.nan) if field is None else field.p_fwe(values)


def peak_fdr(values: np.ndarray, field: RandomField | None, maxima: np.ndarray, cutoff: float) -> np.ndarray:
    """Topological FDR of signed peak values (`RandomField.q`), (n,); NaN where no field is known."""
    return np.full(len(values), np.nan) if field is None else field.q(values, maxima, cutoff)


def cluster_columns(
    n_voxels: np.ndarray, field: RandomField | None, sizes: np.ndarray, cutoff: float, theory: ClusterTheory
) -> dict[str, np.ndarray]:
    """Columns of a table of regions on the size of each, by random field theory.

    Parameters
    ----------
    n_voxels : (n,) int, sizes of the regions in the table.
    field : of the map; None where none is known, or regions are not whole connected components of one sign.
    sizes : (m,) int, of all clusters above the cutoff (`excursion_sizes`), the family of `q_cluster`.
    cutoff : float, height that formed them, in the units of the map.
    theory : ``fsl`` or ``spm``, see `RandomField.cluster_log_p`.

    Returns
    -------
    dict : ``p_cluster`` (family-wise), ``log10_p_cluster`` (its -log10), ``p_cluster_unc``, ``q_cluster``, each (n,)
        float64; NaN where there is no field, or the theory has no answer at this cutoff.
    """
    log_p = field.cluster_log_p(cutoff, theory) if field else None
    if log_p is None:
        return {name: np.full(len(n_voxels), np.nan) for name in CLUSTER_COLUMNS}
    uncorrected, corrected = log_p(n_voxels)
    family = np.sort(sizes)
    q = np.append(np.nan, benjamini_hochberg(np.exp(log_p(family)[0])))
    values = (
        np.exp(corrected),
        minus_log10(corrected),
        np.exp(uncorrected),
        q[np.searchsorted(family, n_voxels, "right")],
    )
    return dict(zip(CLUSTER_COLUMNS, values, strict=True))


def critical_extent(
    sizes: np.ndarray,
    cutoff: float,
    search: SearchVolume | None,
    rule: RegionRule,
    distribution: Distribution,
    name: str,
) -> int | None:
    """Fewest voxels of a cluster that is significant by its size.

    Parameters
    ----------
    sizes : (m,) int, of all clusters above the cutoff (`excursion_sizes`), the family of `cluster_q`.
    cutoff : float, height that formed them.
    search : what was searched, or None.
    rule : of the variant: largest family-wise p and largest q of a cluster that is kept, and by which theory.
    distribution : of the map.
    name : what the map and the variant are called in the error.

    Returns
    -------
    int : at least 1, more than the search volume and the largest cluster have where nothing is significant; None
        where neither is asked for, or nothing passed the cutoff.

    Raises
    ------
    UserError : no smoothness, no distribution, or a cutoff too low for the theory.
    """
    if rule.by_significance is None:
        return None
    if search is None:
        raise no_smoothness(name, rule.by_significance)
    if not len(sizes):
        return None
    field = random_field(distribution, rule.sided, search)
    log_p = field.cluster_log_p(cutoff, rule.cluster_theory) if field else None
    if log_p is None:
        raise UserError(
            f"{name}: {rule.by_significance} has no theory for a cutoff of {cutoff:.4g} on a map of stat "
            f"{distribution.stat} with df {distribution.df} in {search.n_dims} dimensions; accepted: z, t or F with "
            "df, a cutoff above z = 1, and cluster_theory: spm for fewer than three dimensions"
        )
    critical = 1
    if rule.cluster_p is not None:
        most = max(search.n_voxels, int(sizes.max()))  # a sheet may give fewer voxels than a cluster has
        critical = int(min(smallest_extent(lambda n: log_p(n)[1], rule.cluster_p, most), most + 1))
    if rule.cluster_q is not None:
        significant = sizes[benjamini_hochberg(np.exp(log_p(sizes)[0])) <= rule.cluster_q]
        critical = max(critical, int(significant.min(initial=sizes.max() + 1)))
    return critical


def true_discovery_proportions(
    stat_map: StatMap, labels: np.ndarray, domain: Domain, sided: Sided, alpha: float
) -> np.ndarray:
    """Lower bound of the active share of every region (`statistics.region_tdp`), (n,) array; NaN without p values.

    Parameters
    ----------
    stat_map : the map.
    labels : (i, j, k) int32, regions 1..n.
    domain, sided, alpha : of the variant: the tests, and one minus the confidence.
    """
    n_regions, family = int(labels.max(initial=0)), family_of(stat_map, domain)
    if stat_map.lacks_family or not stat_map.distribution.has_p or not family.any():
        return np.full(n_regions, np.nan)
    inside = family & (labels > 0)
    p = stat_map.distribution.p(stat_map.values[inside], sided)
    return region_tdp(p, labels[inside], n_regions, _hommel_of(stat_map, domain, sided, alpha), alpha)


@lru_cache(maxsize=8)  # of the variants of a map, most ask for the same
def _hommel_of(stat_map: StatMap, domain: Domain, sided: Sided, alpha: float) -> int:
    family = family_of(stat_map, domain)
    return hommel_value(stat_map.distribution.p(stat_map.values[family], sided), alpha)
