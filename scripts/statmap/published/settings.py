"""The search: every connectivity, treatment of signs and reading of a published table, and the cutoffs that fit each.

Nothing is tried on a grid. Each row allows intervals of cutoffs (`matching`), the intervals of all rows cut the line
of cutoffs into pieces, and within a piece nothing changes; the pieces that most rows allow are the answer. Between
them and the map's other clusters lies the extent threshold: no listed cluster may be smaller than one that is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from ..grid import apply_affine, voxel_volume
from ..stability.tree import component_tree
from ..types import Connectivity
from .curves import cluster_curves
from .matching import SAME, Claim, Field, Nearest, Wanted, cover, find_claims, make_field, one_to_one
from .readers import Published
from .spaces import Transform, talairach_to_mni

Sign = Literal["positive", "negative", "apart", "merged"]
FIELDS: dict[Sign, tuple[str, ...]] = {
    "positive": ("positive",),
    "negative": ("negative",),
    "apart": ("positive", "negative"),
    "merged": ("merged",),
}
OTHER_GRIDS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)  # mm, edges of the voxels of usual grids


@dataclass(frozen=True)
class Reading:
    """How a table is read.

    Attributes
    ----------
    changed : how this differs from what the table says, in words; empty for a table as it says.
    flip_x, flip_sign : bool.
    talairach : the transform by which its coordinates become MNI, or None.
    unit_mm3 : float, volume of the unit that sizes are printed in; None for what the table says.
    centres : bool, coordinates are centres of mass.
    values : bool, whether printed values (and means) are compared.
    """

    changed: str = ""
    flip_x: bool = False
    flip_sign: bool = False
    talairach: Transform | None = None
    unit_mm3: float | None = None
    centres: bool = False
    values: bool = True


class Candidate(NamedTuple):
    """Settings that fit: all cutoffs c with ``low < c <= high``, one connectivity, one treatment of signs.

    Attributes
    ----------
    connectivity : 6, 18 or 26.
    sign : ``positive`` or ``negative`` alone, both ``apart``, or ``merged``.
    reading : Reading.
    low, high : float, magnitudes, for a rule that keeps values at or above a cutoff.
    cutoff : float, the roundest number between them.
    extent : (int, int), a cluster is kept from k voxels on, ``extent[0] < k <= extent[1]``: the largest cluster that
        the table leaves out and the smallest that it lists; each end holds for some cutoff of the interval.
    extent_at : (int, int), the same at `cutoff`.
    unlisted : int, clusters at `cutoff` that the table lacks, though as large as the smallest that it lists.
    claims : by row (from 0), of the rows that fit.
    nearest : (n,) the peak nearest to each row, or None for a map without any.
    exact : (n,) bool, rows that fit without any rounding of their size, value rounded and not cut off.
    wanted : Wanted, what was asked for; allowed : all claims of all rows, whether they fit together or not.
    """

    connectivity: Connectivity
    sign: Sign
    reading: Reading
    low: float
    high: float
    cutoff: float
    extent: tuple[int, int]
    extent_at: tuple[int, int]
    unlisted: int
    claims: dict[int, Claim]
    nearest: list[Nearest | None]
    exact: np.ndarray
    wanted: Wanted
    allowed: list[Claim]


class Search(NamedTuple):
    """The result of a search.

    Attributes
    ----------
    candidates : best first.
    fields : by connectivity and name, the signed maps.
    explained : (n,) bool, rows that fit under some setting, if not together with the others.
    """

    candidates: list[Candidate]
    fields: dict[tuple[Connectivity, str], Field]
    explained: np.ndarray


def find_settings(
    published: Published,
    data: np.ndarray,
    affine: np.ndarray,
    *,
    within_mm: float | None = None,
    connectivities: Sequence[Connectivity] = (6, 18, 26),
) -> Search:
    """Every setting that gives a published table, or as many of its rows as any does.

    Parameters
    ----------
    published : from `readers.read_published`.
    data : (i, j, k) float array, finite, 0 for background.
    affine : (4, 4) array.
    within_mm : see `read_rows`.
    connectivities : those that are tried.
    """
    fields = _fields(data, affine, connectivities)
    signs: list[Sign] = [s for s, names in FIELDS.items() if all((connectivities[0], n) in fields for n in names)]
    explained = np.zeros(len(published.rows), dtype=bool)

    def try_reading(reading):
        wanted = read_rows(published, reading, affine, within_mm)
        reading_candidates = []
        for connectivity in connectivities:
            for sign in signs:
                names = {name: fields[connectivity, name] for name in FIELDS[sign]}
                claims, nearest = find_claims(wanted, names)
                explained[[claim.row for claim in claims]] = True
                reading_candidates += _candidates_of_setting(
                    connectivity, sign, reading, wanted, names, claims, nearest
                )
        return reading_candidates

    plain = plain_reading(published)
    candidates = try_reading(plain)
    most = max((len(candidate.claims) for candidate in candidates), default=0)
    if most < len(published.rows):
        for reading in other_readings(published, plain, voxel_volume(affine)):
            candidates += [candidate for candidate in try_reading(reading) if len(candidate.claims) > most]
    return Search(_best_first(candidates), fields, explained)


def _fields(data, affine, connectivities):
    """The signed maps of each connectivity; a map of one sign has no others."""
    signed = {"positive": data, "negative": -data, "merged": np.abs(data)}
    if not (data < 0).any() or not (data > 0).any():
        signed = {"negative" if (data < 0).any() else "positive": np.abs(data)}
    return {
        (connectivity, name): make_field(cluster_curves(component_tree(values, connectivity)), data, affine)
        for connectivity in connectivities
        for name, values in signed.items()
    }


def plain_reading(published: Published) -> Reading:
    """A table as it says; coordinates in Talairach space become MNI by Lancaster's transform."""
    return Reading(talairach="Lancaster" if published.space == "Talairach" else None)


