"""The interactive page in headless Chromium: no network, no error, every voxel where it is, every row to its peak."""

import io
import re
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from calls import regions_sidecar, stat_map_of, threshold_sidecar
from nibabel.affines import apply_affine as to_mm
from PIL import Image

from statmap.figures.colours import DIVERGING, ramp
from statmap.grid import voxel_volume
from statmap.inference.thresholds import Cutoff
from statmap.io.images import read_image
from statmap.regions.atlases import Atlas
from statmap.regions.clusters import filter_and_sort, label_components
from statmap.regions.extract import KEPT, TOO_SMALL, UNSEEDED
from statmap.stability.agreement import match_regions
from statmap.web.colours import page_colours
from statmap.web.viewer import VariantView, viewer_page

pytestmark = pytest.mark.slow

READY = "#scene[aria-busy=false]"
QUADRANTS = {"coronal": (0, 0), "sagittal": (0, 1), "axial": (1, 0), "solid": (1, 1)}  # row and column in the scene


def view(name, data, affine, cutoff, size=1500, sided="two"):
    """Connected suprathreshold voxels of either sign above a size in mm3, largest first."""
    thresholded = np.where(np.abs(data) >= cutoff, data, 0)
    labels = filter_and_sort(label_components(thresholded, 6, "split"), thresholded, affine, 6, size, ">")
    rows = []
    for region in range(1, labels.max() + 1):
        peak = np.unravel_index(np.argmax(np.abs(data) * (labels == region)), data.shape)
        x, y, z = to_mm(affine, [peak])[0]
        rows.append(
            {
                "region": region,
                "sign": "positive" if data[peak] > 0 else "negative",
                "volume_mm3": np.count_nonzero(labels == region) * voxel_volume(affine),
                "peak_value": float(data[peak]),
                "peak_x": x,
                "peak_y": y,
                "peak_z": z,
            }
        )
    keys = {"signs": "split", "connectivity": 6, "min_region_size": size, "size_rule": ">", "sided": sided}
    return VariantView(
        name,
        threshold_sidecar(Cutoff(cutoff, ">=", "value"), keys, rule=f"|x| ≥ {cutoff:g}"),
        regions_sidecar(keys, min_region_size_mm3=float(size)),
        labels,
        np.where(labels > 0, KEPT, np.where(thresholded != 0, TOO_SMALL, 0)).astype(np.uint8),
        rows,
        {"threshold": str(cutoff)},
    )


def write_page(path, stat_map, template, variants, map_page=False, atlases=()):
    path.write_text(viewer_page(stat_map, template, variants, map_page, atlases=atlases), encoding="utf-8")
    (path.parent.parent / "summary.html").touch()
    return path


@pytest.fixture(scope="module")
def template(template_path):
    return read_image(template_path)


@pytest.fixture(scope="module")
def motor_page(opened, motor, template, tmp_path_factory):
    data, affine = motor
    variants = [view(name, data, affine, cutoff) for name, cutoff in (("low", 3.0), ("high", 5.0), ("nothing", 9.0))]
    path = tmp_path_factory.mktemp("viewer") / "view.html"
    write_page(path, stat_map_of(data, affine, stat="z", name="motor"), template, variants, True)
    return *opened(path, READY), variants


def place(page):
    """Coordinates, value and region that the page shows."""
    text = page.inner_text("#place").replace("−", "-")
    x, y, z, value = map(float, re.match(r"x (\S+) y (\S+) z (\S+) mm · value (\S+)", text).groups())
    region = re.search(r"· region (\d+)", text)
    return (x, y, z), value, int(region[1]) if region else 0


def rows(page):
    return page.locator("table:visible tbody tr")


def choose(page, variant):
    page.select_option("#variant", label=variant)
    page.wait_for_selector(READY)


def pixels_of(page, scene="#scene"):
    """A scene as it is drawn, without numbers: (height, width, 3)."""
    picture = page.evaluate(
        """(id) => {
          const scene = scenes.find(({ element }) => `#${element.id}` === id);
          scene.viewer.drawScene();
          return scene.canvas.toDataURL();
        }""",
        scene,
    )
    image = Image.open(io.BytesIO(b64decode(picture.partition(",")[2])))
    return np.asarray(image.convert("RGB"), dtype=int)


def quadrant(pixels, name):
    row, column = QUADRANTS[name]
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    return pixels[row * height : (row + 1) * height, column * width : (column + 1) * width]


def near(pixels, colour, tolerance=3):
    """Where pixels have a colour, ``#rrggbb`` or three numbers."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)] if isinstance(colour, str) else colour
    return np.abs(pixels - wanted).max(axis=-1) <= tolerance


def shares(page, colour):
    """Share of the scene's pixels that have a colour."""
    return near(pixels_of(page), colour).mean()


def coloured(pixels):
    return np.ptp(pixels, axis=-1) > 25


