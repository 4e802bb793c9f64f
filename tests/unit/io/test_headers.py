"""What in the header and the values of a map is doubted."""

import nibabel as nib
import numpy as np
import pytest

from statmap.io.headers import doubts
from statmap.io.spaces import same_space

SHAPE = (6, 7, 8)


def header(sform=2, qform=0, unit="mm", shift=0.0):
    found = nib.Nifti1Header()
    found.set_data_shape(SHAPE)
    affine = np.diag([2.0, 2, 2, 1])
    found.set_sform(affine, sform)
    affine[0, 3] = shift
    found.set_qform(affine, qform)
    found.set_xyzt_units(unit)
    return found


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
