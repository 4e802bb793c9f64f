"""The page of one map: for every variant its rule, warnings, voxel accounting, figures, tables and methods."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .colours import page_colours
from .methods import Methods
from .pages import render
from .tables import download, table

CAPTIONS = {
    "threshold": "The thresholded map, over the anatomical template",
    "regions": "The regions, outlined, with their ids",
    "glass": "The map seen through the brain from three sides",
    "dice": "How far every two variants agree",
    "sweep/findings": "Every specification of the sweep, and what each finds",
    "sweep/sweep": "Regions over cutoff and smallest size",
    "sweep/persistence": "Over which cutoffs each peak stands by itself",
    "sweep/selection_frequency": "Share of the specifications that keep each voxel",
}


class VariantPage(NamedTuple):
    """What the page says of one variant.

    Attributes
    ----------
    name : id in the config.
    rule : the threshold in words.
    warnings : what to be careful about.
    account : voxels by where they went, ``suprathreshold``, ``kept``, ``too_small``, ``unseeded`` and ``seed_only``.
    regions, peaks : rows of regions.csv and peaks.csv.
    regions_table, peaks_table : paths of these files, which the page offers to save.
    methods : text to paste.
    """

    name: str
    rule: str
    warnings: Sequence[str]
    account: Mapping[str, int]
    regions: Sequence[Mapping[str, Any]]
    peaks: Sequence[Mapping[str, Any]]
    regions_table: str | Path
    peaks_table: str | Path
    methods: Methods


def map_page(
    map_id: str,
    about: str,
    variants: Sequence[VariantPage],
    figures: Sequence[str],
    view: bool,
    shared: Sequence[str] = (),
    max_pages: int = 0,
    checks: Sequence[str] = (),
) -> str:
    """The page of one map.

    Parameters
    ----------
    map_id : name.
    about : the map in a sentence: what it is, where it is from.
    variants : in the order of the page.
    figures : names of the figures that every variant has, ``{variant}/{figure}.png`` beside the page.
    view : whether there is a view.html beside the page.
    shared : names of the figures of all variants together, ``{figure}.png`` beside the page.
    max_pages : how many of the largest regions of a variant have a figure of their own.
    checks : ids of the published tables that are held against the map.

    Returns
    -------
    str : HTML that loads the figures and nothing else.
    """
    return render(
        "map.html.j2",
        title=map_id,
        about=about,
        view=view,
        checks=checks,
        shared=[{"address": f"{figure}.png", "caption": f"{CAPTIONS[figure]}: {map_id}"} for figure in shared],
        variants=[
            {
                "name": variant.name,
                "rule": variant.rule,
                "found": regions_in_words(len(variant.regions)),
                "warnings": variant.warnings,
                "account": account_in_words(variant.account, len(variant.regions)),
                "figures": [
                    {
                        "address": f"{variant.name}/{figure}.png",
                        "caption": f"{CAPTIONS.get(figure, figure)}: {map_id}, {variant.name}, {variant.rule}",
                    }
                    for figure in figures
                ],
                "zooms": range(1, min(max_pages, len(variant.regions)) + 1),
                "parts": [
                    _part(map_id, variant, "regions", variant.regions, variant.regions_table),
                    _part(map_id, variant, "peaks", variant.peaks, variant.peaks_table),
                ],
                "methods": variant.methods,
            }
            for variant in variants
        ],
    )


def _part(
    map_id: str, variant: VariantPage, kind: str, rows: Sequence[Mapping[str, Any]], path: str | Path
) -> dict[str, Any]:
    colours = page_colours(len(variant.regions))
    names = [name for name in (rows[0] if rows else []) if name not in ("map", "variant", "cutoff")]
    swatches = [{"style": f"--colour:{colours[row['region'] - 1]}"} for row in rows]
    return {
        "heading": kind.capitalize(),
        "table": table(rows, names, f"{kind}.csv", row_attributes=swatches),
        "file": download(path, f"{map_id}_{variant.name}_{kind}.csv"),
    }


def regions_in_words(n: int) -> str:
    """``no region``, ``1 region``, ``2 regions``."""
    return {0: "no region", 1: "1 region"}.get(n, f"{n:,} regions")


def account_in_words(account: Mapping[str, int], n_regions: int) -> str:
    """Where every suprathreshold voxel went, in a sentence."""
    passed = account["suprathreshold"]
    if not passed:
        return "No voxel passes the threshold."
    counts = [
        (account["kept"], f"in {regions_in_words(n_regions)}"),
        (account["too_small"], "in regions that are too small"),
        (account["unseeded"], "in components without a seed"),
        (account["seed_only"], "seed_only"),
    ]
    told = [f"{n:,} {what} ({n / passed:.1%})" for n, what in counts if n]
    return f"{passed:,} voxel{'s pass' if passed > 1 else ' passes'} the threshold: {', '.join(told)}."
