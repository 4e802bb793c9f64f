"""Colour bars, in the column at the right of a page."""

from collections.abc import Sequence

import numpy as np

from .page import INK, MARGIN, SIDE, Page
from .panels import overlay
from .scene import Scene
from .text import LEADING, SMALL, number


def draw_bar(
    page: Page,
    pixels: np.ndarray,
    top: float,
    bottom: float,
    title: str,
    ends: tuple[str, str],
    marks: Sequence[tuple[float, str]],
) -> None:
    """A colour bar in the right-hand column.

    Parameters
    ----------
    pixels : (n, 1, 4) array of uint8, from the top down.
    top, bottom : points, all words included.
    title : str.
    ends : (str, str), what is written above and below the bar.
    marks : list of (share of the bar from the top, str), from the top down: a line across the bar, and the word beside
        it (without a line to it, which would look like a minus before a number); words that would touch are joined.
    """
    line = SMALL * LEADING
    centre, half = page.width - MARGIN - SIDE + 22, 4.5
    page.text(centre, top + line - 3.5, title, SMALL, bold=True, align="center")
    top, bottom = top + 2 * line, max(bottom - line, top + 2 * line + 20)
    page.text(centre, top - 2.5, ends[0], SMALL, align="center")
    page.text(centre, bottom + line - 1, ends[1], SMALL, align="center")
    page.box(centre - half, top, 2 * half, bottom - top, "#8b8b8b", above=-1)
    page.image(pixels, centre - half, centre + half, bottom, top)
    heights = [top + share * (bottom - top) for share, _ in marks]
    page.lines([np.array([(centre - half, y), (centre + half, y)]) for y in heights], INK, 0.8, above=4)
    words = [word for _, word in marks]
    if len(marks) == 2 and heights[1] - heights[0] < line:
        heights, words = [np.mean(heights)], ["±" + words[0]]
    for y, word in zip(heights, words, strict=True):
        page.text(centre + half + 3, np.clip(y, top + 3.5, bottom - 3.5), word, SMALL, level="center")


def draw_value_bar(page: Page, scene: Scene, top: float, bottom: float, strength: float = 1.0) -> None:
    """The colour bar of a map, drawn through the same overlay as the map, with the cutoff marked on it.

    A sign that no voxel has is left out.
    """
    lowest, highest = scene.span
    low = -scene.limit if lowest < 0 else 0.0
    high = scene.limit if highest > 0 or not low else 0.0
    values = np.linspace(high, low, 201)[:, None]
    tested = {"two": np.abs(values), "positive": values, "negative": -values}[scene.sided]
    ends = (
        ("≥ " if highest > high * (1 + 1e-6) else "") + number(high),
        ("≤ " if lowest < low * (1 + 1e-6) else "") + number(low),
    )
    signs = {"two": (1, -1), "positive": (1,), "negative": (-1,)}[scene.sided]
    cutoffs = [sign * scene.cutoff for sign in signs if low <= sign * scene.cutoff <= high]
    marks = [((high - cutoff) / (high - low), number(cutoff)) for cutoff in cutoffs]
    draw_bar(page, overlay(values, tested >= scene.cutoff, scene, strength), top, bottom, scene.units, ends, marks)
