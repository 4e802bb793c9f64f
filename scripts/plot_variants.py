"""Rule plot_variants: every variant of a map (thresholded map, regions, glass brain, pages) and how far they agree."""

from pathlib import Path

import pandas as pd

from statmap.figures.brain import glass_figure, region_page, regions_figure, threshold_figure
from statmap.figures.charts import dice_figure
from statmap.figures.page import save
from statmap.figures.scene import choose_cuts
from statmap.figures.variant import read_scene
from statmap.io.files import read_json
from statmap.io.log import log, logging_to


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
    figures : files to write; the folder says which variant, the name which figure, the suffix which format.
    pages : folders to write pages into, one per variant, or none.
    agreement : files to write the agreement of the variants to.
    """
    stat = read_json(sidecar)["Stat"]
    for n, (variant, keys) in enumerate(variants.items()):
        scene, rule = read_scene(
            image, mask, thresholded[n], thresholded_sidecars[n], labels[n], template, keys | {"stat": stat}
        )
        table = pd.read_csv(regions_tables[n], keep_default_na=False, na_values=[""])
        title = f"{map_id} · {variant}"
        cuts = choose_cuts(scene)  # most telling first: both figures show the same planes
        draw = {
            "threshold": lambda: threshold_figure(scene, title, rule, cuts[:5]),
            "regions": lambda: regions_figure(scene, table, title, rule, cuts),
            "glass": lambda: glass_figure(scene, table, title, rule),
        }
        own = [Path(path) for path in figures if Path(path).parent.name == variant]
        for name in dict.fromkeys(path.stem for path in own):
            figure = draw[name]()
            for path in own:
                if path.stem == name:
                    save(figure, path)
        for folder in (path for path in pages if Path(path).parent.name == variant):
            Path(folder).mkdir(parents=True, exist_ok=True)
            peaks = pd.read_csv(peaks_tables[n], keep_default_na=False, na_values=[""])
            for region in table["region"][:max_pages].tolist():
                heading = f"{title} · region {region} of {len(table)}"
                save(region_page(scene, region, table, peaks, heading, rule), Path(folder, f"region-{region:03d}.png"))
        log.info("map '%s', variant '%s': %d figures, %d regions", map_id, variant, len(own), len(table))
    if agreement:
        pairs = pd.read_csv(stability[0], keep_default_na=False, na_values=[""])
        figure = dice_figure(pairs, list(variants), map_id, "Dice coefficient of what every two variants keep")
        for path in agreement:
            save(figure, path)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        made = snakemake.output
        main(
            **{**snakemake.input, "template": snakemake.input.template or None},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            max_pages=snakemake.params.max_pages,
            figures=[*made.figures, *(path for path in made.others if "/dice." not in path)],
            pages=made.pages,
            agreement=[*made.agreement, *(path for path in made.others if "/dice." in path)],
        )
