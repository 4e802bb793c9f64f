"""One path for maps, masks and atlases: what is damaged behind the last voxel is refused whatever it is."""

import nibabel as nib
import numpy as np
import pytest

import fetch_atlas
import fetch_map
from statmap.io.fetching import fetch_image
from statmap.io.files import UserError


@pytest.fixture
def damaged(tmp_path):
    """A gzipped label image with all its voxels and a wrong checksum."""
    path = tmp_path / "labels.nii.gz"
    nib.Nifti1Image(np.random.default_rng(0).integers(0, 999, (40, 40, 40)).astype(np.int16), np.eye(4)).to_filename(
        path
    )
    content = path.read_bytes()
    path.write_bytes(content[:-6] + bytes([content[-6] ^ 1]) + content[-5:])
    return path


def test_a_wrong_checksum_is_refused_in_a_map_a_mask_and_an_atlas(tmp_path, damaged):
    good = tmp_path / "good.nii.gz"
    nib.Nifti1Image(np.ones((40, 40, 40), np.float32), np.eye(4)).to_filename(good)
    made = {name: tmp_path / f"out/{name}.nii.gz" for name in ("image", "mask_image")}
    settings = {"max_voxels": 10**5}
    with pytest.raises(UserError, match=r"map 'm': .*labels.nii.gz is damaged .*; get the file again"):
        fetch_map.main(row={"source": str(damaged)}, map_id="m", sidecar=tmp_path / "out/m.json", **made, **settings)
    with pytest.raises(UserError, match=r"mask of map 'm': .*is damaged"):
        row = {"source": str(good), "mask": str(damaged)}
        fetch_map.main(row=row, map_id="m", sidecar=tmp_path / "out/m.json", **made, **settings)
    with pytest.raises(UserError, match=r"atlas 'a': .*is damaged"):
        fetch_atlas.main(
            atlas={"image": str(damaged)},
            atlas_id="a",
            image=tmp_path / "out/a.nii.gz",
            sidecar=tmp_path / "out/a.json",
            **settings,
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_a_fetched_image_says_where_it_is_from(tmp_path):
    path = tmp_path / "one.nii"
    nib.Nifti1Image(np.ones((3, 4, 5, 1), np.float32), np.diag([2.0, 2, 2, 1])).to_filename(path)
    found = fetch_image("one.nii", tmp_path / "two.nii.gz", name="it", sha256=None, base=tmp_path, max_voxels=60)
    assert found.shape == found.data.shape == (3, 4, 5) and found.affine[0, 0] == 2
    assert found.provenance["source"] == "one.nii" and len(found.provenance["sha256"]) == 64
