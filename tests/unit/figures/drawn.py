"""What a figure shows, read back from what was drawn."""

import numpy as np
from matplotlib.text import Text


def texts(page):
    """All that is written: list of (str, (left, bottom, right, top) in pixels)."""
    figure = page.figure
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    written = (text for text in figure.findobj(Text) if text.axes and text in text.axes.texts and text.get_text())
    return [(text.get_text(), text.get_window_extent(renderer).extents) for text in written]


def words(figure):
    return [word for word, _ in texts(figure)]


def pixels(page):
    figure = page.figure
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def collisions(figure):
    """Texts that touch another text or leave the figure, as str; a pixel of touch is allowed."""
    written = texts(figure)
    boxes = np.array([box for _, box in written]) + [1, 1, -1, -1]
    width, height = figure.figure.canvas.get_width_height()
    found = [
        f"{word!r} leaves the figure"
        for (word, _), (left, bottom, right, top) in zip(written, boxes, strict=True)
        if left < -2 or bottom < -2 or right > width + 2 or top > height + 2
    ]
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    touching = (np.minimum(high, boxes[:, 2:]) > np.maximum(low, boxes[:, :2])).all(axis=-1)
    return found + [
        f"{written[a][0]!r} on {written[b][0]!r}" for a, b in zip(*np.nonzero(touching), strict=True) if a < b
    ]
