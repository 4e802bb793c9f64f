"""A figure measured in points from its top left corner, saved to the same bytes every time."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from ..io.files import writing
from .text import DPI, LEADING, NOTE, font, wrap

WIDTH = 510.0  # points: 18 cm, the text width of an A4 page
MARGIN = 6.0
GREY = "#555555"

# What figures are made and saved under, so that nobody's matplotlibrc changes them.
SETTINGS = {key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith("backend")}
SETTINGS |= {"svg.hashsalt": "statmap", "image.composite_image": False}


class Page:
    """A white page under a heading; y runs down. What follows is drawn in any order, then `finish` cuts it to size.

    Parameters
    ----------
    title, subtitle, message : str, each wrapped where it is long; the message is bold.

    Attributes
    ----------
    top : float, points, where the heading ends.
    """

    def __init__(self, title: str, subtitle: str = "", message: str = ""):
        self.figure = Figure(dpi=DPI, facecolor="white", layout="none")
        FigureCanvasAgg(self.figure)
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        lines = [(line, 9.0, True) for line in wrap(title, 9, WIDTH - 2 * MARGIN, 2, bold=True)]
        lines += [(line, 7.5, False) for line in wrap(subtitle, 7.5, WIDTH - 2 * MARGIN, 3)]
        lines += [(line, 7.5, True) for line in wrap(message, 7.5, WIDTH - 2 * MARGIN, 2, bold=True)]
        self.top = MARGIN + sum(size for _, size, _ in lines) * LEADING + 3
        y = MARGIN
        for line, size, bold in lines:
            y += size * LEADING
            self.text(MARGIN, y - 0.25 * size, line, size, bold)

    def finish(self, bottom: float, notes: Sequence[str] = ()) -> "Page":
        """Write the small print below `bottom`, empty notes left out, and end the page there."""
        lines = wrap(" ".join(note for note in notes if note), NOTE, WIDTH - 2 * MARGIN, 4)
        height = bottom + NOTE * LEADING * len(lines) + MARGIN + 4
        for rank, line in enumerate(reversed(lines)):
            self.text(MARGIN, height - MARGIN - rank * NOTE * LEADING + 1, line, NOTE, colour=GREY)
        self.figure.set_size_inches(WIDTH / 72, height / 72)
        self._axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        return self

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 7,
        bold: bool = False,
        colour: str = "black",
        align: str = "left",
        level: str = "baseline",
    ) -> None:
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

    def image(
        self, pixels: np.ndarray, left: float, right: float, bottom: float, top: float, smooth: bool = False
    ) -> None:
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

    def lines(
        self,
        lines: Sequence[np.ndarray],
        colours: str | Sequence[str],
        widths: float,
        styles: str | Sequence[str] = "solid",
        above: float = 2,
    ) -> None:
        """Draw lines, each an (n, 2) array; colours and styles one for all or one each."""
        if len(lines):
            self._axes.add_artist(
                LineCollection(lines, colors=colours, linewidths=widths, linestyles=styles, zorder=above, clip_on=False)
            )

    def box(
        self, left: float, top: float, width: float, height: float, colour: str, edge: str = "none", above: float = 2.5
    ) -> None:
        """Fill a rectangle."""
        self._axes.add_artist(
            Rectangle((left, top), width, height, facecolor=colour, edgecolor=edge, linewidth=0.5, zorder=above)
        )


def save(page: Page, path: str | Path) -> None:
    """Write a page in the format that the suffix names (png at 150 dpi, svg, pdf), to the same bytes every time.

    The settings of the user's matplotlibrc are not followed, and no date and no program version goes into a PNG.

    Parameters
    ----------
    page : Page, finished.
    path : path ending in ``.png``, ``.svg`` or ``.pdf``.
    """
    kind = Path(path).suffix.lstrip(".")
    compression = {"pil_kwargs": {"compress_level": 3}} if kind == "png" else {}  # half the time of level 6, 2% larger
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    dpi = DPI if kind == "png" else 2 * DPI
    with matplotlib.rc_context(SETTINGS), writing(path) as temporary:
        page.figure.savefig(temporary, format=kind, dpi=dpi, metadata=metadata, **compression)
