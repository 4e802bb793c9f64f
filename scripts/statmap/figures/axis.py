"""What charts share: ticks, labels along a line that do not touch, cells of a heat map."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..types import Sided
from .colours import SEQUENTIAL, lightness, ramp, rgb
from .page import Page
from .style import NARROW, FigureStyle
from .text import SMALL, number, text_width
from .units import ONE_TAILED, letter_of, magnitude_words

EMPTY = "#ececec"  # cells without anything to show


def chart_width(style: FigureStyle) -> float:
    """Width of a chart in points: that of the style, but room for its words."""
    return max(style.points, NARROW)


def ticks(low: float, high: float) -> np.ndarray:
    """Round numbers from low to high, at most eight."""
    from matplotlib.ticker import MaxNLocator  # late: only charts need matplotlib

    values = MaxNLocator(nbins=7, steps=[1, 2, 5, 10]).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return values[(values >= low - slack) & (values <= high + slack)]


def tell_apart(values: Iterable[float], digits: int = 3) -> list[str]:
    """Numbers for reading, with as many digits as it takes for different ones to be written differently."""
    values = list(values)
    for more in range(digits, digits + 9):
        words = [number(value, more) for value in values]
        if len(set(words)) == len(set(values)):
            break
    return words


def axis_words(units: str, sided: Sided = "two") -> str:
    """What a cutoff is compared with."""
    symbol = letter_of(units)
    return {
        "two": f"cutoff on {magnitude_words(units)}",
        "positive": f"cutoff on {symbol}" + ("" if units in ONE_TAILED else ", positive values only"),
        "negative": f"cutoff on −{symbol}, negative values only",
    }[sided]


def merge_labels(numbers: Iterable[tuple[float, int]], size: float, apart: float = 2) -> list[tuple[float, str]]:
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
    merged: list[tuple[list[float], list[int]]] = []
    for place, n in sorted(numbers):
        merged.append(([place], [n]))
        while len(merged) > 1 and _span(*merged[-1], size)[0] < _span(*merged[-2], size)[1] + apart:
            last = merged.pop()
            merged[-1] = merged[-1][0] + last[0], merged[-1][1] + last[1]
    return [(float(np.mean(places)), ranges(members)) for places, members in merged]


def _span(places, numbers, size):
    """Left and right end of a label."""
    middle, half = np.mean(places), text_width(ranges(numbers), size, bold=True) / 2
    return middle - half, middle + half


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in words: ``1, 3–7``, and an ellipsis for more than three such parts."""
    parts: list[list[int]] = []
    for n in sorted(numbers):
        if parts and n == parts[-1][1] + 1:
            parts[-1][1] = n
        else:
            parts.append([n, n])
    written = [f"{low}" if low == high else f"{low}–{high}" for low, high in parts]
    return ", ".join(written[:3]) + (" …" if len(written) > 3 else "")


def number_key(names: Iterable[str]) -> str:
    """Small print that tells which number stands for which name."""
    return ", ".join(f"{rank} {name}" for rank, name in enumerate(names, start=1))


def cell_colours(share: np.ndarray) -> np.ndarray:
    """Cells of a heat map, (..., 3) uint8, from shares of the colour scale; NaN is light grey."""
    colours = np.where(np.isnan(share)[..., None], rgb(EMPTY), ramp(SEQUENTIAL, np.nan_to_num(share)))
    return np.rint(colours * 255).astype(np.uint8)


def write_cells(
    page: Page,
    words: Sequence[Sequence[str]],
    pixels: np.ndarray,
    left: float,
    top: float,
    width: float,
    height: float,
    level: float = 0.5,
) -> bool:
    """Write into the cells of a heat map, at a share of their height, where the words fit; says whether they did."""
    size = min(SMALL, height * 0.75)
    longest = max((word for row in words for word in row), key=len, default="")
    if size < 4.5 or text_width(longest, size) > width - 1:
        return False
    dark = lightness(pixels / 255) <= 50
    for row, line in enumerate(words):
        for column, word in enumerate(line):
            colour = "white" if dark[row, column] else "black"
            x, y = left + (column + 0.5) * width, top + (row + level) * height
            page.text(x, y, word, size, colour=colour, align="center", level="center")
    return True
