"""The page of one map: for every variant its rule, warnings, voxel accounting, figures, tables and methods."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..figures.captions import CAPTIONS
from .colours import page_colours
from .manuscript import manuscript
from .methods import Methods
from .pages import render
from .pictures import picture
from .tables import MOST_ROWS, Table, download, table


class VariantPage(NamedTuple):
    """What the page says of one variant.

    Attributes
    ----------
    name : id in the config.
    rule : the threshold in words.
    warnings : what to be careful about.
    accounting : of `regions.extract.Regions`.
    regions, peaks : rows of regions.csv and peaks.csv.
    files : paths by name: of its tables, which the page offers to save, and of its figures, which it shows.
    methods : text to paste.
    labels : rows of labels_{atlas}.csv by name of the file, of the atlases that name something.
    table_columns : those of table.tsv, key of the variant.
    footer : entries of what SPM prints below its table, or None.
    """

    name: str
    rule: str
    warnings: Sequence[str]
    accounting: Mapping[str, int]
    regions: Sequence[Mapping[str, Any]]
    peaks: Sequence[Mapping[str, Any]]
    files: Mapping[str, Path]
    methods: Methods
    labels: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    table_columns: Sequence[str] = ()
    footer: Mapping[str, Any] | None = None


class Beside(NamedTuple):
    """Files and results that the page of a map links to.

    Attributes
    ----------
    folder : of the page and its figures.
    max_pages : how many of the largest regions of a variant have a figure of their own.
    view : whether there is a view.html.
    checks : the result of each published table that was compared with the map, a sentence by id of the table.
    """

    folder: Path
    max_pages: int = 0
    view: bool = False
    checks: Mapping[str, str] = {}


def map_page(map_id: str, about: str, variants: Sequence[VariantPage], shared: Sequence[Path], beside: Beside) -> str:
    """The page of one map.

    Parameters
    ----------
    map_id : name.
    about : the map in a sentence: what it is, where it is from.
    variants : in the order of the page.
    shared : figures of all variants together, in the folder of the map or below it.
    beside : what the page links to.

    Returns
    -------
    str : HTML with its figures in it; it loads nothing.
    """
    shown = [
        {
            "name": variant.name,
            "rule": variant.rule,
            "n_regions": regions_in_words(len(variant.regions)),
            "warnings": variant.warnings,
            "accounting": accounting_in_words(variant.accounting, len(variant.regions)),
            "figures": _figures(map_id, variant, beside.folder),
            "zooms": range(1, min(beside.max_pages, len(variant.regions)) + 1),
            **_tables(map_id, variant, beside.folder),
            "methods": variant.methods,
        }
        for variant in variants
    ]
    has_regions = any(variant.regions for variant in variants)
    return render(
        "map.html.j2",
        title=map_id,
        at=f"{map_id}/map.html",
        about=about,
        view=beside.view,
        checks=beside.checks,
        has_regions=has_regions,
        shared=[_figure(path, beside.folder, map_id) for path in shared if has_regions],
        variants=shown,
        tables=[
            table for page in shown for table in (page["printed"].table, *(part["table"] for part in page["parts"]))
        ],
    )


def _figures(map_id: str, variant: VariantPage, folder: Path) -> list[dict[str, str]]:
    """Figures of a variant; without a region only the thresholded map, and none where no voxel passes."""
    paths = [path for name, path in variant.files.items() if name.endswith(".png")]
    if not variant.regions:
        paths = [path for path in paths if path.stem == "threshold" and variant.accounting["suprathreshold"]]
    return [_figure(path, folder, f"{map_id}, {variant.name}, {variant.rule}") for path in paths]


def _figure(path: Path, folder: Path, what: str) -> dict[str, str]:
    """A figure as the page shows it, and its address from the page."""
    return {
        "address": quote(path.relative_to(folder).as_posix()),
        "source": picture(path),
        "caption": f"{CAPTIONS[path.stem].title}: {what}",
    }


def _tables(map_id: str, variant: VariantPage, folder: Path) -> dict[str, Any]:
    """The table of a paper, and the tables below it: regions, and voxels in each label of each atlas."""
    colours = page_colours(len(variant.regions))
    swatches = [{"style": f"--colour:{colours[row['region'] - 1]}"} for row in variant.regions]
    tables = {name: path for name, path in variant.files.items() if name.endswith((".csv", ".tsv"))}
    files = {name: download(path, f"{map_id}_{variant.name}_{name}", folder) for name, path in tables.items()}
    parts = {"regions.csv": ("Regions", variant.regions, swatches)}
    for name, rows in variant.labels.items():
        atlas = name.removeprefix("labels_").removesuffix(".csv")
        parts[name] = (f"By name, {atlas}", rows, [])
    return {
        "printed": manuscript(variant.regions, variant.peaks, variant.table_columns, variant.footer, colours),
        "files": files,
        "parts": [
            {"heading": heading, "table": _table_of(name, rows, attributes), "file": files[name]}
            for name, (heading, rows, attributes) in parts.items()
            if rows
        ],
    }


def _table_of(file: str, rows: Sequence[Mapping[str, Any]], attributes: Sequence[Mapping[str, str]]) -> Table:
    names = [name for name in (rows[0] if rows else []) if name not in ("map", "variant", "cutoff")]
    return table(rows, names, file, row_attributes=attributes, most=MOST_ROWS)


def regions_in_words(n: int) -> str:
    """``no region``, ``1 region``, ``2 regions``."""
    return {0: "no region", 1: "1 region"}.get(n, f"{n:,} regions")


def accounting_in_words(accounting: Mapping[str, int], n_regions: int) -> str:
    """The voxel accounting as a sentence."""
    passed = accounting["suprathreshold"]
    if not passed:
        return "No region: no voxel passes the threshold."
    places = {
        "kept": f"in {regions_in_words(n_regions)}",
        "too_small": "in regions that are too small",
        "unseeded": "in components without a seed",
        "seed_only": "in components that hold only their seed",
    }
    counts = [
        f"{accounting[name]:,} {place} ({accounting[name] / passed:.1%})"
        for name, place in places.items()
        if accounting[name]
    ]
    passing = f"{passed:,} voxel{'s pass' if passed > 1 else ' passes'} the threshold: {', '.join(counts)}."
    return passing if n_regions else f"No region: {passing}"
