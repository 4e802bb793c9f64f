"""Rule check_published: the settings under which a published table follows from its map."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from statmap.figures.files import draw_figures
from statmap.figures.published import published_figure
from statmap.figures.style import FigureStyle
from statmap.grid import decimals_of, voxel_volume
from statmap.inference.families import family_of
from statmap.inference.search_volume import search_volumes
from statmap.io.files import write_json, writing
from statmap.io.images import read_written
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapFiles, StatMap
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
from statmap.rules import Smoothness
from statmap.tables.columns import ROWS, SETTINGS
from statmap.tables.csv_files import read_table, write_table
from statmap.web.check_page import check_page


class PrintedTable(NamedTuple):
    """A published table and what the config says of it.

    Attributes
    ----------
    path : the file, see `published.readers`.
    peaks : the file of its sub-peaks, or None.
    space : of its coordinates, or None for what it says itself.
    within_mm : how far a peak may be from its place, or None.
    variant : that should give it, or None.
    package : that printed it, or None.
    """

    path: str
    peaks: str | None
    space: str | None
    within_mm: float | None
    variant: str | None
    package: str | None


def main(
    map_id: str,
    table_id: str,
    files: MapFiles,
    table: PrintedTable,
    regions: Mapping[str, Path],
    smoothness: Smoothness,
    style: FigureStyle,
    outputs: Mapping[str, Path],
) -> None:
    """Check one published table.

    Parameters
    ----------
    map_id, table_id : names.
    files : what rule fetch_map wrote.
    table : the published table.
    regions : ``regions.nii.gz``, ``regions.json`` and ``regions.csv`` of the variant that should give it, or nothing.
    smoothness : of the map's row of the sample sheet.
    style : of the figure.
    outputs : ``settings.csv``, every candidate, best first; ``rows.csv``, each row under the best;
        ``variant.yaml``, a config's ``variants`` that gives the table (an empty block where nothing does);
        ``check.json``, the result in a sentence; ``check.html``; ``check.png`` and the figure's other formats.
    """
    name = f"table '{table_id}' of map '{map_id}'"
    published = read_published(table.path, name, table.peaks)
    if table.space:
        published = published._replace(space=table.space.removesuffix("152"))
    stat_map = StatMap.read(map_id, files)
    search = find_settings(published, stat_map.values, stat_map.affine, within_mm=table.within_mm)
    candidates = settings_table(
        published, search, stat_map, search_volumes(stat_map, smoothness, name)(family_of(stat_map, "mask"))
    )
    decimals = decimals_of(stat_map.affine)
    reproduction = _reproduce(published, stat_map, regions, table.within_mm) if regions else None
    rows = rows_table(published, search, stat_map.affine)
    rows["variant_verdict"] = reproduction.verdicts if reproduction else ""
    for file, frame, columns in (("settings.csv", candidates, SETTINGS), ("rows.csv", rows, ROWS)):
        names = {"map": [map_id] * len(frame), "table": [table_id] * len(frame)}
        write_table(outputs[file], names | {column: frame[column].tolist() for column in frame}, columns, decimals)

    conflict = size_conflict(published, voxel_volume(stat_map.affine))
    verdicts = verdict(published, search, stat_map.distribution.symbol), conflict
    answer = " ".join(filter(None, verdicts))
    log.info("%s: %s", name, answer)
    outcome = _outcome(reproduction, published, answer, table, {"Map": map_id, "Table": table_id})
    log.info("%s: %s", name, outcome["Sentence"])
    write_json(outputs["check.json"], outcome)
    answer = f"{outcome['Sentence']} {answer}" if reproduction else answer
    best = search.candidates[0] if search.candidates else None
    ready = {} if best is None else {f"published-{table_id}": ready_variant(best, candidates["threshold"][0])}
    text = variant_yaml(ready)
    with writing(outputs["variant.yaml"]) as temporary:
        temporary.write_text(text, encoding="utf-8")
    interval, sided = None, "two"
    if best is not None:
        interval = best.low, best.high
        sided = best.sign if best.sign in ("positive", "negative") else "two"
    title, units = f"{map_id}: table {table_id}", stat_map.distribution.units
    figure = partial(published_figure, row_curves(published, search), interval, title, answer, units, sided, style)
    draw_figures({"check": figure}, [path for file, path in outputs.items() if file in FIGURES])
    unit = {"voxels": "voxels", "mm3": "mm³"}[published.size_unit]
    about = f"{Path(table.path).name}, read as the layout of {published.layout}; sizes in {unit}"
    tables = {file: (outputs[file], read_table(outputs[file])) for file in ("settings.csv", "rows.csv")}
    with writing(outputs["check.html"]) as temporary:
        temporary.write_text(check_page(title, about, answer, tables, text, outputs["check.png"]), encoding="utf-8")


FIGURES = ("check.png", "check.svg", "check.pdf", "check.txt")


def _reproduce(published, stat_map, regions, within_mm):
    """The table compared with the regions of the variant that should give it."""
    p_cluster = {row["region"]: row["p_cluster"] for row in read_table(regions["regions.csv"])}
    labels, _ = read_written(regions["regions.nii.gz"], regions["regions.json"])
    return reproduce(published, stat_map.values, stat_map.affine, labels, p_cluster, within_mm=within_mm)


def _outcome(
    reproduction: Reproduction | None, published: Published, answer: str, table: PrintedTable, ids: dict[str, str]
) -> dict:
    """The content of ``check.json``: the result under the variant that should give the table, else of the search."""
    if reproduction is None:
        return ids | {"Sentence": f"Table '{ids['Table']}' of '{ids['Map']}': {answer}"}
    return ids | {
        "Sentence": sentence(reproduction, published, ids["Map"], table.variant, table.package),
        "Variant": table.variant,
        "Reproduced": reproduction.complete,
        "Rows": len(reproduction.verdicts),
        "RowsReproduced": reproduction.n_rows,
        "RegionsUnlisted": reproduction.unlisted,
    }


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            table_id=snakemake.wildcards.table,
            files=MapFiles(*snakemake.input.map),
            table=PrintedTable(
                snakemake.input.table, next(iter(snakemake.input.peaks), None), **snakemake.params.asked
            ),
            regions={Path(path).name: Path(path) for path in snakemake.input.regions},
            smoothness=Smoothness.given(snakemake.params),
            style=FigureStyle(**snakemake.params.style),
            outputs={Path(path).name: Path(path) for path in snakemake.output},
        )
