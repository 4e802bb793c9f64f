"""A map as the analysis sees it: read with its mask and its record, and the files of its variants."""

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from calls import stat_map_of, write_map

import fetch_map
from statmap.distributions import F, PValues, T, Unknown, Z
from statmap.io.files import UserError, sha256_of
from statmap.io.nifti import write_image
from statmap.io.stat_map import MapFiles, MapSidecar, StatMap, by_folder, by_map_and_variant

AFFINE = np.array([[-2.0, 0.1, 0, 90], [0.1, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])


def test_a_map_is_read_under_its_mask(tmp_path):
    """NaN is 0, what lies beside the mask too; a voxel of the mask may be 0."""
    data = np.array([[[1, np.nan, 3, 4]]], dtype=np.float32)
    inside = np.array([[[1, 1, 0, 1]]], dtype=bool)
    files = write_map(tmp_path, stat_map_of(np.nan_to_num(data), AFFINE, inside, stat="t", df=20))
    write_image(files.image, data, AFFINE)
    record = MapSidecar.read(files.sidecar)
    replace(record, sha256=sha256_of(files.image)).write(files.sidecar)
    found = StatMap.read("motor", files)
    assert found.values.ravel().tolist() == [1, 0, 0, 4] and found.values.dtype == np.float32
    assert found.mask.dtype == bool and found.mask.ravel().tolist() == [True, True, False, True]
    np.testing.assert_allclose(found.affine, AFFINE, atol=1e-5)
    assert (found.name, str(found), found.distribution, found.space) == ("motor", "map 'motor'", T(20), None)


@pytest.mark.parametrize("changed", ["image", "mask"])
def test_a_map_or_mask_that_was_changed_since_it_was_written_is_not_read(tmp_path, changed):
    files = write_map(tmp_path, stat_map_of(np.ones((2, 2, 2), np.float32), AFFINE))
    path = getattr(files, changed)
    write_image(path, np.full((2, 2, 2), 2, np.float32), AFFINE)
    with pytest.raises(
        UserError, match=rf"{Path(path).name} is not the file that was written.*delete it and run again"
    ):
        StatMap.read("m", files)


@pytest.mark.parametrize(
    ("stat", "df", "space", "distribution"),
    [
        ("z", None, "MNI152", Z()),
        ("t", 23.0, None, T(23)),
        ("F", [2.0, 30.0], "Talairach", F(2, 30)),
        ("1-p", None, None, PValues()),
        (None, None, None, Unknown()),
    ],
)
def test_what_rule_fetch_map_writes_is_read(tmp_path, stat, df, space, distribution):
    """The map with its distribution and its space, and every entry of the record."""
    data = np.linspace(0.2, 0.9, 60, dtype=np.float32).reshape(3, 4, 5)
    data[0, 0] = 0
    write_image(tmp_path / "source.nii.gz", data, AFFINE)
    files = MapFiles(*(str(tmp_path / f"made{end}") for end in (".nii.gz", "_mask.nii.gz", ".json")))
    row = {"source": str(tmp_path / "source.nii.gz"), "sha256": None, "stat": stat, "df": df, "space": space}
    made = {"image": files.image, "mask_image": files.mask, "sidecar": files.sidecar}
    fetch_map.main(row, map_id="m", max_voxels=60, **made)
    found, record = StatMap.read("m", files), MapSidecar.read(files.sidecar)
    expected = np.where(data != 0, -np.log10(1 - data.astype(float)), 0) if stat == "1-p" else data
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert found.mask.sum() == record.mask_voxels == record.nonzero_count == 55
    assert (found.distribution, found.space) == (distribution, space)
    assert record.stat == distribution.stat and record.stat_of_source == (stat or "other")
    written = json.loads(Path(files.sidecar).read_text(encoding="utf-8"))
    record.write(files.sidecar)
    assert json.loads(Path(files.sidecar).read_text(encoding="utf-8")) == written


NAMES = ("regions.csv", "regions.json", "thresholded.nii.gz")


def test_files_by_their_folder_whatever_the_order():
    paths = [f"results/motor/{variant}/{name}" for variant in ("lax", "strict") for name in NAMES[:2]]
    for order in permutations(paths):
        files = by_folder(order)
        assert files == {
            variant: {name: Path("results/motor", variant, name) for name in NAMES[:2]} for variant in ("lax", "strict")
        }
    assert by_folder([]) == {}


def test_files_by_map_and_variant_whatever_the_order():
    """Two maps have variants of one name, and a map is called as a variant is."""
    maps, variants = ("motor", "strict"), ("lax", "strict")
    paths = [f"results/{name}/{variant}/{file}" for file in NAMES for variant in variants for name in maps]
    expected = {
        (name, variant): {file: Path("results", name, variant, file) for file in NAMES}
        for name in maps
        for variant in variants
    }
    for seed in range(20):
        assert by_map_and_variant(np.random.default_rng(seed).permutation(paths)) == expected
    assert by_map_and_variant([]) == {}


def test_folders_above_do_not_count():
    """A study may lie anywhere, also under a folder that is called as a map is."""
    assert by_map_and_variant(["/data/motor/strict/results/motor/lax/regions.csv"]) == {
        ("motor", "lax"): {"regions.csv": Path("/data/motor/strict/results/motor/lax/regions.csv")}
    }
