"""A published table against its map: the size of each printed cluster at every cutoff, and the cutoffs that fit."""

from collections.abc import Callable, Sequence

import numpy as np

from ..types import Sided
from .axis import axis_words, chart_width, tell_apart, ticks
from .page import FAINT, INK, MARGIN, MUTED, Page
from .style import FigureStyle
from .text import NOTE, triple
from .variant import Row

MOST_ROWS = 30
ROW = 19.0  # points
LEFT, BESIDE = MARGIN + 98, MARGIN + 148.0  # points, what stands on the left and on the right of the curves
ALONE = "#b45a5a"
COMMON = {"white": "#b9dcc6", "black": "#2d5a41"}  # by background


def published_figure(
    rows: Sequence[Row],
    interval: tuple[float, float] | None,
    title: str,
    subtitle: str = "",
    units: str = "value",
    sided: Sided = "two",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """One strip per printed row: its cluster's size (logarithmic) over the cutoff, the printed size, cutoffs that fit.

    Parameters
    ----------
    rows : from `published.report.row_curves`.
    interval : the cutoffs of the best candidate, above the first and up to the second; None where no row fits any.
    title, subtitle, units : str.
    sided : what the best candidate looks at.
    style : FigureStyle.
    """
    message = "" if rows and interval else "No row of the table follows from this map."
    page = Page(title, subtitle, message, style, chart_width(style))
    if not rows or interval is None:
        return page.finish(page.top + 4)
    shown = rows[:MOST_ROWS]
    low, high = _window(shown, interval)
    right = page.width - BESIDE

    def x(cutoff):
        return LEFT + (right - LEFT) * (np.clip(cutoff, low, high) - low) / (high - low)

    top = page.top + 12
    bottom = top + ROW * len(shown)
    for at, word, align in ((MARGIN, "row, peak x, y, z", "left"), (right + 5, "printed voxels", "left")):
        page.text(at, top - 4, word, NOTE, colour=MUTED, align=align)
    page.text(right + 60, top - 4, "verdict", NOTE, colour=MUTED)
    first, last = _at_least(x(interval[0]), x(interval[1]), 1.5)
    page.box(first, top, last - first, bottom - top, COMMON[style.background], above=1)
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
            ends += min(row["allowed"], key=lambda span: max(span[0] - interval[1], interval[0] - span[1], 0))
    room = max(0.15 * (max(ends) - min(ends)), 0.02 * max(ends))
    return max(min(ends) - room, 0.0), max(ends) + room


def _at_least(left: float, right: float, width: float) -> tuple[float, float]:
    """A span, widened where it would be too narrow to be seen."""
    spare = max(width - (right - left), 0) / 2
    return left - spare, right + spare


def _draw_row(page: Page, row: Row, x: Callable, window: tuple[float, float], top: float) -> None:
    """One strip: names on the left, the curve, the bar below it, the printed size and the verdict on the right."""
    middle, base, right = top + ROW / 2, top + ROW - 4.5, page.width - BESIDE
    fits = row["verdict"] in ("exact", "rounded")
    page.lines([np.array([(LEFT, top + ROW), (right, top + ROW)])], FAINT, 0.6)
    page.text(MARGIN + 12, middle, str(row["row"]), NOTE, align="right", level="center")
    page.text(MARGIN + 90, middle, triple(row["x"], row["y"], row["z"]), NOTE, align="right", level="center")
    printed = row["printed"]
    if printed:
        word = f"{printed[0]:,}" if printed[0] == printed[1] else f"{printed[0]:,}–{printed[1]:,}"
        page.text(right + 5, middle, word if printed[0] <= printed[1] else "none", NOTE, level="center")
    page.text(right + 60, middle, row["verdict"], NOTE, colour=INK if fits else ALONE, level="center")
    for low, high in row["allowed"]:
        if high > window[0] and low < window[1]:
            first, last = _at_least(x(low), x(high), 1.2)
            page.box(first, base + 1, last - first, 2, INK if fits else ALONE, above=3)
    corners = _steps(row, window)
    if corners is None:
        return
    cutoffs, sizes = corners
    low, high = np.log(sizes.min()), np.log(sizes.max())
    if printed:
        low, high = min(low, np.log(max(printed[0], 1))), max(high, np.log(max(printed[0], 1)))

    def y(size):
        return base - 1 - (base - 4 - top) * ((np.log(size) - low) / (high - low) if high > low else 0.5)

    page.lines([np.stack([x(cutoffs), y(sizes) + 0 * cutoffs], axis=1)], INK, 0.7, above=4)
    if printed:
        level = float(y(max(printed[0], 1)))
        page.lines([np.array([(LEFT, level), (right, level)])], MUTED, 0.5, "dashed", above=3)


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


def _draw_axis(page: Page, x: Callable, low: float, high: float, y: float, words: str) -> None:
    right = page.width - BESIDE
    page.lines([np.array([(LEFT, y), (right, y)])], MUTED, 0.6)
    marks = ticks(low, high)
    for mark, word in zip(marks, tell_apart(marks.tolist()), strict=True):
        page.lines([np.array([(x(mark), y), (x(mark), y + 2.5)])], MUTED, 0.6)
        page.text(float(x(mark)), y + 9, word, NOTE, align="center")
    page.text((LEFT + right) / 2, y + 18, words, NOTE, colour=MUTED, align="center")
