"""The kinds of threshold, declared once (standard library only: the config reads this list while it is parsed).

To add a kind: an entry of `KINDS`, with the function that finds its cutoff, and its name in the schema of the config.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..distributions import Distribution
from ..io.files import UserError
from ..rules import ThresholdRule
from ..types import CutoffRule, Domain, Sided, Threshold
from .needs import SHEET, check_p, check_tail, no_family, no_smoothness

if TYPE_CHECKING:
    from ..io.stat_map import StatMap
    from .search_volume import SearchVolume

# nilearn 0.14.1 (nilearn/_utils/param_validation.py, check_threshold) keeps what is at or above a percentile's score
# plus this. On a t or z map that turns "at or above" into "above"; on a map of tiny numbers ask for `cutoff_rule: ">"`.
NILEARN_CLEARANCE = 1e-5


@dataclass(frozen=True)
class Cutoff:
    """A threshold resolved on one map.

    Attributes
    ----------
    value : float, the magnitude that is compared, never negative; ``inf`` where no value reaches it.
    rule : ``">="`` or ``">"``, how a voxel's magnitude is compared with it.
    kind : name of an entry of `KINDS`.
    domain : ``all``, ``nonzero`` or ``mask``, the voxels the number was drawn from; None where it depends on none.
    n_domain : number of voxels in the domain (for ``fdr`` and ``bonferroni`` the number of tests); None likewise.
    clearance : float, by how much more than ``value`` a magnitude must pass it (see `NILEARN_CLEARANCE`), else 0.
    method : of ``fwe``, ``random field theory`` or ``Bonferroni``, whichever gave the lower cutoff; else None.
    highest : where regions have each their own cutoff the highest of these (`value` is the lowest); else None.
    """

    value: float
    rule: CutoffRule
    kind: str
    domain: Domain | None = None
    n_domain: int | None = None
    clearance: float = 0.0
    method: str | None = None
    highest: float | None = None

    @property
    def at_least(self) -> float:
        """The smallest float64 magnitude that passes: every rule comes down to ``>=`` against it."""
        if self.clearance:
            return self.value + self.clearance
        return self.value if self.rule == ">=" else math.nextafter(self.value, math.inf)

    @property
    def per_region(self) -> bool:
        """Whether regions have each their own cutoff."""
        return KINDS[self.kind].per_region

    def entries(self) -> dict[str, Any]:
        """The cutoff as entries of a sidecar. JSON has no infinity: null is a threshold that no value reaches."""
        return ({"Method": self.method} if self.method else {}) | {
            "Cutoff": self.value if math.isfinite(self.value) else None,
            **({} if self.highest is None else {"HighestCutoff": self.highest}),
            "CutoffRule": self.rule,
            "Clearance": self.clearance,
            "Kind": self.kind,
            "Domain": self.domain,
            "DomainVoxels": self.n_domain,
        }

    @classmethod
    def from_entries(cls, entries: dict[str, Any]) -> "Cutoff":
        """The cutoff back from the entries of a sidecar."""
        value = math.inf if entries["Cutoff"] is None else entries["Cutoff"]
        names = ("CutoffRule", "Kind", "Domain", "DomainVoxels", "Clearance")
        return cls(value, *(entries[name] for name in names), entries.get("Method"), entries.get("HighestCutoff"))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of threshold.

    Attributes
    ----------
    name : its key in a block, ``{fdr: 0.05}``, and in a cell, ``fdr=0.05``; ``value`` and ``percentile`` are written
        as a number and as ``97%``.
    example : as it is written in the config.
    meaning : for the docs and the schema.
    low, high : the numbers that are accepted lie between them.
    ends : which of the two are accepted as well: ``none``, ``high`` or ``both`` (those that are finite).
    title : for titles, with the fields ``number``, ``level`` (it as a p value in words), ``over`` (the domain) and
        ``left`` (what is compared).
    sentence : for the methods paragraph, with the fields ``number``, ``level``, ``left``, ``family`` (the domain and
        its size), ``each`` (what both tails leave to each) and ``method`` (of the Cutoff).
    cites : keys of its references, see `io.references`.
    needs_p, needs_family : whether it needs p values, and those of all tests.
    needs_smoothness : whether it needs the smoothness of the noise.
    per_region : whether regions have each their own cutoff: `stability.guaranteed` finds them, not `find`.
    find : function from the number, the map, the rule, and what was searched (or None) to the Cutoff.
    """

    name: str
    example: str
    meaning: str
    low: float = 0
    high: float = 1
    ends: Literal["none", "high", "both"] = "none"
    title: str = ""
    sentence: str = ""
    cites: tuple[str, ...] = ()
    needs_p: bool = True
    needs_family: bool = False
    needs_smoothness: bool = False
    per_region: bool = False
    find: "Callable[[float, StatMap, ThresholdRule, SearchVolume | None], Cutoff] | None" = None

    def accepts(self, number: object) -> bool:
        """Whether a number is in the range."""
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            return False
        above = number > self.low or (self.ends == "both" and number == self.low)
        return above and (number < self.high or (self.ends != "none" and number == self.high))


