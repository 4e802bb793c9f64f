"""The page that a reader sees first: one row per map and variant, what to be careful about, and how far they agree."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..tables.warned import Warned, grouped, maps_in_words
from .pages import render
from .tables import download, table

# Columns of summary.csv in the two tables of the page.
FOUND = [
    "map",
    "variant",
    "warning",
    "rule",
    "n_regions",
    "volume_mm3",
    "largest_mm3",
    "largest_x",
    "largest_y",
    "largest_z",
]
HOW = [
    "map",
    "variant",
    "suprathreshold",
    "kept",
    "too_small",
    "unseeded",
    "seed_only",
    "signs",
    "extract_type",
    "connectivity",
    "min_region_size",
    "convention",
]
# Columns of the first row of each settings.csv.
CHECKED = [
    *("map", "table", "rows", "rows_exact", "rows_rounded", "unlisted"),
    *("connectivity", "sign", "changed", "cutoff_low", "cutoff_high", "threshold"),
]
MOST_PAIRS = 2000  # rows of stability.csv that the page shows: more are slow to open


class Place(NamedTuple):
    name: str
    link: str


class Group(NamedTuple):
    """One warning: its text, the map that it is about or their number, and the variants."""

    text: str
    maps: str
    places: list[Place]


class Published(NamedTuple):
    """Results of the checks of published tables.

    Attributes
    ----------
    settings : of each the first row of its settings.csv, or its ``map`` and ``table``.
    answers : of each a sentence.
    """

    settings: Sequence[Mapping[str, Any]] = ()
    answers: Sequence[str] = ()


def summary_page(
    rows: Sequence[Mapping[str, Any]],
    warnings: Sequence[Warned],
    agreement: Sequence[Mapping[str, Any]],
    published: Published,
    summary: Path,
    pages: Sequence[str],
) -> str:
    """The page over all maps.

    Parameters
    ----------
    rows : of summary.csv.
    warnings : in the order of the rows.
    agreement : rows of every stability.csv.
    published : results of the checks of published tables.
    summary : path of summary.csv, which the page offers to save.
    pages : which pages every map has: ``map`` (map.html) and ``view`` (view.html), or none.

    Returns
    -------
    str : HTML.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    for warning in warnings:
        texts.setdefault((warning.map, warning.variant), []).append(warning.text)
    shown, links, attributes, quiet_attributes = [], [], [], []
    for row in rows:
        place = (row["map"], row["variant"])
        warnings_of_row = texts.get(place, [])
        shown.append(dict(row) | {"warning": "⚠" if warnings_of_row else None})
        address = _address(*place, pages)
        links.append({"map": address.partition("#")[0], "variant": address, "warning": address} if address else {})
        find = " ".join([*place, row["rule"], *warnings_of_row]).lower()
        given = {"data-find": find, "data-counts": ""} | ({"class": "warned"} if warnings_of_row else {})
        attributes.append(given | ({"title": "\n".join(warnings_of_row)} if warnings_of_row else {}))
        quiet_attributes.append({name: value for name, value in given.items() if name != "data-counts"})
    parts = [
        {
            "heading": "What was found",
            "table": table(shown, FOUND, "summary.csv", row_attributes=attributes, links=links),
            "file": download(summary, "summary.csv", summary.parent),
        },
        {
            "heading": "Settings and voxel accounting",
            "table": table(shown, HOW, "summary.csv", row_attributes=quiet_attributes, links=links),
            "file": None,
        },
    ]
    if published.settings:
        finds = [{"data-find": f"{row['map']} {row['table']}".lower()} for row in published.settings]
        to = [
            {"table": f"{quote(row['map'])}/published/{quote(row['table'])}/check.html"} for row in published.settings
        ]
        checks = table(published.settings, CHECKED, "settings.csv", row_attributes=finds, links=to)
        parts.append({"heading": "Published tables, under the settings that fit best", "table": checks, "file": None})
    if 0 < len(agreement) <= MOST_PAIRS:
        pairs = [{"data-find": " ".join((row["map"], row["variant_a"], row["variant_b"])).lower()} for row in agreement]
        shown_pairs = table(agreement, list(agreement[0]), "stability.csv", row_attributes=pairs)
        parts.append({"heading": "How far the variants of a map agree", "table": shown_pairs, "file": None})
    maps, variants = ({row[name] for row in rows} for name in ("map", "variant"))
    many = len(agreement) > MOST_PAIRS
    return render(
        "summary.html.j2",
        title="Summary",
        at="summary.html",
        counts=f"{_count(len(maps), 'map')}, {_count(len(variants), 'variant')}, {_count(len(rows), 'row')}",
        warnings=[
            Group(text, maps_in_words(group), _places(group, rows, pages)) for text, group in grouped(warnings).items()
        ],
        answers=published.answers,
        across="maps" in pages,
        page=next((f"{page}.html" for page in ("map", "view") if page in pages), None),
        parts=parts,
        omitted=f"How far variants agree ({len(agreement):,} pairs) is in each map's stability.csv." if many else "",
    )


def _places(group: Sequence[Warned], rows: Sequence[Mapping[str, Any]], pages: Sequence[str]) -> list[Place]:
    """Where a warning stands: a map, where it is about all of its variants, else map and variant."""
    of_map: dict[str, list[str]] = {}
    for warning in group:
        of_map.setdefault(warning.map, []).append(warning.variant)
    places = []
    for map_id, variants in of_map.items():
        if {row["variant"] for row in rows if row["map"] == map_id} <= set(variants):
            places.append(Place(map_id, _address(map_id, variants[0], pages).partition("#")[0] or "#"))
        else:
            places += [Place(f"{map_id} · {variant}", _address(map_id, variant, pages) or "#") for variant in variants]
    return places


def _address(map_id: str, variant: str, pages: Sequence[str]) -> str:
    if "map" in pages:
        return f"{quote(map_id)}/map.html#{quote(variant)}"
    return f"{quote(map_id)}/view.html#variant={quote(variant)}" if "view" in pages else ""


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"
