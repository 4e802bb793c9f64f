"""Rule compare_maps: how far the maps of a study agree, under every variant."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from statmap.figures.agreement_chart import dice_figure
from statmap.figures.files import draw_figures
from statmap.figures.overlap_chart import overlap_figure
from statmap.figures.scene import lay_out
from statmap.figures.style import FigureStyle
from statmap.grid import decimals_of
from statmap.io.files import writing
from statmap.io.images import read_template, read_written
from statmap.io.log import log, logging_to
from statmap.io.nifti import write_image
from statmap.io.stat_map import by_map_and_variant
from statmap.stability.across_maps import found_in_maps, maps_on_one_grid, overlap_of_maps, shared_voxels
from statmap.tables.columns import MAPS, label_columns, with_added
from statmap.tables.csv_files import read_table, write_rows
from statmap.web.maps_page import Agreement, maps_page


def main(
    inputs: Mapping[tuple[str, str], Mapping[str, Path]],
    template: str | None,
    style: FigureStyle,
    outputs: Mapping[str, Path],
    overlaps: Iterable[str],
    figures: Sequence[str],
    linked: bool,
) -> None:
    """Compare every two maps, and count the maps whose regions hold each voxel, for the maps on one grid.

    Parameters
    ----------
    inputs : by map and variant, ``regions.nii.gz``, ``regions.json`` and ``regions.csv``.
    template : anatomical image, or None.
    style : of the figures.
    outputs : to write: ``maps.csv``, one row per variant and pair of maps; ``maps_found.csv``, one row per variant and
        region, with the maps that it is found in; ``maps.html``, which shows both.
    overlaps : images to write, one per variant and called by it: the number of maps in each voxel.
    figures : files to write; ``VARIANT_overlap`` and ``VARIANT_dice`` in the formats that the suffixes name.
    linked : whether every map has a page.
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
    rows, found, labelled, draw, n = [], [], [], {}, len(together)
    apart = f"; on another grid: {', '.join(left_out)}" if left_out else ""
    counted = f"Number of {n} maps in whose regions a voxel is" if n > 1 else "Regions of one map"
    agreement = f"Dice coefficient of what every two of {n} maps keep"
    files_of = {Path(path).name.removesuffix(".nii.gz"): path for path in overlaps}
    for variant in dict.fromkeys(variant for _, variant in inputs):
        masks = ((map_id, _read(inputs[map_id, variant])[0] > 0) for map_id in together)
        counts, pairs = overlap_of_maps(masks)
        write_image(files_of[variant], np.asarray(counts), affine)
        rows += [{"variant": variant, **pair} for pair in pairs]
        labels = ((map_id, _read(inputs[map_id, variant])[0]) for map_id in together)
        regions = {map_id: read_table(inputs[map_id, variant]["regions.csv"]) for map_id in together}
        labelled = next((label_columns("regions.csv", own[0]) for own in regions.values() if own), labelled)
        found += [row | {"variant": variant} for row in found_in_maps(regions, shared_voxels(labels))]
        draw[f"{variant}_overlap"] = partial(
            overlap_figure, counts, affine, n, background, variant, counted + apart, style
        )
        draw[f"{variant}_dice"] = partial(dice_figure, pairs, together, variant, agreement + apart, style, "map")
    draw_figures(draw, figures)
    write_rows(outputs["maps.csv"], rows, MAPS)
    columns = with_added("maps_found.csv", atlas=[name.removesuffix("_peak") for name in labelled], map=together)
    found = [{name: row[name] for name in columns} for row in found]
    write_rows(outputs["maps_found.csv"], found, columns, decimals_of(affine))
    captions = {"overlap": counted + apart, "dice": agreement + apart}
    pictures = {Path(path).stem: Path(path) for path in figures if Path(path).suffix == ".png"}
    variants = [
        Agreement(
            variant,
            [row for row in rows if row["variant"] == variant],
            [row for row in found if row["variant"] == variant],
            {
                f"{caption}: {variant}": pictures[f"{variant}_{name}"]
                for name, caption in captions.items()
                if f"{variant}_{name}" in pictures
            },
        )
        for variant in files_of
    ]
    with writing(outputs["maps.html"]) as temporary:
        csv_files = {name: outputs[name] for name in ("maps.csv", "maps_found.csv")}
        temporary.write_text(maps_page(together, left_out, variants, csv_files, linked), encoding="utf-8")
    log.info("%d maps, %d variants", n, len(files_of))


def _read(files):
    return read_written(files["regions.nii.gz"], files["regions.json"])


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            inputs=by_map_and_variant(snakemake.input.variants),
            template=snakemake.input.template or None,
            style=FigureStyle(**snakemake.params.style),
            outputs={Path(path).name: Path(path) for path in snakemake.output.of_all},
            overlaps=snakemake.output.overlaps,
            figures=snakemake.output.figures,
            linked=snakemake.params.linked,
        )
