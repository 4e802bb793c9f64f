"""Brain figures: the survivors, the regions and their peaks of one map, from a scene, tables and words to a Figure."""

import matplotlib
import numpy as np

from .colours import SEQUENTIAL, ramp, region_colours
from .page import (
    GREY,
    MARGIN,
    NOTE,
    SETTINGS,
    SMALL,
    WIDTH,
    Page,
    foot_lines,
    header_lines,
    number,
    shorten,
    write_foot,
    write_header,
)
from .panels import (
    atlas_column,
    draw_backdrop,
    draw_bar,
    draw_cross,
    draw_locator,
    draw_map,
    draw_outlines,
    draw_silhouette,
    draw_tag,
    draw_tags,
    draw_value_bar,
    montage,
    name_panel,
    outline_survivors,
    overlay,
    pixels_of,
    place_ids,
    symbol_of,
    three_views,
    triple,
)
from .scene import choose_cuts, make_scene
from .slicing import outlines, project

MOST_IN_LEGEND = 12
MOST_IN_GLASS = 24
MOST_PEAKS = 10
ROW = SMALL * 1.45  # of a table, in points
ORIENTATION = "Left is left (neurological convention); x, y, z in mm."
NOTHING = "Nothing survives: no voxel passes the cutoff."


def _fading_note(scene, outlined=True):
    if not np.isfinite(scene.cutoff):
        return ""
    legend = "Outlined: survivors, positive in black, negative in white. " if outlined else ""
    return f"{legend}Below the cutoff, opacity falls with (|{symbol_of(scene.units)}| / cutoff)²."


@matplotlib.rc_context(SETTINGS)
def threshold_figure(scene, title, subtitle="", cuts=None):
    """Survivors over the template in axial cuts, what is below the cutoff showing through faintly.

    Parameters
    ----------
    scene : Scene.
    title, subtitle : str, wrapped where they are long.
    cuts : list of float, z in mm; None takes five where the survivors are.

    Returns
    -------
    matplotlib Figure
    """
    cuts = choose_cuts(scene, cover_regions=False) if cuts is None else cuts
    header, top = header_lines(title, subtitle, "" if scene.survivors.any() else NOTHING)
    panels, bottom = montage(scene, cuts, top)
    bottom = max(bottom, top + 105)
    foot, foot_height = foot_lines([ORIENTATION, _fading_note(scene)])
    page = Page(bottom + foot_height)
    write_header(page, header)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel)
        outline_survivors(page, scene, panel)
        name_panel(page, panel)
    draw_value_bar(page, scene, top, draw_locator(page, scene, cuts, min(bottom, top + 125)) - 8)
    write_foot(page, foot)
    return page.figure


