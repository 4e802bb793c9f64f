"""Label images of more regions than two bytes can number."""

import nibabel as nib
import numpy as np
import pytest

import extract_regions
from statmap.inference.kinds import Cutoff
from statmap.inference.thresholds import ThresholdSidecar
from statmap.io.files import read_json, sha256_of
from statmap.io.nifti import write_image
from statmap.io.stat_map import by_folder
from statmap.rules import RegionRule

RULE = RegionRule(connectivity=26, min_region_size=0, unseeded="keep", edge_scale="suprathreshold")


@pytest.mark.parametrize(("number", "dtype"), [(2**15 - 1, np.int16), (2**15, np.int32)])
def test_numbers_of_regions_fit_their_image(tmp_path, number, dtype):
    data = np.zeros((64, 64, 64), np.float32)
    data[::2, ::2, ::2] = 1
    if number < 2**15:
        data[0, 0, 0] = 0
    folder = tmp_path / "v"
    folder.mkdir()
    inputs, outputs = (
        by_folder(folder / file for file in files)
        for files in (
            ("thresholded.nii.gz", "thresholded.json"),
            ("regions.nii.gz", "regions.json", "accounting.nii.gz"),
        )
    )
    outputs["v"]["regions_4d.nii.gz"] = folder / "regions_4d.nii.gz"
    write_image(folder / "thresholded.nii.gz", data, np.eye(4))
    ThresholdSidecar(
        description="ones",
        generated_by=[],
        sources=[],
        source_sha256="",
        sha256=sha256_of(folder / "thresholded.nii.gz"),
        parameters={},
        rule="",
        cutoff=Cutoff(1.0, ">=", "value"),
        suprathreshold_voxels=number,
    ).write(folder / "thresholded.json")
    extract_regions.main("m", {"v": RULE}, inputs, outputs)
    image = nib.load(folder / "regions.nii.gz")
    assert image.get_data_dtype() == dtype and read_json(folder / "regions.json")["Regions"] == number
    np.testing.assert_array_equal(np.unique(np.asarray(image.dataobj)), np.arange(number + 1))
    fits = number < 2**15  # what a header counts
    assert nib.load(folder / "regions_4d.nii.gz").shape == (64, 64, 64, number if fits else 1)
    left_out = (
        "regions_4d.nii.gz is one empty volume: NIfTI holds 32,767 volumes at most, and there are 32,768 regions; they "
        "are in regions.nii.gz"
    )
    assert (left_out in read_json(folder / "regions.json")["Warnings"]) == (not fits)
