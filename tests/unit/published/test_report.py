"""Thresholds in words and p values, the ready variant, what becomes of rows that do not fit, the figure."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from calls import resolve_cutoff, stat_map_of
from drawn import collisions, words
from scenes import LONG
from scipy import stats

from statmap.config.schema import load, validate
from statmap.figures.published import MOST_ROWS, published_figure
from statmap.inference.random_field import RandomField
from statmap.inference.region_statistics import peak_fwe
from statmap.inference.search_volume import search_of
from statmap.published.readers import read_published
from statmap.published.report import (
    ready_variant,
    round_extent,
    row_curves,
    rows_table,
    settings_table,
    variant_yaml,
    verdict,
)
from statmap.published.settings import find_settings

SCHEMA = Path(__file__).parents[3] / "config/schemas/config.schema.yaml"


@pytest.fixture
def line(tmp_path):
    """A map of one line of voxels (1 mm), and the search of a table on it."""

    def of(values, text):
        data = np.zeros((len(values) + 2, 3, 3), np.float32)
        data[1:-1, 1, 1] = values
        (tmp_path / "t.tsv").write_text(text, encoding="utf-8")
        table = read_published(tmp_path / "t.tsv", "table")
        return data, table, find_settings(table, data, np.eye(4))

    return of


def rows_of(*lines, header="x y z value n_voxels"):
    return "\n".join("\t".join(line.split()) for line in (header, *lines))


def test_an_interval_as_p_values(line):
    data, table, found = line([2, 3.5, 3, 0, 0, 2.5, 0], rows_of("2 1 1 3.5 2"))
    family = np.concatenate([data[data != 0], np.linspace(-2, 2, 400)]).reshape(-1, 1, 1)
    best = settings_table(table, found, stat_map_of(family, stat="z")).iloc[0]
    assert (best.cutoff_low, best.cutoff_high, best.sign) == (2, 3, "positive")
    p = stats.norm.sf([3, 2])
    assert [best.p_low, best.p_high] == pytest.approx(p)
    assert [best.fwe_low, best.fwe_high] == pytest.approx(np.minimum(p * len(family), 1))
    for alpha in np.geomspace(0.01, 0.99, 300):
        keys = {"threshold": {"fdr": float(alpha)}, "sided": "positive", "domain": "all", "stat": "z"}
        cutoff = resolve_cutoff(family, np.ones_like(family, dtype=bool), keys).value
        assert (best.fdr_low <= alpha < best.fdr_high) == (2 < cutoff <= 3)
    unknown = settings_table(table, found, stat_map_of(family)).iloc[0]
    assert best.threshold == "2.5" and unknown[["p_low", "fdr_high"]].isna().all()


def test_the_family_of_tests_is_the_mask_without_its_zeros(line):
    """Voxels that the map has beside its mask change no p value, nor do those of the mask where it is 0."""
    data, table, found = line([2, 3.5, 3, 0, 0, 2.5, 0], rows_of("2 1 1 3.5 2"))
    inside = np.ones(data.shape, bool)
    inside[6, 1, 1] = False  # the voxel of 2.5
    expected = settings_table(table, found, stat_map_of(data[data != 0][:3].reshape(-1, 1, 1), stat="z"))
    made = settings_table(table, found, stat_map_of(data, mask=inside, stat="z"))
    assert made.equals(expected) and made.iloc[0].fwe_high == pytest.approx(3 * stats.norm.sf(2))


def test_family_wise_p_are_those_of_the_peaks_columns(line):
    """By random field theory over the voxels that the sheet says; p values are no field, F has one tail."""
    data, table, found = line([2, 3.5, 3, 0, 0, 2.5, 0], rows_of("2 1 1 3.5 2"))
    n_tests = np.count_nonzero(data)
    volume = search_of(np.ones((20, 20, 20), bool), np.eye(4), 4.0, None, search_voxels=12)
    for stat, df in (("z", None), ("t", 20.0), ("F", (2.0, 30.0))):
        stat_map = stat_map_of(data, stat=stat, df=df)
        best = settings_table(table, found, stat_map, volume).iloc[0]
        expected = peak_fwe(np.array([3.0, 2.0]), RandomField(stat_map.distribution, "positive", volume))
        assert [best.fwe_low, best.fwe_high] == expected.tolist()
    best = settings_table(table, found, stat_map_of(data, stat="log10p"), volume).iloc[0]
    assert [best.fwe_low, best.fwe_high] == pytest.approx(np.minimum(10 ** np.array([-3.0, -2.0]) * n_tests, 1))


@pytest.mark.parametrize(("stat", "df"), [("z", None), ("t", 20)])
def test_a_usual_p_comes_before_a_value_of_many_decimals(line, stat, df):
    cutoff = stats.norm.isf(0.001) if stat == "z" else stats.t.isf(0.001, df)
    data, table, found = line([cutoff - 0.001, 9, cutoff + 0.002, 0], rows_of("2 1 1 9 2"))
    best = settings_table(table, found, stat_map_of(data, stat=stat, df=df)).iloc[0]
    assert best.threshold == "p=0.001"
    assert ready_variant(found.candidates[0], best.threshold)["threshold"] == {"p": 0.001}


def test_the_ready_variant_is_one_that_the_config_accepts(line):
    _, _, found = line([2, 3.5, 3, 0, -4, -4], rows_of("2 1 1 3.5 2"))
    variant = ready_variant(found.candidates[0], "2.5")
    written = yaml.safe_load(variant_yaml({"published-t": variant}))
    assert written == {"variants": {"published-t": variant}} and variant_yaml({}) == ""
    validate(written, SCHEMA, "the ready variant")
    assert variant["sided"] == "positive" and variant["min_region_size"] == 0


def test_the_defaults_of_a_config_do_not_change_the_ready_variant(line):
    """Every key that decides which clusters of connected_components are kept is in it."""
    _, _, found = line([2, 3.5, 3, 0], rows_of("2 1 1 3.5 2"))
    asked = load(SCHEMA)["$defs"]["variant"]["properties"]
    elsewhere = {"percentile_domain", "tdp_alpha"}  # of thresholds that it does not have
    elsewhere |= {"unseeded", "edge_scale", "random_walker", "seed_fwhm_mm", "seed_cube_voxels"}  # of local_regions
    elsewhere |= {
        "cluster_theory",
        "min_peak_distance",
        "peak_distance_rule",
        "peak_neighbours",
        "max_peaks",
        "table_columns",
    }
    elsewhere |= {"convention"}  # of its keys none is left to it
    assert set(asked) - elsewhere == set(ready_variant(found.candidates[0], "2.5"))


def test_round_extents():
    assert [round_extent(*ends) for ends in ((0, 30), (4, 5), (19, 19), (12, 99), (7, 13))] == [0, 5, 19, 50, 10]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("11 1 1 4 7", "other size"),
        ("11 1 1 5 3", "other value"),
        ("11 1 1 -4 3", "other sign"),
        ("30 1 1 4 3", "no peak nearby"),
        ("16 1 1 2 1", "below the cutoff"),
        ("6 1 1 5 2", "not the peak of its cluster"),
        ("3 1 1 6 5", "taken"),
    ],
)
def test_what_is_in_the_way_of_a_row(line, row, said):
    values = [2, 3, 6, 3, 3, 5, 2, 0, 2, 3, 4, 3, 2, 0, 0, 2]
    _, table, found = line(values, rows_of("3 1 1 6 5", "11 1 1 4 3", row))
    plain = found._replace(candidates=[one for one in found.candidates if not one.reading.changed])
    assert (plain.candidates[0].low, plain.candidates[0].high) == (2, 3)
    assert rows_table(table, plain, np.eye(4)).verdict.tolist() == ["exact", "exact", said]


def test_the_verdict_says_what_the_table_lacks(line):
    _, table, found = line([3, 6, 3, 0, 3, 4, 3, 0], rows_of("2 1 1 6 3"))
    assert [one.unlisted for one in found.candidates[:1]] == [1]
    assert verdict(table, found, "t").startswith(
        "Every row fits exactly, but the table lacks 1 cluster as large as its"
    )


def test_rows_that_no_setting_explains_are_told_from_those_that_do_not_fit_together(line):
    _, table, found = line(
        [3, 6, 3, 0, 0, 2, 3, 4, 3, 2, 0],
        rows_of("2 1 1 6 3", "8 1 1 4 5", "80 1 1 4 3", header="x y z value n_voxels"),
    )
    said = verdict(table, found)
    assert (
        said.startswith("2 of 3 rows fit") and "; row 3 does not follow from this map under any setting tried" in said
    )


def test_the_figure_says_each_row(motor, tmp_path):
    rows = rows_of("-36 -19 19 -6.22 45", "-6 -19 49 -5.04 40", "-30 -10 -2 -4.65 14", "0 90 90 3 8")
    (tmp_path / "t.tsv").write_text(rows, encoding="utf-8")
    table = read_published(tmp_path / "t.tsv", "table")
    found = find_settings(table, *motor)
    best = found.candidates[0]
    drawn = row_curves(table, found)
    assert [row["printed"] for row in drawn] == [(45, 45), (40, 40), (14, 14), (8, 8)] and len(drawn[3]["levels"]) == 0
    for row in drawn[:3]:
        assert (np.diff(row["levels"]) < 0).all() and (np.diff(row["sizes"]) > 0).all()
        at = np.searchsorted(-row["levels"], -best.cutoff, side="right") - 1
        assert (row["sizes"][at] == row["printed"][0]) == (row["verdict"] == "exact")
    page = published_figure(drawn, (best.low, best.high), "motor: table t", verdict(table, found, "z"), "z")
    assert collisions(page) == []
    assert {"−36, −19, 19", "45", "exact", "other size", "no peak nearby", "cutoff on |z|"} <= set(words(page))


@pytest.mark.parametrize("n", [0, 1, 12, 80])
def test_figures_of_any_number_of_rows_are_legible(n):
    rows = [
        {"row": rank, "x": -40.5, "y": -110.0, "z": 61.5, "verdict": "not the peak of its cluster"}
        | {"levels": np.array([6.0, 5, 4 + rank / 100, 2]), "sizes": np.array([1, 5, 40, 131892])}
        | {"printed": (131892, 131999) if rank % 2 else None, "allowed": [(0.0, 2.0), (4.0, 4.1)]}
        for rank in range(1, n + 1)
    ]
    for interval in ((3.99999, 4.0), (0.0, 4.1), None):
        page = published_figure(rows, interval, *LONG)
        assert collisions(page) == []
    assert any(f"{n - MOST_ROWS:,} more rows" in word for word in words(published_figure(rows, (3.9, 4.0), "a"))) == (
        n > MOST_ROWS
    )
