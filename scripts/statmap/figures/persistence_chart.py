"""The barcode of a map: over which cutoffs each peak stands by itself."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..tables.columns import label_columns
from ..types import Sided
from .axis import axis_words, merge_labels, number_key, ticks
from .colours import DIVERGING
from .page import GREY, MARGIN, WIDTH, Page
from .text import NOTE, number, shorten, text_width, triple
from .variant import Row

MOST_BARS = 30
MOST_LABEL = 200.0  # points, of an atlas label
ROW = 9.0  # points
BARS = {"positive": (1, DIVERGING[6]), "negative": (-1, DIVERGING[1]), "mixed": (1, GREY)}  # sign, colour


def persistence_figure(
    persistence: Sequence[Row],
    cutoffs: Mapping[str, float],
    title: str,
    subtitle: str = "",
    units: str = "value",
    sided: Sided = "two",
) -> Page:
    """Barcode of the longest-lasting peaks: from the cutoff where each joins a stronger one up to its own value.

    Parameters
    ----------
    persistence : one row a peak, longest first: sign, birth, death, parent, x, y, z, and atlas labels
        (``<atlas>_peak``) where there are; a bar carries the first that it has.
    cutoffs : variant name to cutoff, drawn as vertical lines.
    title, subtitle, units : str.
    sided : what the sweep tests.
    """
    bars = persistence[:MOST_BARS]
    page = Page(title, subtitle, "" if bars else "No peak above the lowest cutoff.")
    labels = [next(filter(None, (bar[name] for name in label_columns("persistence.csv", bar))), "") for bar in bars]
    longest = min(max((text_width(label, NOTE) for label in labels), default=0), MOST_LABEL)
    left, right = MARGIN + 78 + longest + 7 * bool(longest), WIDTH - MARGIN - 32
    low, high = min((bar["death"] for bar in bars), default=0.0), max((bar["birth"] for bar in bars), default=1.0)

    def x(value):
        return left + (right - left) * (value - low) / ((high - low) or 1)

    top = page.top + 14
    bottom = top + max(ROW * len(bars), 20)
    page.text(MARGIN, top - 4, "peak x, y, z", NOTE, colour=GREY)
    for rank, (bar, label) in enumerate(zip(bars, labels, strict=True)):
        _draw_bar(page, bar, label, top + rank * ROW, x(bar["death"]), x(bar["birth"]))
    _draw_axis(page, x, low, high, (left, right, bottom), axis_words(units, sided))
    marked = {name: cutoff for name, cutoff in cutoffs.items() if low <= cutoff <= high}
    _mark_cutoffs(page, x, [(cutoff, n) for n, cutoff in enumerate(marked.values(), start=1)], top, bottom)
    more = len(persistence) - len(bars)
    notes = [
        "Bars that reach the left edge join no stronger peak.",
        f"{more:,} shorter bars are in persistence.csv." if more else "",
        f"Lines: cutoffs of {number_key(marked)}." if marked else "",
    ]
    return page.finish(bottom + 24, notes)


def _draw_bar(page, bar, label, y, start, end):
    """One peak: where it is, its label, its bar from `start` to `end`, and its value behind the bar."""
    sign, colour = BARS[bar["sign"]]
    page.box(start, y + 1.5, end - start, ROW - 3, colour)
    word = number(sign * bar["birth"])
    page.box(end + 2, y + 1, text_width(word, NOTE) + 2, ROW - 2, "white", above=4.5)
    page.text(end + 3, y + ROW / 2, word, NOTE, level="center")
    page.text(MARGIN + 66, y + ROW / 2, triple(bar["x"], bar["y"], bar["z"]), NOTE, align="right", level="center")
    page.text(MARGIN + 74, y + ROW / 2, shorten(label, NOTE, MOST_LABEL), NOTE, level="center")


def _draw_axis(page, x, low, high, place, words):
    """A line from left to right at y, `place`, with ticks from `low` to `high`."""
    left, right, y = place
    page.lines([np.array([(left, y), (right, y)])], GREY, 0.6)
    for tick in ticks(low, high):
        page.lines([np.array([(x(tick), y), (x(tick), y + 2.5)])], GREY, 0.6)
        page.text(x(tick), y + 9, number(tick), NOTE, align="center")
    page.text((left + right) / 2, y + 18, words, NOTE, colour=GREY, align="center")


def _mark_cutoffs(page, x, cutoffs, top, bottom):
    """Lines at cutoffs, a list of (cutoff, number), with their numbers above."""
    for cutoff, _ in cutoffs:
        page.lines([np.array([(x(cutoff), top - 2), (x(cutoff), bottom)])], "black", 0.7, "dashed", above=4)
    for at, word in merge_labels([(x(cutoff), n) for cutoff, n in cutoffs], NOTE):
        page.text(at, top - 4, word, NOTE, bold=True, align="center")
