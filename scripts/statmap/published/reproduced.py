"""A published table compared with the regions of one variant, row for row, and what either lacks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..grid import apply_affine
from .matching import SAME, Wanted, agrees, one_to_one, size_range
from .readers import Published
from .settings import plain_reading, read_rows

FITS = ("exact", "rounded")
# Who prints a layout, where the config does not say it.
_PACKAGES = {"FSL cluster": "FSL", "nilearn": "nilearn", "AtlasReader": "AtlasReader", "SPM": "SPM"}
_PACKAGES |= {"AFNI cluster report": "AFNI"}
MOST_NAMED = 5  # rows that a sentence names


class Reproduction(NamedTuple):
    """A table under one variant.

    Attributes
    ----------
    verdicts : of each row, ``exact`` or ``rounded`` where it is as the variant has it, else why it is not.
    unlisted : regions that no row stands for.
    """

    verdicts: list[str]
    unlisted: list[int]

    @property
    def n_rows(self) -> int:
        """Rows that follow."""
        return sum(verdict in FITS for verdict in self.verdicts)

    @property
    def complete(self) -> bool:
        """Whether every row follows, and no region is left."""
        return self.n_rows == len(self.verdicts) and not self.unlisted


class _Voxels(NamedTuple):
    """All voxels of all regions, (v,) each: region, magnitude, sign, whether it has its region's highest; (v, 3) mm."""

    region: np.ndarray
    height: np.ndarray
    sign: np.ndarray
    top: np.ndarray
    mm: np.ndarray


def reproduce(
    published: Published,
    data: np.ndarray,
    affine: np.ndarray,
    labels: np.ndarray,
    p_cluster: Mapping[int, float | None],
    *,
    within_mm: float | None = None,
) -> Reproduction:
    """Compare a table with regions.

    A row that stands for a cluster asks for a region with its peak (any tied voxel; with `Published.anywhere` any
    voxel) at its place, of its sign, value, size, mean and p, as far as they are printed; no region stands for two
    rows. A sub-peak asks for a voxel of that region with its value.

    Parameters
    ----------
    published : Published.
    data, affine : (i, j, k) float array, finite, and (4, 4) array, of the map.
    labels : (i, j, k) int, regions 1..n, 0 for none.
    p_cluster : family-wise p value of each region's size; None where it is not known.
    within_mm : see `settings.read_rows`.
    """
    wanted = read_rows(published, plain_reading(published), affine, within_mm)
    voxels = _voxels(data, affine, labels)
    p = published.rows[["p", "p_step"]].to_numpy()
    verdicts = ["no peak nearby"] * len(p)
    mains = [row for row, main in enumerate(wanted.main.tolist()) if main == row]
    reasons = {row: _regions_of(wanted, row, voxels, p[row], p_cluster) for row in mains}
    stands = one_to_one({row: fits for row, (fits, _) in reasons.items()})
    for row in mains:
        if row in stands:
            verdicts[row] = _exactness(wanted, row, voxels, stands[row])
        else:
            fits, reason = reasons[row]
            verdicts[row] = "taken" if fits else reason
    for row in sorted(set(range(len(p))) - set(mains)):
        verdicts[row] = _sub_peak(wanted, row, voxels, stands.get(int(wanted.main[row])))
    counts = bool(mains)  # foci that stand for no cluster leave none out
    matched = set(stands.values())
    return Reproduction(verdicts, [n for n in np.unique(voxels.region).tolist() if counts and n not in matched])


def _voxels(data, affine, labels):
    flat = np.flatnonzero(labels)
    region, values = labels.ravel()[flat], data.ravel()[flat].astype(np.float64)
    height = np.abs(values)
    highest = np.zeros(int(region.max(initial=0)) + 1)
    np.maximum.at(highest, region, height)
    mm = apply_affine(affine, np.stack(np.unravel_index(flat, labels.shape), axis=1))
    sign = np.where(values > 0, "positive", "negative")
    return _Voxels(region, height, sign, height == highest[region], mm)


def _regions_of(wanted: Wanted, row: int, voxels: _Voxels, p: np.ndarray, p_cluster: Mapping[int, float | None]):
    """Regions that a row can stand for, each with its distance; and the reason where there is none."""
    distance = np.linalg.norm(voxels.mm - wanted.xyz[row], axis=1)
    near = distance <= wanted.within_mm + SAME
    near &= True if wanted.anywhere else voxels.top
    fits: dict[int, float] = {}
    reason, closest = "no peak nearby", np.inf
    for at in np.flatnonzero(near).tolist():
        region = int(voxels.region[at])
        why = _difference(wanted, row, voxels, at, p, p_cluster.get(region))
        if not why:
            fits[region] = min(float(distance[at]), fits.get(region, np.inf))
        elif distance[at] < closest:
            reason, closest = why, distance[at]
    return fits, reason