def colour_of(value, largest):
    """The colour of a value, as the scale shows it: three numbers from 0 to 255."""
    return 255 * ramp(DIVERGING, np.array(0.5 + 0.5 * value / largest))


def key_colours(page):
    """The colours of the entries of the key."""
    entries = page.locator("#key span")
    return entries.evaluate_all("(entries) => entries.map(({ style }) => style.getPropertyValue('--colour'))")


def go_to(page, mm):
    page.evaluate("(mm) => scenes[0].goTo(mm)", list(map(float, mm)))


def on_screen(page, mm, plane, scene=0):
    """Row and column of the pixel of the scene in which a place lies on a slice.

    NiiVue draws a slice into a box of whole pixels; its own conversion has the box before it was rounded.
    """
    number, across, up = {"axial": (0, 0, 1), "coronal": (1, 0, 2), "sagittal": (2, 1, 2)}[plane]
    height, (left, top, width, depth), low, field = page.evaluate(
        """([n, number]) => {
          const slice = scenes[n].viewer.screenSlices.find(({ axCorSag }) => axCorSag === number);
          const { leftTopWidthHeight, leftTopMM, fovMM } = slice;
          return [scenes[n].canvas.height, ...[leftTopWidthHeight, leftTopMM, fovMM].map((own) => [...own])];
        }""",
        [scene, number],
    )
    bottom = int(height - (top + depth))
    x = int(left) + (mm[across] - low[0]) / field[0] * int(width)
    y = bottom + (mm[up] - low[1]) / field[1] * int(depth)
    return int(height - y), int(x)


def test_page_loads_nothing_and_complains_of_nothing(motor_page, tmp_path):
    page, requests, complaints, _ = motor_page
    page.screenshot(path=tmp_path / "view.png")
    assert requests and all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
    assert complaints == []
    assert page.is_hidden("#message")


@pytest.mark.parametrize("variant", [0, 1])
def test_every_row_leads_to_its_peak(motor_page, variant, tmp_path):
    page, _, complaints, variants = motor_page
    choose(page, variants[variant].name)
    regions = variants[variant].regions
    assert rows(page).count() == len(regions) > 3
    for row, region in enumerate(regions):
        rows(page).nth(row).click()
        where, value, label = place(page)
        np.testing.assert_allclose(where, [region[f"peak_{axis}"] for axis in "xyz"], atol=0.051)
        assert (value, label) == (round(region["peak_value"], 2), region["region"])
    page.screenshot(path=tmp_path / "peak.png")
    assert complaints == []


def test_empty_variant_says_so(motor_page, tmp_path):
    page, _, _, _ = motor_page
    choose(page, "nothing")
    page.screenshot(path=tmp_path / "nothing.png")
    assert "no region" in page.inner_text("#summary")
    assert page.locator(".empty:visible").inner_text() == "No region in this variant."
    assert rows(page).count() == 0
    assert place(page)[2] == 0


def test_regions_have_the_colours_of_their_rows(motor_page, tmp_path):
    page, _, _, _ = motor_page
    choose(page, "low")
    first, second = page_colours(2)
    rows(page).nth(0).click()
    page.check("input[value=value]")
    by_value = shares(page, first)
    page.check("input[value=region]")
    page.screenshot(path=tmp_path / "regions.png")
    assert shares(page, first) > by_value + 0.005
    rows(page).nth(1).click()
    assert shares(page, second) > 0.003
    page.check("input[value=value]")


def test_headings_sort_both_ways(motor_page):
    page, _, _, variants = motor_page
    choose(page, "high")
    heading = page.locator("th:visible", has_text="z")
    for order in ("ascending", "descending"):
        heading.locator("button").click()
        assert heading.get_attribute("aria-sort") == order
        texts = rows(page).locator("td:nth-child(7)").all_inner_texts()
        shown = [float(text.replace("−", "-")) for text in texts]
        assert shown == sorted((region["peak_z"] for region in variants[1].regions), reverse=order == "descending")


def test_table_is_steered_by_keyboard(motor_page):
    page, _, _, variants = motor_page
    choose(page, "low")
    rows(page).nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    second = [variants[0].regions[1][f"peak_{axis}"] for axis in "xyz"]
    np.testing.assert_allclose(place(page)[0], second, atol=0.051)
    assert rows(page).nth(1).get_attribute("aria-current") == "true"


def test_every_stop_of_the_tab_key_is_seen(motor_page):
    page, _, _, _ = motor_page
    choose(page, "low")
    page.focus("#variant")
    stops = []
    for _ in range(30):
        page.keyboard.press("Tab")
        stop = "[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"
        stops.append(tuple(page.evaluate(stop)))
    assert {(name, "solid") for name in ("with", "scene", "cut-away", "save", "slide", "unit", "copy")} <= set(stops)
    assert {outline for _, outline in stops} == {"solid"}, stops


def test_an_address_names_the_variant(chromium, motor_page):
    other = chromium.new_page()
    other.goto(motor_page[0].url.partition("#")[0] + "#variant=high")
    other.wait_for_function("document.querySelector('#variant').selectedOptions[0].text === 'high'")
    other.close()


