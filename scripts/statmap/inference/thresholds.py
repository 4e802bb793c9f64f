"""From a threshold as it is written in the config to the voxels that pass it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..types import CutoffRule, Domain, Sided, Stat
from .distribution import check_stat
from .families import magnitude
from .kinds import KINDS, Cutoff, Question, parse_threshold

if TYPE_CHECKING:
    from .region_statistics import Search


def cutoff_entries(cutoff: Cutoff) -> dict:
    """A cutoff as entries of a sidecar. JSON has no infinity: null is a threshold that no value reaches."""
    method = {"Method": cutoff.method} if cutoff.method else {}
    highest = {"HighestCutoff": cutoff.highest} if cutoff.highest is not None else {}
    return method | {
        "Cutoff": cutoff.value if np.isfinite(cutoff.value) else None,
        **highest,
        "CutoffRule": cutoff.rule,
        "Clearance": cutoff.clearance,
        "Kind": cutoff.kind,
        "Domain": cutoff.domain,
        "DomainVoxels": cutoff.n_domain,
    }


def cutoff_of(sidecar: Mapping) -> Cutoff:
    """The cutoff back from the entries of a sidecar."""
    value = float("inf") if sidecar["Cutoff"] is None else sidecar["Cutoff"]
    names = ("CutoffRule", "Kind", "Domain", "DomainVoxels", "Clearance")
    return Cutoff(value, *(sidecar[name] for name in names), sidecar.get("Method"), sidecar.get("HighestCutoff"))


def write_threshold(threshold: object) -> str:
    """A threshold as text: ``3.0``, ``97%``, ``fdr=0.05`` (as in a variant table)."""
    if isinstance(threshold, dict):
        return "=".join(str(part) for part in next(iter(threshold.items())))
    return str(threshold)


def resolve_cutoff(
    data: np.ndarray,
    mask: np.ndarray,
    *,
    threshold: object,
    sided: Sided,
    cutoff_rule: CutoffRule | None,
    percentile_domain: Domain,
    domain: Domain,
    stat: Stat,
    df: float | tuple[float, float] | None,
    search: "Search | None" = None,
    name: str = "map",
) -> Cutoff:
    """Turn a variant's threshold into a number on one map, by the entry of `kinds.KINDS` that it is of.

    Parameters
    ----------
    data : (i, j, k) float array, finite.
    mask : (i, j, k) bool.
    threshold : as in the config, see `parse_threshold`.
    sided, cutoff_rule, percentile_domain, domain : keys of the variant.
    stat, df : distribution of the map, see `statistics`.
    search : what was searched (`region_statistics.search_of`), for ``fwe``; None where no smoothness is known.
    name : what the map is called in an error.

    Returns
    -------
    Cutoff : never below 0: of a one-sided threshold that would keep values of the other sign only those on the side
        that is asked for survive.

    Raises
    ------
    UserError : no threshold, or one that needs p values on a map whose distribution is not known.
    """
    kind, number = parse_threshold(threshold)
    if KINDS[kind].needs_p:
        check_stat(stat, df, name, f"threshold {{{kind}: {number:g}}}", sided)
    cutoff = KINDS[kind].find(
        number, Question(data, mask, sided, cutoff_rule, percentile_domain, domain, stat, df, search, name)
    )
    # One-sided, p > 0.5 or a lax FDR lies below 0, where values of the other sign would survive
    return replace(cutoff, value=0.0) if cutoff.value < 0 else cutoff


def suprathreshold_mask(data: np.ndarray, cutoff: Cutoff, sided: Sided) -> np.ndarray:
    """Voxels that pass a cutoff; zero is background and never does.

    Parameters
    ----------
    data : (i, j, k) float array, finite.
    cutoff : Cutoff.
    sided : ``two``, ``positive`` or ``negative``.

    Returns
    -------
    (i, j, k) bool
    """
    # A float64 scalar: numpy would round a Python float to the precision of a float32 map before it compares.
    return (magnitude(data, sided) >= np.float64(cutoff.at_least)) & (data != 0)


def symbol_of(stat: Stat) -> str:
    """What the values of a map are called in formulas, axes and headings."""
    return {"other": "x", "log10p": "−log₁₀ p"}.get(stat, stat)


def describe(cutoff: Cutoff, *, threshold: object, sided: Sided, stat: Stat) -> str:
    """Say a variant's rule and its cutoff in one line, for titles: ``97% of |t| over all voxels: |t| > 4.42``."""
    symbol = symbol_of(stat)
    left = {"two": f"|{symbol}|", "positive": symbol, "negative": f"−{symbol}"}[sided]
    kind, number = parse_threshold(threshold)
    over = {"all": "all voxels", "nonzero": "nonzero voxels", "mask": "the mask", None: ""}[cutoff.domain]
    how = KINDS[kind].words.format(number=number, over=over, left=left)
    if np.isinf(cutoff.value):
        return f"{how}no cutoff reaches it"
    if cutoff.highest is not None:
        return f"{how}each region at its own cutoff, {left} ≥ {span(cutoff.value, cutoff.highest)}"
    return f"{how}{left} {cutoff.rule.replace('>=', '≥')} {cutoff.value:.4g}"


def span(low: float, high: float) -> str:
    """The cutoffs of regions that have each their own, ``2.85 to 4.95``; one number where both are written alike."""
    return " to ".join(dict.fromkeys(f"{cutoff:.4g}" for cutoff in (low, high)))
