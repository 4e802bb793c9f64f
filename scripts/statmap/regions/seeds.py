"""Where local regions start: the local maxima of the smoothed map."""

import cc3d
import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter

SEED_FLOOR = 0.1  # of the highest value of the smoothed map
TRUNCATE = 4.0  # standard deviations, where scipy cuts the Gaussian


def find_seeds(part, box, affine, rule):
    """Label the maxima of the smoothed map, as nilearn 0.14.1 does before its random walker.

    Parameters
    ----------
    part : (i, j, k) float array, 0 wherever a voxel did not pass the threshold.
    box : slices around the suprathreshold voxels.
    affine : (4, 4) array.
    rule : RegionRule: ``seed_fwhm_mm`` of the smoothing, ``seed_cube_voxels`` around a seed, ``connectivity`` of the
        voxels of one seed.

    Returns
    -------
    Integer array over `box`, 0 where there is no seed. A seed may lie on a voxel that did not pass the threshold.

    Notes
    -----
    Only the neighbourhood of the suprathreshold voxels is smoothed, and of its lines those that hold a value: beyond
    the reach of the Gaussian all is 0.
    """
    sigma = rule.seed_fwhm_mm / np.sqrt(8 * np.log(2)) / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    reach = (TRUNCATE * sigma + 0.5).astype(int)
    wide = tuple(
        slice(max(0, side.start - margin), min(size, side.stop + margin))
        for side, margin, size in zip(box, reach, part.shape, strict=True)
    )
    smooth = part[wide].copy()
    for axis in range(3):
        lines = np.moveaxis(smooth, axis, -1)  # a view
        held = (lines != 0).any(axis=-1)
        lines[held] = gaussian_filter1d(lines[held], sigma[axis], truncate=TRUNCATE)
    highest = maximum_filter(smooth, size=rule.seed_cube_voxels, mode="constant")
    maxima = (smooth == highest) & (smooth > max(float(smooth.max()) * SEED_FLOOR, 0.0))
    if part.flat[0] != 0 and np.all(part == part.flat[0]):
        maxima[...] = False  # nilearn seeds nothing on a constant map
    labels = cc3d.connected_components(maxima.view(np.uint8), connectivity=rule.connectivity, out_dtype=np.uint32)
    return labels[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, wide, strict=True))]
