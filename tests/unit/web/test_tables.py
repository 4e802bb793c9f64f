"""Tables as HTML: every value is shown, missing ones last, names are text."""

import re
from base64 import b64decode
from html import unescape

import jinja2
import pytest
from parsed import Parsed

from statmap.tables.columns import column_of
from statmap.web import pages, tables


def as_html(table):
    return str(pages._templates().get_template("table.html.j2").module.show(table))


def test_cells_show_rounded_values_and_sort_by_exact_ones():
    rows = [
        {"region": 1, "volume_mm3": 60399.4, "peak_value": -7.94135, "tdp": 0.7358, "p_peak": 2e-15},
        {"region": 2, "volume_mm3": 27.0, "peak_value": float("inf"), "tdp": float("nan"), "p_peak": None},
    ]
    parsed = Parsed(as_html(tables.table(rows, list(rows[0]))))
    assert parsed.cells == ["1", "60,399", "−7.94", "74%", "2e−15", "2", "27", "inf", "–", "–"]
    assert parsed.keys == ["1", "60399.4", "-7.94135", "0.7358", "2e-15", "2", "27.0", "Infinity", "", ""]


def test_columns_without_a_value_or_a_heading_are_left_out():
    rows = [{"region": 1, "tdp": None, "p_cluster": float("nan"), "peak_i": 3}]
    text = as_html(tables.table(rows, ["region", "tdp", "p_cluster", "sign", "peak_i"]))
    assert re.findall(r"<button[^>]*>(.*?)</button>", text) == ["Region"]


def test_columns_of_atlases_are_named():
    rows = [{"aal_peak": "12", "my-atlas_overlap": "60% x"}]
    found = tables.table(rows, list(rows[0]))
    assert [column.heading for column in found.columns] == ["aal at peak", "my-atlas overlap"]
    assert [cell.is_text for cell in found.rows[0].cells] == [True, True]


def test_attributes_and_links_are_written_as_text():
    found = tables.table([{"map": "<m>"}], ["map"], row_attributes=[{"data-x": '"'}], links=[{"map": 'a"b'}])
    text = as_html(found)
    parsed = Parsed(text)
    assert parsed.open == [] and parsed.cells == ["<m>"]
    assert 'data-x="&#34;"' in text and 'href="a&#34;b"' in text


def saved(file):
    return str(pages._templates().get_template("table.html.j2").module.save(file))


@pytest.mark.parametrize(("most", "n"), [(None, 3), (3, 3), (2, 2)])
def test_a_table_that_is_cut_says_where_the_rest_is(most, n):
    rows = [{"map": name, "sign": None, "region": 1} for name in "abc"]
    rows[2]["sign"] = "positive"  # a column of which no row that is shown has a value stays
    found = tables.table(rows, ["map", "sign"], row_attributes=[{"data-x": "1"}] * 3, most=most)
    assert [row.cells[0].text for row in found.rows] == ["a", "b", "c"][:n] and len(found.columns) == 2
    text = as_html(found)
    assert ("The first 2 of 3 rows; all are in regions.csv." in text) == (n < 3) == ('class="rest' in text)


def test_a_large_file_stands_beside_the_page(tmp_path, monkeypatch):
    path = tmp_path / "a b" / "t.csv"
    path.parent.mkdir()
    path.write_text("map\nm\n", encoding="utf-8")
    assert 'class="save" ' in saved(tables.download(path, "t.csv", tmp_path))
    monkeypatch.setattr(tables, "LARGE_FILE", 5)
    text = saved(tables.download(path, "t.csv", tmp_path))
    assert 'class="save names" download="t.csv" href="a%20b/t.csv"' in text


def test_a_page_carries_its_csv_byte_for_byte(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("map,region\nΩé,1\n", encoding="utf-8")
    text = saved(tables.download(path, 'm_"v"_regions.csv', tmp_path))
    data, name = re.search(r'base64,([^"]*)">', text)[1], re.search(r'download="([^"]*)"', text)[1]
    assert b64decode(data) == path.read_bytes()
    assert unescape(name) == 'm_"v"_regions.csv'


def test_a_name_that_the_template_misses_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        pages.render("summary.html.j2", title="x")


def test_outside_of_an_atlas_is_said_in_words():
    row = {"region": 1, "aal_peak": "no_label", "aal_overlap": "62.1% Precentral_L; 21.0% no_label"}
    (shown,) = tables.table([row], list(row)).rows
    assert [cell.text for cell in shown.cells] == ["1", "no label", "62.1% Precentral_L; 21.0% no label"]
    assert column_of("regions.csv", "aal_peak").write("no_label") == "no_label"
