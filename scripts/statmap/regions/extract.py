"""From suprathreshold voxels to regions: clusters or local regions, extent threshold, voxel accounting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..grid import voxel_volume
from ..io.files import UserError, check_written
from ..io.images import read_raw, read_written
from ..io.sidecar import Sidecar
from ..rules import RegionRule, rule_from
from ..types import SizeRule
from .clusters import bounding_box, filter_and_sort, label_components, with_extent
from .local_regions import label_local_regions
from .peaks import labelled_voxels

OUTCOMES = ("kept", "too_small", "unseeded", "seed_only")  # of a suprathreshold voxel; 1 to 4 in images
KEPT, TOO_SMALL, UNSEEDED, SEED_ONLY = (np.uint8(rank) for rank in range(1, 1 + len(OUTCOMES)))
FEW_VOXELS = 3  # a smallest region below them was probably meant in voxels, not in mm^3
LOUD = 0.05  # share of the voxels from which on a warning is given


@dataclass(frozen=True)
class Regions:
    """The regions of one thresholded map.

    Attributes
    ----------
    labels : (i, j, k) int32, 0 for background, regions 1..n, largest first, ties by peak position.
    accounting : dict, number of ``suprathreshold`` voxels and what became of them: ``kept`` in a region,
        ``too_small``, ``unseeded`` (a component of local regions without a seed), ``seed_only`` (one that holds nothing
        but its seed, dropped as nilearn does). The last four add up to the first.
    rule : by which they were made, its extent threshold in mm^3.
    outcomes : (i, j, k) uint8, what became of each voxel: 0 where it is not suprathreshold, else the rank in
        `OUTCOMES`, from 1; None of labels that were read back without it.
    """

    labels: np.ndarray
    accounting: dict[str, int]
    rule: RegionRule
    outcomes: np.ndarray | None = None

    @property
    def n_regions(self) -> int:
        return int(self.labels.max(initial=0))


@dataclass(frozen=True, kw_only=True)
class RegionsSidecar(Sidecar):
    """The record of the regions of a variant, ``regions.json``.

    Attributes
    ----------
    parameters : keys of the variant.
    min_region_size_mm3, size_rule : the extent threshold.
    critical_extent_voxels : fewest voxels of a significant cluster; None where none is asked for.
    smallest_significant_voxels : the smallest cluster that reaches it (SPM prints it as FWEc and FDRc), or None.
    regions : their number.
    voxel_volume_mm3 : volume of one voxel.
    voxel_accounting : of `Regions`.
    accounting_sha256 : of ``accounting.nii.gz``, the image of it.
    """

    parameters: dict[str, Any]
    min_region_size_mm3: float
    size_rule: SizeRule
    critical_extent_voxels: int | None
    smallest_significant_voxels: int | None
    regions: int
    voxel_volume_mm3: float
    voxel_accounting: dict[str, int]
    accounting_sha256: str

    @property
    def rule(self) -> RegionRule:
        """By which the regions were made, its extent threshold in mm^3."""
        rule = rule_from(RegionRule, self.parameters)
        return replace(rule, min_region_size=self.min_region_size_mm3, size_rule=self.size_rule)


def read_regions(files: Mapping[str, str | Path]) -> tuple[RegionsSidecar, np.ndarray, np.ndarray]:
    """The record, the labels (int32) and the outcomes (`Regions`) of a variant, as rule extract_regions wrote them.

    Parameters
    ----------
    files : ``regions.json``, ``regions.nii.gz`` and ``accounting.nii.gz``.

    Raises
    ------
    UserError : one of them is not what was written; the user deletes it.
    """
    record = RegionsSidecar.read(files["regions.json"])
    labels, _ = read_written(files["regions.nii.gz"], files["regions.json"])
    check_written(files["accounting.nii.gz"], record.accounting_sha256, files["regions.json"])
    return record, labels.astype(np.int32), read_raw(files["accounting.nii.gz"])[0]


def extract_regions(thresholded: np.ndarray, affine: np.ndarray, rule: RegionRule) -> Regions:
    """Extract the regions of one thresholded map.

    Parameters
    ----------
    thresholded : (i, j, k) float array, 0 wherever a voxel did not pass the threshold.
    affine : (4, 4) array.
    rule : of the variant; an extent threshold by significance is `clusters.with_extent`'s to fill in.

    Raises
    ------
    UserError : local regions with ``random_walker: nilearn`` and another connectivity or edge scale than nilearn's.
    """
    local = rule.extract_type == "local_regions"
    if local and rule.random_walker == "nilearn" and (rule.connectivity, rule.edge_scale) != (6, "volume"):
        raise UserError(
            "random_walker: nilearn works with connectivity: 6 and edge_scale: volume; found connectivity: "
            f"{rule.connectivity} and edge_scale: {rule.edge_scale}, which random_walker: converged accepts"
        )
    rule = with_extent(rule, None, affine)
    suprathreshold = thresholded != 0
    labels = np.zeros(thresholded.shape, dtype=np.int32)
    outcomes = np.zeros(thresholded.shape, dtype=np.uint8)
    accounting = {"suprathreshold": int(np.count_nonzero(suprathreshold)), **dict.fromkeys(OUTCOMES, 0)}
    if suprathreshold.any():
        box = bounding_box(suprathreshold)
        inner = thresholded[box]
        outcome = outcomes[box]
        if local:
            parts, unseeded, seed_only = label_local_regions(thresholded, box, affine, rule)
            outcome[unseeded], outcome[seed_only] = UNSEEDED, SEED_ONLY
        else:
            parts = label_components(inner, rule.connectivity, rule.signs)
        labels[box] = filter_and_sort(parts, inner, affine, rule.connectivity, rule.min_mm3, rule.size_rule)
        outcome[parts != 0] = TOO_SMALL
        outcome[labels[box] != 0] = KEPT
        accounting |= {name: int(np.count_nonzero(outcome == rank)) for rank, name in enumerate(OUTCOMES, start=1)}
    check_accounting(accounting)
    return Regions(labels, accounting, rule, outcomes)


def check_accounting(accounting: dict[str, int]) -> None:
    """Every suprathreshold voxel has exactly one outcome, or the program is wrong."""
    if accounting["suprathreshold"] != sum(accounting[outcome] for outcome in OUTCOMES) or min(accounting.values()) < 0:
        raise AssertionError(f"the voxel accounting does not balance: {accounting}")


def accounting_warnings(accounting: dict[str, int], rule: RegionRule) -> list[str]:
    """One plain line where more than 5% of the voxels are in no region for a reason other than size, else none.

    Parameters
    ----------
    accounting : of `Regions`.
    rule : of the variant; only what would help is advised.
    """
    lost = accounting["unseeded"] + accounting["seed_only"]
    if lost <= LOUD * accounting["suprathreshold"]:
        return []
    keys = [
        f"{key}: {value}" for key, value in (("signs", "split"), ("unseeded", "keep")) if getattr(rule, key) != value
    ]
    advice = f"{' or '.join(keys)} keeps them; " if keys else ""
    every = accounting["suprathreshold"]
    return [
        f"{lost} of {every} suprathreshold voxels ({100 * lost / every:.1f}%) are in no region for a reason other than "
        f"size: {accounting['unseeded']} in components without a seed, {accounting['seed_only']} in components that "
        f"hold only their seed. {advice}connected_components never loses any"
    ]


def size_warnings(regions: Regions, rule: RegionRule, affine: np.ndarray) -> list[str]:
    """Warnings on the extent threshold: mm^3 that were probably meant as voxels, and no region that is large enough.

    Parameters
    ----------
    regions : of the variant.
    rule : as the config has it.
    affine : (4, 4) array.
    """
    warnings, size, volume = [], rule.min_region_size, voxel_volume(affine)
    if not isinstance(size, str) and 0 < size < FEW_VOXELS * volume and size == int(size):
        warnings.append(
            f'min_region_size: {size:g} is in mm³, here {size / volume:.2g} voxels; for voxels write "{size:g} voxels"'
        )
    accounting = regions.accounting
    if accounting["suprathreshold"] and accounting["too_small"] == accounting["suprathreshold"]:
        least = "more than" if regions.rule.size_rule == ">" else "at least"
        warnings.append(
            f"all {accounting['too_small']} suprathreshold voxels are in regions that are too small "
            f"(min_region_size: {least} {regions.rule.min_mm3:g} mm³): no region"
        )
    return warnings


def region_voxels(labels: np.ndarray, values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the voxels of each region in order, as `io.nifti.write_sparse` takes them.

    Parameters
    ----------
    labels : (i, j, k) int32, regions 1..n.
    values : (i, j, k) array.

    Yields
    ------
    where : (m,) int, flat indices with i fastest, rising.
    inside : (m,) array, the values there.
    """
    inside, region, ijk = labelled_voxels(labels, values)
    where = np.ravel_multi_index(ijk.T, labels.shape, order="F")
    order = np.lexsort((where, region))
    ends = np.cumsum(np.bincount(region)[1:])[:-1]
    if where.size:
        yield from zip(np.split(where[order], ends), np.split(inside[order], ends), strict=True)
