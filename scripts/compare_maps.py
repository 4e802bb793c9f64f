"""Rule compare_maps: how far the maps of a study agree, under every variant."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from statmap.figures.files import draw_figures
from statmap.figures.overlap_chart import maps_figure, overlap_figure
from statmap.figures.scene import lay_out
from statmap.io.images import read_template, read_written
from statmap.io.log import log, logging_to
from statmap.io.nifti import write_image
from statmap.io.stat_map import by_map_and_variant
from statmap.stability.across_maps import maps_on_one_grid, overlap_of_maps
from statmap.tables.columns import MAPS
from statmap.tables.csv_files import write_rows


def main(
    inputs: Mapping[tuple[str, str], Mapping[str, Path]],
    template: str | None,
    table: str,
    overlaps: Iterable[str],
    figures: Iterable[str],
) -> None:
    """Compare every two maps, and count the maps whose regions hold each voxel, for the maps on one grid.

    Parameters
    ----------
    inputs : by map and variant, ``regions.nii.gz`` and ``regions.json``.
    template : anatomical image, or None.
    table : CSV file to write, one row per variant and pair of maps.
    overlaps : images to write, one per variant and called by it: the number of maps in each voxel.
    figures : files to write; ``VARIANT_overlap`` and ``VARIANT_dice`` in the formats that the suffixes name.
    """
    grids = {}
    for map_id in dict.fromkeys(map_id for map_id, _ in inputs):
        files = next(files for place, files in inputs.items() if place[0] == map_id)
        labels, affine = _read(files)
        grids[map_id] = labels.shape, affine
    together, left_out = maps_on_one_grid(grids)
    if left_out:
        log.warning("on another grid than most maps, and left out of the comparison: %s", ", ".join(left_out))
    _, affine = grids[together[0]]
    background = lay_out(*read_template(template)) if template else None
    rows, draw, n = [], {}, len(together)
    apart = f"; on another grid: {', '.join(left_out)}" if left_out else ""
    counted = f"Number of {n} maps in whose regions a voxel is" if n > 1 else "Regions of one map"
    agreement = f"Dice coefficient of what every two of {n} maps keep"
    files_of = {Path(path).name.removesuffix(".nii.gz"): path for path in overlaps}
    for variant in dict.fromkeys(variant for _, variant in inputs):
        masks = ((map_id, _read(inputs[map_id, variant])[0] > 0) for map_id in together)
        counts, pairs = overlap_of_maps(masks)
        write_image(files_of[variant], np.asarray(counts), affine)
        rows += [{"variant": variant, **pair} for pair in pairs]
        draw[f"{variant}_overlap"] = partial(overlap_figure, counts, affine, n, background, variant, counted + apart)
        draw[f"{variant}_dice"] = partial(maps_figure, pairs, together, variant, agreement + apart)
    draw_figures(draw, figures)
    write_rows(table, rows, MAPS)
    log.info("%d maps, %d variants", n, len(files_of))


def _read(files):
    return read_written(files["regions.nii.gz"], files["regions.json"])


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            inputs=by_map_and_variant(snakemake.input.variants),
            template=snakemake.input.template or None,
            table=snakemake.output.table,
            overlaps=snakemake.output.overlaps,
            figures=snakemake.output.figures,
        )
