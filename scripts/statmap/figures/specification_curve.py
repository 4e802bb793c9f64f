"""Every finding over every specification of a sweep: the figure of multiverse analyses.

Specification curve after Simonsohn, Simmons and Nelson 2020 (Nature Human Behaviour 4, 1208-1214); multiverse after
Steegen, Tuerlinckx, Gelman and Vanpaemel 2016 (Perspectives on Psychological Science 11, 702-712). It describes:
nothing is inferred from the share of specifications.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ..types import Sided
from .axis import axis_words, chart_width, tell_apart
from .page import FAINT, INK, MARGIN, MUTED, Page
from .style import FigureStyle
from .text import NOTE, SMALL, number, shorten, triple
from .variant import Row

MOST_FINDINGS = 30
CHOICES = (
    ("kind", "threshold"),
    ("connectivity", "neighbours"),
    ("signs", "signs"),
    ("extract_type", "extraction"),
    ("min_region_size", "smallest size (mm³)"),
    ("variant", "variant"),
)
LEFT, BESIDE = MARGIN + 190, MARGIN + 26.0  # points, what stands on the left and on the right of the specifications
CURVE, ROW = 42.0, 8.0  # points, height of a curve and of a row
GREYS = {"white": (40, 225), "black": (225, 50)}  # of a specification that is in a row, and of one that is not
DESCRIBES = "It describes how findings depend on choices; no test, and no share of specifications is a probability."


def specification_figure(
    specifications: Sequence[Row],
    findings: Sequence[Row],
    title: str,
    subtitle: str = "",
    units: str = "value",
    sided: Sided = "two",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """Specifications along x, sorted by the volume they keep: number and volume of regions, choices, findings.

    Parameters
    ----------
    specifications : one row a specification: connectivity, signs, threshold, cutoff, min_region_size (mm^3), n_regions,
        volume_mm3; extract_type and variant (None for a point of the grid), where some differ.
    findings : one row a finding, most found first: id, label (None where unknown), x, y, z (mm), share (of the
        specifications), found (list of bool, one a specification, in the order of `specifications`). The first
        `MOST_FINDINGS` are drawn.
    title, subtitle, units : str.
    sided : what the sweep tests.
    style : FigureStyle.
    """
    page = Page(title, subtitle, "" if findings else "No specification finds any region.", style, chart_width(style))
    if not findings:
        return page.finish(page.top)
    order = sorted(range(len(specifications)), key=lambda n: _rank(specifications[n]))
    sorted_ones = [specifications[n] | {"kind": _kind(specifications[n]["threshold"])} for n in order]
    y = page.top + 4
    for words, measure in (
        ("regions", lambda row: row["n_regions"]),
        ("volume (cm³)", lambda row: row["volume_mm3"] / 1000),
        (axis_words(units, sided), lambda row: row["cutoff"]),
    ):
        y = _draw_curve(page, sorted_ones, words, measure, y)
    for name, words in CHOICES:
        y = _draw_choice(page, sorted_ones, name, words, y)
    y = _draw_findings(page, findings[:MOST_FINDINGS], order, y + 4)
    more = len(findings) - MOST_FINDINGS
    unreached = int(np.isinf([row["cutoff"] for row in specifications]).sum())
    gap = f"{unreached:,} at the left ask{'s' * (unreached == 1)} for a cutoff that no value reaches."
    shade = "dark" if style.background == "white" else "light"
    notes = [
        f"Along x: {len(specifications):,} specification{'s' * (len(specifications) != 1)}, sorted by the volume in "
        f"regions; {shade} where the choice on the left was made, or the finding is a region's main peak.",
        gap if unreached else "",
        f"{more:,} findings that fewer specifications share are in findings.csv." if more > 0 else "",
        DESCRIBES,
    ]
    return page.finish(y, notes)


def _kind(threshold):
    """``value`` for a number, else the threshold as it is written: ``97%``, ``fdr=0.05``."""
    return threshold if threshold.endswith("%") or "=" in threshold else "value"


def _rank(row):
    return row["volume_mm3"], row["n_regions"], -row["cutoff"], row["min_region_size"]


def _draw_curve(page: Page, rows: Sequence[Row], words: str, measure: Callable[[Row], float], top: float) -> float:
    """One value of every specification, between its least and its largest; gives the bottom."""
    values = np.array([measure(row) for row in rows], dtype=float)
    right = page.width - BESIDE
    edges = np.linspace(LEFT, right, len(values) + 1)
    first = int(np.isinf(values).sum())  # of cutoffs that no value reaches, which come first, there is nothing to draw
    values, edges = values[first:], edges[first:]
    bottom = top + CURVE
    page.box(LEFT, top, right - LEFT, CURVE, FAINT)
    page.text(LEFT - 6, (top + bottom) / 2, words, SMALL, align="right", level="center")
    if not len(values):
        return bottom + 6
    low, high = values.min(), values.max()
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    heights = bottom - 2 - share * (CURVE - 4)
    steps = np.stack([np.stack([edges[:-1], edges[1:]], axis=1).ravel(), heights.repeat(2)], axis=1)
    page.lines([steps], INK, 0.7, above=4)
    ends = {low: heights[values.argmin()], high: heights[values.argmax()]}
    for word, y in zip(tell_apart(ends), ends.values(), strict=True):
        page.text(right + 3, y, word, NOTE, level="center")
    return bottom + 6


def _draw_choice(page: Page, rows: Sequence[Row], name: str, words: str, top: float) -> float:
    """Which value of one choice every specification took; nothing where all took the same. Gives the bottom."""
    values = {row.get(name) for row in rows}
    options = sorted(values - {None}, key=lambda option: (isinstance(option, str), option))
    if len(values) < 2:
        return top
    page.text(MARGIN, top + ROW / 2, words, SMALL, colour=MUTED, level="center")
    for option in options:
        word = option if isinstance(option, str) else number(option)
        page.text(LEFT - 6, top + ROW / 2, word, NOTE, align="right", level="center")
        _draw_row(page, np.array([row.get(name) == option for row in rows]), top)
        top += ROW
    return top + 5


def _draw_findings(page: Page, findings: Sequence[Row], order: Sequence[int], top: float) -> float:
    """Where each finding is found, with its place, its label and its share; gives the bottom."""
    if not findings:
        return top
    page.text(MARGIN, top + 3, "finding", NOTE, colour=MUTED)
    page.text(page.width - BESIDE + 3, top + 3, "share", NOTE, colour=MUTED)
    top += 6
    for finding in findings:
        middle = top + ROW / 2
        page.text(MARGIN + 11, middle, str(finding["id"]), NOTE, align="right", level="center")
        place = triple(finding["x"], finding["y"], finding["z"])
        page.text(MARGIN + 78, middle, place, NOTE, align="right", level="center")
        room = LEFT - 6 - (MARGIN + 84)
        page.text(MARGIN + 84, middle, shorten(finding["label"] or "", NOTE, room), NOTE, level="center")
        _draw_row(page, np.array(finding["found"], dtype=bool)[list(order)], top)
        page.text(page.width - BESIDE + 3, middle, f"{finding['share']:.0%}", NOTE, level="center")
        top += ROW
    return top + 4


def _draw_row(page: Page, in_row: np.ndarray, top: float) -> None:
    """Dark where a specification is in a row; more of them than there are pixels are averaged."""
    right = page.width - BESIDE
    pixels = int((right - LEFT) * 2)
    share = in_row.astype(float)
    if len(share) > pixels:
        starts = np.arange(pixels) * len(share) // pixels
        share = np.add.reduceat(share, starts) / np.diff(np.append(starts, len(share)))
    row_grey, other_grey = GREYS[page.style.background]
    grey = np.rint(other_grey + (row_grey - other_grey) * share).astype(np.uint8)
    page.image(grey[None, :, None].repeat(3, axis=2), LEFT, right, top + ROW - 1, top + 1)
