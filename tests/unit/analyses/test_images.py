"""Any images: volumes of a 4D file, images of a folder, by what their headers and names say."""

import nibabel as nib
import numpy as np
import pytest
from folders import AFFINE, afni_head, damaged, mask, save, z_map

from statmap.analyses.analysis import Volume, image_beside, listed
from statmap.analyses.images import read, recognises
from statmap.io.files import UserError


def rows(source):
    return read(str(source)).rows


def test_every_volume_of_a_file(tmp_path):
    path = save(tmp_path / "zstats.nii.gz", np.stack([z_map(n) for n in range(3)], axis=3), intent=("z score",))
    found = rows(path)
    assert [(row.name, row.cells["source"]) for row in found] == [(f"zstats {n}", Volume(path, n)) for n in range(3)]
    assert {row.cells["stat"] for row in found} == {"z"} and not any(row.gap for row in found)


def test_a_fourth_axis_of_one(tmp_path):
    path = save(tmp_path / "zstat.nii.gz", z_map()[..., None])
    assert [row.cells["source"] for row in rows(path)] == [path]


def test_a_time_series(tmp_path):
    path = save(tmp_path / "bold.nii.gz", np.zeros((2, 2, 2, 1001), np.uint8))
    (row,) = rows(path)
    assert row.gap == "it has 1,001 volumes, more than 1,000: a time series, or residuals?"


@pytest.mark.parametrize("shape", [(5, 5), (2, 2, 2, 2, 3)])
def test_other_shapes(tmp_path, shape):
    nib.save(nib.Nifti1Image(np.ones(shape, np.uint8), np.eye(4)), tmp_path / "x.nii")
    assert "neither a volume nor several" in rows(tmp_path / "x.nii")[0].gap


@pytest.mark.parametrize(
    ("name", "header", "cells"),
    [
        ("a.nii", {"intent": ("t test", (12.0,))}, {"stat": "t", "df": 12}),
        ("a.nii", {"intent": ("t test", (12.34,))}, {"stat": "t", "df": 12.34}),
        ("a.nii", {"intent": ("f test", (2, 57))}, {"stat": "F", "df": [2, 57]}),
        ("a.nii", {"intent": ("p value",)}, {"stat": "p"}),
        ("a.nii", {"intent": ("t test", (0.0,))}, {"stat": "t"}),
        ("a.nii", {"descrip": "SPM{T_[84.0]} - contrast 3: go > rest"}, {"stat": "t", "df": 84}),
        ("a.nii", {"descrip": "SPM{F_[2.0,84.0]} - contrast 1: any"}, {"stat": "F", "df": [2, 84]}),
        ("zstat1.nii.gz", {}, {"stat": "z"}),
        ("sub-1_tmap.nii", {}, {"stat": "t"}),
        ("F_stat.nii", {}, {"stat": "F"}),
        ("thickness.nii", {}, {}),
        ("tfce.nii", {}, {}),
        ("a.nii", {"codes": (4, 4)}, {"space": "MNI152"}),
        ("a.nii", {"codes": (2, 3)}, {"space": "Talairach"}),
    ],
)
def test_headers_and_names(tmp_path, name, header, cells):
    path = save(tmp_path / name, z_map(), **header)
    assert rows(path)[0].cells == {"source": path, **cells}


def test_the_name_that_spm_gives(tmp_path):
    path = save(tmp_path / "spmT_0003.nii", z_map(), descrip="SPM{T_[84.0]} - contrast 3: go > rest")
    assert rows(path)[0].name == "go > rest"


def test_a_folder(tmp_path):
    for name in ("b.nii", "a.nii.gz", "c.img", "mask.nii.gz"):
        save(tmp_path / name, mask() if "mask" in name else z_map())
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "deeper").mkdir()
    save(tmp_path / "deeper/d.nii", z_map())
    found = rows(tmp_path)
    assert [row.cells["source"].name for row in found] == ["a.nii.gz", "b.nii", "c.img"]
    assert {row.cells["mask"] for row in found} == {tmp_path / "mask.nii.gz"}


def test_a_bucket_in_a_folder_is_taken_apart(tmp_path):
    afni_head(tmp_path)
    save(tmp_path / "zstat.nii", z_map())
    assert [row.name for row in rows(tmp_path)][-2:] == ["vis Zscore", "zstat"] and len(rows(tmp_path)) == 5


def test_a_mask_of_another_grid_is_not_theirs(tmp_path):
    save(tmp_path / "mask.nii", np.ones((3, 3, 3), np.uint8))
    path = save(tmp_path / "zstat.nii", z_map())
    assert "mask" not in rows(path)[0].cells
    save(tmp_path / "mask.nii", mask(), AFFINE + 1)
    assert "mask" not in rows(path)[0].cells


@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_damaged_images(tmp_path, how):
    save(tmp_path / "zstat.nii", z_map())
    save(tmp_path / "a.nii.gz", z_map())
    damaged(tmp_path / "a.nii.gz", how)
    found = rows(tmp_path)
    assert len(found) == 2 and bool(found[0].gap) == (how != "half") and not found[1].gap
    assert "\n" not in found[0].gap


def test_other_files_of_the_field(tmp_path):
    volume = nib.MGHImage(np.ones((4, 4, 4), np.float32), np.eye(4))
    nib.save(volume, tmp_path / "sig.mgz")
    assert rows(tmp_path / "sig.mgz")[0].cells == {"source": tmp_path / "sig.mgz"}


def test_what_is_none(tmp_path):
    (tmp_path / "x.txt").write_text("")
    assert not any(recognises(str(tmp_path / name)) for name in ("", "x.txt", "gone.nii"))
    save(tmp_path / "mask.nii", mask())
    assert recognises(str(tmp_path))
    with pytest.raises(UserError, match="has no image but masks"):
        read(str(tmp_path))
    assert [row.name for row in rows(tmp_path / "mask.nii")] == ["mask"]


def test_names_that_no_file_can_have(tmp_path):
    """A header of another machine may say anything."""
    assert image_beside(tmp_path, "x" * 300) is image_beside(tmp_path, "a\0b") is image_beside(tmp_path, " ") is None
    with pytest.raises(UserError, match=r"images: .* cannot be read"):
        listed(tmp_path / "gone", "images")
