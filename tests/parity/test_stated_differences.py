"""Where nilearn 0.14.1 differs on purpose, beyond what the other files of this folder show (see README)."""

import warnings

import nibabel as nib
import numpy as np
import pytest
from calls import extract_regions, measure_regions
from nilearn.regions import connected_regions
from nilearn.reporting import get_clusters_table

from statmap.io.images import replace_nonfinite


@pytest.fixture(scope="module")
def thresholded(motor):
    data, affine = motor
    return np.where(np.abs(data) >= 3, data, 0), affine


def components(data, affine):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return connected_regions(nib.Nifti1Image(data, affine), extract_type="connected_components")[0].get_fdata()


def test_regions_are_numbered_by_size_not_by_place(thresholded, variant):
    theirs = np.count_nonzero(components(*thresholded), axis=(0, 1, 2))
    spec = variant | {"extract_type": "connected_components", "min_region_size": 1350}
    ours = np.bincount(extract_regions(*thresholded, spec).labels.ravel())[1:]
    assert theirs.tolist() != ours.tolist() == sorted(theirs, reverse=True)


def test_nan_is_background_not_foreground_of_every_region(thresholded, variant):
    data, affine = thresholded[0].copy(), thresholded[1]
    data[30, 30, 20] = np.nan
    assert np.isnan(components(data, affine)).any(axis=(0, 1, 2)).all()
    finite, counts = replace_nonfinite(data)
    assert counts == {"nan": 1, "inf": 0}
    np.testing.assert_array_equal(
        extract_regions(finite, affine, variant).labels, extract_regions(*thresholded, variant).labels
    )


def test_sizes_are_not_cut_to_whole_mm3(variant):
    data = np.zeros((9, 9, 9), np.float32)
    data[4, 4, 3:6] = 5
    affine = np.diag([2.5, 2.5, 2.5, 1])
    assert get_clusters_table(nib.Nifti1Image(data, affine), 3.0)["Cluster Size (mm3)"].tolist() == [46]
    labels = extract_regions(data, affine, variant | {"min_region_size": 0, "extract_type": "connected_components"})
    assert measure_regions(data, labels.labels, affine)["volume_mm3"].tolist() == [pytest.approx(46.875)]


@pytest.mark.parametrize(("mm", "by_rounding"), [(2.0, 0), (2.5, 1), (3.0, 0), (3.5, 1)])
def test_a_region_of_exactly_the_smallest_size_is_not_kept_by_rounding(variant, mm, by_rounding):
    """nilearn keeps what is larger, and with some voxel sizes what is equal: the determinant is rounded."""
    data = np.zeros((9, 9, 9), np.float32)
    data[1, 1, 1:6] = 5  # five voxels, and six that are kept by both
    data[5, 5, 1:7] = 5
    affine = np.diag([mm, mm, mm, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, _ = connected_regions(nib.Nifti1Image(data, affine), 5 * mm**3, extract_type="connected_components")
    assert image.shape[3] == 1 + by_rounding
    keys = variant | {"extract_type": "connected_components", "min_region_size": 5 * mm**3}
    assert extract_regions(data, affine, keys).n_regions == 1
    assert extract_regions(data, affine, keys | {"size_rule": ">="}).n_regions == 2
