"""The pieces that brain figures are put together from: panels of one scene on a page, ids, colour bars."""

from typing import NamedTuple

import numpy as np

from .colours import DIVERGING, lightness, ramp, rgb
from .page import GREY, LEADING, MARGIN, NOTE, SMALL, WIDTH, number, text_width
from .placing import place
from .scene import columns_for
from .slicing import cut, outlines

FAINT = 0.6  # opacity that a voxel just below the cutoff comes near to: a step is left even without the outline
BRAIN = (0.33, 0.76)  # darkest and lightest grey of the template: light survivors stand out from it, and dark ones
SIDE = 56.0  # points, the column of the colour bar
UNDER = 11.0  # points under a row of panels, for their coordinates
NARROW = 56.0  # points that the words under a panel need
CROWDED, FULL = 12, 20  # ids in a panel: those that also stand elsewhere stop at the first, all at the second


class Panel(NamedTuple):
    """A view of a scene's box on the page.

    Attributes
    ----------
    axis : line of sight: 0 sagittal (front to the right), 1 coronal or 2 axial (left is left).
    mm : position along it, None for a projection.
    box : (2, 3) array, mm.
    left, top : points.
    scale : points per mm.
    """

    axis: int
    mm: float | None
    box: np.ndarray
    left: float
    top: float
    scale: float

    @property
    def across(self):
        return 0 if self.axis else 1

    @property
    def up(self):
        return 2 if self.axis < 2 else 1

    @property
    def right(self):
        return self.x(self.box[1, self.across])

    @property
    def bottom(self):
        return self.y(self.box[0, self.up])

    def x(self, mm):
        """Place on the page of a world coordinate that runs across the panel."""
        return self.left + (mm - self.box[0, self.across]) * self.scale

    def y(self, mm):
        """Place on the page of a world coordinate that runs up the panel."""
        return self.top + (self.box[1, self.up] - mm) * self.scale

    def edges(self, edges):
        """Place on the page of (left, right, bottom, top) in mm."""
        return self.x(edges[0]), self.x(edges[1]), self.y(edges[2]), self.y(edges[3])

    def whole(self, image, origin, step):
        """Place on the page of a projection of a whole image: (left, right, bottom, top)."""
        low, high = origin - step / 2, origin + (np.array(image.shape) - 0.5) * step
        return self.edges((low[self.across], high[self.across], low[self.up], high[self.up]))

    def cut(self, scene, image):
        """Pixels that the panel shows of one of the scene's images, and their edges on the page."""
        pixels, edges = cut(image, scene.origin, scene.step, self.axis, self.mm, scene.box)
        return pixels, self.edges(edges)


def montage(scene, cuts, top):
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


def three_views(scene, mms, top):
    """Sagittal, coronal and axial panel side by side at one scale, and where they end, in points."""
    size = scene.box[1] - scene.box[0]
    across, up = size[[1, 0, 0]], size[[2, 2, 1]]
    gap = 10
    room = WIDTH - 2 * MARGIN - SIDE - 2 * gap
    scale = min(room / across.sum(), 190 / up.max())
    if across.min() * scale < NARROW:
        scale *= 1 - 3 * NARROW / room
    cells = np.maximum(across * scale, NARROW)
    left = MARGIN + (room - cells.sum()) / 2
    panels = []
    for axis, mm in enumerate(mms):
        inset = (cells[axis] - across[axis] * scale) / 2
        panels.append(Panel(axis, mm, scene.box, left + inset, top + (up.max() - up[axis]) * scale, scale))
        left += cells[axis] + gap
    return panels, panels[0].bottom + UNDER


def overlay(values, survivors, scene, strength=1.0):
    """Colours of map values, (..., 4) uint8: survivors opaque, the rest fading with the square of ``|x| / cutoff``.

    With an outline around what survives this is the transparent thresholding of Taylor et al. 2023 (NeuroImage 274,
    120138).
    """
    reference = scene.cutoff if np.isfinite(scene.cutoff) and scene.cutoff > 0 else scene.limit
    colours = np.empty((*values.shape, 4))
    colours[..., :3] = ramp(DIVERGING, values / (2 * scene.limit) + 0.5)
    colours[..., 3] = strength * np.where(survivors, 1, FAINT * np.minimum(np.abs(values) / reference, 1) ** 2)
    return np.rint(colours * 255).astype(np.uint8)


