"""The outlines of nilearn's glass brain: gyri and sulci of the MNI152 brain drawn by hand, read from its wheel.

nilearn is not imported. Its files hold paths of straight lines and cubic Bézier curves in the units of a drawing; the
numbers that lay them over MNI152 space were found by hand, by nilearn (`plotting.glass_brain`), and are repeated here.
"""

import json
from functools import cache
from typing import NamedTuple

import numpy as np

from .drawings import drawing_path

# Of a drawing: mm per unit across and up, and where its origin lies, mm.
PLACES = {
    "glass-side": ((0.38, 0.38), (-108.0, -70.0)),
    "glass-back": ((0.39, 0.39), (-73.0, -73.0)),
    "glass-front": ((0.39, 0.39), (-73.0, -73.0)),
    "glass-top": ((0.36, 0.37), (-71.0, -107.0)),
}
BOX = np.array([[-74.0, -110.0, -75.0], [74.0, 79.0, 86.0]])  # mm: what the drawings reach over, lines included
_STEPS = np.linspace(0, 1, 9)[:, None]  # of a curve
# Bernstein polynomials of the third degree: a cubic Bézier curve from its four points.
_CUBIC = np.concatenate(
    [(1 - _STEPS) ** 3, 3 * _STEPS * (1 - _STEPS) ** 2, 3 * _STEPS**2 * (1 - _STEPS), _STEPS**3], axis=1
)


class Strokes(NamedTuple):
    """Lines of a drawing in one grey and width.

    Attributes
    ----------
    lines : list of (n, 2) arrays, mm, across and up.
    grey : lightness, 0 (black) to 1.
    width : relative to the outline of the brain, which has 1.
    """

    lines: list[np.ndarray]
    grey: float
    width: float


@cache
def glass_outlines(name: str) -> list[Strokes]:
    """One drawing, a key of `PLACES`: across it run y (``glass-side``, front to the right) or x (left is left)."""
    drawing = json.loads(drawing_path(name).read_text(encoding="utf-8"))
    scale, origin = PLACES[name]
    strokes: dict[tuple[float, float], list[np.ndarray]] = {}
    for path in drawing["paths"]:
        grey, width = int(path["edgecolor"][1:3], 16) / 255, round(path["linewidth"], 1) / 2
        for line in _joined([_points(item) for item in path["items"]]):
            strokes.setdefault((grey, width), []).append(line * scale + origin)
    # The structures within, in grey, lie below the others.
    return [Strokes(lines, grey, width) for (grey, width), lines in sorted(strokes.items(), reverse=True)]


def _points(item: dict) -> np.ndarray:
    """(n, 2) points along a straight line, or a curve with four points."""
    points = np.array(item["pts"])
    return _CUBIC @ points if len(points) == 4 else points


def _joined(pieces: list[np.ndarray]) -> list[np.ndarray]:
    """Pieces that begin where the one before ends, as one line."""
    lines: list[np.ndarray] = []
    for piece in pieces:
        if lines and np.abs(lines[-1][-1] - piece[0]).max() < 1e-3:
            lines[-1] = np.concatenate([lines[-1], piece[1:]])
        else:
            lines.append(piece)
    return lines