def find_value(number, stat_map, rule, search):
    """The number itself, in the precision of the map, so that 3.1 keeps a voxel that a float32 file stores as 3.1."""
    return Cutoff(float(stat_map.values.dtype.type(number)), rule.cutoff_rule or ">=", "value")


def find_percentile(number, stat_map, rule, search):
    """The score at a percentile of the magnitudes; without a `cutoff_rule`, nilearn's clearance above it."""
    from .families import domain_mask, percentile_score

    inside = domain_mask(stat_map.values, stat_map.mask, rule.percentile_domain)
    score = percentile_score(stat_map.values, inside, number, rule.sided)
    clearance = 0.0 if rule.cutoff_rule else NILEARN_CLEARANCE
    return Cutoff(score, rule.cutoff_rule or ">", "percentile", rule.percentile_domain, int(inside.sum()), clearance)


def find_p(number, stat_map, rule, search):
    """The statistic whose p value is the number."""
    value = stat_map.distribution.cutoff(number, rule.sided)
    comparison = rule.cutoff_rule or ">="
    return Cutoff(stat_map.distribution.stored(value, stat_map.values.dtype, comparison), comparison, "p")


def find_bonferroni(number, stat_map, rule, search):
    """The statistic whose p value is the number divided by the number of tests."""
    from .families import family_of
    from .statistics import cutoff_bonferroni

    tests = int(family_of(stat_map, rule.domain).sum())
    value = cutoff_bonferroni(number, tests, stat_map.distribution, rule.sided)
    return Cutoff(value, rule.cutoff_rule or ">=", "bonferroni", rule.domain, tests)


def find_fdr(number, stat_map, rule, search):
    """The value of the last voxel that Benjamini and Hochberg call significant; it passes, whatever `cutoff_rule`."""
    from .families import family_of
    from .statistics import cutoff_fdr

    family = stat_map.values[family_of(stat_map, rule.domain)]
    value = cutoff_fdr(family, number, stat_map.distribution, rule.sided)
    return Cutoff(value, ">=", "fdr", rule.domain, family.size)


def find_fwe(number, stat_map, rule, search):
    """The height that noise exceeds anywhere with that probability, by random field theory or Bonferroni."""
    from .random_field import RandomField

    value, method = RandomField(stat_map.distribution, rule.sided, search).cutoff_fwe(number)
    return Cutoff(value, rule.cutoff_rule or ">=", "fwe", rule.domain, search.n_voxels, method=method)


