"""The part of the regions that lies in each label of an atlas."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..grid import voxel_volume
from .atlases import NO_LABEL, Atlas, distinct_names, sample, sample_grid
from .extract import Regions
from .measures import peak_places
from .peaks import labelled_voxels, main_peaks


def label_sizes(atlas: Atlas, shape: tuple[int, int, int], affine: np.ndarray) -> dict[str, int]:
    """Voxels of each label on the grid of a map, by name.

    Parameters
    ----------
    atlas : Atlas.
    shape, affine : the grid.
    """
    labels = sample_grid(atlas.labels, atlas.affine, affine, shape)
    values, counts = np.unique(labels, return_counts=True)
    (names, place), n_voxels = distinct_names(values, atlas.names), {}
    for value, count in zip(place.tolist(), counts.tolist(), strict=True):
        n_voxels[names[value]] = n_voxels.get(names[value], 0) + count
    return n_voxels


def tabulate_labels(
    atlas: Atlas, sizes: Mapping[str, int], values: np.ndarray, regions: Regions, affine: np.ndarray
) -> dict[str, Any]:
    """One row for each label that the regions touch, the largest part first, then by name.

    Parameters
    ----------
    atlas : Atlas; a voxel has the label at its centre (`atlases.sample`), of a probabilistic atlas the most probable.
    sizes : of its labels on the grid, see `label_sizes`.
    values : (i, j, k) float array, finite.
    regions : of the variant; plateaus at peaks are those of its connectivity.
    affine : (4, 4) array.

    Returns
    -------
    dict of column name to its values: the columns of labels.csv from ``label`` on.
    """
    inside, region, ijk = labelled_voxels(regions.labels, values)
    names, place = distinct_names(sample(atlas.labels, atlas.affine, affine, ijk), atlas.names)
    names, merged = np.unique(np.array(names, dtype=str), return_inverse=True)
    number = merged[place] if len(place) else place
    n_voxels = np.bincount(number, minlength=len(names))
    order = np.lexsort((names, -n_voxels))
    rank = np.argsort(order)[number] if len(number) else number  # from 0
    names, n_voxels = names[order].tolist(), n_voxels[order]
    peaks = main_peaks(inside, rank + 1, ijk, affine, len(names), regions.rule.connectivity)
    of_label = [None if name == NO_LABEL else count / sizes[name] for name, count in zip(names, n_voxels, strict=True)]
    return {
        "label": names,
        "n_voxels": n_voxels,
        "volume_mm3": n_voxels * voxel_volume(affine),
        "share_of_label": of_label,
        "share_of_variant": n_voxels / max(len(inside), 1),
        "mean_value": np.bincount(rank, inside.astype(np.float64), len(names)) / n_voxels,
        "peak_value": peaks.value.astype(np.float64),
        **peak_places(peaks.ijk, affine),
        "regions": _regions(rank, region, n_voxels),
    }


def _regions(rank, region, n_voxels):
    """Of each label the regions that its voxels belong to, in words; see column ``regions`` of labels.csv."""
    pairs, count = np.unique(np.column_stack([rank, region]), axis=0, return_counts=True)
    texts = [[] for _ in n_voxels]
    for row in np.lexsort((pairs[:, 1], -count, pairs[:, 0])):
        label, owner = pairs[row]
        texts[label].append(f"{owner} ({100 * count[row] / n_voxels[label]:.1f}%)")
    return ["; ".join(parts) for parts in texts]