def other_readings(published: Published, plain: Reading, voxel_mm3: float) -> list[Reading]:
    """Readings that are tried, one at a time, where the table as it says does not follow from the map."""
    rows = published.rows
    readings = [replace(plain, changed="x flipped", flip_x=True)]
    if (rows["sign"] != "").any():
        readings.append(replace(plain, changed="sign flipped", flip_sign=True))
    spaces: tuple[Transform | None, ...] = ("Lancaster", "Brett", None)
    words = {"Lancaster": "Talairach to MNI (Lancaster)", "Brett": "Talairach to MNI (Brett)", None: "taken as MNI"}
    readings += [replace(plain, changed=words[s], talairach=s) for s in spaces if s != plain.talairach]
    if rows["size"].notna().any():
        stated = voxel_mm3 if published.size_unit == "voxels" else 1.0
        units = {f"sizes in voxels of {edge:g} mm": edge**3 for edge in OTHER_GRIDS[1:]}
        if published.size_unit == "voxels":
            units = {"sizes in mm³": 1.0} | units
        else:
            other_units = {f"sizes in mm³ of voxels of {edge:g} mm": voxel_mm3 / edge**3 for edge in OTHER_GRIDS[1:]}
            units = {"sizes in voxels": voxel_mm3} | other_units
        readings += [replace(plain, changed=w, unit_mm3=u) for w, u in units.items() if not np.isclose(u, stated)]
        readings.append(replace(plain, changed="centres of mass", centres=True))
    if rows["value"].notna().any() or rows["mean"].notna().any():
        readings.append(replace(plain, changed="values not compared", values=False))
    return readings


