"""Rule sweep_map: one map over a grid of thresholds, sizes, connectivities, signs: regions, findings, persistence."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from statmap.grid import decimals_of, voxel_volume
from statmap.inference.families import family_of
from statmap.inference.kinds import parse_threshold
from statmap.inference.search_volume import search_volumes
from statmap.inference.thresholds import ThresholdSidecar, check_on_map, resolve_cutoff, write_threshold
from statmap.io.images import read_written
from statmap.io.log import log, logging_to
from statmap.io.nifti import write_image
from statmap.io.stat_map import MapFiles, StatMap, by_folder
from statmap.regions.atlases import AtlasFiles, label_peaks, read_atlases
from statmap.regions.clusters import size_in_mm3
from statmap.regions.extract import RegionsSidecar
from statmap.rules import Smoothness, SweepRule
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


def main(
    map_id: str,
    files: MapFiles,
    rule: SweepRule,
    smoothness: Smoothness,
    atlases: Mapping[str, AtlasFiles],
    specifications: Mapping[str, Mapping[str, Path]],
    outputs: Mapping[str, Path],
) -> None:
    """Sweep one map.

    Parameters
    ----------
    map_id : name, the first column of the tables.
    files : what rule fetch_map wrote.
    rule : of the sweep. Thresholds that resolve to no one cutoff come last in the tables, and take no part in the table
        of peaks.
    smoothness : of the map's row of the sample sheet.
    atlases : by name.
    specifications : variants that are points of the sweep too, each with ``thresholded.json``, ``regions.nii.gz`` and
        ``regions.json``.
    outputs : ``sweep.csv``, one row per grid point; ``persistence.csv``, one row per peak, signs apart, and
        connectivity; ``findings.csv``, one row per main peak of any grid point; ``selection_frequency.nii.gz``, the
        share of grid points that keep each voxel.
    """
    stat_map = StatMap.read(map_id, files)
    data, affine, decimals = stat_map.values, stat_map.affine, decimals_of(stat_map.affine)
    rule = replace(rule, min_region_sizes=[size_in_mm3(size, affine) for size in rule.min_region_sizes])
    named_atlases, warnings = read_atlases(atlases, stat_map)
    for warning in warnings:
        log.warning("%s", warning)
    cutoffs, bounds = _resolve(stat_map, rule, smoothness)
    floor = min((cutoff.at_least for cutoff in cutoffs.values()), default=0.0)
    settings = trees_of_settings(data, rule, floor)
    shared = affine, cutoffs, rule.min_region_sizes, rule.size_rule
    grid, times_kept = sweep_grid(settings, data.shape, *shared)
    occurrences = main_peaks_of_sweep(data, settings, *shared)
    if bounds:
        # Here, not above: scipy.special takes as long to import as all the rest takes to run.
        from statmap.stability.guaranteed_sweep import sweep_guaranteed

        more, more_times, more_occurrences = sweep_guaranteed(stat_map, rule, bounds)
        after = more_occurrences._replace(row=more_occurrences.row + len(grid["kept"]))
        occurrences = join_occurrences([occurrences, after])
        grid = {name: np.concatenate([values, more[name]]) for name, values in grid.items()}
        times_kept += more_times
    n_points = len(grid["kept"])
    grid |= {"variant": np.full(n_points, None), "extract_type": np.full(n_points, "connected_components", object)}
    for variant, made in specifications.items():
        labels, _ = read_written(made["regions.nii.gz"], made["regions.json"])
        row = _row_of_variant(
            ThresholdSidecar.read(made["thresholded.json"]), RegionsSidecar.read(made["regions.json"])
        )
        peaks = main_peaks_of_regions(data, affine, labels, row["connectivity"], n_points, row["cutoff"])
        row |= {"variant": variant, "largest_mm3": peaks.n_voxels.max(initial=0) * voxel_volume(affine)}
        grid = {name: np.append(values, row[name]) for name, values in grid.items()}
        occurrences = join_occurrences([occurrences, peaks])
        times_kept += labels > 0
        n_points += 1
    write_table(outputs["sweep.csv"], {"map": [map_id] * n_points} | grid, SWEEP, decimals)
    write_image(outputs["selection_frequency.nii.gz"], (times_kept / n_points).astype(np.float32), affine)

    table, rows_of_finding = findings(data, affine, occurrences, n_points)
    label_peaks(table, named_atlases, affine)
    ranges = [write_ranges(rows + 1) for rows in rows_of_finding]
    table |= {"map": [map_id] * len(ranges), "found_in": ranges}
    write_table(outputs["findings.csv"], table, with_added("findings.csv", atlas=atlases), decimals)

    apart = settings if "split" in rule.signs else trees_of_settings(data, replace(rule, signs=["split"]), floor)
    parts = [persistence(apart[connectivity, "split"], affine, cutoffs) for connectivity in rule.connectivities]
    n_peaks = [len(part["peak"]) for part in parts]
    table = {
        "map": [map_id] * sum(n_peaks),
        "connectivity": np.repeat(rule.connectivities, n_peaks),
        **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
    }
    label_peaks(table, named_atlases, affine)
    columns = with_added("persistence.csv", atlas=atlases, threshold=list(cutoffs))
    write_table(outputs["persistence.csv"], table, columns, decimals)
    log.info(
        "%s: %d grid points, %d findings, %d peaks from %g up",
        *(stat_map, n_points, len(ranges), sum(n_peaks), floor),
    )


def _resolve(stat_map, rule, smoothness):
    """The cutoffs of a sweep, and the bounds of the thresholds that have none, by the threshold as it is written."""
    kinds = {write_threshold(threshold): parse_threshold(threshold) for threshold in rule.thresholds}
    search = None
    if any(kind.needs_smoothness for kind, _ in kinds.values()):
        search = search_volumes(stat_map, smoothness)(family_of(stat_map, rule.domain))
    cutoffs, bounds = {}, {}
    for threshold in rule.thresholds:
        written = write_threshold(threshold)
        kind, number = kinds[written]
        if kind.per_region:
            check_on_map(stat_map, rule.threshold_rule(threshold), search)
            bounds[written] = number
        else:
            cutoffs[written] = resolve_cutoff(stat_map, rule.threshold_rule(threshold), search)
    return cutoffs, bounds


def _row_of_variant(thresholded, extracted):
    """A variant as a row of sweep.csv, its name and its largest region aside."""
    cutoff, accounting, rule = thresholded.cutoff, extracted.voxel_accounting, extracted.rule
    return {
        **{name: getattr(rule, name) for name in ("connectivity", "signs", "extract_type", "min_region_size")},
        "threshold": write_threshold(thresholded.parameters["threshold"]),
        "cutoff": cutoff.value,
        "cutoff_rule": cutoff.rule,
        "suprathreshold": accounting["suprathreshold"],
        "n_regions": extracted.regions,
        "volume_mm3": accounting["kept"] * extracted.voxel_volume_mm3,
        "kept": accounting["kept"],
        "too_small": accounting["too_small"],
    }


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            files=MapFiles(*snakemake.input.map),
            rule=SweepRule(**snakemake.params.rule),
            smoothness=Smoothness.given(snakemake.params),
            atlases=AtlasFiles.by_name(snakemake.input, snakemake.params.atlas_spaces),
            specifications=by_folder(snakemake.input.variants),
            outputs={Path(path).name: path for path in snakemake.output},
        )
