"""AFNI buckets, as HEAD and BRIK and as NIfTI, and reports of 3dClusterize."""

import re

import nibabel as nib
import numpy as np
import pytest
from folders import AFFINE, afni_head, afni_nifti, bricks, clusterize, damaged, mask, save, z_map

from statmap.analyses.afni import attributes, read, recognises
from statmap.analyses.analysis import Volume
from statmap.io.files import UserError


def by_name(path):
    return {row.name: row for row in read(str(path)).rows}


@pytest.fixture(params=["head", "nifti"])
def bucket(request, tmp_path):
    if request.param == "head":
        return afni_head(tmp_path / "a folder")
    return afni_nifti(tmp_path / "a folder/stats.FT.nii.gz")


def test_every_sub_brick_that_is_a_statistic(bucket):
    found = by_name(bucket)
    assert {name: (row.cells["source"], row.cells["stat"], row.cells.get("df")) for name, row in found.items()} == {
        "Full_Fstat": (Volume(bucket, 0), "F", [2, 84]),
        "vis#0_Tstat": (Volume(bucket, 2), "t", 84),
        "V-A_GLT#0_Tstat": (Volume(bucket, 4), "t", 84),
        "vis Zscore": (Volume(bucket, 5), "z", None),
    }
    assert {row.cells["space"] for row in found.values()} == {"MNI"} and not any(row.gap for row in found.values())
    assert all("BRICK_STATAUX" in row.origin for row in found.values())


def test_the_effect_is_the_sub_brick_before(bucket):
    assert {name: row.effect for name, row in by_name(bucket).items()} == {
        "Full_Fstat": None,
        "vis#0_Tstat": Volume(bucket, 1),
        "V-A_GLT#0_Tstat": Volume(bucket, 3),
        "vis Zscore": None,
    }


@pytest.mark.parametrize("name", ["stats.FT+tlrc", "stats.FT+tlrc.HEAD", "stats.FT+tlrc.BRIK"])
def test_the_prefix_the_header_or_the_values(tmp_path, name):
    head = afni_head(tmp_path)
    assert recognises(str(tmp_path / name))
    assert by_name(tmp_path / name)["vis Zscore"].cells["source"] == Volume(head, 5)


def test_what_is_none(tmp_path):
    afni_head(tmp_path)
    save(tmp_path / "plain.nii.gz", z_map())
    names = ("", "stats.FT", "stats.FT+orig", "plain.nii.gz", "gone.HEAD")
    assert not any(recognises(str(tmp_path / name)) for name in names)


@pytest.mark.parametrize(
    ("view", "space", "expected"),
    [("orig", "ORIG", "native"), ("orig", "", "native"), ("tlrc", "", "TLRC"), ("tlrc", "TT_N27", "TT_N27")],
)
def test_spaces(tmp_path, view, space, expected):
    assert by_name(afni_head(tmp_path, view=view, space=space))["vis Zscore"].cells["space"] == expected


def test_statistics_by_their_symbols_alone(bucket):
    """Older headers, and those that other tools wrote."""
    if bucket.name.endswith(".HEAD"):
        text = bucket.read_text()
        bucket.write_text(text.replace("BRICK_STATAUX", "BRICK_OTHER"))
    else:
        image = nib.load(bucket)
        content = image.header.extensions[0].get_content().replace(b"BRICK_STATAUX", b"BRICK_OTHER12")
        image.header.extensions[0] = nib.nifti1.Nifti1Extension(4, content)
        nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj), None, image.header), bucket)
    assert {(row.cells["stat"], str(row.cells.get("df"))) for row in read(str(bucket)).rows} == {
        ("F", "[2, 84]"),
        ("t", "84"),
        ("z", "None"),
    }


def test_statistics_that_the_sheet_has_no_word_for(tmp_path):
    head = afni_head(tmp_path)
    text = head.read_text()
    head.write_text(text.replace(" 0 4 2 2 84 ", " 0 2 3 84 2 1 1 6 1 3 "))
    found = by_name(head)
    assert found["Full_Fstat"].gap == "its statistic is a correlation, not t, F or z"
    assert found["vis#0_Coef"].gap == "its statistic is chi squared, not t, F or z"
    assert "stat" not in found["vis#0_Coef"].cells


