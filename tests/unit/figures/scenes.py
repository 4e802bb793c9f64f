"""Scenes for the tests of figures, and tables that go with them."""

import numpy as np
from nibabel.affines import apply_affine as to_mm
from scipy import ndimage

from statmap.figures.scene import make_scene
from statmap.grid import voxel_volume

AFFINE = np.array([[-3.0, 0, 0, 78], [0, 3, 0, -112], [0, 0, 3, -50], [0, 0, 0, 1]])
SHAPE = 53, 63, 46
PLAIN = "motor", "|t| >= 3"
LONG = "a-map-with-a-very-long-name " * 20, "unbreakable" * 60


def label(data, cutoff, smallest=0):
    """Regions for the tests: components by sign, largest first, larger than a number of voxels."""
    labels, n = np.zeros(data.shape, dtype=np.int32), 0
    for sign in (1, -1):
        found, count = ndimage.label(sign * data >= cutoff)
        labels[found > 0] = found[found > 0] + n
        n += count
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    kept = [region for region in np.argsort(-sizes, kind="stable") if sizes[region] > smallest]
    number_of = np.zeros(n + 1, dtype=np.int32)
    number_of[np.array(kept, dtype=int) + 1] = np.arange(1, len(kept) + 1)
    return number_of[labels]


def tabulate(data, affine, labels):
    rows = []
    for region in range(1, labels.max() + 1):
        ijk = np.argwhere(labels == region)
        values = data[tuple(ijk.T)]
        peak = np.abs(values).argmax()
        x, y, z = to_mm(affine, ijk[peak])
        sign = "positive" if values[peak] > 0 else "negative"
        rows.append((region, sign, len(ijk), float(values[peak]), 1, float(x), float(y), float(z)))
    names = ["region", "sign", "n_voxels", "peak_value", "peak_ties", "peak_x", "peak_y", "peak_z"]
    measured = [dict(zip(names, row, strict=True)) for row in rows]
    volume = voxel_volume(affine)
    return [row | {"volume_mm3": row["n_voxels"] * volume, "mean_value": row["peak_value"]} for row in measured]


def peaks_of(regions):
    names = {"peak_value": "value", "peak_x": "x", "peak_y": "y", "peak_z": "z"}
    label = "Supplementary motor area, a name that is far too long for its column"
    return [
        {"region": row["region"], "peak": peak, "distance_mm": 9.0 * (peak - 1), "aal_peak": label}
        | {new: row[old] for old, new in names.items()}
        for peak in range(1, 15)
        for row in regions
    ]


def scene_of(data, affine, cutoff, smallest=0, template=None, **rest):
    labels = label(data, cutoff, smallest)
    scene = make_scene(data, affine, np.abs(data) >= cutoff, labels, cutoff, template, **rest)
    return scene, tabulate(data, affine, labels)


def spots(*places, value=5.0, shape=SHAPE):
    data = np.zeros(shape, dtype=np.float32)
    for place in places:
        data[place] = value
    return data
