"""Colours for all regions of a page, which has no line styles to distinguish them."""

import numpy as np

from ..figures.colours import REGIONS, rgb

DISTINCT = 64


def page_colours(n: int) -> list[str]:
    """Colours of regions 1 to n, ``#rrggbb``: those of the figures, then each as far from those before as can be.

    Distance is that of CIE L*a*b* (1976). Candidates are neither near black, white nor grey, so that they stand out
    from the background. After `DISTINCT` colours they repeat.
    """
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 17)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = _lab(grid / 255)
    vivid = (lab[:, 0] > 30) & (lab[:, 0] < 92) & (np.hypot(lab[:, 1], lab[:, 2]) > 25)
    grid, lab = grid[vivid], lab[vivid]
    colours = list(REGIONS)
    nearest = np.min([np.linalg.norm(lab - _lab(rgb(colour)), axis=1) for colour in colours], axis=0)
    while len(colours) < min(n, DISTINCT):
        best = int(nearest.argmax())
        colours.append("#" + bytes(grid[best].tolist()).hex())
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[best], axis=1))
    return [colours[region % len(colours)] for region in range(n)]


def _lab(colours):
    """sRGB colours (..., 3), 0 to 1, in CIE L*a*b* with white D65 (IEC 61966-2-1, CIE 15)."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / to_xyz.sum(axis=1)
    x, y, z = np.moveaxis(np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
