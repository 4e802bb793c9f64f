"""A sweep at a glance: heat maps over cutoff and smallest size, with the variants marked."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .axis import cell_colours, merge_labels, number_key, ticks, write_cells
from .page import GREY, MARGIN, Page
from .text import NOTE, SMALL, number, symbol_of, text_width
from .variant import Row

WIDTH = 180.0  # of a heat map, points
MEASURES = (("n_regions", "number of regions", 1), ("largest_mm3", "largest region (cm³)", 1000))  # column, words, unit


class Grid(NamedTuple):
    """One heat map and where it is.

    Attributes
    ----------
    values : (sizes, cutoffs) array, NaN where there is no grid point.
    sizes : (n,) array, mm^3, falling.
    cutoffs : (m,) array, rising.
    left, top, height : points.
    """

    values: np.ndarray
    sizes: np.ndarray
    cutoffs: np.ndarray
    left: float
    top: float
    height: float

    @property
    def cell(self) -> tuple[float, float]:
        """Width and height of a cell, points."""
        return WIDTH / len(self.cutoffs), self.height / len(self.sizes)

    @property
    def roomy(self) -> bool:
        """Whether a mark fits above the words of a cell."""
        return self.cell[1] >= 18

    def x(self, cutoff: float) -> float:
        """Place on the page of a cutoff."""
        return self.left + (np.interp(cutoff, self.cutoffs, np.arange(len(self.cutoffs))) + 0.5) * self.cell[0]


def sweep_figure(
    sweep: Sequence[Row], variants: Sequence[Row], title: str, subtitle: str = "", units: str = "value"
) -> Page:
    """Number of regions and volume of the largest over cutoff and smallest size, with the variants marked.

    One row of two heat maps for each connectivity and way to treat signs; colours on one logarithmic scale a column.

    Parameters
    ----------
    sweep : one row a grid point: connectivity, signs, cutoff, min_region_size (mm^3), n_regions, largest_mm3.
    variants : one row a variant: variant, cutoff, min_region_size, connectivity, signs. A variant is marked where its
        own connectivity and signs are drawn and its cutoff lies within the grid.
    title, subtitle, units : str.
    """
    page = Page(title, subtitle)
    groups: dict[tuple, list[Row]] = {}
    for point in sweep:
        groups.setdefault((point["connectivity"], point["signs"]), []).append(point)
    n_sizes = len({point["min_region_size"] for point in sweep})
    height = n_sizes * min(max(160 / n_sizes, 5), 20)
    norms = [_log_norm([point[name] / unit for point in sweep]) for name, _, unit in MEASURES]
    cutoffs = [point["cutoff"] for point in sweep]
    on_grid = [
        (variant["connectivity"], variant["signs"]) in groups and min(cutoffs) <= variant["cutoff"] <= max(cutoffs)
        for variant in variants
    ]
    marked = [variant for variant, here in zip(variants, on_grid, strict=True) if here]
    elsewhere = [variant["variant"] for variant, here in zip(variants, on_grid, strict=True) if not here]
    for rank, (setting, points) in enumerate(groups.items()):
        top = page.top + rank * (height + 50)
        page.text(MARGIN, top + SMALL + 2, f"{setting[0]} neighbours, signs {setting[1]}", SMALL, bold=True)
        own = [
            (n, variant["cutoff"], variant["min_region_size"])
            for n, variant in enumerate(marked, start=1)
            if (variant["connectivity"], variant["signs"]) == setting
        ]
        for column, ((name, words, unit), norm) in enumerate(zip(MEASURES, norms, strict=True)):
            grid = Grid(*_pivot(points, name, unit), MARGIN + 30 + column * 255, top + 22, height)
            _draw_grid(page, grid, norm, own, words, units)
    notes = [
        "Light grey: no region.",
        f"Marked at their cutoff, in the row of the nearest size: {number_key(v['variant'] for v in marked)}."
        if marked
        else "",
        f"Not on this grid: {', '.join(elsewhere)}." if elsewhere else "",
    ]
    return page.finish(page.top + (height + 50) * len(groups), notes)


def _log_norm(values):
    """A logarithmic colour scale over what is above 0."""
    from matplotlib.colors import LogNorm  # late: only charts need matplotlib

    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    return LogNorm(low, high if high > low else 10 * low)


def _pivot(points, name, unit):
    """A column of the grid points as (sizes, cutoffs), with the sizes (falling) and the cutoffs (rising)."""
    sizes = np.unique([point["min_region_size"] for point in points])[::-1]
    cutoffs = np.unique([point["cutoff"] for point in points])
    values = np.full((len(sizes), len(cutoffs)), np.nan)
    for point in reversed(points):  # where two thresholds gave one cutoff, the first counts
        row, column = sizes.tolist().index(point["min_region_size"]), cutoffs.searchsorted(point["cutoff"])
        values[row, column] = point[name] / unit
    return values, sizes, cutoffs


def _draw_grid(page, grid, norm, variants, words, units):
    """One heat map with its axes, its colour bar and its variants: a list of (number, cutoff, size)."""
    pixels = cell_colours(np.ma.filled(norm(np.ma.masked_less_equal(grid.values, 0)), np.nan))
    page.image(pixels, grid.left, grid.left + WIDTH, grid.top + grid.height, grid.top)
    cells = [["–" if np.isnan(value) else number(value, 2) for value in row] for row in grid.values]
    written = write_cells(page, cells, pixels, grid.left, grid.top, *grid.cell, level=0.7 if grid.roomy else 0.5)
    page.text(grid.left, grid.top - 4, words, SMALL)
    _draw_axes(page, grid, units)
    _draw_scale(page, grid, norm)
    _mark_variants(page, grid, variants, 0.27 if grid.roomy and written else 0.5)


def _draw_axes(page, grid, units):
    """Sizes at the left, cutoffs below."""
    page.text(grid.left - 3, grid.top - 4, "mm³", NOTE, colour=GREY, align="right")
    height = grid.cell[1]
    for at in range(0, len(grid.sizes), max(int(np.ceil(9 / height)), 1)):
        y = grid.top + (at + 0.5) * height
        page.text(grid.left - 3, y, number(grid.sizes[at]), NOTE, align="right", level="center")
    y, right_of_last = grid.top + grid.height, -np.inf
    for tick in ticks(grid.cutoffs[0], grid.cutoffs[-1]) if len(grid.cutoffs) > 1 else grid.cutoffs:
        x, half = grid.x(tick), text_width(number(tick), NOTE) / 2
        if x - half > right_of_last + 3:
            page.lines([np.array([(x, y), (x, y + 2)])], GREY, 0.5)
            page.text(x, y + 8.5, number(tick), NOTE, align="center")
            right_of_last = x + half
    page.text(grid.left + WIDTH / 2, y + 17, f"cutoff on |{symbol_of(units)}|", NOTE, colour=GREY, align="center")


def _draw_scale(page, grid, norm):
    """The colour bar beside a heat map: its ends, and powers of ten where there is room."""
    left, top, height = grid.left + WIDTH + 8, grid.top, grid.height
    page.image(cell_colours(np.linspace(1, 0, 101)[:, None]), left, left + 7, top + height, top)
    between = [tick for tick in 10.0 ** np.arange(-6, 9) if 9 / height < norm(tick) < 1 - 9 / height]
    for tick in (norm.vmin, *between, norm.vmax):
        page.text(left + 9, top + height * (1 - norm(tick)), number(tick, 2), NOTE, level="center")


def _mark_variants(page, grid, variants, level):
    """Numbers of variants at their cutoff, in the row of the nearest size, at a share of its height."""
    rows: dict[int, list[tuple[float, int]]] = {}
    for n, cutoff, size in variants:
        if grid.cutoffs[0] <= cutoff <= grid.cutoffs[-1]:
            rows.setdefault(int(np.abs(grid.sizes - size).argmin()), []).append((grid.x(cutoff), n))
    for row, labels in rows.items():
        y = grid.top + (row + level) * grid.cell[1]
        for at, word in merge_labels(labels, NOTE, apart=5):
            half = text_width(word, NOTE, bold=True) / 2 + 1.5
            page.box(at - half, y - 3.8, 2 * half, 7.6, "white", "black", above=5)
            page.text(at, y, word, NOTE, True, "black", "center", "center")
