"""The table as one prints it in headless Chromium: programs read what is copied, headings sort and are explained."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest

from statmap.tables.columns import LABELS, PEAKS, REGIONS
from statmap.tables.manuscript import manuscript_rows
from statmap.web.map_page import Beside, VariantPage, map_page
from statmap.web.methods import Methods

pytestmark = pytest.mark.slow

ACCOUNTING = {"suprathreshold": 10, "kept": 10, "too_small": 0, "unseeded": 0, "seed_only": 0}
ASKED = ["label", "volume_mm3", "p_cluster", "value", "x", "y", "z"]
FOOTER = {
    "Statistic": "t",
    "Height": 3.174,
    "P": 0.001,
    "PFwe": 1.0,
    "Extent": 10,
    "ExtentP": 0.0323,
    "ExtentPFwe": 0.543,
    "VoxelsPerCluster": 2.09,
    "ExpectedClusters": 0.78,
    "HeightFwe": 5.026,
    "HeightFdr": None,
    "ExtentFwe": 346,
    "ExtentFdr": 346,
    "DF": [1, 100],
    "FwhmMM": [8, 8, 8],
    "FwhmVoxels": [2.7, 2.7, 2.7],
    "VoxelMM": [3, 3, 3],
    "NVoxels": 45448,
    "VolumeMM3": 1227096,
    "Resels": 1737.8,
    "VoxelsPerResel": 18.96,
    "SetC": 3,
    "SetP": 0.185,
}
LABELS_OF_PEAKS = ["Precentral_L", "50% a|b & c\\d~e^f {g}", "no_label", "Insula_R", "Vermis_6", "no_label"]
VALUES = [4.25, 3.5, -7.5, -5.0, -4.125, 4.0]
PLACES = [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1)]


def region(number, peak_value, volume, p):
    sizes = {"n_voxels": int(volume / 27), "volume_mm3": volume, "p_cluster": p, "mean_value": peak_value / 2}
    ids = {"map": "m", "variant": "v", "region": number, "sign": "positive", "peak_value": peak_value}
    overlap = "62.1% Supp_Motor_Area_R; 21.0% no_label; 9.5% Cerebelum_Crus1_L"
    return dict.fromkeys(REGIONS, 0.25) | ids | sizes | {"aal_peak": "Supp_Motor_Area_R", "aal_overlap": overlap}


@pytest.fixture(scope="module")
def rows():
    regions = [region(1, 4.25, 60399.0, 1.5e-12), region(2, -7.5, 1215.0, 0.03), region(3, 4.0, 27.0, None)]
    peaks = [
        dict.fromkeys(PEAKS)
        | {"map": "m", "variant": "v", "region": place[0], "peak": place[1], "value": value}
        | {"x": -22.0 * place[0], "y": 3.5, "z": 0.0, "p": 1e-5, "aal_peak": label}
        for place, value, label in zip(PLACES, VALUES, LABELS_OF_PEAKS, strict=True)
    ]
    return regions, peaks


@pytest.fixture(scope="module")
def page(rows, opened, tmp_path_factory):
    folder = tmp_path_factory.mktemp("manuscript") / "m"
    folder.mkdir()
    (folder.parent / "summary.html").touch()  # the page asks whether it is in the results folder
    (folder / "t.csv").write_text("map\nm\n", encoding="utf-8")
    files = dict.fromkeys(("regions.csv", "peaks.csv", "table.tsv", "labels_aal.csv"), folder / "t.csv")
    by_label = [dict.fromkeys(LABELS) | {"label": "Precentral_L", "n_voxels": 12, "regions": "1 (100.0%)"}]
    variant = VariantPage("v", "|t| ≥ 3", [], ACCOUNTING, *rows, files, Methods("Done.", [], ""))
    variant = variant._replace(labels={"labels_aal.csv": by_label}, table_columns=ASKED, footer=FOOTER)
    text = map_page("m", "a t map", [variant], [], Beside(folder))
    (folder / "map.html").write_text(text, encoding="utf-8")
    page, _, complaints = opened(folder / "map.html", permissions=["clipboard-read", "clipboard-write"])
    yield page
    assert complaints == []


@pytest.fixture(autouse=True)
def as_at_first(page):
    page.reload()
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1440, "height": 900})


def copied(page, words, kind="text/plain"):
    page.bring_to_front()  # what has no focus may not copy
    page.get_by_role("button", name=words).press("Enter")
    page.get_by_text(f"copied {words}").wait_for()
    return page.evaluate("async (kind) => (await (await navigator.clipboard.read())[0].getType(kind)).text()", kind)


@pytest.fixture(scope="module")
def printed(rows):
    return manuscript_rows(*rows, {"set_p": 0.185, "set_c": 3})


def check_numbers(frame, printed):
    """Columns of a table that was read back, against its rows; heading or name of each column."""
    names = {"value": "Peak value", "volume_mm3": "mm³", "p_cluster": "Cluster p FWE"}
    for name in ("value", "volume_mm3", "p_cluster", "x", "y", "z"):
        column = frame[name] if name in frame else frame[names[name]]
        assert column.dtype == float, name
        expected = pd.Series([row[name] for row in printed], dtype=float)
        pd.testing.assert_series_equal(column, expected, rtol=0.05, check_names=False)


def test_for_a_spreadsheet(page, printed):
    text = copied(page, "for a spreadsheet")
    frame = pd.read_csv(io.StringIO(text), sep="\t")
    names = ["aal_peak", *ASKED[1:]]
    assert list(frame) == ["region", *names] and len(frame) == 6
    check_numbers(frame, printed)
    assert frame["region"].tolist() == [2, 2, 2, 1, 1, 3]
    assert frame["aal_peak"].tolist() == [row["aal_peak"] for row in printed]
    assert frame["volume_mm3"].dropna().tolist() == [1215, 60399, 27] and "−" not in text


def test_a_label_is_no_formula_in_a_spreadsheet(page):
    cells = [{"key": key, "isText": isText} for key, isText in (("=1+1", True), ("-1.5", False), ("V1", True))]
    content = {"columns": [{"name": name} for name in "abc"], "rows": [{"cells": cells}]}
    assert page.evaluate("forSpreadsheet", content) == "a\tb\tc\n'=1+1\t-1.5\tV1\n"


def test_as_markdown(page, printed):
    text = copied(page, "as Markdown")
    table, _, notes = text.partition("\n\n")
    lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
    header, rule, *cells = [[cell.strip() for cell in line] for line in lines]
    assert {len(row) for row in (header, rule, *cells)} == {8} and rule[:3] == ["---:", ":---", "---:"]
    frame = pd.read_csv(io.StringIO("\n".join("\t".join(row) for row in (header, *cells))), sep="\t", na_values="–")
    check_numbers(frame, printed)
    assert [row[1].startswith("&emsp;") for row in cells] == [row["peak"] > 1 for row in printed]
    assert cells[4][1] == "&emsp;50% a\\|b & c\\d~e^f {g}" and cells[3][2] == "60399"
    assert "Height threshold: t = 3.17, p = 0.001 (1)" in notes and "FDRp: Inf" in notes


def test_as_latex(page, printed):
    text = copied(page, "as LaTeX")
    assert text.isascii()
    body = re.search(r"\\begin{tabular}{rlrrrrrr}\n\\hline\n(.*)\\hline\n\\end{tabular}", text, re.DOTALL)[1]
    header, *lines = body.replace("\\hline\n", "").removesuffix(" \\\\\n").split(" \\\\\n")
    cells = [re.split(r"(?<!\\) ?& ?", line) for line in lines]
    assert {len(row) for row in cells} == {8} and header.split(" & ")[2] == "mm$^3$"

    def number(text):
        return re.sub(r" \\times 10\^{(-?\d+)}", r"e\1", text.strip("$")).replace("--", "")

    rows = ["\t".join([header.split(" & ")[n] for n in range(8)])]
    rows += ["\t".join([row[0], "", *map(number, row[2:])]) for row in cells]
    frame = pd.read_csv(io.StringIO("\n".join(rows)), sep="\t").rename(columns={"mm$^3$": "mm³"})
    check_numbers(frame, printed)
    assert cells[3][3] == "$1.5 \\times 10^{-12}$" and cells[0][4] == "$-7.50$"
    assert cells[4][1] == "\\quad 50\\% a|b \\& c\\textbackslash{}d\\textasciitilde{}e\\textasciicircum{}f \\{g\\}"
    assert "Expected voxels per cluster, $<$k$>$ = 2.090\\\\" in text


class Cells(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.rows, self.styles = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.styles.append(dict(attributes)["style"])

    def handle_data(self, data):
        if self.rows and self.get_starttag_text().startswith(("<td", "<th")):
            self.rows[-1][-1] += data


def test_for_word(page, printed):
    html = copied(page, "for Word", "text/html")
    rows = Cells(html).rows
    assert [len(row) for row in rows] == [8] * 7 and rows[0][0] == "Region"
    assert [row[1] for row in rows[1:]] == [row["aal_peak"].replace("no_label", "no label") for row in printed]
    assert rows[4][2] == "60,399" and rows[1][4] == "−7.50" and rows[2][0] == ""
    assert "padding: 1pt 5pt 1pt 15pt" in html and "FWEc: 346" in html
    frame = pd.read_csv(io.StringIO(copied(page, "for Word")), sep="\t")
    check_numbers(frame, printed)


def test_without_permission_the_text_is_selected(page):
    page.evaluate("() => { navigator.clipboard.write = () => Promise.reject(new Error('denied')); }")
    page.get_by_role("button", name="for a spreadsheet").click()
    page.get_by_text("selected below").wait_for()
    assert page.evaluate("String(getSelection())").startswith("region\taal_peak\tvolume_mm3")


def test_columns_are_chosen(page):
    page.get_by_text("columns", exact=True).click()
    choose = page.locator(".choose")
    choose.get_by_label("Mean", exact=True).check()
    choose.get_by_label("aal at peak").uncheck()
    assert page.locator(".clusters th:visible", has_text="Mean").count() == 1
    header = copied(page, "for a spreadsheet").splitlines()[0].split("\t")
    assert "mean_value" in header and "aal_peak" not in header


def column(page, table, name):
    index = page.locator(f"{table} th[data-name={name}]").evaluate("heading => heading.cellIndex")
    keys = page.locator(f"{table} tbody td:nth-child({index + 1})").evaluate_all(
        "all => all.map((td) => td.dataset.key)"
    )
    return [float(key) if key else None for key in keys]


def test_clusters_are_sorted_with_their_peaks_the_strongest_first(page):
    heading = page.locator(".clusters th[data-name=value]")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert column(page, ".clusters", "value") == [-7.5, -5, -4.125, 4.25, 3.5, 4]
    heading.locator("button").click()
    assert column(page, ".clusters", "value") == [4, 4.25, 3.5, -7.5, -5, -4.125]
    page.locator(".clusters th[data-name=volume_mm3] button").click()
    assert column(page, ".clusters", "region") == [1, 1, 2, 2, 2, 3]
    page.locator(".clusters th[data-name=p_cluster] button").click()
    assert column(page, ".clusters", "p_cluster") == [1.5e-12, None, 0.03, None, None, None]


def test_values_sort_by_magnitude_sizes_by_the_largest(page):
    table = "table:not(.clusters):has(th[data-name=sign])"
    page.locator(f"{table} th[data-name=peak_value] button").click()
    assert column(page, table, "peak_value") == [-7.5, 4.25, 4]
    page.locator(f"{table} th[data-name=volume_mm3] button").click()
    assert column(page, table, "volume_mm3") == [60399, 1215, 27]
    page.locator(f"{table} th[data-name=region] button").click()
    assert column(page, table, "region") == [1, 2, 3]


def test_meanings_open_by_keyboard_and_pointer_and_close(page):
    tip, button = page.locator("#meaning"), page.locator(".clusters th[data-name=volume_mm3] button")
    assert tip.is_hidden()
    button.focus()
    assert tip.inner_text() == "Size in mm³: voxels times the volume of one, not rounded to mm³."
    assert button.get_attribute("aria-describedby") == "meaning" == tip.get_attribute("id")
    page.keyboard.press("Escape")
    assert tip.is_hidden() and button.get_attribute("aria-describedby") is None
    page.locator(".clusters th[data-name=z] button").hover()
    assert tip.inner_text().startswith("Position, mm")
    box = tip.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1440
    page.locator("h1").hover()
    assert tip.is_hidden()


def test_meanings_open_by_touch(page, opened):
    touched, _, _ = opened(_path(page), has_touch=True)
    touched.set_viewport_size({"width": 400, "height": 800})
    touched.locator(".clusters th[data-name=region] button").tap()
    assert touched.locator("#meaning").inner_text().startswith("Id, the same in the label image")
    touched.locator("h1").tap()
    assert touched.locator("#meaning").is_hidden()
    touched.close()


def _path(page):
    return Path(unquote(urlsplit(page.url).path))


def test_one_list_says_what_every_column_means(page):
    """Each name once, every heading of the page among them; a sentence that is a tooltip is the first of its entry."""
    names = page.locator(".meanings dt code").all_inner_texts()
    listed = [name for group in names for name in group.split(", ")]
    headings = page.locator("th").evaluate_all("all => all.map(({ dataset }) => [dataset.name, dataset.meaning])")
    assert {name for name, _ in headings} <= set(listed)
    meanings = page.locator(".meanings dd").all_inner_texts()
    assert len(meanings) == len(set(meanings)) and not any("below" in text for text in meanings)
    assert all(any(text.startswith(meaning) for text in meanings) for _, meaning in headings)


def test_nothing_is_cut_when_it_is_printed(page):
    """On the width of A4 less the margins, all columns chosen; a tenth more Chromium shrinks to it."""
    page.locator(".choose input:not(:checked)").evaluate_all("all => all.map((box) => box.click())")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})
    cut = page.locator(".scroll, .warnings").evaluate_all(
        "all => all.filter((part) => getComputedStyle(part).overflow !== 'visible' || part.scrollWidth > 800).length"
    )
    assert cut == 0 and page.evaluate("document.documentElement.scrollWidth") <= 800
    swatch = page.locator("tr[style] td").first
    assert swatch.evaluate("cell => getComputedStyle(cell, '::before').printColorAdjust") == "exact"
