"""The threshold that moves in view.html: exact at every variant's cutoff, kept by the address, usable by keyboard."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[2]
READY = "#scene[aria-busy=false]"
SHARED = ["n_voxels", "peak_value", "peak_x", "peak_y", "peak_z", "robust_low", "robust_high", "p_peak", "tdp"]
CONFIG = """
maps: maps.tsv
figures: []
compare: false
write_4d: false
defaults: {extract_type: connected_components}
variants:
  p-6: {threshold: {p: 0.001}, connectivity: 6, min_region_size: 0}
  value-18: {threshold: 3.1, connectivity: 18, signs: split}
  percentile-26: {threshold: "97%", connectivity: 26, signs: merged, min_region_size: 270, size_rule: ">="}
  above: {threshold: 2.5, cutoff_rule: ">", sided: positive, min_region_size: 0}
  below: {threshold: {fdr: 0.05}, sided: negative, connectivity: 26}
  nilearn: {threshold: 3.0, convention: nilearn}
  nothing: {threshold: 99}
"""
COMPONENTS = ["p-6", "value-18", "percentile-26", "above", "below"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder in which the workflow ran over the embedded map."""
    folder = tmp_path_factory.mktemp("explore")
    (folder / "maps.tsv").write_text("map\tsource\tstat\tspace\nmotor\tsample:motor\tz\tMNI152\n", encoding="utf-8")
    run(folder, CONFIG)
    return folder


def run(folder, config):
    (folder / "overlay.yaml").write_text(config, encoding="utf-8")
    call = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--directory", folder, "--cores", "1"]
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    subprocess.run([*call, "--configfile", folder / "overlay.yaml", "--quiet"], check=True, env=environment)


@pytest.fixture(scope="module")
def page(study, opened):
    page, requests, complaints = opened(study / "results/motor/view.html", READY)
    yield page
    assert requests and all(url.startswith(("file:", "data:", "blob:")) for url in requests), requests
    assert complaints == []


def rows_of(folder, variant):
    with open(folder / f"results/motor/{variant}/regions.csv", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def own_table(page):
    """The table that follows the cutoff: a dict a row, by column name."""
    return page.evaluate(
        """[...document.querySelectorAll('[data-variant="own"] tbody tr')].map((row) => Object.fromEntries(
          content.columns.map(({ name }, n) => [name, row.cells[n].dataset.key])))"""
    )


def shown(page):
    page.wait_for_function("!due && drawing === null && chosen === 'own'")
    return own_table(page)


@pytest.mark.parametrize("variant", COMPONENTS)
def test_at_a_variants_cutoff_the_table_is_regions_csv(page, study, variant):
    page.get_by_role("button", name=variant).click()
    found, expected = shown(page), rows_of(study, variant)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert (one["region"], one["sign"]) == (other["region"], other["sign"])
        for name in SHARED:
            # regions.csv has six significant digits, and mm two decimals
            np.testing.assert_allclose(
                float(one[name]),
                float(other[name]),
                rtol={"p_peak": 2e-5, "tdp": 0}.get(name, 6e-6),
                atol=5e-5 * (name == "tdp"),
            )


@pytest.mark.parametrize("variant", COMPONENTS)
def test_at_a_variants_cutoff_the_regions_are_those_of_the_label_image(page, variant):
    page.select_option("#variant", label=variant)
    page.wait_for_selector(READY)
    labels = page.evaluate("[...regions.img]")
    page.get_by_role("button", name=variant).click()
    shown(page)
    assert page.evaluate("[...regions.img]") == labels


def test_nothing_passes_and_it_is_said(page):
    page.get_by_role("button", name="nothing").click()
    assert shown(page) == []
    assert page.locator("#more").inner_text() == "No region here."
    assert "no region" in page.inner_text("#summary")


def test_every_control_changes_what_is_found(page):
    page.get_by_role("button", name="p-6").click()
    counts = [len(shown(page))]
    for control, value in (("#connectivity", "26"), ("#signs", "negative"), ("#rule", ">=")):
        page.select_option(control, value)
        counts.append(len(shown(page)))
    page.fill("#size", "5000")
    counts.append(len(shown(page)))
    page.fill("#at", "2")
    table = shown(page)
    assert counts[0] > counts[1] > counts[2] == counts[3] > counts[4] > 0
    assert {row["sign"] for row in table} == {"negative"}
    assert all(float(row["n_voxels"]) * 27 >= 5000 for row in table)
    assert page.inner_text("#clusters").startswith(f"{len(table)} connected component")


def test_keys_move_the_cutoff_and_the_table_follows(page):
    page.get_by_role("button", name="value-18").click()
    before = shown(page)
    page.focus("#slide")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    after = shown(page)
    assert page.evaluate("own.cutoff") == pytest.approx(3.5)
    assert sum(float(row["n_voxels"]) for row in after) < sum(float(row["n_voxels"]) for row in before)
    assert page.input_value("#at") == "3.5"
    page.keyboard.press("ArrowLeft")
    shown(page)
    assert "#cutoff=3.49&" in page.url  # not the 3.4900000095 that a float32 holds


@pytest.mark.parametrize("variant", [*COMPONENTS, "typed"])
def test_the_address_holds_the_very_cutoff(page, variant):
    """That of a percentile or of a p value lies between the values that a float32 can hold, a typed one does not."""
    if variant == "typed":
        page.fill("#at", "3.3")
    else:
        page.get_by_role("button", name=variant).click()
    shown(page)
    cutoff = page.evaluate("own.cutoff")
    page.evaluate("own.cutoff = 0")
    page.evaluate("restore()")
    shown(page)
    assert page.evaluate("own.cutoff") == cutoff


def test_a_click_on_the_chart_sets_the_cutoff(page):
    box = page.locator("#chart").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    shown(page)
    assert page.evaluate("own.cutoff") == pytest.approx(page.evaluate("limit() / 2"), abs=0.02)


def test_the_address_keeps_what_is_shown(page, study, opened):
    page.get_by_role("button", name="percentile-26").click()
    shown(page)
    page.fill("#at", "2.75")
    expected = shown(page)
    address = page.url
    assert "cutoff=2.75" in address
    other, _, complaints = opened(study / "results/motor/view.html", READY)
    other.goto(address)
    other.wait_for_function("chosen === 'own'")
    assert own_table(other) == expected and len(expected) > 0
    other.goto(address.partition("#")[0] + "#variant=below")
    other.wait_for_function("chosen === 4")
    assert other.locator("#variant").input_value() == "4"
    assert complaints == []
    other.close()


def test_a_copied_variant_gives_the_same_regions(page, study, tmp_path):
    (tmp_path / "maps.tsv").write_text((study / "maps.tsv").read_text(encoding="utf-8"), encoding="utf-8")
    copied, expected = {}, {}
    for variant in ("p-6", "percentile-26", "above"):
        page.get_by_role("button", name=variant).click()
        expected[variant] = shown(page)
        page.click("#copy")
        (copied[variant],) = yaml.safe_load(page.inner_text("#yaml"))["variants"].values()
    run(tmp_path, yaml.safe_dump(yaml.safe_load(CONFIG) | {"variants": copied, "html": []}))
    for variant, rows in expected.items():
        found = rows_of(tmp_path, variant)
        assert [row["n_voxels"] for row in found] == [row["n_voxels"] for row in rows]


def test_without_webgl_the_threshold_still_moves(chromium, page):
    other = chromium.new_page()
    other.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    other.goto(page.url.partition("#")[0])
    other.wait_for_selector(READY)
    other.get_by_role("button", name="value-18").click()
    assert len(shown(other)) > 0
    other.close()
