"""Rule plot_variants: every variant of a map (cuts, glass brain, surface, accounting, pages), how far they agree."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from statmap.figures.accounting import accounting_figure
from statmap.figures.agreement_chart import dice_figure
from statmap.figures.files import draw_figures
from statmap.figures.glass import glass_figure
from statmap.figures.montage import regions_figure, threshold_figure
from statmap.figures.page import Page
from statmap.figures.region_page import region_page
from statmap.figures.scene import plan_cuts
from statmap.figures.style import FigureStyle
from statmap.figures.surface import surface_figure
from statmap.figures.variant import Row, VariantScene, read_scenes
from statmap.io.files import read_json
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapFiles, StatMap, by_folder
from statmap.tables.csv_files import read_table
from statmap.tables.sidecar import TablesSidecar


class Drawing(NamedTuple):
    """How figures are drawn.

    Attributes
    ----------
    style : of all of them.
    limits : JSON from rule limit_colours; None where maps share no colour scale.
    max_pages : for how many of the largest regions of a variant there is a page.
    formats : of the pages.
    """

    style: FigureStyle
    limits: str | None
    max_pages: int
    formats: Iterable[str]


class Agreement(NamedTuple):
    """How far variants agree: CSV from rule tabulate_regions, and the files of the figure to write."""

    table: str
    figures: Iterable[str]


def main(
    map_id: str,
    files: MapFiles,
    inputs: Mapping[str, Mapping[str, Path]],
    agreement: Agreement | None,
    template: str | None,
    outputs: Mapping[str, Mapping[str, Path]],
    drawing: Drawing,
    tables_sidecar: str,
) -> None:
    """Draw the variants of one map.

    Parameters
    ----------
    map_id : name, for the titles.
    files : what rule fetch_map wrote.
    inputs : by variant, ``thresholded.json``, ``regions.nii.gz``, its JSON, ``accounting.nii.gz``, ``regions.csv`` and
        ``peaks.csv``.
    agreement : of the variants; None where they are not compared.
    template : anatomical image in the space of the map, or None.
    outputs : by variant, the figures to write, and ``pages``, a folder for a page per region, where it is asked for.
    drawing : how they are drawn.
    tables_sidecar : from rule tabulate_regions.
    """
    stat_map, reported = StatMap.read(map_id, files), TablesSidecar.read(tables_sidecar).reported
    limits = read_json(drawing.limits)[stat_map.distribution.stat] if drawing.limits else None
    for variant, scene in read_scenes(stat_map, inputs, template, drawing.style, reported, limits):
        regions, peaks = (read_table(inputs[variant][name]) for name in ("regions.csv", "peaks.csv"))
        title = f"{map_id} · {variant}"
        figures = [path for name, path in outputs.get(variant, {}).items() if name != "pages"]
        n_drawn = draw_variant(scene, regions, title, figures)
        if folder := outputs.get(variant, {}).get("pages"):
            folder.mkdir(parents=True, exist_ok=True)
            draw = region_pages(scene, regions, peaks, title, drawing.max_pages)
            n_drawn += draw_figures(draw, (folder / f"{page}.{kind}" for page in draw for kind in drawing.formats))
        log.info("%s, variant '%s': %d figures, %d regions", stat_map, variant, n_drawn, len(regions))
    if agreement:
        subtitle = "Dice coefficient of what every two variants keep"
        dice = partial(dice_figure, read_table(agreement.table), list(inputs), map_id, subtitle, drawing.style)
        draw_figures({"dice": dice}, agreement.figures)


def draw_variant(variant: VariantScene, regions: list[Row], title: str, files: Iterable[Path]) -> int:
    """Draw the figures of one variant that `files` name; gives their number."""
    scene, rule = variant.scene, variant.rule
    plan = plan_cuts(scene)  # both figures show the same planes
    draw = {
        "threshold": partial(threshold_figure, scene, title, rule, plan),
        "regions": partial(regions_figure, scene, regions, title, rule, plan, variant.accounting.counts),
        "glass": partial(glass_figure, scene, regions, title, rule),
        "surface": partial(surface_figure, scene, regions, title, rule),
        "accounting": partial(accounting_figure, scene, variant.accounting, title, rule),
    }
    return draw_figures(draw, files)


def region_pages(
    variant: VariantScene, regions: list[Row], peaks: list[Row], title: str, most: int
) -> dict[str, Callable[[], Page]]:
    """Pages of the `most` largest regions: name of the file to what draws it."""
    draw = {}
    for region in [row["region"] for row in regions[:most]]:
        heading = f"{title} · region {region} of {len(regions)}"
        draw[f"region-{region:03d}"] = partial(
            region_page, variant.scene, region, regions, peaks, heading, variant.rule
        )
    return draw


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        made = snakemake.output
        main(
            map_id=snakemake.wildcards.map,
            files=MapFiles(*snakemake.input.map),
            inputs=by_folder(snakemake.input.variants),
            agreement=Agreement(stability, made.agreement) if (stability := snakemake.input.stability) else None,
            template=snakemake.input.template or None,
            outputs=by_folder([*made.figures, *made.pages]),
            drawing=Drawing(
                FigureStyle(**snakemake.params.style),
                next(iter(snakemake.input.colour_limits), None),
                snakemake.params.max_pages,
                snakemake.params.formats,
            ),
            tables_sidecar=snakemake.input.tables_sidecar,
        )
