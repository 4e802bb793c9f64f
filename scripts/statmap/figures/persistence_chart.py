"""The barcode of a map: over which cutoffs each peak stands by itself."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..types import Sided
from .axis import axis_words, chart_width, merge_labels, number_key, tell_apart, ticks
from .colours import DIVERGING
from .page import INK, MARGIN, MUTED, Page
from .style import FigureStyle
from .text import NOTE, number, shorten, text_width, triple
from .variant import Row, label_of

MOST_BARS = 30
MOST_LABEL = 0.4  # of the page's width, for an atlas label
ROW = 9.0  # points
BARS = {"positive": (1, DIVERGING[6]), "negative": (-1, DIVERGING[1]), "mixed": (1, MUTED)}  # sign, colour


def persistence_figure(
    persistence: Sequence[Row],
    cutoffs: Mapping[str, float],
    title: str,
    subtitle: str = "",
    units: str = "value",
    sided: Sided = "two",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """Barcode of the longest-lasting peaks: from the cutoff where each joins a stronger one up to its own value.

    Parameters
    ----------
    persistence : one row a peak, longest first: sign, birth, death, parent, x, y, z, and atlas labels
        (``<atlas>_peak``) where there are; a bar carries the first.
    cutoffs : variant name to cutoff, drawn as vertical lines.
    title, subtitle, units : str.
    sided : what the sweep tests.
    style : FigureStyle.
    """
    bars = persistence[:MOST_BARS]
    width = chart_width(style)
    page = Page(title, subtitle, "" if bars else "No peak above the lowest cutoff.", style, width)
    if not bars:
        return page.finish(page.top)
    labels = [label_of(bar, "persistence.csv") for bar in bars]
    longest = min(max(text_width(label, NOTE) for label in labels), MOST_LABEL * (width - 180))
    left, right = MARGIN + 78 + longest + 7 * bool(longest), width - MARGIN - 32
    low, high = min(bar["death"] for bar in bars), max(bar["birth"] for bar in bars)

    def x(value):
        return left + (right - left) * (value - low) / ((high - low) or 1)

    top = page.top + 14
    bottom = top + max(ROW * len(bars), 20)
    page.text(MARGIN, top - 4, "peak x, y, z", NOTE, colour=MUTED)
    page.text(width - MARGIN, top - 4, "peak", NOTE, colour=MUTED, align="right")
    for rank, (bar, label) in enumerate(zip(bars, labels, strict=True)):
        _draw_bar(page, bar, shorten(label, NOTE, longest), top + rank * ROW, (x(bar["death"]), x(bar["birth"])))
    _draw_axis(page, x, (low, high), (left, right, bottom), axis_words(units, sided))
    marked = {name: cutoff for name, cutoff in cutoffs.items() if low <= cutoff <= high}
    _mark_cutoffs(page, x, [(cutoff, n) for n, cutoff in enumerate(marked.values(), start=1)], top, bottom)
    more = len(persistence) - len(bars)
    notes = [
        "Bars that reach the left edge join no stronger peak.",
        f"{more:,} shorter bars are in persistence.csv." if more else "",
        f"Lines: cutoffs of {number_key(marked)}." if marked else "",
    ]
    return page.finish(bottom + 24, notes)


def _draw_bar(page: Page, bar: Row, label: str, y: float, ends: tuple[float, float]) -> None:
    """One peak: where it is, its label, its bar between two ends, and its value at the right, where no line crosses."""
    sign, colour = BARS[bar["sign"]]
    middle = y + ROW / 2
    page.box(ends[0], y + 1.5, ends[1] - ends[0], ROW - 3, colour)
    page.text(page.width - MARGIN, middle, number(sign * bar["birth"]), NOTE, align="right", level="center")
    page.text(MARGIN + 66, middle, triple(bar["x"], bar["y"], bar["z"]), NOTE, align="right", level="center")
    page.text(MARGIN + 74, middle, label, NOTE, level="center")


def _draw_axis(
    page: Page,
    x: Callable[[float], float],
    limits: tuple[float, float],
    place: tuple[float, float, float],
    words: str,
) -> None:
    """A line from left to right at y, `place`, with ticks between two limits."""
    left, right, y = place
    page.lines([np.array([(left, y), (right, y)])], MUTED, 0.6)
    marks = ticks(*limits)
    for mark, word in zip(marks, tell_apart(marks.tolist()), strict=True):
        page.lines([np.array([(x(mark), y), (x(mark), y + 2.5)])], MUTED, 0.6)
        page.text(x(mark), y + 9, word, NOTE, align="center")
    page.text((left + right) / 2, y + 18, words, NOTE, colour=MUTED, align="center")


def _mark_cutoffs(
    page: Page, x: Callable[[float], float], cutoffs: Sequence[tuple[float, int]], top: float, bottom: float
) -> None:
    """Lines at cutoffs, pairs of cutoff and number, with their numbers above."""
    for cutoff, _ in cutoffs:
        page.lines([np.array([(x(cutoff), top - 2), (x(cutoff), bottom)])], INK, 0.7, "dashed", above=4)
    for at, word in merge_labels([(x(cutoff), n) for cutoff, n in cutoffs], NOTE):
        page.text(at, top - 4, word, NOTE, bold=True, align="center")
