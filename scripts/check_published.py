"""Rule check_published: the settings under which a published table follows from its map."""

from pathlib import Path

from statmap.figures.files import draw_figures
from statmap.figures.published import published_figure
from statmap.figures.units import units_of
from statmap.inference.families import family_of
from statmap.inference.thresholds import symbol_of
from statmap.io.files import read_json, write_json, writing
from statmap.io.images import read_map, read_written, voxel_volume
from statmap.io.log import log, logging_to
from statmap.published.readers import Published, read_published, size_conflict
from statmap.published.report import (
    ready_variant,
    row_curves,
    rows_table,
    settings_table,
    variant_yaml,
    verdict,
)
from statmap.published.reproduced import Reproduction, reproduce, sentence
from statmap.published.settings import find_settings
from statmap.tables.columns import ROWS, SETTINGS
from statmap.tables.csv_files import read_table, write_table
from statmap.web.check_page import check_page


def main(
    image: str,
    mask: str,
    sidecar: str,
    residuals: list[str],
    table: str,
    peaks: list[str],
    regions: list[str],
    map_id: str,
    table_id: str,
    asked: dict,
    smoothness: dict,
    settings: str,
    rows: str,
    variant: str,
    answer: str,
    page: str,
    figures: list[str],
) -> None:
    """Check one published table.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote.
    residuals : the 4D image of residuals that the sheet names, or nothing.
    table : the published table, see `published.readers`.
    peaks : the file of its sub-peaks, or nothing.
    regions : labels, sidecar and table of the regions of the variant that should give it, or nothing.
    map_id, table_id : names.
    asked : ``space`` of the table's coordinates and ``within_mm``, how far a peak may be from its place; the
        ``variant`` that should give it and the ``package`` that printed it; or None.
    smoothness : ``fwhm_mm``, ``dlh`` and ``search_voxels`` of the map's row of the sample sheet.
    settings, rows : CSV files to write: every candidate, best first; what became of each row under the best.
    variant : YAML to write, a config's ``variants`` that gives the table (an empty block where nothing does).
    answer : JSON to write: what came out, in a sentence.
    page : HTML file to write.
    figures : files to write, the figure in every format.
    """
    name = f"table '{table_id}' of map '{map_id}'"
    published = read_published(table, name, peaks[0] if peaks else None)
    if asked["space"]:
        published = published._replace(space=asked["space"].removesuffix("152"))
    data, affine, inside = read_map(image, mask, sidecar)
    fetched = read_json(sidecar)
    stat, df = fetched["Stat"], fetched["DF"]
    found = find_settings(published, data, affine, within_mm=asked["within_mm"])

    family, searched = family_of(data, inside, "mask"), None
    if smoothness["fwhm_mm"] or smoothness["dlh"] or residuals:
        from statmap.inference.smoothness import sheet_search

        searched, _ = sheet_search(data, affine, inside, residuals, stat=stat, df=df, name=name, **smoothness)(family)
    reproduction = None
    if regions:
        labels, sidecar_of_labels, table_of_regions = regions
        p_cluster = {row["region"]: row["p_cluster"] for row in read_table(table_of_regions)}
        drawn = read_written(labels, sidecar_of_labels)[0]
        reproduction = reproduce(published, data, affine, drawn, p_cluster, within_mm=asked["within_mm"])
    candidates = settings_table(published, found, data[family], stat=stat, df=df, searched=searched)
    of_rows = rows_table(published, found, affine)
    of_rows["variant_verdict"] = reproduction.verdicts if reproduction else ""
    for path, frame, columns in ((settings, candidates, SETTINGS), (rows, of_rows, ROWS)):
        names = {"map": [map_id] * len(frame), "table": [table_id] * len(frame)}
        write_table(path, names | {column: frame[column].tolist() for column in frame}, columns)

    said = " ".join(
        filter(None, [verdict(published, found, symbol_of(stat)), size_conflict(published, voxel_volume(affine))])
    )
    log.info("%s: %s", name, said)
    came_out = _answer(reproduction, published, said, map_id, table_id, asked)
    log.info("%s: %s", name, came_out["Sentence"])
    write_json(answer, came_out)
    said = f"{came_out['Sentence']} {said}" if reproduction else said
    best = found.candidates[0] if found.candidates else None
    ready = {} if best is None else {f"published-{table_id}": ready_variant(best, candidates["threshold"][0])}
    text = variant_yaml(ready)
    with writing(variant) as temporary:
        temporary.write_text(text, encoding="utf-8")
    interval, sided = None, "two"
    if best is not None:
        interval = best.low, best.high
        sided = best.sign if best.sign in ("positive", "negative") else "two"
    curves, units = row_curves(published, found), units_of(stat)
    title = f"{map_id}: table {table_id}"
    draw_figures({"check": lambda: published_figure(curves, interval, title, said, units, sided)}, figures)
    with writing(page) as temporary:
        unit = {"voxels": "voxels", "mm3": "mm³"}[published.size_unit]
        about = f"{Path(table).name}, read as the layout of {published.layout}; sizes in {unit}"
        temporary.write_text(
            check_page(title, about, said, read_table(settings), read_table(rows), settings, rows, text),
            encoding="utf-8",
        )


def _answer(
    reproduction: Reproduction | None, published: Published, said: str, map_id: str, table_id: str, asked: dict
) -> dict:
    """What came out, for those who read it next: under the variant that should give the table, or of the search."""
    if reproduction is None:
        return {"Map": map_id, "Table": table_id, "Sentence": f"Table '{table_id}' of '{map_id}': {said}"}
    return {
        "Map": map_id,
        "Table": table_id,
        "Sentence": sentence(reproduction, published, map_id, asked["variant"], asked["package"]),
        "Variant": asked["variant"],
        "Reproduced": reproduction.complete,
        "Rows": len(reproduction.verdicts),
        "RowsReproduced": reproduction.n_rows,
        "RegionsUnlisted": reproduction.unlisted,
    }


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            table_id=snakemake.wildcards.table,
            asked=snakemake.params.asked,
            smoothness=snakemake.params.smoothness,
            **snakemake.output,
        )
