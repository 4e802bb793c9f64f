"""The kinds of threshold, declared once (standard library only: the config reads this list while it is parsed).

To add a kind: an entry of `KINDS`, with the function that finds its cutoff; nothing else in this package.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..io.files import UserError
from ..types import CutoffRule, Domain, Sided, Stat
from .distribution import no_smoothness

if TYPE_CHECKING:
    import numpy as np

    from .region_statistics import Search

# nilearn 0.14.1 (nilearn/_utils/param_validation.py, check_threshold) keeps what is at or above a percentile's score
# plus this. On a t or z map that turns "at or above" into "above"; on a map of tiny numbers ask for `cutoff_rule: ">"`.
NILEARN_CLEARANCE = 1e-5


@dataclass(frozen=True)
class Cutoff:
    """A threshold resolved on one map.

    Attributes
    ----------
    value : float, the magnitude that is compared, never negative; ``inf`` where nothing can survive.
    rule : ``">="`` or ``">"``, how a voxel's magnitude is compared with it.
    kind : name of an entry of `KINDS`.
    domain : ``all``, ``nonzero`` or ``mask``, the voxels the number was drawn from; None where it depends on none.
    n_domain : number of voxels in the domain (for ``fdr`` and ``bonferroni`` the number of tests); None likewise.
    clearance : float, by how much more than ``value`` a magnitude must pass it (see `NILEARN_CLEARANCE`), else 0.
    method : of ``fwe``, ``random field theory`` or ``Bonferroni``, whichever gave the lower cutoff; else None.
    highest : of ``tdp``, whose regions have each their own cutoff, the highest of these (`value` is the lowest).
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
        """The smallest float64 magnitude that survives: every rule comes down to ``>=`` against it."""
        if self.clearance:
            return self.value + self.clearance
        return self.value if self.rule == ">=" else math.nextafter(self.value, math.inf)


class Question(NamedTuple):
    """What a cutoff is asked for: the map, and the keys that kinds of threshold depend on.

    Attributes
    ----------
    data : (i, j, k) float array, finite.
    mask : (i, j, k) bool.
    sided, cutoff_rule, percentile_domain, domain : keys of the variant.
    stat, df : distribution of the map, see `statistics`.
    search : what was searched and how smooth the noise is (`region_statistics.Search`); None where it is not known.
    name : what the map is called in an error.
    """

    data: "np.ndarray"
    mask: "np.ndarray"
    sided: Sided
    cutoff_rule: CutoffRule | None
    percentile_domain: Domain
    domain: Domain
    stat: Stat
    df: float | tuple[float, float] | None
    search: "Search | None" = None
    name: str = "map"


class Kind(NamedTuple):
    """One kind of threshold.

    Attributes
    ----------
    name : its key in a block, ``{fdr: 0.05}``, and in a cell, ``fdr=0.05``; ``value`` and ``percentile`` are written
        as a number and as ``97%``.
    example : as it is written in the config.
    meaning : for the docs and the schema.
    low, high : the numbers that are accepted lie between them.
    ends : whether the two (those that are finite) are accepted as well.
    words : for titles, with the fields ``number``, ``over`` (the domain) and ``left`` (what is compared).
    needs_p : whether it needs p values, so `stat` in the sample sheet.
    find : function from the number and a `Question` to the Cutoff.
    """

    name: str
    example: str
    meaning: str
    low: float
    high: float
    ends: bool
    words: str
    needs_p: bool
    find: Callable[[float, Question], Cutoff]

    def accepts(self, number: object) -> bool:
        """Whether a number is in the range."""
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            return False
        return self.low <= number <= self.high if self.ends else self.low < number < self.high


def find_value(number, ask):
    """The number itself, in the precision of the map, so that 3.1 keeps a voxel that a float32 file stores as 3.1."""
    return Cutoff(float(ask.data.dtype.type(number)), ask.cutoff_rule or ">=", "value")


def find_percentile(number, ask):
    """The score at a percentile of the magnitudes; without a `cutoff_rule`, nilearn's clearance above it."""
    from .families import domain_mask, percentile_score

    inside = domain_mask(ask.data, ask.mask, ask.percentile_domain)
    score = percentile_score(ask.data, inside, number, ask.sided)
    clearance = 0.0 if ask.cutoff_rule else NILEARN_CLEARANCE
    return Cutoff(score, ask.cutoff_rule or ">", "percentile", ask.percentile_domain, int(inside.sum()), clearance)


