"""The threshold that moves in view.html: exact at every variant's cutoff, kept by the address, usable by keyboard."""

import csv
import json
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
ROWS = "map\tsource\tstat\tspace\tfwhm_mm\nmotor\tsample:motor\tz\tMNI152\t6\n"
CONFIG = """
maps: maps.tsv
figures: []
compare: false
write_4d: false
atlases: [aal]
variants:
  p-6: {threshold: {p: 0.001}, convention: spm, connectivity: 6, min_region_size: "10 voxels"}
  significant: {threshold: {p: 0.001}, sided: positive, connectivity: 18, cluster_p: 0.05}
  value-18: {threshold: 3.1, connectivity: 18, signs: split}
  percentile-26: {threshold: "97%", connectivity: 26, signs: merged, min_region_size: 270, size_rule: ">="}
  above: {threshold: 2.5, cutoff_rule: ">", sided: positive, min_region_size: 0}
  below: {threshold: {fdr: 0.05}, sided: negative, connectivity: 26}
  nilearn: {threshold: 3.0, convention: nilearn}
  nothing: {threshold: 99}
"""
COMPONENTS = ["p-6", "significant", "value-18", "percentile-26", "above", "below"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder in which the workflow ran over the embedded map."""
    folder = tmp_path_factory.mktemp("explore")
    (folder / "maps.tsv").write_text(ROWS, encoding="utf-8")
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
    page.wait_for_function("!isDue && drawing === null && wanted.A === 'own'")
    return own_table(page)


def press(page, variant):
    """Take over the cutoff and the settings of a variant."""
    page.locator("[data-cut]", has_text=variant).click()


@pytest.mark.parametrize("variant", COMPONENTS)
def test_at_a_variants_cutoff_the_table_is_regions_csv(page, study, variant):
    press(page, variant)
    found, expected = shown(page), rows_of(study, variant)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert (one["region"], one["sign"]) == (other["region"], other["sign"])
        assert one["aal_peak"] == other["aal_peak"].replace("no_label", "no label")
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
    codes = page.evaluate("[...shown.A.codes]")
    press(page, variant)
    shown(page)
    assert page.evaluate("[...shown.A.codes]") == codes  # what is lost included


def test_nothing_passes_and_it_is_said(page):
    press(page, "nothing")
    assert shown(page) == []
    assert page.locator("#more").inner_text() == "No region at this cutoff."
    assert "no region" in page.inner_text("#summary")


def test_every_control_changes_what_is_found(page):
    press(page, "p-6")
    page.select_option("#unit", "mm³")
    page.fill("#size", "0")
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
    assert page.inner_text("#clusters") == f"{len(table)} clusters"


def test_keys_move_the_cutoff_and_the_table_follows(page):
    press(page, "value-18")
    before = shown(page)
    page.focus("#slide")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    after = shown(page)
    assert page.evaluate("settings.cutoff") == pytest.approx(3.5)
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
        press(page, variant)
    shown(page)
    cutoff = page.evaluate("settings.cutoff")
    page.evaluate("settings.cutoff = 0")
    page.evaluate("restoreFromAddress()")
    shown(page)
    assert page.evaluate("settings.cutoff") == cutoff


def test_a_click_on_the_chart_sets_the_cutoff(page):
    box = page.locator("#chart").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    shown(page)
    assert page.evaluate("settings.cutoff") == pytest.approx(page.evaluate("limit() / 2"), abs=0.02)


def test_the_address_keeps_what_is_shown(page, study, opened):
    press(page, "percentile-26")
    shown(page)
    page.fill("#at", "2.75")
    expected = shown(page)
    address = page.url
    assert "cutoff=2.75" in address
    other, _, complaints = opened(study / "results/motor/view.html", READY)
    other.goto(address)
    other.wait_for_function("wanted.A === 'own' && clusters")
    assert own_table(other) == expected and len(expected) > 0
    other.goto(address.partition("#")[0] + "#variant=below")
    other.wait_for_function("shown.A.name === 'below'")
    assert other.locator("#variant").input_value() == "5"
    assert complaints == []
    other.close()


SIZES = {"p-6": (10, "voxels"), "percentile-26": (270, "mm³"), "value-18": (1500, "mm³"), "above": (0, "mm³")}


@pytest.mark.parametrize("variant", SIZES)
def test_the_smallest_size_is_as_it_was_written(page, variant):
    page.select_option("#variant", label=variant)
    page.wait_for_selector(READY)
    assert (float(page.input_value("#size")), page.input_value("#unit")) == SIZES[variant]


def test_a_critical_extent_is_a_number_of_voxels(page, study):
    extracted = json.loads((study / "results/motor/significant/regions.json").read_text(encoding="utf-8"))
    page.select_option("#variant", label="significant")
    page.wait_for_selector(READY)
    assert page.input_value("#unit") == "voxels"
    assert int(page.input_value("#size")) == extracted["CriticalExtentVoxels"] > 1


@pytest.mark.parametrize("variant", ["p-6", "percentile-26", "value-18"])
def test_the_unit_of_the_size_changes_and_the_clusters_stay(page, variant):
    press(page, variant)
    before = shown(page)
    for unit in ("voxels", "mm³", "voxels"):
        page.select_option("#unit", unit)
        assert shown(page) == before and page.evaluate("settings.unit") == unit
    assert "+voxels" in page.url
    page.reload()
    page.wait_for_function("wanted.A === 'own' && clusters")
    assert own_table(page) == before
    page.wait_for_selector(READY)


@pytest.mark.parametrize(("variant", "words"), [("nilearn", "local_regions divides clusters"), ("value-18", "")])
def test_another_number_of_clusters_than_of_regions_has_a_reason(page, variant, words):
    page.select_option("#variant", label=variant)
    page.wait_for_selector(READY)
    reason = page.text_content("#difference-in-number")
    assert words in reason and bool(words) == bool(reason)
    page.select_option("#connectivity", "26")
    shown(page)
    assert page.text_content("#difference-in-number") == ""


OWN_WORDS = {
    "p-6": {
        "threshold": {"p": 0.001},
        "convention": "spm",
        "sided": "two",
        "connectivity": 6,
        "min_region_size": "10 voxels",
    },
    "nilearn": {"threshold": 3.0, "convention": "nilearn", "sided": "two", "min_region_size": 1500},
}


@pytest.mark.parametrize("variant", OWN_WORDS)
def test_a_variant_is_copied_in_its_own_words(page, variant):
    page.select_option("#variant", label=variant)
    page.wait_for_selector(READY)
    page.click("#copy")
    assert yaml.safe_load(page.inner_text("#yaml"))["variants"] == {variant: OWN_WORDS[variant]}


def test_at_its_cutoff_with_its_settings_a_variant_is_copied_likewise(page):
    press(page, "p-6")
    shown(page)
    page.reload()  # also from the address
    page.wait_for_function("wanted.A === 'own' && clusters")
    page.wait_for_selector(READY)
    page.click("#copy")
    assert yaml.safe_load(page.inner_text("#yaml"))["variants"] == {"p-6": OWN_WORDS["p-6"]}
    page.select_option("#connectivity", "26")
    shown(page)
    page.click("#copy")
    (copied,) = yaml.safe_load(page.inner_text("#yaml"))["variants"].values()
    assert copied["threshold"] == {"p": 0.001} and copied["connectivity"] == 26
    page.fill("#at", "3.1")
    shown(page)
    page.click("#copy")
    (copied,) = yaml.safe_load(page.inner_text("#yaml"))["variants"].values()
    assert copied["threshold"] == 3.1 and "convention" not in copied


def test_a_copied_variant_gives_the_same_regions(page, tmp_path):
    """One in its own words, with another setting, of local regions, or with another cutoff."""
    (tmp_path / "maps.tsv").write_text(ROWS, encoding="utf-8")
    copied, expected = {}, {}

    def copy(name):
        expected[name] = shown(page)
        page.click("#copy")
        (copied[name],) = yaml.safe_load(page.inner_text("#yaml"))["variants"].values()

    for variant in ("p-6", "percentile-26", "above", "nilearn", "significant"):
        press(page, variant)
        copy(variant)
    for variant in ("p-6", "significant"):
        press(page, variant)
        shown(page)
        page.select_option("#connectivity", "26")
        copy(f"{variant}-26")
    page.fill("#at", "2.9")
    copy("moved")
    run(tmp_path, yaml.safe_dump(yaml.safe_load(CONFIG) | {"variants": copied, "html": []}))
    for variant, rows in expected.items():
        found = rows_of(tmp_path, variant)
        assert [row["n_voxels"] for row in found] == [row["n_voxels"] for row in rows], variant
        assert len(rows) > 0


def test_without_webgl_the_threshold_still_moves(chromium, page):
    other = chromium.new_page()
    other.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    other.goto(page.url.partition("#")[0])
    other.wait_for_selector(READY)
    press(other, "value-18")
    assert len(shown(other)) > 0
    other.close()
