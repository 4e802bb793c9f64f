"""Rule show_tables: the regions and peaks of one variant as a page for the report."""

from statmap.figures.colours import region_colours
from statmap.io.files import read_json, writing
from statmap.io.log import log, logging_to
from statmap.web.tables import atlas_columns, page, read_rows, section, table

REGIONS = (
    "region",
    "sign",
    "volume_mm3",
    "n_voxels",
    "peak_value",
    "peak_x",
    "peak_y",
    "peak_z",
    "p_peak",
    "p_cluster",
)
ROBUST = ("tdp", "robust_low", "robust_high", "margin")
PEAKS = ("region", "peak", "value", "x", "y", "z", "p", "distance_mm")
NONE = "<p>No region in this variant.</p>"


def main(
    regions: str,
    peaks: str,
    thresholded_sidecar: str,
    regions_sidecar: str,
    map_id: str,
    variant: str,
    html: str,
) -> None:
    """Write the page of one variant.

    Parameters
    ----------
    regions, peaks : CSV from rule tabulate_regions.
    thresholded_sidecar, regions_sidecar : JSON from rules threshold_map and extract_regions, for threshold and ledger.
    map_id, variant : names.
    html : the page to write.
    """
    region_rows, peak_rows, divided = read_rows(regions), read_rows(peaks), read_json(regions_sidecar)
    ledger, found = divided["Ledger"], "1 region" if len(region_rows) == 1 else f"{len(region_rows)} regions"
    colours = [colour for colour, _ in region_colours(len(region_rows))]
    parts = []
    for name, path, rows, columns in (
        ("regions", regions, region_rows, (*REGIONS, *ROBUST)),
        ("peaks", peaks, peak_rows, PEAKS),
    ):
        columns = [*columns, *atlas_columns(rows[0] if rows else ())]
        swatches = [f'style="--colour:{colours[row["region"] - 1]}"' for row in rows]
        content = table(rows, columns, row_attributes=swatches) if rows else NONE
        parts.append(section(name.capitalize(), content, (path, f"{map_id}_{variant}_{name}.csv")))
    text = page(
        f"{map_id} · {variant}",
        f"{read_json(thresholded_sidecar)['Rule']} · {ledger['survivors']:,} survivors: {ledger['kept']:,} in {found}, "
        f"{ledger['too_small']:,} too small, {ledger['unseeded']:,} unseeded, {ledger['isolated']:,} isolated",
        [divided["Warning"]] if divided["Warning"] else [],
        parts,
    )
    with writing(html) as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info("map '%s', variant '%s': %d regions, %d peaks", map_id, variant, len(region_rows), len(peak_rows))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            variant=snakemake.wildcards.variant,
            html=snakemake.output[0],
        )
