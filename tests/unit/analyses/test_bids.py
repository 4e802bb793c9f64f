"""Folders of statistical maps with the names of BIDS, as nilearn's save_glm_to_bids and fitlins write them."""

import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from folders import AFFINE, bids, damaged, mask, save, z_map

from statmap.analyses.bids import entities, read, recognises
from statmap.io.files import UserError

# Of clusters that a threshold leaves none of.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:folders", "ignore:No clusters", "ignore:The given float")


def rows(folder):
    return read(str(folder)).rows


def test_the_z_map_of_every_contrast(tmp_path):
    folder = bids(tmp_path / "a b", space="MNI152NLin2009cAsym")
    stem = folder / "group/task-main_space-MNI152NLin2009cAsym"
    found = rows(folder)
    assert [(row.name, row.gap) for row in found] == [("facesGtHouses task-main", ""), ("houses task-main", "")]
    assert found[0].cells == {
        "source": stem.with_name(f"{stem.name}_contrast-facesGtHouses_stat-z_statmap.nii.gz"),
        "stat": "z",
        "mask": stem.with_name(f"{stem.name}_mask.nii.gz"),
        "space": "MNI152NLin2009cAsym",
    }
    assert found[0].effect.name.endswith("_contrast-facesGtHouses_stat-effect_statmap.nii.gz")
    assert found[0].inference is None and found[0].tables == ()


def test_a_t_map_has_the_degrees_of_freedom_of_its_design(tmp_path):
    """Rows less rank: one of the three columns is the sum of the others."""
    row = rows(bids(tmp_path / "x", stats=("t", "effect")))[0]
    assert (row.cells["stat"], row.cells["df"]) == ("t", 6 - 2)
    assert "df: rows less rank of task-main_design.tsv" in row.origin


def test_runs_that_share_a_map(tmp_path):
    folder = bids(tmp_path / "x", stats=("t",))
    design = folder / "group/task-main_design.tsv"
    for run in (1, 2):
        (folder / f"group/task-main_run-{run}_design.tsv").write_text(design.read_text())
    design.unlink()
    assert rows(folder)[0].cells["df"] == 2 * (6 - 2)


def test_a_map_of_a_run_has_the_design_of_that_run(tmp_path):
    folder = bids(tmp_path / "x", stats=("t",), prefix="task-main_run-1")
    lines = (folder / "group/task-main_run-1_design.tsv").read_text().splitlines(keepends=True)
    (folder / "group/task-main_run-2_design.tsv").write_text("".join(lines[:-1]))
    assert rows(folder)[0].cells["df"] == 4


@pytest.mark.parametrize("text", ["", "a\tb\n1\t2\n3\n", "a\nx\n", "a\n", "a\nnan\n"])
def test_a_design_that_is_none(tmp_path, text):
    folder = bids(tmp_path / "x", stats=("t",))
    (folder / "group/task-main_design.tsv").write_text(text)
    row = rows(folder)[0]
    assert "df" not in row.cells and row.gap == "no design matrix (…_design.tsv) says its degrees of freedom"


def test_an_f_contrast_by_its_z_map_has_one_tail(tmp_path):
    row = rows(bids(tmp_path / "x", stats=("z", "F")))[0]
    assert row.cells["stat"] == "z" and row.one_tailed
    assert not rows(bids(tmp_path / "y"))[0].one_tailed


def test_an_f_map_alone(tmp_path):
    assert "nothing says the degrees of freedom" in rows(bids(tmp_path / "x", stats=("F",)))[0].gap


def test_a_contrast_without_a_test(tmp_path):
    row = rows(bids(tmp_path / "x", stats=("effect", "variance")))[0]
    assert row.gap == "of its maps (effect, variance) none is a test statistic"


def test_residuals(tmp_path):
    row = rows(bids(tmp_path / "x", residuals=True))[0]
    assert row.cells["residuals"].name == "task-main_stat-errorts_statmap.nii.gz" and row.cells["df"] == 4


