"""What headers and file names say about a map, and what is doubted."""

import nibabel as nib
import numpy as np
import pytest

from statmap.io.files import UserError
from statmap.io.headers import doubts, statistic
from statmap.io.spaces import same_space

EMPTY = {"stat": None, "df": None, "space": None}
SHAPE = (6, 7, 8)


def header(intent="none", parameters=(), sform=2, qform=0, unit="mm", shift=0.0):
    found = nib.Nifti1Header()
    found.set_data_shape(SHAPE)
    if intent != "none":
        found.set_intent(intent, parameters)
    affine = np.diag([2.0, 2, 2, 1])
    found.set_sform(affine, sform)
    affine[0, 3] = shift
    found.set_qform(affine, qform)
    found.set_xyzt_units(unit)
    return found


@pytest.mark.parametrize(
    ("intent", "parameters", "stat", "df"),
    [
        ("t test", (84,), "t", 84.0),
        ("f test", (2, 40), "F", [2.0, 40.0]),
        ("z score", (), "z", None),
        ("p value", (), "p", None),
        ("t test", (0,), "t", None),
        ("none", (), "other", None),
        ("estimate", (), "other", None),
    ],
)
def test_the_intent_code_fills_what_the_sheet_leaves_empty(intent, parameters, stat, df):
    found, origin = statistic(header(intent, parameters), "x.nii.gz", EMPTY, "map 'm'")
    assert (found["stat"], found["df"], found["space"]) == (stat, df, None)
    assert origin == {key: "header" for key, value in (("stat", stat), ("df", df)) if value not in (None, "other")}


def test_the_file_name_fills_the_rest():
    name = "derivatives/sub-1_task-x_space-MNI152NLin2009cAsym_stat-t_statmap.nii.gz"
    found, origin = statistic(header(), name, EMPTY | {"df": 12}, "map 'm'")
    assert found == {"stat": "t", "df": 12, "space": "MNI152NLin2009cAsym"}
    assert origin == {"stat": "file name", "space": "file name"}
    found, origin = statistic(header("z score"), "sub-1_stat-effect_statmap.nii", EMPTY, "map 'm'")
    assert found["stat"] == "z" and origin == {"stat": "header"}
    found, origin = statistic(header(), name, {"stat": "t", "df": 3, "space": "native"}, "map 'm'")
    assert found == {"stat": "t", "df": 3, "space": "native"} and origin == {}


@pytest.mark.parametrize(
    ("sheet", "image", "source", "said"),
    [
        (
            {"stat": "z"},
            header("t test", (84,)),
            "x.nii",
            "column stat of the sample sheet is z, but the header of x.nii",
        ),
        ({"stat": "t", "df": 23}, header("t test", (84,)), "x.nii", "column df of the sample sheet is 23, .* says 84"),
        ({"stat": "z"}, header(), "a_stat-t_statmap.nii", "the file name of a_stat-t_statmap.nii says t"),
    ],
)
def test_a_contradiction_is_refused(sheet, image, source, said):
    with pytest.raises(UserError, match=f"^map 'm': .*{said}"):
        statistic(image, source, EMPTY | sheet, "map 'm'")


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (header(sform=0), "no orientation"),
        (header(qform=1, shift=20), "up to 20.0 mm apart; the sform is used"),
        (header(unit="meter"), "lengths in meters"),
        (header(unit="micron"), "lengths in microns"),
    ],
)
def test_headers_that_are_doubted(image, said):
    data = np.random.default_rng(0).normal(size=SHAPE)
    assert [said in one for one in doubts(image, SHAPE, data, "z")] == [True]
    for one in (header(), header(qform=1), header(qform=1, shift=0.5), header(unit="unknown")):
        assert doubts(one, SHAPE, data, "z") == []


def test_values_that_are_doubted():
    data = np.random.default_rng(0).normal(size=SHAPE)
    assert "distinct values" in doubts(header(), SHAPE, np.round(data), "other")[0]
    assert "values up to 41" in doubts(header(), SHAPE, np.where(data > 2, 41, data), "z")[0]
    assert doubts(header(), SHAPE, np.where(data > 2, 41, data), "t") == []
    assert doubts(header(), SHAPE, np.arange(336.0).reshape(SHAPE), "other") == []
    assert doubts(header(), SHAPE, np.zeros(SHAPE), "z") == []


def test_the_names_of_the_mni152_family_are_one_space():
    family = (
        "MNI152",
        "MNI",
        "MNI152NLin2009cAsym",
        "MNI152NLin6Asym",
        "MNI152Lin",
        "IXI549Space",
        "mni152",
        "ICBM152",
    )
    assert all(same_space(one, other) for one in family for other in family)
    assert same_space("Talairach", "Talairach") and same_space(None, None)
    for other in ("Talairach", "MNIColin27", "MNI305", "T1w", "fsaverage", None):
        assert not same_space("MNI152", other)
