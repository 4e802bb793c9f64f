"""The map on the inflated cortex: both hemispheres, lateral and medial."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from .axis import ranges
from .bars import draw_value_bar
from .colours import region_colours, rgb
from .cortex import BOX, PIXELS_PER_MM, CortexView, Side, see_cortex
from .montage import fading_note, missing_note
from .page import Page
from .panels import View, draw_outlines, name_panel, overlay, side_by_side
from .scene import Scene
from .slicing import Edges
from .tags import draw_tags, named_in, pixels_of, place_ids
from .text import NOTE
from .variant import Row

MOST_ON_SURFACE = 60
DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)  # where the map is looked up, from the white surface (0) to the pial one (1)
SMALLEST = 10.0  # mm² of the inflated surface: a smaller piece of a region is not outlined
COARSE = 4  # of the pixels of a picture each fourth, both ways, is enough to place ids by
NOT_MNI = "No surface: the map is not in MNI152 space, where the surface of the cortex is known."
PROJECTION = (
    "A projection onto the inflated cortex of fsaverage5: a point shows the strongest voxel between its white and its "
    "pial surface; what lies deeper, and the cerebellum, is not seen."
)

VIEWS: dict[str, tuple[Side, View]] = {  # words under the panel: which hemisphere, and how it is seen
    "left, lateral": ("left", View(0, mirrored=True)),
    "left, medial": ("left", View(0)),
    "right, medial": ("right", View(0, mirrored=True)),
    "right, lateral": ("right", View(0)),
}


class Shown(NamedTuple):
    """The voxel of the map that each of n pixels shows: its value, whether it is suprathreshold, its region."""

    values: np.ndarray
    suprathreshold: np.ndarray
    regions: np.ndarray


def surface_figure(scene: Scene, regions: Sequence[Row], title: str, subtitle: str = "") -> Page:
    """The map on the inflated cortex of fsaverage5, lateral and medial, with the outlines and ids of its regions.

    A map in another space than MNI152, or without a suprathreshold voxel, gets a sentence instead. Without a region a
    sentence says so.

    Parameters
    ----------
    scene : Scene.
    regions : one row a region; the `MOST_ON_SURFACE` largest are outlined.
    title, subtitle : str.
    """
    page = Page(title, subtitle, missing_note(scene, regions) if scene.in_mni else NOT_MNI, scene.style)
    if not scene.in_mni or not scene.suprathreshold.any():
        return page.finish(page.top)
    pictures = {words: see_cortex(side, _eye(view)) for words, (side, view) in VIEWS.items()}
    shown = {words: look_up(scene, picture) for words, picture in pictures.items()}
    panels, bottom = side_by_side(BOX, [view for _, view in VIEWS.values()], page.top, page.width)
    bottom = max(bottom, page.top + 80)
    planes, views = [], []
    for panel, (words, picture) in zip(panels, pictures.items(), strict=True):
        pixels, edges = panel.place(_paint(scene, picture, shown[words]), picture.edges)
        page.image(pixels, *edges, smooth=True)
        plane, edges = panel.place(_regions_on(picture, shown[words]), picture.edges)
        planes.append((plane, edges))
        views.append((panel, *_coarse_pixels(plane, edges)))
        name_panel(page, panel, words)
    tags = place_ids(views, NOTE)
    colours = region_colours(MOST_ON_SURFACE)
    for (plane, edges), panel_tags in zip(planes, tags, strict=True):
        draw_outlines(page, plane, edges, colours, width=0.6, fine=1)
        draw_tags(page, panel_tags, NOTE, colours)
    draw_value_bar(page, scene, page.top, min(bottom, page.top + 110))
    undeclared = "" if scene.space else "The map's space is not declared: MNI152 is assumed."
    seen = {int(region) for plane, _ in planes for region in np.unique(plane)} - {0}
    notes = [PROJECTION, _reach_note(regions, seen, len(named_in(tags))), undeclared, fading_note(scene)]
    return page.finish(bottom + 4, notes)


def _eye(view: View) -> Literal[-1, 1]:
    """From which end of x a panel of sagittal pictures is seen: with the front to the left, from the left."""
    return -1 if view.mirrored else 1


def look_up(scene: Scene, picture: CortexView) -> Shown:
    """For every pixel the voxel furthest from 0, on the tested side, of those between white and pial surface.

    Parameters
    ----------
    scene : Scene, in MNI152 space.
    picture : CortexView.
    """
    shape = scene.data.shape
    white, pial = (((surface - scene.origin) / scene.step + 0.5).T.copy() for surface in (picture.white, picture.pial))
    height = {"two": np.abs, "positive": np.asarray, "negative": np.negative}[scene.sided]
    highest = np.full(len(picture.cortex), -np.inf)
    voxel = np.zeros(len(picture.cortex), dtype=np.int64)
    for depth in DEPTHS:
        i, j, k = np.floor(white + depth * (pial - white)).astype(np.int64)
        inside = picture.cortex.copy()
        for index, size in zip((i, j, k), shape, strict=True):
            inside &= (index >= 0) & (index < size)
        flat = np.where(inside, (i * shape[1] + j) * shape[2] + k, 0)
        value = np.where(inside, height(scene.data.ravel()[flat]), -np.inf)
        better = value > highest
        highest[better], voxel[better] = value[better], flat[better]
    in_map = np.isfinite(highest)
    images = scene.data, scene.suprathreshold, scene.labels
    return Shown(*(np.where(in_map, image.ravel()[voxel], 0) for image in images))


def _paint(scene: Scene, picture: CortexView, shown: Shown) -> np.ndarray:
    """The pixels of a picture, (rows, columns, 3) uint8, on the colour of the page."""
    colours = overlay(shown.values, shown.suprathreshold.astype(bool), scene) / 255
    opacity = colours[:, 3:]
    pixels = np.tile(rgb(scene.style.theme.paper), (*picture.shown.shape, 1))
    pixels[picture.shown] = picture.grey[:, None] * (1 - opacity) + colours[:, :3] * opacity
    return np.rint(255 * pixels).astype(np.uint8)


def _regions_on(picture: CortexView, shown: Shown) -> np.ndarray:
    """The region that each pixel of a picture shows, (rows, columns) int; 0 for none, and where it is not outlined."""
    pixels = np.bincount(shown.regions, minlength=1)
    outlined = (pixels >= SMALLEST * PIXELS_PER_MM**2) & (np.arange(len(pixels)) <= MOST_ON_SURFACE)
    plane = np.zeros(picture.shown.shape, dtype=np.int32)
    plane[picture.shown] = np.where(outlined[shown.regions], shown.regions, 0)
    return plane


def _coarse_pixels(plane: np.ndarray, edges: Edges) -> tuple[np.ndarray, np.ndarray]:
    """Regions and centres of pixels as `pixels_of` has them: those of a coarser picture, and all of what it misses."""
    ids, points = pixels_of(plane[COARSE // 2 :: COARSE, COARSE // 2 :: COARSE], edges)
    missed, of_missed = pixels_of(np.where(np.isin(plane, ids), 0, plane), edges)
    return np.concatenate([ids, missed]), np.concatenate([points, of_missed])


def _reach_note(regions: Sequence[Row], seen: set[int], named: int) -> str:
    """How many regions are named, and which are not on the surface."""
    hidden = [row["region"] for row in regions if row["region"] not in seen]
    if not hidden and named == len(regions):
        return ""
    some = f"{named} of {len(regions)} regions {'is' if named == 1 else 'are'} outlined and named"
    return f"{some}; not seen: {ranges(hidden)}.".replace(" ….", " and others.") if hidden else f"{some}."
