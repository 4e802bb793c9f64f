"""FEAT and group FEAT: contrasts, smoothness, FEAT's own inference, its tables."""

import numpy as np
import pytest
from folders import DLH, damaged, feat, gfeat, z_map

from statmap.analyses.feat import corrected_z, read, recognises
from statmap.io.files import UserError

VOLUME = int(np.count_nonzero(z_map(1)))
OWN = {"sided": "positive", "convention": "fsl", "min_region_size": 0}


def rows(folder):
    return read(str(folder)).rows


def test_a_contrast(tmp_path):
    folder = feat(tmp_path / "a b.feat")
    row = rows(folder)[0]
    assert row.name == "visual" and row.gap == ""
    assert row.cells == {
        "source": folder / "stats/zstat1.nii.gz",
        "stat": "z",
        "mask": folder / "mask.nii.gz",
        "dlh": DLH,
        "search_voxels": VOLUME,
        "space": "native",
    }
    assert row.inference == {"threshold": 3.1, **OWN, "cluster_p": 0.05}
    assert row.stated == "design.fsf: thresh 3 (cluster), prob_thresh 0.05, z_thresh 3.1"
    assert row.effect == folder / "stats/cope1.nii.gz"
    (table,) = row.tables
    # That in voxels is of the map: the one in mm is registered, so elsewhere.
    assert (table.table, table.peaks, table.by_settings) == (
        folder / "cluster_zstat1.txt",
        folder / "lmax_zstat1.txt",
        True,
    )


def test_a_first_level_says_that_it_is_not_registered(tmp_path):
    assert "no registration to standard space is applied" in read(str(feat(tmp_path / "x.feat"))).remarks[0]


def test_f_tests_have_one_tail(tmp_path):
    found = rows(feat(tmp_path / "x.feat", f_tests=2))
    assert [(row.name, row.one_tailed) for row in found] == [
        ("visual", False),
        ("auditory > visual", False),
        ("F test 1", True),
        ("F test 2", True),
    ]
    assert found[2].cells["source"].name == "zfstat1.nii.gz" and found[2].effect is None


def test_a_group_of_feats_has_the_maps_of_every_lower_contrast(tmp_path):
    folder = gfeat(tmp_path / "x.gfeat", lower=("faces", "houses > faces"))
    found = read(str(folder))
    assert [row.name for row in found.rows] == ["faces", "houses > faces"]
    assert [row.cells["source"] for row in found.rows] == [folder / f"cope{n}.feat/stats/zstat1.nii.gz" for n in (1, 2)]
    assert {row.cells["space"] for row in found.rows} == {"MNI152"} and found.remarks == ()
    assert found.rows[0].tables[0].table == folder / "cope1.feat/cluster_zstat1_std.txt"


def test_ten_lower_contrasts_are_in_their_order(tmp_path):
    names = [f"c{n}" for n in range(1, 12)]
    assert [row.name for row in rows(gfeat(tmp_path / "x.gfeat", lower=names, tables=False))] == names


def test_several_contrasts_of_a_group_have_both_names(tmp_path):
    found = rows(gfeat(tmp_path / "x.gfeat", names=("mean", "age")))
    assert [row.name for row in found] == ["faces: mean", "faces: age", "houses: mean", "houses: age"]


def test_one_cope_of_a_group(tmp_path):
    folder = gfeat(tmp_path / "x.gfeat") / "cope2.feat"
    row = rows(folder)[0]
    assert (row.name, row.cells["space"]) == ("houses", "MNI152")


def test_standard_space_by_the_design_where_the_header_does_not_say_it(tmp_path):
    folder = gfeat(tmp_path / "x.gfeat", codes=(1, 1))
    assert rows(folder)[0].cells["space"] == "MNI152"
    folder = gfeat(tmp_path / "y.gfeat", codes=(1, 1), standard="/data/our_template_brain")
    assert "space" not in rows(folder)[0].cells and "space: not known" in rows(folder)[0].origin


def test_the_verbose_smoothness(tmp_path):
    """In which an earlier DLH is "before correcting for temporal DOF"."""
    assert rows(feat(tmp_path / "x.feat", verbose=True))[0].cells["dlh"] == DLH


