"""The report of a real run in headless Chromium: no network, no error, and a reader finds what was computed."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from statmap.figures.captions import SWEEP_FIGURES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CONFIG = """
maps: maps.tsv
variants:
  nilearn: {threshold: 3.0, convention: nilearn}
  nothing: {threshold: 99}
  split_: {threshold: 3.5, extract_type: connected_components}
sweep: {thresholds: [3, 4], min_region_sizes: [0, 500]}
report_pages: true
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder in which the workflow ran over the embedded map and a small one, and wrote its report."""
    folder = tmp_path_factory.mktemp("report")
    ijk = np.indices((14, 15, 16)) - np.array([5, 6, 7]).reshape(3, 1, 1, 1)
    small = nib.Nifti1Image((6 * np.exp(-(ijk**2).sum(axis=0) / 18)).astype(np.float32), np.diag([3.0, 3, 3, 1]))
    nib.save(small, folder / "small.nii.gz")
    rows = ["map\tsource\tstat\tspace", "motor\tsample:motor\tz\tMNI152", "small\tsmall.nii.gz\tt\tnative"]
    (folder / "maps.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "overlay.yaml").write_text(CONFIG, encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "2"]
        + ["--configfile", folder / "overlay.yaml", "--report", folder / "results/report.html", "--report-after-run"],
        check=True,
        env=os.environ | {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},  # nobody listens
    )
    return folder


@pytest.fixture(scope="module")
def report(run, opened):
    """The open report, the addresses that it asked for, and what it complained about."""
    return opened(run / "results/report.html", "nav")


@pytest.fixture
def page(report):
    """The report at its first page; a test fails that made it complain or ask the network for anything."""
    page, requests, complaints = report
    page.locator("nav li, nav a").first.wait_for()
    page.evaluate("app.setView({ navbarMode: 'menu', content: 'rulegraph' })")
    yield page
    assert requests and all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
    assert complaints == []


def entries(page):
    """What the reporter's menu lists: its labels, line by line."""
    return [row.inner_text().split("\t")[:3] for row in page.locator("nav tbody tr").all()]


def choose(page, *names):
    """Click through categories and subcategories of the menu."""
    for name in names:
        page.locator("nav li a", has_text=re.compile(f"^{re.escape(name)}$")).click()


def look(page, label, button=0):
    """Click the eye (0) or the i (1) of an entry."""
    page.locator("nav tbody tr", has=page.get_by_role("cell", name=label, exact=True)).locator("a").nth(button).click()


def caption_of(page):
    """The caption that the menu shows."""
    return " ".join(page.locator("nav .prose").inner_text().split())


