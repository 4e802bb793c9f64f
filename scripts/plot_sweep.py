"""Rule plot_sweep: number and size of regions over the grid, the barcode of peaks, how often voxels are kept."""

from pathlib import Path

import pandas as pd

from statmap.figures.brain import frequency_figure
from statmap.figures.charts import persistence_figure, sweep_figure
from statmap.figures.page import save
from statmap.figures.variant import UNITS
from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json
from statmap.io.images import read_image, read_raw
from statmap.io.log import log, logging_to


def main(
    sidecar: str,
    sweep: str,
    persistence_table: str,
    frequency: str,
    thresholded_sidecars: list[str],
    template: str | None,
    map_id: str,
    variants: dict[str, dict],
    figures: list[str],
) -> None:
    """Draw the sweep of one map.

    Parameters
    ----------
    sidecar : from rule fetch_map.
    sweep, persistence_table, frequency : from rule sweep_map.
    thresholded_sidecars : JSON from rule threshold_map, one per variant, for their cutoffs.
    template : anatomical image in the space of the map, or None.
    map_id : name.
    variants : id to its ``connectivity``, ``signs`` and ``min_region_size`` (mm^3).
    figures : files to write; the name says which figure, the suffix which format.
    """
    units = UNITS.get(read_json(sidecar)["Stat"], "value")
    grid, peaks = (pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in (sweep, persistence_table))
    cutoffs = {
        name: cutoff_of(read_json(path)).value for name, path in zip(variants, thresholded_sidecars, strict=True)
    }
    marked = pd.DataFrame([{"variant": name, "cutoff": cutoffs[name], **keys} for name, keys in variants.items()])
    first = peaks[peaks["connectivity"] == grid["connectivity"].iloc[0]]
    share, affine = read_image(frequency)
    background = read_raw(template) if template else None
    draw = {
        "sweep": lambda: sweep_figure(grid, marked, map_id, "Regions over cutoff and smallest size", units),
        "persistence": lambda: persistence_figure(
            first, cutoffs, map_id, "Over which cutoffs each peak stands by itself", units
        ),
        "selection_frequency": lambda: frequency_figure(
            share, affine, background, map_id, f"Share of {len(grid)} grid points that keep each voxel"
        ),
    }
    for name, figure in draw.items():
        drawn = figure()
        for path in (path for path in figures if Path(path).stem == name):
            save(drawn, path)
    log.info("map '%s': %d figures", map_id, len(figures))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{key: value or None for key, value in snakemake.input.items()},
            map_id=snakemake.wildcards.map,
            variants=snakemake.params.variants,
            figures=list(snakemake.output),
        )
