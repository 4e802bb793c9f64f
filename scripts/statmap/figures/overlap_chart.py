"""How far maps agree under one variant: Dice coefficients between maps, and in how many maps each voxel is kept."""

from collections.abc import Sequence

import numpy as np

from .agreement_chart import dice_matrix, draw_matrix, matrix_width
from .montage import draw_shares
from .page import Page
from .scene import Template
from .style import FigureStyle
from .variant import Row


def maps_figure(
    pairs: Sequence[Row],
    maps: Sequence[str],
    title: str,
    subtitle: str = "",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """Matrix of the Dice coefficients of what every two maps keep under one variant; a sentence where none keeps any.

    Parameters
    ----------
    pairs : one row a pair of maps: map_a, map_b, voxels_a, voxels_b, dice (None where neither keeps a voxel).
    maps : ids in order, those on other grids left out.
    title, subtitle : str.
    style : FigureStyle.
    """
    dice = dice_matrix(pairs, maps, "map")
    message = "" if len(maps) > 1 else "One map: nothing to compare it with."
    if np.isnan(dice).all():
        page = Page(title, subtitle, "No map keeps a voxel: there is nothing to compare.", style)
        return page.finish(page.top)
    page = Page(title, subtitle, message, style, matrix_width(maps, style))
    empty = "–: neither map keeps a voxel." if np.isnan(dice).any() else ""
    return page.finish(draw_matrix(page, dice, maps) + 4, ["Dice coefficient of the voxels in regions.", empty])


def overlap_figure(
    counts: np.ndarray,
    affine: np.ndarray,
    n_maps: int,
    template: Template | None,
    title: str,
    subtitle: str = "",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """Number of maps whose regions hold each voxel, over the template in cuts; a sentence where none does.

    Parameters
    ----------
    counts : (i, j, k) array of int, 0 to `n_maps`; what is 0 is not drawn.
    affine : (4, 4) array.
    n_maps : int > 0.
    template : Template or None.
    title, subtitle : str.
    style : FigureStyle.
    """
    page = Page(title, subtitle, "" if counts.any() else "No map keeps any voxel.", style)
    note = "Line: voxels that at least half of the maps keep."
    return draw_shares(page, counts / n_maps, affine, template, "maps", (str(n_maps), f"{n_maps / 2:g}"), note)
