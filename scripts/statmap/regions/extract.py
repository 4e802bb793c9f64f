"""From survivors to regions: connected components or local regions, the size filter, and the ledger."""

from dataclasses import dataclass

import cc3d
import numpy as np

from ..io.images import voxel_volume
from .peaks import labelled_voxels, main_peaks

FATES = ("kept", "too_small", "unseeded", "isolated")
LOUD = 0.05


@dataclass(frozen=True)
class Regions:
    """What was found on one thresholded map.

    Attributes
    ----------
    labels : (i, j, k) int32, 0 for background, regions 1..n, largest first, ties by peak position.
    ledger : dict, number of ``survivors`` and what became of them: ``kept`` in a region, ``too_small``, ``unseeded`` (a
        component of local regions without a seed), ``isolated`` (one that holds nothing but its seed, dropped as
        nilearn does). The last four add up to the first.
    """

    labels: np.ndarray
    ledger: dict

    @property
    def n_regions(self):
        return int(self.labels.max(initial=0))


def extract_regions(thresholded, affine, spec):
    """Extract the regions of one thresholded map.

    Parameters
    ----------
    thresholded : (i, j, k) float array, 0 wherever a voxel did not survive.
    affine : (4, 4) array.
    spec : dict with ``extract_type``, ``signs``, ``connectivity``, ``min_region_size`` (mm^3), ``size_rule``,
        ``unseeded`` and ``edge_scale``.

    Returns
    -------
    Regions
    """
    survived = thresholded != 0
    labels = np.zeros(thresholded.shape, dtype=np.int32)
    fates = dict.fromkeys(FATES, 0)
    survivors = int(np.count_nonzero(survived))
    if survivors:
        box = bounding_box(survived)
        inner = thresholded[box]
        if spec["extract_type"] == "connected_components":
            found = label_components(inner, spec["connectivity"], spec["signs"])
        else:
            found, fates["unseeded"], fates["isolated"] = label_local_regions(thresholded, box, affine, spec)
        found = filter_and_sort(found, inner, affine, spec["min_region_size"], spec["size_rule"])
        labels[box] = found
        fates["kept"] = int(np.count_nonzero(found))
        fates["too_small"] = survivors - sum(fates.values())
    ledger = {"survivors": survivors, **fates}
    check_ledger(ledger)
    return Regions(labels, ledger)


def check_ledger(ledger):
    """Every survivor has exactly one fate, or the program is wrong."""
    if ledger["survivors"] != sum(ledger[fate] for fate in FATES) or min(ledger.values()) < 0:
        raise AssertionError(f"the ledger does not balance: {ledger}")


def ledger_warning(ledger):
    """One plain line where more than 5% of the survivors are in no region for a reason other than size, else None."""
    lost = ledger["unseeded"] + ledger["isolated"]
    if lost <= LOUD * ledger["survivors"]:
        return None
    return (
        f"{lost} of {ledger['survivors']} survivors ({100 * lost / ledger['survivors']:.1f}%) are in no region for a "
        f"reason other than size: {ledger['unseeded']} in components without a seed, {ledger['isolated']} isolated. "
        "signs: split and unseeded: keep recover them; connected_components never loses any"
    )


def bounding_box(inside, margin=(0, 0, 0)):
    """Slices of the smallest box around the set voxels, `margin` voxels wider on each axis where the grid allows."""
    box = []
    for axis, extra in enumerate(margin):
        line = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(max(0, int(line[0]) - extra), min(inside.shape[axis], int(line[-1]) + 1 + extra)))
    return tuple(box)


def label_components(thresholded, connectivity, signs):
    """Label connected sets of survivors, both signs in one pass.

    Parameters
    ----------
    thresholded : (i, j, k) float array, 0 wherever a voxel did not survive.
    connectivity : 6 (faces), 18 (edges too) or 26 (corners too).
    signs : ``split`` (a positive and a negative voxel never share a component) or ``merged``.

    Returns
    -------
    (i, j, k) integer array, 0 for background, 1..n in the order of scanning.
    """
    if signs == "split":
        kinds = np.where(thresholded > 0, np.uint8(1), np.uint8(2))
        kinds[thresholded == 0] = 0
    else:
        kinds = (thresholded != 0).view(np.uint8)  # cc3d 4.1.1 fails on a bool line of three voxels
    return cc3d.connected_components(kinds, connectivity=connectivity, out_dtype=np.uint32)


