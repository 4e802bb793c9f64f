"""The report on a published table: two tables, one sentence, a variant that is ready to run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..distributions import tail_values
from ..grid import voxel_volume
from ..inference.families import family_of
from ..io.stat_map import StatMap
from .curves import Curves
from .matching import size_range
from .readers import Published
from .settings import Candidate, Search

if TYPE_CHECKING:
    from ..inference.search_volume import SearchVolume

USUAL_P = (0.05, 0.01, 0.005, 0.001, 0.0005, 0.0001, 0.00001, 0.000001)
USUAL_RATE = (0.05, 0.01, 0.001)
P_COLUMNS = ("p_low", "p_high", "fwe_low", "fwe_high", "fdr_low", "fdr_high")


def settings_table(
    published: Published,
    search: Search,
    stat_map: StatMap,
    volume: "SearchVolume | None" = None,
) -> pd.DataFrame:
    """Every candidate, best first.

    Parameters
    ----------
    published, search : Published, Search.
    stat_map : the map; p values stay empty where its distribution is not known.
    volume : what was searched, or None: family-wise p values are then Bonferroni's.

    Returns
    -------
    DataFrame
        ``connectivity, sign, changed``; ``cutoff_low, cutoff_high``, all cutoffs c with low < c <= high fit;
        ``cutoff``, the roundest of them; ``threshold``, as a config would write it; ``p_low, p_high``, uncorrected,
        all p with low <= p < high fit, two-sided where both signs are listed, and likewise ``fwe_low, fwe_high`` and
        ``fdr_low, fdr_high``; ``extent_low, extent_high``, clusters of k voxels or more are listed, low < k <= high;
        ``rows, rows_exact, rows_rounded``; ``unlisted``, see `Candidate`.
    """
    lines, families = [], {}
    volume = volume if stat_map.distribution.is_field else None
    family = stat_map.values[family_of(stat_map, "mask")]
    for candidate in search.candidates:
        p = _p_interval(candidate, family, families, stat_map.distribution, volume)
        exact = int(candidate.exact.sum())
        lines.append(
            {
                "connectivity": candidate.connectivity,
                "sign": candidate.sign,
                "changed": candidate.reading.changed,
                "cutoff_low": candidate.low,
                "cutoff_high": candidate.high,
                "cutoff": candidate.cutoff,
                "threshold": usual_threshold(candidate, p, volume is not None),
                **p,
                "extent_low": candidate.extent[0],
                "extent_high": candidate.extent[1],
                "rows": len(published.rows),
                "rows_exact": exact,
                "rows_rounded": len(candidate.claims) - exact,
                "unlisted": candidate.unlisted,
            }
        )
    columns = ["connectivity", "sign", "changed", "cutoff_low", "cutoff_high", "cutoff", "threshold", *P_COLUMNS]
    columns += ["extent_low", "extent_high", "rows", "rows_exact", "rows_rounded", "unlisted"]
    return pd.DataFrame(lines, columns=columns)


def _p_interval(candidate, family, families, distribution, volume):
    """The interval of cutoffs as p values: a high cutoff is a low p. NaN where the map has none.

    `families` keeps the values and q of the family, by sign, from one call to the next.
    """
    ends = dict.fromkeys(P_COLUMNS, np.nan)
    if not distribution.has_p or not (distribution.two_tailed or candidate.sign == "positive"):
        return ends
    from ..inference.random_field import RandomField, benjamini_hochberg

    sided = candidate.sign if candidate.sign in ("positive", "negative") else "two"
    tail = "two" if sided == "two" else "positive"
    cutoffs = np.array([candidate.high, candidate.low])
    p = distribution.p(cutoffs, tail)
    corrected = (
        np.minimum(p * len(family), 1) if volume is None else RandomField(distribution, tail, volume).p_fwe(cutoffs)
    )
    if sided not in families:
        x = np.sort(tail_values(family, sided))
        families[sided] = x, np.append(1.0, benjamini_hochberg(distribution.p(x, tail)))
    # A rate is met by the lowest value whose q it reaches: that value has to lie in the interval.
    x, q = families[sided]
    rates = q[np.searchsorted(x, cutoffs, side="right")]
    ends |= dict(zip(P_COLUMNS, np.concatenate([p, corrected, rates]).tolist(), strict=True))
    return ends


def usual_threshold(candidate: Candidate, p: dict[str, float], field_theory: bool = False) -> str:
    """The likeliest threshold among those that fit, as a config writes it: ``2.3``, ``p=0.001``, ``fdr=0.05``.

    A value with at most one decimal comes first, then the usual levels of p, family-wise p and false discovery rate,
    then the roundest value.
    """
    if round(candidate.cutoff, 1) == candidate.cutoff:
        return f"{candidate.cutoff:g}"
    kinds = (
        ("p", "p", USUAL_P),
        ("fwe", "fwe" if field_theory else "bonferroni", USUAL_RATE),
        ("fdr", "fdr", USUAL_RATE),
    )
    for column, kind, levels in kinds:
        for level in levels:
            if p[f"{column}_low"] <= level < p[f"{column}_high"]:
                return f"{kind}={level:g}"
    return repr(candidate.cutoff)


def rows_table(published: Published, search: Search, affine: np.ndarray) -> pd.DataFrame:
    """Each row under the best candidate.

    Returns
    -------
    DataFrame, one row a printed row
        ``row, cluster, x, y, z, value, size``, as printed; ``peak_x, peak_y, peak_z, distance_mm``, the matched voxel,
        mm, or the nearest peak where none was matched; ``found_value``, with its sign; ``found_size``, in the unit of
        the table, and ``found_voxels``, of the cluster that holds it at the candidate's `cutoff`; ``cutoff_low,
        cutoff_high``, what the row allows by itself (of several intervals the one nearest to the cutoff; NaN for none);
        ``verdict``, see `row_verdict`.
    """
    if not search.candidates:
        columns = ["row", "cluster", "x", "y", "z", "value", "size"]
        rows = published.rows[columns].assign(**dict.fromkeys(ROW_COLUMNS, np.nan))
        return rows.assign(verdict="no peak nearby")
    best = search.candidates[0]
    unit = best.reading.unit_mm3 or (1.0 if published.size_unit == "mm3" else voxel_volume(affine))
    lines = []
    for n, printed in enumerate(published.rows.itertuples(index=False)):
        line = {name: getattr(printed, name) for name in ("row", "cluster", "x", "y", "z", "value", "size")}
        line |= dict.fromkeys(ROW_COLUMNS, np.nan)
        match = best.claims.get(n) or best.nearest[n]
        if match is not None:
            field = search.fields[best.connectivity, match.field]
            curves, tree = field.curves, field.curves.tree
            top = field.voxel == match.voxel
            sign = -1.0 if (field.sign[top][:1] == "negative").any() or match.field == "negative" else 1.0
            ijk = np.unravel_index(tree.voxels[match.voxel], tree.shape)
            mm = affine[:3, :3] @ np.array(ijk) + affine[:3, 3]
            n_voxels = int(curves.sizes(match.peak, np.array([best.cutoff]))[0])
            line |= dict(zip(("peak_x", "peak_y", "peak_z"), mm.tolist(), strict=True))
            line |= {
                "distance_mm": match.distance,
                "found_value": sign * tree.values[match.voxel],
                "found_voxels": n_voxels,
                "found_size": n_voxels * voxel_volume(affine) / unit,
            }
        claims_of_row = [claim for claim in best.allowed if claim.row == n]
        if claims_of_row:
            nearest = min(claims_of_row, key=lambda claim: max(claim.low - best.cutoff, best.cutoff - claim.high, 0))
            line |= {"cutoff_low": nearest.low, "cutoff_high": nearest.high}
        lines.append(line | {"verdict": row_verdict(best, n, search)})
    return pd.DataFrame(lines)


ROW_COLUMNS = (
    *("peak_x", "peak_y", "peak_z", "distance_mm"),
    *("found_value", "found_size", "found_voxels", "cutoff_low", "cutoff_high"),
)


def row_verdict(best: Candidate, row: int, search: Search) -> str:
    """One row under a candidate: ``exact`` or ``rounded`` where it fits, else why it does not.

    ``no peak nearby``, within the distance allowed, or ``no such centre``; ``other value`` or ``other sign``; ``below
    the cutoff``; ``not the peak of its cluster``, which has a higher one; ``other size``, ``other mean``; ``in another
    cluster``, of a sub-peak; ``taken``, where another row claims the same cluster.
    """
    if row in best.claims:
        return "exact" if best.exact[row] else "rounded"
    wanted, near = best.wanted, best.nearest[row]
    if near is None or (near.distance > wanted.within_mm and not wanted.centres):
        return "no peak nearby"
    if wanted.centres:
        return "no such centre"
    tree = search.fields[best.connectivity, near.field].curves.tree
    if not near.agrees:
        return "other value" if near.right_sign else "other sign"
    if tree.birth[near.peak] < best.cutoff:
        return "below the cutoff"
    if wanted.main[row] != row:
        return "in another cluster"
    branch = _branch_at(search.fields[best.connectivity, near.field].curves, near.peak, best.cutoff)
    if tree.birth[branch] > tree.birth[near.peak]:
        return "not the peak of its cluster"
    if any(claim.row == row and claim.low < best.cutoff <= claim.high for claim in best.allowed):
        return "taken"
    n_voxels = search.fields[best.connectivity, near.field].curves.sizes(near.peak, np.array([best.cutoff]))[0]
    least, most = size_range(wanted.size[row])
    return "other mean" if least <= n_voxels <= most else "other size"


def _branch_at(curves: Curves, peak: int, cutoff: float) -> int:
    return next((branch for branch, low, high in curves.chain(peak) if low < cutoff <= high), peak)


def verdict(published: Published, search: Search, symbol: str = "x") -> str:
    """The answer in one sentence.

    Parameters
    ----------
    published, search : Published, Search.
    symbol : what the values of the map are called: t, z or x.
    """
    n_rows = len(published.rows)
    if not search.candidates:
        return "No row of the table follows from this map under any setting tried."
    best = search.candidates[0]
    n_fit = len(best.claims)
    equal = [
        candidate
        for candidate in search.candidates
        if (len(candidate.claims), candidate.unlisted > 0, candidate.exact.sum())
        == (n_fit, best.unlisted > 0, best.exact.sum())
        and candidate.reading == best.reading
    ]
    settings = _settings_in_words(equal, symbol)
    changed = f", with {best.reading.changed}" if best.reading.changed else ""
    if n_fit == n_rows:
        how = "exactly" if best.exact.all() else "within rounding"
        start = f"Reproduced {how}{changed} by" if len(settings) == 1 else f"Several settings fit {how}{changed}:"
        if (best.wanted.main < 0).all():
            start = f"Places alone fit{changed}"
        elif best.unlisted:
            clusters = "1 cluster" if best.unlisted == 1 else f"{best.unlisted:,} clusters"
            start = f"Every row fits {how}{changed}, but the table lacks {clusters} as large as its smallest, under"
        return f"{start} {'; '.join(settings[:3])}{' …' if len(settings) > 3 else ''}."
    start = f"{n_fit} of {n_rows} rows fit{changed} under {settings[0]}"
    if len(settings) > 1:
        start += f" (and {len(settings) - 1} more)"
    missed = [row for row in range(n_rows) if row not in best.claims]
    unexplained = [row for row in missed if not search.explained[row]]
    conflicting = [row for row in missed if search.explained[row]]
    parts = [start]
    if unexplained:
        parts.append(
            f"{_rows_in_words(unexplained)} {_does_or_do(unexplained)} not follow from this map under any setting tried"
        )
    if conflicting:
        parts.append(f"{_rows_in_words(conflicting)} {_does_or_do(conflicting)} not fit together with the others")
    return "; ".join(parts) + "."


def _rows_in_words(rows: Sequence[int]) -> str:
    numbers = [str(row + 1) for row in rows]
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    shown = numbers[:8]
    if len(numbers) > 8:
        return f"rows {', '.join(shown)} and {len(numbers) - 8} more"
    return f"rows {', '.join(shown[:-1])} and {shown[-1]}"


def _does_or_do(rows):
    return "does" if len(rows) == 1 else "do"


def _settings_in_words(candidates: Sequence[Candidate], symbol: str) -> list[str]:
    """Settings in words; those that differ only in neighbours or signs are put together."""
    grouped: dict[tuple, list[Candidate]] = {}
    for candidate in candidates:
        grouped.setdefault(
            (candidate.low, candidate.high, candidate.extent if candidate.extent[0] else None), []
        ).append(candidate)
    words = []
    for (low, high, _), group in grouped.items():
        pairs = {(candidate.connectivity, candidate.sign) for candidate in group}
        neighbours, signs = sorted({c for c, _ in pairs}), list(dict.fromkeys(candidate.sign for candidate in group))
        if len(pairs) == len(neighbours) * len(signs):
            setting = f"{_any_of(neighbours)} neighbours, {_any_of([SIGN_WORDS[sign] for sign in signs])}"
        else:
            setting = " or ".join(f"{c} neighbours, {SIGN_WORDS[s]}" for c, s in sorted(pairs))
        candidate, (left_out, listed) = group[0], group[0].extent
        compared = (
            f"|{symbol}|"
            if candidate.sign in ("apart", "merged")
            else {"negative": f"−{symbol}"}.get(candidate.sign, symbol)
        )
        extent = (
            f", an extent threshold of {_range_in_words(left_out + 1, listed)} voxels"
            if left_out and left_out < listed
            else ""
        )
        words.append(
            f"{setting} and cutoffs in ({_interval_ends(low, high)}], e.g. {compared} ≥ {candidate.cutoff:g}{extent}"
        )
    return words


SIGN_WORDS = {
    "positive": "positive values alone",
    "negative": "negative values alone",
    "apart": "signs apart",
    "merged": "signs merged",
}


def _any_of(words):
    words = [str(word) for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _range_in_words(low, high):
    return f"{low}" if low == high else f"{low} to {high}"


def _interval_ends(low: float, high: float) -> str:
    """The ends of an interval, with one digit more than they need to differ."""
    digits = next((n for n in range(4, 16) if f"{low:.{n}g}" != f"{high:.{n}g}"), 16) + 1
    return f"{low:.{digits}g}, {high:.{digits}g}"


def ready_variant(candidate: Candidate, threshold: str) -> dict:
    """A variant of this workflow that gives the table: keys and values as in a config's ``variants``.

    It has every key that decides which clusters are kept, so that a config's ``defaults`` do not change them.

    Parameters
    ----------
    one : Candidate.
    threshold : column ``threshold`` of its row of `settings_table`.
    """
    kind, _, number = threshold.rpartition("=")
    if candidate.extent_at != candidate.extent:  # another cutoff of the interval may need another extent
        kind, number = "", repr(candidate.cutoff)
    left_out, listed = candidate.extent_at
    smallest = round_extent(left_out + 1, max(listed, left_out + 1)) if left_out else 1
    return {
        "threshold": {kind: float(number)} if kind else float(number),
        "cutoff_rule": ">=",
        "domain": "mask",
        "sided": candidate.sign if candidate.sign in ("positive", "negative") else "two",
        "signs": "merged" if candidate.sign == "merged" else "split",
        "extract_type": "connected_components",
        "connectivity": candidate.connectivity,
        "min_region_size": f"{smallest} voxels" if smallest > 1 else 0,
        "size_rule": ">=",
        "cluster_p": None,
        "cluster_q": None,
    }


def round_extent(low: int, high: int) -> int:
    """The roundest number of voxels from low to high."""
    for unit in (1000, 500, 100, 50, 20, 10, 5, 2, 1):
        number = -(-low // unit) * unit
        if number <= high:
            return number
    return low


def variant_yaml(variants: dict[str, dict]) -> str:
    """Variants as text for a config; empty for none."""
    import yaml

    return yaml.safe_dump({"variants": variants}, sort_keys=False, allow_unicode=True) if variants else ""


def row_curves(published: Published, search: Search) -> list[dict]:
    """The curves of the figure, under the best candidate: the size of each printed cluster at every cutoff.

    Returns
    -------
    list of dict, one a row that stands for a cluster or for itself
        ``row``; ``x, y, z``, as printed; ``levels``, (m,) falling, and ``sizes``, (m,) voxels: at cutoffs down to the
        next level the cluster has that size (none without a peak nearby); ``printed``, its range in voxels, None
        where no size is printed; ``allowed``, list of (low, high); ``verdict``.
    """
    if not search.candidates:
        return []
    best = search.candidates[0]
    wanted, rows = best.wanted, []
    for n, printed in enumerate(published.rows.itertuples(index=False)):
        if wanted.main[n] not in (n, -1):
            continue
        match = best.claims.get(n) or best.nearest[n]
        levels, sizes = np.zeros(0), np.zeros(0, dtype=np.int64)
        if match is not None and (n in best.claims or match.distance <= wanted.within_mm):
            curves = search.fields[best.connectivity, match.field].curves
            parts = [_events_between(curves, *link) for link in curves.chain(match.peak)]
            levels, sizes = (np.concatenate(part) for part in zip(*parts, strict=True))
        allowed = sorted({(claim.low, claim.high) for claim in best.allowed if claim.row == n})
        rows.append(
            {
                **{name: getattr(printed, name) for name in ("row", "x", "y", "z")},
                "levels": levels,
                "sizes": sizes,
                "printed": None if np.isnan(wanted.size[n, 0]) else size_range(wanted.size[n]),
                "allowed": allowed,
                "verdict": row_verdict(best, n, search),
            }
        )
    return rows


def _events_between(curves, branch, low, high):
    """Levels, no higher than `high`, and sizes of a branch for cutoffs from low to high."""
    events = slice(curves.start[branch], curves.start[branch + 1])
    within = (
        (curves.below[events] < curves.level[events]) & (curves.below[events] < high) & (curves.level[events] > low)
    )
    return np.minimum(curves.level[events][within], high), curves.n_voxels[events][within]