def read_rows(published: Published, reading: Reading, affine: np.ndarray, within_mm: float | None) -> Wanted:
    """A table under one reading, in mm and in voxels of the map.

    Parameters
    ----------
    within_mm : how far a peak may be from where it is printed; None for one voxel's diagonal.
    """
    within = within_mm or float(np.linalg.norm(affine[:3, :3].sum(axis=1)))
    rows = published.rows
    xyz = rows[["x", "y", "z"]].to_numpy(dtype=np.float64)
    if published.coordinates == "voxels":
        xyz = apply_affine(affine, xyz)
    if reading.flip_x:
        xyz = xyz * [-1, 1, 1]
    if reading.talairach:
        xyz = talairach_to_mni(xyz, reading.talairach)
    sign = rows["sign"].to_numpy(dtype=object)
    if reading.flip_sign:
        sign = np.array([{"positive": "negative", "negative": "positive"}.get(text, "") for text in sign], dtype=object)
    value, size, mean = (np.abs(rows[[name, f"{name}_step"]].to_numpy()) for name in ("value", "size", "mean"))
    if not reading.values:
        value, mean = np.full_like(value, np.nan), np.full_like(mean, np.nan)
    unit = reading.unit_mm3 or (1.0 if published.size_unit == "mm3" else voxel_volume(affine))
    main = _main_rows(rows)
    size = np.where((main == np.arange(len(rows)))[:, None], size * (unit / voxel_volume(affine)), np.nan)
    if published.anywhere:  # the values are another image's
        value, mean = np.full_like(value, np.nan), np.full_like(mean, np.nan)
    return Wanted(xyz, sign, value, size, mean, main, reading.centres, within, published.anywhere)


def _main_rows(rows):
    """The row that stands for each row's cluster; -1 where neither a cluster nor a size is printed."""
    position = np.arange(len(rows))
    stands = {cluster: n for n, cluster, main in zip(position, rows["cluster"], rows["main"], strict=True) if main}
    has_cluster = (rows["cluster"] != "").to_numpy()
    sized = rows["size"].notna().to_numpy()
    of_cluster = np.array([stands[cluster] for cluster in rows["cluster"]])
    return np.where(has_cluster, of_cluster, np.where(sized, position, -1))


def _candidates_of_setting(connectivity, sign, reading, wanted, fields, claims, nearest):
    """The candidates of one setting: the pieces of the line of cutoffs where most rows fit at once."""
    edges, covered = cover(claims, len(wanted.xyz))
    at_most = covered.sum(axis=0)
    most, pieces = 1, []
    for piece in np.argsort(-at_most, kind="stable").tolist():
        if at_most[piece] < most:
            break
        low, high = float(edges[piece]), float(edges[piece + 1])
        fits = _assign(wanted, [c for c in claims if c.low <= low and c.high >= high])
        if len(fits) > most:
            most, pieces = len(fits), []
        if len(fits) == most:
            pieces.append((low, high, fits))
    candidates = []
    for low, high, fits in _merged_pieces(pieces):
        candidates += _with_extent(connectivity, sign, reading, wanted, fields, claims, nearest, fits, low, high)
    return candidates


def _assign(wanted, claims):
    """One claim a row, no cluster twice among the rows that stand for one; sub-peaks follow their main row if it fits.

    Returns
    -------
    dict of row to Claim, of the rows that fit.
    """
    options: dict[int, dict] = {}
    for claim in sorted(claims, key=lambda claim: claim.distance):
        options.setdefault(claim.row, {}).setdefault((claim.field, claim.branch), claim)
    distances = {
        row: {cluster: claim.distance for cluster, claim in by_cluster.items()}
        for row, by_cluster in options.items()
        if wanted.main[row] == row
    }
    fits = {row: options[row][cluster] for row, cluster in one_to_one(distances).items()}
    for row in options:
        if wanted.main[row] != row:
            main = fits.get(wanted.main[row])
            claim = options[row].get((main.field, main.branch)) if main else next(iter(options[row].values()))
            fits |= {row: claim} if claim else {}
    return fits


def _merged_pieces(pieces):
    """Pieces that touch and in which the rows fit the same peaks are merged."""
    merged: list[tuple[float, float, dict]] = []
    for low, high, fits in sorted(pieces, key=lambda piece: piece[0]):
        if merged and merged[-1][1] == low and _same_peaks(merged[-1][2], fits):
            merged[-1] = merged[-1][0], high, fits
        else:
            merged.append((low, high, fits))
    return merged


