"""Rule plot_variant: the thresholded map, the regions with their ids, and the glass brain."""

from pathlib import Path

from statmap.figures.brain import glass_figure, regions_figure, threshold_figure
from statmap.figures.page import save
from statmap.figures.scene import choose_cuts
from statmap.figures.variant import read_scene, read_table
from statmap.io.log import log, logging_to


def main(
    image: str,
    mask: str,
    thresholded: str,
    thresholded_sidecar: str,
    labels: str,
    regions_table: str,
    template: str | None,
    map_id: str,
    variant: str,
    spec: dict,
    figures: list[str],
) -> None:
    """Draw one variant.

    Parameters
    ----------
    image, mask, thresholded, thresholded_sidecar, labels, regions_table : what the earlier rules wrote.
    template : anatomical image in the space of the map, or None.
    map_id, variant : names, for the title.
    spec : ``sided`` and ``stat`` (the rest only says when to draw again).
    figures : files to write; the name says which figure, the suffix which format.
    """
    scene, rule = read_scene(image, mask, thresholded, thresholded_sidecar, labels, template, spec)
    table = read_table(regions_table)
    title = f"{map_id} · {variant}"
    cuts = choose_cuts(scene)  # most telling first: both figures show the same planes
    draw = {
        "threshold": lambda: threshold_figure(scene, title, rule, cuts[:5]),
        "regions": lambda: regions_figure(scene, table, title, rule, cuts),
        "glass": lambda: glass_figure(scene, table, title, rule),
    }
    for name, figure in draw.items():
        drawn = figure()
        for path in (path for path in figures if Path(path).stem == name):
            save(drawn, path)
    log.info("map '%s', variant '%s': %d figures, %d regions", map_id, variant, len(figures), len(table))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{key: value or None for key, value in snakemake.input.items()},
            map_id=snakemake.wildcards.map,
            variant=snakemake.wildcards.variant,
            spec=snakemake.params.spec,
            figures=list(snakemake.output),
        )
