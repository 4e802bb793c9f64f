"""The two tables of one variant: its regions, and their peaks."""

import numpy as np

from ..inference.region_statistics import cluster_p, peak_statistics, search_dims, true_discovery_proportions
from ..inference.thresholds import Cutoff, family_of
from ..regions.atlases import Atlas, overlap, peak_label, sample
from ..regions.measures import list_peaks, measure_regions
from ..regions.peaks import labelled_voxels
from ..stability.robustness import robustness
from ..types import Connectivity, Domain, ExtractType, Sided, Signs, SizeRule, Stat


def tables_of_variant(
    data: np.ndarray,
    affine: np.ndarray,
    inside: np.ndarray,
    labels: np.ndarray,
    cutoff: Cutoff,
    atlases: list[Atlas],
    *,
    stat: Stat,
    df: float | None,
    fwhm_mm: list[float] | None,
    dlh: float | None,
    sided: Sided,
    signs: Signs,
    extract_type: ExtractType,
    connectivity: Connectivity,
    min_region_size: float,
    size_rule: SizeRule,
    domain: Domain,
    min_peak_distance: float,
    max_peaks: int,
    tdp_alpha: float,
) -> tuple[dict, dict]:
    """Measure the regions of one variant and list their peaks.

    Parameters
    ----------
    data : (i, j, k) float array, finite, 0 outside the mask: the map.
    affine : (4, 4) array, voxel indices to mm.
    inside : (i, j, k) bool, the mask.
    labels : (i, j, k) int32, regions 1..n.
    cutoff : the variant's, resolved on the map.
    atlases : label images to name regions after.
    stat, df : distribution of the map, see `inference.statistics`.
    fwhm_mm, dlh : smoothness of the noise, see `inference.random_field`.
    sided, signs, extract_type, connectivity, size_rule, domain, max_peaks, tdp_alpha : keys of the variant.
    min_region_size : mm^3.
    min_peak_distance : mm.

    Returns
    -------
    regions, peaks : dict of column name to its values, the columns of regions.csv and of peaks.csv after ``cutoff``.
    """
    regions = measure_regions(data, labels, affine)
    regions["p_peak"], regions["log10_p_peak"], regions["z_peak"] = peak_statistics(
        regions["peak_value"], stat, df, sided
    )
    family = family_of(data, inside, domain)
    regions["tdp"] = true_discovery_proportions(data, labels, family, stat, df, sided, tdp_alpha)
    regions["p_cluster"], regions["log10_p_cluster"] = cluster_p(
        regions["n_voxels"],
        cutoff.value,
        affine,
        int(np.count_nonzero(family)),
        stat=stat,
        df=df,
        sided=sided,
        signs=signs,
        extract_type=extract_type,
        fwhm_mm=fwhm_mm,
        dlh=dlh,
        n_dims=search_dims(family),
    )
    regions["robust_low"], regions["robust_high"], regions["margin"] = robustness(
        data,
        affine,
        regions["sign"],
        np.column_stack([regions[name] for name in ("peak_i", "peak_j", "peak_k")]),
        cutoff,
        connectivity=connectivity,
        signs=signs,
        sided=sided,
        min_region_size=min_region_size,
        size_rule=size_rule,
    )

    peaks = list_peaks(data, labels, affine, min_peak_distance, max_peaks)
    peaks["p"], peaks["log10_p"], peaks["z_score"] = peak_statistics(peaks["value"], stat, df, sided)

    _, region, voxels = labelled_voxels(labels, data)
    for atlas in atlases:
        for table, names in ((regions, ("peak_i", "peak_j", "peak_k")), (peaks, ("i", "j", "k"))):
            ijk = np.column_stack([table[name] for name in names])
            found = sample(atlas.labels, atlas.affine, affine, ijk)
            table[f"{atlas.name}_peak"] = peak_label(found, atlas.names)
        covered = sample(atlas.labels, atlas.affine, affine, voxels)
        regions[f"{atlas.name}_overlap"] = overlap(region, covered, len(regions["region"]), atlas.names)
    return regions, peaks
