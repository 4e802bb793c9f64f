"""Drawings of the brain in nilearn's wheel."""

import hashlib

import nibabel as nib
import numpy as np
import pytest

from statmap.figures.drawings import DRAWINGS, drawing_path, read_surface
from statmap.io.files import UserError


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_drawing_is_the_file_that_was_looked_at(name):
    path = drawing_path(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == DRAWINGS[name][1]
    assert "nilearn" in path.parts


def test_another_version_of_a_drawing_is_one_line(monkeypatch):
    monkeypatch.setitem(DRAWINGS, "glass-side", (DRAWINGS["glass-side"][0], "0" * 64))
    said = "figures: drawing glass-side is brain_schematics_side.json with sha256 0000"
    with pytest.raises(UserError, match=said) as error:
        drawing_path("glass-side")
    assert "install the version of nilearn in envs/requirements.lock" in str(error.value)


@pytest.mark.parametrize("name", [name for name, (file, _) in DRAWINGS.items() if file.endswith(".gii.gz")])
def test_surfaces_are_read_as_nibabel_reads_them(name):
    arrays = [array.data for array in nib.load(drawing_path(name)).darrays]
    found = read_surface(name)
    assert len(found) == len(arrays)
    for ours, theirs in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