def read(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_opens_with_the_rule_graph_and_where_to_look_first(page, tmp_path):
    page.get_by_text("Look first").wait_for()
    page.screenshot(path=tmp_path / "start.png")
    page.get_by_role("link", name="summary of all maps").click()
    page.frame_locator("iframe").get_by_text("What was found").wait_for()


def test_run_times_are_shown(page, tmp_path):
    choose(page, "Statistics")
    page.locator("canvas, svg.marks").first.wait_for()
    page.screenshot(path=tmp_path / "statistics.png")
    choose(page, "About")
    page.get_by_text("Embedded packages").wait_for()


@pytest.mark.parametrize("map_id", ["motor", "small"])
def test_filters_by_map_and_variant(page, run, map_id, tmp_path):
    for variant in ("nothing", "split_", "nilearn"):
        page.evaluate("app.setView({ navbarMode: 'menu' })")
        choose(page, map_id, variant)
        found = entries(page)
        regions = read(run / f"results/{map_id}/{variant}/regions.csv")
        pages = [f"zoom on region {int(row['region']):03d}" for row in regions]
        figures = ["accounting", "glass", "regions", "surface", "threshold"]
        assert found == [[map_id, variant, show] for show in [*figures, *pages]]
    page.screenshot(path=tmp_path / "variant.png")
    assert len(pages) > 0


def test_every_figure_opens_and_has_a_caption(page, run, tmp_path):
    choose(page, "motor", "split_")
    for label in ("threshold", "regions", "glass", "surface", "accounting", "zoom on region 001"):
        look(page, label)
        image = page.locator("img[src^='data:image/png']:visible").last
        page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
        assert image.evaluate("image => image.naturalWidth") > 800
        look(page, label, button=1)
        assert "motor" in caption_of(page)
        page.screenshot(path=tmp_path / f"{label}.png")
        page.get_by_role("link", name="split_", exact=True).click()


def test_tables_sort_and_save(page, run, tmp_path):
    choose(page, "motor", "all variants")
    look(page, "tables")
    frame = page.frame_locator("iframe")
    # Its figures are in it; what is in files beside it is named.
    assert frame.locator("figure:visible img").first.evaluate("image => image.naturalWidth") > 800
    assert frame.get_by_text("Summary of all maps (summary.html)").is_visible()
    assert frame.locator("a[href$='.png'], a[href$='.html']").count() == 0
    frame.get_by_text("Methods paragraph").first.wait_for()
    frame = frame.locator("#split_")
    regions = read(run / "results/motor/split_/regions.csv")
    table = frame.locator("table:not(.clusters)").first
    assert table.locator("tbody tr").count() == len(regions) > 2
    heading = table.locator("th", has_text=re.compile("^Peak$"))
    column = heading.evaluate("heading => heading.cellIndex")
    for key, order in (("Enter", "descending"), ("Space", "ascending")):  # by magnitude
        heading.locator("button").press(key)
        assert heading.get_attribute("aria-sort") == order
        shown = [text.replace("−", "-") for text in table.locator(f"td:nth-child({column + 1})").all_inner_texts()]
        expected = sorted((float(row["peak_value"]) for row in regions), key=abs, reverse=order == "descending")
        assert shown == [f"{value:.2f}" for value in expected]
    page.screenshot(path=tmp_path / "tables.png")
    with page.expect_download() as download:
        frame.get_by_role("link", name="all columns, as CSV").first.click()
    assert download.value.suggested_filename == "motor_split__regions.csv"
    assert download.value.path().read_bytes() == (run / "results/motor/split_/regions.csv").read_bytes()


def test_rule_accounting_and_methods_stand_by_the_tables(page):
    choose(page, "motor", "all variants")
    look(page, "tables")
    section = page.frame_locator("iframe").locator("#split_")
    text = section.inner_text()
    assert "|z| ≥ 3.5" in text and "voxels pass the threshold" in text
    assert "mm³" in section.locator(".methods").inner_text()


def test_nothing_found_is_said(page, tmp_path):
    choose(page, "motor", "all variants")
    look(page, "tables")
    frame = page.frame_locator("iframe").locator("#nothing")
    frame.get_by_text("No region: no voxel passes the threshold.").wait_for()
    assert frame.locator("table").count() == 0
    page.screenshot(path=tmp_path / "nothing.png")


def test_summary_shows_warnings_loudly(page, run, tmp_path):
    choose(page, "All maps")
    look(page, "summary")
    frame = page.frame_locator("iframe")
    rows = read(run / "results/summary.csv")
    warned = [row for row in rows if row["warning"] != "none"]
    assert 0 < len(warned) < len(rows) == 6
    places = frame.locator(".warnings details span[title]").all_text_contents()  # of a report: text, no links
    assert {place.split(" · ")[0] for place in places} == {row["map"] for row in warned}
    found = frame.locator("table").first
    assert found.locator("tbody tr").count() == len(rows)
    assert found.locator("tr.warned").count() == len(warned)
    assert frame.locator("table").last.locator("tbody tr").count() == 6  # pairs of three variants, two maps
    page.screenshot(path=tmp_path / "summary.png")


def test_interactive_view_jumps_to_a_region(page, run, tmp_path):
    choose(page, "motor", "all variants")
    look(page, "interactive view")
    frame = page.frame_locator("iframe")
    frame.locator("#scene[aria-busy=false]").wait_for()
    frame.locator("#variant").select_option(label="split_")
    frame.locator("#scene[aria-busy=false]").wait_for()
    row = read(run / "results/motor/split_/regions.csv")[1]
    frame.locator("table:visible tbody tr").nth(1).click()
    place = frame.locator("#place").inner_text().replace("−", "-")
    assert [float(number) for number in re.findall(r"[xyz] (\S+)", place)] == [float(row[f"peak_{a}"]) for a in "xyz"]
    assert place.endswith("region 2")
    page.screenshot(path=tmp_path / "view.png")


def test_sweep_and_downloads(page, run, tmp_path):
    choose(page, "motor", "sweep")
    tables = ["findings over the grid (CSV)", "persistence of peaks (CSV)", "regions over the grid (CSV)"]
    figures = [caption.title for caption in SWEEP_FIGURES.values()]
    assert [show for _, _, show in entries(page)] == sorted([*figures, *tables], key=str.casefold)
    page.screenshot(path=tmp_path / "sweep.png")
    with page.expect_download() as download:
        look(page, "regions over the grid (CSV)")
    assert download.value.path().read_bytes() == (run / "results/motor/sweep/sweep.csv").read_bytes()
