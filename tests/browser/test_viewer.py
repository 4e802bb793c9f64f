"""The interactive page in headless Chromium: no network, no error, and every row leads to its peak."""

import io
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from calls import regions_sidecar, stat_map_of, threshold_sidecar
from nibabel.affines import apply_affine as to_mm
from PIL import Image
from scipy import ndimage

from statmap.grid import voxel_volume
from statmap.inference.thresholds import Cutoff
from statmap.io.images import read_image
from statmap.web.colours import page_colours
from statmap.web.viewer import VariantView, viewer_page

pytestmark = pytest.mark.slow

READY = "#scene[aria-busy=false]"
KEYS = {"signs": "split", "connectivity": 6, "min_region_size": 1500, "size_rule": ">"}


def view(name, data, affine, cutoff, sided="two"):
    """Connected suprathreshold voxels of either sign above 1500 mm3, largest first."""
    positive, n = ndimage.label(data >= cutoff)
    negative, _ = ndimage.label(data <= -cutoff)
    both = np.where(negative > 0, negative + n, positive)
    counts = np.bincount(both.ravel())
    order = [blob for blob in np.argsort(-counts[1:]) + 1 if counts[blob] * voxel_volume(affine) > 1500]
    new = np.zeros(len(counts), int)
    new[order] = np.arange(1, len(order) + 1)
    labels, rows = new[both], []
    for region, blob in enumerate(order, start=1):
        peak = np.unravel_index(np.argmax(np.abs(data) * (labels == region)), data.shape)
        x, y, z = to_mm(affine, [peak])[0]
        rows.append(
            {
                "region": region,
                "sign": "positive" if data[peak] > 0 else "negative",
                "volume_mm3": counts[blob] * voxel_volume(affine),
                "peak_value": float(data[peak]),
                "peak_x": x,
                "peak_y": y,
                "peak_z": z,
            }
        )
    thresholded = threshold_sidecar(Cutoff(cutoff, ">=", "value"), KEYS | {"sided": sided}, rule=f"|x| ≥ {cutoff:g}")
    return VariantView(name, thresholded, regions_sidecar(KEYS | {"sided": sided}), labels, rows)


@pytest.fixture(scope="module")
def template(template_path):
    return read_image(template_path)


@pytest.fixture(scope="module")
def motor_page(opened, motor, template, tmp_path_factory):
    data, affine = motor
    variants = [view(name, data, affine, cutoff) for name, cutoff in (("low", 3.0), ("high", 5.0), ("nothing", 9.0))]
    path = tmp_path_factory.mktemp("viewer") / "view.html"
    stat_map = stat_map_of(data, affine, stat="z", name="motor")
    path.write_text(viewer_page(stat_map, template, variants, True), encoding="utf-8")
    return *opened(path, READY), variants


def place(page):
    """Coordinates, value and region that the page shows."""
    text = page.inner_text("#place").replace("−", "-")
    x, y, z, value = map(float, re.match(r"x (\S+) y (\S+) z (\S+) mm · value (\S+)", text).groups())
    region = re.search(r"region (\d+)", text)
    return (x, y, z), value, int(region[1]) if region else 0


def rows(page):
    return page.locator("table:visible tbody tr")


def choose(page, variant):
    page.select_option("#variant", label=variant)
    page.wait_for_selector(READY)


def shares(page, colour):
    """Share of the scene's pixels that have a colour, to 3 of 255 in each channel."""
    pixels = np.asarray(Image.open(io.BytesIO(page.locator("#scene").screenshot())).convert("RGB"), dtype=int)
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return (np.abs(pixels - wanted).max(axis=2) <= 3).mean()


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
    page.check("#by-value")
    by_value = shares(page, first)
    page.check("#by-region")
    page.screenshot(path=tmp_path / "regions.png")
    assert shares(page, first) > by_value + 0.005
    rows(page).nth(1).click()
    assert shares(page, second) > 0.003
    page.check("#by-value")


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
    for _ in range(18):
        page.keyboard.press("Tab")
        stop = "[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"
        stops.append(tuple(page.evaluate(stop)))
    assert {("scene", "solid"), ("slide", "solid"), ("copy", "solid")} <= set(stops)
    assert {outline for _, outline in stops} == {"solid"}, stops


def test_an_address_names_the_variant(chromium, motor_page):
    other = chromium.new_page()
    other.goto(motor_page[0].url.partition("#")[0] + "#variant=high")
    other.wait_for_function("document.querySelector('#variant').selectedOptions[0].text === 'high'")
    other.close()


