"""Rule summarise: one row per map and variant, and where to look first."""

from pathlib import Path

import numpy as np

from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json, writing
from statmap.io.images import extent_of, overlap_by_half, read_template
from statmap.io.log import log, logging_to
from statmap.io.spaces import same_space
from statmap.stability.across_maps import maps_on_one_grid
from statmap.tables.columns import SUMMARY
from statmap.tables.csv_files import read_table, write_rows
from statmap.tables.warned import Warned
from statmap.web.summary import summary_page


def main(
    thresholded: list[str],
    extracted: list[str],
    tables: list[str],
    stability: list[str],
    checked: list[str],
    fetched: list[str],
    tabulated: list[str],
    atlases: list[str],
    template: str | None,
    template_space: str | None,
    maps: list[str],
    variants: dict[str, dict],
    pages: list[str],
    across: bool,
    summary: str,
    page: str,
) -> None:
    """Gather what every variant of every map gave.

    Parameters
    ----------
    thresholded, extracted : JSON from rules threshold_map and extract_regions, one each per map and variant.
    tables : regions.csv, likewise.
    stability : CSV from rule compare_variants, one per map; none where variants are not compared.
    checked : settings.csv from rule check_published, ``{map}/published/{table}/settings.csv``, one per published table.
    fetched, tabulated : JSON from rules fetch_map and tabulate_regions, one per map.
    atlases : JSON from rule fetch_atlas.
    template, template_space : the anatomical background and its space, or None.
    maps : ids.
    variants : id to the keys that the summary shows.
    pages : which pages every map has, ``map`` and ``view``.
    across : whether rule compare_maps compares the maps.
    summary, page : the CSV and the HTML file to write.
    """
    rows, warnings = [], []
    images = dict(zip(maps, map(read_json, fetched), strict=True))
    of_map = dict(zip(maps, _warnings_of_maps(images.values(), tabulated, template, template_space), strict=True))
    for atlas in map(read_json, atlases):
        for own in of_map.values():
            own += atlas["Warnings"]
    grids = {name: (image["Shape"], np.array(image["Affine"])) for name, image in images.items()}
    for name in maps_on_one_grid(grids)[1] if across else []:
        of_map[name].append("on another grid than most maps, and left out of their comparison")
    pairs = [(map_id, variant) for map_id in maps for variant in variants]
    for (map_id, variant), cut, divided, table in zip(pairs, thresholded, extracted, tables, strict=True):
        cut, divided, regions = read_json(cut), read_json(divided), read_table(table)
        keys, largest = variants[variant], regions[0] if regions else {}
        own = [*of_map[map_id], *cut["Warnings"], *divided["Warnings"]]
        rows.append(
            {
                "map": map_id,
                "variant": variant,
                "cutoff": cutoff_of(cut).value,
                "rule": cut["Rule"],
                **keys,
                "min_region_size": divided["MinRegionSizeMM3"],
                "critical_extent": divided["CriticalExtentVoxels"],
                "smoothness": cut.get("SmoothnessSource", "none"),
                "convention": keys["convention"] or "none",
                "random_walker": keys["random_walker"] if keys["extract_type"] == "local_regions" else "none",
                "domain": cut["Domain"] or "none",
                "n_domain": cut["DomainVoxels"] or 0,
                **divided["VoxelAccounting"],
                "n_regions": divided["Regions"],
                "volume_mm3": divided["VoxelAccounting"]["kept"] * divided["VoxelVolumeMM3"],
                "largest_mm3": largest.get("volume_mm3", 0.0),
                **{f"largest_{axis}": largest.get(f"peak_{axis}") for axis in "xyz"},
                "warning": " | ".join(own) or "none",
            }
        )
        warnings += [Warned(map_id, variant, warning) for warning in own]
    write_rows(summary, rows, SUMMARY)
    with writing(page) as temporary:
        agreement = [row for path in stability for row in read_table(path)]
        published = [_best_setting(Path(path)) for path in checked]
        temporary.write_text(summary_page(rows, warnings, agreement, published, summary, pages), encoding="utf-8")
    log.info("%d rows", len(rows))


def _best_setting(path):
    """The first row of a settings.csv; no more than its map and table, which the path says, where nothing fits."""
    map_id, _, table_id = path.parts[-4:-1]
    return next(iter(read_table(path)), {"map": map_id, "table": table_id})


def _warnings_of_maps(images, tabulated, template, template_space):
    """What to be careful about in each map, whatever the variant: its image, its atlases, where the template lies."""
    brain = None
    if template:
        data, affine = read_template(template)
        brain = extent_of(data > 0, affine)
    for image, tables in zip(images, map(read_json, tabulated), strict=True):
        found = [*image["Warnings"], *tables["Warnings"]]
        if template and image["Space"] and not same_space(image["Space"], template_space):
            found.append(f"no template: the map is in space '{image['Space']}', the template in '{template_space}'")
        elif template and not overlap_by_half(brain, image["ExtentMM"] and np.array(image["ExtentMM"])):
            found.append("no template: it covers less than half of the map; is the map in another space?")
        yield found


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "template": snakemake.input.template or None},
            template_space=snakemake.params.template_space,
            maps=snakemake.params.maps,
            variants=snakemake.params.variants,
            pages=snakemake.params.pages,
            across=snakemake.params.across,
            **snakemake.output,
        )
