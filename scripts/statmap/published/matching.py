"""Which cutoffs each row of a published table allows: its peak found on the map, its size on the component tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from nibabel.affines import apply_affine

from .curves import Curves

# Printed numbers are decimal, maps float32 and voxel volumes come from an affine of float32: equal to this share.
SAME = 1e-6


@dataclass(frozen=True)
class Wanted:
    """What a table asks for, one entry a row, under one reading of it (`settings.Reading`).

    Attributes
    ----------
    xyz : (n, 3) float, mm.
    sign : (n,) str, ``positive``, ``negative`` or empty.
    value : (n, 2) float, printed magnitude and one unit of its last digit; NaN where none is to be compared.
    size : (n, 2) float, printed size in voxels of the map and one unit of its last digit in voxels; NaN for sub-peaks.
    mean : (n, 2) float, magnitude of the printed mean, and its unit; NaN where there is none.
    main : (n,) int, the row that stands for the cluster (the row itself, if it does); -1 for a row of unknown cluster.
    centres : bool, whether the coordinates are centres of mass rather than peaks.
    within_mm : float, how far a peak may be from the printed place.
    anywhere : bool, whether the coordinates are those of any voxel of the cluster.
    """

    xyz: np.ndarray
    sign: np.ndarray
    value: np.ndarray
    size: np.ndarray
    mean: np.ndarray
    main: np.ndarray
    centres: bool
    within_mm: float
    anywhere: bool = False


@dataclass(frozen=True)
class Field:
    """A signed map, with the voxels of its peaks.

    Attributes
    ----------
    curves : Curves.
    voxel : (m,) int, the voxels that share a peak's value (all of a plateau), as positions in ``tree.voxels``.
    mm : (m, 3) float, where they are.
    peak : (m,) int, whose they are, as a branch of the tree.
    sign : (m,) str, of the map there, ``positive`` or ``negative``.
    affine : (4, 4) array.
    """

    curves: Curves
    voxel: np.ndarray
    mm: np.ndarray
    peak: np.ndarray
    sign: np.ndarray
    affine: np.ndarray

    @cached_property
    def position(self) -> np.ndarray:
        """Where each voxel of the map is in ``tree.voxels``, (i, j, k) int; -1 where it is not."""
        tree = self.curves.tree
        position = np.full(int(np.prod(tree.shape)), -1, dtype=np.int64)
        position[tree.voxels] = np.arange(len(tree.voxels))
        return position.reshape(tree.shape)

    @cached_property
    def centres(self) -> list[np.ndarray]:
        """Centres of mass of the cluster of each event, (e, 3) mm: of its voxels, and weighted by their magnitudes."""
        curves, tree = self.curves, self.curves.tree
        mm = apply_affine(self.affine, np.stack(np.unravel_index(tree.voxels, tree.shape), axis=1))
        weights = np.ones(len(mm)), tree.values
        sums = [np.stack([curves.accumulate(weight * axis) for axis in mm.T], axis=1) for weight in weights]
        return [moment / curves.accumulate(weight)[:, None] for moment, weight in zip(sums, weights, strict=True)]


class Claim(NamedTuple):
    """For ``low < c <= high`` a row is what the map has: the cluster of `branch` of a field, by way of its `peak`.

    `voxel`, a position in ``tree.voxels``, is where the row was found; `distance` in mm.
    """

    row: int
    field: str
    peak: int
    voxel: int
    branch: int
    low: float
    high: float
    distance: float


class Nearest(NamedTuple):
    """A peak near a row: a field, a branch, its voxel, its distance in mm, whether sign and value are the row's."""

    field: str
    peak: int
    voxel: int
    distance: float
    right_sign: bool
    right_value: bool

    @property
    def agrees(self) -> bool:
        """Whether both are."""
        return self.right_sign and self.right_value


