"""Figures of cuts side by side: suprathreshold voxels, regions, and how often a sweep keeps each voxel."""

from collections.abc import Mapping, Sequence

import numpy as np

from .bars import draw_bar, draw_value_bar
from .colours import SEQUENTIAL, ramp, region_colours
from .page import MARGIN, MUTED, Page
from .panels import (
    FAINT_MOST,
    Panel,
    draw_backdrop,
    draw_locator,
    draw_map,
    draw_outlines,
    montage,
    name_panel,
    outline_suprathreshold,
)
from .scene import Cut, CutPlan, Scene, Template, make_scene, plan_cuts
from .slicing import outlines
from .style import FigureStyle
from .tags import draw_tag, draw_tags, named_in, pixels_of, place_ids, tag_size
from .text import NOTE, SMALL, coordinate, number, shorten, text_width, triple
from .units import magnitude_words
from .variant import Row, label_of

MOST_IN_LEGEND = 12
ROW = SMALL * 1.45  # of a table, in points
ORIENTATIONS = {
    "neurological": "Left is left (neurological convention); x, y, z in mm.",
    "radiological": "Left is right (radiological convention); x, y, z in mm.",
}
NOTHING = "No suprathreshold voxel: no value passes the cutoff."
NO_REGION = "No region: every cluster is too small, or has no seed."


def missing_note(scene: Scene, regions: Sequence[Row]) -> str:
    """A sentence where there is no suprathreshold voxel, or no region; nothing where there are regions."""
    return "" if regions else NO_REGION if scene.suprathreshold.any() else NOTHING


def place_note(scene: Scene) -> str:
    """Which side is which, and what became of the template."""
    without = " No template: the map does not lie over it." if scene.misplaced else ""
    return ORIENTATIONS[scene.style.orientation] + without


def fading_note(scene: Scene) -> str:
    """What opacity means below the cutoff; nothing where no cutoff was found."""
    if not np.isfinite(scene.cutoff):
        return ""
    falls = f"opacity falls with ({magnitude_words(scene.units)}/cutoff)²"
    untested = {"two": False, "positive": scene.span[0] < 0, "negative": scene.span[1] > 0}[scene.sided]
    if not untested:
        return f"Below the cutoff, {falls}."
    return (
        f"Only {scene.sided} values are tested; below the cutoff, and for the other sign, {falls}, {FAINT_MOST:.0%} at "
        "most."
    )


def lay_cuts(page: Page, scene: Scene, cuts: Sequence[Cut]) -> tuple[list[Panel], float]:
    """Panels of cuts below the heading; and where they end, with room for a colour bar, in points."""
    panels, bottom = montage(scene, cuts, page.top)
    return panels, max(bottom, page.top + 55 + 50 * _locators(cuts))


def locate_cuts(page: Page, scene: Scene, cuts: Sequence[Cut], bottom: float) -> float:
    """Where the cuts lie, in the right-hand column; and where a colour bar above it has to end, in points."""
    return draw_locator(page, scene, cuts, min(bottom, page.top + 75 + 50 * _locators(cuts))) - 8


def _locators(cuts: Sequence[Cut]) -> int:
    """Number of small brains that show where cuts lie: sagittal ones need one from above, others one from the side."""
    return max(len({cut.axis == 0 for cut in cuts}), 1)


def outside_note(plan: CutPlan) -> str:
    """Cuts that were asked for where there is nothing to be seen."""
    if not plan.outside:
        return ""
    places = ", ".join(f"{cut.name} = {coordinate(cut.mm)}" for cut in plan.outside)
    return f"Left out, since they lie outside of the brain: {places}."


def threshold_figure(scene: Scene, title: str, subtitle: str = "", plan: CutPlan | None = None) -> Page:
    """Suprathreshold voxels over the template in cuts, what is below the cutoff showing through faintly.

    Parameters
    ----------
    scene : Scene.
    title, subtitle : str, wrapped where they are long.
    plan : the cuts to show; None takes those where the suprathreshold voxels are.
    """
    page = Page(title, subtitle, "" if scene.suprathreshold.any() else NOTHING, scene.style)
    plan = plan_cuts(scene, cover_regions=False) if plan is None else plan
    panels, bottom = lay_cuts(page, scene, plan.overview)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel)
        outline_suprathreshold(page, scene, panel)
        name_panel(page, panel)
    draw_value_bar(page, scene, page.top, locate_cuts(page, scene, plan.overview, bottom))
    signs = {"two": ", positive in black, negative in white", "positive": " in black", "negative": " in white"}
    outlined = f"Outlined: suprathreshold voxels{signs[scene.sided]}." if scene.suprathreshold.any() else ""
    return page.finish(bottom, [place_note(scene), outlined, fading_note(scene), outside_note(plan)])


