"""A page as pixels, by Pillow: matplotlib takes longer to import than ten pages take here, and longer for each page."""

import numpy as np
from PIL import Image as Pixels
from PIL import ImageDraw

from .page import Box, Image, Lines, Page, Text
from .text import font

FINE = 4  # lines are drawn that much larger, then averaged: smooth edges
DASHES = {"dashed": (3.7, 1.6), "dotted": (1.0, 1.65), "dashdot": (6.4, 1.6, 1.0, 1.6)}  # in line widths


def draw_pixels(page: Page) -> Pixels.Image:
    """Draw a page at the dots an inch of its style, as an RGB image."""
    dpi = page.style.dpi
    scale = dpi / 72  # pixels per point
    size = int(page.width * scale + 1e-6), int(page.height * scale + 1e-6)
    canvas = Pixels.new("RGB", size, page.style.theme.paper)
    pen = ImageDraw.Draw(canvas)
    for item in page.items:
        match item:
            case Text():
                place = item.left * scale, item.y * scale
                pen.text(place, item.text, item.colour, font(item.size, item.bold, dpi), "ls")
            case Box():
                _box(pen, item, scale)
            case Image():
                _image(canvas, item, scale)
            case Lines():
                _lines(canvas, pen, item, scale)
    return canvas


def _box(pen: ImageDraw.ImageDraw, box: Box, scale: float) -> None:
    left, top = round(box.left * scale), round(box.top * scale)
    right, bottom = round((box.left + box.width) * scale), round((box.top + box.height) * scale)
    edge_width = max(round(0.5 * scale), 1)
    pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), box.colour, box.edge, edge_width)


def _image(canvas: Pixels.Image, image: Image, scale: float) -> None:
    """Each pixel of the canvas whose centre lies in the image takes what is there: the edges are not moved."""
    left, right, bottom, top = (edge * scale for edge in image[1:5])
    x, y = int(np.floor(left)), int(np.floor(top))
    size = int(np.ceil(right)) - x, int(np.ceil(bottom)) - y
    source = Pixels.fromarray(image.pixels).convert("RGBA")
    across, down = source.width / (right - left), source.height / (bottom - top)
    placed = source.transform(
        size,
        Pixels.Transform.AFFINE,
        (across, 0, (x - left) * across, 0, down, (y - top) * down),
        Pixels.Resampling.BILINEAR if image.smooth else Pixels.Resampling.NEAREST,
    )
    canvas.paste(placed, (x, y), placed)


def _lines(canvas: Pixels.Image, pen: ImageDraw.ImageDraw, lines: Lines, scale: float) -> None:
    width = lines.width * scale
    paths = [np.asarray(line) * scale for line in lines.lines]
    if lines.style != "solid":
        paths = [piece for path in paths for piece in _dashes(path, np.array(DASHES[lines.style]) * width)]
    if all(len(path) == 2 and (path[0] == path[1]).any() for path in paths):  # along the pixels: left sharp
        for path in paths:
            (left, top), (right, bottom) = path.min(axis=0), path.max(axis=0)
            thick = max(round(width), 1)
            x, y = (round(a - thick / 2 * (a == b)) for a, b in ((left, right), (top, bottom)))
            right, bottom = (
                (x + thick if left == right else round(right)),
                (y + thick if top == bottom else round(bottom)),
            )
            pen.rectangle((x, y, max(right - 1, x), max(bottom - 1, y)), lines.colour)
        return
    points = np.concatenate(paths)
    low = np.floor(points.min(axis=0) - width).astype(int)
    size = np.ceil(points.max(axis=0) + width).astype(int) - low
    mask = Pixels.new("L", tuple((size * FINE).tolist()))
    brush = ImageDraw.Draw(mask)
    for path in paths:
        brush.line(((path - low) * FINE).ravel().tolist(), 255, max(round(width * FINE), 1))
    canvas.paste(lines.colour, tuple(low.tolist()), mask.reduce(FINE))


def _dashes(path: np.ndarray, pattern: np.ndarray) -> list[np.ndarray]:
    """The drawn pieces of a line, (n, 2); `pattern` alternates between drawn and left out, in pixels."""
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    turns = np.concatenate([[0], np.cumsum(np.tile(pattern, int(walked[-1] / pattern.sum()) + 1))])
    pieces = []
    for start, end in zip(turns[:-1:2], np.minimum(turns[1::2], walked[-1]), strict=True):
        if start < end:
            at = np.concatenate([[start], walked[(walked > start) & (walked < end)], [end]])
            pieces.append(np.stack([np.interp(at, walked, axis) for axis in path.T], axis=1))
    return pieces