def make_field(curves: Curves, data: np.ndarray, affine: np.ndarray) -> Field:
    """The peaks of a signed map: branches that are born higher than all around them, plateaus included.

    Parameters
    ----------
    curves : of a tree of `data`, ``-data`` or ``abs(data)``.
    data : (i, j, k) float array; affine : (4, 4) array.
    """
    tree = curves.tree
    real = np.arange(len(tree.birth))
    while (flat := (tree.death[real] == tree.birth[real])).any():  # an entry of a plateau, or of a shoulder
        real = np.where(flat, tree.parent[real], real)
    top = np.flatnonzero(tree.values == tree.birth[tree.basin])
    top = top[tree.birth[real[tree.basin[top]]] == tree.values[top]]  # a shoulder comes to a higher peak
    flat = tree.voxels[top]
    mm = apply_affine(affine, np.stack(np.unravel_index(flat, tree.shape), axis=1))
    sign = np.where(data.ravel()[flat] > 0, "positive", "negative")
    return Field(curves, top, mm, real[tree.basin[top]], sign, affine)


def agrees(found: np.ndarray, printed: np.ndarray) -> np.ndarray:
    """Whether numbers are a printed one, rounded (half a unit of its last digit to either side) or cut off."""
    number, step = printed
    found, slack = np.asarray(found), SAME * abs(number)
    return (found >= number - step / 2 - slack) & ((found < number + step) | (found <= number + slack))


def size_range(printed: np.ndarray) -> tuple[int, int]:
    """Smallest and largest number of voxels that are printed so (rounded or cut off); 1 and all where none is."""
    number, step = printed
    if np.isnan(number):
        return 1, np.iinfo(np.int64).max
    slack = SAME * number
    low = int(np.ceil(number - step / 2 - slack))
    cut_off = int(np.ceil((number + step) * (1 - 1e-12))) - 1
    return max(low, 1), max(cut_off, int(np.floor(number + slack)))


def find_claims(wanted: Wanted, fields: Mapping[str, Field]) -> tuple[list[Claim], list[Nearest | None]]:
    """All cutoffs at which each row is what the map has, and the peak nearest to each row.

    A row that stands for a cluster asks that its peak be the highest of its cluster (or tied with it; with `anywhere`,
    that the voxel be in the cluster), and that size and mean be as printed. A sub-peak claims, whatever the size, the
    cluster that it shares with the peak of the row that stands for it, by way of a peak or of another voxel with its
    value (on a plateau that touches a higher one); a row of unknown cluster, or where that row has no peak, claims
    whichever it is in.

    Parameters
    ----------
    wanted : Wanted.
    fields : by name, those of one connectivity and treatment of signs.
    """
    claims: list[Claim] = []
    nearest: list[Nearest | None] = []
    matched: list[list[Nearest]] = []
    for row in range(len(wanted.xyz)):
        reach = _at if wanted.anywhere else _near
        near = [one for name, field in fields.items() for one in reach(wanted, row, name, field)]
        nearest.append(
            min(near, key=lambda one: (one.distance > wanted.within_mm, not one.agrees, one.distance), default=None)
        )
        matched.append([one for one in near if one.agrees and one.distance <= wanted.within_mm])
    for row, main in enumerate(wanted.main.tolist()):
        stands = main == row
        if wanted.centres:
            if stands:
                for name, field in fields.items():
                    claims += _claims_of_centre(wanted, row, name, field)
        elif stands:
            claims += [c for one in matched[row] for c in _claims_of_main(wanted, row, one, fields[one.field].curves)]
        else:
            shared = _shared(matched[main], fields) if main >= 0 else {}
            for one in matched[row]:
                claims += _claims_of_any(row, one, fields[one.field].curves, shared)
            # A peak with that value may be near, of another cluster than the one that the table says.
            if (shared or not matched[row]) and not np.isnan(wanted.value[row, 0]):
                for name, field in fields.items():
                    claims += _claims_of_voxels(wanted, row, name, field, shared)
    return claims, nearest


