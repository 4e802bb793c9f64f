"""Rule sweep_map: one map over a grid of thresholds, sizes, connectivities, signs: regions, findings, persistence."""

import numpy as np

from statmap.inference.families import family_of
from statmap.inference.thresholds import cutoff_of, resolve_cutoff, write_threshold
from statmap.io.files import read_json
from statmap.io.images import extent_of, read_map, read_written, voxel_volume, write_image
from statmap.io.log import log, logging_to
from statmap.regions.atlases import label_peaks, read_atlases
from statmap.stability.findings import (
    findings,
    join_occurrences,
    main_peaks_of_regions,
    main_peaks_of_sweep,
    write_ranges,
)
from statmap.stability.persistence import persistence
from statmap.stability.sweep import sweep_grid, trees_of_settings
from statmap.tables.columns import SWEEP, with_added
from statmap.tables.csv_files import write_table
from statmap.types import Connectivity, CutoffRule, Domain, Sided, Signs, SizeRule


def main(
    image: str,
    mask: str,
    sidecar: str,
    residuals: list[str],
    labels: list[str],
    thresholded_sidecars: list[str],
    regions_sidecars: list[str],
    atlases: list[str],
    atlas_sidecars: list[str],
    atlas_labels: list[str],
    map_id: str,
    *,
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
    tdp_alpha: float,
    smoothness: dict,
    variants: dict[str, dict],
    sweep: str,
    persistence_table: str,
    findings_table: str,
    frequency: str,
) -> None:
    """Sweep one map.

    Parameters
    ----------
    image, mask, sidecar : what rule fetch_map wrote.
    residuals : the 4D image of residuals that the sheet names, or nothing.
    labels, thresholded_sidecars, regions_sidecars : of the variants that are specifications too, or nothing.
    atlases, atlas_sidecars, atlas_labels : images and their JSON from rule fetch_atlas, and label tables, in the order
        of `atlas_spaces`.
    map_id : name, the first column of the tables.
    atlas_spaces : atlas name to its declared space, or None.
    thresholds : as in the config: a number, ``"97%"``, ``{"fdr": 0.05}``, … Those by ``{"tdp": …}``
        come last in the tables, and take no part in the table of peaks.
    min_region_sizes : mm^3.
    connectivities, signs : the other two axes of the grid.
    sided, size_rule, cutoff_rule, percentile_domain, domain, tdp_alpha : as in a variant, for the whole grid.
    smoothness : ``fwhm_mm``, ``dlh`` and ``search_voxels`` of the map's row of the sample sheet, for ``{"fwe": …}``.
    variants : id to ``threshold``, ``connectivity``, ``signs`` and ``extract_type``, where they are specifications too.
    sweep, persistence_table, findings_table : CSV files to write: one row per grid point; one row per peak, signs
        apart, and connectivity; one row per main peak of any grid point.
    frequency : image to write, the share of grid points that keep each voxel.
    """
    fetched = read_json(sidecar)
    stat, df, space = fetched["Stat"], fetched["DF"], fetched["Space"]
    data, affine, inside = read_map(image, mask, sidecar)
    found_atlases, warnings = read_atlases(
        atlas_spaces, atlases, atlas_sidecars, atlas_labels, map_id, space, extent_of(data != 0, affine)
    )
    for warning in warnings:
        log.warning("%s", warning)
    bounds = {write_threshold(one): one["tdp"] for one in thresholds if isinstance(one, dict) and "tdp" in one}
    search = None
    if any(isinstance(one, dict) and "fwe" in one for one in thresholds):
        from statmap.inference.smoothness import sheet_search  # scipy.special: only where it is used

        name, family = f"map '{map_id}'", family_of(data, inside, domain)
        search, _ = sheet_search(data, affine, inside, residuals, stat=stat, df=df, name=name, **smoothness)(family)
    cutoffs = {
        write_threshold(one): resolve_cutoff(
            data,
            inside,
            threshold=one,
            sided=sided,
            cutoff_rule=cutoff_rule,
            percentile_domain=percentile_domain,
            domain=domain,
            stat=stat,
            df=df,
            search=search,
            name=f"map '{map_id}'",
        )
        for one in thresholds
        if write_threshold(one) not in bounds
    }
    floor = min((cutoff.at_least for cutoff in cutoffs.values()), default=0.0)
    settings = trees_of_settings(data, connectivities, signs, sided, floor)
    grid, times_kept = sweep_grid(settings, data.shape, affine, cutoffs, min_region_sizes, size_rule)
    occurrences = main_peaks_of_sweep(data, settings, affine, cutoffs, min_region_sizes, size_rule)
    if bounds:
        # Here, not above: scipy.special takes as long to import as all the rest takes to run.
        from statmap.inference.distribution import check_stat
        from statmap.stability.guaranteed_sweep import sweep_guaranteed

        check_stat(stat, df, f"map '{map_id}'", "a threshold by true discovery proportion")
        more, more_times, more_occurrences = sweep_guaranteed(
            data,
            affine,
            family_of(data, inside, domain),
            bounds,
            min_region_sizes,
            connectivities,
            signs,
            alpha=tdp_alpha,
            stat=stat,
            df=df,
            sided=sided,
            size_rule=size_rule,
        )
        after = more_occurrences._replace(row=more_occurrences.row + len(grid["kept"]))
        occurrences = join_occurrences([occurrences, after])
        grid = {name: np.concatenate([values, more[name]]) for name, values in grid.items()}
        times_kept += more_times
    n_points = len(grid["kept"])
    grid |= {"variant": np.full(n_points, None), "extract_type": np.full(n_points, "connected_components", object)}
    files = zip(variants.items(), labels, thresholded_sidecars, regions_sidecars, strict=True)
    for (variant, keys), label_image, thresholded_sidecar, regions_sidecar in files:
        regions, row = (
            read_written(label_image, regions_sidecar)[0],
            _row(keys, read_json(thresholded_sidecar), read_json(regions_sidecar)),
        )
        found = main_peaks_of_regions(data, affine, regions, n_points, row["cutoff"])
        row["largest_mm3"] = found.n_voxels.max(initial=0) * voxel_volume(affine)
        grid = {name: np.append(values, ({"variant": variant} | row)[name]) for name, values in grid.items()}
        occurrences = join_occurrences([occurrences, found])
        times_kept += regions > 0
        n_points += 1
    write_table(sweep, {"map": [map_id] * n_points} | grid, SWEEP)
    write_image(frequency, (times_kept / n_points).astype(np.float32), affine)

    table, found_in = findings(data, affine, occurrences, n_points)
    label_peaks(table, found_atlases, affine)
    table |= {"map": [map_id] * len(found_in), "found_in": [write_ranges(rows + 1) for rows in found_in]}
    write_table(findings_table, table, with_added("findings.csv", atlas=atlas_spaces))

    apart = settings if "split" in signs else trees_of_settings(data, connectivities, ["split"], sided, floor)
    of_connectivity = [persistence(apart[connectivity, "split"], affine, cutoffs) for connectivity in connectivities]
    n_peaks = [len(own["peak"]) for own in of_connectivity]
    peaks = {
        "map": [map_id] * sum(n_peaks),
        "connectivity": np.repeat(connectivities, n_peaks),
        **{name: np.concatenate([own[name] for own in of_connectivity]) for name in of_connectivity[0]},
    }
    label_peaks(peaks, found_atlases, affine)
    columns = with_added("persistence.csv", atlas=atlas_spaces, threshold=list(cutoffs))
    write_table(persistence_table, peaks, columns)
    log.info(
        "map '%s': %d grid points, %d findings, %d peaks from %g up",
        *(map_id, n_points, len(found_in), sum(n_peaks), floor),
    )


def _row(keys, cut, extracted):
    """A variant as a row of sweep.csv, its largest region aside."""
    cutoff, accounting = cutoff_of(cut), extracted["VoxelAccounting"]
    return {
        **{name: keys[name] for name in ("connectivity", "signs", "extract_type")},
        "threshold": write_threshold(keys["threshold"]),
        "cutoff": cutoff.value,
        "cutoff_rule": cutoff.rule,
        "min_region_size": extracted["MinRegionSizeMM3"],
        "suprathreshold": accounting["suprathreshold"],
        "n_regions": extracted["Regions"],
        "volume_mm3": accounting["kept"] * extracted["VoxelVolumeMM3"],
        "kept": accounting["kept"],
        "too_small": accounting["too_small"],
    }


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "residuals": snakemake.params.residuals},
            map_id=snakemake.wildcards.map,
            atlas_spaces=snakemake.params.atlas_spaces,
            **snakemake.params.grid,
            smoothness=snakemake.params.smoothness,
            variants=snakemake.params.variants,
            **snakemake.output,
        )
