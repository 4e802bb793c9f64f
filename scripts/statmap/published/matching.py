"""Which cutoffs each row of a published table allows: its peak found on the map, its size on the component tree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from ..grid import apply_affine
from .curves import Curves

# Printed numbers are decimal, maps float32 and voxel volumes come from an affine of float32: equal to this share.
SAME = 1e-6
Cluster = TypeVar("Cluster", int, tuple[str, int])


@dataclass(frozen=True)
class Wanted:
    """The rows of a table under one reading of it (`settings.Reading`), one entry a row.

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
    peak : (m,) int, the branch of the tree whose peak they are.
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
    """At cutoffs ``low < c <= high`` a row is the cluster of `branch` of a field, found by its `peak`.

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
    """A peak near a row: its field, branch and voxel, its distance in mm, whether sign and value are the row's."""

    field: str
    peak: int
    voxel: int
    distance: float
    right_sign: bool
    right_value: bool

    @property
    def agrees(self) -> bool:
        """Whether sign and value are the row's."""
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


def agrees(numbers: np.ndarray, printed: np.ndarray) -> np.ndarray:
    """Whether numbers are printed as `printed` (number, unit of its last digit): rounded to that digit, or cut off."""
    number, step = printed
    numbers, slack = np.asarray(numbers), SAME * abs(number)
    return (numbers >= number - step / 2 - slack) & ((numbers < number + step) | (numbers <= number + slack))


def one_to_one(distances: Mapping[int, Mapping[Cluster, float]]) -> dict[int, Cluster]:
    """As many rows as can have a cluster each, no cluster twice, at the smallest distance in all.

    Parameters
    ----------
    distances : of each row, cluster to distance in mm; empty for a row that fits none.
    """
    nearest = {row: min(fits, key=lambda cluster: fits[cluster]) for row, fits in distances.items() if fits}
    if len(set(nearest.values())) == len(nearest):
        return nearest
    from scipy.optimize import linear_sum_assignment  # late: rows that share all their clusters are rare

    rows, clusters = list(nearest), sorted({cluster for fits in distances.values() for cluster in fits})
    never = 1e9
    cost = np.array([[distances[row].get(cluster, never) for cluster in clusters] for row in rows])
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return {rows[r]: clusters[c] for r, c in pairs if cost[r, c] < never}


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
    """All cutoffs at which each row is a cluster or peak of the map, and the peak nearest to each row.

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
        reach = _voxel_at_place if wanted.anywhere else _peaks_near
        near_peaks = [near_peak for name, field in fields.items() for near_peak in reach(wanted, row, name, field)]
        nearest.append(
            min(
                near_peaks,
                key=lambda near_peak: (near_peak.distance > wanted.within_mm, not near_peak.agrees, near_peak.distance),
                default=None,
            )
        )
        matched.append(
            [near_peak for near_peak in near_peaks if near_peak.agrees and near_peak.distance <= wanted.within_mm]
        )
    for row, main in enumerate(wanted.main.tolist()):
        stands = main == row
        if wanted.centres:
            if stands:
                for name, field in fields.items():
                    claims += _claims_of_centre(wanted, row, name, field)
        elif stands:
            claims += [
                claim
                for near_peak in matched[row]
                for claim in _claims_of_main(wanted, row, near_peak, fields[near_peak.field].curves)
            ]
        else:
            shared = _shared_branches(matched[main], fields) if main >= 0 else {}
            for near_peak in matched[row]:
                claims += _claims_of_any(row, near_peak, fields[near_peak.field].curves, shared)
            # A peak with that value may be near, of another cluster than the one that the table says.
            if (shared or not matched[row]) and not np.isnan(wanted.value[row, 0]):
                for name, field in fields.items():
                    claims += _claims_of_voxels(wanted, row, name, field, shared)
    return claims, nearest


def _shared_branches(near_peaks, fields):
    """Up to which cutoff each branch holds one of the peaks: (field, branch) to a cutoff, empty without a peak."""
    links = [
        (near_peak.field, *link)
        for near_peak in near_peaks
        for link in fields[near_peak.field].curves.chain(near_peak.peak)
    ]
    shared: dict[tuple[str, int], float] = {}
    for name, branch, _, high in links:
        shared[name, branch] = max(high, shared.get((name, branch), 0))
    return shared


def _peaks_near(wanted, row, name, field):
    """Each peak within `within_mm` once, with its nearest voxel; where there is none, the nearest peak of the field."""
    if not len(field.mm):
        return []
    distance = np.linalg.norm(field.mm - wanted.xyz[row], axis=1)
    within = np.flatnonzero(distance <= wanted.within_mm + SAME)
    if not len(within):
        within = np.argmin(distance, keepdims=True)
    values = field.curves.tree.birth[field.peak[within]]
    right_value = np.isnan(wanted.value[row, 0]) | agrees(values, wanted.value[row])
    right_sign = (field.sign[within] == wanted.sign[row]) | (wanted.sign[row] == "")
    nearest: dict[int, Nearest] = {}
    for at in np.argsort(distance[within], kind="stable").tolist():
        peak, voxel, away = int(field.peak[within[at]]), int(field.voxel[within[at]]), float(distance[within[at]])
        near_peak = Nearest(name, peak, voxel, away, bool(right_sign[at]), bool(right_value[at]))
        if peak not in nearest or (near_peak.agrees and not nearest[peak].agrees):  # a merged plateau has both signs
            nearest[peak] = near_peak
    return list(nearest.values())


def _voxel_at_place(wanted, row, name, field):
    """The voxel at the printed place, whatever its value, where it is one of the field's; else the nearest peak."""
    tree = field.curves.tree
    ijk = np.rint(apply_affine(np.linalg.inv(field.affine), wanted.xyz[row])).astype(int)
    inside = (ijk >= 0).all() and (ijk < tree.shape).all()
    if inside and (voxel := int(field.position[tuple(ijk)])) >= 0:
        away = float(np.linalg.norm(apply_affine(field.affine, ijk) - wanted.xyz[row]))
        sign = "negative" if name == "negative" else "positive"
        right_sign = wanted.sign[row] in ("", sign) or name == "merged"
        return [Nearest(name, int(tree.basin[voxel]), voxel, away, right_sign, True)]
    return [near_peak._replace(right_value=False) for near_peak in _peaks_near(wanted, row, name, field)[:1]]