def test_the_number_of_voxels_of_feat_comes_before_that_of_smoothest(tmp_path):
    folder = feat(tmp_path / "x.feat")
    (folder / "thresh_zstat1.vol").write_text("13000\n")
    assert [row.cells["search_voxels"] for row in rows(folder)] == [13000, VOLUME]
    for path in folder.glob("*.vol"):
        path.unlink()
    assert [row.cells["search_voxels"] for row in rows(folder)] == [VOLUME, VOLUME]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"thresh": 1, "prob": 0.01}, {"threshold": {"p": 0.01}, **OWN}),
        ({"thresh": 3, "z": 2.3, "prob": 0.01}, {"threshold": 2.3, **OWN, "cluster_p": 0.01}),
        ({"thresh": 0}, None),
        ({"thresh": 7}, None),
        ({"thresh": "x"}, None),
        ({"thresh": 3, "prob": 2}, None),
    ],
)
def test_inferences(tmp_path, settings, expected):
    row = rows(feat(tmp_path / "x.feat", **settings))[0]
    assert row.inference == expected and row.stated


def test_the_z_of_a_corrected_p_is_that_of_ptoz(tmp_path):
    """Bisection of (4 ln 2)^1.5 / (2π)² · R · exp(-z²/2) · (z² - 1) = p, to 0.001, as printed with six decimals."""
    row = rows(feat(tmp_path / "x.feat", thresh=2))[0]
    resels = int(VOLUME / 12.0418)
    z = row.inference["threshold"]
    assert row.inference == {"threshold": z, **OWN} and f"{resels} resels" in row.stated

    def expected(z):
        return 0.11694 * resels * np.exp(-z * z / 2) * (z * z - 1)

    assert expected(z + 0.002) < 0.05 < expected(z - 0.002)
    assert z == corrected_z(0.05, resels) == float(f"{z:.6f}")


def test_a_corrected_p_without_the_resels(tmp_path):
    folder = feat(tmp_path / "x.feat", thresh=2)
    (folder / "stats/smoothness").write_text("DLH 0.2\nVOLUME 13936\n")
    row = rows(folder)[0]
    assert row.inference is None and row.stated.endswith("but the resels are not known")


@pytest.mark.parametrize(("p", "resels"), [(0.9, 1), (1e-300, 10**6), (0.05, 0)])
def test_ptoz_at_its_ends(p, resels):
    assert 0 <= corrected_z(p, resels) < 40


def test_clusters_that_are_masked_with_another_contrast(tmp_path):
    table = rows(feat(tmp_path / "x.feat", conmask=1))[0].tables[0]
    assert not table.by_settings and "masked the clusters with other contrasts" in table.origin


def test_a_mask_before_thresholding(tmp_path):
    folder = feat(tmp_path / "x.feat", threshmask="/gone/grey_matter")
    assert rows(folder)[0].cells["mask"].name == "mask.nii.gz"
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/grey matter.nii.gz").write_bytes((folder / "mask.nii.gz").read_bytes())
    folder = feat(tmp_path / "y.feat", threshmask=tmp_path / "masks/grey matter")
    assert rows(folder)[0].cells["mask"] == tmp_path / "masks/grey matter.nii.gz"


def test_names_of_every_kind(tmp_path):
    names = ("Gesichter > Häuser", "a/b\\c", "two  blanks ", "visual")
    assert [row.name for row in rows(feat(tmp_path / "x.feat", names, tables=False))] == [
        "Gesichter > Häuser",
        "a/b\\c",
        "two  blanks",
        "visual",
    ]


# --------------------------------------------------------------------------------------------------------- what is gone
FILES = ["design.fsf", "design.con", "mask.nii.gz", "stats/smoothness", "stats/zstat1.nii.gz", "stats/cope1.nii.gz"]
FILES += ["stats/dof", "thresh_zstat1.vol", "cluster_zstat1.txt", "lmax_zstat1.txt", "cluster_zstat1_std.txt"]


