"""SPM.mat: statistic, degrees of freedom, smoothness with all digits, images beside it, tables that were exported."""

import json

import nibabel as nib
import numpy as np
import pytest
from folders import FWHM, damaged, mask, save, spm, structs, z_map
from nibabel.affines import apply_affine
from scipy import io

from statmap.analyses.spm import read, recognises
from statmap.analyses.spm_mat import child
from statmap.io.files import UserError


def by_name(folder):
    return {row.name: row for row in read(str(folder)).rows}


def test_a_t_contrast(tmp_path):
    row = by_name(spm(tmp_path / "a folder"))["tapping>rest"]
    cells = dict(row.cells)
    widths = cells.pop("fwhm_mm")
    np.testing.assert_allclose(widths, 3 * FWHM, rtol=1e-15)  # not as SPM prints it, with one decimal
    assert cells == {
        "source": tmp_path / "a folder/spmT_0001.nii",
        "stat": "t",
        "df": 84,  # to one in a million
        "mask": tmp_path / "a folder/mask.nii",
        "search_voxels": int(mask().sum()),
    }
    assert row.gap == "" and row.inference is None
    assert row.effect == tmp_path / "a folder/con_0001.nii"
    assert "xCon(1).Vspm" in row.origin and "space: not known" in row.origin


def test_an_f_contrast_has_those_of_the_effect_and_of_the_error(tmp_path):
    row = by_name(spm(tmp_path / "spm"))["any effect"]
    assert (row.cells["stat"], row.cells["df"], row.effect) == ("F", [2, 84], None)


def test_degrees_of_freedom_that_are_not_whole_stay_so(tmp_path):
    folder = spm(tmp_path / "spm", change={"xX": {"erdf": 83.4172}})
    assert by_name(folder)["tapping>rest"].cells["df"] == 83.4172


def test_the_space_is_what_the_header_says(tmp_path):
    assert by_name(spm(tmp_path / "spm", codes=(4, 4)))["tapping>rest"].cells["space"] == "MNI152"


def test_widths_of_turned_voxels(tmp_path):
    turn = np.array([[0, -2, 0, 1], [3, 0, 0, 2], [0, 0, 4, 3], [0, 0, 0, 1.0]])
    volume = {"M": turn, "FWHM": np.array([2.0, 3.0, 5.0]), "S": 1000.0}
    row = by_name(spm(tmp_path / "spm", change={"xVol": volume}))["tapping>rest"]
    assert row.cells["fwhm_mm"] == [6.0, 6.0, 20.0] and row.cells["search_voxels"] == 1000


@pytest.mark.parametrize("name", ["spm", "spm/SPM.mat"])
def test_the_folder_or_the_file(tmp_path, name):
    spm(tmp_path / "spm")
    assert recognises(str(tmp_path / name)) and len(read(str(tmp_path / name)).rows) == 3


def test_neither_other_folders_nor_other_files(tmp_path):
    spm(tmp_path / "spm")
    assert not any(recognises(str(tmp_path / name)) for name in ("", "spm/mask.nii", "gone"))


def test_names_of_every_kind(tmp_path):
    names = ["Gesichter > Häuser (2. Lauf)", "a / b & c", "  ", "tapping>rest"]
    rows = read(str(spm(tmp_path / "spm", [(name, "T") for name in names]))).rows
    assert [row.name for row in rows] == [names[0], names[1], "contrast 3", names[3]]


def test_one_contrast(tmp_path):
    """Which scipy squeezes out of its array."""
    assert [row.name for row in read(str(spm(tmp_path / "spm", [("mean", "T")]))).rows] == ["mean"]


def test_images_of_another_machine_are_looked_for_beside_it(tmp_path):
    folder = spm(tmp_path / "spm")
    for place in ("C:\\data\\first level\\mask.nii", "/home/somebody/mask.nii", "mask.img"):
        content = io.loadmat(folder / "SPM.mat", squeeze_me=True, struct_as_record=False)["SPM"]
        content.VM.fname = place
        io.savemat(folder / "SPM.mat", {"SPM": content})
        assert by_name(folder)["tapping>rest"].cells["mask"] == folder / "mask.nii"


def test_images_with_a_header_of_their_own(tmp_path):
    """SPM8: .hdr and .img."""
    folder = spm(tmp_path / "spm")
    for name in ("spmT_0001", "mask"):
        nib.save(nib.Nifti1Pair.from_image(nib.load(folder / f"{name}.nii")), folder / f"{name}.img")
        (folder / f"{name}.nii").unlink()
    cells = by_name(folder)["tapping>rest"].cells
    assert (cells["source"].name, cells["mask"].name) == ("spmT_0001.img", "mask.img")