def draw_backdrop(page, scene, panel):
    """The template in grey; where there is none, all that the map covers in one light grey."""
    if scene.template is None:
        plane, edges = panel.cut(scene, scene.data)
        grey = np.where(plane != 0, 0.85, 1.0)
    else:
        plane, edges = cut(scene.template, scene.template_origin, scene.template_step, panel.axis, panel.mm, scene.box)
        edges = panel.edges(edges)
        low, high = scene.tones
        tone = np.clip((plane - low) / max(high - low, 1e-12), 0, 1)
        grey = np.where(plane > 0, BRAIN[0] + (BRAIN[1] - BRAIN[0]) * tone, 1.0)
    pixels = np.rint(grey * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    page.image(pixels, *edges, smooth=scene.template is not None)


def draw_silhouette(page, scene, panel):
    """The brain seen through: the mean of the template along the line of sight, and a line around it."""
    if scene.template is None:
        solid = (scene.data != 0).any(axis=panel.axis).T[::-1].astype(float)
        edges = panel.whole(scene.data, scene.origin, scene.step)
    else:
        thin = [slice(None)] * 3
        thin[panel.axis] = slice(None, None, 4)  # every fourth plane: the eye sees no difference
        solid = scene.template[tuple(thin)].mean(axis=panel.axis, dtype=np.float32).T[::-1]
        edges = panel.whole(scene.template, scene.template_origin, scene.template_step)
    solid = solid / (solid.max() or 1)
    shade = np.full((*solid.shape, 4), 255, dtype=np.uint8)
    shade[..., :3] = np.rint(255 * (1 - 0.35 * solid**2))[..., None]
    shade[..., 3] = 255 * (solid > 0)  # the image reaches beyond the panel
    page.image(shade, *edges, smooth=True)
    page.lines(outlines(solid > 0.02, edges), GREY, 0.8)


def draw_map(page, scene, panel, strength=1.0):
    """The map in colour, survivors and what is below the cutoff."""
    values, edges = panel.cut(scene, scene.data)
    kept, _ = panel.cut(scene, scene.survivors)
    page.image(overlay(values, kept, scene, strength), *edges)


def outline_survivors(page, scene, panel):
    """Black around what is positive, white around what is negative: the sign is seen in a grey print too."""
    values, edges = panel.cut(scene, scene.data)
    kept, _ = panel.cut(scene, scene.survivors)
    page.lines(outlines(kept & (values < 0), edges), "white", 0.6)
    page.lines(outlines(kept & (values >= 0), edges), "black", 0.6)


def draw_outlines(page, plane, edges, colours, width=1.1):
    """One line around each region of a cut, in its colour and style, on a thin contrasting one."""
    lines, owners = [], []
    for region in np.unique(plane[plane > 0]):
        around = outlines(plane == region, edges, inset=0.08)
        lines += around
        owners += [int(region) - 1] * len(around)
    page.lines(lines, [_ink(colours[owner][0]) for owner in owners], width + 0.6)
    page.lines(lines, [colours[owner][0] for owner in owners], width, [colours[owner][1] for owner in owners], above=3)


def draw_cross(page, panel, peak):
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


def coordinate(mm):
    """A position in mm, to a tenth."""
    return number(round(float(mm), 1) + 0.0, 4)


def triple(x, y, z):
    """Three coordinates for reading."""
    return ", ".join(coordinate(mm) for mm in (x, y, z))


def symbol_of(units):
    """The letter that stands for a map's values in words."""
    return units if units in ("t", "z") else "x"


def atlas_column(table):
    """The first column of a table that holds an atlas label at the peak (``<atlas>_peak``), or None."""
    columns = (name for name in table.columns if name.endswith("_peak"))
    return next((name for name in columns if name not in ("p_peak", "z_peak", "log10_p_peak")), None)


def name_panel(page, panel):
    """Under a panel: which side is which, and the position of its cut."""
    middle, y = (panel.left + panel.right) / 2, panel.bottom + 7.5
    apart = max((panel.right - panel.left) / 2, NARROW / 2)
    left, right = ("L", "R") if panel.axis else ("P", "A")
    page.text(middle - apart, y, left, NOTE, colour=GREY)
    page.text(middle + apart, y, right, NOTE, colour=GREY, align="right")
    if panel.mm is not None:
        page.text(middle, y, f"{'xyz'[panel.axis]} = {coordinate(panel.mm)}", SMALL, align="center")


class Tag(NamedTuple):
    """An id on the page: its box (left, top, right, bottom), and the point of the region that it belongs to."""

    region: int
    box: np.ndarray
    anchor: np.ndarray


def pixels_of(plane, edges):
    """Region ids in a cut, (n,), and the centres of their pixels, (n, 2), in the unit of `edges`."""
    row, column = np.nonzero(plane)
    left, right, bottom, top = edges
    x = left + (column + 0.5) * (right - left) / plane.shape[1]
    y = top + (row + 0.5) * (bottom - top) / plane.shape[0]
    return plane[row, column], np.stack([x, y], axis=1)


def place_ids(views, size):
    """Give every region an id in the panel that shows most of it, and in other panels where there is room.

    Parameters
    ----------
    views : list of (panel, ids, points), the latter two from `pixels_of`.
    size : font size.

    Returns
    -------
    list of list of Tag : one list a panel. A region that found no room in any panel is in none of them.
    """
    seen = {}  # region: [(pixels, view)]
    for rank, (_, ids, _) in enumerate(views):
        for region, pixels in zip(*np.unique(ids, return_counts=True), strict=True):
            seen.setdefault(int(region), []).append((int(pixels), rank))
    wanted = []  # (not the best view, -pixels, region, view): what comes first is placed first
    for region, places in seen.items():
        best = max(places)[1]
        wanted += [(rank != best, -pixels, region, rank) for pixels, rank in places]
    tags = [[] for _ in views]
    for elsewhere, _, region, rank in sorted(wanted):
        panel, ids, points = views[rank]
        if len(tags[rank]) >= (CROWDED if elsewhere else FULL):
            continue
        room = panel.left - 2, panel.top, panel.right + 2, panel.bottom
        taken = [tag.box for tag in tags[rank]]
        box, anchor = place(points[ids == region], points, tag_size(region, size), room, taken)
        if box is not None:
            tags[rank].append(Tag(region, box, anchor))
    return tags


def tag_size(region, size):
    """Width and height of an id in points."""
    return len(str(region)) * text_width("0", size, bold=True) + 3, size + 1.5


def draw_tag(page, left, top, region, size, colours):
    """An id on the colour of its region."""
    width, height = tag_size(region, size)
    colour = colours[region - 1][0]
    page.box(left, top, width, height, colour, _ink(colour), above=5)
    page.text(left + width / 2, top + height / 2, str(region), size, True, _ink(colour), "center", "center")


def draw_tags(page, tags, size, colours):
    """Ids, each with a line to its region where it stands apart."""
    leaders = []
    for tag in tags:
        draw_tag(page, tag.box[0], tag.box[1], tag.region, size, colours)
        nearest = np.clip(tag.anchor, tag.box[:2], tag.box[2:])
        if np.linalg.norm(nearest - tag.anchor) > 4:
            leaders.append(np.stack([nearest, tag.anchor]))
    page.lines(leaders, "white", 1.4, above=4)
    page.lines(leaders, "black", 0.5, above=4)


def _ink(colour):
    """Black on a light colour, white on a dark one."""
    return "black" if lightness(rgb(colour)) > 50 else "white"


def draw_locator(page, scene, cuts, bottom):
    """The brain from the side with a line for every cut, at the foot of the column of the colour bar; gives its top."""
    _, depth, height = scene.box[1] - scene.box[0]
    scale = min((SIDE - 10) / depth, 40 / height)
    left = WIDTH - MARGIN - (SIDE - 10 + depth * scale) / 2
    middle = (scene.box[0, 0] + scene.box[1, 0]) / 2
    panel = Panel(0, middle, scene.box, left, bottom - height * scale, scale)
    draw_backdrop(page, scene, panel)
    page.lines([np.array([(panel.left, panel.y(mm)), (panel.right, panel.y(mm))]) for mm in cuts], "black", 0.5)
    return panel.top


def draw_bar(page, pixels, top, bottom, title, ends, marks):
    """A colour bar in the right-hand column.

    Parameters
    ----------
    pixels : (n, 1, 4) array of uint8, from the top down.
    top, bottom : points, all words included.
    title : str.
    ends : (str, str), what is written above and below the bar.
    marks : list of (share of the bar from the top, str), from the top down; two that would touch are written as one.
    """
    line = SMALL * LEADING
    centre, half = WIDTH - MARGIN - SIDE + 22, 4.5
    page.text(centre, top + line - 3.5, title, SMALL, bold=True, align="center")
    top, bottom = top + 2 * line, max(bottom - line, top + 2 * line + 20)
    page.text(centre, top - 2.5, ends[0], SMALL, align="center")
    page.text(centre, bottom + line - 1, ends[1], SMALL, align="center")
    page.box(centre - half, top, 2 * half, bottom - top, str(np.mean(BRAIN)), above=-1)
    page.image(pixels, centre - half, centre + half, bottom, top)
    heights = [top + share * (bottom - top) for share, _ in marks]
    page.lines([np.array([(centre - half, y), (centre + half + 3, y)]) for y in heights], "black", 0.8, above=4)
    words = [word for _, word in marks]
    if len(marks) == 2 and heights[1] - heights[0] < line:
        heights, words = [np.mean(heights)], ["±" + words[0]]
    for y, word in zip(heights, words, strict=True):
        page.text(centre + half + 4.5, np.clip(y, top + 3.5, bottom - 3.5), word, SMALL, level="center")


def draw_value_bar(page, scene, top, bottom, strength=1.0):
    """The colour bar of a map, drawn through the same overlay as the map, with the cutoff marked on it."""
    values = np.linspace(scene.limit, -scene.limit, 201)[:, None]
    tested = {"two": np.abs(values), "positive": values, "negative": -values}[scene.sided]
    beyond = np.abs(scene.data).max(initial=0) > scene.limit * (1 + 1e-6)
    ends = ("≥ " if beyond else "") + number(scene.limit), ("≤ " if beyond else "") + number(-scene.limit)
    signs = {"two": (1, -1), "positive": (1,), "negative": (-1,)}[scene.sided] if scene.cutoff <= scene.limit else ()
    marks = [((1 - sign * scene.cutoff / scene.limit) / 2, number(sign * scene.cutoff)) for sign in signs]
    draw_bar(page, overlay(values, tested >= scene.cutoff, scene, strength), top, bottom, scene.units, ends, marks)
