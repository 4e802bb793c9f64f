"""randomise and PALM: maps of corrected p values, with their statistics."""

import numpy as np
import pytest
from folders import damaged, mask, palm, randomise, save, z_map

from statmap.analyses.permutation import read, recognises
from statmap.io.files import UserError


def by_name(source):
    return {row.name: row for row in read(str(source)).rows}


def test_every_corrected_map_of_randomise(tmp_path):
    """Not the uncorrected ones, and not the statistics: those are their values."""
    randomise(tmp_path)
    found = by_name(tmp_path)
    assert sorted(found) == ["grp tstat1 tfce", "grp tstat1 vox", "grp tstat2 tfce", "grp tstat2 vox"]
    assert found["grp tstat2 tfce"].cells == {
        "source": tmp_path / "grp_tfce_corrp_tstat2.nii.gz",
        "corrected": "fwe",
        "stat": "1-p",
        "values": tmp_path / "grp_tstat2.nii.gz",
        "space": "MNI152",
    }
    assert read(str(tmp_path)).package == "FSL randomise" and not any(row.gap for row in found.values())


def test_cluster_maps_and_f_tests_of_randomise(tmp_path):
    for name in ("x_clustere_corrp_tstat1", "x_clusterm_corrp_tstat1", "x_tfce_corrp_fstat1", "x_fstat1"):
        save(tmp_path / f"{name}.nii.gz", (z_map() > 2).astype(np.float32))
    found = by_name(tmp_path)
    assert sorted(found) == ["x fstat1 tfce", "x tstat1 clustere", "x tstat1 clusterm"]
    assert found["x fstat1 tfce"].cells["values"].name == "x_fstat1.nii.gz"


def test_a_prefix(tmp_path):
    randomise(tmp_path, "grp", 1)
    randomise(tmp_path, "grp_two", 1)
    assert len(by_name(tmp_path)) == 4
    assert set(by_name(tmp_path / "grp")) == {"grp tstat1 tfce", "grp tstat1 vox"}
    assert recognises(str(tmp_path / "grp_two")) and not recognises(str(tmp_path / "gr"))


def test_one_map(tmp_path):
    randomise(tmp_path)
    assert list(by_name(tmp_path / "grp_vox_corrp_tstat1.nii.gz")) == ["grp tstat1 vox"]


def test_a_mask_beside_on_the_grid(tmp_path):
    randomise(tmp_path, n=1)
    save(tmp_path / "grp_mask.nii.gz", np.ones((2, 2, 2), np.uint8))
    save(tmp_path / "mask.nii.gz", mask())
    assert by_name(tmp_path)["grp tstat1 vox"].cells["mask"] == tmp_path / "mask.nii.gz"


@pytest.mark.parametrize("scale", ["p", "1-p", "log10p"])
def test_the_options_of_palm_say_the_scale(tmp_path, scale):
    palm(tmp_path, scale=scale)
    row = by_name(tmp_path / "out")["out tstat tfce c1"]
    assert row.cells == {
        "source": tmp_path / "out_tfce_tstat_fwep_c1.nii",
        "corrected": "fwe",
        "stat": scale,
        "values": tmp_path / "out_vox_tstat_c1.nii",
    }


@pytest.mark.parametrize("scale", ["p", "1-p", "log10p"])
def test_the_values_say_the_scale_where_the_options_are_gone(tmp_path, scale):
    palm(tmp_path, scale=scale, options=False)
    row = by_name(tmp_path)["out tstat tfce c1"]
    if scale == "1-p":
        assert "stat" not in row.cells and "1 - p or −log₁₀ p, and nothing says which" in row.gap
    else:
        assert (row.cells["stat"], row.gap) == (scale, "")


def test_palm_without_a_statistic_beside_it(tmp_path):
    palm(tmp_path, options=False)
    for path in tmp_path.glob("*_vox_*"):
        path.unlink()
    row = by_name(tmp_path)["out tstat tfce c1"]
    assert "nothing says whether its values are p, 1 - p or −log₁₀ p" in row.gap and "values" not in row.cells


def test_other_maps_of_palm(tmp_path):
    """Over contrasts, over modalities, false discovery rates; uncorrected ones are none."""
    names = ["vox_tstat_cfwep_c1", "tfce_tstat_mfwep_m1_c2", "vox_tstat_fdrp_c1", "clustere_vstat_fwep_m1_d1_c1"]
    for name in [*names, "vox_tstat_uncp_c1"]:
        save(tmp_path / f"p_{name}.nii.gz", np.full((4, 4, 4), 0.02, np.float32))
    (tmp_path / "p_palmconfig.txt").write_text("-i x.nii\n")
    found = by_name(tmp_path)
    assert {name: row.cells["corrected"] for name, row in found.items()} == {
        "p tstat vox c1 cfwep": "fwe",
        "p tstat tfce m1_c2 mfwep": "fwe",
        "p tstat vox c1 fdrp": "fdr",
        "p vstat clustere m1_d1_c1": "fwe",
    }


def test_the_mask_that_palm_was_given(tmp_path):
    palm(tmp_path)
    save(tmp_path / "mask.nii", mask())  # `-m mask.nii` in its options
    assert by_name(tmp_path)["out tstat tfce c1"].cells["mask"] == tmp_path / "mask.nii"


def test_what_is_none(tmp_path):
    save(tmp_path / "x_tstat1.nii.gz", z_map())
    assert not any(recognises(str(tmp_path / name)) for name in ("", "x", "x_tstat1.nii.gz", "gone/x"))
    with pytest.raises(UserError, match="has no map of corrected p values"):
        read(str(tmp_path))


# --------------------------------------------------------------------------------------------------------- what is gone
def test_every_statistic_that_is_missing(tmp_path):
    randomise(tmp_path)
    (tmp_path / "grp_tstat1.nii.gz").unlink()
    found = by_name(tmp_path)
    assert ["values" in row.cells for _, row in sorted(found.items())] == [False, False, True, True]
    assert "so that tables show p values" in found["grp tstat1 vox"].origin


@pytest.mark.parametrize("how", ["half", "empty", "other"])
@pytest.mark.parametrize("pattern", ["out_tfce*", "out_vox*", "*.txt"])
@pytest.mark.parametrize("options", [True, False])
def test_damaged_files(tmp_path, pattern, how, options):
    palm(tmp_path, options=options)
    for path in tmp_path.glob(pattern):
        damaged(path, how)
    found = by_name(tmp_path)
    assert sorted(found) == ["out tstat tfce c1", "out tstat tfce c2"]
    if not options:  # the values are to say it
        assert bool(found["out tstat tfce c1"].gap) == (pattern != "*.txt")
