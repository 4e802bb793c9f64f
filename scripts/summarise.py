"""Rule summarise: one row per map and variant, and where to look first."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statmap.grid import decimals_of, extent_of, overlap_by_half
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import read_json, writing
from statmap.io.images import read_template
from statmap.io.log import log, logging_to
from statmap.io.spaces import same_space
from statmap.io.stat_map import MapSidecar, by_folder, by_map_and_table, by_map_and_variant
from statmap.regions.atlases import AtlasSidecar
from statmap.regions.extract import RegionsSidecar
from statmap.stability.across_maps import maps_on_one_grid
from statmap.tables.closing import closing_words
from statmap.tables.columns import SUMMARY
from statmap.tables.csv_files import read_table, write_rows
from statmap.tables.sidecar import TablesSidecar
from statmap.tables.warned import Warned, join_warnings
from statmap.web.summary import Published, summary_page


class Template(NamedTuple):
    """The anatomical background: its path, and the name of its space or None."""

    path: str
    space: str | None


def main(
    inputs: Mapping[tuple[str, str], Mapping[str, Path]],
    fetched: Mapping[str, str],
    of_maps: Mapping[str, Mapping[str, Path]],
    atlases: Iterable[str],
    checked: Mapping[tuple[str, str], Mapping[str, Path]],
    template: Template | None,
    pages: Sequence[str],
    outputs: Mapping[str, str],
) -> None:
    """Gather what every variant of every map gave.

    Parameters
    ----------
    inputs : by map and variant, ``thresholded.json``, ``regions.json`` and ``regions.csv``.
    fetched : by map, JSON from rule fetch_map.
    of_maps : by map, ``tables.json``, and where variants are compared ``stability.csv``.
    atlases : JSON from rule fetch_atlas.
    checked : by map and published table, ``settings.csv`` and ``check.json`` from rule check_published.
    template : the anatomical background, or None.
    pages : which pages every map has, ``map`` and ``view``; ``maps`` where maps are compared.
    outputs : ``summary.csv`` and ``summary.html``.
    """
    rows, warnings = [], []
    records = {name: MapSidecar.read(path) for name, path in fetched.items()}
    warnings_of = _warnings_of_maps(records, of_maps, template)
    for atlas in map(AtlasSidecar.read, atlases):
        for texts in warnings_of.values():
            texts += atlas.warnings
    grids = {name: (record.shape, np.array(record.affine)) for name, record in records.items()}
    for name in maps_on_one_grid(grids)[1] if "maps" in pages else []:
        warnings_of[name].append("on another grid than most maps, and left out of their comparison")
    for (map_id, variant), made in inputs.items():
        thresholded = ThresholdSidecar.read(made["thresholded.json"])
        extracted = RegionsSidecar.read(made["regions.json"])
        texts = [*warnings_of[map_id], *thresholded.warnings, *extracted.warnings]
        ids = {"map": map_id, "variant": variant}
        rows.append(ids | _row(thresholded, extracted, read_table(made["regions.csv"]), texts))
        warnings += [Warned(map_id, variant, text) for text in texts]
    finest = [decimals_of(np.array(record.affine)) for record in records.values()]
    decimals = {kind: max(grid[kind] for grid in finest) for kind in finest[0]}
    write_rows(outputs["summary.csv"], rows, SUMMARY, decimals)
    agreement = [
        row for files in of_maps.values() if "stability.csv" in files for row in read_table(files["stability.csv"])
    ]
    answers = [read_json(files["check.json"])["Sentence"] for files in checked.values()]
    settings = [_best_setting(*table, files["settings.csv"]) for table, files in checked.items()]
    with writing(outputs["summary.html"]) as temporary:
        published = Published(settings, answers)
        page = summary_page(rows, warnings, agreement, published, Path(outputs["summary.csv"]), pages)
        temporary.write_text(page, encoding="utf-8")
    log.info("%d rows", len(rows))
    print(closing_words(outputs["summary.csv"]), *answers, sep="\n", file=sys.stderr)


def _row(thresholded, extracted, regions, warnings):
    """A row of the summary, its ids aside."""
    cutoff, rule, accounting = thresholded.cutoff, extracted.rule, extracted.voxel_accounting
    local = rule.extract_type == "local_regions"
    largest = regions[0] if regions else {}
    return {
        "cutoff": cutoff.value,
        "rule": thresholded.rule,
        **{key: getattr(rule, key) for key in ("sided", "connectivity", "signs", "extract_type", "min_region_size")},
        "convention": thresholded.parameters["convention"] or "none",
        "random_walker": rule.random_walker if local else "none",
        "critical_extent": extracted.critical_extent_voxels,
        "smoothness": thresholded.search.source if thresholded.search else "none",
        "domain": cutoff.domain or "none",
        "n_domain": cutoff.n_domain or 0,
        **accounting,
        "n_regions": extracted.regions,
        "volume_mm3": accounting["kept"] * extracted.voxel_volume_mm3,
        "largest_mm3": largest.get("volume_mm3", 0.0),
        **{f"largest_{axis}": largest.get(f"peak_{axis}") for axis in "xyz"},
        "warning": join_warnings(warnings),
    }


def _best_setting(map_id, table_id, path):
    """The first row of a settings.csv; no more than its map and table where nothing fits."""
    return next(iter(read_table(path)), {"map": map_id, "table": table_id})


def _warnings_of_maps(records, of_maps, template):
    """What to be careful about in each map, whatever the variant: its image, its atlases, where the template lies."""
    brain = None
    if template:
        data, affine = read_template(template.path)
        brain = extent_of(data > 0, affine)
    warnings = {}
    for name, record in records.items():
        texts = [*record.warnings, *TablesSidecar.read(of_maps[name]["tables.json"]).warnings]
        if template and record.space and not same_space(record.space, template.space):
            texts.append(f"no template: the map is in space '{record.space}', the template in '{template.space}'")
        elif template and not overlap_by_half(brain, record.extent_mm and np.array(record.extent_mm)):
            texts.append("no template: it covers less than half of the map; is the map in another space?")
        warnings[name] = texts
    return warnings


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        template = snakemake.input.template
        main(
            inputs=by_map_and_variant(snakemake.input.variants),
            fetched={Path(path).stem: path for path in snakemake.input.fetched},
            of_maps=by_folder(snakemake.input.of_maps),
            atlases=snakemake.input.atlases,
            checked=by_map_and_table([*snakemake.input.settings, *snakemake.input.checks]),
            template=Template(template, snakemake.params.template_space) if template else None,
            pages=snakemake.params.pages,
            outputs={Path(path).name: path for path in snakemake.output},
        )
