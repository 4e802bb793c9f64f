"""The ids of regions on a page: where they go, and how they are drawn."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .colours import ink
from .page import INK, PAPER, Page
from .panels import Panel
from .placing import place
from .slicing import Edges
from .text import text_width

CROWDED, FULL = 0.07, 0.12  # share of a panel that ids may cover: ids that other panels have too, and all ids
FREE = 3  # ids that a panel may have, however small it is


class Tag(NamedTuple):
    """An id on the page: its box (left, top, right, bottom), and the point of the region that it belongs to."""

    region: int
    box: np.ndarray
    anchor: np.ndarray


def pixels_of(plane: np.ndarray, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Region ids in a cut, (n,), and the centres of their pixels, (n, 2), in the unit of `edges`."""
    row, column = np.nonzero(plane)
    left, right, bottom, top = edges
    x = left + (column + 0.5) * (right - left) / plane.shape[1]
    y = top + (row + 0.5) * (bottom - top) / plane.shape[0]
    return plane[row, column], np.stack([x, y], axis=1)


def place_ids(views: Sequence[tuple[Panel, np.ndarray, np.ndarray]], size: float) -> list[list[Tag]]:
    """Give every region an id in the panel that shows most of it, and in other panels where there is room.

    Parameters
    ----------
    views : list of (panel, ids, points), the latter two from `pixels_of`.
    size : font size.

    Returns
    -------
    list of list of Tag : one list a panel. A region for which no panel has room is in none of them.
    """
    seen: dict[int, list] = {}  # region: [(pixels, view)]
    for rank, (_, ids, _) in enumerate(views):
        for region, pixels in zip(*np.unique(ids, return_counts=True), strict=True):
            seen.setdefault(int(region), []).append((int(pixels), rank))
    candidates = []  # (not the best view, -pixels, region, view): what comes first is placed first
    for region, places in seen.items():
        best = max(places)[1]
        candidates += [(rank != best, -pixels, region, rank) for pixels, rank in places]
    tags: list[list[Tag]] = [[] for _ in views]
    covered = [0.0] * len(views)
    for elsewhere, _, region, rank in sorted(candidates):
        panel, ids, points = views[rank]
        width, height = tag_size(region, size)
        most = (CROWDED if elsewhere else FULL) * (panel.right - panel.left) * (panel.bottom - panel.top)
        if len(tags[rank]) >= FREE and covered[rank] + width * height > most:
            continue
        room = panel.left - 2, panel.top, panel.right + 2, panel.bottom
        occupied = [tag.box for tag in tags[rank]]
        box, anchor = place(points[ids == region], points, (width, height), room, occupied)
        if box is not None:
            tags[rank].append(Tag(region, box, anchor))
            covered[rank] += width * height
    return tags


def named_in(tags: Sequence[Sequence[Tag]]) -> set[int]:
    """Regions that have an id somewhere."""
    return {tag.region for panel_tags in tags for tag in panel_tags}


def tag_size(region: int, size: float) -> tuple[float, float]:
    """Width and height of an id in points."""
    return len(str(region)) * text_width("0", size, bold=True) + 3, size + 1.5


def draw_tag(page: Page, left: float, top: float, region: int, size: float, colours: Sequence[tuple[str, str]]) -> None:
    """An id on the colour of its region."""
    width, height = tag_size(region, size)
    colour = colours[region - 1][0]
    page.box(left, top, width, height, colour, ink(colour), above=5)
    page.text(left + width / 2, top + height / 2, str(region), size, True, ink(colour), "center", "center")


def draw_tags(page: Page, tags: Sequence[Tag], size: float, colours: Sequence[tuple[str, str]]) -> None:
    """Ids, each with a line to its region where it stands apart."""
    leaders = []
    for tag in tags:
        draw_tag(page, tag.box[0], tag.box[1], tag.region, size, colours)
        nearest = np.clip(tag.anchor, tag.box[:2], tag.box[2:])
        if np.linalg.norm(nearest - tag.anchor) > 4:
            leaders.append(np.stack([nearest, tag.anchor]))
    page.lines(leaders, PAPER, 1.4, above=4)
    page.lines(leaders, INK, 0.5, above=4)
