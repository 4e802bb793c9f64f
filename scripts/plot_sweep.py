"""Rule plot_sweep: number and size of regions over the grid, the barcode of peaks, how often voxels are kept."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from statmap.figures.captions import SWEEP_FIGURES
from statmap.figures.files import draw_figures
from statmap.figures.montage import frequency_figure
from statmap.figures.persistence_chart import persistence_figure
from statmap.figures.scene import lay_out
from statmap.figures.specification_curve import specification_figure
from statmap.figures.style import FigureStyle
from statmap.figures.sweep_chart import sweep_figure
from statmap.figures.variant import label_of
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.images import read_result, read_template
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapSidecar, by_folder
from statmap.regions.extract import RegionsSidecar
from statmap.stability.findings import read_ranges
from statmap.tables.csv_files import read_table
from statmap.types import Sided


def main(
    map_id: str,
    sidecar: str,
    swept: Mapping[str, Path],
    variants: Mapping[str, Mapping[str, Path]],
    template: str | None,
    sided: Sided,
    style: FigureStyle,
    figures: Iterable[str],
) -> None:
    """Draw the sweep of one map.

    Parameters
    ----------
    map_id : name.
    sidecar : from rule fetch_map.
    swept : ``sweep.csv``, ``persistence.csv``, ``findings.csv`` and ``selection_frequency.nii.gz`` from rule sweep_map.
    variants : ``thresholded.json`` and ``regions.json`` of each, for its cutoff and its smallest size.
    template : anatomical image in the space of the map, or None.
    sided : which signs the sweep tests.
    style : of the figures.
    figures : files to write; the name says which figure, the suffix which format.
    """
    units = MapSidecar.read(sidecar).distribution.units
    grid, peaks = read_table(swept["sweep.csv"]), read_table(swept["persistence.csv"])
    marked = [_mark(variant, files) for variant, files in variants.items()]
    first = [peak for peak in peaks if peak["connectivity"] == grid[0]["connectivity"]]
    findings = [with_specifications(row, len(grid)) for row in read_table(swept["findings.csv"])]
    share, affine = read_result(swept["selection_frequency.nii.gz"])
    background = lay_out(*read_template(template)) if template else None
    counted = f"{len(grid)} specifications"
    points = [row for row in grid if row["variant"] is None]
    cutoffs = {mark["variant"]: mark["cutoff"] for mark in marked}
    shown = units, sided, style
    draw = {
        "sweep": partial(sweep_figure, points, marked, map_id, SWEEP_FIGURES["sweep"].title, *shown),
        "persistence": partial(persistence_figure, first, cutoffs, map_id, SWEEP_FIGURES["persistence"].title, *shown),
        "selection_frequency": partial(
            frequency_figure, share, affine, background, map_id, f"Share of {counted} that keep each voxel", style
        ),
        "findings": partial(specification_figure, grid, findings, map_id, f"What {counted} find", *shown),
    }
    log.info("map '%s': %d figures", map_id, draw_figures(draw, figures))


def _mark(variant, files):
    """Where a variant stands on the grid."""
    rule = RegionsSidecar.read(files["regions.json"]).rule
    return {
        "variant": variant,
        "cutoff": ThresholdSidecar.read(files["thresholded.json"]).cutoff.value,
        **{key: getattr(rule, key) for key in ("min_region_size", "connectivity", "signs", "sided")},
    }


def with_specifications(finding: dict, n_specifications: int) -> dict:
    """A row of findings.csv as the figure takes it: its label, and for every row of sweep.csv whether it finds it."""
    rows = set(read_ranges(finding["found_in"]))
    is_found = [row in rows for row in range(1, n_specifications + 1)]
    return finding | {"id": finding["finding"], "label": label_of(finding, "findings.csv"), "found": is_found}


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            sidecar=snakemake.input.sidecar,
            swept={Path(path).name: path for path in snakemake.input.swept},
            variants=by_folder(snakemake.input.variants),
            template=snakemake.input.template or None,
            sided=snakemake.params.rule["sided"],
            style=FigureStyle(**snakemake.params.style),
            figures=snakemake.output,
        )
