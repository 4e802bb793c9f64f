"""Text that is made to fit: widths in points, lines cut and wrapped, numbers for reading."""

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

NOTE, SMALL = 6.0, 6.5  # font sizes of the small print and of labels
LEADING = 1.3  # from one line of text to the next, in font sizes
DPI = 150

# The fonts that matplotlib ships, by file: the same glyphs on every machine, whatever is installed or configured there.
_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
_RULER = RendererAgg(1, 1, DPI)


@cache
def font(size: float, bold: bool = False) -> FontProperties:
    """The one typeface of all figures."""
    return FontProperties(fname=_FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size=size)


@cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of one line of text in points."""
    return _RULER.get_text_width_height_descent(text, font(size, bold), False)[0] * 72 / DPI


def shorten(text: str, size: float, width: float, bold: bool = False) -> str:
    """One line of text, cut with an ellipsis where it is wider than `width` points."""
    if text_width(text, size, bold) <= width:
        return text
    keep = int(len(text) * width / text_width(text, size, bold))
    while keep > 0 and text_width(text[:keep] + "…", size, bold) > width:
        keep -= 1
    return text[:keep].rstrip() + "…"


def wrap(text: str, size: float, width: float, most: int, bold: bool = False) -> list[str]:
    """Break text at spaces (inside a word only where it is wider than a line) into at most `most` lines.

    Returns
    -------
    list of str : none where the text is empty; what does not fit into the last line is cut with an ellipsis.
    """
    words = text.split()
    lines = []
    while words:
        if len(lines) == most - 1:
            return [*lines, shorten(" ".join(words), size, width, bold)]
        count = next(
            (n for n in range(len(words), 0, -1) if text_width(" ".join(words[:n]), size, bold) <= width),
            0,
        )
        if count:
            lines.append(" ".join(words[:count]))
            words = words[count:]
        else:
            part = shorten(words[0], size, width, bold)[:-1]
            lines.append(part)
            words[0] = words[0][len(part) :]
    return lines


def number(value: float, digits: int = 3) -> str:
    """A number for reading: `digits` significant digits, a true minus sign, no exponent up to a million."""
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-4 <= abs(value) < 1e6:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def coordinate(mm: float) -> str:
    """A position in mm, to a tenth."""
    return number(round(float(mm), 1) + 0.0, 4)


def triple(x: float, y: float, z: float) -> str:
    """Three coordinates for reading."""
    return ", ".join(coordinate(mm) for mm in (x, y, z))


def symbol_of(units: str) -> str:
    """The letter that stands for a map's values in words."""
    return units if units in ("t", "z") else "x"
