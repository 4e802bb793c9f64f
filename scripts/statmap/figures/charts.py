"""Charts of a sweep: how much there is at every cutoff and size, how long peaks last, how far variants agree."""

import matplotlib
import numpy as np
import pandas as pd

from .colours import DIVERGING, SEQUENTIAL, lightness, ramp, rgb
from .page import (
    GREY,
    MARGIN,
    NOTE,
    SETTINGS,
    SMALL,
    WIDTH,
    Page,
    foot_lines,
    header_lines,
    number,
    shorten,
    text_width,
    write_foot,
    write_header,
)
from .panels import SIDE, atlas_column, draw_bar, symbol_of, triple

MOST_BARS = 30
EMPTY = "#ececec"  # cells without anything to show
BARS = {"positive": (1, DIVERGING[6]), "negative": (-1, DIVERGING[1]), "mixed": (1, GREY)}  # sign, colour


def _colours(share):
    """Cells of a heat map, (..., 3) uint8, from shares of the colour scale; NaN is light grey."""
    colours = np.where(np.isnan(share)[..., None], rgb(EMPTY), ramp(SEQUENTIAL, np.nan_to_num(share)))
    return np.rint(colours * 255).astype(np.uint8)


def _write_cells(page, words, pixels, left, top, width, height, level=0.5):
    """Write into the cells of a heat map, at a share of their height, where the words fit; says whether they did."""
    size = min(SMALL, height * 0.75)
    longest = max((word for row in words for word in row), key=len, default="")
    if size < 4.5 or text_width(longest, size) > width - 1:
        return False
    dark = lightness(pixels / 255) <= 50
    for row, line in enumerate(words):
        for column, word in enumerate(line):
            ink = "white" if dark[row, column] else "black"
            x, y = left + (column + 0.5) * width, top + (row + level) * height
            page.text(x, y, word, size, colour=ink, align="center", level="center")
    return True


def _merge(numbers, size, apart=2):
    """Labels at places along a line, those that would touch put together.

    Parameters
    ----------
    numbers : list of (place in points, int).
    size : font size.
    apart : points between labels.

    Returns
    -------
    list of (place, str), left to right.
    """
    merged = []  # ([place], [number])
    for place, n in sorted(numbers):
        merged.append(([place], [n]))
        while len(merged) > 1 and _span(*merged[-1], size)[0] < _span(*merged[-2], size)[1] + apart:
            last = merged.pop()
            merged[-1] = merged[-1][0] + last[0], merged[-1][1] + last[1]
    return [(float(np.mean(places)), _ranges(members)) for places, members in merged]


def _span(places, numbers, size):
    """Left and right end of a label."""
    middle, half = np.mean(places), text_width(_ranges(numbers), size, bold=True) / 2
    return middle - half, middle + half


def _ranges(numbers):
    """Whole numbers in words: ``1, 3–7``, and an ellipsis for more than three such parts."""
    parts = []
    for n in sorted(numbers):
        if parts and n == parts[-1][1] + 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    written = [f"{low}" if low == high else f"{low}–{high}" for low, high in parts]
    return ", ".join(written[:3]) + (" …" if len(written) > 3 else "")


def _number_key(names):
    """Small print that tells which number stands for which name."""
    return ", ".join(f"{rank} {name}" for rank, name in enumerate(names, start=1))