def find_p(number, ask):
    """The statistic whose p value is the number.

    Permutations give p = 0.05 exactly, and many voxels of it, which a float32 file stores as a little more or less:
    what is one step of its precision away from the number counts as equal.
    """
    import numpy as np

    from .statistics import cutoff_p

    value, rule = cutoff_p(number, ask.stat, ask.df, ask.sided), ask.cutoff_rule or ">="
    if ask.stat == "log10p":
        exact = ask.data.dtype.type
        value = float(np.nextafter(exact(value), exact(0 if rule == ">=" else np.inf)))
    return Cutoff(value, rule, "p")


def find_bonferroni(number, ask):
    """The statistic whose p value is the number divided by the number of tests."""
    from .families import family_of
    from .statistics import cutoff_bonferroni

    tests = int(family_of(ask.data, ask.mask, ask.domain).sum())
    value = cutoff_bonferroni(number, tests, ask.stat, ask.df, ask.sided)
    return Cutoff(value, ask.cutoff_rule or ">=", "bonferroni", ask.domain, tests)


def find_fdr(number, ask):
    """The value of the last voxel that Benjamini and Hochberg call significant; it survives, whatever `cutoff_rule`."""
    from .families import family_of
    from .statistics import cutoff_fdr

    family = ask.data[family_of(ask.data, ask.mask, ask.domain)]
    return Cutoff(cutoff_fdr(family, number, ask.stat, ask.df, ask.sided), ">=", "fdr", ask.domain, family.size)


def find_fwe(number, ask):
    """The height that noise exceeds anywhere with that probability, by random field theory or Bonferroni."""
    from .random_field import cutoff_fwe
    from .statistics import tails_of

    if ask.search is None:
        raise no_smoothness(ask.name, f"threshold {{fwe: {number:g}}}")
    tests = ask.search.n_voxels
    value, method = cutoff_fwe(number, ask.search.resels, tests, ask.stat, ask.df, tails_of(ask.stat, ask.sided))
    return Cutoff(value, ask.cutoff_rule or ">=", "fwe", ask.domain, tests, method=method)


def find_none(number, ask):
    """A true discovery proportion has no one cutoff: `stability.guaranteed` finds its regions, each with its own."""
    raise UserError(f"{ask.name}: threshold {{tdp: {number:g}}} is a property of regions and resolves to no one cutoff")


_KINDS = (
    Kind("value", "3.0", "A value in the units of the map.", 0, math.inf, True, "", False, find_value),
    Kind(
        "percentile",
        '"97%"',
        "A percentile of the map's values.",
        0,
        100,
        True,
        "{number:g}% of {left} over {over}: ",
        False,
        find_percentile,
    ),
    Kind("p", "{p: 0.001}", "Uncorrected p value.", 0, 1, False, "p < {number:g} uncorrected: ", True, find_p),
    Kind(
        "fdr",
        "{fdr: 0.05}",
        "False discovery rate (Benjamini-Hochberg).",
        0,
        1,
        False,
        "FDR {number:g} over {over}: ",
        True,
        find_fdr,
    ),
    Kind(
        "bonferroni",
        "{bonferroni: 0.05}",
        "Family-wise error rate.",
        0,
        1,
        False,
        "Bonferroni {number:g} over {over}: ",
        True,
        find_bonferroni,
    ),
    Kind(
        "fwe",
        "{fwe: 0.05}",
        "Family-wise error rate of the height, by random field theory or Bonferroni, whichever cutoff is lower.",
        0,
        1,
        False,
        "FWE {number:g} over {over}: ",
        True,
        find_fwe,
    ),
    Kind(
        "tdp",
        "{tdp: 0.7}",
        "True discovery proportion: the largest clusters of which this share is active, each at its own cutoff.",
        0,
        1,
        False,
        "at least {number:.0%} active, over {over}: ",
        True,
        find_none,
    ),
)
KINDS = {kind.name: kind for kind in _KINDS}


def parse_threshold(threshold: object) -> tuple[str, float]:
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
        return kind, float(number)  # type: ignore[arg-type]  # `accepts` says that it is a number
    accepted = ", ".join(entry.example for name, entry in KINDS.items() if name != "value")
    raise UserError(
        f"threshold {threshold!r} is none of: a number >= 0 (for negative values: sided: negative), {accepted}"
    )
