"""The pieces that brain figures are put together from: panels of one scene on a page, and what is drawn into them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .colours import DIVERGING, ink, ramp
from .page import GREY, MARGIN, WIDTH, Page
from .scene import Scene, columns_for
from .slicing import Edges, cut, outlines
from .text import NOTE, SMALL, coordinate, text_width

FAINT = 0.6  # opacity that a voxel just below the cutoff comes near to: a step is left even without the outline
BRAIN = (0.33, 0.76)  # darkest and lightest grey of the template: light voxels stand out from it, and dark ones
SIDE = 56.0  # points, the column of the colour bar
UNDER = 11.0  # points under a row of panels, for their coordinates
NARROW = 56.0  # points that the words under a panel need


class Panel(NamedTuple):
    """A view of a scene's box on the page.

    Attributes
    ----------
    axis : line of sight: 0 sagittal (front to the right), 1 coronal or 2 axial (left is left).
    mm : position along it, None for a projection.
    box : (2, 3) array, mm.
    left, top : points.
    scale : points per mm.
    mirrored : front to the left, in a sagittal view.
    """

    axis: int
    mm: float | None
    box: np.ndarray
    left: float
    top: float
    scale: float
    mirrored: bool = False

    @property
    def across(self) -> int:
        return 0 if self.axis else 1

    @property
    def up(self) -> int:
        return 2 if self.axis < 2 else 1

    @property
    def right(self) -> float:
        return self.left + (self.box[1, self.across] - self.box[0, self.across]) * self.scale

    @property
    def bottom(self) -> float:
        return self.y(self.box[0, self.up])

    def x(self, mm: float) -> float:
        """Place on the page of a world coordinate that runs across the panel."""
        low, high = self.box[:, self.across]
        return self.left + (high - mm if self.mirrored else mm - low) * self.scale

    def y(self, mm: float) -> float:
        """Place on the page of a world coordinate that runs up the panel."""
        return self.top + (self.box[1, self.up] - mm) * self.scale

    def place(self, pixels: np.ndarray, edges: Edges) -> tuple[np.ndarray, Edges]:
        """Pixels as the panel shows them, and (left, right, bottom, top) on the page of edges in mm."""
        sides = self.x(edges[0]), self.x(edges[1])
        if self.mirrored:
            pixels, sides = pixels[:, ::-1], sides[::-1]
        return pixels, (*sides, self.y(edges[2]), self.y(edges[3]))

    def cut(self, scene: Scene, image: np.ndarray) -> tuple[np.ndarray, Edges]:
        """Pixels that the panel shows of one of the scene's images, and their edges on the page."""
        return self.place(*cut(image, scene.origin, scene.step, self.axis, self.mm, scene.box))


def montage(scene: Scene, cuts: Sequence[float], top: float) -> tuple[list[Panel], float]:
    """Axial panels at one scale, from the lowest cut up, in rows; and where the last row ends, in points."""
    columns = columns_for(len(cuts))
    cell = (WIDTH - 2 * MARGIN - SIDE) / columns
    width, depth, _ = scene.box[1] - scene.box[0]
    scale = min((cell - 6) / width, 160 / depth)
    panels = []
    for rank, mm in enumerate(sorted(cuts)):
        row, column = divmod(rank, columns)
        left = MARGIN + column * cell + (cell - width * scale) / 2
        panels.append(Panel(2, mm, scene.box, left, top + row * (depth * scale + UNDER + 3), scale))
    return panels, panels[-1].bottom + UNDER


class View(NamedTuple):
    """A panel to be: line of sight, position along it (None: a projection), whether its front is to the left."""

    axis: int
    mm: float | None = None
    mirrored: bool = False


def side_by_side(scene: Scene, views: Sequence[View], top: float) -> tuple[list[Panel], float]:
    """Panels side by side at one scale, standing on one line, and where they end, in points."""
    size = scene.box[1] - scene.box[0]
    across = np.array([size[0 if view.axis else 1] for view in views])
    up = np.array([size[2 if view.axis < 2 else 1] for view in views])
    gap = 10
    room = WIDTH - 2 * MARGIN - SIDE - (len(views) - 1) * gap
    scale = min(room / across.sum(), 190 / up.max())
    if across.min() * scale < NARROW:
        scale *= 1 - len(views) * NARROW / room
    cells = np.maximum(across * scale, NARROW)
    left = MARGIN + (room - cells.sum()) / 2
    panels = []
    for n, (axis, mm, mirrored) in enumerate(views):
        inset = (cells[n] - across[n] * scale) / 2
        low = top + (up.max() - up[n]) * scale
        panels.append(Panel(axis, mm, scene.box, left + inset, low, scale, mirrored))
        left += cells[n] + gap
    return panels, panels[0].bottom + UNDER


