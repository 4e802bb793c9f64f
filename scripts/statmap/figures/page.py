"""A figure measured in points from its top left corner: what is on it, whatever it is then written as."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .text import CAPITAL, LEADING, NOTE, text_width, wrap

WIDTH = 510.0  # points: 18 cm, the text width of an A4 page
MARGIN = 6.0
GREY = "#555555"

_MINUS = re.compile(r"(?<![\w.-])-(?=\.?\d)")  # before a number, not inside a name


class Text(NamedTuple):
    """One line of text; `left` end of its baseline, `y` of the baseline."""

    left: float
    y: float
    text: str
    size: float
    bold: bool
    colour: str


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
    """A white page under a heading; y runs down. What follows is drawn in any order, then `finish` cuts it to size.

    Parameters
    ----------
    title, subtitle, message : str, each wrapped where it is long; the message is bold.
    width : points.

    Attributes
    ----------
    top : float, points, where the heading ends.
    width, height : float, points.
    """

    def __init__(self, title: str, subtitle: str = "", message: str = "", width: float = WIDTH):
        self._items: list[tuple[float, Text | Image | Lines | Box]] = []
        self.width, self.height = width, 0.0
        room = width - 2 * MARGIN
        lines = [(line, 9.0, True) for line in wrap(title, 9, room, 2, bold=True)]
        lines += [(line, 7.5, False) for line in wrap(_MINUS.sub("−", subtitle), 7.5, room, 3)]
        lines += [(line, 7.5, True) for line in wrap(message, 7.5, room, 2, bold=True)]
        y = MARGIN
        for line, size, bold in lines:
            y += size * LEADING
            self.text(MARGIN, y - 0.25 * size, line, size, bold)
        self.top = y + 3

    @property
    def items(self) -> list[Text | Image | Lines | Box]:
        """All that is on the page, what lies above coming later."""
        return [item for _, item in sorted(self._items, key=lambda placed: placed[0])]

    def finish(self, bottom: float, notes: Sequence[str] = ()) -> "Page":
        """Write the small print below `bottom`, empty notes left out, and end the page there."""
        lines = wrap(" ".join(note for note in notes if note), NOTE, self.width - 2 * MARGIN, 5)
        self.height = bottom + NOTE * LEADING * len(lines) + MARGIN + 4
        for rank, line in enumerate(lines):
            y = self.height - MARGIN - (len(lines) - 1 - rank) * NOTE * LEADING + 1
            self.text(MARGIN, y, line, NOTE, colour=GREY)
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
        """Write text; `align` left, center or right of x, `level` baseline or center (of its capitals) at y."""
        if text:
            left = x - {"left": 0, "center": 0.5, "right": 1}[align] * text_width(text, size, bold)
            y += size * CAPITAL / 2 if level == "center" else 0
            self._items.append((6, Text(float(left), float(y), text, size, bold, colour)))

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
            self._items.append((above, Lines(lines, colour, width, style)))

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
        self._items.append((above, Box(left, top, width, height, colour, edge)))
