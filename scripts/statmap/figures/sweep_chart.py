"""A sweep at a glance: heat maps over cutoff and smallest size, with the variants marked."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..inference.thresholds import span
from ..types import Sided
from .axis import axis_words, cell_colours, chart_width, merge_labels, number_key, tell_apart, ticks, write_cells
from .page import INK, MARGIN, MUTED, PAPER, Page
from .style import FigureStyle
from .text import NOTE, SMALL, number, shorten, text_width
from .variant import Row

WIDTH = 180.0  # of a heat map, points
STEP = 252.0  # from one column of heat maps to the next
MEASURES = (("n_regions", "number of regions", 1), ("largest_mm3", "largest region (cm³)", 1000))  # column, words, unit
LETTERS = "abcdefghijklmnopqrstuvwxyz"  # of thresholds that are no plain values; there are seldom more
Setting = tuple[int, str]  # connectivity, signs


class HeatMap(NamedTuple):
    """One heat map.

    Attributes
    ----------
    heading : str.
    values : (rows, cutoffs) array, NaN where there is no grid point.
    rows : what the rows are, from the top down, in words.
    of_rows : what is written above them.
    cutoffs : (m,) array, rising.
    marks : list of (row, cutoff, number of a variant).
    others : numbers and rows of the variants that test other signs than the sweep.
    named : thresholds that are not plain values have letters: rank of the letter to cutoff.
    """

    heading: str
    values: np.ndarray
    rows: Sequence[str]
    of_rows: str
    cutoffs: np.ndarray
    marks: Sequence[tuple[int, float, int]]
    others: Sequence[tuple[int, Row]]
    named: Mapping[int, float]

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell, points."""
        return WIDTH / len(self.cutoffs), min(max(160 / len(self.rows), 5), 20)

    @property
    def height(self) -> float:
        """Points, without words and axes."""
        return self.cell[1] * len(self.rows)

    def across(self, cutoff: float) -> float:
        """Place of a cutoff, points from the left end."""
        return float((np.interp(cutoff, self.cutoffs, np.arange(len(self.cutoffs))) + 0.5) * self.cell[0])