def test_oblique_anisotropic_map_and_more_than_255_regions(opened, template, tmp_path):
    turn, tilt = 0.4, 0.3
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    rotation = rotation @ [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    affine = np.eye(4)
    affine[:3, :3] = rotation * [-3, 2.5, 4]
    affine[:3, 3] = [60, -70, -60]
    ijk = np.argwhere(np.ones((8, 8, 5))) * [5, 6, 5] + 2
    data, labels = np.zeros((42, 50, 26)), np.zeros((42, 50, 26), int)
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
    one_sided = view("v", data, affine, 4.0, "positive")._replace(labels=labels, regions=regions)
    page = viewer_page(stat_map_of(data, affine, name="oblique"), template, [one_sided], True)
    (tmp_path / "view.html").write_text(page, encoding="utf-8")
    page, _, complaints = opened(tmp_path / "view.html", READY)
    for region in (1, 100, 256, 320):
        rows(page).nth(region - 1).click()
        where, value, label = place(page)
        np.testing.assert_allclose(where, peaks[region - 1], atol=0.051)
        assert (value, label) == (round(data[tuple(ijk[region - 1])], 2), region)
    page.screenshot(path=tmp_path / "oblique.png")
    boxes = [span.bounding_box() for span in page.locator("#numbers span").all()]
    assert len(boxes) > 10
    for n, one in enumerate(boxes):  # no number lies on another
        for other in boxes[:n]:
            inside = [
                min(one[at] + one[size], other[at] + other[size]) - max(one[at], other[at])
                for at, size in (("x", "width"), ("y", "height"))
            ]
            assert min(inside) <= 1
    assert complaints == []


def test_without_webgl_the_tables_still_work(chromium, motor_page):
    other = chromium.new_page()
    other.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    other.goto(motor_page[0].url)
    other.wait_for_selector(READY)
    assert "WebGL2" in other.inner_text("#message")
    other.locator("th:visible button").first.click()
    assert other.locator("th:visible").first.get_attribute("aria-sort") == "ascending"
    assert rows(other).count() == len(motor_page[3][0].regions)


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
    page.wait_for_function("document.querySelectorAll('#numbers span').length > 2")
    scene = page.locator("#scene").bounding_box()
    spans = page.locator("#numbers span").all()
    assert {"1"} < {span.inner_text() for span in spans} <= {str(n + 1) for n in range(len(variants[0].regions))}
    page.check("#by-region")
    page.screenshot(path=tmp_path / "numbers.png")
    pixels = np.asarray(Image.open(io.BytesIO(page.locator("#scene").screenshot())).convert("RGB"), dtype=int)
    page.check("#by-value")
    for span in spans:  # beside its number, a region has its colour
        box = span.bounding_box()
        x, y = (round(box[at] + box[size] / 2 - scene[at]) for at, size in (("x", "width"), ("y", "height")))
        around = pixels[max(y - 14, 0) : y + 15, max(x - 14, 0) : x + 15]
        colour = page_colours(40)[int(span.inner_text()) - 1]
        wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
        assert (np.abs(around - wanted).max(axis=2) <= 3).any(), span.inner_text()
    page.uncheck("#numbered")
    page.wait_for_function("document.querySelectorAll('#numbers span').length === 0")
    page.check("#numbered")
    assert complaints == []


def test_without_a_template_the_background_is_dim(opened, motor, tmp_path):
    data, affine = motor
    stat_map = stat_map_of(data, affine, stat="z", name="motor")
    text = viewer_page(stat_map, None, [view("high", data, affine, 5.0)], False)
    (tmp_path / "view.html").write_text(text, encoding="utf-8")
    page, _, complaints = opened(tmp_path / "view.html", READY)
    pixels = np.asarray(Image.open(io.BytesIO(page.locator("#scene").screenshot())).convert("RGB"), dtype=int)
    grey = (np.ptp(pixels, axis=2) < 4) & (pixels.min(axis=2) > 20)
    assert grey.mean() > 0.05
    assert (pixels[grey].mean(axis=1) < 110).mean() > 0.9
    page.screenshot(path=tmp_path / "dim.png")
    assert complaints == []
    page.close()


def test_on_a_telephone_the_page_does_not_scroll_sideways(opened, motor_page):
    page, _, _ = opened(Path(unquote(urlsplit(motor_page[0].url).path)), READY)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.close()
