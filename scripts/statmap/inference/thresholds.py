"""From a threshold as it was asked for to a number on one map, to the voxels that pass it, and back into words."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..distributions import Distribution
from ..io.sidecar import Sidecar, part
from ..io.stat_map import StatMap
from ..rules import ThresholdRule, rule_from
from ..types import Sided, Threshold
from .families import magnitude
from .kinds import Cutoff, check_threshold, parse_threshold
from .needs import no_family
from .search_volume import SearchVolume

_SIDES = {"two": "|{}|", "positive": "{}", "negative": "−{}"}
_DOMAINS = {"all": "all voxels", "nonzero": "nonzero voxels", "mask": "the mask", None: ""}


@dataclass(frozen=True, eq=False)
class Thresholded:
    """A threshold applied to a map.

    Attributes
    ----------
    rule : of the variant.
    cutoff : what its threshold resolved to.
    search : what was searched; None where no smoothness is known.
    """

    rule: ThresholdRule
    cutoff: Cutoff
    search: SearchVolume | None = None


@dataclass(frozen=True, kw_only=True)
class ThresholdSidecar(Sidecar):
    """The record of a thresholded map, ``thresholded.json``.

    Attributes
    ----------
    parameters : keys of the variant, and ``stat`` and ``df`` of the map.
    rule : the threshold and its cutoff in words.
    cutoff, search : as in `Thresholded`.
    suprathreshold_voxels : their number.
    lacks_family : why the map does not hold a whole family of tests; None where it does.
    """

    parameters: dict[str, Any]
    rule: str
    cutoff: Cutoff = part(Cutoff)
    suprathreshold_voxels: int
    search: SearchVolume | None = part(SearchVolume, default=None)
    lacks_family: str | None = None

    @property
    def thresholded(self) -> Thresholded:
        """What it records."""
        return Thresholded(rule_from(ThresholdRule, self.parameters), self.cutoff, self.search)


def write_threshold(threshold: Threshold) -> str:
    """A threshold as text: ``3.0``, ``97%``, ``fdr=0.05`` (as in a variant table)."""
    if isinstance(threshold, dict):
        return "=".join(str(part) for part in next(iter(threshold.items())))
    return str(threshold)


def resolve_cutoff(
    stat_map: StatMap, rule: ThresholdRule, search: SearchVolume | None = None, name: str | None = None
) -> Cutoff:
    """Turn a variant's threshold into a number on one map, by the entry of `kinds.KINDS` that it is of.

    Parameters
    ----------
    stat_map : the map.
    rule : of the variant; its threshold is of a kind that resolves to one cutoff.
    search : what was searched, see `search_volume`; None where no smoothness is known.
    name : what the map is called in an error.

    Returns
    -------
    Cutoff : at least 0. A lax threshold of one side (p > 0.5, or a lax FDR) would come out below 0, where values of
        the other sign pass: its cutoff is 0.

    Raises
    ------
    UserError : no threshold, or one that needs what is not known of the map.
    """
    kind, number = parse_threshold(rule.threshold)
    check_on_map(stat_map, rule, search, name)
    assert kind.find is not None, f"{kind.name} resolves to no one cutoff"
    cutoff = kind.find(number, stat_map, rule, search)
    return replace(cutoff, value=0.0) if cutoff.value < 0 else cutoff


def check_on_map(stat_map: StatMap, rule: ThresholdRule, search: SearchVolume | None, name: str | None = None) -> None:
    """Refuse a threshold that needs what is not known of a map, or what the map does not hold.

    Raises
    ------
    UserError : see `kinds.check_threshold` and `needs.no_family`.
    """
    name = name or str(stat_map)
    kind, _ = parse_threshold(rule.threshold)
    if kind.needs_family and stat_map.lacks_family:
        raise no_family(name, f"threshold {write_threshold(rule.threshold)}", stat_map.lacks_family)
    check_threshold(rule.threshold, stat_map.distribution, rule.sided, search is not None, name)


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


def compared(distribution: Distribution, sided: Sided) -> str:
    """What is compared with a cutoff, in symbols: ``|t|``, ``t`` or ``−t``."""
    return _SIDES[sided].format(distribution.symbol)


def describe(thresholded: Thresholded, distribution: Distribution) -> str:
    """Say a variant's rule and its cutoff in one line, for titles: ``97% of |t| over all voxels: |t| > 4.42``."""
    cutoff, left = thresholded.cutoff, compared(distribution, thresholded.rule.sided)
    kind, number = parse_threshold(thresholded.rule.threshold)
    level = distribution.level_in_words(number)
    title = kind.title.format(number=number, level=level, over=_DOMAINS[cutoff.domain], left=left)
    if np.isinf(cutoff.value):
        return f"{title}no cutoff reaches it"
    if cutoff.highest is not None:
        return f"{title}each region at its own cutoff, {left} ≥ {span(cutoff.value, cutoff.highest)}"
    return f"{title}{left} {cutoff.rule.replace('>=', '≥')} {cutoff.value:.4g}"


def span(low: float, high: float) -> str:
    """The cutoffs of regions that have each their own, ``2.85 to 4.95``; one number where both are written alike."""
    return " to ".join(dict.fromkeys(f"{cutoff:.4g}" for cutoff in (low, high)))