def label_local_regions(thresholded, box, affine, spec):
    """Grow regions from the local maxima of the smoothed map (nilearn's ``local_regions``).

    Parameters
    ----------
    thresholded : (i, j, k) float array, the whole grid: nilearn's edge weights depend on it.
    box : slices around the survivors.
    affine, spec : as in `extract_regions`. ``signs: split`` does it on the map and on minus the map, each with the
        survivors of its own sign; ``merged`` seeds at positive maxima only, as nilearn.

    Returns
    -------
    labels : integer array over `box`.
    unseeded, isolated : numbers of survivors that are in no region.
    """
    inner = thresholded[box]
    labels = np.zeros(inner.shape, dtype=np.uint32)
    unseeded = isolated = 0
    for sign in (1, -1) if spec["signs"] == "split" else (0,):
        part = thresholded if sign == 0 else np.maximum(sign * thresholded, 0)
        survived = part[box] != 0
        if not survived.any():
            continue
        scale = float(np.std(part if spec["edge_scale"] == "volume" else part[box][survived], dtype=np.float64))
        found, lost_unseeded, lost_isolated = _grow(part, box, affine, spec, scale)
        labels[found > 0] = found[found > 0] + labels.max()
        unseeded += lost_unseeded
        isolated += lost_isolated
    return labels, unseeded, isolated


def _grow(part, box, affine, spec, scale):
    from .seeds import find_seeds

    inner = part[box]
    survived = inner != 0
    seeds = find_seeds(part, box, affine, spec["connectivity"])[survived].astype(np.int64)
    components = label_components(inner, spec["connectivity"], "merged")[survived].astype(np.int64)
    highest = np.zeros(components.max() + 1, dtype=np.int64)
    np.maximum.at(highest, components, seeds)
    owner = highest[components]
    rivals = np.unique(components[(seeds > 0) & (seeds < owner)])
    if len(rivals):
        # Here, not above: scipy.sparse takes longer to import than all the rest takes to run.
        from .random_walker import assign_seeds, find_edges

        disputed = np.isin(components, rivals)
        arena = np.zeros_like(survived)
        arena[survived] = disputed
        edges = find_edges(arena, spec["connectivity"])
        values = inner[arena].astype(np.float64)
        owner[disputed] = assign_seeds(values, edges, seeds[disputed], scale if scale > 0 else 1.0)

    # nilearn drops a component made of nothing but its seed, except where there is nothing else to find.
    has_free = np.zeros(components.max() + 1, dtype=bool)
    has_free[components[seeds == 0]] = True
    alone = ~has_free[components]
    if spec["unseeded"] == "keep":
        orphan = owner == 0
        owner[orphan] = owner.max() + components[orphan]
        unseeded = isolated = 0
    else:
        others = has_free[components] & (owner > 0)
        unseeded = int(np.count_nonzero(owner == 0))
        isolated = int(np.count_nonzero(alone & (owner > 0))) if others.any() else 0
        if isolated:
            owner[alone] = 0
    found = np.zeros(inner.shape, dtype=np.uint32)
    found[survived] = owner
    return found, unseeded, isolated


def filter_and_sort(labels, thresholded, affine, min_region_size, size_rule):
    """Drop regions that are too small and number the others: largest first, ties by peak position.

    Parameters
    ----------
    labels : (i, j, k) integer array, 0 for background; numbers need not be consecutive.
    thresholded : (i, j, k) float array.
    affine : (4, 4) array.
    min_region_size : mm^3, compared with ``n_voxels * voxel volume``.
    size_rule : ``">"`` (nilearn) or ``">="``.

    Returns
    -------
    (i, j, k) int32
    """
    values, label, ijk = labelled_voxels(labels, thresholded)
    voxels = np.bincount(label)
    kept = np.flatnonzero((voxels > 0) & large_enough(voxels, affine, min_region_size, size_rule))
    number = np.zeros(len(voxels), dtype=np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    region = number[label]
    inside = region > 0
    peaks = main_peaks(values[inside], region[inside], ijk[inside], affine, len(kept))
    position = np.ravel_multi_index(peaks.ijk.T, labels.shape)
    order = np.lexsort((position, -voxels[kept]))
    number[kept[order]] = np.arange(1, len(kept) + 1)
    numbered = np.zeros(labels.shape, dtype=np.int32)
    numbered[labels != 0] = number[label]
    return numbered


def large_enough(voxels, affine, min_region_size, size_rule):
    """Which of these voxel counts pass the size filter; same shape as `voxels`."""
    # One comparison in voxels, as nilearn: 1500 mm^3 over 27 mm^3 is not a whole number, and must not become one.
    smallest = min_region_size / voxel_volume(affine)
    return voxels > smallest if size_rule == ">" else voxels >= smallest * (1 - 1e-12)


def region_volumes(labels, values):
    """Yield one (i, j, k) volume per region in order, the same array each time: read it before you ask for the next.

    Parameters
    ----------
    labels : (i, j, k) int32, regions 1..n.
    values : (i, j, k) array, what each volume holds inside its region.
    """
    flat = labels.ravel()
    where = np.flatnonzero(flat != 0)
    where = where[np.argsort(flat[where], kind="stable")]
    sizes = np.bincount(flat[where])[1:]
    volume = np.zeros(labels.size, dtype=values.dtype)
    ends = np.cumsum(sizes)
    for start, end in zip(ends - sizes, ends, strict=True):
        voxels = where[start:end]
        volume[voxels] = values.ravel()[voxels]
        yield volume.reshape(labels.shape)
        volume[voxels] = 0
