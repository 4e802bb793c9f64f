"""The voxel accounting as a picture: which suprathreshold voxels are in no region, and why."""

import numpy as np

from ..regions.extract import OUTCOMES
from .colours import rgb
from .montage import NOTHING, ROW, lay_cuts, locate_cuts, outside_note, place_note
from .page import MARGIN, MUTED, Page
from .panels import draw_backdrop, name_panel
from .scene import Scene, plan_cuts
from .slicing import outlines
from .text import SMALL, number, text_width
from .variant import Accounting

# Colours of regions: none means a sign, all differ in grey print and to the colour-blind (see `colours.REGIONS`).
COLOURS = {"kept": "#ececec", "too_small": "#1ee187", "unseeded": "#961ea5", "seed_only": "#5a003c"}
WORDS = {
    "kept": "in a region",
    "too_small": "too small",
    "unseeded": "without a seed",
    "seed_only": "seed only",
}
MEANINGS = {
    "unseeded": "Without a seed: in a component in which the smoothed map has no local maximum.",
    "seed_only": "Seed only: in a component that holds only its seed.",
}


def accounting_figure(scene: Scene, accounting: Accounting, title: str, subtitle: str = "") -> Page:
    """Suprathreshold voxels coloured by outcome, in cuts through those that are in no region.

    If all are in regions, a sentence says so instead.

    Parameters
    ----------
    scene : Scene.
    accounting : Accounting.
    title, subtitle : str.
    """
    counts = accounting.counts
    every, lost = counts["suprathreshold"], counts["suprathreshold"] - counts["kept"]
    if not lost:
        message = f"All {every:,} suprathreshold voxels are in regions." if every else NOTHING
        page = Page(title, subtitle, message, scene.style)
        return page.finish(page.top)
    page = Page(title, subtitle, style=scene.style)
    plan = plan_cuts(scene._replace(suprathreshold=accounting.outcomes > 1), cover_regions=False)
    panels, bottom = lay_cuts(page, scene, plan.overview)
    palette = np.array([(0, 0, 0), *(255 * rgb(COLOURS[outcome]) for outcome in OUTCOMES)])
    for panel in panels:
        draw_backdrop(page, scene, panel)
        plane, edges = panel.cut(scene, accounting.outcomes)
        colours = np.concatenate([palette[plane], np.where(plane > 0, 255, 0)[..., None]], axis=-1)
        page.image(np.rint(colours).astype(np.uint8), *edges)
        page.lines(outlines(plane > 1, edges), "black", 0.6)
        name_panel(page, panel)
    locate_cuts(page, scene, plan.overview, bottom)
    bottom = _draw_key(page, accounting, bottom)
    notes = [f"{lost:,} of {every:,} suprathreshold voxels ({lost / every:.1%}) are in no region: outlined."]
    notes += [meaning for outcome, meaning in MEANINGS.items() if counts[outcome]]
    return page.finish(bottom, [place_note(scene), *notes, outside_note(plan)])


def _draw_key(page: Page, accounting: Accounting, top: float) -> float:
    """The colours with their meaning and number of voxels; returns the bottom, points."""
    bound = "≤" if accounting.size_rule == ">" else "<"
    size = accounting.min_region_size
    too_small = f"{WORDS['too_small']} ({bound} {f'{size:,.0f}' if size >= 100 else number(size)} mm³)"
    left, y = MARGIN, top + ROW
    for outcome in OUTCOMES:
        count = accounting.counts[outcome]
        words = f"{too_small if outcome == 'too_small' else WORDS[outcome]}: {count:,}"
        width = 10 + text_width(words, SMALL) + 14
        if not count:
            continue
        if left > MARGIN and left + width > page.width - MARGIN:
            left, y = MARGIN, y + ROW
        page.box(left, y - 5, 6, 6, COLOURS[outcome], MUTED)
        page.text(left + 10, y, words, SMALL)
        left += width
    return y + 6
