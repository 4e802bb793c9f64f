"""The functions of a notebook give what the rules of the workflow give; docs/python.md runs as it stands there."""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from calls import extract_regions, resolve_cutoff
from scipy import stats

import statmap
from statmap.distributions import PValues, T, Z
from statmap.inference.thresholds import suprathreshold_mask
from statmap.io.files import UserError
from statmap.rules import Smoothness

PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
AFFINE = np.diag([3.0, 3, 3, 1])


@pytest.fixture
def z_map(tmp_path, monkeypatch):
    """Noise with a block of 64 voxels of 6, in the working directory."""
    monkeypatch.chdir(tmp_path)
    data = np.random.default_rng(0).normal(size=(12, 12, 12)).astype(np.float32)
    data[4:8, 4:8, 4:8] = 6
    nib.Nifti1Image(data, AFFINE).to_filename("z.nii.gz")
    return data


def test_the_lines_of_the_page_run(tmp_path, monkeypatch, capsys, motor):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(BLOCKS[0], names)
    assert Path("regions.png").read_bytes().startswith(b"\x89PNG")
    data, affine = motor
    keys = {"threshold": {"fdr": 0.05}, "stat": "z", "min_region_size": "10 voxels", "signs": "split"}
    passes = suprathreshold_mask(data, resolve_cutoff(data, data != 0, keys), "two")
    np.testing.assert_array_equal(names["passes"], passes)
    labels = extract_regions(np.where(passes, data, 0), affine, keys).labels
    np.testing.assert_array_equal(names["regions"].labels, labels)
    table = names["region_table"]
    assert table["n_voxels"].tolist() == np.bincount(labels.ravel())[1:].tolist() and len(table) > 3
    assert table["tdp"].between(0, 1).all() and set(names["peak_table"]["region"]) == set(table["region"])
    assert str(names["regions"].n_regions) in capsys.readouterr().out


def test_a_map_says_what_it_is(z_map):
    assert statmap.read_map("z.nii.gz").distribution.stat == "other"
    stat_map = statmap.read_map("z.nii.gz", stat="t", df=23, name="mine")
    assert stat_map.distribution == T(23) and str(stat_map) == "map 'mine'" and stat_map.mask.all()
    with pytest.raises(UserError, match="accepted: one number"):
        statmap.read_map("z.nii.gz", stat="t", df=[2, 3])
    with pytest.raises(UserError, match="there is no file"):
        statmap.read_map("none.nii.gz")


def test_a_mask_and_p_values(z_map):
    inside = np.zeros(z_map.shape, np.uint8)
    inside[2:10, 2:10, 2:10] = 1
    nib.Nifti1Image(inside, AFFINE).to_filename("mask.nii.gz")
    p = stats.norm.sf(z_map).astype(np.float32)
    nib.Nifti1Image(p, AFFINE).to_filename("p.nii.gz")
    stat_map = statmap.read_map("p.nii.gz", mask="mask.nii.gz", stat="p")
    assert stat_map.distribution == PValues() and not stat_map.values[inside == 0].any()
    np.testing.assert_allclose(stat_map.values[inside == 1], -np.log10(p[inside == 1]), rtol=1e-5)


def test_a_map_that_was_thresholded_has_no_family(z_map):
    nib.Nifti1Image(np.where(z_map > 2.5, z_map, 0).astype(np.float32), AFFINE).to_filename("thresh.nii.gz")
    with pytest.warns(UserWarning, match="was thresholded before"):
        stat_map = statmap.read_map("thresh.nii.gz", stat="z")
    with pytest.raises(UserError, match="was thresholded already"):
        statmap.threshold(stat_map, {"fdr": 0.05})
    thresholded, passes = statmap.threshold(stat_map, {"p": 0.001})
    regions = statmap.extract(stat_map, thresholded, passes, min_region_size=0)
    table, _ = statmap.tabulate(stat_map, thresholded, regions)
    assert table["tdp"].isna().all() and table["p_peak"].notna().all()


def test_significant_clusters_need_a_smoothness(z_map):
    stat_map = statmap.read_map("z.nii.gz", stat="z")
    assert stat_map.distribution == Z()
    thresholded, passes = statmap.threshold(stat_map, 3.0, Smoothness(fwhm_mm=4.0), sided="positive")
    regions = statmap.extract(stat_map, thresholded, passes, min_region_size=0, cluster_p=0.05)
    assert regions.n_regions == 1 and regions.accounting["kept"] >= 64
    table, peaks = statmap.tabulate(stat_map, thresholded, regions, max_peaks=1)
    assert table["p_cluster"].iloc[0] < 0.05 and len(peaks) == 1
    without, passes = statmap.threshold(stat_map, 3.0, sided="positive")
    with pytest.raises(UserError, match="needs the smoothness"):
        statmap.extract(stat_map, without, passes, cluster_p=0.05)
    with pytest.raises(UserError, match="needs the smoothness"):
        statmap.threshold(stat_map, {"fwe": 0.05})


def test_what_is_not_there_is_no_attribute():
    assert set(statmap.__all__) == {"draw", "extract", "read_map", "tabulate", "threshold"}
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        statmap.other  # noqa: B018
