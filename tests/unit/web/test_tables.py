"""Tables as HTML: every value is shown, missing ones last, names are text, and the same input gives the same page."""

import csv
import re
from base64 import b64decode
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statmap.tables import columns as tables
from statmap.web import tables as html


class Parsed(HTMLParser):
    """Cells of all tables, their sort keys, and the tags that are open at the end."""

    def __init__(self, text):
        super().__init__()
        self.open, self.keys, self.cells = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link"):
            self.open.append(tag)
        if tag == "td":
            self.keys.append(dict(attributes)["data-key"])
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["td"]:
            self.cells[-1] += data


def written(path, columns, rows):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([columns, *rows])
    return path


def test_numbers_are_numbers_and_text_stays_text(tmp_path):
    path = written(
        tmp_path / "t.csv",
        ["map", "region", "peak_value", "p_peak", "robust_high", "aal_peak"],
        [["007", "1", "-7.94135", "2.00000e-15", "inf", "12"], ["007", "2", "", "", "3.5", ""]],
    )
    one, two = html.read_rows(path)
    assert one == {
        "map": "007",
        "region": 1,
        "peak_value": -7.94135,
        "p_peak": 2e-15,
        "robust_high": float("inf"),
        "aal_peak": "12",
    }
    assert two["peak_value"] is None and two["aal_peak"] is None and two["region"] == 2


def test_cells_show_rounded_values_and_sort_by_exact_ones():
    rows = [
        {"region": 1, "volume_mm3": 60399.4, "peak_value": -7.94135, "tdp": 0.7358, "p_peak": 2e-15},
        {"region": 2, "volume_mm3": 27.0, "peak_value": float("inf"), "tdp": float("nan"), "p_peak": None},
    ]
    parsed = Parsed(html.table(rows, list(rows[0])))
    assert parsed.cells == ["1", "60,399", "−7.94", "74%", "2e−15", "2", "27", "inf", "–", "–"]
    assert parsed.keys == ["1", "60399.4", "-7.94135", "0.7358", "2e-15", "2", "27.0", "Infinity", "", ""]


def test_columns_without_a_value_are_left_out():
    text = html.table([{"region": 1, "tdp": None, "p_cluster": float("nan")}], ["region", "tdp", "p_cluster", "sign"])
    assert re.findall(r"<button[^>]*>(.*?)</button>", text) == ["Region"]


def test_columns_of_atlases_are_found_and_named():
    names = ["p_peak", "z_peak", "log10_p_peak", "aal_peak", "aal_overlap", "my-atlas_peak", "overlap_voxels"]
    found = html.atlas_columns(names)
    assert found == ["aal_peak", "aal_overlap", "my-atlas_peak"]
    assert [html.column(name)[0] for name in found] == ["aal at peak", "aal overlap", "my-atlas at peak"]


def test_headings_fit_the_columns_of_our_tables():
    kinds = {**tables.REGIONS, **tables.PEAKS, **tables.SUMMARY, **tables.STABILITY}
    assert set(html.COLUMNS) <= set(kinds)
    for name, (heading, form, meaning) in html.COLUMNS.items():
        assert heading and meaning
        assert (form == "") == (kinds[name] == "text"), name
        assert form.endswith("d") == (kinds[name] == "int"), name


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1))
def test_names_are_text_not_markup(name):
    table = html.table([{"map": name, "warning": name}], ["map", "warning"], row_attributes=['class="warned"'])
    text = html.page(name, name, [name], [html.section(name, table)])
    parsed = Parsed(text)
    assert parsed.open == [] and parsed.cells == [name, name] and parsed.keys == [name, name]
    assert text.count("<script>") == 1
    assert unescape(re.search(r"<h1>(.*?)</h1>", text, re.DOTALL)[1]) == name


def test_a_page_carries_its_csv_byte_for_byte(tmp_path):
    path = written(tmp_path / "t.csv", ["map", "region"], [["Ωé", "1"]])
    text = html.section("Regions", "", (path, 'm_"v"_regions.csv'))
    data, name = re.search(r'base64,([^"]*)">', text)[1], re.search(r'download="([^"]*)"', text)[1]
    assert b64decode(data) == path.read_bytes()
    assert unescape(name) == 'm_"v"_regions.csv'


@pytest.mark.parametrize("warnings", [[], ["some <b>voxels</b> are lost"]])
def test_page_warns_only_where_there_is_something_to_warn_of(warnings):
    text = html.page("t", "s", warnings, [])
    assert text == html.page("t", "s", warnings, [])
    assert ("<ul" in text) == bool(warnings)
    assert "<b>" not in text