# --------------------------------------------------------------------------------------------------------- what is gone
@pytest.mark.parametrize("name", ["spmT_0001.nii", "spmF_0003.nii"])
def test_a_contrast_whose_image_is_gone_keeps_its_row(tmp_path, name):
    rows = read(str(spm(tmp_path / "spm", gone=[name]))).rows
    gaps = [row.gap for row in rows if row.gap]
    assert len(rows) == 3 and gaps == [f"{name} is not beside SPM.mat"]
    assert next(row for row in rows if row.gap).cells["source"] == tmp_path / "spm" / name


def test_no_mask(tmp_path):
    found = read(str(spm(tmp_path / "spm", gone=["mask.nii"])))
    assert "mask" not in found.rows[0].cells and "no mask is beside SPM.mat" in found.remarks[0]


def test_a_contrast_without_an_image_of_it(tmp_path):
    """Defined, but not estimated."""
    row = by_name(spm(tmp_path / "spm", [("planned", "-"), ("mean", "T")]))["planned"]
    assert "statistic or degrees of freedom are missing" in row.gap


def test_a_map_of_posterior_probability(tmp_path):
    assert "posterior probability" in by_name(spm(tmp_path / "spm", [("bayes", "P")]))["bayes"].gap


@pytest.mark.parametrize("part", ["xVol", "xX", "VM", "xCon", "xY", "swd", "SPMid"])
def test_every_part_that_is_missing(tmp_path, part):
    folder = spm(tmp_path / "spm", change={part: None})
    if part == "xCon":
        with pytest.raises(UserError, match="has no contrast"):
            read(str(folder))
        return
    found = read(str(folder))
    assert [bool(row.gap) for row in found.rows] == [part == "xX"] * 3
    assert ("no smoothness" in found.remarks[0]) == (part == "xVol")
    assert found.rows[0].cells.get("mask") == folder / "mask.nii"  # by its name, where VM says none


@pytest.mark.parametrize("width", [[0.0, 3.0, 3.0], [np.nan, 3.0, 3.0], [3.0, 3.0], [np.inf, 3.0, 3.0], "wide"])
def test_widths_that_are_none(tmp_path, width):
    volume = {"M": np.eye(4), "FWHM": np.array(width), "S": 1000.0}
    found = read(str(spm(tmp_path / "spm", change={"xVol": volume})))
    assert "fwhm_mm" not in found.rows[0].cells and "no smoothness" in found.remarks[0]


def test_no_contrast_at_all(tmp_path):
    with pytest.raises(UserError, match=r"SPM.mat has no contrast .* estimate one in SPM"):
        read(str(spm(tmp_path / "spm", [])))


# --------------------------------------------------------------------------------------------------- what is no SPM.mat
@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_a_damaged_file(tmp_path, how):
    damaged(spm(tmp_path / "spm") / "SPM.mat", how)
    with pytest.raises(UserError, match=r"SPM.mat cannot be read \(.*save\('SPM.mat', 'SPM', '-v7'\)") as error:
        read(str(tmp_path / "spm"))
    assert "\n" not in str(error.value)


def test_a_file_at_which_scipy_ends_the_process(tmp_path):
    """A type of numbers that there is none of."""
    path = spm(tmp_path / "spm") / "SPM.mat"
    path.write_bytes(path.read_bytes().replace(b"\x0c\0\0\0\x18\0\0\0", b"\0\0\0\0\x18\0\0\0"))
    with pytest.raises(UserError, match=r"SPM.mat cannot be read \(scipy.io ended with -\d+\)"):
        read(str(tmp_path / "spm"))


@pytest.mark.parametrize("search", [np.inf, np.nan, 0.0, -3.0])
def test_a_number_of_voxels_that_is_none(tmp_path, search):
    volume = {"M": np.eye(4), "FWHM": np.array([2.0, 3.0, 5.0]), "S": search}
    row = by_name(spm(tmp_path / "spm", change={"xVol": volume}))["tapping>rest"]
    assert row.cells["fwhm_mm"] == [2, 3, 5] and "search_voxels" not in row.cells


def test_matlab_7_3(tmp_path):
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."
    (tmp_path / "SPM.mat").write_bytes(head.ljust(512, b" ") + b"\x89HDF\r\n\x1a\n" + bytes(2000))
    with pytest.raises(UserError, match=r"MATLAB 7.3, .*load\('SPM.mat'\); save\('SPM.mat', 'SPM', '-v7'\)"):
        read(str(tmp_path))