@matplotlib.rc_context(SETTINGS)
def regions_figure(scene, regions, title, subtitle="", cuts=None):
    """Regions over the map and the template: an outline in the colour of its region, with its id.

    There are as many axial cuts as it takes for every region to be seen, `scene.MOST_PANELS` at the most; the small
    print says how many regions are not. A legend is there for up to `MOST_IN_LEGEND` regions.

    Parameters
    ----------
    scene : Scene.
    regions : DataFrame, one row a region: region, sign, peak_value, peak_x, peak_y, peak_z, volume_mm3.
    title, subtitle : str.
    cuts : list of float, z in mm; None lets `choose_cuts` decide.

    Returns
    -------
    matplotlib Figure
    """
    total = len(regions)
    cuts = choose_cuts(scene) if cuts is None else cuts
    message = "" if total else "No region: nothing survives, or nothing that survives is large enough."
    header, top = header_lines(title, subtitle, message)
    panels, bottom = montage(scene, cuts, top)
    bottom = max(bottom, top + 105)
    planes = [panel.cut(scene, scene.labels) for panel in panels]
    size = NOTE if total <= 60 else 5.0
    tags = place_ids([(panel, *pixels_of(*plane)) for panel, plane in zip(panels, planes, strict=True)], size)
    named = len({tag.region for panel_tags in tags for tag in panel_tags})
    foot, foot_height = foot_lines([ORIENTATION, _count_note(total, named), _fading_note(scene, outlined=False)])
    legend_height = (-(-total // 3) + 1) * ROW + 4 if 0 < total <= MOST_IN_LEGEND else 0
    page = Page(bottom + legend_height + foot_height)
    colours = region_colours(int(scene.labels.max(initial=0)))
    write_header(page, header)
    for panel, (plane, edges), panel_tags in zip(panels, planes, tags, strict=True):
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel, strength=0.6)
        draw_outlines(page, plane, edges, colours)
        draw_tags(page, panel_tags, size, colours)
        name_panel(page, panel)
    draw_value_bar(page, scene, top, draw_locator(page, scene, cuts, min(bottom, top + 125)) - 8, strength=0.6)
    if legend_height:
        _draw_legend(page, regions, scene.units, bottom, colours)
    write_foot(page, foot)
    return page.figure


def _count_note(total, named):
    if total == 0:
        return ""
    if named < total:
        return f"{total} regions, {total - named} of them not shown, or not named for want of room: see regions.csv."
    return (
        "1 region, outlined and named."
        if total == 1
        else f"{total} regions, each outlined and named in at least one cut."
    )


def _draw_legend(page, regions, units, top, colours):
    """Up to three columns of regions: id, value at the peak with its sign, where the peak is, volume."""
    deep = -(-len(regions) // 3)
    for rank, row in enumerate(regions.to_dict("records")):
        column, place = divmod(rank, deep)
        left = MARGIN + column * (WIDTH - 2 * MARGIN) / 3
        right = left + 48, left + 112, left + 154
        if place == 0:
            for x, word in zip(right, (f"peak {units}", "x, y, z", "mm³"), strict=True):
                page.text(x, top + ROW - 3, word, NOTE, colour=GREY, align="right")
        y = top + (place + 1) * ROW
        sign = "±" if row["sign"] == "mixed" else "+" if row["peak_value"] > 0 else ""
        cells = sign + number(row["peak_value"]), triple(row["peak_x"], row["peak_y"], row["peak_z"]), _volume(row)
        draw_tag(page, left, y, row["region"], NOTE, colours)
        for x, cell in zip(right, cells, strict=True):
            page.text(x, y + NOTE + 0.2, cell, SMALL, align="right")


def _volume(row):
    return f"{row['volume_mm3']:,.0f}" if row["volume_mm3"] >= 10 else number(row["volume_mm3"])


@matplotlib.rc_context(SETTINGS)
def glass_figure(scene, regions, title, subtitle=""):
    """Maximum-intensity projections of the survivors from the side, the front and the top, with the regions' ids.

    The up to `MOST_IN_GLASS` largest regions are outlined and named.

    Parameters
    ----------
    scene : Scene.
    regions : DataFrame, one row a region.
    title, subtitle : str.

    Returns
    -------
    matplotlib Figure
    """
    header, top = header_lines(title, subtitle, "" if scene.survivors.any() else NOTHING)
    panels, bottom = three_views(scene, (None, None, None), top)
    voxels = np.argwhere((scene.labels > 0) & (scene.labels <= MOST_IN_GLASS))
    owners = scene.labels[tuple(voxels.T)]
    shadows = [_shadows(voxels, owners, scene, panel) for panel in panels]
    tags = place_ids([(panel, ids, points) for panel, (_, ids, points) in zip(panels, shadows, strict=True)], NOTE)
    named = len({tag.region for panel_tags in tags for tag in panel_tags})
    some = f"{named} of {len(regions)} regions are named, the largest first." if named < len(regions) else ""
    foot, foot_height = foot_lines(
        [ORIENTATION, "A pixel is the survivor furthest from 0 along the line of sight.", some]
    )
    bottom = max(bottom, top + 80)
    page = Page(bottom + foot_height + 4)
    colours = region_colours(MOST_IN_GLASS)
    write_header(page, header)
    for panel, (masks, _, _), panel_tags in zip(panels, shadows, tags, strict=True):
        draw_silhouette(page, scene, panel)
        values, edges = project(scene.data, scene.survivors, scene.origin, scene.step, panel.axis)
        page.image(overlay(values, values != 0, scene) * (values != 0)[..., None], *panel.edges(edges))
        for region, (mask, edges) in masks.items():
            draw_outlines(page, mask * region, edges, colours, width=0.6)
        draw_tags(page, panel_tags, NOTE, colours)
        name_panel(page, panel)
    draw_value_bar(page, scene, top, min(bottom, top + 110))
    write_foot(page, foot)
    return page.figure


def _shadows(voxels, owners, scene, panel):
    """What each region covers along the line of sight: {region: (mask, edges)}, and all `pixels_of` them."""
    masks, ids, points = {}, [np.zeros(0, int)], [np.zeros((0, 2))]
    column, row = voxels[:, panel.across], voxels[:, panel.up]
    x0, y0 = (scene.origin - scene.step / 2)[[panel.across, panel.up]]
    dx, dy = scene.step[[panel.across, panel.up]]
    for region in np.unique(owners).tolist():
        own_column, own_row = column[owners == region], row[owners == region]
        left, right, bottom, top = own_column.min(), own_column.max() + 1, own_row.min(), own_row.max() + 1
        mask = np.zeros((top - bottom, right - left), dtype=bool)
        mask[top - 1 - own_row, own_column - left] = True
        edges = panel.edges((x0 + left * dx, x0 + right * dx, y0 + bottom * dy, y0 + top * dy))
        masks[region] = mask, edges
        found = pixels_of(mask, edges)[1]
        ids.append(np.full(len(found), region))
        points.append(found)
    return masks, np.concatenate(ids), np.concatenate(points)


@matplotlib.rc_context(SETTINGS)
def region_page(scene, region, regions, peaks, title, subtitle=""):
    """One region: three cuts through its peak, what its row says, and its peaks.

    Parameters
    ----------
    scene : Scene.
    region : int, its id.
    regions, peaks : DataFrame, the tables of the variant; columns that they lack are left out.
    title, subtitle : str.

    Returns
    -------
    matplotlib Figure
    """
    row = regions[regions["region"] == region].iloc[0]
    own = peaks[peaks["region"] == region]
    details = _details(row, scene.units)
    peak = [float(row[f"peak_{axis}"]) for axis in "xyz"]
    header, top = header_lines(title, subtitle)
    panels, bottom = three_views(scene, peak, top)
    below = max(bottom, top + 110) + 4
    table_rows = max(len(details), min(len(own), MOST_PEAKS) + 1 + (len(own) > MOST_PEAKS))
    foot, foot_height = foot_lines([ORIENTATION, _fading_note(scene, outlined=False)])
    page = Page(below + table_rows * ROW + foot_height + 4)
    write_header(page, header)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        draw_map(page, scene, panel)
        plane, edges = panel.cut(scene, scene.labels)
        draw_outlines(page, (plane == region) * region, edges, region_colours(region))
        draw_cross(page, panel, peak)
        name_panel(page, panel)
    draw_value_bar(page, scene, top, top + 110)
    for rank, (name, value) in enumerate(details, start=1):
        page.text(MARGIN, below + rank * ROW, shorten(name, SMALL, 86), SMALL, colour=GREY)
        page.text(MARGIN + 90, below + rank * ROW, shorten(value, SMALL, 140), SMALL)
    _draw_peaks(page, own, scene.units, below)
    write_foot(page, foot)
    return page.figure


def _details(row, units):
    """What is known of a region, as (name, value) pairs of str."""

    def known(name, written=number):
        return written(row[name]) if name in row.index and np.isfinite(row[name]) else None

    low, high = known("robust_low"), known("robust_high")
    pairs = [
        ("sign", row["sign"]),
        ("volume", f"{_volume(row)} mm³"),
        ("voxels", f"{row['n_voxels']:,}"),
        (f"peak {units}", f"{number(row['peak_value'])} at {triple(row['peak_x'], row['peak_y'], row['peak_z'])}"),
        ("voxels tied for it", known("peak_ties", lambda ties: f"{ties:,}" if ties > 1 else None)),
        ("centre of mass", triple(row["com_x"], row["com_y"], row["com_z"]) if "com_x" in row.index else None),
        (f"mean {units}", known("mean_value")),
        (f"SD of {units}", known("sd_value")),
        ("z at the peak", known("z_peak") if units != "z" else None),
        ("−log₁₀ p at the peak", known("log10_p_peak")),
        ("−log₁₀ p of the cluster", known("log10_p_cluster")),
        ("true discoveries", known("tdp", lambda share: f"at least {share:.0%} of its voxels")),
        ("robust for cutoffs", f"{low} to {high}" if low and high else None),
    ]
    pairs += [(name.removesuffix("_overlap"), row[name]) for name in row.index if name.endswith("_overlap")]
    return [(name, value) for name, value in pairs if isinstance(value, str)]


def _draw_peaks(page, peaks, units, top):
    """Table of a region's peaks at the right of the page."""
    left = MARGIN + 236
    right = left + 18, left + 50, left + 116, left + 154
    label = atlas_column(peaks)
    width = WIDTH - MARGIN - right[-1] - 8
    shown = peaks.head(MOST_PEAKS).to_dict("records")
    for x, word in zip(right, ("peak", units, "x, y, z", "distance"), strict=True):
        page.text(x, top + ROW, word, SMALL, colour=GREY, align="right")
    if label:
        page.text(right[-1] + 8, top + ROW, shorten(label.removesuffix("_peak"), SMALL, width), SMALL, colour=GREY)
    for rank, peak in enumerate(shown, start=2):
        away = number(peak["distance_mm"]) if peak["distance_mm"] > 0 else "–"
        cells = str(peak["peak"]), number(peak["value"]), triple(peak["x"], peak["y"], peak["z"]), away
        for x, cell in zip(right, cells, strict=True):
            page.text(x, top + rank * ROW, cell, SMALL, align="right")
        if label and isinstance(peak[label], str):
            page.text(right[-1] + 8, top + rank * ROW, shorten(peak[label], SMALL, width), SMALL)
    if len(peaks) > len(shown):
        words = f"and {len(peaks) - len(shown)} more in peaks.csv"
        page.text(left, top + (len(shown) + 2) * ROW, words, SMALL, colour=GREY)


@matplotlib.rc_context(SETTINGS)
def frequency_figure(frequency, affine, template, title, subtitle=""):
    """Share of a sweep's grid points that keep each voxel, over the template in five axial cuts.

    Parameters
    ----------
    frequency : (i, j, k) array from 0 to 1; what is 0 is not drawn.
    affine, template : as in `make_scene`.
    title, subtitle : str.

    Returns
    -------
    matplotlib Figure
    """
    kept = frequency > 0
    scene = make_scene(frequency, affine, kept, np.zeros(frequency.shape, dtype=np.int32), 0, template)
    cuts = choose_cuts(scene)
    header, top = header_lines(title, subtitle, "" if kept.any() else "No grid point keeps any voxel.")
    panels, bottom = montage(scene, cuts, top)
    bottom = max(bottom, top + 105)
    foot, foot_height = foot_lines([ORIENTATION, "Line: voxels that at least half of the grid points keep."])
    page = Page(bottom + foot_height)
    write_header(page, header)
    for panel in panels:
        draw_backdrop(page, scene, panel)
        share, edges = panel.cut(scene, scene.data)
        page.image(_share_colours(share), *edges)
        page.lines(outlines(share >= 0.5, edges), "black", 0.6)
        name_panel(page, panel)
    scale = _share_colours(np.linspace(1, 0, 201)[:, None])
    bar_bottom = draw_locator(page, scene, cuts, min(bottom, top + 125)) - 8
    draw_bar(page, scale, top, bar_bottom, "share", ("1", "0"), [(0.5, "0.5")])
    write_foot(page, foot)
    return page.figure


def _share_colours(share):
    """Colours of shares, (..., 4) uint8; what fewer than a quarter keep is fainter."""
    colours = np.concatenate([ramp(SEQUENTIAL, share), np.minimum(4 * share, 1)[..., None]], axis=-1)
    return np.rint(colours * 255).astype(np.uint8)
