"""Rule compare_maps: how far the maps of a study agree, under every variant."""

from itertools import product

import numpy as np

from statmap.figures.files import draw_figures
from statmap.figures.overlap_chart import maps_figure, overlap_figure
from statmap.figures.scene import lay_out
from statmap.io.images import read_template, read_written, write_image
from statmap.io.log import log, logging_to
from statmap.stability.across_maps import maps_on_one_grid, overlap_of_maps
from statmap.tables.columns import MAPS
from statmap.tables.csv_files import write_rows


def main(
    labels: list[str],
    sidecars: list[str],
    template: str | None,
    maps: list[str],
    variants: list[str],
    table: str,
    overlaps: list[str],
    figures: list[str],
) -> None:
    """Compare every two maps, and count the maps whose regions hold each voxel, for the maps on one grid.

    Parameters
    ----------
    labels, sidecars : label images from rule extract_regions and their JSON, by map, then variant.
    template : anatomical image, or None.
    maps, variants : names.
    table : CSV file to write, one row per variant and pair of maps.
    overlaps : images to write, one per variant: the number of maps in each voxel.
    figures : files to write; ``VARIANT_overlap`` and ``VARIANT_dice`` in the formats that the suffixes name.
    """
    files_of = dict(zip(product(maps, variants), zip(labels, sidecars, strict=True), strict=True))
    grids = {}
    for map_id in maps:
        found, affine = read_written(*files_of[map_id, variants[0]])
        grids[map_id] = found.shape, affine
    together, left_out = maps_on_one_grid(grids)
    if left_out:
        log.warning("on another grid than most maps, and left out of the comparison: %s", ", ".join(left_out))
    _, affine = grids[together[0]]
    background = lay_out(*read_template(template)) if template else None
    rows = []
    for variant, path in zip(variants, overlaps, strict=True):
        masks = ((map_id, read_written(*files_of[map_id, variant])[0] > 0) for map_id in together)
        counts, pairs = overlap_of_maps(masks)
        write_image(path, np.asarray(counts), affine)
        rows += [{"variant": variant, **pair} for pair in pairs]
        draw_variant(variant, counts, pairs, together, left_out, affine, background, figures)
    write_rows(table, rows, MAPS)
    log.info("%d maps, %d variants", len(together), len(variants))


def draw_variant(variant, counts, pairs, together, left_out, affine, background, figures) -> None:
    """Draw the two figures of one variant, in every format that is asked for."""
    apart = f"; on another grid: {', '.join(left_out)}" if left_out else ""
    n = len(together)
    counted = f"Number of {n} maps in whose regions a voxel is" if n > 1 else "Regions of one map"
    draw = {
        f"{variant}_overlap": lambda: overlap_figure(
            counts,
            affine,
            n,
            background,
            variant,
            counted + apart,
        ),
        f"{variant}_dice": lambda: maps_figure(
            pairs, together, variant, f"Dice coefficient of what every two of {n} maps keep{apart}"
        ),
    }
    draw_figures(draw, [path for path in figures if path.rpartition("/")[2].rpartition(".")[0] in draw])


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        made = snakemake.output
        main(
            labels=snakemake.input.labels,
            sidecars=snakemake.input.sidecars,
            template=snakemake.input.template or None,
            maps=snakemake.params.maps,
            variants=snakemake.params.variants,
            table=made.table,
            overlaps=made.overlaps,
            figures=[*made.figures, *made.others],
        )
