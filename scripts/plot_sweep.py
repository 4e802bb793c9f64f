"""Rule plot_sweep: number and size of regions over the grid, the barcode of peaks, how often voxels are kept."""

from pathlib import Path

import pandas as pd

from statmap.figures.brain import frequency_figure
from statmap.figures.charts import persistence_figure, sweep_figure
from statmap.figures.page import save
from statmap.figures.variant import UNITS, read_table
from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json
from statmap.io.images import read_image, read_raw
from statmap.io.log import log, logging_to


def main(
    sweep: str,
    persistence_table: str,
    frequency: str,
    thresholded_sidecars: list[str],
    template: str | None,
    map_id: str,
    spec: dict,
    figures: list[str],
) -> None:
    """Draw the sweep of one map.

    Parameters
    ----------
    sweep, persistence_table, frequency : from rule sweep_map.
    thresholded_sidecars : JSON from rule threshold_map, one per variant, for their cutoffs.
    template : anatomical image in the space of the map, or None.
    map_id : name.
    spec : ``stat`` of the map and ``variants``, id to their keys.
    figures : files to write; the name says which figure, the suffix which format.
    """
    units = UNITS.get(spec["stat"], "value")
    grid, peaks = read_table(sweep), read_table(persistence_table)
    cutoffs = {
        name: cutoff_of(read_json(path)).value
        for name, path in zip(spec["variants"], thresholded_sidecars, strict=True)
    }
    variants = pd.DataFrame(
        [{"variant": name, "cutoff": cutoffs[name], **keys} for name, keys in spec["variants"].items()]
    )
    first = peaks[peaks["connectivity"] == grid["connectivity"].iloc[0]]
    share, affine = read_image(frequency)
    background = read_raw(template) if template else None
    draw = {
        "sweep": lambda: sweep_figure(grid, variants, map_id, "Regions over cutoff and smallest size", units),
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
            spec=snakemake.params.spec,
            figures=list(snakemake.output),
        )