_KINDS = (
    Kind(
        name="value",
        example="3.0",
        meaning="A value in the units of the map.",
        high=math.inf,
        ends="both",
        needs_p=False,
        find=find_value,
    ),
    Kind(
        name="percentile",
        example='"97%"',
        meaning="A percentile of the map's values.",
        high=100,
        ends="both",
        title="{number:g}% of {left} over {over}: ",
        sentence="at the {number:g}th percentile of {left} over {family}",
        needs_p=False,
        find=find_percentile,
    ),
    Kind(
        name="p",
        example="{p: 0.001}",
        meaning="Uncorrected p value.",
        title="{level}: ",
        sentence="at {level}{each}",
        find=find_p,
    ),
    Kind(
        name="fdr",
        needs_family=True,
        example="{fdr: 0.05}",
        meaning="False discovery rate (Benjamini-Hochberg).",
        title="FDR {number:g} over {over}: ",
        sentence="at a false discovery rate of {number:g} (Benjamini and Hochberg 1995) over {family}",
        cites=("benjamini1995",),
        find=find_fdr,
    ),
    Kind(
        name="bonferroni",
        needs_family=True,
        example="{bonferroni: 0.05}",
        meaning="Family-wise error rate.",
        title="Bonferroni {number:g} over {over}: ",
        sentence="at a family-wise error rate of {number:g} by Bonferroni's correction over {family}",
        find=find_bonferroni,
    ),
    Kind(
        name="fwe",
        needs_family=True,
        example="{fwe: 0.05}",
        meaning=(
            "Family-wise error rate of the height, by random field theory or Bonferroni, whichever cutoff is lower."
        ),
        title="FWE {number:g} over {over}: ",
        sentence="at a family-wise error rate of {number:g} over {family}, by {method}",
        needs_smoothness=True,
        find=find_fwe,
    ),
    Kind(
        name="tdp",
        needs_family=True,
        ends="high",
        example="{tdp: 0.7}",
        meaning=(
            "True discovery proportion: the largest clusters of which this share is active, each at its own cutoff."
        ),
        title="at least {number:.0%} active, over {over}: ",
        sentence=(
            "so that of each region at least {number:.0%} of the voxels are active, over all cutoffs (Chen et al. "
            "2023; true discovery proportion over {family})"
        ),
        cites=("chen2023",),
        per_region=True,
    ),
)
KINDS = {kind.name: kind for kind in _KINDS}


def parse_threshold(threshold: object) -> tuple[Kind, float]:
    """Split a threshold into kind and number: ``3.0``, ``"97%"``, ``{"p": 0.001}``, ``{"fdr": 0.05}``.

    Raises
    ------
    UserError : not one of `KINDS`, or the number is out of its range.
    """
    kind, number = None, threshold
    if isinstance(threshold, dict) and len(threshold) == 1:
        kind, number = next(iter(threshold.items()))
        kind = None if kind in ("value", "percentile") else kind  # these two are not written as blocks
    elif isinstance(threshold, str) and threshold.endswith("%"):
        with suppress(ValueError):
            kind, number = "percentile", float(threshold[:-1])
    elif not isinstance(threshold, dict):
        kind = "value"
    if kind in KINDS and KINDS[kind].accepts(number):
        return KINDS[kind], float(number)  # type: ignore[arg-type]  # `accepts` says that it is a number
    accepted = ", ".join(entry.example for name, entry in KINDS.items() if name != "value")
    raise UserError(
        f"threshold {threshold!r} is none of: a number >= 0 (for negative values: sided: negative), {accepted}"
    )


def check_threshold(
    threshold: Threshold,
    distribution: Distribution,
    sided: Sided,
    smooth: bool,
    name: str,
    what: str = "threshold",
    sheet_name: str = SHEET,
) -> None:
    """Refuse a threshold that needs what nothing says of a map.

    Parameters
    ----------
    threshold, sided : keys of the variant.
    distribution : of the map.
    smooth : whether the smoothness of its noise is known.
    name : what the map is called in the error.
    what : what the threshold is called in the error.
    sheet_name : what the sample sheet is called in the error.

    Raises
    ------
    UserError : see `needs`.
    """
    kind, number = parse_threshold(threshold)
    what = f"{what} {{{kind.name}: {number:g}}}"
    check_tail(distribution, name, what, sided)
    if kind.needs_p:
        check_p(distribution, name, what, sided, sheet_name)
    if kind.needs_family and distribution.lacks_family:
        raise no_family(name, what, distribution.lacks_family)
    if kind.needs_smoothness and not distribution.is_field:
        raise UserError(f"{name}: {what} has no theory for a map of {distribution.stat}; accepted: maps of z, t or F")
    if kind.needs_smoothness and not smooth:
        raise no_smoothness(name, what, sheet_name)