@pytest.mark.parametrize("name", FILES)
def test_every_file_that_is_missing(tmp_path, name):
    folder = feat(tmp_path / "x.feat")
    whole = rows(folder)[0]
    (folder / name).unlink()
    found = rows(folder)
    row = found[0]
    assert [row.name for row in found] == ["visual", "auditory > visual"]
    lost = {"mask.nii.gz": {"mask"}, "stats/smoothness": {"dlh", "search_voxels"}}.get(name, set())
    assert set(whole.cells) - set(row.cells) == lost
    assert bool(row.gap) == (name == "stats/zstat1.nii.gz")
    assert (row.inference is None) == (name == "design.fsf")
    assert (row.effect is None) == (name == "stats/cope1.nii.gz")
    assert len(row.tables) == (name != "cluster_zstat1.txt")
    assert name != "lmax_zstat1.txt" or row.tables[0].peaks is None


def test_neither_names_nor_a_design(tmp_path):
    folder = feat(tmp_path / "x.feat")
    for name in ("design.fsf", "design.con"):
        (folder / name).unlink()
    assert [row.name for row in rows(folder)] == ["contrast 1", "contrast 2"]


def test_a_group_without_the_names_of_its_contrasts(tmp_path):
    folder = gfeat(tmp_path / "x.gfeat")
    for n in (1, 2):
        (folder / f"cope{n}.feat/design.lev").unlink()
    assert [row.name for row in rows(folder)] == ["cope1", "cope2"]


def test_a_table_without_a_cluster_is_none(tmp_path):
    folder = feat(tmp_path / "x.feat")
    header = (folder / "cluster_zstat1.txt").read_text().splitlines()[0]
    (folder / "cluster_zstat1.txt").write_text(header + "\n")
    assert [len(row.tables) for row in rows(folder)] == [0, 1]


@pytest.mark.parametrize("name", ["design.fsf", "design.con", "stats/smoothness", "design.lev", "thresh_zstat1.vol"])
@pytest.mark.parametrize("how", ["half", "empty", "other"])
def test_damaged_text(tmp_path, name, how):
    folder = feat(tmp_path / "x.gfeat/cope1.feat", gfeat="faces")
    damaged(folder / name, how)
    found = rows(folder.parent)
    assert found and all(row.cells["source"].name.startswith("zstat") for row in found)


def test_before_feat_has_run(tmp_path):
    (tmp_path / "x.feat").mkdir()
    assert recognises(str(tmp_path / "x.feat"))
    with pytest.raises(UserError, match=r"has no folder stats, nor cope1.feat; accepted: .* once FEAT has run"):
        read(str(tmp_path / "x.feat"))
    (tmp_path / "x.feat/stats").mkdir()
    with pytest.raises(UserError, match="names no contrast, and there is no zstat"):
        read(str(tmp_path / "x.feat"))


def test_a_number_of_contrasts_that_none_has(tmp_path):
    folder = feat(tmp_path / "x.feat")
    (folder / "design.con").write_text("/NumContrasts\t999999999999\n")
    found = rows(folder)
    assert len(found) == 1000 and not found[1].gap and found[2].gap == "there is no image stats/zstat3"


@pytest.mark.parametrize("text", ["DLH nan\n", "DLH -1\nVOLUME 10\n", "DLH 1e999\n", "DLH 0.2.3\n", "VOLUME 10\n"])
def test_no_smoothness(tmp_path, text):
    folder = feat(tmp_path / "x.feat")
    (folder / "stats/smoothness").write_text(text)
    assert "dlh" not in rows(folder)[0].cells and "no smoothness" in rows(folder)[0].origin


def test_a_text_that_is_too_large(tmp_path, monkeypatch):
    folder = feat(tmp_path / "x.feat")
    monkeypatch.setattr("statmap.analyses.analysis.MOST_TEXT", 100)
    with pytest.raises(UserError, match=r"^FEAT: .*design.fsf is larger than 100 bytes and no text of an analysis"):
        read(str(folder))


def test_what_is_recognised(tmp_path):
    folder = feat(tmp_path / "renamed")
    assert recognises(str(folder))
    assert not recognises(str(folder / "stats")) and not recognises(str(folder / "design.fsf"))
    assert not recognises(str(tmp_path / "gone.feat"))
