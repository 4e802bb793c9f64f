"""Where local regions start: the local maxima of the smoothed map."""

import cc3d
import numpy as np

SEED_FLOOR = 0.1  # of the highest value of the smoothed map
TRUNCATE = 4.0  # standard deviations, where scipy cuts the Gaussian
_AT_A_TIME = 2**16  # voxels that are smoothed, in float64: what a cache holds


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
    What scipy.ndimage does is done here, to the same bits, since its import takes longer than all the rest.
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
        lines[held] = smooth_lines(lines[held], sigma[axis])
    highest = highest_in_cube(smooth, rule.seed_cube_voxels)
    maxima = (smooth == highest) & (smooth > max(float(smooth.max()) * SEED_FLOOR, 0.0))
    if part.flat[0] != 0 and np.all(part == part.flat[0]):
        maxima[...] = False  # nilearn seeds nothing on a constant map
    labels = cc3d.connected_components(maxima.view(np.uint8), connectivity=rule.connectivity, out_dtype=np.uint32)
    return labels[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(box, wide, strict=True))]


def smooth_lines(lines: np.ndarray, sigma: float) -> np.ndarray:
    """Smooth lines of voxels with a Gaussian, in the order of the sums of `scipy.ndimage.gaussian_filter1d`.

    Parameters
    ----------
    lines : (n, m) float array; beyond its ends a line is its own mirror image.
    sigma : standard deviation, voxels.

    Returns
    -------
    (n, m) array of the same type; computed in float64.
    """
    reach, length = int(TRUNCATE * float(sigma) + 0.5), lines.shape[1]
    weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    smooth = np.empty_like(lines)
    step = max(1, _AT_A_TIME // (length + 2 * reach))
    for first in range(0, len(lines), step):
        padded = np.pad(lines[first : first + step].astype(np.float64), ((0, 0), (reach, reach)), mode="symmetric")
        total = padded[:, reach : reach + length] * weights[reach]
        for n in range(reach):
            far = 2 * reach - n
            total += (padded[:, n : n + length] + padded[:, far : far + length]) * weights[n]
        smooth[first : first + step] = total
    return smooth


def highest_in_cube(values: np.ndarray, size: int) -> np.ndarray:
    """The highest value in a cube around each voxel, as `scipy.ndimage.maximum_filter`; 0 beyond the array.

    Parameters
    ----------
    values : (i, j, k) float array.
    size : side of the cube, voxels; of an even one the longer half lies before the voxel.
    """
    before, result = size // 2, values.copy()
    for axis in range(3):
        lines = np.moveaxis(result, axis, 0)  # a view
        length = len(lines)
        for n in range(lines.shape[1]):  # a plane at a time: what a cache holds
            highest, width = np.pad(lines[:, n], [(before, size - 1 - before), (0, 0)]), 1
            while 2 * width <= size:
                highest, width = np.maximum(highest[:-width], highest[width:]), 2 * width
            rest = size - width
            np.maximum(highest[:length], highest[rest : rest + length], out=lines[:, n])
    return result