def test_residuals_of_another_grid(tmp_path):
    folder = bids(tmp_path / "x")
    save(folder / "group/task-main_stat-errorts_statmap.nii.gz", np.ones((3, 3, 3, 6), np.float32))
    assert "residuals" not in rows(folder)[0].cells


def test_participants(tmp_path):
    """Each has maps of the same contrast, and a mask."""
    for subject in ("01", "02"):
        stem = f"sub-{subject}/sub-{subject}_task-x"
        save(tmp_path / f"{stem}_contrast-go_stat-z_statmap.nii.gz", z_map(1))
        save(tmp_path / f"{stem}_mask.nii.gz", mask())
    found = rows(tmp_path)
    assert [row.name for row in found] == ["go sub-01 task-x", "go sub-02 task-x"]
    assert [row.cells["mask"].parent.name for row in found] == ["sub-01", "sub-02"]


def test_one_map_in_several_spaces_is_several_maps(tmp_path):
    for space in ("MNI152NLin6Asym", "T1w"):
        save(tmp_path / f"sub-1_contrast-go_space-{space}_stat-z_statmap.nii.gz", z_map(1))
    assert [row.cells["space"] for row in rows(tmp_path)] == ["MNI152NLin6Asym", "T1w"]


def test_who_made_it(tmp_path):
    assert read(str(bids(tmp_path / "x"))).package == "nilearn"
    assert read(str(bids(tmp_path / "y", maker="FitLins"))).package == "BIDS"
    (tmp_path / "x/dataset_description.json").write_text("[")
    assert read(str(tmp_path / "x")).package == "BIDS"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sub-01_contrast-faces_stat-z_statmap.nii.gz", {"sub": "01", "contrast": "faces", "stat": "z"}),
        ("task-main_contrast-a+b_stat-t_statmap.nii", {"task": "main", "contrast": "a+b", "stat": "t"}),
        ("zstat1.nii.gz", {}),
    ],
)
def test_entities(name, expected):
    assert entities(name) == expected


def test_what_is_none(tmp_path):
    save(tmp_path / "zstat1.nii.gz", z_map())
    (tmp_path / ".hidden").mkdir()
    save(tmp_path / ".hidden/contrast-a_stat-z_statmap.nii.gz", z_map())
    assert not recognises(str(tmp_path)) and not recognises(str(tmp_path / "gone"))
    save(tmp_path / "sub-1_stat-z_statmap.nii.gz", z_map())
    assert recognises(str(tmp_path))
    with pytest.raises(UserError, match=r"no statistical map in .* is of a contrast"):
        read(str(tmp_path))


# ----------------------------------------------------------------------------------------------------- nilearn's tables
def test_a_table_of_clusters_and_its_settings(tmp_path):
    row = rows(bids(tmp_path / "x", tables=(3.1, 5)))[0]
    assert row.inference == {
        "threshold": 3.1,
        "sided": "two",
        "connectivity": 6,
        "signs": "split",
        "min_region_size": "5 voxels",
        "size_rule": ">=",
        "min_peak_distance": 8,
    }
    assert [table.table.name for table in row.tables] == ["task-main_contrast-facesGtHouses_clusters.tsv"]


def test_a_table_of_positive_clusters(tmp_path):
    row = rows(bids(tmp_path / "x", tables=(3.1, 0), two_sided=False))[0]
    assert (row.inference["sided"], row.inference["min_region_size"]) == ("positive", 0)


def test_a_table_of_another_image(tmp_path):
    """nilearn 0.14.1 tabulates the image that it wrote last, the variance of the effect."""
    row = rows(bids(tmp_path / "x", tables=(3.1, 5), table_of="variance"))[0]
    assert row.tables == () and row.inference is None
    assert "is left out: its peaks are not those of task-main_contrast-facesGtHouses_stat-z" in row.origin


