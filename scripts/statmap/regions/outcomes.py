"""What became of each suprathreshold voxel, voxel by voxel: the accounting of `extract` as an image."""

from collections.abc import Mapping

import numpy as np

from ..rules import RegionRule
from .clusters import bounding_box
from .extract import OUTCOMES

KEPT, TOO_SMALL, UNSEEDED, SEED_ONLY = range(1, len(OUTCOMES) + 1)


def voxel_outcomes(
    thresholded: np.ndarray, labels: np.ndarray, affine: np.ndarray, accounting: Mapping[str, int], rule: RegionRule
) -> np.ndarray:
    """Say of each voxel whether it is in a region, and why not.

    The label image tells which voxels are kept; of the others, those of local regions are told apart by finding the
    seeds again, where the accounting says that some had none or were nothing but one.

    Parameters
    ----------
    thresholded : (i, j, k) float array, 0 wherever a voxel did not pass the threshold.
    labels : (i, j, k) int array, 0 outside of regions.
    affine : (4, 4) array.
    accounting : of `extract.Regions`.
    rule : of the variant.

    Returns
    -------
    (i, j, k) uint8 : 0 where a voxel did not pass, else 1 for the first of `extract.OUTCOMES`, and so on.
    """
    outcomes = np.where(thresholded != 0, np.uint8(TOO_SMALL), np.uint8(0))
    outcomes[labels > 0] = KEPT
    if rule.extract_type == "local_regions" and accounting["unseeded"] + accounting["seed_only"] > 0:
        box = bounding_box(thresholded != 0)
        for sign in (1, -1) if rule.signs == "split" else (0,):
            part = thresholded if sign == 0 else np.maximum(sign * thresholded, 0)
            if part.any():
                _mark_dropped(outcomes[box], part, box, affine, rule, accounting["seed_only"] > 0)
    counts = dict(zip(OUTCOMES, np.bincount(outcomes.ravel(), minlength=len(OUTCOMES) + 1)[1:].tolist(), strict=True))
    if any(counts[outcome] != accounting[outcome] for outcome in OUTCOMES):
        raise AssertionError(f"the outcomes of the voxels, {counts}, are not those of the accounting, {accounting}")
    return outcomes


def _mark_dropped(outcomes, part, box, affine, rule, seed_only):
    """Mark the voxels of components without a seed and, where such were dropped, of those that are nothing but one."""
    # Here, not above: of most variants no voxel is lost for another reason than size.
    from .local_regions import seeds_and_components

    suprathreshold = part[box] != 0
    seeds, components = seeds_and_components(part, box, suprathreshold, affine, rule)
    has_seed, has_free = (np.zeros(components.max() + 1, dtype=bool) for _ in range(2))
    has_seed[components[seeds > 0]] = True
    has_free[components[seeds == 0]] = True
    marked = outcomes[suprathreshold]
    marked[~has_seed[components]] = UNSEEDED
    if seed_only and (has_seed & has_free).any():  # as `local_regions`: not where there is nothing else to find
        marked[~has_free[components]] = SEED_ONLY
    outcomes[suprathreshold] = marked
