"""Rule show_map: the page of one map: figures, tables, voxel accounting and methods of every variant."""

import html
from collections.abc import Iterable, Mapping
from pathlib import Path

from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import read_json, writing
from statmap.io.log import log, logging_to
from statmap.io.stat_map import MapSidecar, by_folder
from statmap.regions.extract import RegionsSidecar
from statmap.tables.csv_files import read_table
from statmap.tables.sidecar import TablesSidecar
from statmap.web.map_page import Beside, VariantPage, map_page
from statmap.web.methods import Credits, methods_text


def main(
    map_id: str,
    sidecar: str,
    inputs: Mapping[str, Mapping[str, Path]],
    shared: Iterable[str],
    tables_sidecar: str,
    cites: Credits,
    beside: Beside,
    output: Path,
) -> None:
    """Write the page of one map.

    Parameters
    ----------
    map_id : name.
    sidecar : of the map, from rule fetch_map.
    inputs : by variant, ``thresholded.json``, ``regions.json``, its tables and its figures (PNG).
    shared : figures of all variants together (PNG).
    tables_sidecar : from rule tabulate_regions.
    cites : what to name for the map, every atlas of the config, and the template.
    beside : what stands beside the page.
    output : the page to write.
    """
    fetched, tabulated = MapSidecar.read(sidecar), TablesSidecar.read(tables_sidecar)
    citation = cites.citation or fetched.citation  # the sheet's before NeuroVault's
    cites = cites._replace(citation=citation, atlases={name: cites.atlases[name] for name in tabulated.atlases})
    variants = []
    for variant, made in inputs.items():
        thresholded = ThresholdSidecar.read(made["thresholded.json"])
        extracted = RegionsSidecar.read(made["regions.json"])
        regions, peaks = read_table(made["regions.csv"]), read_table(made["peaks.csv"])
        methods = methods_text(map_id, fetched, thresholded, extracted, regions, cites, tabulated.reported)
        records = fetched, tabulated, thresholded, extracted
        warnings = [warning for record in records for warning in record.warnings]
        accounting = extracted.voxel_accounting
        page = VariantPage(variant, thresholded.rule, warnings, accounting, regions, peaks, made, methods)
        labels = {f"labels_{atlas}.csv": read_table(made[f"labels_{atlas}.csv"]) for atlas in tabulated.atlases}
        columns, footer = tabulated.parameters[variant]["table_columns"], tabulated.spm_footers.get(variant)
        variants.append(page._replace(labels=labels, table_columns=columns, footer=footer))
    text = map_page(map_id, _about(fetched, tabulated.reported), variants, list(map(Path, shared)), beside)
    with writing(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    log.info("map '%s': %d variants", map_id, len(variants))


def _about(fetched, reported):
    """The map in a sentence: what it is, where it is from, and what the values of its tables are."""
    size = " × ".join(f"{length:.3g}" for length in fetched.voxel_size_mm)
    shape = " × ".join(map(str, fetched.shape))
    space = fetched.space or "space unknown"
    contrast = f", {fetched.contrast}" if fetched.contrast else ""
    values = f"; values, peaks and means are {reported.in_words}" if reported else ""
    return f"stat {fetched.stat} from {fetched.sources[0]}{contrast}; {shape} voxels of {size} mm; {space}{values}"


def _answers(paths):
    """What came out of each published table, a sentence by its id."""
    return {record["Table"]: record["Sentence"] for record in map(read_json, paths)}


if __name__ == "__main__":
    with logging_to(snakemake.log[0]):
        params, output = snakemake.params, Path(str(snakemake.output))
        main(
            map_id=snakemake.wildcards.map,
            sidecar=snakemake.input.sidecar,
            inputs=by_folder(snakemake.input.variants),
            shared=snakemake.input.shared,
            tables_sidecar=snakemake.input.tables_sidecar,
            cites=Credits(html.unescape(params.citation), params.references, params.template, params.template_space),
            beside=Beside(output.parent, params.max_pages, params.has_view, _answers(snakemake.input.checks)),
            output=output,
        )
