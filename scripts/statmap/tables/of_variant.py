"""The two tables of one variant: its regions, and their peaks."""

import numpy as np

from ..inference.families import family_of
from ..inference.region_statistics import (
    Search,
    cluster_columns,
    excursion_maxima,
    excursion_sizes,
    peak_fdr,
    peak_fwe,
    peak_statistics,
    true_discovery_proportions,
)
from ..inference.thresholds import Cutoff, suprathreshold_mask
from ..regions.atlases import Atlas, label_peaks, overlap, sample
from ..regions.measures import list_peaks, measure_regions
from ..regions.peaks import labelled_voxels
from ..stability.robustness import robustness
from ..types import ClusterTheory, Connectivity, Domain, ExtractType, PeakDistanceRule, Sided, Signs, SizeRule, Stat


def tables_of_variant(
    data: np.ndarray,
    affine: np.ndarray,
    inside: np.ndarray,
    labels: np.ndarray,
    cutoff: Cutoff,
    atlases: list[Atlas],
    *,
    values: np.ndarray | None,
    search: Search | None,
    stat: Stat,
    df: float | tuple[float, float] | None,
    sided: Sided,
    signs: Signs,
    extract_type: ExtractType,
    connectivity: Connectivity,
    min_region_size: float,
    size_rule: SizeRule,
    cluster_theory: ClusterTheory,
    domain: Domain,
    min_peak_distance: float,
    peak_distance_rule: PeakDistanceRule,
    peak_neighbours: Connectivity,
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
    values : (i, j, k) float array, finite, whose values and peaks are reported in place of the map's; or None. The p
        values are the map's at those places.
    search : `region_statistics.search_of`, None where no smoothness is known.
    stat, df : distribution of the map, see `inference.statistics`.
    sided, signs, extract_type, connectivity, size_rule, cluster_theory, domain, peak_distance_rule, peak_neighbours,
        max_peaks, tdp_alpha : keys of the variant.
    min_region_size : mm^3.
    min_peak_distance : mm.

    Returns
    -------
    regions, peaks : dict of column name to its values, the columns of regions.csv and of peaks.csv from ``cutoff`` on.
    """
    shown = data if values is None else values
    own = measure_regions(data, labels, affine)
    regions = own if values is None else measure_regions(values, labels, affine)
    peaks = list_peaks(shown, labels, affine, min_peak_distance, max_peaks, peak_distance_rule, peak_neighbours)
    own_cutoffs = _own_cutoffs(data, labels, cutoff)
    regions, peaks = {"cutoff": own_cutoffs} | regions, {"cutoff": own_cutoffs[peaks["region"] - 1]} | peaks

    family = family_of(data, inside, domain)
    suprathreshold = labels > 0 if cutoff.kind == "tdp" else suprathreshold_mask(data, cutoff, sided)
    maxima = excursion_maxima(data, suprathreshold, sided) if search and cutoff.kind != "tdp" else np.zeros(0)
    height = data[tuple(regions[name] for name in PEAK)], data[tuple(peaks[name] for name in "ijk")]
    for table, columns, at_peak in ((regions, REGION_P, height[0]), (peaks, PEAK_P, height[1])):
        given = (
            *peak_statistics(at_peak, stat, df, sided),
            peak_fwe(at_peak, search, stat, df, sided),
            peak_fdr(at_peak, maxima, cutoff.value, search, stat, df, sided),
        )
        table.update(zip(columns, given, strict=True))
    regions["tdp"] = true_discovery_proportions(data, labels, family, stat, df, sided, tdp_alpha)
    regions |= cluster_columns(
        regions["n_voxels"],
        excursion_sizes(data, suprathreshold, connectivity) if search else np.zeros(0, int),
        np.inf if cutoff.kind == "tdp" else cutoff.value,
        search,
        theory=cluster_theory,
        stat=stat,
        df=df,
        sided=sided,
        signs=signs,
        extract_type=extract_type,
    )
    interval = (np.full(len(own["region"]), np.nan),) * 3
    if cutoff.kind != "tdp":
        interval = robustness(
            data,
            affine,
            own["sign"],
            np.column_stack([own[name] for name in PEAK]),
            cutoff,
            connectivity=connectivity,
            signs=signs,
            sided=sided,
            min_region_size=min_region_size,
            size_rule=size_rule,
        )
    regions["robust_low"], regions["robust_high"], regions["margin"] = interval

    _, region, voxels = labelled_voxels(labels, data)
    for atlas in atlases:
        label_peaks(regions, [atlas], affine, PEAK)
        label_peaks(peaks, [atlas], affine)
        covered = sample(atlas.labels, atlas.affine, affine, voxels)
        regions[f"{atlas.name}_overlap"] = overlap(region, covered, len(regions["region"]), atlas.names)
    return regions, peaks


PEAK = ("peak_i", "peak_j", "peak_k")
REGION_P = ("p_peak", "log10_p_peak", "z_peak", "p_peak_fwe", "q_peak")
PEAK_P = ("p", "log10_p", "z_score", "p_fwe", "q")


def _own_cutoffs(data: np.ndarray, labels: np.ndarray, cutoff: Cutoff) -> np.ndarray:
    """The cutoff of every region, (n,) float64: the variant's; with ``tdp`` the value of the region's lowest voxel."""
    n_regions = int(labels.max(initial=0))
    if cutoff.kind != "tdp":
        return np.full(n_regions, cutoff.value)
    lowest = np.full(n_regions + 1, np.inf)
    np.minimum.at(lowest, labels.ravel(), np.abs(data).ravel().astype(np.float64))
    return lowest[1:]
