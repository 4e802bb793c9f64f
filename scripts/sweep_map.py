"""Rule sweep_map: one map under a grid of thresholds, sizes, connectivities and signs, and how long peaks last."""

import pandas as pd

from statmap.inference.thresholds import resolve_cutoff, write_threshold
from statmap.io.files import read_json
from statmap.io.images import read_map, write_image
from statmap.io.log import log, logging_to
from statmap.regions.atlases import label_peaks, read_atlases
from statmap.stability.sweep import sweep_grid
from statmap.stability.tree import component_tree, persistence, signed_maps
from statmap.tables.columns import SWEEP, with_added
from statmap.tables.csv_files import write_table


def main(
    image: str,
    mask: str,
    sidecar: str,
    atlases: list[str],
    atlas_labels: list[str],
    map_id: str,
    spec: dict,
    sweep: str,
    persistence_table: str,
    frequency: str,
) -> None:
    """Sweep one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote.
    atlases, atlas_labels : images and label tables, in the order of ``spec["atlases"]``.
    map_id : name.
    spec : ``thresholds``, ``min_region_sizes`` (mm^3), ``connectivities``, ``signs``, ``sided``, ``size_rule``,
        ``cutoff_rule``, ``percentile_domain``, ``domain``, ``atlases``, name to space, and ``stat``, ``df`` and
        ``space`` of the map.
    sweep, persistence_table : CSV files to write: one row per grid point; one row per peak, signs apart, and
        connectivity.
    frequency : image to write, the share of grid points that keep each voxel.
    """
    data, affine, inside = read_map(image, mask)
    fetched = read_json(sidecar)
    spec = spec | {"stat": fetched["Stat"], "df": fetched["DF"], "space": fetched["Space"]}
    rules = {key: spec[key] for key in ("sided", "cutoff_rule", "percentile_domain", "domain", "stat", "df")}
    cutoffs = {
        write_threshold(threshold): resolve_cutoff(data, inside, threshold=threshold, **rules, name=f"map '{map_id}'")
        for threshold in spec["thresholds"]
    }
    table, share = sweep_grid(
        data,
        affine,
        cutoffs,
        spec["min_region_sizes"],
        spec["connectivities"],
        spec["signs"],
        spec["sided"],
        spec["size_rule"],
    )
    table.insert(0, "map", map_id)
    write_table(sweep, table, SWEEP)
    write_image(frequency, share, affine)

    floor = min(cutoff.at_least for cutoff in cutoffs.values())
    maps = signed_maps(data, "split", spec["sided"])
    peaks = []
    for connectivity in spec["connectivities"]:
        trees = {sign: component_tree(signed, connectivity, floor) for sign, signed in maps.items()}
        found = persistence(trees, affine, cutoffs)
        found.insert(0, "connectivity", connectivity)
        peaks.append(found)
    peaks = pd.concat(peaks, ignore_index=True)
    peaks.insert(0, "map", map_id)
    label_peaks(peaks, read_atlases(spec["atlases"], atlases, atlas_labels, map_id, spec["space"]), affine)
    columns = with_added("persistence.csv", atlas=spec["atlases"], threshold=list(cutoffs))
    write_table(persistence_table, peaks, columns)
    log.info("map '%s': %d grid points, %d peaks from %g up", map_id, len(table), len(peaks), floor)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **snakemake.input,
            map_id=snakemake.wildcards.map,
            spec=snakemake.params.grid | {"atlases": snakemake.params.atlas_spaces},
            **snakemake.output,
        )