def test_degrees_of_freedom_that_are_missing(tmp_path):
    head = afni_head(tmp_path)
    head.write_text(head.read_text().replace(" 2 3 1 84 ", " 2 3 1 0 "))
    assert by_name(head)["vis#0_Tstat"].gap == "its degrees of freedom are not in the header"


def test_a_mask_beside_it_on_its_grid(tmp_path):
    head = afni_head(tmp_path)
    assert "No mask is beside the bucket" in read(str(head)).remarks[0]
    save(tmp_path / "mask_epi_anat.nii.gz", np.ones((3, 3, 3), np.uint8))
    assert "mask" not in by_name(head)["vis Zscore"].cells
    save(tmp_path / "full_mask.nii.gz", mask())
    found = read(str(head))
    assert found.rows[0].cells["mask"] == tmp_path / "full_mask.nii.gz" and found.remarks == ()


# -------------------------------------------------------------------------------------------------------------- reports
@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({}, {"threshold": 3.3, "sided": "two", "signs": "split", "convention": "afni-nn1", "min_region_size": "5"}),
        (
            {"option": "2sided", "nn": 2},
            {"threshold": 3.3, "sided": "two", "signs": "merged", "convention": "afni-nn2", "min_region_size": "5"},
        ),
        (
            {"option": "1sided", "nn": 3, "extent": 20, "cutoff": 2.5},
            {"threshold": 2.5, "sided": "positive", "convention": "afni-nn3", "min_region_size": "20"},
        ),
    ],
)
def test_a_report(tmp_path, options, keys):
    head = afni_head(tmp_path)
    path = clusterize(tmp_path / "Clust_table.1D", bricks(), **options)
    found = by_name(head)
    row = found["vis#0_Tstat"]
    assert row.inference == keys | {"min_region_size": f"{keys['min_region_size']} voxels"}
    assert row.stated.startswith("Clust_table.1D: ")
    assert [(table.table, table.peaks, table.by_settings) for table in row.tables] == [(path, None, True)]
    assert not any(other.tables or other.inference for name, other in found.items() if name != "vis#0_Tstat")


def test_a_threshold_that_was_asked_for_as_a_p_value(tmp_path):
    """The value that it became is printed with six decimals only."""
    head = afni_head(tmp_path)
    path = clusterize(tmp_path / "report.1D", bricks())
    text = path.read_text().replace("bisided,-3.3,3.3", "bisided,p=0.001")
    path.write_text(re.sub(r"left-tail stat=.*\]", "left-tail thr=-3.405725;  right-tail thr=3.405725 ]", text))
    row = by_name(head)["vis#0_Tstat"]
    assert row.inference["threshold"] == {"p": 0.001} and row.inference["sided"] == "two"


def test_the_second_report_of_a_sub_brick_has_settings_of_its_own(tmp_path):
    head = afni_head(tmp_path)
    clusterize(tmp_path / "a.1D", bricks())
    clusterize(tmp_path / "b.1D", bricks(), cutoff=2.5)
    row = by_name(head)["vis#0_Tstat"]
    assert row.inference["threshold"] == 3.3
    assert [(table.table.name, table.by_settings) for table in row.tables] == [("a.1D", True), ("b.1D", False)]


def test_reports_of_other_buckets_and_without_clusters(tmp_path):
    head = afni_head(tmp_path)
    clusterize(tmp_path / "other.1D", bricks(), prefix="./stats.sub-02+tlrc.HEAD")
    clusterize(tmp_path / "none.1D", bricks(), cutoff=50)
    (tmp_path / "motion.1D").write_text("0.1 0.2\n0.3 0.4\n")
    found = read(str(head))
    assert not any(row.tables for row in found.rows)
    assert found.remarks[0] == "none.1D is a report of 3dClusterize without a cluster"