@matplotlib.rc_context(SETTINGS)
def sweep_figure(sweep, variants, title, subtitle="", units="value"):
    """Number of regions and volume of the largest over cutoff and smallest size, with the variants marked.

    One row of two heat maps for each connectivity and way to treat signs; colours on one logarithmic scale a column.

    Parameters
    ----------
    sweep : DataFrame, one row a grid point: connectivity, signs, cutoff, min_region_size (mm^3), n_regions,
        largest_mm3.
    variants : DataFrame, one row a variant: variant, cutoff, min_region_size, connectivity, signs. A variant is marked
        where its own connectivity and signs are drawn and its cutoff lies within the grid.
    title, subtitle, units : str.

    Returns
    -------
    matplotlib Figure
    """
    groups = list(sweep.groupby(["connectivity", "signs"], sort=False))
    header, top = header_lines(title, subtitle)
    n_sizes = sweep["min_region_size"].nunique()
    height = n_sizes * min(max(160 / max(n_sizes, 1), 5), 20)
    deep = height + 50
    swept = pd.MultiIndex.from_tuples([key for key, _ in groups])
    on_grid = variants["cutoff"].between(sweep["cutoff"].min(), sweep["cutoff"].max())
    on_grid &= pd.MultiIndex.from_frame(variants[["connectivity", "signs"]]).isin(swept)
    variants, elsewhere = variants[on_grid], variants["variant"][~on_grid]
    marked = f"Marked at their cutoff, in the row of the nearest size: {_number_key(variants['variant'])}."
    unmarked = f"Not on this grid: {', '.join(elsewhere)}."
    notes = "Light grey: no region.", "" if variants.empty else marked, "" if elsewhere.empty else unmarked
    foot, foot_height = foot_lines(notes)
    page = Page(top + deep * len(groups) + foot_height)
    write_header(page, header)
    for rank, ((connectivity, signs), grid) in enumerate(groups):
        y = top + rank * deep
        page.text(MARGIN, y + SMALL + 2, f"{connectivity} neighbours, signs {signs}", SMALL, bold=True)
        numbers = np.flatnonzero((variants["connectivity"] == connectivity) & (variants["signs"] == signs))
        own = [(n + 1, variants["cutoff"].iloc[n], variants["min_region_size"].iloc[n]) for n in numbers]
        for column, (name, words, unit) in enumerate(
            (("n_regions", "number of regions", 1), ("largest_mm3", "largest region (cm³)", 1000))
        ):
            table = grid.pivot_table(index="min_region_size", columns="cutoff", values=name, aggfunc="first") / unit
            positive = sweep[name][sweep[name] > 0] / unit
            low, high = (positive.min(), positive.max()) if len(positive) else (1.0, 1.0)
            ends = low, high if high > low else 10 * low
            left = MARGIN + 30 + column * 255
            _draw_grid(page, table.sort_index(ascending=False), ends, own, words, left, y + 22, height, units)
    write_foot(page, foot)
    return page.figure


def _draw_grid(page, table, ends, variants, words, left, top, height, units):
    """One heat map (rows: sizes, columns: cutoffs) with its axes, its colour bar and its variants.

    `ends` are the values at the ends of the colour scale; `variants` a list of (number, cutoff, size).
    """
    width = 180.0
    values, sizes, cutoffs = table.to_numpy(dtype=float), table.index.to_numpy(), table.columns.to_numpy()
    cell_width, cell_height = width / len(cutoffs), height / len(sizes)

    def share(value):
        return np.log(value / ends[0]) / np.log(ends[1] / ends[0])

    pixels = _colours(np.array([[share(value) if value > 0 else np.nan for value in row] for row in values]))
    page.image(pixels, left, left + width, top + height, top)
    cells = [["–" if np.isnan(value) else number(value, 2) for value in row] for row in values]
    roomy = cell_height >= 18
    written = _write_cells(page, cells, pixels, left, top, cell_width, cell_height, level=0.7 if roomy else 0.5)

    def x(cutoff):
        return left + (np.interp(cutoff, cutoffs, np.arange(len(cutoffs))) + 0.5) * cell_width

    page.text(left, top - 4, words, SMALL)
    page.text(left - 3, top - 4, "mm³", NOTE, colour=GREY, align="right")
    for at in range(0, len(sizes), max(int(np.ceil(9 / cell_height)), 1)):
        page.text(left - 3, top + (at + 0.5) * cell_height, number(sizes[at]), NOTE, align="right", level="center")
    right_of_last = -np.inf
    for tick in _ticks(cutoffs[0], cutoffs[-1]) if len(cutoffs) > 1 else cutoffs:
        half = text_width(number(tick), NOTE) / 2
        if x(tick) - half > right_of_last + 3:
            page.lines([np.array([(x(tick), top + height), (x(tick), top + height + 2)])], GREY, 0.5)
            page.text(x(tick), top + height + 8.5, number(tick), NOTE, align="center")
            right_of_last = x(tick) + half
    page.text(left + width / 2, top + height + 17, f"cutoff on |{symbol_of(units)}|", NOTE, colour=GREY, align="center")

    page.image(_colours(np.linspace(1, 0, 101)[:, None]), left + width + 8, left + width + 15, top + height, top)
    between = [tick for tick in 10.0 ** np.arange(-6, 9) if 9 / height < share(tick) < 1 - 9 / height]
    for tick in (ends[0], *between, ends[1]):
        page.text(left + width + 17, top + height * (1 - share(tick)), number(tick, 2), NOTE, level="center")

    rows = {}  # of the map: [(place, number)]
    for n, cutoff, size in variants:
        if cutoffs[0] <= cutoff <= cutoffs[-1]:
            rows.setdefault(int(np.abs(sizes - size).argmin()), []).append((x(cutoff), n))
    for row, labels in rows.items():
        y = top + (row + (0.27 if roomy and written else 0.5)) * cell_height
        for at, word in _merge(labels, NOTE, apart=5):
            half = text_width(word, NOTE, bold=True) / 2 + 1.5
            page.box(at - half, y - 3.8, 2 * half, 7.6, "white", "black", above=5)
            page.text(at, y, word, NOTE, True, "black", "center", "center")


