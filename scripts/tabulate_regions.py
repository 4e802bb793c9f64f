"""Rule tabulate_regions: regions, peaks, as one prints them and by label, and how far the variants agree."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from statmap.distributions import distribution_of
from statmap.grid import decimals_of
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.declared import statistic
from statmap.io.images import judge, read_on_grid, read_written
from statmap.io.log import log, logging_to
from statmap.io.sidecar import generated_by
from statmap.io.stat_map import MapFiles, MapSidecar, StatMap, by_folder
from statmap.regions.atlases import AtlasFiles, read_atlases
from statmap.regions.by_label import label_sizes, tabulate_labels
from statmap.regions.extract import Regions, RegionsSidecar
from statmap.rules import PeakRule
from statmap.stability.agreement import dice_jaccard, match_regions
from statmap.tables.columns import LABELS, MATCHES, STABILITY, with_added
from statmap.tables.csv_files import write_rows, write_table
from statmap.tables.manuscript import chosen_columns, manuscript_rows
from statmap.tables.of_variant import tables_of_variant
from statmap.tables.sidecar import Reported, TablesSidecar


def main(
    map_id: str,
    files: MapFiles,
    values: str | None,
    atlases: Mapping[str, AtlasFiles],
    rules: Mapping[str, PeakRule],
    inputs: Mapping[str, Mapping[str, Path]],
    outputs: Mapping[str, Mapping[str, Path]],
    sidecar: str,
) -> None:
    """Measure the regions of every variant of one map.

    Parameters
    ----------
    map_id : name, the first column of the tables.
    files : what rule fetch_map wrote.
    values : the image that the sheet names to report values of, or None.
    atlases : by name.
    rules : by variant.
    inputs : by variant, ``thresholded.json``, ``regions.nii.gz`` and ``regions.json``.
    outputs : by variant, ``regions.csv``, ``peaks.csv``, ``table.tsv`` and of every atlas ``labels_{atlas}.csv``.
    sidecar : JSON to write, how the tables were made and what to be careful about.
    """
    stat_map = StatMap.read(map_id, files)
    named_atlases, warnings = read_atlases(atlases, stat_map)
    columns = {table: with_added(table, atlas=atlases) for table in ("regions.csv", "peaks.csv")}
    sizes = {atlas.name: label_sizes(atlas, stat_map.values.shape, stat_map.affine) for atlas in named_atlases}
    footers: dict[str, dict] = {}
    grid, decimals = (stat_map.values.shape, stat_map.affine), decimals_of(stat_map.affine)
    reported, record_of_values = None, None
    if values:
        what = f"values of {stat_map}"
        reported, doubts = read_on_grid(values, *grid, what)
        _, header = judge(values, what)
        facts, _ = statistic(header.header, values, {}, what)
        record_of_values = Reported(Path(values).name, distribution_of(facts["stat"], facts["df"]).units)
        warnings += doubts
    for warning in warnings:
        log.warning("%s", warning)
    for variant, rule in rules.items():
        thresholded = ThresholdSidecar.read(inputs[variant]["thresholded.json"]).thresholded
        record = RegionsSidecar.read(inputs[variant]["regions.json"])
        labels = read_written(inputs[variant]["regions.nii.gz"], inputs[variant]["regions.json"])[0].astype(np.int32)
        regions = Regions(labels, record.voxel_accounting, record.rule)
        tables = tables_of_variant(stat_map, thresholded, regions, rule, named_atlases, reported)
        to_write, values_of_tables = outputs[variant], stat_map.values if reported is None else reported
        by_file = {"regions.csv": tables.regions, "peaks.csv": tables.peaks}
        for atlas in named_atlases:
            table_of_labels = tabulate_labels(atlas, sizes[atlas.name], values_of_tables, regions, stat_map.affine)
            by_file[f"labels_{atlas.name}.csv"] = table_of_labels
        for name, table in by_file.items():
            n_rows = len(next(iter(table.values())))
            ids = {"map": [map_id] * n_rows, "variant": [variant] * n_rows}
            write_table(to_write[name], ids | table, columns.get(name, LABELS), decimals)
        set_level = None
        if tables.footer:
            footers[variant] = tables.footer.entries()
            set_level = {"set_p": tables.footer.set_p, "set_c": tables.footer.set_c}
        printed = manuscript_rows(_rows(tables.regions), _rows(tables.peaks), set_level)
        shown = chosen_columns(rule.table_columns, printed, list(atlases))
        write_rows(to_write["table.tsv"], printed, shown, decimals)
        log.info("%s, variant '%s': %d regions, %d peaks", stat_map, variant, regions.n_regions, len(printed))
    TablesSidecar(
        description=f"Tables of regions and peaks of map '{map_id}'",
        generated_by=generated_by("tabulate_regions", ("numpy", "scipy", "nibabel")),
        sources=[files.image, *(atlas.image for atlas in atlases.values()), *([values] if values else [])],
        source_sha256=MapSidecar.read(files.sidecar).sha256,
        warnings=warnings,
        parameters={variant: vars(rule) for variant, rule in rules.items()},
        atlases=[atlas.name for atlas in named_atlases if atlas.labels.any()],
        spm_footers=footers,
        reported=record_of_values,
    ).write(sidecar)


def _rows(table):
    """A table as rows."""
    columns = [values.tolist() if hasattr(values, "tolist") else values for values in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]


def compare_variants(map_id: str, inputs: Mapping[str, Mapping[str, Path]], stability: str, matches: str) -> None:
    """Compare every two variants of one map.

    Parameters
    ----------
    map_id : name.
    inputs : by variant, ``regions.nii.gz`` and ``regions.json``.
    stability, matches : CSV files to write: Dice and Jaccard of the kept voxels; regions matched by overlap.
    """
    inside, of_regions = {}, {}
    for variant, files in inputs.items():
        image, affine = read_written(files["regions.nii.gz"], files["regions.json"])
        inside[variant] = np.flatnonzero(image > 0)  # of a bool array: seven times as fast
        of_regions[variant] = image.ravel()[inside[variant]]
    # The rest of the images, where no variant has a region, tells nothing about two of them.
    anywhere = np.unique(np.concatenate(list(inside.values())))
    labels = {variant: np.zeros_like(anywhere) for variant in inputs}
    for variant, voxels in inside.items():
        labels[variant][np.searchsorted(anywhere, voxels)] = of_regions[variant]
    pairs = dice_jaccard({variant: image > 0 for variant, image in labels.items()})
    write_rows(stability, [{"map": map_id, **pair} for pair in pairs], STABILITY)
    rows = []
    for first, second in combinations(labels, 2):
        table = match_regions(labels[first], labels[second], affine)
        names = {"map": map_id, "variant_a": first, "variant_b": second}
        rows += [names | row for row in _rows(table)]
    write_rows(matches, rows, MATCHES, decimals_of(affine))
    log.info("map '%s': %d pairs of variants", map_id, len(pairs))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            files=MapFiles(*snakemake.input.map),
            values=next(iter(snakemake.params.values), None),
            atlases=AtlasFiles.by_name(snakemake.input, snakemake.params.atlas_spaces),
            rules={variant: PeakRule(**keys) for variant, keys in snakemake.params.variants.items()},
            inputs=by_folder(snakemake.input.variants),
            outputs=by_folder(snakemake.output.variants),
            sidecar=snakemake.output.sidecar,
        )
        if agreement := snakemake.output.agreement:
            compare_variants(snakemake.wildcards.map, by_folder(snakemake.input.variants), *agreement)
