"""The glass brain: suprathreshold voxels seen through the head, the hemispheres apart."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np

from .bars import draw_value_bar
from .colours import region_colours
from .montage import NOTHING, place_note
from .page import GREY, Page
from .panels import Panel, View, draw_outlines, name_panel, overlay, side_by_side
from .scene import Scene, Template
from .slicing import Edges, outlines, project
from .tags import draw_tags, named_in, pixels_of, place_ids
from .text import NOTE
from .variant import Row

MOST_IN_GLASS = 24
SIGHT = "A pixel is the suprathreshold voxel furthest from 0 along the line of sight."

Half = Literal["left", "right", "both"]
VIEWS: dict[str, tuple[View, Half]] = {  # words under the panel: how it is seen, and what of the brain
    "left hemisphere": (View(0, mirrored=True), "left"),
    "both, from behind": (View(1), "both"),
    "right hemisphere": (View(0), "right"),
    "both, from above": (View(2), "both"),
}


def glass_figure(scene: Scene, regions: Sequence[Row], title: str, subtitle: str = "") -> Page:
    """Maximum-intensity projections: each hemisphere from its side, both from behind and from above.

    Of the `MOST_IN_GLASS` largest regions those that find room for an id are outlined and named.

    Parameters
    ----------
    scene : Scene.
    regions : one row a region.
    title, subtitle : str.
    """
    page = Page(title, subtitle, "" if scene.suprathreshold.any() else NOTHING)
    views = {words: own for words, own in VIEWS.items() if _holds_anything(scene, own[1])}
    panels, bottom = side_by_side(scene, [view for view, _ in views.values()], page.top)
    bottom = max(bottom, page.top + 80)
    halves = [half for _, half in views.values()]
    shadows = [_shadows(scene, panel, half) for panel, half in zip(panels, halves, strict=True)]
    tags = place_ids([(panel, ids, points) for panel, (_, ids, points) in zip(panels, shadows, strict=True)], NOTE)
    colours = region_colours(MOST_IN_GLASS)
    for panel, half, (masks, _, _), panel_tags, words in zip(panels, halves, shadows, tags, views, strict=True):
        _draw_silhouette(page, scene, panel, half)
        x = _planes(scene.origin[0], scene.step[0], scene.data.shape[0], half)
        origin = scene.origin + [x.start * scene.step[0], 0, 0]
        values, edges = panel.place(*project(scene.data[x], scene.suprathreshold[x], origin, scene.step, panel.axis))
        page.image(overlay(values, values != 0, scene) * (values != 0)[..., None], *edges)
        for region in sorted(named_in([panel_tags])):
            mask, edges = masks[region]
            draw_outlines(page, mask * region, edges, colours, width=0.6)
        draw_tags(page, panel_tags, NOTE, colours)
        name_panel(page, panel, words)
    draw_value_bar(page, scene, page.top, min(bottom, page.top + 110))
    named = len(named_in(tags))
    some = f"{named} of {len(regions)} regions are outlined and named." if named < len(regions) else ""
    return page.finish(bottom + 4, [place_note(scene), SIGHT, some])


def _planes(origin: float, step: float, count: int, half: Half) -> slice:
    """Sagittal planes of a half of the brain: x below 0, or from 0 up."""
    middle = int(np.clip(np.ceil(-origin / step - 1e-6), 0, count))
    return {"left": slice(0, middle), "right": slice(middle, count), "both": slice(0, count)}[half]


def _holds_anything(scene: Scene, half: Half) -> bool:
    """Whether there is a brain in a half: without a template, what the map covers may lie to one side of x = 0."""
    x = _planes(scene.origin[0], scene.step[0], scene.data.shape[0], half)
    return half == "both" or scene.template is not None or bool(scene.data[x].any())


def _draw_silhouette(page: Page, scene: Scene, panel: Panel, half: Half) -> None:
    """The brain seen through: the mean of the template along the line of sight, and a line around it."""
    if scene.template is None:
        x = _planes(scene.origin[0], scene.step[0], scene.data.shape[0], half)
        solid = 0.5 * (scene.data[x] != 0).any(axis=panel.axis).T[::-1]
        edges = _edges(scene.data, scene.origin, scene.step, panel.axis)
    else:
        template = scene.template
        solid, edges = (
            _shade(template, panel.axis, half),
            _edges(template.image, template.origin, template.step, panel.axis),
        )
    solid, edges = panel.place(solid, edges)
    shade = np.full((*solid.shape, 4), 255, dtype=np.uint8)
    shade[..., :3] = np.rint(255 * (1 - 0.35 * solid**2))[..., None]
    shade[..., 3] = 255 * (solid > 0)  # the image reaches beyond the panel
    page.image(shade, *edges, smooth=True)
    page.lines(outlines(solid > 0.02, edges, fine=1), GREY, 0.8)


@cache
def _shade(template: Template, axis: int, half: Half) -> np.ndarray:
    """Mean of a template along the line of sight, (rows, columns) from 0 to 1; the same for all variants of a map."""
    thin = [slice(None)] * 3
    thin[0] = _planes(template.origin[0], template.step[0], template.image.shape[0], half)
    image = template.image[tuple(thin)]
    thin = [slice(None)] * 3
    thin[axis] = slice(None, None, 4)  # every fourth plane: the eye sees no difference
    solid = image[tuple(thin)].mean(axis=axis, dtype=np.float32).T[::-1]
    return solid / (solid.max() or 1)


def _edges(image: np.ndarray, origin: np.ndarray, step: np.ndarray, axis: int) -> Edges:
    """Edges in mm of a projection of a whole image."""
    low, high = origin - step / 2, origin + (np.array(image.shape) - 0.5) * step
    across, up = (other for other in range(3) if other != axis)
    return low[across], high[across], low[up], high[up]


def _shadows(
    scene: Scene, panel: Panel, half: Half
) -> tuple[dict[int, tuple[np.ndarray, Edges]], np.ndarray, np.ndarray]:
    """What each region covers along the line of sight: {region: (mask, edges)}, and all `pixels_of` them."""
    x = _planes(scene.origin[0], scene.step[0], scene.data.shape[0], half)
    labels = scene.labels[x]
    voxels = np.argwhere((labels > 0) & (labels <= MOST_IN_GLASS))
    owners = labels[tuple(voxels.T)]
    voxels[:, 0] += x.start
    masks, ids, points = {}, [np.zeros(0, int)], [np.zeros((0, 2))]
    column, row = voxels[:, panel.across], voxels[:, panel.up]
    x0, y0 = (scene.origin - scene.step / 2)[[panel.across, panel.up]]
    dx, dy = scene.step[[panel.across, panel.up]]
    for region in np.unique(owners).tolist():
        own_column, own_row = column[owners == region], row[owners == region]
        left, right, bottom, top = own_column.min(), own_column.max() + 1, own_row.min(), own_row.max() + 1
        mask = np.zeros((top - bottom, right - left), dtype=bool)
        mask[top - 1 - own_row, own_column - left] = True
        masks[region] = panel.place(mask, (x0 + left * dx, x0 + right * dx, y0 + bottom * dy, y0 + top * dy))
        found = pixels_of(*masks[region])[1]
        ids.append(np.full(len(found), region))
        points.append(found)
    return masks, np.concatenate(ids), np.concatenate(points)
