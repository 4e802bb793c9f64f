"""The table as one prints it: order, what stands where, which columns."""

from pathlib import Path

import pandas as pd
import pytest

from statmap.config.schema import load
from statmap.docs import WORDS
from statmap.tables.columns import MANUSCRIPT, PEAKS, REGIONS, TABLE_COLUMNS
from statmap.tables.csv_files import write_rows
from statmap.tables.manuscript import chosen_columns, manuscript_rows

SET_LEVEL = {"set_p": 0.25, "set_c": 3}


def region(number, peak_value, **cells):
    return dict.fromkeys(REGIONS) | {"region": number, "peak_value": peak_value, "n_voxels": 100 - number} | cells


def peak(of_region, number, value, **cells):
    own = {"region": of_region, "peak": number, "value": value, "x": -22.0, "aal_peak": f"label {of_region}.{number}"}
    return dict.fromkeys(PEAKS) | own | cells


REGION_ROWS = [region(1, 4.0, volume_mm3=60399.0), region(2, -7.5, volume_mm3=1215.0), region(3, 4.0)]
PEAK_ROWS = [peak(1, 1, 4.0), peak(1, 2, 3.5), peak(2, 1, -7.5), peak(2, 2, -5.0), peak(2, 3, -4.0), peak(3, 1, 4.0)]


@pytest.fixture
def rows():
    return manuscript_rows(REGION_ROWS, PEAK_ROWS, SET_LEVEL)


def test_the_strongest_cluster_is_first_by_magnitude_and_equal_ones_by_size(rows):
    assert [(row["region"], row["peak"]) for row in rows] == [(2, 1), (2, 2), (2, 3), (1, 1), (1, 2), (3, 1)]


def test_what_is_of_a_cluster_stands_at_its_main_peak_and_of_the_set_in_the_first_row(rows):
    assert [row["n_voxels"] for row in rows] == [98, None, None, 99, None, 97]
    assert [row["set_c"] for row in rows] == [3, None, None, None, None, None]
    assert [row["value"] for row in rows] == [-7.5, -5.0, -4.0, 4.0, 3.5, 4.0]
    assert manuscript_rows([], [], SET_LEVEL) == []


def test_columns_are_those_asked_for_in_their_order_without_the_empty_ones(rows):
    names = ["label", "x", "p_cluster", "value"]
    assert list(chosen_columns(names, rows, ["aal"])) == ["region", "peak", "aal_peak", "x", "value"]
    assert list(chosen_columns(names, rows, [])) == ["region", "peak", "x", "value"]
    assert list(chosen_columns(names, [], ["aal"])) == ["region", "peak", "aal_peak", "x", "p_cluster", "value"]


def test_what_a_variant_may_ask_for_are_the_columns_of_the_table():
    assert WORDS["config"]["table_columns"] == TABLE_COLUMNS and len(TABLE_COLUMNS) == len(MANUSCRIPT) - 1


def test_a_program_reads_its_numbers(rows, tmp_path):
    columns = chosen_columns(["label", "volume_mm3", "value", "x"], rows, ["aal"])
    write_rows(tmp_path / "table.tsv", rows, columns)
    text = (tmp_path / "table.tsv").read_text(encoding="utf-8")
    assert text.isascii() and text.splitlines()[1] == "2\t1\tlabel 2.1\t1215.0\t-7.50000\t-22.00"
    back = pd.read_csv(tmp_path / "table.tsv", sep="\t")
    assert back["x"].tolist() == [-22.0] * 6 and back["volume_mm3"].dropna().tolist() == [1215, 60399]
    assert back["region"].tolist() == [2, 2, 2, 1, 1, 3]


def test_spm_shows_set_cluster_and_peak_level_with_its_own_columns():
    """spm_list.m: p and c; p FWE, q FDR, k, p; p FWE, q FDR, T, Z, p; x, y, z."""
    spm = load(Path(__file__).parents[3] / "config/schemas/conventions.yaml")["spm"]["table_columns"]
    own = "set_p set_c p_cluster q_cluster n_voxels p_cluster_unc p_fwe q value z_score p x y z"
    assert spm == [*own.split(), "label"]