def _same_peaks(a, b):
    return a.keys() == b.keys() and all((a[row].field, a[row].peak) == (b[row].field, b[row].peak) for row in a)


def _with_extent(connectivity, sign, reading, wanted, fields, claims, nearest, fits, low, high):
    """Candidates of a piece, split where the table becomes or ceases to be complete.

    It is complete where every cluster that it leaves out is smaller than every one that it lists.
    """
    claimed = {row: (claim.field, claim.peak) for row, claim in fits.items()}
    listed = claimed | {
        row: (near.field, near.peak)
        for row, near in enumerate(nearest)
        if row not in fits and near and near.distance <= wanted.within_mm
    }
    levels = [curves.level[(curves.level > low) & (curves.level < high)] for curves in _curves(fields)]
    edges = np.unique(np.concatenate([[low, high], *levels]))
    largest, smallest = np.zeros(len(edges) - 1, dtype=np.int64), np.full(len(edges) - 1, np.iinfo(np.int64).max)
    for name, field in fields.items():
        peaks = {peak for field_name, peak in listed.values() if field_name == name}
        largest = np.maximum(largest, largest_unlisted(field, peaks, edges))
        peaks = {peak for field_name, peak in claimed.values() if field_name == name}
        smallest = np.minimum(smallest, smallest_listed(field, peaks, edges))
    counts = bool((wanted.main >= 0).any())  # foci that stand for no cluster leave none out
    largest = largest * counts
    complete = largest < smallest
    ends = np.flatnonzero(np.diff(complete)) + 1
    runs = np.column_stack([np.append(0, ends), np.append(ends, len(complete))])
    candidates = []
    for first, last in runs.tolist():
        cutoff = round_number(edges[first], edges[last])
        at = int(np.searchsorted(edges, cutoff)) - 1
        unlisted = counts * sum(
            int((sizes >= smallest[at]).sum())
            for name, field in fields.items()
            for sizes in [unlisted_sizes(field, {p for field_name, p in listed.values() if field_name == name}, cutoff)]
        )
        extent = int(largest[first:last].min()), int(smallest[first:last].max())
        exact = np.zeros(len(wanted.xyz), dtype=bool)
        for row, claim in fits.items():
            exact[row] = _is_exact(wanted, row, claim, fields[claim.field].curves, cutoff)
        candidates.append(
            Candidate(
                connectivity, sign, reading, float(edges[first]), float(edges[last]), cutoff, extent,
                (int(largest[at]), int(smallest[at])), unlisted, fits, nearest, exact, wanted, claims,
            )
        )  # fmt: skip
    return candidates


def _curves(fields: Mapping[str, Field]):
    return [field.curves for field in fields.values()]


def _is_exact(wanted, row, claim, curves, cutoff):
    """Whether size and value are as printed with no more than the last printed digit of the value rounded."""
    size, (value, step) = wanted.size[row, 0], wanted.value[row]
    n_voxels = curves.sizes(claim.branch, np.array([cutoff]))[0]
    off = abs(curves.tree.values[claim.voxel] - value)
    return (np.isnan(size) or abs(n_voxels - size) <= SAME * size) and not off > step / 2 + SAME * value


def _unlisted_down_to(field: Field, listed: set[int]) -> np.ndarray:
    """Of each branch the cutoff down to which its cluster holds no listed peak; inf for the branch of a listed peak."""
    tree = field.curves.tree
    cutoffs = np.maximum(tree.death, 0)
    for peak in listed:
        high = np.inf
        while peak >= 0:
            cutoffs[peak] = max(cutoffs[peak], high)
            high, peak = tree.death[peak], tree.parent[peak]
    return cutoffs