def regions_figure(
    scene: Scene,
    regions: Sequence[Row],
    title: str,
    subtitle: str = "",
    plan: CutPlan | None = None,
    accounting: Mapping[str, int] | None = None,
) -> Page:
    """Regions over the map and the template: an outline in the colour of its region, with its id.

    There are as many cuts as it takes for every region to be seen, `scene.MOST_PANELS` at the most; the small print
    says how many regions are not. A legend is there for up to `MOST_IN_LEGEND` regions, a sentence where there is none.

    Parameters
    ----------
    scene : Scene.
    regions : one row a region: region, sign, peak_value, peak_x, peak_y, peak_z, volume_mm3; and the label of the first
        atlas at its peak, where there is one.
    title, subtitle : str.
    plan : the cuts to show; None lets `plan_cuts` decide.
    accounting : voxels by where they went, ``suprathreshold`` and ``kept`` (in a region) among them: the small
        print then says how many are in no region.
    """
    total = len(regions)
    page = Page(title, subtitle, missing_note(scene, regions), scene.style)
    if not total:
        return page.finish(page.top, [_lost_note(accounting)])
    plan = plan_cuts(scene) if plan is None else plan
    panels, bottom = lay_cuts(page, scene, plan.cuts)
    planes = [panel.cut(scene, scene.labels) for panel in panels]
    size = NOTE if total <= 60 else 5.0
    tags = place_ids([(panel, *pixels_of(*plane)) for panel, plane in zip(panels, planes, strict=True)], size)
    colours = region_colours(int(scene.labels.max(initial=0)))
    for panel, (plane, edges), panel_tags in zip(panels, planes, tags, strict=True):
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel, strength=0.6)
        draw_outlines(page, plane, edges, colours)
        draw_tags(page, panel_tags, size, colours)
        name_panel(page, panel)
    draw_value_bar(page, scene, page.top, locate_cuts(page, scene, plan.cuts, bottom), strength=0.6)
    if total <= MOST_IN_LEGEND:
        bottom = _draw_legend(page, regions, scene.units_of_tables or scene.units, bottom, colours)
    notes = [place_note(scene), _count_note(total, len(named_in(tags))), _lost_note(accounting), fading_note(scene)]
    return page.finish(bottom, [*notes, outside_note(plan)])


def _count_note(total: int, named: int) -> str:
    if named < total:
        return f"{total} regions, {total - named} of them not shown or without an id for lack of room: see regions.csv."
    if total == 1:
        return "1 region, outlined and named."
    return f"{total} regions, each outlined and named in at least one cut."


def _lost_note(accounting: Mapping[str, int] | None) -> str:
    """How many suprathreshold voxels are in no region."""
    if not accounting or not accounting["suprathreshold"]:
        return ""
    every, lost = accounting["suprathreshold"], accounting["suprathreshold"] - accounting["kept"]
    share = f"{lost / every:.0%}" if lost / every >= 0.01 else "< 1%"
    return f"{lost:,} of {every:,} suprathreshold voxels ({share}) are in no region." if lost else ""


