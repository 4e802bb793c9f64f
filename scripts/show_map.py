"""Rule show_map: the pages of one map: figures, tables and methods; slices and a threshold to move."""

from pathlib import Path
from typing import Literal

import numpy as np

from statmap.inference.families import family_of
from statmap.inference.thresholds import cutoff_of
from statmap.io.files import read_json, writing
from statmap.io.images import read_map, read_template, read_written
from statmap.io.log import log, logging_to
from statmap.tables.csv_files import read_table
from statmap.web.map_page import VariantPage, map_page
from statmap.web.methods import methods_text
from statmap.web.viewer import VariantView, viewer_page


def main(
    image: str,
    mask: str,
    sidecar: str,
    thresholded_sidecars: list[str],
    labels: list[str],
    regions_sidecars: list[str],
    regions_tables: list[str],
    peaks_tables: list[str],
    tables_sidecar: str,
    template: str | None,
    map_id: str,
    citation: str | None,
    variants: dict[str, dict],
    references: dict[str, tuple[str, str] | None],
    figures: list[str],
    shared: list[str],
    max_pages: int,
    checks: list[str],
    pages: dict[Literal["map", "view"], str],
) -> None:
    """Write the pages of one map.

    Parameters
    ----------
    image, mask, sidecar : from rule fetch_map.
    thresholded_sidecars, labels, regions_sidecars, regions_tables, peaks_tables : from the earlier rules, one each per
        variant.
    tables_sidecar : from rule tabulate_regions.
    template : anatomical image in the space of the map, or None. Where it does not lie over the map, or is None, the
        map's own outline is the background.
    map_id : name.
    citation : what the sheet asks to cite for the map, or None.
    variants : id to all its keys.
    references : atlas name to what to cite for it, see `methods_text`.
    figures : names of the figures that every variant has.
    shared, max_pages, checks : figures of all variants, regions that have one, published tables, see `map_page`.
    pages : which page to write where.
    """
    fetched, tabulated = read_json(sidecar), read_json(tables_sidecar)
    named = {name: references[name] for name in tabulated["Atlases"]}
    told, viewed = [], []
    for n, (name, keys) in enumerate(variants.items()):
        thresholded, extracted = read_json(thresholded_sidecars[n]), read_json(regions_sidecars[n])
        regions, peaks = read_table(regions_tables[n]), read_table(peaks_tables[n])
        cutoff = cutoff_of(thresholded)
        software = {}
        for made in (thresholded, extracted):
            software |= made["GeneratedBy"][0]["Software"]
        methods = methods_text(
            map_id=map_id,
            stat=fetched["Stat"],
            df=fetched["DF"],
            voxel_size_mm=fetched["VoxelSizeMM"],
            threshold=keys["threshold"],
            sided=keys["sided"],
            cutoff=cutoff,
            extract_type=keys["extract_type"],
            signs=keys["signs"],
            connectivity=keys["connectivity"],
            min_region_size=extracted["MinRegionSizeMM3"],
            size_rule=extracted["SizeRule"],
            critical_extent=extracted["CriticalExtentVoxels"],
            smoothness=thresholded.get("SmoothnessSource"),
            unseeded=keys["unseeded"],
            account=extracted["VoxelAccounting"],
            voxel_volume_mm3=extracted["VoxelVolumeMM3"],
            n_regions=extracted["Regions"],
            convention=keys["convention"],
            tdp_alpha=keys["tdp_alpha"] if any(row["tdp"] is not None for row in regions) else None,
            theory=keys["cluster_theory"] if any(row["p_cluster"] is not None for row in regions) else None,
            significance={key: keys[key] for key in ("cluster_p", "cluster_q") if keys[key] is not None},
            atlases=named if regions else {},
            citation=citation,
            version=extracted["GeneratedBy"][0]["Version"],
            software=software,
        )
        warnings = [text for said in (fetched, tabulated, thresholded, extracted) for text in said["Warnings"]]
        told.append(
            VariantPage(
                name,
                thresholded["Rule"],
                warnings,
                extracted["VoxelAccounting"],
                regions,
                peaks,
                regions_tables[n],
                peaks_tables[n],
                methods,
            )
        )
        if "view" in pages:
            viewed.append(
                VariantView(
                    name,
                    thresholded["Rule"],
                    keys["sided"],
                    keys["signs"],
                    keys["extract_type"],
                    keys["connectivity"],
                    extracted["MinRegionSizeMM3"],
                    extracted["SizeRule"],
                    cutoff,
                    read_written(labels[n], regions_sidecars[n])[0].astype(np.int32),
                    regions,
                )
            )
    texts = {}
    if "map" in pages:
        size = " × ".join(f"{length:.3g}" for length in fetched["VoxelSizeMM"])
        shape = " × ".join(map(str, fetched["Shape"]))
        space = fetched["Space"] or "space unknown"
        about = f"stat {fetched['Stat']} from {fetched['Sources'][0]}; {shape} voxels of {size} mm; {space}"
        texts["map"] = map_page(map_id, about, told, figures, "view" in pages, shared, max_pages, checks)
    if "view" in pages:
        data, affine, inside = read_map(image, mask, sidecar)
        rules = {(keys["domain"], keys["tdp_alpha"]) for keys in variants.values()}
        domain, alpha = rules.pop() if len(rules) == 1 else ("mask", None)  # of one family and confidence, or of none
        background = read_template(template) if template else None
        texts["view"] = viewer_page(
            map_id,
            data,
            affine,
            background,
            viewed,
            fetched["Stat"],
            fetched["DF"],
            "map" in pages,
            family_of(data, inside, domain),
            alpha,
        )
    for page, path in pages.items():
        with writing(path) as temporary:
            temporary.write_text(texts[page], encoding="utf-8")
    log.info("map '%s': %d variants", map_id, len(variants))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            **{**snakemake.input, "template": snakemake.input.template or None},
            map_id=snakemake.wildcards.map,
            citation=snakemake.params.row["citation"],
            variants=snakemake.params.variants,
            references=snakemake.params.references,
            figures=snakemake.params.figures,
            shared=snakemake.params.shared,
            max_pages=snakemake.params.max_pages,
            checks=snakemake.params.checks,
            pages={Path(path).stem: path for path in snakemake.output.pages},
        )
