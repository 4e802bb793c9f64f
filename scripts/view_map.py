"""Rule view_map: the slices of one map to scroll through, and a threshold to move."""

from collections.abc import Mapping
from pathlib import Path

from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import writing
from statmap.io.images import read_template
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapFiles, StatMap, by_folder
from statmap.regions.atlases import AtlasFiles, read_atlases
from statmap.regions.extract import read_regions
from statmap.tables.csv_files import read_table
from statmap.web.viewer import VariantView, viewer_page


def main(
    map_id: str,
    files: MapFiles,
    inputs: Mapping[str, Mapping[str, Path]],
    template: str | None,
    atlases: Mapping[str, AtlasFiles],
    written: Mapping[str, Mapping[str, str]],
    has_page: bool,
    output: str,
) -> None:
    """Write the slices of one map as a page.

    Parameters
    ----------
    map_id : name.
    files : what rule fetch_map wrote.
    inputs : by variant, ``thresholded.json``, image and JSON of ``regions``, ``accounting.nii.gz``, ``regions.csv``.
    template : anatomical image in the space of the map, or None. Where it does not lie over the map, or is None, the
        map's own outline is the background.
    atlases : by name.
    written : by variant, the variant as one would write it, see `config.variants.written_variant`.
    has_page : whether there is a map.html beside it.
    output : the page to write.
    """
    thresholded = {variant: ThresholdSidecar.read(made["thresholded.json"]) for variant, made in inputs.items()}
    families = {tuple(record.parameters[key] for key in ("domain", "tdp_alpha")) for record in thresholded.values()}
    family = families.pop() if len(families) == 1 else ("mask", None)  # of one family and confidence, or of none
    stat_map, background = StatMap.read(map_id, files), read_template(template) if template else None
    labelled = [atlas for atlas in read_atlases(atlases, stat_map)[0] if atlas.labels.any()]
    variants = (  # one at a time in memory
        VariantView(name, thresholded[name], *read_regions(made), read_table(made["regions.csv"]), written[name])
        for name, made in inputs.items()
    )
    text = viewer_page(stat_map, background, variants, has_page, *family, labelled)
    with writing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info("map '%s': %d variants", map_id, len(inputs))


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        main(
            map_id=snakemake.wildcards.map,
            files=MapFiles(*snakemake.input.map),
            inputs=by_folder(snakemake.input.variants),
            template=snakemake.input.template or None,
            atlases=AtlasFiles.by_name(snakemake.input, snakemake.params.atlas_spaces),
            written=snakemake.params.written_variants,
            has_page=snakemake.params.has_page,
            output=str(snakemake.output),
        )
