"""Rule summarise: one row per map and variant, and where to look first."""

import csv

import pandas as pd

from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json
from statmap.io.log import log, logging_to
from statmap.tables.columns import SUMMARY, write_table


def main(
    thresholded: list[str],
    extracted: list[str],
    tables: list[str],
    pairs: list[tuple[str, str]],
    spec: dict,
    summary: str,
) -> None:
    """Gather what every variant of every map gave.

    Parameters
    ----------
    thresholded, extracted : JSON from rules threshold_map and extract_regions, one each per pair.
    tables : regions.csv, one per pair.
    pairs : map and variant ids.
    spec : ``variants``, id to the keys that the summary shows.
    summary : the CSV file to write.
    """
    rows = []
    for (map_id, variant), cut, divided, table in zip(pairs, thresholded, extracted, tables, strict=True):
        cut, divided = read_json(cut), read_json(divided)
        with open(table, encoding="utf-8", newline="") as stream:
            regions = list(csv.DictReader(stream))
        largest = regions[0] if regions else {}
        rows.append(
            {
                "map": map_id,
                "variant": variant,
                "cutoff": cutoff_of(cut).value,
                "rule": cut["Rule"],
                **spec["variants"][variant],
                "convention": spec["variants"][variant]["convention"] or "none",
                "min_region_size": float(spec["variants"][variant]["min_region_size"]),
                "domain": cut["Domain"] or "none",
                "n_domain": cut["DomainVoxels"] or 0,
                **divided["Ledger"],
                "n_regions": divided["Regions"],
                "volume_mm3": divided["Ledger"]["kept"] * divided["VoxelVolumeMM3"],
                "largest_mm3": float(largest.get("volume_mm3", 0)),
                **{f"largest_{axis}": float(largest.get(f"peak_{axis}", "nan")) for axis in "xyz"},
                "warning": divided["Warning"] or "none",
            }
        )
        if divided["Warning"]:
            log.warning("map '%s', variant '%s': %s", map_id, variant, divided["Warning"])
    write_table(summary, pd.DataFrame(rows, columns=list(SUMMARY)), SUMMARY)
    log.info("%d rows", len(rows))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(**snakemake.input, pairs=snakemake.params.pairs, spec=snakemake.params.spec, summary=snakemake.output[0])
