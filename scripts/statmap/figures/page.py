"""A figure measured in points from its top left corner, with text that is made to fit, saved to the same bytes."""

from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from ..io.files import writing

WIDTH = 510.0  # points: 18 cm, the text width of an A4 page
MARGIN = 6.0
NOTE, SMALL = 6.0, 6.5  # font sizes of the small print and of labels
LEADING = 1.3  # from one line of text to the next, in font sizes
DPI = 150
GREY = "#555555"

# What figures are made and saved under, so that nobody's matplotlibrc changes them.
SETTINGS = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
SETTINGS |= {"svg.hashsalt": "statmap", "image.composite_image": False}

# The fonts that matplotlib ships, by file: the same glyphs on every machine, whatever is installed or configured there.
_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
_RULER = RendererAgg(1, 1, DPI)


def font(size, bold=False):
    """The one typeface of all figures."""
    return FontProperties(fname=_FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size=size)


@cache
def text_width(text, size, bold=False):
    """Width of one line of text in points."""
    return _RULER.get_text_width_height_descent(text, font(size, bold), False)[0] * 72 / DPI


def shorten(text, size, width, bold=False):
    """One line of text, cut with an ellipsis where it is wider than `width` points."""
    if text_width(text, size, bold) <= width:
        return text
    keep = int(len(text) * width / text_width(text, size, bold))
    while keep > 0 and text_width(text[:keep] + "…", size, bold) > width:
        keep -= 1
    return text[:keep].rstrip() + "…"


def wrap(text, size, width, most, bold=False):
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


class Page:
    """A white page; y runs down.

    Parameters
    ----------
    height, width : points.

    Attributes
    ----------
    figure : matplotlib Figure.
    width, height : points.
    """

    def __init__(self, height, width=WIDTH):
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=DPI, facecolor="white", layout="none")
        FigureCanvasAgg(self.figure)
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set(xlim=(0, width), ylim=(height, 0))

    def text(self, x, y, text, size=7, bold=False, colour="black", align="left", level="baseline"):
        """Write text; `align` left, center or right of x, `level` baseline, center, top or bottom at y."""
        self._axes.text(
            x,
            y,
            text,
            fontproperties=font(size, bold),
            color=colour,
            ha=align,
            va="center_baseline" if level == "center" else level,
            parse_math=False,
            zorder=6,
        )

    def image(self, pixels, left, right, bottom, top, smooth=False):
        """Place a (rows, columns, 3 or 4) image of uint8; its pixels stay sharp unless `smooth`."""
        if not pixels.size:
            return
        image = AxesImage(
            self._axes,
            extent=(left, right, bottom, top),
            origin="upper",
            interpolation="bilinear" if smooth else "nearest",
            resample=True,
        )
        image.set_data(pixels)
        image.set_clip_on(False)
        self._axes.add_artist(image)

    def lines(self, lines, colours, widths, styles="solid", above=2):
        """Draw lines, each an (n, 2) array; colours, widths and styles one for all or one each."""
        if len(lines):
            self._axes.add_artist(
                LineCollection(lines, colors=colours, linewidths=widths, linestyles=styles, zorder=above, clip_on=False)
            )

    def box(self, left, top, width, height, colour, edge="none", above=2.5):
        """Fill a rectangle."""
        self._axes.add_artist(
            Rectangle((left, top), width, height, facecolor=colour, edgecolor=edge, linewidth=0.5, zorder=above)
        )


def header_lines(title, subtitle, message="", width=WIDTH):
    """Break a figure's heading into lines.

    Returns
    -------
    lines : list of (str, font size, bold), in the order title, subtitle, message.
    height : float, points that they take.
    """
    lines = [(line, 9, True) for line in wrap(title, 9, width - 2 * MARGIN, 2, bold=True)]
    lines += [(line, 7.5, False) for line in wrap(subtitle, 7.5, width - 2 * MARGIN, 3)]
    lines += [(line, 7.5, True) for line in wrap(message, 7.5, width - 2 * MARGIN, 2, bold=True)]
    return lines, MARGIN + sum(size for _, size, _ in lines) * LEADING + 3


def write_header(page, lines):
    """Write the lines of `header_lines` at the top of a page."""
    y = MARGIN
    for line, size, bold in lines:
        y += size * LEADING
        page.text(MARGIN, y - 0.25 * size, line, size, bold)


def foot_lines(notes):
    """Lines of the small print, and the height they take in points."""
    lines = wrap(" ".join(note for note in notes if note), NOTE, WIDTH - 2 * MARGIN, 4)
    return lines, NOTE * LEADING * len(lines) + MARGIN + 4


def write_foot(page, lines):
    """Write the lines of `foot_lines` at the bottom of a page."""
    for rank, line in enumerate(reversed(lines)):
        page.text(MARGIN, page.height - MARGIN - rank * NOTE * LEADING + 1, line, NOTE, colour=GREY)


def number(value, digits=3):
    """A number for reading: `digits` significant digits, a true minus sign, no exponent up to a million."""
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-4 <= abs(value) < 1e6:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def save(figure, path):
    """Write a figure in the format that the suffix names (png at 150 dpi, svg, pdf), to the same bytes every time.

    The settings of the user's matplotlibrc are not followed, and no date and no program version goes into a PNG.

    Parameters
    ----------
    figure : matplotlib Figure.
    path : path ending in ``.png``, ``.svg`` or ``.pdf``.
    """
    kind = Path(path).suffix.lstrip(".")
    compression = {"pil_kwargs": {"compress_level": 3}} if kind == "png" else {}  # half the time of level 6, 2% larger
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with matplotlib.rc_context(SETTINGS), writing(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=DPI if kind == "png" else 2 * DPI, metadata=metadata, **compression)
