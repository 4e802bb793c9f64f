"""Rule plot_sweep: number and size of regions over the grid, the barcode of peaks, how often voxels are kept."""

from statmap.figures.files import draw_figures
from statmap.figures.montage import frequency_figure
from statmap.figures.persistence_chart import persistence_figure
from statmap.figures.scene import lay_out
from statmap.figures.specification_curve import specification_figure
from statmap.figures.sweep_chart import sweep_figure
from statmap.figures.units import units_of
from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json
from statmap.io.images import read_result, read_template
from statmap.io.log import log, logging_to
from statmap.stability.findings import read_ranges
from statmap.tables.csv_files import read_table
from statmap.types import Sided


def main(
    sidecar: str,
    sweep: str,
    persistence_table: str,
    frequency: str,
    findings_table: str,
    thresholded_sidecars: list[str],
    regions_sidecars: list[str],
    template: str | None,
    map_id: str,
    variants: dict[str, dict],
    sided: Sided,
    figures: list[str],
) -> None:
    """Draw the sweep of one map.

    Parameters
    ----------
    sidecar : from rule fetch_map.
    sweep, persistence_table, frequency, findings_table : from rule sweep_map.
    thresholded_sidecars, regions_sidecars : JSON from rules threshold_map and extract_regions, one per variant, for
        their cutoffs and smallest sizes.
    template : anatomical image in the space of the map, or None.
    map_id : name.
    variants : id to its ``connectivity``, ``signs`` and ``sided``.
    sided : which signs the sweep tests.
    figures : files to write; the name says which figure, the suffix which format.
    """
    units = units_of(read_json(sidecar)["Stat"])
    grid, peaks = read_table(sweep), read_table(persistence_table)
    cutoffs = {
        name: cutoff_of(read_json(path)).value for name, path in zip(variants, thresholded_sidecars, strict=True)
    }
    sizes = [read_json(path)["MinRegionSizeMM3"] for path in regions_sidecars]
    marked = [
        {"variant": name, "cutoff": cutoffs[name], "min_region_size": size, **keys}
        for (name, keys), size in zip(variants.items(), sizes, strict=True)
    ]
    first = [peak for peak in peaks if peak["connectivity"] == grid[0]["connectivity"]]
    findings = [with_specifications(row, len(grid)) for row in read_table(findings_table)]
    share, affine = read_result(frequency)
    background = lay_out(*read_template(template)) if template else None
    draw = {
        "sweep": lambda: sweep_figure(
            [row for row in grid if row["variant"] is None],
            marked,
            map_id,
            "Regions over cutoff and smallest size",
            units,
            sided,
        ),
        "persistence": lambda: persistence_figure(
            first, cutoffs, map_id, "Over which cutoffs each peak stands by itself", units, sided
        ),
        "selection_frequency": lambda: frequency_figure(
            share, affine, background, map_id, f"Share of {len(grid)} specifications that keep each voxel"
        ),
        "findings": lambda: specification_figure(
            grid, findings, map_id, f"What {len(grid)} specifications find", units, sided
        ),
    }
    log.info("map '%s': %d figures", map_id, draw_figures(draw, figures))


def with_specifications(finding: dict, n_specifications: int) -> dict:
    """A row of findings.csv as the figure takes it: its label, and for every row of sweep.csv whether it finds it."""
    rows = set(read_ranges(finding["found_in"]))
    labels = [value for name, value in finding.items() if name.endswith("_peak")]
    found = [row in rows for row in range(1, n_specifications + 1)]
    return finding | {"id": finding["finding"], "label": next(iter(labels), None), "found": found}


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{key: value or None for key, value in snakemake.input.items()},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            sided=snakemake.params.grid["sided"],
            figures=list(snakemake.output),
        )
