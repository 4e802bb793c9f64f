"""The page of a map and the summary of many, in headless Chromium: sorted, filtered, readable without their figures."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image

from statmap.tables.columns import REGIONS
from statmap.tables.warned import Warned
from statmap.web.map_page import Beside, VariantPage, map_page
from statmap.web.maps_page import Agreement, maps_page
from statmap.web.methods import Methods
from statmap.web.summary import Published, summary_page

pytestmark = pytest.mark.slow

MAPS, VARIANTS = 200, 5
ACCOUNTING = {"suprathreshold": 10, "kept": 7, "too_small": 3, "unseeded": 0, "seed_only": 0}


@pytest.fixture(scope="module")
def rows():
    numbers = ["suprathreshold", "kept", "too_small", "unseeded", "seed_only", "connectivity", "min_region_size"]
    return [
        {
            "map": f"map-{m:03d}",
            "variant": f"variant-{v}",
            "rule": f"|z| ≥ {v + 2}",
            "signs": "split",
            "n_regions": (m * 7 + v) % 50,
            "volume_mm3": 27.0 * ((m * 13 + v) % 997),
            "largest_mm3": 27.0,
            "warning": "none",
            **dict.fromkeys(numbers, 1),
        }
        for m in range(MAPS)
        for v in range(VARIANTS)
    ]


@pytest.fixture(scope="module")
def summary(opened, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("summary")
    (folder / "summary.csv").write_text("map,variant\n", encoding="utf-8")
    warnings = [
        Warned(row["map"], row["variant"], f"{n} of 1000 voxels are lost" if n % 3 else "no template")
        for n, row in enumerate(rows)
        if n % 10 < 2
    ]
    pairs = [{"map": row["map"], "variant_a": row["variant"], "variant_b": "x", "dice": 0.5} for row in rows]
    page = summary_page(rows, warnings, pairs, Published(), folder / "summary.csv", ["map", "view"])
    (folder / "summary.html").write_text(page, encoding="utf-8")
    (folder / "map-000").mkdir()
    (folder / "map-000/map.html").write_text("<!DOCTYPE html><p>The page of a map", encoding="utf-8")
    page, requests, complaints = opened(folder / "summary.html")
    yield page
    assert all(url.startswith(("file:", "data:")) for url in requests) and complaints == []


def shown(page, table=0):
    return page.locator("table").nth(table).locator("tbody tr:visible")


def test_a_thousand_rows_are_filtered_by_map_variant_and_warning(summary, tmp_path):
    page = summary
    assert shown(page).count() == MAPS * VARIANTS
    assert page.inner_text("#shown") == ""
    page.fill("#words", "map-007")
    assert [shown(page, n).count() for n in range(3)] == [VARIANTS] * 3
    page.fill("#words", "VARIANT-2 |z|")
    assert shown(page).count() == MAPS
    assert page.inner_text("#shown") == f"{MAPS} of {MAPS * VARIANTS} rows"
    page.fill("#words", "no template")
    warned = shown(page).count()
    page.fill("#words", "")
    page.check("#warned")
    assert 0 < warned < shown(page).count() == 200
    page.uncheck("#warned")
    page.screenshot(path=tmp_path / "summary.png")


def test_a_thousand_rows_are_sorted_by_keyboard(summary, rows):
    page = summary
    page.fill("#words", "")
    heading = page.locator("th", has_text="mm³").first
    heading.locator("button").press("Enter")
    column = heading.evaluate("heading => heading.cellIndex")
    found = (
        page.locator("table")
        .first.locator(f"tbody td:nth-child({column + 1})")
        .evaluate_all("cells => cells.map((cell) => Number(cell.dataset.key))")
    )
    assert found == sorted((row["volume_mm3"] for row in rows), reverse=True)


def test_warnings_are_grouped_and_lead_to_the_variant(summary):
    groups = summary.locator(".warnings > li")
    assert groups.count() == 2
    assert groups.first.locator("summary").inner_text() == "100 maps: 1 to 991 of 1000 voxels are lost"
    groups.nth(1).locator("summary").press("Enter")
    link = groups.nth(1).locator("a").first
    assert link.is_visible() and link.get_attribute("href") == "map-000/map.html#variant-0"


def test_on_paper_the_summary_has_its_warnings_whole_and_no_form(summary):
    place = summary.locator(".warnings details:not([open]) a").first
    assert not place.evaluate("place => place.checkVisibility()") and summary.locator(".filter").is_visible()
    summary.emulate_media(media="print")
    assert place.evaluate("place => place.checkVisibility()") and summary.locator(".filter").is_hidden()
    summary.emulate_media(media="screen")


@pytest.fixture(scope="module")
def map_folder(tmp_path_factory):
    """A folder with the page of a map of two variants, and their figures at 300 dpi."""
    folder = tmp_path_factory.mktemp("map")
    (folder / "t.csv").write_text("map,region\nm,1\n", encoding="utf-8")
    for path in (folder / "one/threshold.png", folder / "two/threshold.png", folder / "dice.png"):
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (1200, 400), "#c04020").save(path, dpi=(300, 300))
    names = "n_voxels volume_mm3 peak_value peak_x peak_y peak_z mean_value p_peak tdp robust_low robust_high margin"
    regions = [
        {"map": "m", "variant": "v", "region": n, "sign": "positive", "aal_peak": "Precentral_L"} for n in (1, 2)
    ]
    regions = [dict.fromkeys(REGIONS) | row | dict.fromkeys(names.split(), 12345) for row in regions]
    files = ("regions.csv", "peaks.csv", "table.tsv")
    variants = [
        VariantPage(
            name,
            "|z| ≥ 3",
            ["many voxels are lost"],
            ACCOUNTING,
            regions,
            [],
            dict.fromkeys(files, folder / "t.csv") | {"threshold.png": folder / name / "threshold.png"},
            Methods(f"What was done as {name}.", ["Doe 2020", "Roe 2021"], "@misc{doe}\n\n@misc{roe}"),
        )
        for name in ("one", "two")
    ]
    page = map_page("m", "a z map", variants, [folder / "dice.png"], Beside(folder, max_pages=2, view=True))
    (folder / "map.html").write_text(page, encoding="utf-8")
    return folder


def test_a_map_page_has_its_figures_in_it(opened, map_folder, tmp_path):
    page, requests, _ = opened(map_folder / "map.html")
    page.wait_for_load_state()
    assert page.locator("figure:visible").count() == 3
    assert page.locator("img:visible").first.evaluate("image => image.naturalWidth") == 600
    assert page.locator("figure > a").first.get_attribute("href") == "one/threshold.png"
    page.screenshot(path=tmp_path / "map.png", full_page=True)
    page.get_by_role("link", name=re.compile("^two")).click()
    assert page.evaluate("document.getElementById('two').getBoundingClientRect().top") < 450
    with page.expect_download() as saved:
        page.get_by_role("link", name="all columns, as CSV").first.click()
    assert saved.value.suggested_filename == "m_one_regions.csv"
    assert saved.value.path().read_bytes() == (map_folder / "t.csv").read_bytes()
    assert all(url.startswith(("file:", "data:")) for url in requests)
    page.close()


def test_methods_are_copied(opened, map_folder):
    page, _, complaints = opened(map_folder / "map.html", permissions=["clipboard-read", "clipboard-write"])
    page.locator(".methods > .head button.copy").nth(1).press("Enter")
    page.get_by_text("copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "What was done as two.\nDoe 2020\nRoe 2021\n"
    page.get_by_text("References as BibTeX").nth(0).click()
    page.locator("details button.copy").nth(0).press("Enter")
    page.wait_for_function("document.querySelector('details button.copy').textContent === 'copied'")
    assert page.evaluate("navigator.clipboard.readText()") == "@misc{doe}\n\n@misc{roe}\n"
    page.close()


def test_a_table_that_is_cut_says_where_the_rest_is_also_when_it_is_copied(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("statmap.web.tables.LARGE_FILE", 10)
    (tmp_path / "v").mkdir()
    files = {name: tmp_path / "v" / name for name in ("regions.csv", "peaks.csv", "table.tsv")}
    for path in files.values():
        path.write_text("map,region\nm,1\n", encoding="utf-8")
    Image.new("RGB", (60, 20)).save(tmp_path / "v/threshold.png")
    ids = {"map": "m", "variant": "v", "cutoff": 3.0}
    regions = [
        dict.fromkeys(REGIONS) | ids | {"region": n, "sign": "positive", "n_voxels": 900 - n, "peak_value": 9 - n / 100}
        for n in range(1, 601)
    ]
    peaks = [ids | {"region": row["region"], "peak": 1, "value": row["peak_value"], "x": 1.0} for row in regions]
    methods, figures = Methods("Text.", [], ""), {"threshold.png": tmp_path / "v/threshold.png"}
    variant = VariantPage("v", "|z| ≥ 3", [], ACCOUNTING, regions, peaks, files | figures, methods)
    text = map_page("m", "z", [variant._replace(table_columns=["value"])], [], Beside(tmp_path))
    (tmp_path / "map.html").write_text(text, encoding="utf-8")
    page, _, complaints = opened(tmp_path / "map.html", permissions=["clipboard-read", "clipboard-write"])
    said = "The first 500 of 600 rows; all are in {}."
    for file in ("table.tsv", "regions.csv"):
        assert page.get_by_text(said.format(file)).is_visible()
    assert page.locator("tbody tr").count() == 1000
    page.get_by_role("button", name="as Markdown").click()
    page.get_by_text(f"copied as Markdown. {said.format('table.tsv')}").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"\n{said.format('table.tsv')}\n")
    with page.expect_download() as download:
        page.get_by_role("link", name="all columns, as CSV").click()
    assert download.value.path().read_bytes() == files["regions.csv"].read_bytes()
    page.screenshot(path=tmp_path / "cut.png")
    page.close()
    sent = tmp_path / "sent" / "map.html"
    sent.parent.mkdir()
    sent.write_text(text, encoding="utf-8")
    page, _, _ = opened(sent)
    page.get_by_text("all columns, as CSV (m/v/regions.csv)").wait_for()
    assert complaints == []
    page.close()


def test_a_summary_sent_by_mail_says_where_its_links_lead(opened, summary, tmp_path):
    assert summary.get_by_text("This page was opened outside").is_hidden()
    sent = tmp_path / "summary.html"
    sent.write_bytes(Path(unquote(urlsplit(summary.url).path)).read_bytes())
    page, _, complaints = opened(sent)
    page.get_by_text("This page was opened outside").wait_for()
    assert page.get_by_text("The page of a map is map.html in the folder with the name of the map.").is_visible()
    assert page.locator("a[href$='.html'], a[href*='.html#']").count() == 0
    assert page.locator("td [title='map-003/map.html']").first.inner_text() == "map-003"
    assert page.locator("a.save").count() == 1 and all("ERR_FILE_NOT_FOUND" in text for text in complaints)
    page.close()


def test_the_page_of_all_maps_says_where_each_region_is_found(opened, tmp_path):
    for name in ("maps.csv", "maps_found.csv"):
        (tmp_path / name).write_text("variant\nv\n", encoding="utf-8")
    (tmp_path / "overlap").mkdir()
    figure = tmp_path / "overlap/v_overlap.png"
    Image.new("RGB", (600, 200), "#c04020").save(figure, dpi=(150, 150))
    rows = [
        {
            "map": name,
            "region": 1,
            "sign": "positive",
            "volume_mm3": 270.0,
            "n_maps": n,
            "regions@a": "1",
            "regions@b": cell,
        }
        for name, n, cell in (("a", 2, "3 1"), ("b", 1, None))
    ]
    pairs = [{"variant": "v", "map_a": "a", "map_b": "b", "overlap_voxels": 3, "dice": 0.3}]
    files = {name: tmp_path / name for name in ("maps.csv", "maps_found.csv")}
    text = maps_page(["a", "b"], ["c"], [Agreement("v", pairs, rows, {"Number of maps": figure})], files, True)
    (tmp_path / "maps.html").write_text(text, encoding="utf-8")
    page, requests, complaints = opened(tmp_path / "maps.html")
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    cells = page.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells == ["a", "1", "positive", "270", "2", "1", "3 1"]
    assert page.get_by_role("link", name="a", exact=True).first.get_attribute("href") == "a/map.html#v"
    assert page.get_by_text("On another grid, and left out: c.").is_visible()
    assert page.locator("img").evaluate("image => image.naturalWidth") == 600
    assert all(url.startswith(("file:", "data:")) for url in requests) and complaints == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_telephone_tables_scroll_and_the_page_does_not(opened, map_folder, scheme, tmp_path):
    page, _, _ = opened(map_folder / "map.html", color_scheme=scheme)
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.locator("img").first.bounding_box()["width"] == 600  # figures scroll likewise: their words stay legible
    scroll = page.locator(".scroll").first
    assert scroll.evaluate("part => part.scrollWidth > part.clientWidth")
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (brightness(ink) < brightness(paper)) == (scheme == "light")
    assert abs(brightness(ink) - brightness(paper)) > 150
    page.screenshot(path=tmp_path / "telephone.png", full_page=True)
    page.close()


def brightness(colour):
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_inside_another_page_it_reads_well_alone(chromium, map_folder):
    page = chromium.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content("<iframe></iframe>")
    page.evaluate(
        """(text) => {
          document.querySelector("iframe").src = URL.createObjectURL(new Blob([text], { type: "text/html" }));
        }""",
        (map_folder / "map.html").read_text(encoding="utf-8"),
    )
    frame = page.frame_locator("iframe")
    frame.get_by_text("What was done as one.").wait_for()
    says_where_everything_is(frame)
    assert complaints == []
    page.close()


def says_where_everything_is(page):
    """Of a page without the files beside it: its pictures are there, no link leads to a file, names of files do."""
    page.get_by_text("This page was opened outside").wait_for()
    assert page.locator("img:visible").count() == 3
    assert page.locator("a[href$='.html'], a[href$='.png'], a[href^='view']").count() == 0
    for said in ("Summary of all maps (summary.html)", "adjustable threshold (m/view.html)"):
        assert page.get_by_text(said).is_visible()
    assert page.locator("[title='m/one/pages/region-002.png']").inner_text() == "2"
    assert page.locator("a[href='#two']").count() == 1


def test_a_page_sent_by_mail_has_its_figures_and_says_where_the_rest_is(opened, map_folder, tmp_path):
    sent = tmp_path / "map.html"
    sent.write_bytes((map_folder / "map.html").read_bytes())
    page, _, _ = opened(sent)
    says_where_everything_is(page)
    page.close()
    page, _, complaints = opened(map_folder / "map.html")
    assert page.get_by_role("link", name="Summary of all maps").get_attribute("href") == "../summary.html"
    assert page.get_by_text("This page was opened outside").is_hidden() and complaints == []
    page.close()
