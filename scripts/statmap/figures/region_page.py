"""One region on a page: three cuts through its peak, its measures and its peaks."""

from collections.abc import Sequence

import numpy as np

from ..tables.columns import label_columns, label_in_words
from .bars import draw_value_bar
from .colours import region_colours
from .montage import ROW, fading_note, place_note, volume_of
from .page import MARGIN, MUTED, Page
from .panels import View, draw_backdrop, draw_cross, draw_map, draw_outlines, name_panel, side_by_side
from .scene import Scene
from .style import NARROW
from .text import SMALL, number, shorten, text_width, triple, wrap
from .variant import Row

MOST_PEAKS = 10


def region_page(
    scene: Scene, region: int, regions: Sequence[Row], peaks: Sequence[Row], title: str, subtitle: str = ""
) -> Page:
    """One region: three cuts through its peak, its measures and its peaks.

    Parameters
    ----------
    scene : Scene.
    region : int, its id.
    regions, peaks : the tables of the variant; columns that they lack are left out.
    title, subtitle : str.
    """
    row = next(row for row in regions if row["region"] == region)
    peaks = [peak for peak in peaks if peak["region"] == region]
    units = scene.units_of_tables or scene.units
    details = _details(row, units)
    place = [float(row[f"peak_{axis}"]) for axis in "xyz"]
    page = Page(title, subtitle, style=scene.style)
    views = [View(axis, mm, bool(axis) and scene.style.radiological) for axis, mm in enumerate(place)]
    panels, bottom = side_by_side(scene.box, views, page.top, page.width)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel)
        plane, edges = panel.cut(scene, scene.labels)
        draw_outlines(page, (plane == region) * region, edges, region_colours(region))
        draw_cross(page, panel, place)
        name_panel(page, panel)
    draw_value_bar(page, scene, page.top, page.top + 110)
    below = max(bottom, page.top + 110) + 4
    labelled = any(peak[name] for peak in peaks for name in label_columns("peaks.csv", peak))
    # Labels of atlases are long: the peaks then stand below, over the whole width.
    stacked = page.width < NARROW + 100 or labelled
    details_end = _draw_details(page, details, below, page.width - MARGIN if stacked else MARGIN + 226)
    if stacked:
        end = _draw_peaks(page, peaks, units, MARGIN, details_end + 4)
    else:
        end = max(details_end, _draw_peaks(page, peaks, units, MARGIN + 236, below))
    return page.finish(end + 4, [place_note(scene), fading_note(scene)])


def _draw_details(page: Page, details: Sequence[tuple[str, str]], y: float, right: float) -> float:
    """Names and values in two columns, values wrapped; gives the last line's place."""
    left = MARGIN + 90
    for name, value in details:
        lines = wrap(value, SMALL, right - left, 6)
        page.text(MARGIN, y + ROW, shorten(name, SMALL, 86), SMALL, colour=MUTED)
        for rank, line in enumerate(lines, start=1):
            page.text(left, y + rank * ROW, line, SMALL)
        y += len(lines) * ROW
    return y


def _details(row: Row, units: str) -> list[tuple[str, str]]:
    """What is known of a region, as (name, value) pairs."""

    def known(name, write=number):
        return write(row[name]) if row.get(name) is not None else None

    low, high = known("robust_low"), known("robust_high")
    pairs = [
        ("sign", row["sign"]),
        ("volume", f"{volume_of(row)} mm³"),
        ("voxels", f"{row['n_voxels']:,}"),
        (f"peak {units}", f"{number(row['peak_value'])} at {triple(row['peak_x'], row['peak_y'], row['peak_z'])}"),
        ("voxels tied for it", known("peak_ties", lambda ties: f"{ties:,}" if ties > 1 else None)),
        ("centre of mass", triple(row["com_x"], row["com_y"], row["com_z"]) if "com_x" in row else None),
        (f"mean {units}", known("mean_value")),
        (f"SD of {units}", known("sd_value")),
        ("z at the peak", known("z_peak") if units != "z" else None),
        ("−log₁₀ p at the peak", known("log10_p_peak")),
        ("−log₁₀ p of the cluster", known("log10_p_cluster")),
        ("true discoveries", known("tdp", lambda share: f"at least {share:.0%} of its voxels")),
        ("robust for cutoffs", f"{low} to {high}" if low and high else None),
    ]
    pairs += [(name.removesuffix("_overlap"), row[name]) for name in row if name.endswith("_overlap")]
    return [(name, value) for name, value in pairs if isinstance(value, str)]


def _draw_peaks(page: Page, peaks: Sequence[Row], units: str, left: float, top: float) -> float:
    """Table of a region's peaks, with their label in every atlas; gives the last line's place."""
    shown = peaks[:MOST_PEAKS]
    heads = "peak", units, "x, y, z", "distance"
    cells = [
        (
            str(peak["peak"]),
            number(peak["value"]),
            triple(peak["x"], peak["y"], peak["z"]),
            f"{peak['distance_mm']:.1f} mm" if peak["distance_mm"] > 0 else "–",
        )
        for peak in shown
    ]
    right = (
        left
        + np.cumsum(
            [max(text_width(word, SMALL) for word in column) + 14 for column in zip(heads, *cells, strict=True)]
        )
        - 10
    )
    atlases = [
        name for name in label_columns("peaks.csv", peaks[0] if peaks else ()) if any(peak[name] for peak in peaks)
    ]
    labels = [[label_in_words(peak[name] or "–") for name in atlases] for peak in shown]
    titles = [name.removesuffix("_peak") for name in atlases]
    widths = _share_out(
        [max(text_width(word, SMALL) for word in column) + 12 for column in zip(titles, *labels, strict=True)],
        page.width - MARGIN - right[-1],
    )
    starts = [right[-1] + 12 + sum(widths[:n]) for n in range(len(atlases))]
    for x, word in zip(right, heads, strict=True):
        page.text(x, top + ROW, word, SMALL, colour=MUTED, align="right")
    for x, title, width in zip(starts, titles, widths, strict=True):
        page.text(x, top + ROW, shorten(title, SMALL, width - 6), SMALL, colour=MUTED)
    y = top + 2 * ROW
    for row, labels_of_peak in zip(cells, labels, strict=True):
        for x, cell in zip(right, row, strict=True):
            page.text(x, y, cell, SMALL, align="right")
        lines = [wrap(label, SMALL, width - 11, 4) for label, width in zip(labels_of_peak, widths, strict=True)]
        for x, lines_of_label in zip(starts, lines, strict=True):
            for rank, line in enumerate(lines_of_label):
                page.text(x, y + rank * ROW, line, SMALL)
        y += ROW * max(map(len, lines), default=1)
    if len(peaks) > len(shown):
        page.text(left, y, f"and {len(peaks) - len(shown)} more in peaks.csv", SMALL, colour=MUTED)
        y += ROW
    return y - ROW


def _share_out(widths: Sequence[float], room: float) -> list[float]:
    """Widths of columns: as asked where they fit; else the widest are narrowed first."""
    most = max(widths, default=0.0)
    while sum(min(width, most) for width in widths) > room:
        most *= 0.95
    return [min(width, most) for width in widths]
