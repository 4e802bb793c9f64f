"""Each layout from a small file, written as its tool writes it."""

import math

import pytest

from statmap.io.files import UserError
from statmap.published.readers import read_published


@pytest.fixture
def read(tmp_path):
    def of(text, name="t.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return read_published(tmp_path / name, "table 't'")

    return of


def test_our_own_form(read):
    table = read(
        "x\ty\tz\tvalue\tn_voxels\tcluster\tsign\n-30\t4\t−8.5\t4.20\t1,204\tA\t\n6\t0\t0\t−3.1\t\tA\t\n1\t2\t3\t5\t7\tB\tnegative\n"
    )
    rows = table.rows
    assert (table.layout, table.size_unit, table.coordinates, table.space) == ("tab-separated", "voxels", "mm", "")
    assert rows[["x", "y", "z"]].to_numpy().tolist() == [[-30, 4, -8.5], [6, 0, 0], [1, 2, 3]]
    assert rows["size"][0] == 1204 and math.isnan(rows["size"][1])
    assert rows["value_step"].tolist() == [0.01, 0.1, 1] and rows["size_step"].tolist() == [1, 0, 1]
    assert rows["sign"].tolist() == ["positive", "negative", "negative"]
    assert rows["cluster"].tolist() == ["A", "A", "B"] and rows["main"].tolist() == [True, False, True]


def test_without_clusters_a_row_without_a_size_belongs_to_the_one_above(read):
    rows = read("x\ty\tz\tvolume_mm3\n1\t2\t3\t810\n4\t5\t6\t\n7\t8\t9\t27.5\n").rows
    assert rows["cluster"].tolist() == ["1", "1", "2"] and rows["main"].tolist() == [True, False, True]
    assert rows["size_step"].tolist() == [1, 0, 0.1]
    assert read("x\ty\tz\n1\t2\t3\n4\t5\t6\n").rows["cluster"].tolist() == ["", ""]


def test_nilearn(read):
    table = read(
        "Cluster ID,X,Y,Z,Peak Stat,Cluster Size (mm3)\n1,39.0,-22.0,58.0,7.941345,60399\n1a,42.0,-19.0,19.0,7.9,\n"
        "2,18.0,-52.0,-20.0,-7.94,8964\n"
    )
    assert (table.layout, table.size_unit) == ("nilearn", "mm3")
    assert table.rows["cluster"].tolist() == ["1", "1", "2"] and table.rows["main"].tolist() == [True, False, True]
    assert table.rows["sign"].tolist() == ["positive", "positive", "negative"]
    assert table.rows["value_step"][0] == pytest.approx(1e-6)


def test_atlasreader(read):
    clusters = read(
        'cluster_id,peak_x,peak_y,peak_z,cluster_mean,volume_mm,aal\n1,42,-25,55,5.71861,60399,"1% a, 2% b"\n'
        "2,-36,-25,55,-5.9,378,x\n"
    )
    assert (clusters.layout, clusters.size_unit) == ("AtlasReader", "mm3")
    assert clusters.rows["mean"].tolist() == [5.71861, -5.9] and clusters.rows["value"].isna().all()
    assert clusters.rows["sign"].tolist() == ["positive", "negative"]
    peaks = read(
        "cluster_id,peak_x,peak_y,peak_z,peak_value,volume_mm\n1,0,0,0,3.1,810\n1,9,0,0,4.1,810\n2,5,5,5,3,27\n"
    )
    assert peaks.rows["main"].tolist() == [False, True, True]


@pytest.mark.parametrize(("unit", "coordinates"), [("vox", "voxels"), ("mm", "mm")])
@pytest.mark.parametrize("scalar", ["", "Z-"])
def test_fsl(read, scalar, unit, coordinates):
    header = ["Cluster Index", "Voxels", "P", "-log10(P)", f"{scalar}MAX"]
    header += [f"{scalar}{what} {axis} ({unit})" for what in ("MAX", "COG") for axis in "XYZ"]
    header += ["COPE-MAX", *(f"COPE-MAX {axis} ({unit})" for axis in "XYZ"), "COPE-MEAN"]
    values = "2\t751\t1.97e-09\t8.71\t6.86\t40\t18\t52\t33.9\t20.1\t59.7\t1.27e+03\t40\t16\t13\t269"
    table = read("\t".join(header) + "\n" + values + "\n")
    assert (table.layout, table.coordinates) == ("FSL cluster", coordinates)
    [row] = table.rows.to_dict("records")
    assert [row[name] for name in ("x", "y", "z", "value", "size", "cluster")] == [40, 18, 52, 6.86, 751, "2"]


def test_sleuth(read):
    table = read(
        "// Reference=Talairach\n// Smith, 2012: Faces > Shapes\n// Subjects=20\n-42 -56 -20\n40\t-50\t-22\n\n"
    )
    assert (table.layout, table.space) == ("Sleuth", "Talairach")
    assert table.rows[["x", "y", "z"]].to_numpy().tolist() == [[-42, -56, -20], [40, -50, -22]]
    assert read("//Reference=MNI\n1 2 3\n").space == "MNI"


def test_the_step_of_a_number_is_that_of_its_last_digit(read):
    rows = read("x\ty\tz\tvalue\n0\t0\t0\t3.10\n0\t0\t0\t1.27e+03\n0\t0\t0\t-.5\n0\t0\t0\tn/a\n").rows
    assert rows["value_step"].tolist() == [0.01, 10, 0.1, 0] and math.isnan(rows["value"][3])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x\ty\tz\n", "no row"),
        ("X\tY\tpeak\n1\t2\t3\n", "has the columns X, Y, peak"),
        ("x\ty\tz\tn_voxels\tvolume_mm3\n1\t2\t3\t4\t5\n", "has the columns"),
        ("x\ty\tz\tvalue\n1\t2\t3\t4\n1\t2\t3\tabout 4\n", "row 2, value: 'about 4' is not a number"),
        ("x\ty\tz\tvalue\n1\t2\t3\tinf\n", "row 1, value: 'inf' is not a number"),
        ("x\ty\tz\tn_voxels\n1\t2\t3\t1e400\n", "row 1, n_voxels: '1e400' is not a number"),
        ("x\tx\ty\tz\n1\t2\t3\t4\n", "has the columns x, x, y, z"),
        ("x,y,z,n_voxels,value\n1,2,3,40,5\n1,2,3,1,204,5\n", "row 2 has more cells than the 5 columns"),
        ("x\ty\tz\n1\t2\n", "row 1: no coordinate"),
        ("x\ty\tz\tn_voxels\n1\t2\t3\t0\n", "row 1: a size of 0"),
        ("x\ty\tz\tsign\n1\t2\t3\tup\n", "row 1: sign 'up'"),
        ("// Subjects=20\n1 2 3\n", "Reference="),
        ("// Reference=MNI\n1 2\n", "row 1: no coordinate"),
    ],
)
def test_an_error_is_one_line_that_names_table_and_place(read, text, said):
    with pytest.raises(UserError) as error:
        read(text)
    assert said in str(error.value) and "table 't'" in str(error.value) and "\n" not in str(error.value)


def test_what_is_no_text(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\x1f\x8b\xff\xfe\x00")
    with pytest.raises(UserError, match="not text in UTF-8"):
        read_published(tmp_path / "t.csv", "table 't'")
