"""From suprathreshold voxels to regions: clusters or local regions, extent threshold, and where every voxel went."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..io.files import UserError
from ..types import Connectivity, EdgeScale, ExtractType, RandomWalker, Signs, SizeRule, Unseeded
from .clusters import bounding_box, filter_and_sort, label_components
from .local_regions import label_local_regions

FATES = ("kept", "too_small", "unseeded", "isolated")
LOUD = 0.05  # share of the voxels from which on a loss, or a difference, is warned of


@dataclass(frozen=True)
class Regions:
    """What was found on one thresholded map.

    Attributes
    ----------
    labels : (i, j, k) int32, 0 for background, regions 1..n, largest first, ties by peak position.
    ledger : dict, number of ``survivors`` (suprathreshold voxels) and what became of them: ``kept`` in a region,
        ``too_small``, ``unseeded`` (a component of local regions without a seed), ``isolated`` (one that holds nothing
        but its seed, dropped as nilearn does). The last four add up to the first.
    unsettled : int, with ``random_walker: nilearn`` the voxels that would belong to another region in the settled
        solution, before the extent threshold; else None.
    divided : int, the voxels that the random walker's regions hold before the extent threshold; None likewise.
    settled_regions : int, regions that the settled solution has after the extent threshold; None likewise.
    """

    labels: np.ndarray
    ledger: dict[str, int]
    unsettled: int | None = None
    divided: int | None = None
    settled_regions: int | None = None

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
    random_walker: RandomWalker = "settled",
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
            f"connectivity: {connectivity} and edge_scale: {edge_scale}, which random_walker: settled accepts"
        )
    survived = thresholded != 0
    labels = np.zeros(thresholded.shape, dtype=np.int32)
    ledger = {"survivors": int(np.count_nonzero(survived)), **dict.fromkeys(FATES, 0)}
    comparison = (0, 0, 0) if random_walker == "nilearn" and extract_type == "local_regions" else (None,) * 3
    if ledger["survivors"]:
        box = bounding_box(survived)
        inner = thresholded[box]
        size = affine, min_region_size, size_rule
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
            found, ledger["unseeded"], ledger["isolated"] = local.labels, local.unseeded, local.isolated
            if local.settled is not None:
                settled = filter_and_sort(local.settled, inner, *size)
                comparison = (
                    int(np.count_nonzero(local.labels != local.settled)),
                    int(np.count_nonzero(local.labels)),
                    int(settled.max()),
                )
        in_regions = found != 0
        found = filter_and_sort(found, inner, *size)
        labels[box] = found
        ledger["kept"] = int(np.count_nonzero(found))
        ledger["too_small"] = int(np.count_nonzero(in_regions & (found == 0)))
    check_ledger(ledger)
    return Regions(labels, ledger, *comparison)


def check_ledger(ledger: dict[str, int]) -> None:
    """Every suprathreshold voxel has exactly one fate, or the program is wrong."""
    if ledger["survivors"] != sum(ledger[fate] for fate in FATES) or min(ledger.values()) < 0:
        raise AssertionError(f"the voxel accounting does not balance: {ledger}")


def ledger_warning(ledger: dict[str, int], signs: Signs, unseeded: Unseeded) -> str | None:
    """One plain line where more than 5% of the voxels are in no region for a reason other than size, else None.

    Parameters
    ----------
    ledger : of `Regions`.
    signs, unseeded : of the variant; only what would help is advised.
    """
    lost = ledger["unseeded"] + ledger["isolated"]
    if lost <= LOUD * ledger["survivors"]:
        return None
    keys = [
        f"{key}: {value}"
        for key, value, own in (("signs", "split", signs), ("unseeded", "keep", unseeded))
        if own != value
    ]
    advice = f"{' and '.join(keys)} {'recovers' if len(keys) == 1 else 'recover'} them; " if keys else ""
    return (
        f"{lost} of {ledger['survivors']} survivors ({100 * lost / ledger['survivors']:.1f}%) are in no region for a "
        f"reason other than size: {ledger['unseeded']} in components without a seed, {ledger['isolated']} isolated. "
        f"{advice}connected_components never loses any"
    )


def settled_sentence(regions: Regions) -> str | None:
    """How far nilearn's solution is from the settled one, in words; None where that was not asked for."""
    if regions.unsettled is None:
        return None
    share = 100 * regions.unsettled / max(regions.divided or 0, 1)
    return (
        f"{regions.unsettled} of {regions.divided} voxels ({share:.0f}%) are not settled in nilearn's solution; "
        f"settled, {regions.settled_regions} regions are large enough instead of {regions.n_regions}"
    )


def settled_warning(regions: Regions) -> str | None:
    """The same where it concerns more than 5% of the voxels, with what would change it; else None."""
    if regions.unsettled is None or regions.unsettled <= LOUD * (regions.divided or 0):
        return None
    return f"{settled_sentence(regions)}. random_walker: settled gives the exact solution"


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
