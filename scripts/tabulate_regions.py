"""Rule tabulate_regions: the table of regions and the table of peaks of every variant."""

import numpy as np

from statmap.inference.region_statistics import search_from
from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json, write_json
from statmap.io.images import extent_of, read_map, read_on_grid, read_written
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by
from statmap.regions.atlases import read_atlases
from statmap.tables.columns import with_added
from statmap.tables.csv_files import write_table
from statmap.tables.of_variant import tables_of_variant


def main(
    image: str,
    mask: str,
    sidecar: str,
    values: list[str],
    thresholded_sidecars: list[str],
    labels: list[str],
    regions_sidecars: list[str],
    atlases: list[str],
    atlas_sidecars: list[str],
    atlas_labels: list[str],
    map_id: str,
    variants: dict[str, dict],
    atlas_spaces: dict[str, str | None],
    regions: list[str],
    peaks: list[str],
    tables_sidecar: str,
) -> None:
    """Measure the regions of every variant of one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote.
    values : the image that the sheet names to report values of, or nothing.
    thresholded_sidecars : JSON from rule threshold_map, for the cutoffs and the search volume, one per variant.
    labels, regions_sidecars : label images from rule extract_regions and their JSON, for the extent threshold.
    atlases, atlas_sidecars, atlas_labels : images and their JSON from rule fetch_atlas, and label tables, in the order
        of `atlas_spaces`.
    map_id : name, the first column of the tables.
    variants : id to the keys that its columns depend on, see `tables_of_variant`.
    atlas_spaces : atlas name to its declared space.
    regions, peaks : the CSV files to write, one per variant.
    tables_sidecar : JSON to write, how they were made and what to be careful about.
    """
    data, affine, inside = read_map(image, mask, sidecar)
    fetched = read_json(sidecar)
    stat, df = fetched["Stat"], fetched["DF"]
    found_atlases, warnings = read_atlases(
        atlas_spaces, atlases, atlas_sidecars, atlas_labels, map_id, fetched["Space"], extent_of(data != 0, affine)
    )
    reported = None
    if values:
        reported, doubts = read_on_grid(values[0], data.shape, affine, f"values of map '{map_id}'")
        warnings += doubts
    for warning in warnings:
        log.warning("%s", warning)
    columns = {file: with_added(file, atlas=atlas_spaces) for file in ("regions.csv", "peaks.csv")}
    paths = zip(variants.items(), thresholded_sidecars, labels, regions_sidecars, regions, peaks, strict=True)
    for (variant, keys), thresholded_sidecar, label_image, regions_sidecar, regions_path, peaks_path in paths:
        cut, extracted = read_json(thresholded_sidecar), read_json(regions_sidecar)
        cutoff = cutoff_of(cut)
        region_labels = read_written(label_image, regions_sidecar)[0].astype(np.int32)
        tables = tables_of_variant(
            data,
            affine,
            inside,
            region_labels,
            cutoff,
            found_atlases,
            values=reported,
            search=search_from(cut),
            stat=stat,
            df=df,
            min_region_size=extracted["MinRegionSizeMM3"],
            size_rule=extracted["SizeRule"],
            **keys,
        )
        for path, table in zip((regions_path, peaks_path), tables, strict=True):
            n_rows = len(table["region"])
            names = {"map": [map_id] * n_rows, "variant": [variant] * n_rows}
            file = path.rpartition("/")[2]
            write_table(path, names | table, columns[file])
        log.info("map '%s', variant '%s': %d regions, %d peaks", map_id, variant, *(len(t["region"]) for t in tables))
    write_json(
        tables_sidecar,
        {
            "Description": f"Tables of regions and peaks of map '{map_id}'",
            "GeneratedBy": generated_by("tabulate_regions", ("numpy", "scipy", "nibabel")),
            "Sources": [image, *atlases, *values],
            "SourceSHA256": fetched["SHA256"],
            "Parameters": variants,
            "Atlases": [atlas.name for atlas in found_atlases if atlas.labels.any()],
            "Warnings": warnings,
        },
    )


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "values": snakemake.params.values},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            atlas_spaces=snakemake.params.atlas_spaces,
            **snakemake.output,
        )
