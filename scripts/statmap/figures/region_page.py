"""One region on a page: three cuts through its peak, what its row says, and its peaks."""

from collections.abc import Sequence

from .bars import draw_value_bar
from .colours import region_colours
from .montage import ORIENTATION, ROW, fading_note, volume_of
from .page import GREY, MARGIN, WIDTH, Page
from .panels import draw_backdrop, draw_cross, draw_map, draw_outlines, name_panel, three_views
from .scene import Scene
from .text import SMALL, number, shorten, triple
from .variant import Row, atlas_columns

MOST_PEAKS = 10


def region_page(
    scene: Scene, region: int, regions: Sequence[Row], peaks: Sequence[Row], title: str, subtitle: str = ""
) -> Page:
    """One region: three cuts through its peak, what its row says, and its peaks.

    Parameters
    ----------
    scene : Scene.
    region : int, its id.
    regions, peaks : the tables of the variant; columns that they lack are left out.
    title, subtitle : str.
    """
    row = next(row for row in regions if row["region"] == region)
    own = [peak for peak in peaks if peak["region"] == region]
    details = _details(row, scene.units)
    peak = [float(row[f"peak_{axis}"]) for axis in "xyz"]
    page = Page(title, subtitle)
    panels, bottom = three_views(scene, peak, page.top)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel)
        plane, edges = panel.cut(scene, scene.labels)
        draw_outlines(page, (plane == region) * region, edges, region_colours(region))
        draw_cross(page, panel, peak)
        name_panel(page, panel)
    draw_value_bar(page, scene, page.top, page.top + 110)
    below = max(bottom, page.top + 110) + 4
    for rank, (name, value) in enumerate(details, start=1):
        page.text(MARGIN, below + rank * ROW, shorten(name, SMALL, 86), SMALL, colour=GREY)
        page.text(MARGIN + 90, below + rank * ROW, shorten(value, SMALL, 140), SMALL)
    peak_rows = _draw_peaks(page, own, scene.units, below)
    return page.finish(below + max(len(details), peak_rows) * ROW + 4, [ORIENTATION, fading_note(scene)])


def _details(row: Row, units: str) -> list[tuple[str, str]]:
    """What is known of a region, as (name, value) pairs."""

    def known(name, written=number):
        return written(row[name]) if row.get(name) is not None else None

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


def _draw_peaks(page: Page, peaks: Sequence[Row], units: str, top: float) -> int:
    """Table of a region's peaks at the right of the page; gives its number of lines."""
    left = MARGIN + 236
    right = left + 18, left + 50, left + 116, left + 154
    atlases = atlas_columns(peaks[0] if peaks else ())
    label = atlases[0] if atlases else None
    width = WIDTH - MARGIN - right[-1] - 8
    shown = peaks[:MOST_PEAKS]
    for x, word in zip(right, ("peak", units, "x, y, z", "distance"), strict=True):
        page.text(x, top + ROW, word, SMALL, colour=GREY, align="right")
    if label:
        page.text(right[-1] + 8, top + ROW, shorten(label.removesuffix("_peak"), SMALL, width), SMALL, colour=GREY)
    for rank, peak in enumerate(shown, start=2):
        away = number(peak["distance_mm"]) if peak["distance_mm"] > 0 else "–"
        cells = str(peak["peak"]), number(peak["value"]), triple(peak["x"], peak["y"], peak["z"]), away
        for x, cell in zip(right, cells, strict=True):
            page.text(x, top + rank * ROW, cell, SMALL, align="right")
        if label and peak[label]:
            page.text(right[-1] + 8, top + rank * ROW, shorten(peak[label], SMALL, width), SMALL)
    if len(peaks) > len(shown):
        words = f"and {len(peaks) - len(shown)} more in peaks.csv"
        page.text(left, top + (len(shown) + 2) * ROW, words, SMALL, colour=GREY)
    return len(shown) + 1 + (len(peaks) > len(shown))
