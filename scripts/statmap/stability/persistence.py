"""How long each peak of a map stands by itself as the threshold falls."""

from collections.abc import Mapping

import numpy as np

from ..grid import apply_affine, voxel_volume
from ..inference.thresholds import Cutoff
from ..regions.peaks import MainPeaks, most_central
from .tree import Tree, component_sizes


def persistence(trees: Mapping[str, Tree], affine: np.ndarray, cutoffs: Mapping[str, Cutoff]) -> dict[str, np.ndarray]:
    """Of every peak: from which threshold down it exists, and where it joins a stronger one.

    Parameters
    ----------
    trees : by sign, as ``{"positive": component_tree(x, 6, floor), "negative": component_tree(-x, …)}``; at least one.
    affine : (4, 4) array, voxel indices to mm.
    cutoffs : the cutoffs at which the volumes are wanted, by the threshold as it is written; none below a tree's floor.

    Returns
    -------
    dict of column name to (peaks,) array, longest persistence first, then highest birth, then voxel index
        ``peak`` 1..n over all signs; ``sign``; ``birth``, the peak's value, and ``death``, the threshold at which it
        joins a stronger peak, or the floor (both are magnitudes: thresholds on -x for a negative peak);
        ``persistence``, birth - death; ``parent``, the peak that it joins, 0 for none; ``ties``, voxels of its plateau;
        ``x, y, z`` mm and ``i, j, k`` voxel: of a plateau the voxel nearest to its centre, then the lowest index;
        and for each cutoff ``volume_mm3@<threshold>``, the volume of its component there: 0 where the cutoff is above
        its birth, NaN where it has joined its parent and is counted there.
        Of two peaks of one value that join, the one with the lowest voxel index lives on.
    """
    parts = []
    n_peaks = 0
    for sign, tree in trees.items():
        parts.append(_peaks_of_sign(tree, sign, affine, cutoffs, n_peaks))
        n_peaks += len(parts[-1]["birth"])
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort([*(table[axis] for axis in "kji"), -table["birth"], -table["persistence"]])
    table = {name: values[order] for name, values in table.items()}
    number = np.zeros(n_peaks + 1, dtype=np.int64)
    number[order + 1] = np.arange(1, n_peaks + 1)
    table["parent"] = number[table["parent"]]
    return {"peak": number[order + 1], **table}


def _peaks_of_sign(tree, sign, affine, cutoffs, before):
    """The rows of one tree; peaks are numbered in the order of the tree, from ``before + 1`` on."""
    real = tree.birth > tree.death
    number = np.append(np.cumsum(real) + before, 0)  # the peak -1 is number 0
    birth, death = tree.birth[real], np.maximum(tree.death[real], tree.floor)
    top = plateau_peaks(tree, affine)
    volumes = _volumes(tree, affine, cutoffs)
    return {
        "sign": np.full(len(birth), sign, dtype=object),
        "birth": birth,
        "death": death,
        "persistence": birth - death,
        "parent": number[tree.parent[real]],
        "ties": top.ties,
        **dict(zip("xyz", apply_affine(affine, top.ijk).T, strict=True)),
        **dict(zip("ijk", top.ijk.T, strict=True)),
        **{f"volume_mm3@{threshold_text}": volumes[real, column] for column, threshold_text in enumerate(cutoffs)},
    }


def _volumes(tree, affine, cutoffs):
    """Volume in mm^3 of each peak's component at each cutoff, (peaks, cutoffs); NaN where it has joined another's."""
    thresholds = np.array([cutoff.at_least for cutoff in cutoffs.values()])
    ascending = np.argsort(thresholds, kind="stable")
    volumes = np.full((len(tree.birth), len(thresholds)), np.nan)
    for column, (main, n_voxels) in zip(ascending, component_sizes(tree, thresholds[ascending]), strict=True):
        volumes[main, column] = n_voxels * voxel_volume(affine)
    return volumes


def plateau_peaks(tree: Tree, affine: np.ndarray) -> MainPeaks:
    """The voxel that stands for each peak of the tree that is one (``birth > death``), and its tied voxels."""
    # The other entries of a plateau come right after its peak in the line, so they take its number. Entries on a
    # shoulder, which also die at birth, come after a higher peak.
    real = tree.birth > tree.death
    number, height = np.cumsum(real) - 1, tree.birth[real]
    tied = np.flatnonzero(tree.values == height[number[tree.basin]])
    tied = tied[np.argsort(tree.voxels[tied])]  # in C order
    plateau = number[tree.basin[tied]]
    ijk = np.stack(np.unravel_index(tree.voxels[tied], tree.shape), axis=1)
    peak = most_central(plateau, ijk, affine, len(height))
    return MainPeaks(tree.values[tied[peak]], np.bincount(plateau, minlength=len(height)), ijk[peak])
