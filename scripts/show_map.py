"""Rule show_map: the pages of one map: figures, tables and methods; slices to scroll through."""

from pathlib import Path

import numpy as np
import pandas as pd

from statmap.figures.colours import region_colours
from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json, writing
from statmap.io.images import read_map, read_raw
from statmap.io.log import log, logging_to
from statmap.tables.csv_files import read_table
from statmap.web.tables import page, section, table
from statmap.web.viewer import viewer_page


def main(
    image: str,
    mask: str,
    sidecar: str,
    thresholded_sidecars: list[str],
    labels: list[str],
    regions_sidecars: list[str],
    regions_tables: list[str],
    peaks_tables: list[str],
    template: str | None,
    map_id: str,
    variants: dict[str, dict],
    figures: list[str],
    pages: list[str],
) -> None:
    """Write the pages of one map.

    Parameters
    ----------
    image, mask, sidecar : from rule fetch_map.
    thresholded_sidecars, labels, regions_sidecars, regions_tables, peaks_tables : from the earlier rules, one each per
        variant.
    template : anatomical image in the space of the map, or None: the map's own outline is then the background.
    map_id : name.
    variants : id to all its keys.
    figures : names of the figures that every variant has.
    pages : HTML files to write, ``map.html`` or ``view.html``.
    """
    data, affine, _ = read_map(image, mask)
    found, parts, warnings = [], [], []
    for n, (name, keys) in enumerate(variants.items()):
        thresholded, extracted = read_json(thresholded_sidecars[n]), read_json(regions_sidecars[n])
        regions, peaks = read_table(regions_tables[n]), read_table(peaks_tables[n])
        colours = [colour for colour, _ in region_colours(len(regions))]
        warnings += [f"{name}: {warning}" for warning in extracted["Warnings"]]
        for heading, path, rows in (("regions", regions_tables[n], regions), ("peaks", peaks_tables[n], peaks)):
            swatches = [f'style="--colour:{colours[row["region"] - 1]}"' for row in rows]
            content = (
                table(rows, list(rows[0]), row_attributes=swatches, file=f"{heading}.csv")
                if rows
                else "<p>No region in this variant.</p>"
            )
            parts.append(section(f"{name}: {heading}", content, (path, f"{map_id}_{name}_{heading}.csv")))
        found.append(
            {
                "name": name,
                "rule": thresholded["Rule"],
                "sided": keys["sided"],
                "cutoff": cutoff_of(thresholded).value,
                "labels": read_raw(labels[n])[0].astype(np.int32),
                "regions": pd.DataFrame(regions),
            }
        )
    background = read_raw(template) if template else ((data != 0).astype(np.uint8) * 90, affine)
    write = {
        "map": lambda: page(map_id, "", warnings, parts),
        "view": lambda: viewer_page(map_id, data, affine, *background, found),
    }
    for path in pages:
        with writing(path) as temporary:
            temporary.write_text(write[Path(path).stem](), encoding="utf-8")
    log.info("map '%s': %d variants", map_id, len(variants))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "template": snakemake.input.template or None},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            figures=snakemake.params.figures,
            pages=snakemake.output.pages,
        )