@matplotlib.rc_context(SETTINGS)
def persistence_figure(persistence, cutoffs, title, subtitle="", units="value"):
    """Barcode of the longest-lasting peaks: from the cutoff where each joins a stronger one up to its own value.

    Parameters
    ----------
    persistence : DataFrame, one row a peak, longest first: sign, birth, death, parent, x, y, z, and an atlas label
        (``<atlas>_peak``) where there is one.
    cutoffs : dict of variant name to cutoff, drawn as vertical lines.
    title, subtitle, units : str.

    Returns
    -------
    matplotlib Figure
    """
    bars = persistence.head(MOST_BARS).to_dict("records")
    label = atlas_column(persistence)
    header, top = header_lines(title, subtitle, "" if bars else "No peak above the lowest cutoff.")
    row, left, right = 9.0, MARGIN + (185 if label else 85), WIDTH - MARGIN - 32
    floor = min((bar["death"] for bar in bars), default=0.0)
    ceiling = max((bar["birth"] for bar in bars), default=1.0)
    inside = [(cutoff, n) for n, cutoff in enumerate(cutoffs.values(), start=1) if floor <= cutoff <= ceiling]

    def x(value):
        return left + (right - left) * (value - floor) / ((ceiling - floor) or 1)

    first = top + 14
    bottom = first + max(row * len(bars), 20)
    more = len(persistence) - len(bars)
    notes = [
        "Bars that reach the left edge join no stronger peak.",
        f"{more:,} shorter bars are in persistence.csv." if more else "",
        f"Lines: cutoffs of {_number_key(cutoffs)}." if cutoffs else "",
    ]
    foot, foot_height = foot_lines(notes)
    page = Page(bottom + 24 + foot_height)
    write_header(page, header)

    page.text(MARGIN, first - 4, "peak x, y, z", NOTE, colour=GREY)
    if label:
        page.text(MARGIN + 74, first - 4, shorten(label.removesuffix("_peak"), NOTE, 105), NOTE, colour=GREY)
    for rank, bar in enumerate(bars):
        y = first + rank * row
        sign, colour = BARS[bar["sign"]]
        page.box(x(bar["death"]), y + 1.5, x(bar["birth"]) - x(bar["death"]), row - 3, colour)
        word = number(sign * bar["birth"])
        page.box(x(bar["birth"]) + 2, y + 1, text_width(word, NOTE) + 2, row - 2, "white", above=4.5)
        page.text(x(bar["birth"]) + 3, y + row / 2, word, NOTE, level="center")
        page.text(MARGIN + 66, y + row / 2, triple(bar["x"], bar["y"], bar["z"]), NOTE, align="right", level="center")
        if label and isinstance(bar[label], str):
            page.text(MARGIN + 74, y + row / 2, shorten(bar[label], NOTE, 105), NOTE, level="center")

    page.lines([np.array([(left, bottom), (right, bottom)])], GREY, 0.6)
    for tick in _ticks(floor, ceiling):
        page.lines([np.array([(x(tick), bottom), (x(tick), bottom + 2.5)])], GREY, 0.6)
        page.text(x(tick), bottom + 9, number(tick), NOTE, align="center")
    page.text((left + right) / 2, bottom + 18, f"cutoff on |{symbol_of(units)}|", NOTE, colour=GREY, align="center")
    for cutoff, _ in inside:
        page.lines([np.array([(x(cutoff), first - 2), (x(cutoff), bottom)])], "black", 0.7, "dashed", above=4)
    for at, word in _merge([(x(cutoff), n) for cutoff, n in inside], NOTE):
        page.text(at, first - 4, word, NOTE, bold=True, align="center")
    write_foot(page, foot)
    return page.figure


