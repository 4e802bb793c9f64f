"""The pieces that brain figures are put together from: panels of one scene on a page, and what is drawn into them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .colours import DIVERGING, ink, ramp, rgb
from .page import INK, MARGIN, MUTED, PAPER, SIDE, Page
from .scene import Cut, Scene, columns_for
from .slicing import Edges, outlines, slice_of
from .style import NARROW
from .text import NOTE, SMALL, coordinate, text_width

FAINT_MOST = 0.6  # largest opacity below the cutoff: the step to 1 at the cutoff is visible even without the outline
BRAIN = (0.33, 0.76)  # darkest and lightest grey of the template: light and dark voxels both stand out from it
UNDER = 11.0  # points under a row of panels, for their coordinates
WORDS = 56.0  # points that the words under a panel need
TALLEST = 190.0  # points, of a view


class Panel(NamedTuple):
    """A picture of a box of the brain on the page: a cut through it, or all of it along a line of sight.

    Attributes
    ----------
    axis : line of sight: 0 from the side, 1 from behind or in front, 2 from above or below.
    mm : place of the cut along it, None for a projection.
    box : (2, 3) array, mm.
    left, top : points.
    scale : points per mm.
    mirrored : whether front is to the left (`axis` 0), or right is to the left.
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
        return self.place(*slice_of(image, scene.origin, scene.step, self.axis, self.mm, scene.box))


class View(NamedTuple):
    """What a panel is to show: the line of sight, the place of a cut along it (None: a projection), and `mirrored`.

    See `Panel`.
    """

    axis: int
    mm: float | None = None
    mirrored: bool = False


def montage(scene: Scene, cuts: Sequence[Cut], top: float) -> tuple[list[Panel], float]:
    """Panels of cuts at one scale, each direction on rows of its own; and where the last row ends, in points."""
    counts = [sum(cut.axis == axis for cut in cuts) for axis in range(3)]
    room = scene.style.points - 2 * MARGIN - SIDE
    columns = columns_for(max(counts), scene.style.points)
    if "auto" not in scene.style.cuts_by_axis.values():
        columns = max(min(columns, max(counts)), 1)
    cell = room / columns
    sizes = {axis: _size(scene.box, axis) for axis in dict.fromkeys(cut.axis for cut in cuts)}
    scale = min((min((cell - 6) / across, 160 / up) for across, up in sizes.values()), default=1.0)
    panels: list[Panel] = []
    for axis, (across, up) in sizes.items():
        for rank, mm in enumerate(cut.mm for cut in cuts if cut.axis == axis):
            row, column = divmod(rank, columns)
            left = MARGIN + column * cell + (cell - across * scale) / 2
            mirrored = bool(axis) and scene.style.radiological
            panels.append(Panel(axis, mm, scene.box, left, top + row * (up * scale + UNDER + 3), scale, mirrored))
        top = panels[-1].bottom + UNDER + 3
    return panels, panels[-1].bottom + UNDER if panels else top


def side_by_side(box: np.ndarray, views: Sequence[View], top: float, width: float) -> tuple[list[Panel], float]:
    """Panels at one scale in a row, or on a narrow page two in a row, standing on one line; and where they end, points.

    Parameters
    ----------
    box : (2, 3) mm, what every panel shows.
    views : what they show of it.
    top, width : points; the page's width.
    """
    rows = [views] if width >= NARROW else [views[n : n + 2] for n in range(0, len(views), 2)]
    room = width - 2 * MARGIN - SIDE
    gap = 10
    scale = min(_scale_of_row(box, row, room - (len(row) - 1) * gap) for row in rows)
    panels: list[Panel] = []
    for row in rows:
        sizes = np.array([_size(box, view.axis) for view in row]) * scale
        cells = np.maximum(sizes[:, 0], WORDS)
        left = MARGIN + (room - cells.sum() - (len(row) - 1) * gap) / 2
        for view, (across, up), cell in zip(row, sizes, cells, strict=True):
            low = top + sizes[:, 1].max() - up
            panels.append(Panel(view.axis, view.mm, box, left + (cell - across) / 2, low, scale, view.mirrored))
            left += cell + gap
        top = panels[-1].bottom + UNDER + 3
    return panels, panels[-1].bottom + UNDER


def _size(box: np.ndarray, axis: int) -> tuple[float, float]:
    """Width and height in mm of what is seen of a box along an axis."""
    size = box[1] - box[0]
    return size[0 if axis else 1], size[2 if axis < 2 else 1]


def _scale_of_row(box: np.ndarray, views: Sequence[View], room: float) -> float:
    """Points per mm at which views fit side by side into a row."""
    sizes = np.array([_size(box, view.axis) for view in views])
    scale = min(room / sizes[:, 0].sum(), TALLEST / sizes[:, 1].max())
    if sizes[:, 0].min() * scale < WORDS:
        scale *= 1 - len(views) * WORDS / room
    return scale


