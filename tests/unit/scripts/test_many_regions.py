"""Label images of more regions than two bytes can number."""

import nibabel as nib
import numpy as np
import pytest

import extract_regions
from statmap.io.files import read_json, sha256_of, write_json
from statmap.io.images import write_image

KEYS = {
    "extract_type": "connected_components",
    "signs": "split",
    "connectivity": 26,
    "min_region_size": 0,
    "size_rule": ">",
    "unseeded": "keep",
    "edge_scale": "suprathreshold",
    "random_walker": "converged",
    "cluster_p": None,
    "cluster_q": None,
    "cluster_theory": "spm",
    "sided": "two",
}


@pytest.mark.parametrize(("number", "dtype"), [(2**15 - 1, np.int16), (2**15, np.int32)])
def test_numbers_of_regions_fit_their_image(tmp_path, number, dtype):
    data = np.zeros((64, 64, 64), np.float32)
    data[::2, ::2, ::2] = 1
    if number < 2**15:
        data[0, 0, 0] = 0
    cut, parts = ({"nii": f"{tmp_path}/{name}.nii.gz", "json": f"{tmp_path}/{name}.json"} for name in ("cut", "parts"))
    write_image(cut["nii"], data, np.eye(4))
    write_json(cut["json"], {"SHA256": sha256_of(cut["nii"])})
    extract_regions.main([cut["nii"]], [cut["json"]], "m", {"v": KEYS}, [parts["nii"]], [parts["json"]], [])
    image = nib.load(parts["nii"])
    assert image.get_data_dtype() == dtype and read_json(parts["json"])["Regions"] == number
    np.testing.assert_array_equal(np.unique(np.asarray(image.dataobj)), np.arange(number + 1))