def _difference(wanted, row, voxels, at, p, region_p):
    """The first difference between a row and the region of a voxel near it; empty for none."""
    inside = voxels.region == voxels.region[at]
    if wanted.sign[row] not in ("", voxels.sign[at]):
        return "other sign"
    if not np.isnan(wanted.value[row, 0]) and not agrees(voxels.height[at], wanted.value[row]):
        return "other value"
    least, most = size_range(wanted.size[row])
    if not least <= np.count_nonzero(inside) <= most:
        return "other size"
    if not np.isnan(wanted.mean[row, 0]) and not agrees(voxels.height[inside].mean(), wanted.mean[row]):
        return "other mean"
    if region_p is not None and not np.isnan(p[0]) and not _same_p(region_p, p):
        return "other p"
    return ""


def _same_p(p: float, printed: np.ndarray) -> bool:
    """Whether a p value is the printed one; FSL computes it in float32, in steps of 6e-8 (`random_field`)."""
    return bool(agrees(np.asarray(p), printed)) or abs(p - printed[0]) <= 2**-23


def _exactness(wanted, row, voxels, region):
    """``exact`` where size and value are as printed; ``rounded`` where the last digit of the value was cut off."""
    size, (value, step) = wanted.size[row, 0], wanted.value[row]
    inside = voxels.region == region
    near = inside & (np.linalg.norm(voxels.mm - wanted.xyz[row], axis=1) <= wanted.within_mm + SAME)
    off = np.abs(voxels.height[near & (voxels.top | wanted.anywhere)] - value).min()
    same_size = np.isnan(size) or abs(np.count_nonzero(inside) - size) <= SAME * size
    return "exact" if same_size and not off > step / 2 + SAME * value else "rounded"


def _sub_peak(wanted, row, voxels, region):
    """A row that stands for no cluster: a voxel with its value in the region of its cluster, or in any."""
    near = np.linalg.norm(voxels.mm - wanted.xyz[row], axis=1) <= wanted.within_mm + SAME
    value, step = wanted.value[row]
    right = near & (np.ones(len(near), dtype=bool) if np.isnan(value) else agrees(voxels.height, wanted.value[row]))
    right &= (wanted.sign[row] == "") | (voxels.sign == wanted.sign[row])
    inside = right if region is None else right & (voxels.region == region)
    if inside.any():
        exact = np.isnan(value) or (np.abs(voxels.height[inside] - value) <= step / 2 + SAME * value).any()
        return "exact" if exact else "rounded"
    if right.any():
        return "in another cluster"
    return "other value" if near.any() else "no peak nearby"


def sentence(reproduction: Reproduction, published: Published, map_id: str, variant: str, package: str | None) -> str:
    """A table under one variant, in one sentence.

    Parameters
    ----------
    reproduction, published : of the table.
    map_id, variant : ids.
    package : who printed it; None for what the layout says.
    """
    maker = package or _PACKAGES.get(published.layout, "")
    table = f"{maker}'s own table of '{map_id}'" if maker else f"the printed table of '{map_id}'"
    settings = "the settings of the folder" if variant.startswith("as_analysed") else f"variant '{variant}'"
    if reproduction.complete:
        how = "exactly" if set(reproduction.verdicts) <= {"exact"} else "within rounding"
        return f"{table if maker else f'T{table[1:]}'} is reproduced {how} by {settings}."
    missed = [(row, why) for row, why in enumerate(reproduction.verdicts, start=1) if why not in FITS]
    parts = [f"{reproduction.n_rows} of {len(reproduction.verdicts)} rows of {table} follow from {settings}"]
    if missed:
        parts.append(f"{_rows_with_reasons(missed)} {'does' if len(missed) == 1 else 'do'} not")
    if number := len(reproduction.unlisted):
        parts.append(f"it lacks {number:,} region{'' if number == 1 else 's'} that they give")
    return "; ".join(parts) + "."


def _rows_with_reasons(missed: Sequence[tuple[int, str]]) -> str:
    shown = [f"row {row} ({why})" for row, why in missed[:MOST_NAMED]]
    if len(missed) > MOST_NAMED:
        return f"{', '.join(shown)} and {len(missed) - MOST_NAMED} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
