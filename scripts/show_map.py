"""Rule show_map: the pages of one map: figures, tables and methods; slices and a threshold to move."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import read_json, writing
from statmap.io.images import read_template, read_written
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapFiles, MapSidecar, StatMap, by_folder
from statmap.regions.atlases import AtlasFiles, read_atlases
from statmap.regions.extract import RegionsSidecar
from statmap.regions.outcomes import voxel_outcomes
from statmap.tables.csv_files import read_table
from statmap.tables.sidecar import TablesSidecar
from statmap.web.map_page import Beside, VariantPage, map_page
from statmap.web.methods import Credits, methods_text
from statmap.web.viewer import VariantView, viewer_page


class ViewInputs(NamedTuple):
    """What only the viewer needs.

    Attributes
    ----------
    template : anatomical image in the space of the map, or None. Where it does not lie over the map, or is None, the
        map's own outline is the background.
    atlases : by name.
    written : by variant, the variant as one would write it, see `config.variants.written_variant`.
    """

    template: str | None
    atlases: Mapping[str, AtlasFiles]
    written: Mapping[str, Mapping[str, str]]


def main(
    map_id: str,
    files: MapFiles,
    inputs: Mapping[str, Mapping[str, Path]],
    tables_sidecar: str,
    view: ViewInputs,
    cites: Credits,
    beside: Beside,
    pages: Mapping[str, str],
) -> None:
    """Write the pages of one map.

    Parameters
    ----------
    map_id : name.
    files : what rule fetch_map wrote.
    inputs : by variant, image and JSON of ``thresholded`` and of ``regions``, ``regions.csv``, ``peaks.csv``.
    tables_sidecar : from rule tabulate_regions.
    view : what only the viewer needs.
    cites : what to cite for the map and for every atlas of the config.
    beside : figures and pages beside the pages.
    pages : which page to write where, ``map`` and ``view``.
    """
    fetched, tabulated = MapSidecar.read(files.sidecar), TablesSidecar.read(tables_sidecar)
    citation = cites.citation or fetched.citation  # the sheet's before NeuroVault's
    cites = Credits(citation, {name: cites.atlases[name] for name in tabulated.atlases})
    on_map, on_view = [], []
    for variant, made in inputs.items():
        thresholded = ThresholdSidecar.read(made["thresholded.json"])
        extracted = RegionsSidecar.read(made["regions.json"])
        regions, peaks = read_table(made["regions.csv"]), read_table(made["peaks.csv"])
        methods = methods_text(map_id, fetched, thresholded, extracted, regions, cites, tabulated.reported)
        records = fetched, tabulated, thresholded, extracted
        warnings = [warning for record in records for warning in record.warnings]
        accounting = extracted.voxel_accounting
        on_map.append(VariantPage(variant, thresholded.rule, warnings, accounting, regions, peaks, made, methods))
        if "view" in pages:
            images = _labels_and_outcomes(made, extracted)
            on_view.append(VariantView(variant, thresholded, extracted, *images, regions, view.written[variant]))
    texts = {}
    if "map" in pages:
        texts["map"] = map_page(map_id, _about(fetched, tabulated.reported), on_map, beside, "view" in pages)
    if "view" in pages:
        families = {tuple(own.thresholded.parameters[key] for key in ("domain", "tdp_alpha")) for own in on_view}
        family = families.pop() if len(families) == 1 else ("mask", None)  # of one family and confidence, or of none
        stat_map, background = StatMap.read(map_id, files), read_template(view.template) if view.template else None
        atlases = [atlas for atlas in read_atlases(view.atlases, stat_map)[0] if atlas.labels.any()]
        texts["view"] = viewer_page(stat_map, background, on_view, "map" in pages, *family, atlases)
    for page, path in pages.items():
        with writing(path) as temporary:
            temporary.write_text(texts[page], encoding="utf-8")
    log.info("map '%s': %d variants", map_id, len(inputs))


def _answers(paths):
    """What came out of each published table, a sentence by its id."""
    return {record["Table"]: record["Sentence"] for record in map(read_json, paths)}


def _labels_and_outcomes(made, extracted):
    """Of a variant the region of every voxel, and what became of it, see `viewer.VariantView`."""
    thresholded, affine = read_written(made["thresholded.nii.gz"], made["thresholded.json"])
    labels = read_written(made["regions.nii.gz"], made["regions.json"])[0].astype(np.int32)
    return labels, voxel_outcomes(thresholded, labels, affine, extracted.voxel_accounting, extracted.rule)


def _about(fetched, reported):
    """The map in a sentence: what it is, where it is from, and what the values of its tables are."""
    size = " × ".join(f"{length:.3g}" for length in fetched.voxel_size_mm)
    shape = " × ".join(map(str, fetched.shape))
    space = fetched.space or "space unknown"
    contrast = f", {fetched.contrast}" if fetched.contrast else ""
    values = f"; values, peaks and means are {reported.in_words}" if reported else ""
    return f"stat {fetched.stat} from {fetched.sources[0]}{contrast}; {shape} voxels of {size} mm; {space}{values}"


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            files=MapFiles(*snakemake.input.map),
            inputs=by_folder(snakemake.input.variants),
            tables_sidecar=snakemake.input.tables_sidecar,
            view=ViewInputs(
                snakemake.input.template or None,
                AtlasFiles.by_name(snakemake.input, snakemake.params.atlas_spaces),
                snakemake.params.written_variants,
            ),
            cites=Credits(snakemake.params.row["citation"], snakemake.params.references),
            beside=Beside(**snakemake.params.beside, checks=_answers(snakemake.input.checks)),
            pages={Path(path).stem: path for path in snakemake.output.pages},
        )
