"""How far variants, or maps, agree: a matrix of Dice coefficients."""

from collections.abc import Sequence

import numpy as np

from .axis import cell_colours, write_cells
from .bars import draw_bar
from .page import MARGIN, SIDE, Page
from .style import FigureStyle
from .text import SMALL, shorten, text_width
from .variant import Row

CELL = 34.0  # points, the side of a cell where there is room
LEAST = 4.0  # font size that is still read; smaller names are left out
NARROWEST = 230.0  # points, of a page
MOST_NAME = 180.0  # points, of a name with its number
WORDS = {
    "variant": "Dice coefficient of the voxels that two variants keep in regions.",
    "map": "Dice coefficient of the voxels in regions.",
}


def dice_figure(
    pairs: Sequence[Row],
    names: Sequence[str],
    title: str,
    subtitle: str = "",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
    of: str = "variant",
) -> Page:
    """Matrix of the Dice coefficients of what every two variants, or maps, keep; a sentence where none keeps a voxel.

    Parameters
    ----------
    pairs : one row a pair, see `dice_matrix`.
    names : list of str, the variants or the maps in order; of maps those on other grids are left out.
    title, subtitle : str.
    style : FigureStyle.
    of : what is compared, a key of `WORDS`.
    """
    dice = dice_matrix(pairs, names, of)
    message = "" if len(names) > 1 else f"One {of}: nothing to compare it with."
    if np.isnan(dice).all():
        page = Page(title, subtitle, f"No {of} keeps a voxel: there is nothing to compare.", style)
        return page.finish(page.top)
    page = Page(title, subtitle, message, style, matrix_width(names, style))
    bottom = draw_matrix(page, dice, names)
    empty = f"–: neither {of} keeps a voxel." if np.isnan(dice).any() else ""
    return page.finish(bottom + 4, [WORDS[of], empty])


def dice_matrix(pairs: Sequence[Row], names: Sequence[str], of: str) -> np.ndarray:
    """Symmetric (n, n) array of Dice coefficients, NaN where neither of two holds a voxel.

    Parameters
    ----------
    pairs : rows with ``<of>_a``, ``<of>_b``, ``voxels_a``, ``voxels_b``, ``dice`` (None where neither keeps a voxel).
    names : in order.
    of : what is compared, ``variant`` or ``map``.
    """
    rank_of = {name: rank for rank, name in enumerate(names)}
    dice = np.eye(len(names))
    for pair in pairs:
        a, b = rank_of[pair[f"{of}_a"]], rank_of[pair[f"{of}_b"]]
        dice[a, b] = dice[b, a] = np.nan if pair["dice"] is None else pair["dice"]
        for rank, voxels in ((a, pair["voxels_a"]), (b, pair["voxels_b"])):
            dice[rank, rank] = 1.0 if voxels else np.nan
    return dice


def _names_width(names: Sequence[str]) -> float:
    """Width of the names with their numbers, points."""
    return min(max(text_width(f"{name}  {rank}", SMALL) for rank, name in enumerate(names, start=1)), MOST_NAME)


def matrix_width(names: Sequence[str], style: FigureStyle) -> float:
    """Width of a page that a matrix of so many names fills, up to that of the style."""
    filled = 2 * MARGIN + SIDE + 10 + _names_width(names) + CELL * len(names)
    return max(min(filled, style.points), NARROWEST)


def draw_matrix(page: Page, dice: np.ndarray, names: Sequence[str]) -> float:
    """A matrix of Dice coefficients with names at its left, numbers above and its colour bar; gives its bottom."""
    n = len(names)
    left, top = MARGIN + _names_width(names) + 6, page.top + 12
    cell = min((page.width - MARGIN - SIDE - 4 - left) / n, CELL)
    size = min(SMALL, 0.95 * cell)
    bottom = max(top + n * cell, page.top + 70)
    pixels = cell_colours(dice)
    page.image(pixels, left, left + n * cell, top + n * cell, top)
    words = [["–" if np.isnan(value) else f"{value:.2f}" for value in row] for row in dice]
    write_cells(page, words, pixels, left, top, cell, cell)
    step = max(int(np.ceil((text_width(str(n), SMALL) + 5) / cell)), 1)
    for rank in range(0, n, step):
        page.text(left + (rank + 0.5) * cell, top - 3, str(rank + 1), SMALL, align="center")
    for rank, name in enumerate(names):
        at = top + (rank + 0.5) * cell
        if size >= LEAST:
            page.text(left - 4, at, f"{shorten(name, size, 160)}  {rank + 1}", size, align="right", level="center")
        elif rank % step == 0:
            page.text(left - 4, at, str(rank + 1), SMALL, align="right", level="center")
    scale = cell_colours(np.linspace(1, 0, 101))[:, None]
    scale = np.concatenate([scale, np.full((101, 1, 1), 255, np.uint8)], axis=-1)
    draw_bar(page, scale, page.top, min(bottom, page.top + 110), "Dice", ("1", "0"), [(0.5, "0.5")])
    return bottom
