"""Every column of every table: what it is called, how it is written, and the tables of regions and of peaks.

To add a column: name it in the list of its table below, and compute it where that table is made. results/README.md has
the same lists in words; a test holds the two together.
"""

import csv
from itertools import chain

import numpy as np
import pandas as pd

from ..io.files import writing
from ..io.images import to_mm, voxel_volume
from ..regions.peaks import labelled_voxels, local_maxima, main_peaks

# How a column is written: always with a point or an exponent where it is a float, so that it is read back as one.
FORMATS = {"text": "", "int": "d", "mm": ".2f", "volume": ".1f", "share": ".4f", "float": "#.6g"}

ID = {"map": "text", "variant": "text", "cutoff": "float"}
REGIONS = ID | {
    "region": "int",
    "sign": "text",
    "n_voxels": "int",
    "volume_mm3": "volume",
    "peak_value": "float",
    "peak_ties": "int",
    "peak_x": "mm",
    "peak_y": "mm",
    "peak_z": "mm",
    "peak_i": "int",
    "peak_j": "int",
    "peak_k": "int",
    "com_x": "mm",
    "com_y": "mm",
    "com_z": "mm",
    "mean_value": "float",
    "sd_value": "float",
    "p_peak": "float",
    "log10_p_peak": "float",
    "z_peak": "float",
    "tdp": "share",
    "p_cluster": "float",
    "log10_p_cluster": "float",
    "robust_low": "float",
    "robust_high": "float",
    "margin": "float",
}
PEAKS = ID | {
    "region": "int",
    "peak": "int",
    "value": "float",
    "p": "float",
    "log10_p": "float",
    "z_score": "float",
    "x": "mm",
    "y": "mm",
    "z": "mm",
    "i": "int",
    "j": "int",
    "k": "int",
    "distance_mm": "mm",
}
SUMMARY = ID | {
    "rule": "text",
    "convention": "text",
    "sided": "text",
    "signs": "text",
    "extract_type": "text",
    "connectivity": "int",
    "min_region_size": "volume",
    "domain": "text",
    "n_domain": "int",
    "survivors": "int",
    "kept": "int",
    "too_small": "int",
    "unseeded": "int",
    "isolated": "int",
    "n_regions": "int",
    "volume_mm3": "volume",
    "largest_mm3": "volume",
    "largest_x": "mm",
    "largest_y": "mm",
    "largest_z": "mm",
    "warning": "text",
}
STABILITY = {
    "map": "text",
    "variant_a": "text",
    "variant_b": "text",
    "voxels_a": "int",
    "voxels_b": "int",
    "overlap_voxels": "int",
    "dice": "share",
    "jaccard": "share",
}
MATCHES = {
    "map": "text",
    "variant_a": "text",
    "variant_b": "text",
    "region_a": "int",
    "region_b": "int",
    "overlap_voxels": "int",
    "overlap_mm3": "volume",
    "dice": "share",
    "share_a": "share",
    "share_b": "share",
    "best_a": "text",
    "best_b": "text",
}
SWEEP = {
    "map": "text",
    "connectivity": "int",
    "signs": "text",
    "threshold": "text",
    "cutoff": "float",
    "cutoff_rule": "text",
    "min_region_size": "volume",
    "survivors": "int",
    "n_regions": "int",
    "volume_mm3": "volume",
    "largest_mm3": "volume",
    "kept": "int",
    "too_small": "int",
}
PERSISTENCE = {
    "map": "text",
    "connectivity": "int",
    "peak": "int",
    "sign": "text",
    "birth": "float",
    "death": "float",
    "persistence": "float",
    "parent": "int",
    "ties": "int",
    "x": "mm",
    "y": "mm",
    "z": "mm",
    "i": "int",
    "j": "int",
    "k": "int",
}


def atlas_columns(atlases, table):
    """Columns that atlases add to a table of peaks, ``<atlas>_peak``, and to ``regions``, ``<atlas>_overlap`` too."""
    kinds = ("peak", "overlap") if table == "regions" else ("peak",)
    return {f"{atlas}_{kind}": "text" for atlas in atlases for kind in kinds}


