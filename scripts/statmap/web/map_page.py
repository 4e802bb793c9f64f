"""The page of one map: for every variant its rule, warnings, voxel accounting, figures, tables and methods."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..figures.captions import CAPTIONS
from .colours import page_colours
from .methods import Methods
from .pages import render
from .tables import download, table


class VariantPage(NamedTuple):
    """What the page says of one variant.

    Attributes
    ----------
    name : id in the config.
    rule : the threshold in words.
    warnings : what to be careful about.
    accounting : of `regions.extract.Regions`.
    regions, peaks : rows of regions.csv and peaks.csv.
    files : paths of these two by name, which the page offers to save.
    methods : text to paste.
    """

    name: str
    rule: str
    warnings: Sequence[str]
    accounting: Mapping[str, int]
    regions: Sequence[Mapping[str, Any]]
    peaks: Sequence[Mapping[str, Any]]
    files: Mapping[str, Path]
    methods: Methods


class Beside(NamedTuple):
    """What stands beside the page of a map.

    Attributes
    ----------
    figures : names of the figures that every variant has, ``{variant}/{figure}.png``.
    shared : names of the figures of all variants together, ``{figure}.png``.
    max_pages : how many of the largest regions of a variant have a figure of their own.
    checks : what came out of each published table that is held against the map, a sentence by its id.
    """

    figures: Sequence[str] = ()
    shared: Sequence[str] = ()
    max_pages: int = 0
    checks: Mapping[str, str] = {}


def map_page(map_id: str, about: str, variants: Sequence[VariantPage], beside: Beside, view: bool) -> str:
    """The page of one map.

    Parameters
    ----------
    map_id : name.
    about : the map in a sentence: what it is, where it is from.
    variants : in the order of the page.
    beside : figures and pages beside the page.
    view : whether there is a view.html beside the page.

    Returns
    -------
    str : HTML that loads the figures and nothing else.
    """
    return render(
        "map.html.j2",
        title=map_id,
        about=about,
        view=view,
        checks=beside.checks,
        shared=[
            {"address": f"{figure}.png", "caption": f"{CAPTIONS[Path(figure).name].title}: {map_id}"}
            for figure in beside.shared
        ],
        variants=[
            {
                "name": variant.name,
                "rule": variant.rule,
                "found": regions_in_words(len(variant.regions)),
                "warnings": variant.warnings,
                "accounting": accounting_in_words(variant.accounting, len(variant.regions)),
                "figures": [
                    {
                        "address": f"{variant.name}/{figure}.png",
                        "caption": f"{CAPTIONS[figure].title}: {map_id}, {variant.name}, {variant.rule}",
                    }
                    for figure in beside.figures
                ],
                "zooms": range(1, min(beside.max_pages, len(variant.regions)) + 1),
                "parts": [
                    _part(map_id, variant, "regions", variant.regions),
                    _part(map_id, variant, "peaks", variant.peaks),
                ],
                "methods": variant.methods,
            }
            for variant in variants
        ],
    )


def _part(map_id: str, variant: VariantPage, kind: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    colours = page_colours(len(variant.regions))
    names = [name for name in (rows[0] if rows else []) if name not in ("map", "variant", "cutoff")]
    swatches = [{"style": f"--colour:{colours[row['region'] - 1]}"} for row in rows]
    return {
        "heading": kind.capitalize(),
        "table": table(rows, names, f"{kind}.csv", row_attributes=swatches),
        "file": download(variant.files[f"{kind}.csv"], f"{map_id}_{variant.name}_{kind}.csv"),
    }


def regions_in_words(n: int) -> str:
    """``no region``, ``1 region``, ``2 regions``."""
    return {0: "no region", 1: "1 region"}.get(n, f"{n:,} regions")


def accounting_in_words(accounting: Mapping[str, int], n_regions: int) -> str:
    """Where every suprathreshold voxel went, in a sentence."""
    passed = accounting["suprathreshold"]
    if not passed:
        return "No voxel passes the threshold."
    places = {
        "kept": f"in {regions_in_words(n_regions)}",
        "too_small": "in regions that are too small",
        "unseeded": "in components without a seed",
        "seed_only": "in components that are nothing but their seed",
    }
    counts = [
        f"{accounting[name]:,} {place} ({accounting[name] / passed:.1%})"
        for name, place in places.items()
        if accounting[name]
    ]
    return f"{passed:,} voxel{'s pass' if passed > 1 else ' passes'} the threshold: {', '.join(counts)}."
