"""Rule plot_variants: every variant of a map (thresholded map, regions, glass brain, pages) and how far they agree."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from statmap.figures.agreement_chart import dice_figure
from statmap.figures.files import draw_figures
from statmap.figures.glass import glass_figure
from statmap.figures.montage import regions_figure, threshold_figure
from statmap.figures.page import Page
from statmap.figures.region_page import region_page
from statmap.figures.scene import Scene, choose_cuts
from statmap.figures.units import units_of
from statmap.figures.variant import Row, read_scenes
from statmap.io.files import read_json
from statmap.io.log import log, logging_to
from statmap.tables.csv_files import read_table


def main(
    image: str,
    mask: str,
    sidecar: str,
    thresholded: list[str],
    thresholded_sidecars: list[str],
    labels: list[str],
    regions_sidecars: list[str],
    regions_tables: list[str],
    peaks_tables: list[str],
    stability: list[str],
    template: str | None,
    map_id: str,
    variants: dict[str, dict],
    max_pages: int,
    formats: list[str],
    figures: list[str],
    pages: list[str],
    agreement: list[str],
) -> None:
    """Draw the variants of one map.

    Parameters
    ----------
    image, mask, sidecar : from rule fetch_map.
    thresholded, thresholded_sidecars, labels, regions_sidecars, regions_tables, peaks_tables : from the earlier rules,
        one each per variant.
    stability : CSV from rule compare_variants; none where variants are not compared.
    template : anatomical image in the space of the map, or None.
    map_id : name, for the titles.
    variants : id to its ``sided``.
    max_pages : how many of the largest regions of a variant get a page.
    formats : of the pages.
    figures : files to write; the folder says which variant, the name which figure, the suffix which format.
    pages : folders to write pages into, one per variant, or none.
    agreement : files to write the agreement of the variants to.
    """
    units = units_of(read_json(sidecar)["Stat"])
    sided = [keys["sided"] for keys in variants.values()]
    scenes = read_scenes(
        (image, mask, sidecar),
        (thresholded, thresholded_sidecars),
        (labels, regions_sidecars),
        template,
        sided,
        units,
    )
    for n, (variant, (scene, rule)) in enumerate(zip(variants, scenes, strict=True)):
        regions, peaks = read_table(regions_tables[n]), read_table(peaks_tables[n])
        files, folders = (
            [Path(path) for path in paths if Path(path).parent.name == variant] for paths in (figures, pages)
        )
        title = f"{map_id} · {variant}"
        accounting = read_json(regions_sidecars[n])["VoxelAccounting"]
        drawn = draw_variant(scene, rule, regions, accounting, title, files)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            pages_of = region_pages(scene, rule, regions, peaks, title, max_pages)
            drawn += draw_figures(pages_of, (folder / f"{page}.{kind}" for page in pages_of for kind in formats))
        log.info("map '%s', variant '%s': %d figures, %d regions", map_id, variant, drawn, len(regions))
    if agreement:
        subtitle = "Dice coefficient of what every two variants keep"
        pairs = read_table(stability[0])
        draw_figures({"dice": lambda: dice_figure(pairs, list(variants), map_id, subtitle)}, agreement)


def draw_variant(
    scene: Scene, rule: str, regions: list[Row], accounting: dict[str, int], title: str, files: list[Path]
) -> int:
    """Draw the figures of one variant that `files` name; gives their number."""
    cuts = choose_cuts(scene)  # most telling first: both figures show the same planes
    draw = {
        "threshold": lambda: threshold_figure(scene, title, rule, cuts[:5]),
        "regions": lambda: regions_figure(scene, regions, title, rule, cuts, accounting),
        "glass": lambda: glass_figure(scene, regions, title, rule),
    }
    return draw_figures(draw, files)


def region_pages(
    scene: Scene, rule: str, regions: list[Row], peaks: list[Row], title: str, most: int
) -> dict[str, Callable[[], Page]]:
    """Pages of the `most` largest regions: name of the file to what draws it."""
    draw = {}
    for region in [row["region"] for row in regions[:most]]:
        heading = f"{title} · region {region} of {len(regions)}"
        draw[f"region-{region:03d}"] = partial(region_page, scene, region, regions, peaks, heading, rule)
    return draw


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        made = snakemake.output
        main(
            **{**snakemake.input, "template": snakemake.input.template or None},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            max_pages=snakemake.params.max_pages,
            formats=snakemake.params.formats,
            figures=[*made.figures, *(path for path in made.others if "/dice." not in path)],
            pages=made.pages,
            agreement=[*made.agreement, *(path for path in made.others if "/dice." in path)],
        )