def _shared(peaks, fields):
    """Up to which cutoff each branch holds one of the peaks: (field, branch) to a cutoff, empty without a peak."""
    links = [(one.field, *link) for one in peaks for link in fields[one.field].curves.chain(one.peak)]
    shared: dict[tuple[str, int], float] = {}
    for name, branch, _, high in links:
        shared[name, branch] = max(high, shared.get((name, branch), 0))
    return shared


def _near(wanted, row, name, field):
    """Each peak within reach once, with its nearest voxel; without any, the nearest of all."""
    if not len(field.mm):
        return []
    distance = np.linalg.norm(field.mm - wanted.xyz[row], axis=1)
    own = np.flatnonzero(distance <= wanted.within_mm + SAME)
    if not len(own):
        own = np.argmin(distance, keepdims=True)
    values = field.curves.tree.birth[field.peak[own]]
    right_value = np.isnan(wanted.value[row, 0]) | agrees(values, wanted.value[row])
    right_sign = (field.sign[own] == wanted.sign[row]) | (wanted.sign[row] == "")
    found: dict[int, Nearest] = {}
    for at in np.argsort(distance[own], kind="stable").tolist():
        peak, voxel, far = int(field.peak[own[at]]), int(field.voxel[own[at]]), float(distance[own[at]])
        one = Nearest(name, peak, voxel, far, bool(right_sign[at]), bool(right_value[at]))
        if peak not in found or (one.agrees and not found[peak].agrees):  # a merged plateau has both signs
            found[peak] = one
    return list(found.values())


def _at(wanted, row, name, field):
    """The voxel at the printed place, whatever its value, where it is one of the field's; else the nearest peak."""
    tree = field.curves.tree
    ijk = np.rint(apply_affine(np.linalg.inv(field.affine), wanted.xyz[row])).astype(int)
    inside = (ijk >= 0).all() and (ijk < tree.shape).all()
    if inside and (voxel := int(field.position[tuple(ijk)])) >= 0:
        away = float(np.linalg.norm(apply_affine(field.affine, ijk) - wanted.xyz[row]))
        sign = "negative" if name == "negative" else "positive"
        right_sign = wanted.sign[row] in ("", sign) or name == "merged"
        return [Nearest(name, int(tree.basin[voxel]), voxel, away, right_sign, True)]
    return [one._replace(right_value=False) for one in _near(wanted, row, name, field)[:1]]


def _claims_of_main(wanted, row, one, curves):
    """The branch of a peak, and those that it joins without meeting a higher value, where the size is right.

    With `anywhere`, of a voxel: the branches that hold it.
    """
    birth, value = curves.tree.birth, curves.tree.values[one.voxel]
    return [
        Claim(row, one.field, one.peak, one.voxel, branch, *span, one.distance)
        for branch, low, high in curves.chain(one.peak)
        if wanted.anywhere or birth[branch] == birth[one.peak]
        for span in _spans(wanted, row, curves, branch, low, min(high, value) if wanted.anywhere else high)
    ]


def _spans(wanted, row, curves, branch, low, high):
    """Intervals of cutoffs, between low and high, at which a branch has the printed size and mean."""
    first, last = curves.start[branch], curves.start[branch + 1]
    least, most = size_range(wanted.size[row])
    first, last = first + np.searchsorted(curves.n_voxels[first:last], [least, most + 1])
    events = np.arange(first, last)
    if not np.isnan(wanted.mean[row, 0]):
        events = events[agrees(curves.means[events], wanted.mean[row])]
    return _joined(np.maximum(curves.below[events], low), np.minimum(curves.level[events], high))


def _joined(low, high):
    """Intervals (low, high] that fall and may touch, as few as there can be."""
    joined: list[tuple[float, float]] = []
    for own_low, own_high in zip(low.tolist(), high.tolist(), strict=True):
        if own_low >= own_high:
            continue
        if joined and joined[-1][0] == own_high:
            joined[-1] = own_low, joined[-1][1]
        else:
            joined.append((own_low, own_high))
    return joined


