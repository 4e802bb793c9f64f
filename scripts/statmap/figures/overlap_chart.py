"""How far maps agree under one variant: Dice coefficients between maps, and in how many maps each voxel is kept."""

from collections.abc import Sequence

import numpy as np

from .agreement_chart import dice_matrix, draw_matrix, matrix_width
from .montage import draw_shares
from .page import Page
from .scene import Template
from .variant import Row


def maps_figure(pairs: Sequence[Row], maps: Sequence[str], title: str, subtitle: str = "") -> Page:
    """Matrix of the Dice coefficients of what every two maps keep under one variant.

    Parameters
    ----------
    pairs : one row a pair of maps: map_a, map_b, voxels_a, voxels_b, dice (None where neither keeps a voxel).
    maps : ids in order, those on other grids left out.
    title, subtitle : str.
    """
    message = "" if len(maps) > 1 else "One map: nothing to compare it with."
    page = Page(title, subtitle, message, width=matrix_width(maps))
    dice = dice_matrix(pairs, maps, "map")
    empty = "–: neither map keeps a voxel." if np.isnan(dice).any() else ""
    return page.finish(draw_matrix(page, dice, maps) + 4, ["Dice coefficient of the voxels in regions.", empty])


def overlap_figure(
    counts: np.ndarray, affine: np.ndarray, n_maps: int, template: Template | None, title: str, subtitle: str = ""
) -> Page:
    """Number of maps whose regions hold each voxel, over the template in axial cuts.

    Parameters
    ----------
    counts : (i, j, k) array of int, 0 to `n_maps`; what is 0 is not drawn.
    affine : (4, 4) array.
    n_maps : int > 0.
    template : Template or None.
    title, subtitle : str.
    """
    page = Page(title, subtitle, "" if counts.any() else "No map keeps any voxel.")
    note = "Line: voxels that at least half of the maps keep."
    return draw_shares(page, counts / n_maps, affine, template, "maps", (str(n_maps), f"{n_maps / 2:g}"), note)
