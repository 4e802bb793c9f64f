"""The page of a map and the summary as text: names are text, links lead where the files are, warnings are grouped."""

import re
from base64 import b64decode
from html import unescape
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsed import Parsed
from PIL import Image

from statmap.tables.columns import PEAKS, REGIONS
from statmap.tables.warned import Warned, grouped
from statmap.web.map_page import Beside, VariantPage, accounting_in_words, map_page
from statmap.web.methods import Methods
from statmap.web.pictures import picture
from statmap.web.summary import Published, summary_page

ACCOUNTING = {"suprathreshold": 10, "kept": 6, "too_small": 1, "unseeded": 3, "seed_only": 0}
IDS = {"map": "m", "variant": "v", "cutoff": 3.0, "region": 1}
REGION = dict.fromkeys(REGIONS) | IDS | {"sign": "positive", "peak_value": -4.0, "peak_i": 2, "volume_mm3": 27.0}
PEAK = dict.fromkeys(PEAKS) | IDS | {"peak": 1, "value": -4.0, "x": 1.0}
FILES = ("regions.csv", "peaks.csv", "table.tsv", "labels_aal.csv")
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    path.write_text("map\nm\n", encoding="utf-8")
    return path


def one_variant(csv, name="v", warnings=(), regions=(REGION,), text="t"):
    peaks = [PEAK | {"region": row["region"]} for row in regions]
    methods, files = Methods(text, [text], text), dict.fromkeys(FILES, csv)
    page = VariantPage(name, f"rule {name}", warnings, ACCOUNTING, regions, peaks, files, methods)
    return page._replace(table_columns=["value", "x"])


def drawn(folder, *names):
    """Figures in a folder, by name."""
    files = {f"{name}.png": folder / f"{name}.png" for name in names}
    for path in files.values():
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (8, 4), "#c04020").save(path, dpi=(150, 150))
    return files


def summary_row(map_id, variant):
    counts = "n_regions suprathreshold kept too_small unseeded seed_only connectivity"
    numbers = dict.fromkeys(f"{counts} volume_mm3 largest_mm3 min_region_size".split(), 1)
    return {"map": map_id, "variant": variant, "rule": "|z| > 3", "signs": "split", **numbers}


@settings(max_examples=50, deadline=None)
@given(name=TEXT)
def test_names_are_text_not_markup(csv, name):
    pages = [
        map_page(name, name, [one_variant(csv, name, [name], text=name)], [], Beside(csv.parent, view=True)),
        summary_page([summary_row(name, name)], [Warned(name, name, name)], [], Published(), csv, ["map", "view"]),
    ]
    for text in pages:
        parsed = Parsed(text)
        assert parsed.open == []
        assert text.count("<script>") == 2
    assert unescape(re.search(r"<h1>(.*?)</h1>", pages[0], re.DOTALL)[1]) == name
    assert parsed.keys[:2] == [name, name]


@pytest.mark.parametrize("view", [True, False])
def test_a_map_page_shows_and_links_what_is_there(csv, tmp_path, view):
    variants = [one_variant(csv, "a", ["some voxels are lost"]), one_variant(csv, "b", regions=())]
    variants = [
        variant._replace(files=variant.files | drawn(tmp_path / variant.name, "threshold", "glass"))
        for variant in variants
    ]
    text = map_page("m", "a z map", variants, [], Beside(tmp_path, view=view))
    assert text == map_page("m", "a z map", variants, [], Beside(tmp_path, view=view))
    # The page has the pictures in it, and leads to their files; of a variant without a region it shows the map alone.
    shown = re.findall(r'<a href="([^"]*)"><img src="data:image/png;base64,(.*?)"', text)
    assert [address for address, _ in shown] == ["a/threshold.png", "a/glass.png", "b/threshold.png"]
    assert b64decode(shown[0][1]) == (tmp_path / "a/threshold.png").read_bytes()
    assert text.count("some voxels are lost") == 1 and text.count('class="warnings"') == 1
    assert text.count("No region: 10 voxels pass the threshold") == 1 and text.count("<table") == 2
    assert 'id="a"' in text and 'href="#b"' in text and "../summary.html" in text
    assert ("view.html#variant=a" in text) == view
    assert 'download="m_a_regions.csv"' in text and 'download="m_b_peaks.csv"' not in text
    assert not re.search(r"""(src|href)=["']?(https?:|//)""", text)