@pytest.mark.parametrize(
    ("pattern", "put"),
    [("right-tail stat=3.3", "right-tail stat=2.3"), ("NN   = 1", "NN   = 4"), ("bisided,", "within_range,")],
)
def test_a_report_whose_settings_are_none_of_ours(tmp_path, pattern, put):
    head = afni_head(tmp_path)
    path = clusterize(tmp_path / "report.1D", bricks())
    path.write_text(path.read_text().replace(pattern, put))
    found = read(str(head))
    row = next(row for row in found.rows if row.tables)
    assert row.inference is None and "thresholded in a way that no setting here is" in found.remarks[0]


def test_the_mask_that_a_report_names(tmp_path):
    head = afni_head(tmp_path)
    save(tmp_path / "grey.nii.gz", mask())
    path = clusterize(tmp_path / "report.1D", bricks())
    path.write_text(path.read_text().replace("#[ Option", "#[ Mask                = grey.nii.gz ]\n#[ Option"))
    assert by_name(head)["vis#0_Tstat"].cells["mask"] == tmp_path / "grey.nii.gz"


# ------------------------------------------------------------------------------------------------------ what is damaged
@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_a_damaged_header(tmp_path, how):
    head = afni_head(tmp_path)
    damaged(head, how)
    with pytest.raises(UserError, match="no sub-brick of" if how == "half" else "has no attribute"):
        read(str(head))


@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_a_damaged_nifti(tmp_path, how):
    path = afni_nifti(tmp_path / "stats.nii.gz")
    damaged(path, how)
    assert recognises(str(path)) == (how == "half")  # its header is whole


@pytest.mark.parametrize("name", ["BRICK_LABS", "BRICK_STATAUX", "BRICK_STATSYM", "TEMPLATE_SPACE"])
def test_every_attribute_that_is_missing(tmp_path, name):
    head = afni_head(tmp_path)
    head.write_text(head.read_text().replace(f"name = {name}\n", "name = OTHER\n"))
    rows = read(str(head)).rows
    assert len(rows) == 4 and not any(row.gap for row in rows)
    assert (rows[0].name == "sub-brick 0") == (name == "BRICK_LABS")


def test_a_header_that_is_too_large_and_reports_that_are_no_files(tmp_path, monkeypatch):
    head = afni_head(tmp_path)
    (tmp_path / "folder.1D").mkdir()
    (tmp_path / "gone.1D").symlink_to("nowhere")
    assert len(read(str(head)).rows) == 4
    monkeypatch.setattr("statmap.analyses.afni.MOST_TEXT", 100)
    with pytest.raises(UserError, match=r"is larger than 100 bytes and no header"):
        read(str(head))
    with pytest.raises(UserError, match=r"stats.gone is not there; accepted: an AFNI bucket"):
        read(str(tmp_path / "stats.gone"))


def test_no_statistic(tmp_path):
    head = afni_head(tmp_path)
    head.write_text(head.read_text().replace("BRICK_STAT", "BRICK_OTHER"))
    with pytest.raises(UserError, match=r"no sub-brick of .* is a statistic"):
        read(str(head))


def test_an_extension_that_is_no_xml(tmp_path):
    image = nib.Nifti1Image(bricks(), AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(4, b"<AFNI_attributes> <AFNI_atr </AFNI"))
    nib.save(image, tmp_path / "x.nii.gz")
    assert attributes(tmp_path / "x.nii.gz") == {} and not recognises(str(tmp_path / "x.nii.gz"))


def test_what_fills_the_statistics_with_nonsense(tmp_path):
    head = afni_head(tmp_path)
    text = head.read_text()
    for numbers in ("nan 1 2", "1e300 3 1 84", "-1 3 1 84", "2 3 99999999999 84", "2 3 -5 84", "2 3"):
        head.write_text(re.sub(r"(BRICK_STATAUX\ncount = \d+\n ).*", rf"\g<1>{numbers}", text))
        for row in read(str(head)).rows:
            assert row.cells["source"].number >= 0
