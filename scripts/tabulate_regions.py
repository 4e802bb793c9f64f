"""Rule tabulate_regions: the table of regions and the table of peaks of one variant."""

import numpy as np
import pandas as pd

from statmap.inference.region_statistics import cluster_p, peak_statistics, true_discovery_proportions
from statmap.inference.thresholds import cutoff_of, domain_mask
from statmap.io.files import read_json
from statmap.io.images import read_map, read_raw
from statmap.io.log import log, logging_to
from statmap.regions.atlases import label_peaks, overlap, read_atlases, sample
from statmap.regions.peaks import labelled_voxels
from statmap.stability.tree import robustness
from statmap.tables.columns import PEAKS, REGIONS, atlas_columns, list_peaks, measure_regions, write_table


def main(
    image: str,
    mask: str,
    thresholded_sidecar: str,
    labels: str,
    atlases: list[str],
    atlas_labels: list[str],
    map_id: str,
    variant: str,
    spec: dict,
    regions: str,
    peaks: str,
) -> None:
    """Measure the regions of one variant.

    Parameters
    ----------
    image, mask : what rule fetch_map wrote.
    thresholded_sidecar : JSON from rule threshold_map, for the cutoff.
    labels : label image from rule extract_regions.
    atlases, atlas_labels : images and label tables, in the order of ``spec["atlases"]``.
    map_id, variant : names, the first columns of both tables.
    spec : the keys of the variant and of the map that the columns depend on, and ``atlases``, name to space.
    regions, peaks : the CSV files to write.
    """
    data, affine, inside = read_map(image, mask)
    cutoff = cutoff_of(read_json(thresholded_sidecar))
    region_labels = read_raw(labels)[0].astype(np.int32)
    stat, df, sided = spec["stat"], spec["df"], spec["sided"]

    table = measure_regions(data, region_labels, affine)
    table["p_peak"], table["log10_p_peak"], table["z_peak"] = peak_statistics(table["peak_value"], stat, df, sided)
    family = domain_mask(data, inside, spec["domain"])
    table["tdp"] = true_discovery_proportions(data, region_labels, family, stat, df, sided, spec["tdp_alpha"])
    table["p_cluster"], table["log10_p_cluster"] = cluster_p(
        table["n_voxels"], cutoff.value, affine, int(np.count_nonzero(inside)), spec
    )
    keys = ("connectivity", "signs", "sided", "min_region_size", "size_rule")
    interval = robustness(data, affine, table, cutoff, **{key: spec[key] for key in keys})
    table = pd.concat([table, interval], axis=1)

    peak_table = list_peaks(data, region_labels, affine, spec["min_peak_distance"], spec["max_peaks"])
    statistics = peak_statistics(peak_table["value"], stat, df, sided)
    peak_table["p"], peak_table["log10_p"], peak_table["z_score"] = statistics

    found_atlases = read_atlases(spec["atlases"], atlases, atlas_labels, map_id, spec["space"])
    _, region, voxels = labelled_voxels(region_labels, data)
    label_peaks(peak_table, found_atlases, affine)
    label_peaks(table, found_atlases, affine, ("peak_i", "peak_j", "peak_k"))
    for atlas in found_atlases:
        covered = sample(atlas.labels, atlas.affine, affine, voxels)
        table[f"{atlas.name}_overlap"] = overlap(region, covered, len(table), atlas.names)

    for path, found, columns, kind in ((regions, table, REGIONS, "regions"), (peaks, peak_table, PEAKS, "peaks")):
        found[["map", "variant", "cutoff"]] = map_id, variant, cutoff.value
        columns = columns | atlas_columns(spec["atlases"], kind)
        write_table(path, found[list(columns)], columns)
    log.info("map '%s', variant '%s': %d regions, %d peaks", map_id, variant, len(table), len(peak_table))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            variant=snakemake.wildcards.variant,
            spec=snakemake.params.spec,
            **snakemake.output,
        )