def volume_columns(persistence):
    """Columns that a sweep adds to ``persistence``: ``volume_mm3@<threshold>``, one per threshold."""
    return {name: "volume" for name in persistence.columns if name.startswith("volume_mm3@")}


def write_table(path, table, columns):
    """Write a CSV: the columns in their order and format, NaN and None empty, the header also without any row.

    Parameters
    ----------
    path : ``.csv`` to write.
    table : DataFrame that has these columns and no others.
    columns : dict, column name to its kind (a key of `FORMATS`).
    """
    if list(table.columns) != list(columns):
        raise ValueError(f"{path}: columns {list(table.columns)} are not {list(columns)}")
    written = [
        ["" if value is None or value != value else format(value, FORMATS[kind]) for value in table[name].tolist()]
        for name, kind in columns.items()
    ]
    with writing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerows(chain([columns], zip(*written, strict=True)))


def measure_regions(data, labels, affine):
    """Size, peak, centre and values of every region.

    Parameters
    ----------
    data : (i, j, k) float array, finite: the map.
    labels : (i, j, k) int32, regions 1..n.
    affine : (4, 4) array.

    Returns
    -------
    DataFrame, one row per region in order: the columns of `REGIONS` from ``region`` to ``sd_value``. The centre of mass
    is weighted by |value|; the standard deviation is that of the region's voxels themselves (divided by their number).

    Notes
    -----
    All sums are `numpy.bincount` over the labelled voxels: one pass, however many regions there are.
    """
    values, region, ijk = labelled_voxels(labels, data)
    n_regions = int(labels.max(initial=0))
    if n_regions == 0:
        names = list(REGIONS)
        return pd.DataFrame(columns=names[names.index("region") : names.index("sd_value") + 1])
    exact = values.astype(np.float64)
    number = region - 1
    n_voxels = np.bincount(number, minlength=n_regions)

    def total(weights):
        return np.bincount(number, weights=weights, minlength=n_regions)

    mean = total(exact) / n_voxels
    weight = np.abs(exact)
    centre = np.stack([total(weight * axis) for axis in to_mm(affine, ijk).T], axis=1) / total(weight)[:, None]
    positive = total(exact > 0)
    sign = np.where(positive == n_voxels, "positive", np.where(positive == 0, "negative", "mixed"))
    peaks = main_peaks(values, region, ijk, affine, n_regions)
    return pd.DataFrame(
        {
            "region": np.arange(1, n_regions + 1),
            "sign": sign,
            "n_voxels": n_voxels,
            "volume_mm3": n_voxels * voxel_volume(affine),
            "peak_value": peaks.value.astype(np.float64),
            "peak_ties": peaks.ties,
            **dict(zip(("peak_x", "peak_y", "peak_z"), to_mm(affine, peaks.ijk).T, strict=True)),
            **dict(zip(("peak_i", "peak_j", "peak_k"), peaks.ijk.T, strict=True)),
            **dict(zip(("com_x", "com_y", "com_z"), centre.T, strict=True)),
            "mean_value": mean,
            "sd_value": np.sqrt(total((exact - mean[number]) ** 2) / n_voxels),
        }
    )


def list_peaks(data, labels, affine, min_peak_distance, max_peaks):
    """The main peak of every region and its local maxima, see `peaks.local_maxima`.

    Returns
    -------
    DataFrame, one row per peak: ``region``, ``peak``, ``value``, ``x, y, z`` (mm), ``i, j, k``, ``distance_mm``.
    """
    n_regions = int(labels.max(initial=0))
    found = local_maxima(*labelled_voxels(labels, data), affine, n_regions, min_peak_distance, max_peaks)
    return pd.DataFrame(
        {
            "region": found.region,
            "peak": found.peak,
            "value": found.value.astype(np.float64),
            **dict(zip("xyz", found.mm.T, strict=True)),
            **dict(zip("ijk", found.ijk.T, strict=True)),
            "distance_mm": found.distance_mm,
        }
    )
