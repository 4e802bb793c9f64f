"""Region images equal nilearn 0.14.1's, voxel for voxel, on the embedded map."""

import warnings

import nibabel as nib
import numpy as np
import pytest
from calls import extract_regions, region_volumes, resolve_cutoff
from nilearn._utils import segmentation
from nilearn._utils.ndimage import peak_local_max
from nilearn.image import threshold_img
from nilearn.image.image import smooth_array
from nilearn.regions import connected_regions
from scipy.ndimage import label
from scipy.sparse.linalg import splu

from statmap.inference.thresholds import suprathreshold_mask


def threshold_ours(data, variant):
    cutoff = resolve_cutoff(data, data != 0, variant)
    return np.where(suprathreshold_mask(data, cutoff, variant["sided"]), data, 0)


def volumes_of(four_d):
    """A 4D image as a set of volumes, whatever their order."""
    return sorted(np.ascontiguousarray(four_d[..., n]).tobytes() for n in range(four_d.shape[3]))


def nilearn_regions(thresholded, affine, extract_type, min_region_size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image, _ = connected_regions(
            nib.Nifti1Image(thresholded, affine), extract_type=extract_type, min_region_size=min_region_size
        )
    return (
        np.zeros((*thresholded.shape, 0), np.float32) if image is None else image.get_fdata(dtype=np.float32) + 0
    )  # -0 to 0


@pytest.mark.parametrize("extract_type", ["local_regions", "connected_components"])
@pytest.mark.parametrize("min_region_size", [0, 500, 1500])
@pytest.mark.parametrize("threshold", ["97%", 3.0, 4.0, "99.5%"])
def test_region_images_equal_nilearn(motor, variant, extract_type, min_region_size, threshold):
    data, affine = motor
    spec = variant | {"extract_type": extract_type, "min_region_size": min_region_size, "threshold": threshold}
    reference = nilearn_regions(
        threshold_img(nib.Nifti1Image(data, affine), threshold, copy_header=True).get_fdata(dtype=np.float32),
        affine,
        extract_type,
        min_region_size,
    )
    thresholded = threshold_ours(data, spec)
    regions = extract_regions(thresholded, affine, spec)
    ours = region_volumes(regions.labels, thresholded)
    assert len(ours) == regions.n_regions == reference.shape[3]
    assert (regions.n_regions > 0) == (threshold != "99.5%" or extract_type == "connected_components")
    assert sorted(volume.tobytes() for volume in ours) == volumes_of(reference)


@pytest.mark.parametrize("threshold", [1.6, 2.0, 2.3])
def test_labels_equal_nilearns_own_system_solved_exactly(motor, variant, threshold, monkeypatch):
    """Here nilearn's solver stops (at 1e-3) before its labels have converged; its equations, solved, give ours."""
    data, affine = motor
    spec = variant | {"threshold": threshold, "min_region_size": 0}
    thresholded = threshold_ours(data, spec)
    labels = extract_regions(thresholded, affine, spec).labels
    assert not same_partition(labels, walk_as_nilearn(thresholded, affine))
    monkeypatch.setattr(segmentation, "_solve_cg", solve_exactly)
    assert same_partition(labels, walk_as_nilearn(thresholded, affine))


def solve_exactly(laplacian, right_sides, tol):
    factors = splu(laplacian.tocsc().astype(np.float64))
    return np.argmax([factors.solve(-side.toarray().ravel().astype(np.float64)) for side in right_sides], axis=0)


def walk_as_nilearn(thresholded, affine):
    seeds, _ = label(peak_local_max(smooth_array(thresholded, affine, fwhm=6)))
    seeds[thresholded == 0] = -1
    return np.maximum(segmentation.random_walker(thresholded, seeds), 0)


def same_partition(one, other):
    """Whether two label images are equal up to the numbers they use."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1] and [0, 0] in pairs.T.tolist()