def test_a_map_without_a_region_has_no_figures_of_regions(csv, tmp_path):
    empty = one_variant(csv, "a", regions=())
    empty = empty._replace(
        accounting=dict.fromkeys(ACCOUNTING, 0),
        files=empty.files | drawn(tmp_path / "a", "threshold", "glass"),
    )
    text = map_page("m", "z", [empty], drawn(tmp_path, "dice").values(), Beside(tmp_path))
    assert "No region: no voxel passes the threshold." in text
    assert "<img" not in text and "<table" not in text and 'id="_shared"' not in text and "supplement" not in text
    assert map_page("m", "z", [empty, one_variant(csv)], [], Beside(tmp_path)).count("For a supplement") == 1


@pytest.mark.parametrize(("peaks_of_each", "n"), [(1, 500), (3, 498), (501, 501)])
def test_a_map_page_lists_whole_clusters_and_says_where_the_rest_is(csv, peaks_of_each, n):
    regions = [REGION | {"region": number, "peak_value": -4.0} for number in range(1, 502)]
    page = one_variant(csv, regions=regions)
    peaks = [peak | {"peak": which} for peak in page.peaks for which in range(1, peaks_of_each + 1)]
    labels = {"labels_aal.csv": [{"label": f"label {number}", "n_voxels": 1} for number in range(501)]}
    text = map_page("m", "z", [page._replace(peaks=peaks, labels=labels)], [], Beside(csv.parent))
    assert f"The first {n} of {len(peaks):,} rows; all are in table.tsv." in text
    assert "The first 500 of 501 rows; all are in regions.csv." in text
    assert "The first 500 of 501 rows; all are in labels_aal.csv." in text
    assert text.count("<tr") == 3 + n + 500 + 500 and text.count("<tbody") == 2 + n // peaks_of_each
    whole = map_page("m", "z", [one_variant(csv, regions=regions[:500])], [], Beside(csv.parent))
    assert "all are in" not in whole


def test_pictures_are_light_however_fine_their_files(tmp_path):
    fine, light = tmp_path / "fine.png", tmp_path / "light.png"
    Image.new("RGB", (301, 100), "#c04020").save(fine, dpi=(300, 300))
    Image.new("RGB", (301, 100), "#c04020").save(light, dpi=(150, 150))
    sizes = [Image.open(BytesIO(b64decode(picture(path).partition(",")[2]))).size for path in (fine, light)]
    assert sizes == [(150, 50), (301, 100)]
    assert b64decode(picture(light).partition(",")[2]) == light.read_bytes() and picture(fine) == picture(fine)


def test_a_map_page_leads_to_everything_of_its_map(csv, tmp_path):
    """Figures of all variants, a figure per region, published tables: none is left to be found in a folder."""
    regions = [REGION, REGION | {"region": 2}]
    variants = [one_variant(csv, "a", regions=regions), one_variant(csv, "b", regions=())]
    shared = [*drawn(tmp_path, "dice").values(), *drawn(tmp_path / "sweep", "findings").values()]
    text = map_page("m", "z", variants, shared, Beside(tmp_path, 12, checks={"smith 2012": "All <follows>."}))
    assert "All &lt;follows&gt;." in text
    assert re.findall(r'href="([^"]*)"><img', text) == ["dice.png", "sweep/findings.png"]
    assert re.findall(r'href="([^"]*region-.*?)"', text) == ["a/pages/region-001.png", "a/pages/region-002.png"]
    assert 'href="published/smith%202012/check.html"' in text and 'href="#_shared"' in text
    fewer = map_page("m", "z", variants, [], Beside(tmp_path, max_pages=1))
    assert "region-001.png" in fewer and "region-002.png" not in fewer and 'id="_shared"' not in fewer


