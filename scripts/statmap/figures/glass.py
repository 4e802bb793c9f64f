"""The glass brain: suprathreshold voxels seen through the head from three sides."""

from collections.abc import Sequence

import numpy as np

from .bars import draw_value_bar
from .colours import region_colours
from .montage import NOTHING, ORIENTATION
from .page import Page
from .panels import Panel, draw_outlines, draw_silhouette, name_panel, overlay, three_views
from .scene import Scene
from .slicing import Edges, project
from .tags import draw_tags, named_in, pixels_of, place_ids
from .text import NOTE
from .variant import Row

MOST_IN_GLASS = 24
SIGHT = "A pixel is the survivor furthest from 0 along the line of sight."


def glass_figure(scene: Scene, regions: Sequence[Row], title: str, subtitle: str = "") -> Page:
    """Maximum-intensity projections of the survivors from the side, the front and the top, with the regions' ids.

    The up to `MOST_IN_GLASS` largest regions are outlined and named.

    Parameters
    ----------
    scene : Scene.
    regions : one row a region.
    title, subtitle : str.
    """
    page = Page(title, subtitle, "" if scene.survivors.any() else NOTHING)
    panels, bottom = three_views(scene, (None, None, None), page.top)
    bottom = max(bottom, page.top + 80)
    voxels = np.argwhere((scene.labels > 0) & (scene.labels <= MOST_IN_GLASS))
    owners = scene.labels[tuple(voxels.T)]
    shadows = [_shadows(voxels, owners, scene, panel) for panel in panels]
    tags = place_ids([(panel, ids, points) for panel, (_, ids, points) in zip(panels, shadows, strict=True)], NOTE)
    colours = region_colours(MOST_IN_GLASS)
    for panel, (masks, _, _), panel_tags in zip(panels, shadows, tags, strict=True):
        draw_silhouette(page, scene, panel)
        values, edges = project(scene.data, scene.survivors, scene.origin, scene.step, panel.axis)
        page.image(overlay(values, values != 0, scene) * (values != 0)[..., None], *panel.edges(edges))
        for region, (mask, edges) in masks.items():
            draw_outlines(page, mask * region, edges, colours, width=0.6)
        draw_tags(page, panel_tags, NOTE, colours)
        name_panel(page, panel)
    draw_value_bar(page, scene, page.top, min(bottom, page.top + 110))
    named = len(named_in(tags))
    some = f"{named} of {len(regions)} regions are named, the largest first." if named < len(regions) else ""
    return page.finish(bottom + 4, [ORIENTATION, SIGHT, some])


def _shadows(
    voxels: np.ndarray, owners: np.ndarray, scene: Scene, panel: Panel
) -> tuple[dict[int, tuple[np.ndarray, Edges]], np.ndarray, np.ndarray]:
    """What each region covers along the line of sight: {region: (mask, edges)}, and all `pixels_of` them."""
    masks, ids, points = {}, [np.zeros(0, int)], [np.zeros((0, 2))]
    column, row = voxels[:, panel.across], voxels[:, panel.up]
    x0, y0 = (scene.origin - scene.step / 2)[[panel.across, panel.up]]
    dx, dy = scene.step[[panel.across, panel.up]]
    for region in np.unique(owners).tolist():
        own_column, own_row = column[owners == region], row[owners == region]
        left, right, bottom, top = own_column.min(), own_column.max() + 1, own_row.min(), own_row.max() + 1
        mask = np.zeros((top - bottom, right - left), dtype=bool)
        mask[top - 1 - own_row, own_column - left] = True
        edges = panel.edges((x0 + left * dx, x0 + right * dx, y0 + bottom * dy, y0 + top * dy))
        masks[region] = mask, edges
        found = pixels_of(mask, edges)[1]
        ids.append(np.full(len(found), region))
        points.append(found)
    return masks, np.concatenate(ids), np.concatenate(points)
