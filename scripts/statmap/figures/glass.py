"""The glass brain: suprathreshold voxels seen through the head, the hemispheres apart."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from ..regions.peaks import labelled_voxels
from .bars import draw_value_bar
from .colours import region_colours, rgb
from .glass_outlines import BOX, glass_outlines
from .montage import missing_note, place_note
from .page import MUTED, Page
from .panels import Panel, View, draw_outlines, name_panel, overlay, side_by_side
from .scene import Scene
from .slicing import Edges, outlines, project
from .tags import draw_tags, named_in, pixels_of, place_ids
from .text import NOTE
from .variant import Row

MOST_IN_GLASS = 24
SIGHT = "A pixel is the suprathreshold voxel furthest from 0 along the line of sight."
OUTLINE = 1.1  # points, the line around the brain

Half = Literal["left", "right", "both"]


class GlassView(NamedTuple):
    """One picture: what is written under it, how it is seen, what of the brain, and which drawing lies over it."""

    words: str
    view: View
    half: Half
    drawing: str


NEUROLOGICAL = (
    GlassView("left hemisphere", View(0, mirrored=True), "left", "glass-side"),
    GlassView("both, from behind", View(1), "both", "glass-back"),
    GlassView("right hemisphere", View(0), "right", "glass-side"),
    GlassView("both, from above", View(2), "both", "glass-top"),
)
RADIOLOGICAL = (  # right is left where one looks from the front, and from below
    GlassView("right hemisphere", View(0), "right", "glass-side"),
    GlassView("both, from the front", View(1, mirrored=True), "both", "glass-front"),
    GlassView("left hemisphere", View(0, mirrored=True), "left", "glass-side"),
    GlassView("both, from below", View(2, mirrored=True), "both", "glass-top"),
)


def glass_figure(scene: Scene, regions: Sequence[Row], title: str, subtitle: str = "") -> Page:
    """Maximum-intensity projections: each hemisphere from its side, both from behind and from above.

    The `MOST_IN_GLASS` largest regions are outlined and named where there is room for their ids. A map in MNI152 space
    is drawn with the outlines of nilearn's glass brain, any other with its own outline. Without a region a sentence
    says so; without a suprathreshold voxel the page has a sentence only.

    Parameters
    ----------
    scene : Scene.
    regions : one row a region.
    title, subtitle : str.
    """
    page = Page(title, subtitle, missing_note(scene, regions), scene.style)
    if not scene.suprathreshold.any():
        return page.finish(page.top)
    in_mni = scene.in_mni
    box = scene.box
    if in_mni:
        box = np.stack([np.minimum(box[0], BOX[0]), np.maximum(box[1], BOX[1])])
    every = RADIOLOGICAL if scene.style.radiological else NEUROLOGICAL
    views = [view for view in every if in_mni or _holds_anything(scene, view.half)]
    panels, bottom = side_by_side(box, [view.view for view in views], page.top, page.width)
    bottom = max(bottom, page.top + 80)
    shadows = [_shadows(scene, panel, view.half) for panel, view in zip(panels, views, strict=True)]
    tags = place_ids([(panel, shadow.ids, shadow.points) for panel, shadow in zip(panels, shadows, strict=True)], NOTE)
    colours = region_colours(MOST_IN_GLASS)
    for panel, view, shadow, panel_tags in zip(panels, views, shadows, tags, strict=True):
        if not in_mni:
            _draw_silhouette(page, scene, panel, view.half)
        x = _planes_of(scene, view.half)
        origin = scene.origin + [x.start * scene.step[0], 0, 0]
        values, edges = panel.place(*project(scene.data[x], scene.suprathreshold[x], origin, scene.step, panel.axis))
        page.image(overlay(values, values != 0, scene) * (values != 0)[..., None], *edges)
        if in_mni:
            _draw_drawing(page, panel, view.drawing)
        for region in sorted(named_in([panel_tags])):
            mask, edges = shadow.masks[region]
            draw_outlines(page, mask * region, edges, colours, width=0.6)
        draw_tags(page, panel_tags, NOTE, colours)
        name_panel(page, panel, view.words)
    draw_value_bar(page, scene, page.top, min(bottom, page.top + 110))
    named = len(named_in(tags))
    some = (
        f"{named} of {len(regions)} regions {'is' if named == 1 else 'are'} outlined and named."
        if named < len(regions)
        else ""
    )
    return page.finish(bottom + 4, [place_note(scene), SIGHT, some])


def _planes(origin: float, step: float, count: int, half: Half) -> slice:
    """Sagittal planes of a half of the brain: x below 0, or from 0 up."""
    middle = int(np.clip(np.ceil(-origin / step - 1e-6), 0, count))
    return {"left": slice(0, middle), "right": slice(middle, count), "both": slice(0, count)}[half]


def _planes_of(scene: Scene, half: Half) -> slice:
    """Sagittal planes of a half of the scene's images."""
    return _planes(scene.origin[0], scene.step[0], scene.data.shape[0], half)