def test_the_address_keeps_the_place_of_the_crosshair(opened, motor_page):
    page, _, _, _ = motor_page
    choose(page, "low")
    go_to(page, [12, -30, 48])
    page.wait_for_function("location.hash.endsWith('at=12,-30,48')")
    other, _, complaints = opened(Path(unquote(urlsplit(page.url).path)), READY)
    other.goto(page.url)
    other.wait_for_function("document.querySelector('#place').textContent.startsWith('x 12.0  y −30.0  z 48.0 mm')")
    assert complaints == []
    other.close()


# ---- every voxel where it is

TURN, TILT = 0.4, 0.3
OBLIQUE = np.array([[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, 1]]) @ [
    [1, 0, 0],
    [0, np.cos(TILT), -np.sin(TILT)],
    [0, np.sin(TILT), np.cos(TILT)],
]
GRIDS = {
    "1 mm": (np.eye(3), (-1, 1, 1)),
    "2 mm": (np.eye(3), (-2, 2, 2)),
    "3 mm": (np.eye(3), (3, 3, 3)),
    "anisotropic": (np.eye(3), (2, 2, 4.5)),
    "oblique": (OBLIQUE, (-2.5, 3, 2)),
}


@pytest.mark.parametrize("grid", GRIDS)
def test_every_suprathreshold_voxel_is_filled_and_outlined(opened, template, grid, tmp_path):
    """One voxel on each slice, and a cluster of seven; in the colour of their values, framed, on the anatomy."""
    rotation, sides = GRIDS[grid]
    affine = np.eye(4)
    affine[:3, :3] = rotation * sides
    shape = tuple(int(150 / abs(side)) for side in sides)
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) / 2)
    middle = np.array(shape) // 2
    data = np.random.default_rng(2).uniform(-2, 2, size=shape).astype(np.float32)

    def beside(*mm):  # the voxel so many mm from the middle, along the axes of the array
        return tuple((middle + np.round(np.divide(mm, np.abs(sides)))).astype(int))

    alone = {"axial": beside(22, 28, 0), "coronal": beside(-25, 0, 20), "sagittal": beside(0, 22, 24)}
    values = {"axial": 8.0, "coronal": -5.0, "sagittal": 4.0}
    for plane, voxel in alone.items():
        data[voxel] = values[plane]
    centre = beside(-28, -26, 0)
    crossing = [
        np.add(centre, step) for step in np.vstack([np.zeros((1, 3), int), np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    ]
    for voxel in crossing:
        data[tuple(voxel)] = 6.0
    variant = view("v", data, affine, 3.0, size=0)
    path = write_page(tmp_path / "view.html", stat_map_of(data, affine, stat="z"), template, [variant])
    page, _, complaints = opened(path, READY)
    page.uncheck("#numbered")
    places = {plane: to_mm(affine, voxel) for plane, voxel in alone.items()}
    go_to(page, [places["sagittal"][0], places["coronal"][1], places["axial"][2]])
    page.screenshot(path=tmp_path / f"{grid}.png")
    pixels = pixels_of(page)
    for plane, mm in places.items():
        assert_voxel(pixels, on_screen(page, mm, plane), colour_of(values[plane], 8))
    go_to(page, [*(places["sagittal"][:2]), to_mm(affine, centre)[2]])
    pixels = pixels_of(page)
    on_slice = [mm for mm in to_mm(affine, crossing) if abs(mm[2] - to_mm(affine, centre)[2]) < 0.1]
    assert len(on_slice) == (3 if grid == "oblique" else 5)
    for mm in on_slice:
        assert near(pixels[on_screen(page, mm, "axial")], colour_of(6, 8), 4)
    assert complaints == []
    page.close()


def assert_voxel(pixels, at, colour):
    """A pixel has a colour, and whichever way one goes from it the first pixel of another colour is black."""
    assert near(pixels[at], colour, 4), (pixels[at], colour)
    area = 0
    for way in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        steps = next(n for n in range(1, 40) if not near(pixels[at[0] + n * way[0], at[1] + n * way[1]], colour, 4))
        frame = pixels[at[0] + steps * way[0], at[1] + steps * way[1]]
        assert frame.max() < 12, (way, steps, frame)
        area += steps
    assert area >= 4


def test_the_crosshair_leaves_its_voxel_free(motor_page):
    page, _, _, variants = motor_page
    choose(page, "low")
    page.uncheck("#numbered")
    rows(page).nth(1).click()
    region = variants[0].regions[1]
    mm = [region[f"peak_{axis}"] for axis in "xyz"]
    largest = np.abs([own["peak_value"] for own in variants[0].regions]).max()
    pixels = pixels_of(page)
    for plane in ("axial", "coronal", "sagittal"):
        assert near(pixels[on_screen(page, mm, plane)], colour_of(region["peak_value"], largest), 4)
    page.check("#numbered")


def test_oblique_anisotropic_map_and_more_than_255_regions(opened, template, tmp_path):
    affine = np.eye(4)
    affine[:3, :3] = OBLIQUE * [-3, 2.5, 4]
    affine[:3, 3] = [60, -70, -60]
    ijk = np.argwhere(np.ones((8, 8, 5))) * [5, 6, 5] + 2
    data, labels = np.zeros((42, 50, 26)), np.zeros((42, 50, 26), np.int32)
    labels[tuple(ijk.T)] = np.arange(1, len(ijk) + 1)
    data[tuple(ijk.T)] = 5 + np.arange(len(ijk)) / 100
    peaks = to_mm(affine, ijk)
    regions = [
        {
            "region": n + 1,
            "peak_value": data[tuple(ijk[n])],
            **dict(zip(("peak_x", "peak_y", "peak_z"), peaks[n], strict=True)),
        }
        for n in range(len(ijk))
    ]
    one_sided = view("v", data, affine, 4.0, 0, "positive")._replace(labels=labels, regions=regions)
    path = write_page(tmp_path / "view.html", stat_map_of(data, affine), template, [one_sided], True)
    page, _, complaints = opened(path, READY)
    for region in (1, 100, 256, 320):
        rows(page).nth(region - 1).click()
        where, value, label = place(page)
        np.testing.assert_allclose(where, peaks[region - 1], atol=0.051)
        assert (value, label) == (round(data[tuple(ijk[region - 1])], 2), region)
    page.screenshot(path=tmp_path / "oblique.png")
    boxes = [span.bounding_box() for span in page.locator("#scene .numbers span").all()]
    assert len(boxes) > 10
    for n, one in enumerate(boxes):  # no number lies on another
        for other in boxes[:n]:
            inside = [
                min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at])
                for at, size in (("x", "width"), ("y", "height"))
            ]
            assert min(inside) <= 1
    assert complaints == []
    page.close()