def test_every_voxel_is_accounted_for():
    assert accounting_in_words(ACCOUNTING, 2) == (
        "10 voxels pass the threshold: 6 in 2 regions (60.0%), 1 in regions that are too small (10.0%), "
        "3 in components without a seed (30.0%)."
    )
    assert accounting_in_words(dict.fromkeys(ACCOUNTING, 0), 0) == "No region: no voxel passes the threshold."


@pytest.mark.parametrize(
    ("pages", "address"),
    [
        (["map", "view"], "a%20b/map.html#v"),
        (["view"], "a%20b/view.html#variant=v"),
        ([], None),
    ],
)
def test_summary_leads_to_what_there_is(csv, pages, address):
    text = summary_page([summary_row("a b", "v")], [], [], Published(), csv, pages)
    links = re.findall(r'<td[^>]*><a href="(.*?)"', text)
    assert links == ([] if address is None else [address.partition("#")[0], address] * 2)


def test_warnings_that_say_the_same_are_one_group():
    warnings = [
        Warned("a", "v", "12 of 100 voxels (12.0%) are lost in MNI152"),
        Warned("a", "w", "not labelled"),
        Warned("b", "v", "9 of 100 voxels (9.5%) are lost in MNI152"),
    ]
    assert grouped(warnings) == {
        "9 to 12 of 100 voxels (9.5 to 12.0%) are lost in MNI152": [warnings[0], warnings[2]],
        "not labelled": [warnings[1]],
    }


def test_a_row_is_found_by_its_map_variant_and_warnings(csv):
    rows = [summary_row("a", "v"), summary_row("b", "v")]
    text = summary_page(rows, [Warned("b", "v", "Odd & ends")], [], Published(), csv, ["map"])
    assert re.findall(r'data-find="(.*?)"', text) == ["a v |z| &gt; 3", "b v |z| &gt; 3 odd &amp; ends"] * 2
    assert text.count('class="warned"') == 2


def test_published_tables_lead_to_their_pages(csv):
    best = {"map": "a", "table": "smith 2012", "rows": 8, "rows_exact": 6, "cutoff_low": 2.2996, "sign": "positive"}
    nothing = {"map": "b", "table": "lost"}
    text = summary_page(
        [summary_row("a", "v")], [], [], Published([best, nothing], ["FSL's own table is <reproduced>."]), csv, ["map"]
    )
    assert "FSL&#39;s own table is &lt;reproduced&gt;." in text
    assert "Published tables" in text and "2.2996" in text and '<a href="b/published/lost/check.html">lost</a>' in text
    assert '<a href="a/published/smith%202012/check.html">smith 2012</a>' in text
    assert "Published tables" not in summary_page([summary_row("a", "v")], [], [], Published(), csv, ["map"])


def test_too_many_pairs_are_left_to_the_files(csv):
    pair = {
        "map": "a",
        "variant_a": "v",
        "variant_b": "w",
        "voxels_a": 1,
        "voxels_b": 1,
        "overlap_voxels": 1,
        "dice": 1.0,
    }
    assert "How far the variants of a map agree" in summary_page(
        [summary_row("a", "v")], [], [pair], Published(), csv, []
    )
    text = summary_page([summary_row("a", "v")], [], [pair] * 3000, Published(), csv, [])
    assert "How far the variants of a map agree" not in text and "3,000 pairs" in text


def test_a_warning_is_counted_by_maps_and_names_a_map_once(csv):
    rows = [summary_row(name, variant) for name in "ab" for variant in ("v", "w")]
    warnings = [Warned("a", "v", "odd"), Warned("a", "w", "odd"), Warned("b", "w", "odd"), Warned("b", "w", "rare")]
    text = summary_page(rows, warnings, [], Published(), csv, ["map", "maps"])
    assert "<b>2 maps</b>: odd" in text and "<b>b</b>: rare" in text
    places = re.findall(r'<a href="([^"]*)">([^<]*)</a>(?:, )?\s*(?=<a|</details>)', text)
    assert places == [("a/map.html", "a"), ("b/map.html#w", "b · w"), ("b/map.html#w", "b · w")]
    assert 'href="maps.html"' in text
    assert 'href="maps.html"' not in summary_page(rows, [], [], Published(), csv, ["map"])