def _holds_anything(scene: Scene, half: Half) -> bool:
    """Whether there is a brain in a half: without a template, what the map covers may lie to one side of x = 0."""
    return half == "both" or scene.template is not None or bool(scene.data[_planes_of(scene, half)].any())


def _draw_drawing(page: Page, panel: Panel, name: str) -> None:
    """The outlines of the glass brain over a panel."""
    paper, ink = (rgb(colour)[0] for colour in (page.style.theme.paper, page.style.theme.ink))
    for strokes in glass_outlines(name):
        grey = ink + (paper - ink) * (0.25 + 0.75 * strokes.grey)
        lines = [np.stack([panel.x(line[:, 0]), panel.y(line[:, 1])], axis=1) for line in strokes.lines]
        page.lines(lines, "#" + 3 * f"{round(255 * grey):02x}", OUTLINE * strokes.width, above=1)


def _draw_silhouette(page: Page, scene: Scene, panel: Panel, half: Half) -> None:
    """The template along the line of sight, or what the map covers, with a line around it."""
    brain = (scene.data, scene.origin, scene.step)
    if scene.template is not None:
        template = scene.template
        brain = (template.image[::2, ::2, ::2], template.origin, 2 * template.step)  # the eye sees no difference
    image, origin, step = brain
    solid = (image[_planes(origin[0], step[0], image.shape[0], half)] != 0).any(axis=panel.axis).T[::-1]
    low, high = origin - step / 2, origin + (np.array(image.shape) - 0.5) * step
    solid, edges = panel.place(solid, (low[panel.across], high[panel.across], low[panel.up], high[panel.up]))
    shade = np.full((*solid.shape, 4), round(255 * abs(rgb(page.style.theme.paper)[0] - 0.07)), dtype=np.uint8)
    shade[..., 3] = 255 * solid
    page.image(shade, *edges)
    page.lines(outlines(solid, edges, fine=1), MUTED, 0.8)


class Shadows(NamedTuple):
    """What regions cover along a line of sight.

    Attributes
    ----------
    masks : region to its (rows, columns) bool mask, and edges on the page.
    ids : (n,) int, regions; points : (n, 2), the centres of their pixels on the page.
    """

    masks: dict[int, tuple[np.ndarray, Edges]]
    ids: np.ndarray
    points: np.ndarray


def _shadows(scene: Scene, panel: Panel, half: Half) -> Shadows:
    """The shadows of the `MOST_IN_GLASS` largest regions in a panel."""
    x = _planes_of(scene, half)
    _, region_of_voxel, voxels = labelled_voxels(scene.labels[x], scene.labels[x])
    large = region_of_voxel <= MOST_IN_GLASS
    region_of_voxel, voxels = region_of_voxel[large], voxels[large] + [x.start, 0, 0]
    masks, ids, points = {}, [np.zeros(0, int)], [np.zeros((0, 2))]
    x0, y0 = (scene.origin - scene.step / 2)[[panel.across, panel.up]]
    dx, dy = scene.step[[panel.across, panel.up]]
    for region in np.unique(region_of_voxel).tolist():
        column, row = voxels[region_of_voxel == region][:, [panel.across, panel.up]].T
        left, right, bottom, top = column.min(), column.max() + 1, row.min(), row.max() + 1
        mask = np.zeros((top - bottom, right - left), dtype=bool)
        mask[top - 1 - row, column - left] = True
        masks[region] = panel.place(mask, (x0 + left * dx, x0 + right * dx, y0 + bottom * dy, y0 + top * dy))
        centres = pixels_of(*masks[region])[1]
        ids.append(np.full(len(centres), region))
        points.append(centres)
    return Shadows(masks, np.concatenate(ids), np.concatenate(points))
