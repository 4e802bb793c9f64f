"""The columns that need the distribution of the map: p and z of peaks, true discovery proportion, cluster p values."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..io.files import UserError
from ..io.images import voxel_volume
from ..types import ClusterTheory, Connectivity, ExtractType, Sided, Signs, Stat
from .distribution import no_smoothness
from .random_field import (
    benjamini_hochberg,
    cluster_log_p,
    cluster_log_p_unc,
    dlh_of,
    extent_rate,
    peak_p_fwe,
    peak_q,
    smallest_extent,
    spm_cluster_log_p,
)
from .resels import noise_width, resel_counts
from .statistics import hommel_value, log_p, minus_log10, p_values, region_tdp, tail_values, tails_of, z_of

CLUSTER_COLUMNS = ("p_cluster", "log10_p_cluster", "p_cluster_unc", "q_cluster")


def has_distribution(stat, df):
    """Whether p values exist for a map: ``stat`` is z or log10p, or t or F with degrees of freedom."""
    return stat in ("z", "log10p") or (stat in ("t", "F") and df is not None)


class Search(NamedTuple):
    """The volume that was searched, and the noise in it.

    Attributes
    ----------
    n_voxels : int, voxels that were tested (column `search_voxels` of the sheet, or those of the family).
    n_dims : axes along which they extend over more than one voxel, 0 to 3.
    fwhm : (3,) float64, width of the noise in voxels, 1 along an axis of one voxel.
    resels : (4,) float64, `resels.resel_counts`.
    dlh : float, voxels^-3.
    """

    n_voxels: int
    n_dims: int
    fwhm: np.ndarray
    resels: np.ndarray
    dlh: float


def search_of(
    family: np.ndarray,
    affine: np.ndarray,
    fwhm_mm: list[float] | float | None,
    dlh: float | None,
    search_voxels: int | None = None,
) -> Search | None:
    """The search volume of a map, or None where nothing is known of its smoothness.

    Parameters
    ----------
    family : (i, j, k) bool, the voxels that were tested (`families.family_of`).
    affine : (4, 4) array.
    fwhm_mm, dlh : smoothness, mm and voxels^-3; widths come from `fwhm_mm`, FSL's cluster sizes from `dlh`, each
        from the other where it is not given.
    search_voxels : their number, where the sheet says it.
    """
    if not family.any():
        return None
    extended = [np.ptp(along) > 0 for along in np.nonzero(family)]
    fwhm = noise_width(fwhm_mm, dlh, affine, int(np.count_nonzero(extended)))
    if fwhm is None:
        return None
    fwhm = np.where(extended, fwhm, 1.0)
    dlh = dlh or dlh_of(fwhm_mm, voxel_volume(affine))
    n_voxels = search_voxels or int(np.count_nonzero(family))
    return Search(n_voxels, int(np.count_nonzero(extended)), fwhm, resel_counts(family, fwhm), dlh)


def search_entries(search: Search | None, source: str | None) -> dict:
    """A search volume as entries of a sidecar; `source` says where the smoothness came from."""
    if search is None:
        return {}
    return {
        "SmoothnessSource": source,
        "FWHMVoxels": search.fwhm.tolist(),
        "DLH": search.dlh,
        "Resels": search.resels.tolist(),
        "SearchVoxels": search.n_voxels,
        "SearchDimensions": search.n_dims,
    }


def search_from(sidecar: Mapping) -> Search | None:
    """The search volume back from the entries of a sidecar."""
    if "FWHMVoxels" not in sidecar:
        return None
    fwhm, resels = np.array(sidecar["FWHMVoxels"]), np.array(sidecar["Resels"])
    return Search(sidecar["SearchVoxels"], sidecar["SearchDimensions"], fwhm, resels, sidecar["DLH"])


def peak_fwe(values: np.ndarray, search: Search | None, stat: Stat, df, sided: Sided) -> np.ndarray:
    """Column `p_peak_fwe`: family-wise p of signed peak values (`random_field.peak_p_fwe`), (n,); NaN where unknown."""
    if search is None or not _is_field(stat, df):
        return np.full(len(values), np.nan)
    heights = tail_values(values, sided)
    return np.minimum(peak_p_fwe(heights, search.resels, search.n_voxels, stat, df, tails_of(stat, sided)), 1)


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
    found = []
    for sign in {"two": (1, -1), "positive": (1,), "negative": (-1,)}[sided]:
        height = np.where(suprathreshold & (data * sign > 0), data * sign, 0).astype(np.float64)
        top = (height > 0) & (height == maximum_filter(height, footprint=neighbours, mode="constant"))
        labels, n = label(top, structure=neighbours)
        first = np.unique(labels[top], return_index=True)[1] if n else np.zeros(0, int)
        found.append(height[top][first])
    return np.concatenate(found)


def peak_fdr(
    values: np.ndarray, maxima: np.ndarray, cutoff: float, search: Search | None, stat: Stat, df, sided: Sided
) -> np.ndarray:
    """Column `q_peak`: topological FDR of signed peak values (`random_field.peak_q`), (n,).

    A value that is no local maximum of the excursion gets the q of the next lower one. NaN where unknown.
    """
    if search is None or not _is_field(stat, df) or not np.isfinite(cutoff) or not maxima.size:
        return np.full(len(values), np.nan)
    maxima = np.sort(maxima)
    q = np.append(np.nan, peak_q(maxima, cutoff, search.resels, stat, df))
    return q[np.searchsorted(maxima, tail_values(values, sided), side="right")]


def excursion_sizes(data: np.ndarray, suprathreshold: np.ndarray, connectivity: Connectivity) -> np.ndarray:
    """Sizes in voxels of all connected components of the suprathreshold voxels, signs apart, before any size rule."""
    import cc3d

    signs = np.where(suprathreshold, np.where(data > 0, 1, 2), 0).astype(np.uint8)
    return np.bincount(cc3d.connected_components(signs, connectivity=connectivity).ravel())[1:]


def cluster_columns(
    n_voxels: np.ndarray,
    sizes: np.ndarray,
    cutoff: float,
    search: Search | None,
    *,
    theory: ClusterTheory,
    stat: Stat,
    df: float | tuple[float, float] | None,
    sided: Sided,
    signs: Signs,
    extract_type: ExtractType,
) -> dict[str, np.ndarray]:
    """Columns of a table of regions on the size of each, by random field theory.

    Parameters
    ----------
    n_voxels : (n,) int, sizes of the regions in the table.
    sizes : (m,) int, of all clusters above the cutoff (`excursion_sizes`), the family of `q_cluster`.
    cutoff : float, height that formed them, in the units of the map.
    search : `search_of`.
    theory : ``fsl``: Gaussian field, `dlh` (`random_field.cluster_log_p`); ``spm``: the field of the map itself, resels
        of the search volume (`random_field.spm_cluster_log_p`).
    stat, df, sided, signs, extract_type : of the map and the variant. Both tails searched double the number of clusters
        expected in noise.

    Returns
    -------
    dict : ``p_cluster`` (family-wise), ``log10_p_cluster`` (its -log10), ``p_cluster_unc``, ``q_cluster``, each (n,)
        float64; NaN unless all of this holds: the map is a field of z, t or F of known smoothness, the regions are
        whole connected components of one sign, the cutoff is above z = 1, and under ``fsl`` the search volume has
        three dimensions (a single slice has another theory).
    """
    nothing = {name: np.full(len(n_voxels), np.nan) for name in CLUSTER_COLUMNS}
    if search is None or not _is_field(stat, df) or not whole_clusters(extract_type, signs, sided):
        return nothing
    logs = cluster_logs(cutoff, search, theory=theory, stat=stat, df=df, sided=sided)
    if logs is None:
        return nothing
    uncorrected, corrected = logs(n_voxels)
    family = np.sort(sizes)
    q = np.append(np.nan, benjamini_hochberg(np.exp(logs(family)[0])))
    values = (
        np.exp(corrected),
        minus_log10(corrected),
        np.exp(uncorrected),
        q[np.searchsorted(family, n_voxels, "right")],
    )
    return dict(zip(CLUSTER_COLUMNS, values, strict=True))


def whole_clusters(extract_type: ExtractType, signs: Signs, sided: Sided) -> bool:
    """Whether regions are whole connected components of one sign, of which random field theory speaks."""
    return extract_type == "connected_components" and (signs == "split" or sided != "two")


def critical_extent(
    sizes: np.ndarray,
    cutoff: float,
    search: Search | None,
    *,
    cluster_p: float | None,
    cluster_q: float | None,
    cluster_theory: ClusterTheory,
    stat: Stat,
    df: float | tuple[float, float] | None,
    sided: Sided,
    name: str,
) -> int | None:
    """Fewest voxels of a cluster that is significant by its size.

    Parameters
    ----------
    sizes : (m,) int, of all clusters above the cutoff (`excursion_sizes`), the family of `cluster_q`.
    cutoff : float, height that formed them.
    search : `search_of`.
    cluster_p, cluster_q : largest family-wise p and largest q of a cluster that is kept, or None.
    cluster_theory, stat, df, sided : as in `cluster_columns`.
    name : what the map and the variant are called in the error.

    Returns
    -------
    int : at least 1, one more than the search volume (or the largest cluster) has where nothing is significant; None
        where neither is asked for, or nothing passed the cutoff.

    Raises
    ------
    UserError : no smoothness, no distribution, or a cutoff too low for the theory.
    """
    if cluster_p is None and cluster_q is None:
        return None
    asked = f"cluster_p: {cluster_p:g}" if cluster_p is not None else f"cluster_q: {cluster_q:g}"
    if search is None:
        raise no_smoothness(name, asked)
    if not len(sizes):
        return None
    logs = (
        cluster_logs(cutoff, search, theory=cluster_theory, stat=stat, df=df, sided=sided)
        if _is_field(stat, df)
        else None
    )
    if logs is None:
        raise UserError(
            f"{name}: {asked} has no theory for a cutoff of {cutoff:.4g} on a map of stat {stat} with df {df} in "
            f"{search.n_dims} dimensions; accepted: z, t or F with df, a cutoff above z = 1, and cluster_theory: spm "
            "for fewer than three dimensions"
        )
    critical = 1
    if cluster_p is not None:
        found = smallest_extent(lambda n: logs(n)[1], cluster_p, search.n_voxels)
        critical = int(min(found, search.n_voxels + 1))
    if cluster_q is not None:
        significant = sizes[benjamini_hochberg(np.exp(logs(sizes)[0])) <= cluster_q]
        critical = max(critical, int(significant.min(initial=sizes.max() + 1)))
    return critical


def cluster_logs(
    cutoff: float, search: Search, *, theory: ClusterTheory, stat: Stat, df, sided: Sided
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None:
    """Function from sizes in voxels to ln of the uncorrected and the family-wise p; None where there is no theory."""
    tails = tails_of(stat, sided)
    if not np.isfinite(cutoff):
        return None
    if theory == "spm":
        if np.isnan(extent_rate(cutoff, search.n_dims, stat, df)):
            return None
        return lambda n: spm_cluster_log_p(n, cutoff, search.resels, search.fwhm, search.n_dims, stat, df, tails)
    z_cutoff = float(z_of(cutoff, stat, df))
    if search.n_dims != 3 or z_cutoff <= 1:
        return None
    return lambda n: (
        cluster_log_p_unc(n, z_cutoff, search.dlh),
        cluster_log_p(n, z_cutoff, search.n_voxels, search.dlh, tails),
    )


def _is_field(stat, df):
    """Whether random field theory has densities for the map: z, or t or F with degrees of freedom."""
    return stat in ("z", "t", "F") and has_distribution(stat, df)


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