# ---- what is known of a voxel


@pytest.fixture(scope="module")
def small_page(opened, tmp_path_factory):
    """Right, near the surface, a region of 5 x 5 x 5, left a cluster of three voxels, too small; one without a seed."""
    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = -60
    data = np.full((41, 41, 41), 0.5, np.float32)
    data[34:39, 18:23, 18:23] = 6
    data[8, 20, 19:22] = 5
    data[20, 5:8, 20] = -4
    variant = view("v", data, affine, 3.0, size=270)
    outcomes = variant.outcomes.copy()
    outcomes[20, 5:8, 20] = UNSEEDED
    labels = np.zeros(data.shape, int)
    labels[:20], labels[20:] = 1, 2
    atlases = [
        Atlas("halves", labels, affine, {1: "Left", 2: "Right"}),
        Atlas("chances", labels, affine, {1: "Left", 2: "Right"}, np.where(labels == 2, 63, 4)),
    ]
    variant = variant._replace(outcomes=outcomes)
    other = view("other", data, affine, 5.5, size=0)
    path = tmp_path_factory.mktemp("small") / "view.html"
    write_page(path, stat_map_of(data, affine, stat="z"), None, [variant, other], atlases=atlases)
    page, _, complaints = opened(path, READY)
    yield page, affine
    assert complaints == []


