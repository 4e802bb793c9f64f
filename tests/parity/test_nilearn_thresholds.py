"""Thresholded images equal nilearn 0.14.1's, voxel for voxel."""

import nibabel as nib
import numpy as np
import pytest
from calls import resolve_cutoff
from nilearn.image import threshold_img

from statmap.inference.thresholds import suprathreshold_mask

CASES = ["80%", "90%", "97%", "99.5%", 2.0, 3.0, 4.5]


def ours(data, variant, threshold, sided):
    cutoff = resolve_cutoff(data, data != 0, variant | {"threshold": threshold, "sided": sided})
    return np.where(suprathreshold_mask(data, cutoff, sided), data, 0), cutoff


@pytest.mark.parametrize("threshold", CASES)
@pytest.mark.parametrize("sided", ["two", "positive", "negative"])
def test_thresholded_image_equals_nilearn(motor, variant, threshold, sided):
    data, affine = motor
    # nilearn has no percentile of the negative side: it is the positive side of minus the map.
    flip = -1 if sided == "negative" else 1
    image = nib.Nifti1Image(flip * data, affine)
    reference = flip * threshold_img(image, threshold, two_sided=sided == "two", copy_header=True).get_fdata()
    if sided == "positive" or sided == "negative":
        reference = np.where(flip * reference > 0, reference, 0)
    thresholded, _ = ours(data, variant, threshold, sided)
    np.testing.assert_array_equal(thresholded, reference.astype(np.float32))
    # 693 voxels share the maximum, so that no voxel is above the highest percentile of the positive side.
    assert (np.count_nonzero(thresholded) > 100) == ((threshold, sided) != ("99.5%", "positive"))


@pytest.mark.parametrize("threshold", [2.0, 3.0, 4.5])
def test_negative_value_is_nilearns_negative_threshold(motor, variant, threshold):
    data, affine = motor
    image = nib.Nifti1Image(data, affine)
    reference = threshold_img(image, -threshold, two_sided=False, copy_header=True).get_fdata(dtype=np.float32)
    np.testing.assert_array_equal(ours(data, variant, threshold, "negative")[0], reference)


@pytest.mark.parametrize("threshold", ["97%", 3.0])
def test_mask_as_in_nilearn(motor, variant, threshold):
    data, affine = motor
    mask = np.zeros(data.shape, dtype=bool)
    mask[10:40, 12:50, 8:40] = True
    reference = threshold_img(
        nib.Nifti1Image(data, affine),
        threshold,
        mask_img=nib.Nifti1Image(mask.astype(np.int8), affine),
        copy_header=True,
    ).get_fdata(dtype=np.float32)
    masked = np.where(mask, data, 0)
    cutoff = resolve_cutoff(masked, mask, variant | {"threshold": threshold, "percentile_domain": "mask"})
    thresholded = np.where(suprathreshold_mask(masked, cutoff, "two"), masked, 0)
    np.testing.assert_array_equal(thresholded, reference)


def test_value_at_the_cutoff_passes_in_the_precision_of_the_map(variant):
    data = np.array([[[3.1, 3.0999, 0, -3.1]]], dtype=np.float32)
    thresholded, cutoff = ours(data, variant, 3.1, "two")
    np.testing.assert_array_equal(thresholded != 0, [[[True, False, False, True]]])
    assert cutoff.value == float(np.float32(3.1))
