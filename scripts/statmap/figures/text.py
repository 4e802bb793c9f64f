"""Text that is made to fit: widths in points, lines cut and wrapped, numbers for reading."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

NOTE, SMALL = 6.0, 6.5  # font sizes of the small print and of labels
LEADING = 1.3  # from one line of text to the next, in font sizes
CAPITAL = 0.73  # height of capitals and digits, in font sizes
DPI = 150  # dots an inch: what a PNG has by default, and what widths of text are measured at


@cache
def font_file(bold: bool = False) -> Path:
    """The one typeface of all figures: DejaVu Sans as matplotlib ships it (which is not imported for that).

    The same glyphs on every machine, whatever is installed or configured there.
    """
    [package] = find_spec("matplotlib").submodule_search_locations
    return Path(package, "mpl-data", "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@cache
def font(size: float, bold: bool = False, dpi: int = DPI) -> ImageFont.FreeTypeFont:
    """The typeface at a size in points, for pixels of which there are `dpi` an inch."""
    return ImageFont.truetype(font_file(bold), size * dpi / 72, layout_engine=ImageFont.Layout.BASIC)


@cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of one line of text in points."""
    return font(size, bold).getlength(text) * 72 / DPI


def shorten(text: str, size: float, width: float, bold: bool = False) -> str:
    """One line of text, cut with an ellipsis where it is wider than `width` points."""
    if text_width(text, size, bold) <= width:
        return text
    length = int(len(text) * width / text_width(text, size, bold))
    while length > 0 and text_width(text[:length] + "…", size, bold) > width:
        length -= 1
    return text[:length].rstrip() + "…"


def wrap(text: str, size: float, width: float, most: int, bold: bool = False) -> list[str]:
    """Break text at spaces (in a word wider than a line also after a ``_``, or anywhere) into at most `most` lines.

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
            part = part[: part.rfind("_") + 1] or part  # atlas labels are often joined by these
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
