"""How far maps agree under one variant: in how many maps each voxel is kept."""

import numpy as np

from .montage import draw_shares
from .page import Page
from .scene import Template
from .style import FigureStyle


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