def _draw_legend(
    page: Page, regions: Sequence[Row], units: str, top: float, colours: Sequence[tuple[str, str]]
) -> float:
    """Up to three columns of regions: id, label of the first atlas, value and place of the peak, volume; its bottom."""
    heads = f"peak {units}", "x, y, z", "mm³"
    cells = [
        (
            ("±" if row["sign"] == "mixed" else "+" if row["peak_value"] > 0 else "") + number(row["peak_value"]),
            triple(row["peak_x"], row["peak_y"], row["peak_z"]),
            volume_of(row),
        )
        for row in regions
    ]
    labels = [label_of(row, "regions.csv") for row in regions]
    widest = [max(text_width(row[n], SMALL) for row in (heads, *cells)) + 10 for n in range(len(heads))]
    tag = max(tag_size(row["region"], NOTE)[0] for row in regions)
    longest = max(text_width(label, SMALL) for label in labels)
    room = page.width - 2 * MARGIN
    bare = tag + sum(widest)
    columns = next((n for n in (3, 2) if n * (bare + min(longest + 6, 75) + 14) <= room + 14), 1)
    columns = min(columns, len(regions))
    apart = room / max(columns, 2 if room > 2 * bare + 14 else 1)  # from one column to the next
    named = min(longest + 6, apart - 14 - bare) if longest else 0.0
    deep = -(-len(regions) // columns)
    for rank, row in enumerate(regions):
        column, place = divmod(rank, deep)
        left = MARGIN + column * apart
        right = left + tag + named + np.cumsum(widest)
        if place == 0:
            for x, word in zip(right, heads, strict=True):
                page.text(x, top + ROW - 3, word, NOTE, colour=MUTED, align="right")
        y = top + (place + 1) * ROW
        draw_tag(page, left, y, row["region"], NOTE, colours)
        page.text(left + tag + 5, y + NOTE + 0.2, shorten(labels[rank], SMALL, named - 5) if named > 20 else "", SMALL)
        for x, cell in zip(right, cells[rank], strict=True):
            page.text(x, y + NOTE + 0.2, cell, SMALL, align="right")
    return top + (deep + 1) * ROW + 4


def volume_of(row: Row) -> str:
    """The volume of a region in mm^3 for reading."""
    return f"{row['volume_mm3']:,.0f}" if row["volume_mm3"] >= 10 else number(row["volume_mm3"])


def frequency_figure(
    frequency: np.ndarray,
    affine: np.ndarray,
    template: Template | None,
    title: str,
    subtitle: str = "",
    style: FigureStyle = FigureStyle(),  # noqa: B008  frozen
) -> Page:
    """Share of a sweep's grid points that keep each voxel, over the template in cuts; a sentence where none does.

    Parameters
    ----------
    frequency : (i, j, k) array from 0 to 1; what is 0 is not drawn.
    affine : (4, 4) array.
    template : Template or None.
    title, subtitle : str.
    style : FigureStyle.
    """
    page = Page(title, subtitle, "" if frequency.any() else "No grid point keeps any voxel.", style)
    note = "Line: voxels that at least half of the grid points keep."
    return draw_shares(page, frequency, affine, template, "share", ("1", "0.5"), note)


def draw_shares(
    page: Page,
    share: np.ndarray,
    affine: np.ndarray,
    template: Template | None,
    units: str,
    words: tuple[str, str],
    note: str,
) -> Page:
    """Shares from 0 to 1 over the template in cuts, and a line around what is at least a half.

    Parameters
    ----------
    page : Page, with nothing but its heading; it is finished here.
    share : (i, j, k) array; what is 0 is not drawn.
    affine : (4, 4) array.
    template : Template or None.
    units : str, above the colour bar.
    words : (str, str), what is written at 1 and at a half.
    note : str, for the small print.
    """
    if not share.any():
        return page.finish(page.top)
    no_regions = np.zeros(share.shape, dtype=np.int32)
    scene = make_scene(share, affine, share > 0, no_regions, 0, template, style=page.style)
    plan = plan_cuts(scene)
    panels, bottom = lay_cuts(page, scene, plan.cuts)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        plane, edges = panel.cut(scene, scene.data)
        page.image(_share_colours(plane), *edges)
        page.lines(outlines(plane >= 0.5, edges), "black", 0.6)
        name_panel(page, panel)
    scale = _share_colours(np.linspace(1, 0, 201)[:, None])
    bar_bottom = locate_cuts(page, scene, plan.cuts, bottom)
    draw_bar(page, scale, page.top, bar_bottom, units, (words[0], "0"), [(0.5, words[1])])
    return page.finish(bottom, [place_note(scene), note, outside_note(plan)])


def _share_colours(share):
    """Colours of shares, (..., 4) uint8; what fewer than a quarter keep is fainter."""
    colours = np.concatenate([ramp(SEQUENTIAL, share), np.minimum(4 * share, 1)[..., None]], axis=-1)
    return np.rint(colours * 255).astype(np.uint8)
