"""A published table against its map: the size of each printed cluster at every cutoff, and the cutoffs that fit."""

from collections.abc import Sequence

import numpy as np

from ..types import Sided
from .axis import axis_words, ticks
from .page import GREY, MARGIN, WIDTH, Page
from .text import NOTE, number, triple
from .variant import Row

MOST_ROWS = 30
ROW = 19.0  # points
LEFT, RIGHT = MARGIN + 98, WIDTH - MARGIN - 148  # points, where the curves stand
FITS, ALONE, COMMON = "#333333", "#b45a5a", "#b9dcc6"


def published_figure(
    rows: Sequence[Row],
    interval: tuple[float, float] | None,
    title: str,
    subtitle: str = "",
    units: str = "value",
    sided: Sided = "two",
) -> Page:
    """One strip a printed row: its cluster's size (logarithmic) over the cutoff, the printed size, what it allows.

    Parameters
    ----------
    rows : from `published.report.row_curves`.
    interval : the cutoffs of the best candidate, above the first and up to the second; None where no row fits any.
    title, subtitle, units : str.
    sided : what the best candidate looks at.
    """
    page = Page(title, subtitle, "" if rows and interval else "No row of the table follows from this map.")
    if not rows or interval is None:
        return page.finish(page.top + 4)
    shown = rows[:MOST_ROWS]
    low, high = _window(shown, interval)

    def x(cutoff):
        return LEFT + (RIGHT - LEFT) * (np.clip(cutoff, low, high) - low) / (high - low)

    top = page.top + 12
    bottom = top + ROW * len(shown)
    for at, word, align in ((MARGIN, "row, peak x, y, z", "left"), (RIGHT + 5, "printed voxels", "left")):
        page.text(at, top - 4, word, NOTE, colour=GREY, align=align)
    page.text(RIGHT + 60, top - 4, "verdict", NOTE, colour=GREY)
    left, right = _at_least(x(interval[0]), x(interval[1]), 1.5)
    page.box(left, top, right - left, bottom - top, COMMON, above=1)
    for rank, row in enumerate(shown):
        _draw_row(page, row, x, (low, high), top + rank * ROW)
    _draw_axis(page, x, low, high, bottom, axis_words(units, sided))
    more = len(rows) - len(shown)
    notes = [
        "Line: voxels of the row's cluster, logarithmic. Dashed: the printed size. Bar: cutoffs that the row allows, "
        "red where they do not fit those of the other rows. Shaded: the cutoffs that fit.",
        f"{more:,} more rows are in rows.csv." if more else "",
    ]
    return page.finish(bottom + 24, notes)


def _window(rows: Sequence[Row], interval: tuple[float, float]) -> tuple[float, float]:
    """Cutoffs that are drawn: all that rows with a size allow near those that fit, and some room."""
    ends = list(interval)
    for row in rows:
        if row["allowed"] and (row["printed"] or not any(other["printed"] for other in rows)):
            ends += min(row["allowed"], key=lambda own: max(own[0] - interval[1], interval[0] - own[1], 0))
    room = max(0.15 * (max(ends) - min(ends)), 0.02 * max(ends))
    return max(min(ends) - room, 0.0), max(ends) + room


def _at_least(left: float, right: float, width: float) -> tuple[float, float]:
    """A span that can be seen."""
    spare = max(width - (right - left), 0) / 2
    return left - spare, right + spare


def _draw_row(page: Page, row: Row, x, window: tuple[float, float], top: float) -> None:
    """One strip: names on the left, the curve, the bar below it, the printed size and the verdict on the right."""
    middle, base = top + ROW / 2, top + ROW - 4.5
    fits = row["verdict"] in ("exact", "rounded")
    page.lines([np.array([(LEFT, top + ROW), (RIGHT, top + ROW)])], "#e4e4e4", 0.4)
    page.text(MARGIN + 12, middle, str(row["row"]), NOTE, align="right", level="center")
    page.text(MARGIN + 90, middle, triple(row["x"], row["y"], row["z"]), NOTE, align="right", level="center")
    printed = row["printed"]
    if printed:
        word = f"{printed[0]:,}" if printed[0] == printed[1] else f"{printed[0]:,}–{printed[1]:,}"
        page.text(RIGHT + 5, middle, word if printed[0] <= printed[1] else "none", NOTE, level="center")
    page.text(RIGHT + 60, middle, row["verdict"], NOTE, colour="black" if fits else ALONE, level="center")
    for own in row["allowed"]:
        if own[1] > window[0] and own[0] < window[1]:
            left, right = _at_least(x(own[0]), x(own[1]), 1.2)
            page.box(left, base + 1, right - left, 2, FITS if fits else ALONE, above=3)
    there = _steps(row, window)
    if there is None:
        return
    cutoffs, sizes = there
    low, high = np.log(sizes.min()), np.log(sizes.max())
    if printed:
        low, high = min(low, np.log(max(printed[0], 1))), max(high, np.log(max(printed[0], 1)))

    def y(size):
        return base - 1 - (base - 4 - top) * ((np.log(size) - low) / (high - low) if high > low else 0.5)

    page.lines([np.stack([x(cutoffs), y(sizes) + 0 * cutoffs], axis=1)], "black", 0.7, above=4)
    if printed:
        level = float(y(max(printed[0], 1)))
        page.lines([np.array([(LEFT, level), (RIGHT, level)])], GREY, 0.5, "dashed", above=3)


def _steps(row: Row, window: tuple[float, float]) -> tuple[np.ndarray, np.ndarray] | None:
    """The corners of the curve within the window, by rising cutoff; None where the cluster is not in it."""
    low, high = window
    levels, sizes = np.asarray(row["levels"])[::-1], np.asarray(row["sizes"], dtype=float)[::-1]
    below = np.append(0.0, levels[:-1])
    inside = (levels > low) & (below < high)
    if not inside.any():
        return None
    ends = np.stack([np.maximum(below[inside], low), np.minimum(levels[inside], high)], axis=1)
    return ends.ravel(), sizes[inside].repeat(2)


def _draw_axis(page: Page, x, low: float, high: float, y: float, words: str) -> None:
    page.lines([np.array([(LEFT, y), (RIGHT, y)])], GREY, 0.6)
    marks = ticks(low, high)
    digits = 3 if len(marks) < 2 else max(3, int(np.ceil(np.log10(abs(marks[-1]) / (marks[1] - marks[0])))) + 1)
    for tick in marks:
        page.lines([np.array([(x(tick), y), (x(tick), y + 2.5)])], GREY, 0.6)
        page.text(float(x(tick)), y + 9, number(tick, digits), NOTE, align="center")
    page.text((LEFT + RIGHT) / 2, y + 18, words, NOTE, colour=GREY, align="center")