def test_a_table_without_a_cluster(tmp_path):
    row = rows(bids(tmp_path / "x", tables=(50.0, 5)))[0]
    assert row.tables == () and "lists no cluster" in row.origin


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"Threshold Z": "high"}', '{"Threshold Z": 0}', "{"])
def test_settings_that_are_none(tmp_path, content):
    folder = bids(tmp_path / "x", tables=(3.1, 5))
    (folder / "group/task-main_contrast-facesGtHouses_clusters.json").write_text(content)
    row = rows(folder)[0]
    assert row.inference is None and row.stated and len(row.tables) == 1


# --------------------------------------------------------------------------------------------------------- what is gone
KINDS = ["stat-z_statmap.nii.gz", "mask.nii.gz", "design.tsv", "clusters.tsv", "clusters.json", "errorts"]
KINDS += ["dataset_description.json", "stat-effect"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_that_is_missing(tmp_path, kind):
    folder = bids(tmp_path / "x", tables=(3.1, 5), residuals=True)
    whole = rows(folder)
    for path in list(folder.rglob(f"*{kind}*")):
        path.unlink()
    found = rows(folder)
    assert [row.name for row in found] == [row.name for row in whole]
    lost = {"mask": {"mask"}, "design": {"df", "residuals"}, "errorts": {"residuals", "df"}}
    lost = lost.get(re.split(r"[.\-]", kind)[0], set())
    row = found[0]
    if kind.startswith("stat-z"):
        assert row.cells["stat"] == "t" and row.cells["df"] == 4  # the next best; its table is of z
        assert row.tables == ()
        return
    assert set(whole[0].cells) - set(row.cells) == lost
    assert (row.inference is None) == kind.startswith("clusters")
    assert len(row.tables) == (kind != "clusters.tsv")
    assert (row.effect is None) == (kind == "stat-effect")


@pytest.mark.parametrize("how", ["half", "empty", "other"])
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(tmp_path, kind, how):
    folder = bids(tmp_path / "x", tables=(3.1, 5), residuals=True)
    for path in list(folder.rglob(f"*{kind}*")):
        damaged(path, how)
    assert len(rows(folder)) == 2


def test_a_clusters_table_whose_peaks_lie_outside(tmp_path):
    folder = bids(tmp_path / "x", tables=(3.1, 5))
    path = folder / "group/task-main_contrast-facesGtHouses_clusters.tsv"
    table = pd.read_csv(path, sep="\t")
    table["X"] += 1000
    table.to_csv(path, sep="\t", index=False)
    assert rows(folder)[0].tables == ()


@pytest.mark.filterwarnings("ignore")
def test_a_folder_that_nilearn_wrote(tmp_path):
    """Its table is of the variance of the effect (nilearn 0.14.1), and said to be left out."""
    from nilearn.glm import save_glm_to_bids
    from nilearn.glm.second_level import SecondLevelModel

    images = [nib.Nifti1Image(z_map(n), AFFINE) for n in range(6)]
    design = pd.DataFrame({"intercept": np.ones(6), "age": [0.3, 1.5, -0.2, 0.7, 2.0, -1.1]})
    brain = nib.Nifti1Image(mask(), AFFINE)
    model = SecondLevelModel(mask_img=brain, minimize_memory=False).fit(images, design_matrix=design)
    settings = {"threshold": 1.0, "height_control": None, "cluster_threshold": 3}
    save_glm_to_bids(model, {"go > rest": "intercept"}, out_dir=tmp_path, prefix="task-x", **settings)
    found = read(str(tmp_path))
    (row,) = found.rows
    assert found.package == "nilearn" and row.gap == "" and row.name == "goGtRest task-x"
    assert (row.cells["stat"], row.cells["df"]) == ("z", 4)
    assert row.cells["residuals"].is_file() and row.cells["mask"].is_file() and row.effect.is_file()
    assert row.tables == () and "clusters.tsv is left out: its peaks are not those of" in row.origin
