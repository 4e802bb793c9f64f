"""Rule sweep_map: one map under a grid of thresholds, sizes, connectivities and signs, and how long peaks last."""

import numpy as np

from statmap.inference.thresholds import resolve_cutoff, write_threshold
from statmap.io.files import read_json
from statmap.io.images import read_map, write_image
from statmap.io.log import log, logging_to
from statmap.regions.atlases import label_peaks, read_atlases
from statmap.stability.persistence import persistence
from statmap.stability.sweep import sweep_grid, trees_of_settings
from statmap.tables.columns import SWEEP, with_added
from statmap.tables.csv_files import write_table
from statmap.types import Connectivity, CutoffRule, Domain, Sided, Signs, SizeRule, Stat


def main(
    image: str,
    mask: str,
    atlases: list[str],
    atlas_labels: list[str],
    map_id: str,
    *,
    stat: Stat,
    df: float | None,
    space: str | None,
    atlas_spaces: dict[str, str | None],
    thresholds: list,
    min_region_sizes: list[float],
    connectivities: list[Connectivity],
    signs: list[Signs],
    sided: Sided,
    size_rule: SizeRule,
    cutoff_rule: CutoffRule | None,
    percentile_domain: Domain,
    domain: Domain,
    sweep: str,
    persistence_table: str,
    frequency: str,
) -> None:
    """Sweep one map.

    Parameters
    ----------
    image, mask : what rule fetch_map wrote.
    atlases, atlas_labels : images and label tables, in the order of `atlas_spaces`.
    map_id : name, the first column of the tables.
    stat, df : distribution of the map, see `inference.statistics`.
    space : declared space of the map, or None.
    atlas_spaces : atlas name to its declared space, or None.
    thresholds : as in the config: a number, ``"97%"``, ``{"fdr": 0.05}``, …
    min_region_sizes : mm^3.
    connectivities, signs : the other two axes of the grid.
    sided, size_rule, cutoff_rule, percentile_domain, domain : as in a variant, for the whole grid.
    sweep, persistence_table : CSV files to write: one row per grid point; one row per peak, signs apart, and
        connectivity.
    frequency : image to write, the share of grid points that keep each voxel.
    """
    data, affine, inside = read_map(image, mask)
    keys = {"sided": sided, "cutoff_rule": cutoff_rule, "percentile_domain": percentile_domain, "domain": domain}
    keys |= {"stat": stat, "df": df}
    cutoffs = {
        write_threshold(threshold): resolve_cutoff(data, inside, keys | {"threshold": threshold}, f"map '{map_id}'")
        for threshold in thresholds
    }
    floor = min(cutoff.at_least for cutoff in cutoffs.values())
    settings = trees_of_settings(data, connectivities, signs, sided, floor)
    table, share = sweep_grid(settings, data.shape, affine, cutoffs, min_region_sizes, size_rule)
    write_table(sweep, {"map": [map_id] * len(table["kept"])} | table, SWEEP)
    write_image(frequency, share, affine)

    apart = settings if "split" in signs else trees_of_settings(data, connectivities, ["split"], sided, floor)
    found = [persistence(apart[connectivity, "split"], affine, cutoffs) for connectivity in connectivities]
    n_peaks = [len(own["peak"]) for own in found]
    peaks = {
        "map": [map_id] * sum(n_peaks),
        "connectivity": np.repeat(connectivities, n_peaks),
        **{name: np.concatenate([own[name] for own in found]) for name in found[0]},
    }
    label_peaks(peaks, read_atlases(atlas_spaces, atlases, atlas_labels, map_id, space), affine)
    columns = with_added("persistence.csv", atlas=atlas_spaces, threshold=list(cutoffs))
    write_table(persistence_table, peaks, columns)
    log.info("map '%s': %d grid points, %d peaks from %g up", map_id, len(table["kept"]), sum(n_peaks), floor)


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        files = dict(snakemake.input)
        fetched = read_json(files.pop("sidecar"))
        main(
            **files,
            map_id=snakemake.wildcards.map,
            stat=fetched["Stat"],
            df=fetched["DF"],
            space=fetched["Space"],
            atlas_spaces=snakemake.params.atlas_spaces,
            **snakemake.params.grid,
            **snakemake.output,
        )
