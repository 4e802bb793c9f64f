"""The two tables of one variant, its regions and their peaks, and what SPM prints below them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..inference.random_field import random_field
from ..inference.region_statistics import (
    cluster_columns,
    excursion_maxima,
    excursion_sizes,
    peak_fdr,
    peak_fwe,
    peak_statistics,
    true_discovery_proportions,
)
from ..inference.spm_footer import SpmFooter, spm_footer
from ..inference.thresholds import Thresholded, compared, suprathreshold_mask
from ..io.stat_map import StatMap
from ..regions.atlases import Atlas, label_peaks, overlap, sample
from ..regions.clusters import fewest_voxels
from ..regions.extract import Regions
from ..regions.measures import list_peaks, measure_regions
from ..regions.peaks import labelled_voxels
from ..rules import PeakRule
from ..stability.guaranteed import lowest_values
from ..stability.robustness import robustness

PEAK = ("peak_i", "peak_j", "peak_k")
REGION_P = ("p_peak", "log10_p_peak", "z_peak", "p_peak_fwe", "q_peak")
PEAK_P = ("p", "log10_p", "z_score", "p_fwe", "q")


class VariantTables(NamedTuple):
    """Tables of a variant, each a dict of column name to its values.

    Attributes
    ----------
    regions, peaks : the columns of regions.csv and of peaks.csv from ``cutoff`` on.
    footer : what SPM prints below its table; None unless clusters are whole, under SPM's theory, in a known field.
    """

    regions: dict[str, np.ndarray]
    peaks: dict[str, np.ndarray]
    footer: SpmFooter | None


def tables_of_variant(
    stat_map: StatMap,
    thresholded: Thresholded,
    regions: Regions,
    rule: PeakRule,
    atlases: Sequence[Atlas] = (),
    reported: np.ndarray | None = None,
) -> VariantTables:
    """Measure the regions of one variant and list their peaks.

    Parameters
    ----------
    stat_map, thresholded, regions : the map, its threshold, its regions.
    rule : which peaks are listed.
    atlases : label images to name regions after.
    reported : (i, j, k) float array, finite, whose values and peaks are reported in place of the map's; or None. The p
        values are the map's at those places.
    """
    data, affine, labels = stat_map.values, stat_map.affine, regions.labels
    values, connectivity = data if reported is None else reported, regions.rule.connectivity
    measured = measure_regions(data, labels, affine, connectivity)
    region_table = measured if reported is None else measure_regions(values, labels, affine, connectivity)
    peak_table = list_peaks(values, labels, affine, connectivity, rule)
    cutoffs = _cutoffs_of_regions(data, labels, thresholded)
    region_table = {"cutoff": cutoffs} | region_table
    peak_table = {"cutoff": cutoffs[peak_table["region"] - 1]} | peak_table

    footer = _add_statistics(region_table, peak_table, stat_map, thresholded, regions)
    interval = (np.full(len(cutoffs), np.nan),) * 3
    if not thresholded.cutoff.per_region:
        ijk = np.column_stack([measured[name] for name in PEAK])
        interval = robustness(stat_map, measured["sign"], ijk, thresholded.cutoff, regions.rule)
    region_table |= dict(zip(("robust_low", "robust_high", "margin"), interval, strict=True))

    _, region, voxels = labelled_voxels(labels, data)
    for atlas in atlases:
        label_peaks(region_table, [atlas], affine, PEAK)
        label_peaks(peak_table, [atlas], affine)
        covered = sample(atlas.labels, atlas.affine, affine, voxels)
        region_table[f"{atlas.name}_overlap"] = overlap(region, covered, len(cutoffs), atlas.names)
    return VariantTables(region_table, peak_table, footer)


def _add_statistics(region_table, peak_table, stat_map, thresholded, regions):
    """Add the columns that need the distribution of the map, in place; give the footer of SPM's table, or None."""
    data, labels, distribution = stat_map.values, regions.labels, stat_map.distribution
    cutoff, sided = thresholded.cutoff, thresholded.rule.sided
    field = random_field(distribution, sided, thresholded.search)
    per_region = cutoff.per_region
    suprathreshold = labels > 0 if per_region else suprathreshold_mask(data, cutoff, sided)
    maxima = excursion_maxima(data, suprathreshold, sided) if field and not per_region else np.zeros(0)
    for table, columns, place in ((region_table, REGION_P, PEAK), (peak_table, PEAK_P, "ijk")):
        height = data[tuple(table[name] for name in place)]
        p, log10_p, z = peak_statistics(height, distribution, sided)
        p_fwe, q = peak_fwe(height, field), peak_fdr(height, field, maxima, cutoff.value)
        if distribution.lacks_family:  # the p values of the map are corrected ones
            nothing = np.full(len(height), np.nan)
            p_fwe, q = (p, nothing) if distribution.corrected == "fwe" else (nothing, p)
            p = log10_p = z = nothing
        table.update(zip(columns, (p, log10_p, z, p_fwe, q), strict=True))
    domain, alpha = thresholded.rule.domain, thresholded.rule.tdp_alpha
    region_table["tdp"] = true_discovery_proportions(stat_map, labels, domain, sided, alpha)
    rule, of_clusters = regions.rule, field if regions.rule.whole_clusters else None
    sizes = excursion_sizes(data, suprathreshold, rule.connectivity) if field else np.zeros(0, int)
    height = np.inf if per_region else cutoff.value
    region_table |= cluster_columns(region_table["n_voxels"], of_clusters, sizes, height, rule.cluster_theory)
    if not of_clusters or rule.cluster_theory != "spm" or not np.isfinite(height):
        return None
    extent = fewest_voxels(stat_map.affine, rule.min_mm3, rule.size_rule)
    excursion = maxima, sizes, len(region_table["region"])
    return spm_footer(of_clusters, height, extent, excursion, stat_map.affine, compared(distribution, sided))


def _cutoffs_of_regions(data, labels, thresholded):
    """The cutoff of every region, (n,) float64: the variant's, or its own, that of the region's lowest voxel."""
    if thresholded.cutoff.per_region:
        return lowest_values(labels, data)
    return np.full(int(labels.max(initial=0)), thresholded.cutoff.value)
