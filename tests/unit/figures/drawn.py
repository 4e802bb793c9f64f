"""What a figure shows, read back from its page."""

import numpy as np

from statmap.figures.page import Text
from statmap.figures.raster import draw_pixels
from statmap.figures.text import DPI, font

SCALE = DPI / 72  # pixels a point, of what is not drawn for print


def texts(page):
    """All that is written: list of (str, (left, top, right, bottom) in pixels)."""
    found = []
    for item in page.items:
        if isinstance(item, Text):
            box = np.array(font(item.size, item.bold).getbbox(item.text, anchor="ls"))
            found.append((item.text, box + np.tile([item.left, item.y], 2) * SCALE))
    return found


def words(page):
    return [word for word, _ in texts(page)]


def pixels(page):
    return np.asarray(draw_pixels(page)).astype(int)


def collisions(page):
    """Texts that touch another text or leave the page, as str; a pixel of touch is allowed."""
    written = texts(page)
    boxes = np.array([box for _, box in written]) + [1, 1, -1, -1]
    found = [
        f"{word!r} leaves the figure"
        for (word, _), (left, top, right, bottom) in zip(written, boxes, strict=True)
        if left < -2 or top < -2 or right > page.width * SCALE + 2 or bottom > page.height * SCALE + 2
    ]
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    touching = (np.minimum(high, boxes[:, 2:]) > np.maximum(low, boxes[:, :2])).all(axis=-1)
    return found + [
        f"{written[a][0]!r} on {written[b][0]!r}" for a, b in zip(*np.nonzero(touching), strict=True) if a < b
    ]