def largest_unlisted(field: Field, listed: set[int], edges: np.ndarray) -> np.ndarray:
    """Voxels of the largest cluster without a listed peak, in each cell ``edges[k] < c <= edges[k + 1]``.

    Parameters
    ----------
    field : Field.
    listed : peaks, as branches of its tree.
    edges : (m + 1,) float, rising; every level of the map between the first and the last is among them.

    Returns
    -------
    (m,) int, 0 where there is none.
    """
    curves = field.curves
    low = np.maximum(np.maximum(curves.below, _unlisted_down_to(field, listed)[curves.branch]), edges[0])
    high = np.minimum(curves.level, edges[-1])
    event = np.flatnonzero(low < high)
    first, last = np.searchsorted(edges, low[event]), np.searchsorted(edges, high[event])
    # The largest of overlapping ranges: each is two ranges of a power of two, handed down from large to small.
    last = np.maximum(last, first + 1)
    power = np.log2(last - first).astype(np.int64)
    n_cells = len(edges) - 1
    largest = np.zeros((int(power.max(initial=0)) + 1, n_cells), dtype=np.int64)
    np.maximum.at(largest, (power, first), curves.n_voxels[event])
    np.maximum.at(largest, (power, last - 2**power), curves.n_voxels[event])
    for rank in range(len(largest) - 1, 0, -1):
        half = 2 ** (rank - 1)
        np.maximum(largest[rank - 1], largest[rank], out=largest[rank - 1])
        np.maximum(largest[rank - 1, half:], largest[rank, :-half], out=largest[rank - 1, half:])
    return largest[0]


def smallest_listed(field: Field, listed: set[int], edges: np.ndarray) -> np.ndarray:
    """Voxels of the smallest cluster with a listed peak, in each cell as in `largest_unlisted`.

    Returns
    -------
    (m,) int, the largest there is where no listed peak passes the cutoff.
    """
    curves, cutoffs = field.curves, edges[1:]
    lives: dict[int, tuple[float, float]] = {}
    for peak in listed:  # peaks that meet share the rest of their way
        for branch, low, high in curves.chain(peak):
            lives[branch] = low, max(high, lives.get(branch, (low, high))[1])
    smallest = np.full(len(cutoffs), np.iinfo(np.int64).max)
    for branch, life in lives.items():
        first, last = np.searchsorted(cutoffs, life, side="right")
        sizes = curves.n_voxels[curves.events_at(branch, cutoffs[first:last])]
        smallest[first:last] = np.minimum(smallest[first:last], sizes)
    return smallest


def unlisted_sizes(field: Field, listed: set[int], cutoff: float) -> np.ndarray:
    """Voxels of each cluster without a listed peak at one cutoff, (u,) int."""
    curves = field.curves
    holds = (
        (curves.below < cutoff) & (cutoff <= curves.level) & (_unlisted_down_to(field, listed)[curves.branch] < cutoff)
    )
    return curves.n_voxels[holds]


def round_number(low: float, high: float) -> float:
    """The number with the fewest decimals between low and high, nearest to their middle; `high` where there is none.

    It stays between them when it is rounded to float32, as a threshold is on a map of float32.
    """
    for decimals in range(16):
        unit = 10.0**-decimals
        middle = round((low + high) / 2 / unit)
        for step in (0, 1, -1):
            number = float(f"{(middle + step) * unit:.{decimals}f}")
            if low < number < high and low < np.float32(number) < high:
                return number
    return high


def _best_first(candidates):
    """By number of rows; then those without unlisted clusters, as the table says, exact, of one sign, wide."""
    signs = list(FIELDS)
    candidates = sorted(
        candidates,
        key=lambda candidate: (
            -len(candidate.claims),
            candidate.unlisted > 0,
            candidate.reading.changed != "",
            -int(candidate.exact.sum()),
            candidate.unlisted,
            signs.index(candidate.sign),
            candidate.connectivity,
            candidate.low - candidate.high,
        ),
    )
    # Of a setting that explains less than the best one, its widest interval is enough.
    most = len(candidates[0].claims) if candidates else 0
    seen: set = set()
    ranked = []
    for candidate in candidates:
        setting = candidate.connectivity, candidate.sign, candidate.reading
        if len(candidate.claims) == most or setting not in seen:
            ranked.append(candidate)
        seen.add(setting)
    return ranked