def _claims_of_main(wanted, row, near_peak, curves):
    """The branch of a peak, and those that it joins without meeting a higher value, where the size is right.

    With `anywhere`, of a voxel: the branches that hold it.
    """
    birth, value = curves.tree.birth, curves.tree.values[near_peak.voxel]
    return [
        Claim(row, near_peak.field, near_peak.peak, near_peak.voxel, branch, *span, near_peak.distance)
        for branch, low, high in curves.chain(near_peak.peak)
        if wanted.anywhere or birth[branch] == birth[near_peak.peak]
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
    return _joined_intervals(np.maximum(curves.below[events], low), np.minimum(curves.level[events], high))


def _joined_intervals(lows, highs):
    """Falling intervals (low, high], those that touch joined into one."""
    intervals: list[tuple[float, float]] = []
    for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
        if low >= high:
            continue
        if intervals and intervals[-1][0] == high:
            intervals[-1] = low, intervals[-1][1]
        else:
            intervals.append((low, high))
    return intervals


def _claims_of_any(row, near_peak, curves, shared, value=np.inf):
    """Clusters that hold a peak, or a voxel of its basin with this value, and one of the peaks of `shared`."""
    links = [
        (branch, low, min(high, value, shared.get((near_peak.field, branch), 0) if shared else np.inf))
        for branch, low, high in curves.chain(near_peak.peak)
    ]
    return [
        Claim(row, near_peak.field, near_peak.peak, near_peak.voxel, *link, near_peak.distance)
        for link in links
        if link[1] < link[2]
    ]


def _claims_of_voxels(wanted, row, name, field, shared):
    """`_claims_of_any` for voxels with the printed value that are no peaks (peaks of a smoothed map, say)."""
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
    for voxel, away in zip(voxels.tolist(), distance.tolist(), strict=True):
        if away <= wanted.within_mm + SAME:
            near_peak = Nearest(name, int(tree.basin[voxel]), voxel, away, True, True)
            claims += _claims_of_any(row, near_peak, field.curves, shared, tree.values[voxel])
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
    claims: list[Claim] = []
    for event, away in zip(events.tolist(), distance.tolist(), strict=True):
        branch, low, high = int(curves.branch[event]), float(curves.below[event]), float(curves.level[event])
        if claims and claims[-1].branch == branch and claims[-1].low == high:
            claims[-1] = claims[-1]._replace(low=low, distance=min(away, claims[-1].distance))
        else:
            top = int(field.voxel[np.argmax(field.peak == branch)])
            claims.append(Claim(row, name, branch, top, branch, low, high, away))
    return claims


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
