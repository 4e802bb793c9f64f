"""Tables printed from a map by labelling, the way other packages print them, to be found out again."""

import math

import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage
from small_maps import STRUCTURE

from statmap.grid import voxel_volume

FIELDS = {"positive": (1,), "negative": (-1,), "apart": (1, -1), "merged": (0,)}


def clusters(data, cutoff, connectivity, sign, extent=1):
    """Flat indices of the voxels of each cluster of at least `extent` voxels."""
    found = []
    for side in FIELDS[sign]:
        signed = np.abs(data) if side == 0 else side * data
        labels = ndimage.label((signed >= np.float64(cutoff)) & (signed > 0), STRUCTURE[connectivity])[0].ravel()
        found += [np.flatnonzero(labels == n) for n in range(1, labels.max(initial=0) + 1)]
    return [voxels for voxels in found if len(voxels) >= extent]


def decimal(number, decimals, cut_off=False):
    """A number as text, rounded or cut off."""
    scaled = abs(number) * 10**decimals
    digits = math.floor(scaled + 1e-9) if cut_off else round(scaled)
    return f"{'-' if number < 0 and digits else ''}{digits / 10**decimals:.{decimals}f}"


def print_table(
    path, data, affine, found, random, *, unit="n_voxels", decimals=2, cut_off=False, values=True, sizes=True
):
    """Write clusters in our own form: any of the tied voxels of the highest value as the peak, in any order."""
    header = ["cluster", "x", "y", "z"] + ["value"] * values + [unit] * sizes
    lines = []
    for n, voxels in enumerate(random.sample(found, len(found)), start=1):
        magnitude = np.abs(data.ravel()[voxels])
        peak = random.choice(voxels[magnitude == magnitude.max()].tolist())
        mm = apply_affine(affine, np.array([np.unravel_index(peak, data.shape)]))[0]
        line = [str(n), *(f"{one:g}" for one in mm)]
        if values:
            line.append(decimal(float(data.ravel()[peak]), decimals, cut_off))
        if sizes:
            volume = len(voxels) * voxel_volume(affine)
            line.append(str(len(voxels)) if unit == "n_voxels" else decimal(volume, 0, cut_off))
        lines.append("\t".join(line))
    path.write_text("\n".join(["\t".join(header), *lines]) + "\n", encoding="utf-8")
    return path


def print_maxima(path, data, affine, found, random, most=6):
    """Write clusters of positive values in our own form, each with its local maxima (ties included); number of rows."""
    highest = ndimage.maximum_filter(data, size=3, mode="constant").ravel()
    values = data.ravel()
    lines = ["x\ty\tz\tvalue\tn_voxels\tcluster"]
    for n, voxels in enumerate(found, start=1):
        peak = random.choice(voxels[values[voxels] == values[voxels].max()].tolist())
        others = [voxel for voxel in voxels.tolist() if values[voxel] == highest[voxel] and voxel != peak]
        for voxel in [peak, *random.sample(others, min(len(others), most))]:
            mm = apply_affine(affine, np.array(np.unravel_index(voxel, data.shape)))
            size = str(len(voxels)) if voxel == peak else ""
            lines.append("\t".join([*(f"{one:g}" for one in mm), decimal(float(values[voxel]), 2), size, str(n)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines) - 1