def _ticks(low, high):
    """Round numbers from low to high, at most eight."""
    rough = max(high - low, 1e-12) / 7
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step


@matplotlib.rc_context(SETTINGS)
def dice_figure(pairs, names, title, subtitle=""):
    """Matrix of the Dice coefficients of what every two variants keep.

    Parameters
    ----------
    pairs : DataFrame, one row a pair: variant_a, variant_b, voxels_a, voxels_b, dice (NaN where neither keeps a voxel).
    names : list of str, the variants in order.
    title, subtitle : str.

    Returns
    -------
    matplotlib Figure
    """
    n = len(names)
    place_of = {name: rank for rank, name in enumerate(names)}
    dice = np.eye(n)
    for pair in pairs.to_dict("records"):
        a, b = place_of[pair["variant_a"]], place_of[pair["variant_b"]]
        dice[a, b] = dice[b, a] = pair["dice"]
        for own, voxels in ((a, pair["voxels_a"]), (b, pair["voxels_b"])):
            dice[own, own] = 1.0 if voxels else np.nan
    header, top = header_lines(title, subtitle, "" if n > 1 else "One variant: nothing to compare it with.")
    named = [f"{name}  {rank}" for rank, name in enumerate(names, start=1)]
    longest = min(max(text_width(word, SMALL) for word in named), 180)
    cell = min((WIDTH - 2 * MARGIN - SIDE - longest - 6) / n, 34)
    size = min(SMALL, 0.95 * cell)
    left, first = MARGIN + longest + 6, top + 12
    bottom = max(first + n * cell, top + 70)
    empty = "–: neither variant keeps a voxel." if np.isnan(dice).any() else ""
    foot, foot_height = foot_lines(["Dice coefficient of the voxels that two variants keep in regions.", empty])
    page = Page(bottom + foot_height + 4)
    write_header(page, header)
    pixels = _colours(dice)
    page.image(pixels, left, left + n * cell, first + n * cell, first)
    words = [["–" if np.isnan(value) else f"{value:.2f}" for value in row] for row in dice]
    _write_cells(page, words, pixels, left, first, cell, cell)
    for rank, name in enumerate(names):
        at = first + (rank + 0.5) * cell
        page.text(left - 4, at, f"{shorten(name, size, 160)}  {rank + 1}", size, align="right", level="center")
    for rank in range(0, n, max(int(np.ceil(13 / cell)), 1)):
        page.text(left + (rank + 0.5) * cell, first - 3, str(rank + 1), SMALL, align="center")
    scale = np.concatenate([_colours(np.linspace(1, 0, 101))[:, None], np.full((101, 1, 1), 255, np.uint8)], axis=-1)
    draw_bar(page, scale, top, min(bottom, top + 110), "Dice", ("1", "0"), [(0.5, "0.5")])
    write_foot(page, foot)
    return page.figure