def overlay(values: np.ndarray, suprathreshold: np.ndarray, scene: Scene, strength: float = 1.0) -> np.ndarray:
    """Colours of map values, (..., 4) uint8: opaque above the cutoff, fading with the square of value / cutoff.

    With an outline around what is suprathreshold this is the transparent thresholding of Taylor et al. 2023 (NeuroImage
    274, 120138).
    """
    reference = scene.cutoff if np.isfinite(scene.cutoff) and scene.cutoff > 0 else scene.limit
    colours = np.empty((*values.shape, 4))
    colours[..., :3] = ramp(DIVERGING, values / (2 * scene.limit) + 0.5)
    fading = FAINT_MOST * np.minimum(np.abs(values) / reference, 1) ** 2
    colours[..., 3] = strength * np.where(suprathreshold, 1, fading)
    return np.rint(colours * 255).astype(np.uint8)


def draw_backdrop(page: Page, scene: Scene, panel: Panel) -> None:
    """The template in grey; where there is none, all that the map covers in one grey."""
    paper = rgb(page.style.theme.paper)[0]
    if scene.template is None:
        plane, edges = panel.cut(scene, scene.data)
        grey = np.where(plane != 0, abs(paper - 0.15), paper)
    else:
        template = scene.template
        plane, edges = panel.place(
            *slice_of(template.image, template.origin, template.step, panel.axis, panel.mm, scene.box)
        )
        low, high = template.tones
        tone = np.clip((plane - low) / max(high - low, 1e-12), 0, 1)
        grey = np.where(plane > 0, BRAIN[0] + (BRAIN[1] - BRAIN[0]) * tone, paper)
    pixels = np.rint(grey * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    page.image(pixels, *edges, smooth=scene.template is not None)


def draw_map(page: Page, scene: Scene, panel: Panel, strength: float = 1.0) -> None:
    """The map in colour, suprathreshold voxels and what is below the cutoff."""
    values, edges = panel.cut(scene, scene.data)
    passing, _ = panel.cut(scene, scene.suprathreshold)
    page.image(overlay(values, passing, scene, strength), *edges)


def outline_suprathreshold(page: Page, scene: Scene, panel: Panel) -> None:
    """Black around what is positive, white around what is negative: the sign is seen in a grey print too."""
    values, edges = panel.cut(scene, scene.data)
    passing, _ = panel.cut(scene, scene.suprathreshold)
    page.lines(outlines(passing & (values < 0), edges), "white", 0.6)
    page.lines(outlines(passing & (values >= 0), edges), "black", 0.6)


def draw_outlines(
    page: Page,
    plane: np.ndarray,
    edges: Edges,
    colours: Sequence[tuple[str, str]],
    width: float = 1.1,
    fine: int = 5,
) -> None:
    """One line around each region of a cut, in its colour and style, on a thin contrasting one; `fine`: `outlines`."""
    inset = 0.08 if fine > 1 else 0.0
    lines_by_region = {
        int(region): outlines(plane == region, edges, inset, fine) for region in np.unique(plane[plane > 0])
    }
    for region, lines in lines_by_region.items():
        page.lines(lines, ink(colours[region - 1][0]), width + 0.6)
    for region, lines in lines_by_region.items():
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
    page.lines(arms, PAPER, 1.2)
    page.lines(arms, INK, 0.5)


def name_panel(page: Page, panel: Panel, words: str = "") -> None:
    """Write under a panel its sides (L, R or P, A), and between them the place of its cut (or other words)."""
    middle, y = (panel.left + panel.right) / 2, panel.bottom + 7.5
    if panel.mm is not None:
        words = f"{'xyz'[panel.axis]} = {coordinate(panel.mm)}"
    apart = max(0.36 * (panel.right - panel.left), text_width(words, SMALL) / 2 + 8)
    sides = ("L", "R") if panel.axis else ("P", "A")
    for x, side in zip((middle - apart, middle + apart), sides[:: -1 if panel.mirrored else 1], strict=True):
        page.text(x, y, side, NOTE, colour=MUTED, align="center")
    page.text(middle, y, words, SMALL, align="center")


def draw_locator(page: Page, scene: Scene, cuts: Sequence[Cut], bottom: float) -> float:
    """Small brains with a line for every cut, at the foot of the column of the colour bar; gives the top of them.

    One from the side for axial and coronal cuts, one from above for sagittal ones.
    """
    for axis, lined in ((2, (0,)), (0, (1, 2))):
        shown = [cut for cut in cuts if cut.axis in lined]
        if not shown:
            continue
        across, up = _size(scene.box, axis)
        scale = min((SIDE - 10) / across, 40 / up)
        left = page.width - MARGIN - (SIDE - 10 + across * scale) / 2
        middle = (scene.box[0, axis] + scene.box[1, axis]) / 2
        mirrored = bool(axis) and scene.style.radiological
        panel = Panel(axis, middle, scene.box, left, bottom - up * scale, scale, mirrored)
        draw_backdrop(page, scene, panel)
        for cut in shown:
            if cut.axis == panel.across:
                x = panel.x(cut.mm)
                line = np.array([(x, panel.top), (x, panel.bottom)])
            else:
                y = panel.y(cut.mm)
                line = np.array([(panel.left, y), (panel.right, y)])
            page.lines([line], INK, 0.5)
        bottom = panel.top - 4
    return bottom + 4
