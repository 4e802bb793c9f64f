"""With `random_walker: nilearn` regions equal nilearn 0.14.1's, voxel for voxel, on maps of every kind."""

import warnings
from itertools import product

import nibabel as nib
import numpy as np
import pytest
from calls import extract_regions, region_volumes, resolve_cutoff
from nilearn.image import threshold_img
from nilearn.regions import connected_regions
from scipy.ndimage import gaussian_filter

from statmap.grid import voxel_volume
from statmap.inference.thresholds import suprathreshold_mask
from statmap.io.images import read_image

SHAPES = {
    "cube": (24, 24, 24),
    "head": (30, 36, 28),
    "slab": (40, 44, 5),
    "small": (9, 10, 11),
    "long": (12, 14, 60),
}
AFFINES = {
    "3 mm": np.diag([3.0, 3, 3, 1]),
    "2 mm, flipped": np.array([[-2.0, 0, 0, 60], [0, 2, 0, -50], [0, 0, 2, -40], [0, 0, 0, 1]]),
    "6 mm": np.diag([6.0, 6, 6, 1]),
    "anisotropic": np.diag([2.0, 2.5, 5, 1]),
    "oblique": np.array([[2.8, -0.9, 0.3, -40], [1.0, 2.7, -0.5, -60], [-0.2, 0.6, 2.9, -30], [0, 0, 0, 1]]),
}
KINDS = ["noise", "blobs", "plateaus", "both signs", "padded", "int16 with slope", "float64"]


def make_map(kind, shape, seed):
    """A map of smooth noise and blobs: (i, j, k) array, in the type that it is stored in."""
    random = np.random.default_rng(seed)
    data = gaussian_filter(random.normal(size=shape), 1.0 + seed % 3 * 0.5)
    data *= 2.5 / data.std()
    if kind in ("blobs", "both signs", "padded"):
        grid = np.moveaxis(np.indices(shape), 0, -1)
        for n in range(4):
            centre = random.uniform(0, shape)
            height = 6 * (-1 if kind == "both signs" and n % 2 else 1)
            data += height * np.exp(-(((grid - centre) / random.uniform(2, 5)) ** 2).sum(-1))
    if kind == "plateaus":
        data = np.round(data * 2) / 2
    if kind == "padded":
        inside = np.zeros(shape, bool)
        inside[2:-2, 2:-2, 1:-1] = True
        data[~inside] = 0
    return data if kind == "float64" else data.astype(np.float32)


def stored(folder, data, affine, kind):
    """Write a map to a file, as maps come."""
    image = nib.Nifti1Image(data, affine)
    if kind == "int16 with slope":
        image.set_data_dtype(np.int16)
        image.header.set_slope_inter(float(np.abs(data).max()) / 32000, 0)
    path = folder / "map.nii.gz"
    image.to_filename(path)
    return path


def check(path, variant, threshold, extract_type, min_region_size):
    """Threshold and extract with both, compare every voxel of the thresholded image and of every region."""
    data, affine = read_image(path)
    keys = variant | {"threshold": threshold, "extract_type": extract_type, "min_region_size": min_region_size}
    keys["random_walker"] = "nilearn"
    cutoff = resolve_cutoff(data, data != 0, keys)
    ours = np.where(suprathreshold_mask(data, cutoff, "two"), data, data.dtype.type(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = threshold_img(str(path), threshold, two_sided=True, copy_header=True)
        np.testing.assert_array_equal(ours, np.asanyarray(theirs.dataobj))
        image, _ = connected_regions(theirs, extract_type=extract_type, min_region_size=min_region_size)
    expected = [] if image is None else list(np.moveaxis(image.get_fdata(dtype=np.float32), -1, 0))  # as nilearn joins
    regions = extract_regions(ours, affine, keys)
    volumes = [volume.astype(np.float32) for volume in region_volumes(regions.labels, ours)]
    assert len(volumes) == len(expected)
    equal = sorted(v.tobytes() for v in volumes) == sorted((np.ascontiguousarray(v) + 0).tobytes() for v in expected)
    assert equal, "the voxels of some region differ"
    return regions


CASES = list(product(KINDS, SHAPES, AFFINES))  # every 14th in the fast tests, 59 more in the slow ones
FAST = [CASES[n] for n in range(0, len(CASES), 14)]
SLOW = [pytest.param(*case, marks=pytest.mark.slow) for n, case in enumerate(CASES) if n % 3 == 0 and case not in FAST]


@pytest.mark.parametrize(("kind", "shape", "affine"), FAST + SLOW)
def test_generated_maps(tmp_path, variant, kind, shape, affine):
    """Each at one of three thresholds and of two smallest sizes, in turn."""
    number = CASES.index((kind, shape, affine))
    path = stored(tmp_path, make_map(kind, SHAPES[shape], number), AFFINES[affine], kind)
    threshold, voxels = ("90%", 2.0, 4.5)[number // 2 % 3], (0, 12.5)[number // 3 % 2]
    for extract_type in ("local_regions", "connected_components"):
        check(path, variant, threshold, extract_type, voxels * voxel_volume(AFFINES[affine]))


THRESHOLDS = np.linspace(1.5, 7, 20).round(3).tolist()


@pytest.mark.parametrize(
    "threshold", [pytest.param(t, marks=[] if n % 5 == 0 else pytest.mark.slow) for n, t in enumerate(THRESHOLDS)]
)
def test_the_embedded_map(motor_path, variant, threshold):
    check(motor_path, variant, threshold, "local_regions", 500)
    check(motor_path, variant, threshold, "connected_components", 500)


def test_what_nilearn_does_when_there_is_little_to_divide(tmp_path, variant):
    """No seed at all, only components that are nothing but their seed, one region, nothing."""
    nothing = np.zeros((15, 15, 15), np.float32)
    negative = nothing.copy()
    negative[4:7, 4:7, 4:7] = -5
    alone = nothing.copy()
    alone[3, 3, 3] = alone[12, 12, 12] = 5
    one = nothing.copy()
    one[4:9, 4:9, 4:9] = 5
    one[6, 6, 6] = 6
    mixed = one.copy()
    mixed[13, 13, 13] = 6
    full = np.full((6, 6, 6), 3, np.float32)
    expected = {"nothing": 0, "negative": 0, "alone": 2, "one": 1, "mixed": 1, "full": 0}
    maps = {"nothing": nothing, "negative": negative, "alone": alone, "one": one, "mixed": mixed, "full": full}
    for name, data in maps.items():
        path = stored(tmp_path, data, np.diag([3.0, 3, 3, 1]), "float32")
        assert check(path, variant, 2.0, "local_regions", 0).n_regions == expected[name], name
