"""A figure measured in points from its top left corner: what is on it, whatever it is then written as."""

import re
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from .style import FigureStyle
from .text import CAPITAL, LEADING, NOTE, text_width, wrap

USUAL_WIDTH = 510.0  # points: 18 cm, the text width of an A4 page
MARGIN = 6.0
SIDE = 56.0  # points, the column of the colour bar
# Roles of colours, which the page's theme turns into colours (see `style.Theme`).
INK, PAPER, MUTED, FAINT = "ink", "paper", "muted", "faint"

_MINUS = re.compile(r"(?<![\w.-])-(?=\.?\d)")  # before a number, not inside a name


class Text(NamedTuple):
    """One line of text: `left` end and `y` of its baseline; `align` is the point that stays in another typeface."""

    left: float
    y: float
    text: str
    size: float
    bold: bool
    colour: str
    align: str


class Image(NamedTuple):
    """(rows, columns, 3 or 4) pixels of uint8 between these edges; interpolated if `smooth`."""

    pixels: np.ndarray
    left: float
    right: float
    bottom: float
    top: float
    smooth: bool


class Lines(NamedTuple):
    """(n, 2) arrays of points in one colour, width and style (solid, dashed, dotted, dashdot)."""

    lines: Sequence[np.ndarray]
    colour: str
    width: float
    style: str


class Box(NamedTuple):
    """A filled rectangle, with a thin line around it where `edge` is a colour."""

    left: float
    top: float
    width: float
    height: float
    colour: str
    edge: str | None


class Page:
    """A page under a heading; y runs down. What follows is drawn in any order, then `finish` cuts it to size.

    Colours are ``#rrggbb``, or one of the roles `INK`, `PAPER`, `MUTED`, `FAINT`.

    Parameters
    ----------
    title, subtitle : str, each wrapped where it is long; left out where the style has no titles.
    message : str, bold: what there is to say where there is nothing to draw.
    style : FigureStyle.
    width : points; None for that of the style.

    Attributes
    ----------
    style : FigureStyle.
    top : float, points, where the heading ends.
    width, height : float, points.
    caption : str, all that is written around the figure, on the page or not: title, subtitle, message, small print,
        a line each.
    """

    def __init__(
        self,
        title: str,
        subtitle: str = "",
        message: str = "",
        style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
        width: float | None = None,
    ):
        self.style = style
        self._items: list[tuple[float, Text | Image | Lines | Box]] = []
        self.width, self.height = width or style.points, 0.0
        subtitle = _MINUS.sub("−", subtitle)
        self._caption = [title, subtitle, message]
        room = self.width - 2 * MARGIN
        lines: list[tuple[str, float, bool]] = []
        if style.titles:
            lines += [(line, 9.0, True) for line in wrap(title, 9, room, self._rows(2), bold=True)]
            lines += [(line, 7.5, False) for line in wrap(subtitle, 7.5, room, self._rows(3))]
        lines += [(line, 7.5, True) for line in wrap(message, 7.5, room, self._rows(2), bold=True)]
        y = MARGIN
        for line, size, bold in lines:
            y += size * LEADING
            self.text(MARGIN, y - 0.25 * size, line, size, bold)
        self.top = y + 3

    def _rows(self, usual: int) -> int:
        """Lines that text needs which takes `usual` lines on a page of the usual width."""
        return ceil(usual * max(USUAL_WIDTH / self.width, 1))

    @property
    def items(self) -> list[Text | Image | Lines | Box]:
        """All that is on the page, what lies above coming later."""
        return [item for _, item in sorted(self._items, key=lambda placed: placed[0])]

    @property
    def caption(self) -> str:
        """See `Page`."""
        return "\n".join(line for line in self._caption if line)

    def finish(self, bottom: float, notes: Sequence[str] = ()) -> "Page":
        """Write the small print below `bottom`, empty notes left out, and end the page there."""
        small_print = " ".join(note for note in notes if note)
        self._caption.append(small_print)
        lines = wrap(small_print, NOTE, self.width - 2 * MARGIN, self._rows(5)) if self.style.small_print else []
        self.height = bottom + NOTE * LEADING * len(lines) + MARGIN + 4
        for rank, line in enumerate(lines):
            y = self.height - MARGIN - (len(lines) - 1 - rank) * NOTE * LEADING + 1
            self.text(MARGIN, y, line, NOTE, colour=MUTED)
        return self

    def colour(self, colour: str) -> str:
        """``#rrggbb`` of a role, or the colour itself."""
        return getattr(self.style.theme, colour, colour)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 7,
        bold: bool = False,
        colour: str = INK,
        align: str = "left",
        level: str = "baseline",
    ) -> None:
        """Write text; `align` left, center or right of x, `level` baseline or center (of its capitals) at y."""
        if text:
            left = x - {"left": 0, "center": 0.5, "right": 1}[align] * text_width(text, size, bold)
            y += size * CAPITAL / 2 if level == "center" else 0
            self._items.append((6, Text(float(left), float(y), text, size, bold, self.colour(colour), align)))

    def image(
        self, pixels: np.ndarray, left: float, right: float, bottom: float, top: float, smooth: bool = False
    ) -> None:
        """Place a (rows, columns, 3 or 4) image of uint8; its pixels stay sharp unless `smooth`."""
        if pixels.size:
            self._items.append((0, Image(pixels, left, right, bottom, top, smooth)))

    def lines(
        self,
        lines: Sequence[np.ndarray],
        colour: str,
        width: float,
        style: str = "solid",
        above: float = 2,
    ) -> None:
        """Draw lines, each an (n, 2) array; a closed one ends where it starts."""
        if len(lines):
            self._items.append((above, Lines(lines, self.colour(colour), width, style)))

    def box(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        colour: str,
        edge: str | None = None,
        above: float = 2.5,
    ) -> None:
        """Fill a rectangle."""
        item = Box(left, top, width, height, self.colour(colour), edge and self.colour(edge))
        self._items.append((above, item))