def test_a_coarse_page_has_true_regions_and_peaks(opened, motor, motor_page, template, tmp_path, monkeypatch):
    """Of a map that is too large for its page voxels that pass are exact; of the others ≈ stands before a mean."""
    data, affine = motor
    shared, _, _, variants = motor_page
    whole, _, _ = opened(Path(unquote(urlsplit(shared.url).path)), READY)  # as it opens: other tests sort and choose
    monkeypatch.setattr("statmap.web.viewer.MOST_VOXELS", data.size // 7)
    stat_map = stat_map_of(data, affine, stat="z", name="motor")
    page, _, complaints = opened(write_page(tmp_path / "view.html", stat_map, template, variants, True), READY)
    assert page.get_by_text("more than the").inner_text().endswith("clusters of such means would be other ones.")
    assert page.is_hidden("#explore") and page.locator("option[value=own]").count() == 0
    for name in ("low", "high"):
        choose(page, name)
        choose(whole, name)
        for row, region in enumerate(next(variant.regions for variant in variants if variant.name == name)):
            rows(page).nth(row).click()
            assert place(page)[1:] == (round(region["peak_value"], 2), region["region"])
        rows(whole).nth(row).click()
        assert (pixels_of(page) == pixels_of(whole)).all()
    thresholded = np.abs(data) >= 3
    for voxel in np.argwhere(thresholded)[::997]:
        go_to(page, to_mm(affine, voxel))
        assert place(page)[1] == round(float(data[tuple(voxel)]), 2)
    voxel = np.argwhere(~thresholded & (data != 0))[1000]
    block = tuple(slice(2 * (index // 2), 2 * (index // 2) + 2) for index in voxel)
    go_to(page, to_mm(affine, voxel))
    said = float(re.search(r"value ≈ (\S+) · below the cutoff", page.inner_text("#place"))[1].replace("−", "-"))
    assert said == pytest.approx(data[block][~thresholded[block]].mean(), abs=0.006)
    address = page.url.partition("#")[0]
    page.goto("about:blank")  # the page that is open may be about to write its own place into its address
    page.goto(f"{address}#cutoff=4&with=own")  # of a page with every value
    page.wait_for_selector(READY)
    assert page.input_value("#variant") == "0" and page.input_value("#with") == ""
    page.select_option("#with", label="high")
    page.wait_for_selector("#pairs:not([hidden])")
    assert rows(page).count() >= len(variants[1].regions)
    page.screenshot(path=tmp_path / "coarse.png")
    assert complaints == []
    page.close()
    whole.close()


def test_a_viewer_sent_by_mail_says_where_its_links_lead(opened, motor_page, tmp_path):
    page = motor_page[0]
    assert page.get_by_text("This page was opened outside").is_hidden()
    sent = tmp_path / "mail" / "attached" / "view.html"
    sent.parent.mkdir(parents=True)
    sent.write_bytes(Path(unquote(urlsplit(page.url).path)).read_bytes())
    page, _, _ = opened(sent, READY)
    page.get_by_text("Summary of all maps (summary.html)").wait_for()
    assert page.get_by_text("methods of this map (motor/map.html)").is_visible()
    choose(page, "high")
    assert page.locator("a[href$='.html']").count() == 0 and page.is_hidden("#message")
    page.close()


VOXELS = {
    "region": ((36, 20, 20), "value 6.00 · region 1 · halves: Right · chances: 63% Right"),
    "too small": (
        (8, 20, 20),
        "value 5.00 · passes the cutoff, in no region: its cluster of 3 voxels is too small · halves: Left · "
        "chances: no label",
    ),
    "no seed": (
        (20, 6, 20),
        "value −4.00 · passes the cutoff, in no region: no seed · halves: Right · chances: 63% Right",
    ),
    "below": ((1, 1, 1), "value 0.50 · below the cutoff · halves: Left · chances: no label"),
}


@pytest.mark.parametrize("voxel", VOXELS)
def test_crosshair_and_pointer_say_value_outcome_and_labels(small_page, voxel):
    page, affine = small_page
    ijk, expected = VOXELS[voxel]
    mm = to_mm(affine, ijk)
    go_to(page, mm)
    assert page.inner_text("#place").partition(" mm · ")[2] == expected
    go_to(page, [0, 0, mm[2]])
    row, column = on_screen(page, mm, "axial")
    box = page.locator("#scene").bounding_box()
    page.mouse.move(box["x"] + column, box["y"] + row)
    assert page.inner_text("#scene .tip").partition(" mm · ")[2] == expected
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.75)  # the 3D view has no voxels
    assert page.is_hidden("#scene .tip")


def test_beside_the_map_there_is_nothing(small_page):
    page, affine = small_page
    go_to(page, to_mm(affine, [-3, 20, 20]))
    assert page.inner_text("#place").endswith("mm · outside of the map")


def test_which_voxels_are_lost_is_a_colour(small_page):
    page, affine = small_page
    page.check("input[value=accounting]")
    assert page.locator("#key span").all_inner_texts() == ["kept 125", "too small 3", "no seed 3"]
    colours = dict(zip(("region", "too small", "no seed"), key_colours(page), strict=True))
    assert len(set(colours.values())) == 3
    for name, colour in colours.items():
        mm = to_mm(affine, VOXELS[name][0])
        go_to(page, [mm[0] + 12, mm[1] + 12, mm[2]])
        assert near(pixels_of(page)[on_screen(page, mm, "axial")], colour), name
    page.check("input[value=value]")
    assert page.is_hidden("#key")


# ---- two variants side by side


def test_two_variants_side_by_side(motor_page, motor, tmp_path):
    page, _, complaints, variants = motor_page
    data, affine = motor
    choose(page, "low")
    page.select_option("#with", label="high")
    page.wait_for_function("scenes.length === 2 && shown.B && shown.B.name === 'high'")
    page.wait_for_selector(READY)
    low, high = variants[:2]

    # one table, matched as matches.csv has it
    matches = match_regions(low.labels, high.labels, affine)
    best = matches["best_a"] | matches["best_b"] | (matches["region_a"] == 0) | (matches["region_b"] == 0)
    expected = [
        (str(a) if a else "–", str(b) if b else "–", f"{dice:.3f}" if a and b else "–")
        for a, b, dice, listed in zip(matches["region_a"], matches["region_b"], matches["dice"], best, strict=True)
        if listed
    ]
    cells = [row.locator("td").all_inner_texts() for row in rows(page).all()]
    assert [(row[0], row[3], row[7]) for row in cells] == expected and len(expected) > 5

    # one crosshair
    rows(page).nth(1).click()
    where, _, _ = place(page)
    page.wait_for_function("!scenes[1].isDue")
    np.testing.assert_allclose(page.evaluate("scenes[1].crosshair"), where, atol=0.051)
    assert f"A: region {cells[1][0]} · B: region {cells[1][3]}" in page.inner_text("#place")

    # voxels of A only and of both
    page.check("input[value=difference]")
    page.screenshot(path=tmp_path / "beside.png")
    counts = [
        np.count_nonzero(kept) for kept in (low.labels > 0, high.labels > 0, (low.labels > 0) & (high.labels > 0))
    ]
    texts = page.locator("#key span").all_inner_texts()
    assert texts == [f"A only {counts[0] - counts[2]:,}", f"B only {counts[1] - counts[2]:,}", f"both {counts[2]:,}"]
    colours = page.locator("#key span").evaluate_all(
        "(all) => all.map((own) => own.style.getPropertyValue('--colour'))"
    )
    for kept, colour in (((low.labels > 0) & (high.labels == 0), colours[0]), ((high.labels > 0), colours[2])):
        ijk = np.argwhere(kept)[len(np.argwhere(kept)) // 2]
        mm = to_mm(affine, ijk)
        go_to(page, [mm[0] + 15, mm[1] + 15, mm[2]])
        page.wait_for_function("!scenes[1].isDue")
        for n, scene in enumerate(("#scene", "#scene-b")):
            assert near(pixels_of(page, scene)[on_screen(page, mm, "axial", n)], colour), (scene, colour)
    assert "with=high" in page.url

    page.select_option("#with", value="")
    page.wait_for_function("scenes.length === 1")
    assert page.is_hidden("#scene-b") and page.is_checked("input[value=value]")
    assert complaints == []


def test_a_variant_beside_the_threshold_that_moves(motor_page):
    page, _, complaints, variants = motor_page
    choose(page, "low")
    page.select_option("#with", label="own threshold")
    page.wait_for_function("scenes.length === 2 && wanted.B === 'own'")
    page.fill("#at", "5")
    page.wait_for_function("shown.B.cutoff === 5 && drawing === null")
    assert page.evaluate("[wanted.A, shown.A.count, shown.B.count]") == [
        0,
        len(variants[0].regions),
        len(variants[1].regions),
    ]
    page.wait_for_function("location.hash.includes('variant=low') && location.hash.includes('cutoff=5')")
    page.reload()
    page.wait_for_function("scenes.length === 2 && wanted.B === 'own' && shown.B && shown.B.cutoff === 5")
    page.wait_for_selector(READY)
    page.select_option("#with", value="")
    page.wait_for_function("scenes.length === 1")
    assert complaints == []


# ---- the 3D view


def test_no_region_shines_through_from_the_other_side(small_page):
    """The region is on the right, the voxels that are too small on the left: from the left there is nothing to see.

    From the front it lies too deep, unless the crosshair is in it.
    """
    page, affine = small_page
    choose(page, "v")
    go_to(page, [0, 0, 30])
    assert [seen_from(page, side).sum() > 300 for side in ("left", "right", "front")] == [False, True, False]
    assert not seen_from(page, "left").any() and not seen_from(page, "front").any()
    go_to(page, to_mm(affine, VOXELS["region"][0]))
    assert not seen_from(page, "left").any()
    at_front = np.argwhere(seen_from(page, "front"))[:, 1]
    assert len(at_front) > 300 and at_front.max() < 150  # the subject's right is on the left


def seen_from(page, side):
    """Where the 3D view shows a region, looked at from a side; the crosshair is green."""
    page.click(f"[data-view={side}]")
    solid = quadrant(pixels_of(page), "solid")[12:-12, 12:-12]
    green = (solid[..., 1] - solid[..., 0] > 20) & (solid[..., 1] - solid[..., 2] > 10)
    return coloured(solid) & ~green


def of_hue(pixels, colour):
    """Pixels of a colour in whatever light."""
    hue = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
    brightest = np.maximum(pixels.max(axis=-1, keepdims=True), 1)
    return coloured(pixels) & (np.abs(pixels / brightest - hue / hue.max()).max(axis=-1) < 0.25)


def test_a_row_turns_the_3d_view_to_its_region(motor_page):
    page, _, _, variants = motor_page
    choose(page, "low")
    page.check("input[value=region]")
    for n, colour in enumerate(page_colours(2)):
        page.click("[data-view=below]")
        rows(page).nth(n).click()
        azimuth, elevation, _ = page.evaluate("scenes[0].view")
        region = variants[0].regions[n]
        assert (azimuth < 180) == (region["peak_x"] < 0)  # left of the middle is looked at from the left
        solid = quadrant(pixels_of(page), "solid")
        found = np.argwhere(of_hue(solid, colour)) / solid.shape[:2]
        assert len(found) > 200 and np.abs(found.mean(axis=0) - 0.5).max() < 0.25
    page.check("input[value=value]")


def test_the_3d_view_is_cut_at_the_crosshair(motor_page, template):
    """The cut shows the slice: the region in its colours, sharp; in front of it there is nothing."""
    page, _, _, variants = motor_page
    choose(page, "low")
    page.click("[data-view=right]")
    region = next(own for own in variants[0].regions if own["peak_x"] > 10)
    go_to(page, [region[f"peak_{axis}"] for axis in "xyz"])
    whole = quadrant(pixels_of(page), "solid")
    page.check("#cut-away")
    cut = quadrant(pixels_of(page), "solid")
    page.uncheck("#cut-away")
    largest = np.abs([own["peak_value"] for own in variants[0].regions]).max()
    peak = colour_of(region["peak_value"], largest)
    assert near(cut, peak, 4).sum() > near(whole, peak, 4).sum() + 5
    slice_ = quadrant(pixels_of(page), "sagittal")
    assert abs(near(cut, peak, 4).mean() - near(slice_, peak, 4).mean()) < 0.02
    assert (np.abs(whole - cut).max(axis=-1) > 20).mean() > 0.05


# ---- the rest of the page


def test_other_buttons_and_double_clicks_on_the_slices_do_nothing(motor_page):
    page, _, _, _ = motor_page
    choose(page, "low")
    rows(page).nth(0).click()
    page.evaluate("scrollTo(0, 0)")  # the mouse reaches what is on the screen
    before = pixels_of(page)
    address = page.url
    box = page.locator("#scene").bounding_box()
    x, y = box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2
    for button in ("right", "middle"):
        page.mouse.move(x, y)
        page.mouse.down(button=button)
        page.mouse.move(x + 60, y + 40, steps=4)
        page.mouse.up(button=button)
        np.testing.assert_array_equal(quadrant(pixels_of(page), "axial"), quadrant(before, "axial"))
    page.focus("#scene")
    for key in "vcdhjkl":
        page.keyboard.press(key)
    page.mouse.move(0, 0)
    np.testing.assert_array_equal(pixels_of(page), before)
    assert page.url == address
    where = page.inner_text("#place")
    page.mouse.dblclick(x, y)
    page.mouse.move(0, 0)
    # A click moves the crosshair, in the next frame; the brightness stays
    page.wait_for_function("where => document.querySelector('#place').innerText !== where", arg=where)
    rows(page).nth(0).click()
    np.testing.assert_array_equal(quadrant(pixels_of(page), "axial"), quadrant(before, "axial"))


def test_a_double_click_on_the_3d_view_goes_to_the_surface(motor_page):
    page, _, complaints, _ = motor_page
    choose(page, "low")
    page.click("[data-view=left]")
    box = page.locator("#scene").bounding_box()
    page.mouse.dblclick(box["x"] + box["width"] * 0.74, box["y"] + box["height"] * 0.72)
    page.wait_for_function("scenes[0].crosshair[0] < -40")
    assert complaints == []


def test_on_paper_nothing_is_cut_and_the_picture_stands_for_the_scenes(motor_page):
    page, _, complaints, _ = motor_page
    choose(page, "low")
    page.fill("#at", "1.5")
    page.fill("#size", "0")
    page.wait_for_function("!isDue && drawing === null && clusters.regions.length > 60")
    cut = "(() => { const { scrollHeight, clientHeight } = [...document.querySelectorAll('.tables .scroll')]"
    cut += ".find((own) => own.clientHeight); return scrollHeight - clientHeight; })()"
    assert page.evaluate(cut) > 100
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(cut) == 0
    assert page.is_visible(".printed") and page.is_hidden("#scene") and page.is_hidden("#colours")
    colours = page.evaluate("[getComputedStyle(document.body)].map(({ color }) => color)")
    assert colours == ["rgb(28, 36, 48)"]  # as in the light scheme
    page.emulate_media(media="screen", color_scheme="light")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".printed").count() == 0 and page.is_visible("#scene")
    assert complaints == []


def test_the_picture_has_the_scene_and_its_scale(motor_page, tmp_path):
    page, _, complaints, _ = motor_page
    choose(page, "low")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "motor_low.png"
    download.value.save_as(tmp_path / "picture.png")
    picture = np.asarray(Image.open(tmp_path / "picture.png").convert("RGB"), dtype=int)
    scene = pixels_of(page)
    height = 2 * scene.shape[0]
    assert picture.shape[1] == 2 * scene.shape[1] and height + 100 < picture.shape[0] < height + 300
    # the scene, finer; what differs are frames and letters
    again = np.asarray(
        Image.fromarray(picture[:height].astype(np.uint8)).resize(scene.shape[1::-1], Image.BOX), dtype=int
    )
    assert np.median(np.abs(again - scene)) <= 2 and (np.abs(again - scene).max(axis=-1) < 30).mean() > 0.9
    # the scale below it, dark between the cutoffs
    bar = picture[height + 24 + 10]
    assert near(bar[24 + 2], DIVERGING[0], 8) and near(bar[-24 - 3], DIVERGING[-1], 8)
    assert bar[len(bar) // 2].max() < 60
    assert complaints == []


def test_a_picture_of_two_variants(motor_page, tmp_path):
    page, _, complaints, _ = motor_page
    choose(page, "low")
    page.select_option("#with", label="high")
    page.wait_for_function("scenes.length === 2 && shown.B")
    page.check("input[value=difference]")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "motor_low_high.png"
    download.value.save_as(tmp_path / "picture.png")
    picture = np.asarray(Image.open(tmp_path / "picture.png").convert("RGB"), dtype=int)
    assert picture.shape[1] == 2 * (pixels_of(page).shape[1] + pixels_of(page, "#scene-b").shape[1] + 8)
    key = picture[-300:]
    colours = page.locator("#key span").evaluate_all(
        "(all) => all.map((own) => own.style.getPropertyValue('--colour'))"
    )
    assert all(near(key, colour, 1).sum() > 200 for colour in colours)
    page.select_option("#with", value="")
    page.wait_for_function("scenes.length === 1")
    assert complaints == []


def test_without_webgl_the_tables_still_work(chromium, motor_page):
    other = chromium.new_page()
    other.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    other.goto(motor_page[0].url.partition("#")[0])
    other.wait_for_selector(READY)
    assert "WebGL2" in other.inner_text("#message")
    other.locator("th:visible button").first.click()
    assert other.locator("th:visible").first.get_attribute("aria-sort") == "ascending"
    assert rows(other).count() == len(motor_page[3][0].regions)
    other.select_option("#with", label="high")
    other.wait_for_function("shown.B && shown.B.name === 'high'")
    assert rows(other).count() > 3
    other.close()


def test_arrow_keys_move_the_crosshair_by_a_voxel(motor_page):
    page, _, _, variants = motor_page
    choose(page, "high")
    rows(page).nth(0).click()
    start, _, _ = place(page)
    page.focus("#scene")
    for keys, moved in (
        (["ArrowRight"], (3, 0, 0)),
        (["ArrowLeft", "ArrowUp"], (0, 3, 0)),
        (["ArrowDown", "PageUp", "PageUp"], (0, 0, 6)),
        (["PageDown"], (0, 0, 3)),
    ):
        for key in keys:
            page.keyboard.press(key)
        np.testing.assert_allclose(np.subtract(place(page)[0], start), moved, atol=0.11)


def test_regions_have_their_numbers_on_the_slices(motor_page, tmp_path):
    page, _, complaints, variants = motor_page
    choose(page, "low")
    rows(page).nth(0).click()
    page.wait_for_function("document.querySelectorAll('.numbers span').length > 2")
    numbers = page.evaluate(
        """[...document.querySelectorAll("#scene .numbers span")].map((span) => {
          const box = span.getBoundingClientRect(), { left, top } = span.parentElement.getBoundingClientRect();
          return [Number(span.textContent), box.left + box.width / 2 - left, box.top + box.height / 2 - top];
        })"""
    )
    assert {1} < {region for region, _, _ in numbers} <= set(range(1, len(variants[0].regions) + 1))
    page.check("input[value=region]")
    page.screenshot(path=tmp_path / "numbers.png")
    pixels = pixels_of(page)
    page.check("input[value=value]")
    for region, x, y in numbers:  # beside its number, a region has its colour
        around = pixels[max(round(y) - 14, 0) : round(y) + 15, max(round(x) - 14, 0) : round(x) + 15]
        assert near(around, page_colours(40)[region - 1]).any(), region
    page.uncheck("#numbered")
    page.wait_for_function("document.querySelectorAll('.numbers span').length === 0")
    page.check("#numbered")
    assert complaints == []


def test_without_a_template_the_background_is_dim(opened, motor, tmp_path):
    data, affine = motor
    variants = [view("high", data, affine, 5.0)]
    path = write_page(tmp_path / "view.html", stat_map_of(data, affine, stat="z"), None, variants)
    page, _, complaints = opened(path, READY)
    pixels = quadrant(pixels_of(page), "axial")
    grey = (np.ptp(pixels, axis=2) < 4) & (pixels.min(axis=2) > 20)
    assert grey.mean() > 0.05
    assert (pixels[grey].mean(axis=1) < 110).mean() > 0.9
    page.screenshot(path=tmp_path / "dim.png")
    assert complaints == []
    page.close()


@pytest.mark.parametrize("address", ["", "#variant=low&with=high"])
def test_on_a_telephone_the_page_does_not_scroll_sideways(opened, motor_page, address):
    page, _, _ = opened(Path(unquote(urlsplit(motor_page[0].url).path)), READY)
    if address:
        page.goto(page.url.partition("#")[0] + address)
        page.wait_for_function("scenes.length === 2")
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.close()
