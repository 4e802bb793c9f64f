"""Rule check_published: the settings under which a published table follows from its map."""

from pathlib import Path

from statmap.figures.files import draw_figures
from statmap.figures.published import published_figure
from statmap.figures.units import units_of
from statmap.inference.families import family_of
from statmap.inference.thresholds import symbol_of
from statmap.io.files import read_json, writing
from statmap.io.images import read_map
from statmap.io.log import log, logging_to
from statmap.published.readers import read_published
from statmap.published.report import (
    ready_variant,
    row_curves,
    rows_table,
    settings_table,
    variant_yaml,
    verdict,
)
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
    map_id: str,
    table_id: str,
    asked: dict,
    smoothness: dict,
    settings: str,
    rows: str,
    variant: str,
    page: str,
    figures: list[str],
) -> None:
    """Check one published table.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote.
    residuals : the 4D image of residuals that the sheet names, or nothing.
    table : the published table, see `published.readers`.
    map_id, table_id : names.
    asked : ``space`` of the table's coordinates and ``within_mm``, how far a peak may be from its place; or None.
    smoothness : ``fwhm_mm``, ``dlh`` and ``search_voxels`` of the map's row of the sample sheet.
    settings, rows : CSV files to write: every candidate, best first; what became of each row under the best.
    variant : YAML to write, a config's ``variants`` that gives the table (an empty block where nothing does).
    page : HTML file to write.
    figures : files to write, the figure in every format.
    """
    name = f"table '{table_id}' of map '{map_id}'"
    published = read_published(table, name)
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
    candidates = settings_table(published, found, data[family], stat=stat, df=df, searched=searched)
    for path, frame, columns in (
        (settings, candidates, SETTINGS),
        (rows, rows_table(published, found, affine), ROWS),
    ):
        names = {"map": [map_id] * len(frame), "table": [table_id] * len(frame)}
        write_table(path, names | {column: frame[column].tolist() for column in frame}, columns)

    said = verdict(published, found, symbol_of(stat))
    log.info("%s: %s", name, said)
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


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "residuals": snakemake.params.residuals},
            map_id=snakemake.wildcards.map,
            table_id=snakemake.wildcards.table,
            asked=snakemake.params.asked,
            smoothness=snakemake.params.smoothness,
            **snakemake.output,
        )
