"""From suprathreshold voxels to regions: clusters or local regions, extent threshold, and where every voxel went."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..io.files import UserError
from ..types import Connectivity, EdgeScale, ExtractType, RandomWalker, Signs, SizeRule, Unseeded
from .clusters import bounding_box, filter_and_sort, label_components
from .local_regions import label_local_regions

OUTCOMES = ("kept", "too_small", "unseeded", "seed_only")
LOUD = 0.05  # share of the voxels from which on a loss, or a difference, is warned of


@dataclass(frozen=True)
class Regions:
    """What was found on one thresholded map.

    Attributes
    ----------
    labels : (i, j, k) int32, 0 for background, regions 1..n, largest first, ties by peak position.
    accounting : dict, number of ``suprathreshold`` voxels and what became of them: ``kept`` in a region,
        ``too_small``, ``unseeded`` (a component of local regions without a seed), ``seed_only`` (one that holds nothing
        but its seed, dropped as nilearn does). The last four add up to the first.
    """

    labels: np.ndarray
    accounting: dict[str, int]

    @property
    def n_regions(self) -> int:
        return int(self.labels.max(initial=0))


def extract_regions(
    thresholded: np.ndarray,
    affine: np.ndarray,
    *,
    extract_type: ExtractType,
    signs: Signs,
    connectivity: Connectivity,
    min_region_size: float,
    size_rule: SizeRule,
    unseeded: Unseeded = "drop",
    edge_scale: EdgeScale = "volume",
    random_walker: RandomWalker = "converged",
) -> Regions:
    """Extract the regions of one thresholded map.

    Parameters
    ----------
    thresholded : (i, j, k) float array, 0 wherever a voxel did not pass the threshold.
    affine : (4, 4) array.
    extract_type : ``connected_components`` or ``local_regions``.
    signs : ``split`` (a positive and a negative voxel never share a region) or ``merged``.
    connectivity : 6 (faces), 18 (edges too) or 26 (corners too).
    min_region_size : mm^3.
    size_rule : ``">"`` or ``">="``, how a region's volume is compared with it.
    unseeded, edge_scale, random_walker : of local regions, see `local_regions.label_local_regions`.

    Returns
    -------
    Regions

    Raises
    ------
    UserError : local regions with ``random_walker: nilearn`` and another connectivity or edge scale than nilearn's.
    """
    if extract_type == "local_regions" and random_walker == "nilearn" and (connectivity, edge_scale) != (6, "volume"):
        raise UserError(
            "random_walker: nilearn works with connectivity: 6 and edge_scale: volume; found "
            f"connectivity: {connectivity} and edge_scale: {edge_scale}, which random_walker: converged accepts"
        )
    suprathreshold = thresholded != 0
    labels = np.zeros(thresholded.shape, dtype=np.int32)
    accounting = {"suprathreshold": int(np.count_nonzero(suprathreshold)), **dict.fromkeys(OUTCOMES, 0)}
    if accounting["suprathreshold"]:
        box = bounding_box(suprathreshold)
        inner = thresholded[box]
        if extract_type == "connected_components":
            found = label_components(inner, connectivity, signs)
        else:
            local = label_local_regions(
                thresholded,
                box,
                affine,
                signs=signs,
                connectivity=connectivity,
                unseeded=unseeded,
                edge_scale=edge_scale,
                random_walker=random_walker,
            )
            found, accounting["unseeded"], accounting["seed_only"] = local.labels, local.unseeded, local.seed_only
        in_regions = found != 0
        found = filter_and_sort(found, inner, affine, min_region_size, size_rule)
        labels[box] = found
        accounting["kept"] = int(np.count_nonzero(found))
        accounting["too_small"] = int(np.count_nonzero(in_regions & (found == 0)))
    check_accounting(accounting)
    return Regions(labels, accounting)


def check_accounting(accounting: dict[str, int]) -> None:
    """Every suprathreshold voxel has exactly one outcome, or the program is wrong."""
    if accounting["suprathreshold"] != sum(accounting[outcome] for outcome in OUTCOMES) or min(accounting.values()) < 0:
        raise AssertionError(f"the voxel accounting does not balance: {accounting}")


def accounting_warning(accounting: dict[str, int], signs: Signs, unseeded: Unseeded) -> str | None:
    """One plain line where more than 5% of the voxels are in no region for a reason other than size, else None.

    Parameters
    ----------
    accounting : of `Regions`.
    signs, unseeded : of the variant; only what would help is advised.
    """
    lost = accounting["unseeded"] + accounting["seed_only"]
    if lost <= LOUD * accounting["suprathreshold"]:
        return None
    keys = [
        f"{key}: {value}"
        for key, value, own in (("signs", "split", signs), ("unseeded", "keep", unseeded))
        if own != value
    ]
    advice = f"{' and '.join(keys)} {'recovers' if len(keys) == 1 else 'recover'} them; " if keys else ""
    every = accounting["suprathreshold"]
    return (
        f"{lost} of {every} suprathreshold voxels ({100 * lost / every:.1f}%) are in no region for a reason other than "
        f"size: {accounting['unseeded']} in components without a seed, {accounting['seed_only']} in components that "
        f"are nothing but their seed. {advice}connected_components never loses any"
    )


def region_volumes(labels: np.ndarray, values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield one (i, j, k) volume per region in order, the same array each time: read it before you ask for the next.

    Parameters
    ----------
    labels : (i, j, k) int32, regions 1..n.
    values : (i, j, k) array, what each volume holds inside its region.
    """
    flat = labels.ravel()
    where = np.flatnonzero(flat != 0)
    where = where[np.argsort(flat[where])]
    sizes = np.bincount(flat[where])[1:]
    volume = np.zeros(labels.size, dtype=values.dtype)
    ends = np.cumsum(sizes)
    for start, end in zip(ends - sizes, ends, strict=True):
        voxels = where[start:end]
        volume[voxels] = values.ravel()[voxels]
        yield volume.reshape(labels.shape)
        volume[voxels] = 0
