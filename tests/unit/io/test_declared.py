"""What headers and file names say about a map."""

import nibabel as nib
import numpy as np
import pytest

from statmap.io.declared import Intent, intent_of, statistic
from statmap.io.files import UserError

EMPTY = {"stat": None, "df": None, "space": None}


@pytest.fixture
def intent(tmp_path):
    """The intent of an image that is written with it."""

    def make(code="none", parameters=(), kind=nib.Nifti1Image, name="map.nii.gz", order="<"):
        header = kind.header_class(endianness=order)
        header.set_intent(code, parameters)
        image = kind(np.zeros((2, 3, 4), order + "f4"), np.eye(4), header)
        image.to_filename(tmp_path / name)
        return intent_of(tmp_path / name)

    return make


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("name", ["map.nii", "map.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_the_intent_is_read_from_every_kind_of_file(intent, kind, name, order):
    assert intent("f test", (2, 40), kind, name, order) == Intent(4, (2.0, 40.0))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"\x1f\x8bno gzip", b"text " * 200, None])
def test_what_is_no_image_has_no_intent(tmp_path, content):
    if content is not None:
        (tmp_path / "x.nii").write_bytes(content)
    assert intent_of(tmp_path / "x.nii") == Intent()


@pytest.mark.parametrize(
    ("code", "parameters", "stat", "df"),
    [
        ("t test", (84,), "t", 84.0),
        ("t test", (84.3,), "t", 84.3),
        ("f test", (2, 40), "F", [2.0, 40.0]),
        ("z score", (), "z", None),
        ("p value", (), "p", None),
        ("t test", (0,), "t", None),
        ("none", (), "other", None),
        ("estimate", (), "other", None),
    ],
)
def test_the_intent_code_fills_what_the_sheet_leaves_empty(intent, code, parameters, stat, df):
    found, origin = statistic(intent(code, parameters), "x.nii.gz", EMPTY, "map 'm'")
    assert (found["stat"], found["df"], found["space"]) == (stat, df, None)
    assert origin == {key: "header" for key, value in (("stat", stat), ("df", df)) if value not in (None, "other")}


def test_the_file_name_fills_the_rest(intent):
    name = "derivatives/sub-1_task-x_space-MNI152NLin2009cAsym_stat-t_statmap.nii.gz"
    found, origin = statistic(intent(), name, EMPTY | {"df": 12}, "map 'm'")
    assert found == {"stat": "t", "df": 12, "space": "MNI152NLin2009cAsym"}
    assert origin == {"stat": "file name", "space": "file name"}
    found, origin = statistic(intent("z score"), "sub-1_stat-effect_statmap.nii", EMPTY, "map 'm'")
    assert found["stat"] == "z" and origin == {"stat": "header"}
    found, origin = statistic(intent(), name, {"stat": "t", "df": 3, "space": "MNI152"}, "map 'm'")
    assert found == {"stat": "t", "df": 3, "space": "MNI152"} and origin == {}


@pytest.mark.parametrize(
    ("sheet", "image", "source", "said"),
    [
        (
            {"stat": "z"},
            ("t test", (84,)),
            "x.nii",
            "column stat of the sample sheet is z, but the header of x.nii",
        ),
        ({"stat": "t", "df": 23}, ("t test", (84,)), "x.nii", "column df of the sample sheet is 23, .* says 84"),
        ({"stat": "z"}, (), "a_stat-t_statmap.nii", "the file name of a_stat-t_statmap.nii says t"),
        ({"space": "MNI152"}, (), "a_space-T1w_x.nii", "column space .* is MNI152, but the file name of .* says T1w"),
        ({}, ("t test", (84,)), "a_stat-z_x.nii", "the header of a_stat-z_x.nii says stat t, its file name z"),
    ],
)
def test_a_contradiction_is_refused(intent, sheet, image, source, said):
    with pytest.raises(UserError, match=f"^map 'm': .*{said}"):
        statistic(intent(*image), source, EMPTY | sheet, "map 'm'")