def overlay(values: np.ndarray, suprathreshold: np.ndarray, scene: Scene, strength: float = 1.0) -> np.ndarray:
    """Colours of map values, (..., 4) uint8: opaque above the cutoff, fading with the square of value / cutoff.

    With an outline around what is suprathreshold this is the transparent thresholding of Taylor et al. 2023 (NeuroImage
    274, 120138).
    """
    reference = scene.cutoff if np.isfinite(scene.cutoff) and scene.cutoff > 0 else scene.limit
    colours = np.empty((*values.shape, 4))
    colours[..., :3] = ramp(DIVERGING, values / (2 * scene.limit) + 0.5)
    colours[..., 3] = strength * np.where(suprathreshold, 1, FAINT * np.minimum(np.abs(values) / reference, 1) ** 2)
    return np.rint(colours * 255).astype(np.uint8)


def draw_backdrop(page: Page, scene: Scene, panel: Panel) -> None:
    """The template in grey; where there is none, all that the map covers in one light grey."""
    if scene.template is None:
        plane, edges = panel.cut(scene, scene.data)
        grey = np.where(plane != 0, 0.85, 1.0)
    else:
        template = scene.template
        plane, edges = panel.place(
            *cut(template.image, template.origin, template.step, panel.axis, panel.mm, scene.box)
        )
        low, high = template.tones
        tone = np.clip((plane - low) / max(high - low, 1e-12), 0, 1)
        grey = np.where(plane > 0, BRAIN[0] + (BRAIN[1] - BRAIN[0]) * tone, 1.0)
    pixels = np.rint(grey * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    page.image(pixels, *edges, smooth=scene.template is not None)


def draw_map(page: Page, scene: Scene, panel: Panel, strength: float = 1.0) -> None:
    """The map in colour, suprathreshold voxels and what is below the cutoff."""
    values, edges = panel.cut(scene, scene.data)
    kept, _ = panel.cut(scene, scene.suprathreshold)
    page.image(overlay(values, kept, scene, strength), *edges)


def outline_suprathreshold(page: Page, scene: Scene, panel: Panel) -> None:
    """Black around what is positive, white around what is negative: the sign is seen in a grey print too."""
    values, edges = panel.cut(scene, scene.data)
    kept, _ = panel.cut(scene, scene.suprathreshold)
    page.lines(outlines(kept & (values < 0), edges), "white", 0.6)
    page.lines(outlines(kept & (values >= 0), edges), "black", 0.6)


def draw_outlines(
    page: Page, plane: np.ndarray, edges: Edges, colours: Sequence[tuple[str, str]], width: float = 1.1
) -> None:
    """One line around each region of a cut, in its colour and style, on a thin contrasting one."""
    around = {int(region): outlines(plane == region, edges, inset=0.08) for region in np.unique(plane[plane > 0])}
    for region, lines in around.items():
        page.lines(lines, ink(colours[region - 1][0]), width + 0.6)
    for region, lines in around.items():
        page.lines(lines, colours[region - 1][0], width, colours[region - 1][1], above=3)


def draw_cross(page: Page, panel: Panel, peak: Sequence[float]) -> None:
    """Cross hairs that leave the peak itself, (3,) mm, free."""
    x, y, gap = panel.x(peak[panel.across]), panel.y(peak[panel.up]), 7
    arms = (
        ((panel.left, y), (x - gap, y)),
        ((x + gap, y), (panel.right, y)),
        ((x, panel.top), (x, y - gap)),
        ((x, y + gap), (x, panel.bottom)),
    )
    arms = [np.array(arm) for arm in arms if arm[0] < arm[1]]
    page.lines(arms, "white", 1.2)
    page.lines(arms, "black", 0.5)


def name_panel(page: Page, panel: Panel, words: str = "") -> None:
    """Under a panel: which side is which, close to the position of its cut (or to other words)."""
    middle, y = (panel.left + panel.right) / 2, panel.bottom + 7.5
    if panel.mm is not None:
        words = f"{'xyz'[panel.axis]} = {coordinate(panel.mm)}"
    apart = max(0.36 * (panel.right - panel.left), text_width(words, SMALL) / 2 + 8)
    sides = ("L", "R") if panel.axis else ("A", "P") if panel.mirrored else ("P", "A")
    for x, side in zip((middle - apart, middle + apart), sides, strict=True):
        page.text(x, y, side, NOTE, colour=GREY, align="center")
    page.text(middle, y, words, SMALL, align="center")


def draw_locator(page: Page, scene: Scene, cuts: Sequence[float], bottom: float) -> float:
    """The brain from the side with a line for every cut, at the foot of the column of the colour bar; gives its top."""
    _, depth, height = scene.box[1] - scene.box[0]
    scale = min((SIDE - 10) / depth, 40 / height)
    left = WIDTH - MARGIN - (SIDE - 10 + depth * scale) / 2
    middle = (scene.box[0, 0] + scene.box[1, 0]) / 2
    panel = Panel(0, middle, scene.box, left, bottom - height * scale, scale)
    draw_backdrop(page, scene, panel)
    page.lines([np.array([(panel.left, panel.y(mm)), (panel.right, panel.y(mm))]) for mm in cuts], "black", 0.5)
    return panel.top
