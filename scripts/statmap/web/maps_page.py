"""The page of all maps: how far they agree under every variant, and which region is found in which map."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from ..tables.columns import label_columns
from .pages import render
from .pictures import picture
from .tables import MOST_ROWS, download, table

MOST_MAPS = 24  # with a column each


class Agreement(NamedTuple):
    """What the maps of a study share under one variant.

    Attributes
    ----------
    variant : id.
    pairs : rows of maps.csv.
    regions : rows of maps_found.csv.
    figures : PNG files by their caption.
    """

    variant: str
    pairs: Sequence[Mapping[str, Any]]
    regions: Sequence[Mapping[str, Any]]
    figures: Mapping[str, Path]


def maps_page(
    maps: Sequence[str], left_out: Sequence[str], variants: Sequence[Agreement], files: Mapping[str, Path], linked: bool
) -> str:
    """The page of all maps.

    Parameters
    ----------
    maps : on one grid.
    left_out : on another.
    variants : in the order of the page.
    files : ``maps.csv`` and ``maps_found.csv``, which the page offers to save; it stands beside them.
    linked : whether every map has a page.

    Returns
    -------
    str : HTML with its figures in it; it loads nothing.
    """
    folder = files["maps.csv"].parent
    shown = [
        {
            "name": variant.variant,
            "figures": [
                {
                    "address": quote(path.relative_to(folder).as_posix()),
                    "source": picture(path),
                    "caption": caption,
                }
                for caption, path in variant.figures.items()
            ],
            "regions": _regions(variant, maps, linked),
            "pairs": _pairs(variant),
        }
        for variant in variants
    ]
    apart = f" On another grid, and left out: {', '.join(left_out)}." if left_out else ""
    return render(
        "maps.html.j2",
        title="All maps",
        at="maps.html",
        about=f"{len(maps)} maps on one grid: {', '.join(maps)}.{apart}",
        files=[download(path, name, folder) for name, path in files.items()],
        variants=shown,
        tables=[page[name] for page in shown for name in ("regions", "pairs") if page[name]],
    )


def _pairs(variant):
    """The table of every two maps, or None."""
    rows = variant.pairs
    return table(rows, [name for name in rows[0] if name != "variant"], "maps.csv", most=MOST_ROWS) if rows else None


def _regions(variant, maps, linked):
    """The table of regions, those of most maps first; of many maps without a column each."""
    rows = sorted(variant.regions, key=lambda row: -row["n_maps"])
    if not rows:
        return None
    names = ["map", "region", "sign", "volume_mm3", "peak_value", "peak_x", "peak_y", "peak_z"]
    names += [*label_columns("maps_found.csv", rows[0])[:1], "n_maps"]
    names += [f"regions@{name}" for name in maps] if len(maps) <= MOST_MAPS else []
    address = {name: f"{quote(name)}/map.html#{quote(variant.variant)}" for name in maps}
    links = [{"map": address[row["map"]]} for row in rows] if linked else []
    return table(rows, names, "maps_found.csv", links=links, most=MOST_ROWS)