def _claims_of_any(row, one, curves, shared, value=np.inf):
    """Whatever cluster holds a peak, or a voxel of its basin with this value, and one of the peaks of `_shared`."""
    links = [
        (branch, low, min(high, value, shared.get((one.field, branch), 0) if shared else np.inf))
        for branch, low, high in curves.chain(one.peak)
    ]
    return [Claim(row, one.field, one.peak, one.voxel, *link, one.distance) for link in links if link[1] < link[2]]


def _claims_of_voxels(wanted, row, name, field, shared):
    """The same for voxels that are no peaks, where the value printed is theirs (peaks of a smoothed map, say)."""
    tree = field.curves.tree
    reach = np.abs(np.linalg.inv(field.affine)[:3, :3]).sum(axis=1) * wanted.within_mm
    middle = np.linalg.inv(field.affine) @ np.append(wanted.xyz[row], 1)
    box = [
        slice(max(int(np.ceil(m - r)), 0), max(int(np.floor(m + r)) + 1, 0))
        for m, r in zip(middle, reach, strict=False)
    ]
    voxels = field.position[tuple(box)].ravel()
    voxels = np.sort(voxels[voxels >= 0])
    voxels = voxels[agrees(tree.values[voxels], wanted.value[row])]
    mm = apply_affine(field.affine, np.stack(np.unravel_index(tree.voxels[voxels], tree.shape), axis=1))
    distance = np.linalg.norm(mm - wanted.xyz[row], axis=1)
    claims = []
    for voxel, far in zip(voxels.tolist(), distance.tolist(), strict=True):
        if far <= wanted.within_mm + SAME:
            one = Nearest(name, int(tree.basin[voxel]), voxel, far, True, True)
            claims += _claims_of_any(row, one, field.curves, shared, tree.values[voxel])
    return claims


def _claims_of_centre(wanted, row, name, field):
    """Clusters of the printed size whose centre of mass, of voxels or of values, is at the printed place."""
    curves = field.curves
    least, most = size_range(wanted.size[row])
    events = np.flatnonzero((curves.n_voxels >= least) & (curves.n_voxels <= most) & (curves.below < curves.level))
    if not np.isnan(wanted.value[row, 0]):
        events = events[agrees(curves.tree.birth[curves.branch[events]], wanted.value[row])]
    if not np.isnan(wanted.mean[row, 0]):
        events = events[agrees(curves.means[events], wanted.mean[row])]
    centres = [centre[events] for centre in field.centres]
    distance = np.min([np.linalg.norm(centre - wanted.xyz[row], axis=1) for centre in centres], axis=0)
    near = distance <= wanted.within_mm
    events, distance = events[near], distance[near]
    found: list[Claim] = []
    for event, far in zip(events.tolist(), distance.tolist(), strict=True):
        branch, low, high = int(curves.branch[event]), float(curves.below[event]), float(curves.level[event])
        if found and found[-1].branch == branch and found[-1].low == high:
            found[-1] = found[-1]._replace(low=low, distance=min(far, found[-1].distance))
        else:
            top = int(field.voxel[np.argmax(field.peak == branch)])
            found.append(Claim(row, name, branch, top, branch, low, high, far))
    return found


def cover(claims: Sequence[Claim], n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the line of cutoffs at every end of a claim.

    Returns
    -------
    edges : (m + 1,) float, rising.
    covered : (n_rows, m) bool, whether the row has a claim for ``edges[k] < c <= edges[k + 1]``.
    """
    edges = np.unique([end for claim in claims for end in (claim.low, claim.high)])
    covered = np.zeros((n_rows, max(len(edges) - 1, 0)), dtype=bool)
    for claim in claims:
        covered[claim.row, np.searchsorted(edges, claim.low) : np.searchsorted(edges, claim.high)] = True
    return edges, covered