@pytest.mark.parametrize("content", [{"x": 1}, {"SPM": 3.0}, {"SPM": "text"}])
def test_another_file_of_matlab(tmp_path, content):
    io.savemat(tmp_path / "SPM.mat", content)
    with pytest.raises(UserError, match="holds no SPM structure"):
        read(str(tmp_path))


def test_fields_of_the_wrong_kind(tmp_path):
    """Numbers where text should be, and the other way round: gaps."""
    wrong = structs([{"name": 3.0, "STAT": np.eye(2), "eidf": "x", "Vcon": 1.0, "Vspm": {"fname": 7.0}}])
    row = read(str(spm(tmp_path / "spm", change={"xCon": wrong, "xX": {"erdf": "many"}}))).rows[0]
    assert row.name == "contrast 1" and "statistic or degrees of freedom are missing" in row.gap


# ---------------------------------------------------------------------------------------------------------- its exports
def exported(path, seed, places):
    """A table as "Export to CSV" of SPM's results writes it, with the values of `z_map(seed)`."""
    data = z_map(seed)
    lines = [
        "set,set,cluster,cluster,cluster,cluster,peak,peak,peak,peak,peak,,,",
        "p,c,p(FWE-corr),p(FDR-corr),equivk,p(unc),p(FWE-corr),p(FDR-corr),T,equivZ,p(unc),x,y,z {mm},",
    ]
    affine = nib.load(path.parent / "spmT_0001.nii").affine
    for n, ijk in enumerate(places):
        x, y, z = apply_affine(affine, ijk)
        first = "0.000,2" if n == 0 else ","
        lines.append(
            f"{first},0.000,0.000,30,0.000,0.000,0.000,{data[ijk]:6.2f}, 5.00,0.000,{x:3.0f},{y:3.0f},{z:3.0f},"
        )
    path.write_text("\n".join(lines) + "\n")


def test_an_exported_table_is_given_to_the_map_that_has_its_values(tmp_path):
    folder = spm(tmp_path / "spm")
    exported(folder / "results.csv", 2, [(9, 10, 9), (20, 24, 12)])
    found = read(str(folder))
    assert [[table.table for table in row.tables] for row in found.rows] == [[], [folder / "results.csv"], []]
    assert len(found.remarks) == 1


def test_an_exported_table_that_no_map_has(tmp_path):
    folder = spm(tmp_path / "spm")
    exported(folder / "results.csv", 7, [(9, 10, 9), (20, 24, 12)])
    found = read(str(folder))
    assert not any(row.tables for row in found.rows)
    assert found.remarks[1] == "results.csv is a table of SPM's results whose values no map of the folder has: left out"


def test_an_exported_table_beside_images_that_cannot_be_looked_at(tmp_path):
    folder = spm(tmp_path / "spm")
    exported(folder / "results.csv", 2, [(9, 10, 9), (20, 24, 12)])
    damaged(folder / "spmT_0002.nii", "empty")
    save(folder / "spmT_0001.nii", np.ones((3, 3, 3), np.float32))
    assert not any(row.tables for row in read(str(folder)).rows)


def test_what_the_process_that_reads_it_says(tmp_path, capsys):
    """In this process, for once."""
    folder = spm(tmp_path / "spm", [("mean", "T"), ("all", "F")])
    child(str(folder / "SPM.mat"))
    said = json.loads(capsys.readouterr().out)
    assert said["contrasts"][1] == {
        "name": "all",
        "stat": "F",
        "eidf": [2.000000000000001],
        "image": "spmF_0002.nii",
        "effect": "ess_0002.nii",
    }
    assert said["fwhm"] == FWHM.tolist() and len(said["matrix"]) == 16 and said["mask"] == "mask.nii"
    for content, expected in ((b"", {"error"}), (None, set())):
        if content is None:
            io.savemat(folder / "SPM.mat", {"x": 1})
        else:
            (folder / "SPM.mat").write_bytes(content)
        child(str(folder / "SPM.mat"))
        assert set(json.loads(capsys.readouterr().out)) == expected


def test_a_file_that_takes_too_long(tmp_path, monkeypatch):
    spm(tmp_path / "spm")
    monkeypatch.setattr("statmap.analyses.spm_mat.LONGEST", 0.001)
    with pytest.raises(UserError, match=r"cannot be read \(not in 0.001 s\)"):
        read(str(tmp_path / "spm"))


def test_other_text_in_the_folder(tmp_path):
    folder = spm(tmp_path / "spm")
    (folder / "notes.txt").write_text("equivk is what SPM calls the extent\n")
    (folder / "ages.csv").write_text("subject,age\n1,33\n")
    assert len(read(str(folder)).remarks) == 1