def sweep_figure(
    sweep: Sequence[Row],
    variants: Sequence[Row],
    title: str,
    subtitle: str = "",
    units: str = "value",
    sided: Sided = "two",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """Number of regions and volume of the largest over cutoff and smallest size, with the variants marked.

    A heat map for each measure and setting (connectivity, treatment of signs); settings that find the same everywhere
    share one, and where the smallest size makes no difference the settings are the rows of one. The colours of a
    measure are on one logarithmic scale.

    Parameters
    ----------
    sweep : one row a grid point: connectivity, signs, threshold (as it is written), cutoff, min_region_size (mm^3),
        n_regions, largest_mm3. Thresholds that are no plain values have letters on the axis.
    variants : one row a variant: variant, cutoff, min_region_size, connectivity, signs, sided. A variant is marked
        where its own connectivity and signs are drawn and its cutoff lies within the grid; one that tests other signs
        than the sweep has an axis of its own below.
    title, subtitle, units : str.
    sided : what the sweep tests.
    style : FigureStyle.
    """
    out_of_reach = dict.fromkeys(point["threshold"] for point in sweep if not np.isfinite(point["cutoff"]))
    sweep = [point for point in sweep if np.isfinite(point["cutoff"])]
    message = "" if sweep else "No threshold of the sweep is reached by any value."
    page = Page(title, subtitle, message, style, chart_width(style))
    points: dict[Setting, list[Row]] = {}
    for point in sweep:
        points.setdefault(_setting(point), []).append(point)
    cutoffs = [point["cutoff"] for point in sweep] or [np.inf]
    marked, elsewhere = [], []
    for variant in variants:
        on_grid = _setting(variant) in points and min(cutoffs) <= variant["cutoff"] <= max(cutoffs)
        (marked if on_grid else elsewhere).append(variant)
    named: dict[str, list[float]] = {}  # a true discovery proportion may resolve to another cutoff in each setting
    for point in sweep:
        if not _is_value(point["threshold"]):
            named.setdefault(point["threshold"], []).append(point["cutoff"])
    maps = []
    for name, words, unit in MEASURES:
        norm = _log_norm([point[name] / unit for point in sweep])
        of_measure = _heat_maps(points, list(enumerate(marked, start=1)), name, words, unit, sided, list(named))
        maps += [(heat_map, norm) for heat_map in of_measure]
    top = page.top + 4
    in_row = int(page.width // STEP)
    axis = axis_words(units, sided)
    for rank in range(0, len(maps), in_row):
        top = max(
            _draw_heat_map(page, heat_map, norm, (MARGIN + 34 + column * STEP, top), axis, units)
            for column, (heat_map, norm) in enumerate(maps[rank : rank + in_row])
        )
    key = number_key(variant["variant"] for variant in marked)
    resolved = [
        f"{letter} {name} ({span(min(of_name), max(of_name))})"
        for letter, (name, of_name) in zip(LETTERS, named.items(), strict=False)
    ]
    notes = [
        "Light grey: no region." if any(not point["n_regions"] for point in sweep) else "",
        f"Marked at their cutoff, in the row of the nearest size: {key}." if marked else "",
        f"On the axis: {', '.join(resolved)}." if resolved else "",
        f"Reached by no value: {', '.join(out_of_reach)}." if out_of_reach else "",
        f"Not on this grid: {', '.join(variant['variant'] for variant in elsewhere)}." if elsewhere else "",
    ]
    return page.finish(top, notes)


def _is_value(threshold):
    """Whether a threshold, as it is written, is a value of the map."""
    return "%" not in threshold and "=" not in threshold


def _named(points, names):
    """Where the thresholds with letters lie in one setting: rank of the letter to cutoff."""
    cutoff_of = {point["threshold"]: point["cutoff"] for point in points}
    return {rank: cutoff_of[name] for rank, name in enumerate(names[: len(LETTERS)]) if name in cutoff_of}


def _setting(row: Row) -> Setting:
    return row["connectivity"], row["signs"]


def _log_norm(values):
    """A logarithmic colour scale over what is above 0."""
    from matplotlib.colors import LogNorm  # late: only charts need matplotlib

    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    return LogNorm(low, high if high > low else 10 * low)


def _heat_maps(points, variants, name, words, unit, sided, names):
    """Heat maps of one measure; `variants` are pairs of number and row, `names` the thresholds that have letters."""
    tables = {setting: _pivot(of_setting, name, unit) for setting, of_setting in points.items()}
    alike: dict[tuple, list[Setting]] = {}
    for setting, (values, sizes, cutoffs) in tables.items():
        alike.setdefault((values.tobytes(), sizes.tobytes(), cutoffs.tobytes()), []).append(setting)
    first = {tuple(settings): tables[settings[0]] for settings in alike.values()}
    one_grid = len({cutoffs.tobytes() for _, _, cutoffs in first.values()}) == 1
    if one_grid and all(
        len(v) > 1 and np.array_equal(v, v[[0] * len(v)], equal_nan=True) for v, _, _ in first.values()
    ):
        values, cutoffs = np.stack([values[0] for values, _, _ in first.values()]), next(iter(first.values()))[2]
        rows = [_briefly(settings) for settings in first]
        row_of = {setting: rank for rank, settings in enumerate(first) for setting in settings}
        marks = [(row_of[_setting(v)], v["cutoff"], n) for n, v in variants if v["sided"] == sided]
        named = _named(points[next(iter(row_of))], names)
        return [HeatMap(f"{words}, any smallest size", values, rows, "", cutoffs, marks, [], named)]
    maps = []
    for settings, (values, sizes, cutoffs) in first.items():
        of_these = [(n, v) for n, v in variants if _setting(v) in settings]
        marks = [
            (int(np.abs(sizes - v["min_region_size"]).argmin()), v["cutoff"], n)
            for n, v in of_these
            if v["sided"] == sided
        ]
        others = [(n, v) for n, v in of_these if v["sided"] != sided]
        heading = f"{words}: {_in_words(settings)}"
        named = _named(points[settings[0]], names)
        maps.append(HeatMap(heading, values, [number(size) for size in sizes], "mm³", cutoffs, marks, others, named))
    return maps


def _pivot(points, name, unit):
    """A column of the grid points as (sizes, cutoffs), with the sizes (falling) and the cutoffs (rising)."""
    sizes = np.unique([point["min_region_size"] for point in points])[::-1]
    cutoffs = np.unique([point["cutoff"] for point in points])
    values = np.full((len(sizes), len(cutoffs)), np.nan)
    row_of = {size: rank for rank, size in enumerate(sizes.tolist())}
    for point in reversed(points):  # where two thresholds gave one cutoff, the first counts
        values[row_of[point["min_region_size"]], cutoffs.searchsorted(point["cutoff"])] = point[name] / unit
    return values, sizes, cutoffs


def _in_words(settings: Sequence[Setting]) -> str:
    """``6 or 18 neighbours, signs split``; settings that differ in both are listed."""
    connectivities, signs = (list(dict.fromkeys(part)) for part in zip(*settings, strict=True))
    if len(settings) == len(connectivities) * len(signs):
        return f"{' or '.join(map(str, connectivities))} neighbours, signs {' or '.join(signs)}"
    return "; ".join(_in_words([setting]) for setting in settings)


def _briefly(settings: Sequence[Setting]) -> str:
    """The same for the label of a row: ``6 split``, or ``6`` where the signs make no difference."""
    connectivities, signs = (list(dict.fromkeys(part)) for part in zip(*settings, strict=True))
    words = "/".join(map(str, connectivities)) + (f" {signs[0]}" if len(signs) == 1 else "")
    return shorten(words, NOTE, 36)


def _draw_heat_map(page, heat_map, norm, corner, axis, units):
    """A heat map with its axes, its colour bar and its variants; gives its bottom."""
    left, top = corner
    page.text(left, top + 5, heat_map.heading, SMALL)
    top += 9
    width, height = heat_map.cell
    pixels = cell_colours(np.ma.filled(norm(np.ma.masked_less_equal(heat_map.values, 0)), np.nan))
    page.image(pixels, left, left + WIDTH, top + heat_map.height, top)
    cells = [["–" if np.isnan(value) else number(value, 2) for value in row] for row in heat_map.values]
    roomy = height >= 18
    written = write_cells(page, cells, pixels, left, top, width, height, level=0.7 if roomy else 0.5)
    _draw_rows(page, heat_map, left, top)
    _draw_cutoffs(page, heat_map, left, top + heat_map.height, axis)
    _draw_scale(page, heat_map.height, norm, left + WIDTH + 8, top)
    for row in {row for row, _, _ in heat_map.marks}:
        labels = [(left + heat_map.across(cutoff), n) for marked, cutoff, n in heat_map.marks if marked == row]
        _draw_marks(page, labels, top + (row + (0.27 if roomy and written else 0.5)) * height)
    return _draw_others(page, heat_map, left, top + heat_map.height + 17 + 8.5 * bool(heat_map.named), units) + 13


def _draw_rows(page, heat_map, left, top):
    """What the rows are, at the left, as many as there is room for."""
    page.text(left - 3, top - 4, heat_map.of_rows, NOTE, colour=MUTED, align="right")
    height = heat_map.cell[1]
    for at in range(0, len(heat_map.rows), max(int(np.ceil(9 / height)), 1)):
        page.text(left - 3, top + (at + 0.5) * height, heat_map.rows[at], NOTE, align="right", level="center")


def _draw_cutoffs(page, heat_map, left, y, words):
    """The axis of cutoffs below a heat map."""
    right_of_last, named = -np.inf, heat_map.named
    values = np.setdiff1d(heat_map.cutoffs, list(named.values()))  # the others have letters
    if not len(values):
        values = heat_map.cutoffs
    marks = ticks(values[0], values[-1]) if len(values) > 1 else values
    for mark, word in zip(marks, tell_apart(marks.tolist()), strict=True):
        x, half = left + heat_map.across(mark), text_width(word, NOTE) / 2
        if x - half > right_of_last + 3:
            page.lines([np.array([(x, y), (x, y + 2)])], MUTED, 0.5)
            page.text(x, y + 8.5, word, NOTE, align="center")
            right_of_last = x + half
    of_named = [(left + heat_map.across(cutoff), rank) for rank, cutoff in named.items()]
    for at, label in merge_labels(of_named, NOTE):
        letters = re.sub(r"\d+", lambda number: LETTERS[int(number[0])], label)
        page.text(at, y + 16.5, letters, NOTE, True, align="center")
    page.text(left + WIDTH / 2, y + 17 + 8.5 * bool(named), words, NOTE, colour=MUTED, align="center")


def _draw_scale(page, height, norm, left, top):
    """A colour bar: its ends, and powers of ten where there is room."""
    page.image(cell_colours(np.linspace(1, 0, 101)[:, None]), left, left + 7, top + height, top)
    between = [tick for tick in 10.0 ** np.arange(-6, 9) if 9 / height < norm(tick) < 1 - 9 / height]
    marks = (norm.vmin, *between, norm.vmax) if height > 12 else (norm.vmax,)
    for mark, word in zip(marks, tell_apart(map(float, marks), 2), strict=True):
        page.text(left + 9, top + height * (1 - norm(mark)), word, NOTE, level="center")


def _draw_others(page, heat_map, left, y, units):
    """Axes below for the variants that test other signs than the sweep; gives their bottom."""
    for sided in dict.fromkeys(variant["sided"] for _, variant in heat_map.others):
        y += 16
        labels = [(left + heat_map.across(v["cutoff"]), n) for n, v in heat_map.others if v["sided"] == sided]
        page.lines([np.array([(left, y), (left + WIDTH, y)])], MUTED, 0.6)
        _draw_marks(page, labels, y)
        y += 10
        page.text(left + WIDTH / 2, y, axis_words(units, sided), NOTE, colour=MUTED, align="center")
    return y


def _draw_marks(page, labels, y):
    """Numbers of variants, pairs of (place, number), on one line."""
    for at, word in merge_labels(labels, NOTE, apart=5):
        half = text_width(word, NOTE, bold=True) / 2 + 1.5
        page.box(at - half, y - 3.8, 2 * half, 7.6, PAPER, INK, above=5)
        page.text(at, y, word, NOTE, True, INK, "center", "center")
