"""From a threshold as it is written in the config to the voxels that pass it."""

from dataclasses import dataclass

import numpy as np

from ..io.files import UserError

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
    kind : ``value``, ``percentile``, ``p``, ``fdr`` or ``bonferroni``.
    domain : ``all``, ``nonzero`` or ``mask``, the voxels the number was drawn from; None for ``value`` and ``p``.
    n_domain : number of voxels in the domain (for ``fdr`` and ``bonferroni`` the number of tests); None likewise.
    clearance : float, by how much more than ``value`` a magnitude must pass it (see `NILEARN_CLEARANCE`), else 0.
    """

    value: float
    rule: str
    kind: str
    domain: str | None = None
    n_domain: int | None = None
    clearance: float = 0.0

    @property
    def at_least(self):
        """The smallest float64 magnitude that survives: every rule comes down to ``>=`` against it."""
        if self.clearance:
            return self.value + self.clearance
        return self.value if self.rule == ">=" else float(np.nextafter(self.value, np.inf))


def parse_threshold(threshold):
    """Split a threshold into kind and number: ``3.0``, ``"97%"``, ``{"p": 0.001}``, ``{"fdr": 0.05}``.

    Raises
    ------
    UserError : not one of those, or the number is out of range.
    """
    if isinstance(threshold, dict) and len(threshold) == 1:
        kind, number = next(iter(threshold.items()))
        if kind in ("p", "fdr", "bonferroni") and isinstance(number, int | float) and 0 < number < 1:
            return kind, float(number)
    elif isinstance(threshold, str) and threshold.endswith("%"):
        try:
            number = float(threshold[:-1])
        except ValueError:
            number = -1.0
        if 0 <= number <= 100:
            return "percentile", number
    elif isinstance(threshold, int | float) and not isinstance(threshold, bool) and 0 <= threshold < float("inf"):
        return "value", float(threshold)
    raise UserError(
        f"threshold {threshold!r} is none of: a number >= 0 (for negative values: sided: negative), "
        '"97%", {p: 0.001}, {fdr: 0.05}, {bonferroni: 0.05}'
    )


def cutoff_entries(cutoff):
    """A cutoff as entries of a sidecar. JSON has no infinity: null is a threshold that no value reaches."""
    return {
        "Cutoff": cutoff.value if np.isfinite(cutoff.value) else None,
        "CutoffRule": cutoff.rule,
        "Clearance": cutoff.clearance,
        "Kind": cutoff.kind,
        "Domain": cutoff.domain,
        "DomainVoxels": cutoff.n_domain,
    }


def cutoff_of(sidecar):
    """The cutoff back from the entries of a sidecar."""
    value = float("inf") if sidecar["Cutoff"] is None else sidecar["Cutoff"]
    names = ("CutoffRule", "Kind", "Domain", "DomainVoxels", "Clearance")
    return Cutoff(value, *(sidecar[name] for name in names))


def write_threshold(threshold):
    """A threshold as text: ``3.0``, ``97%``, ``fdr=0.05`` (as in a variant table)."""
    if isinstance(threshold, dict):
        return "=".join(str(part) for part in next(iter(threshold.items())))
    return str(threshold)


def magnitude(data, sided):
    """What is compared with the cutoff: |x| (``two``), x (``positive``) or -x (``negative``); same shape as `data`."""
    if sided == "two":
        return np.abs(data)
    return data if sided == "positive" else -data


def domain_mask(data, mask, domain):
    """Voxels that a percentile or a family of tests is taken over.

    Parameters
    ----------
    data : (i, j, k) array.
    mask : (i, j, k) bool, the map's mask (without one in the sample sheet, its nonzero voxels).
    domain : ``all``, ``nonzero`` or ``mask``.

    Returns
    -------
    (i, j, k) bool
    """
    return {"all": np.ones_like(mask), "nonzero": data != 0, "mask": mask}[domain]


def percentile_score(data, inside, percentile, sided):
    """Score at a percentile of the magnitudes in a domain, linear interpolation (nilearn: ``scoreatpercentile``).

    Two-sided it is a percentile of |x|; one-sided, of the values on that side of zero, zero included.
    """
    values = magnitude(data[inside], sided).astype(np.float64)
    if sided != "two":
        values = values[values >= 0]
    return float(np.percentile(values, percentile)) if values.size else float("inf")


def resolve_cutoff(data, mask, spec, name="map"):
    """Turn a variant's threshold into a number on one map.

    Parameters
    ----------
    data : (i, j, k) float array, finite.
    mask : (i, j, k) bool.
    spec : dict with ``threshold``, ``sided``, ``cutoff_rule``, ``percentile_domain``, ``domain``, ``stat``, ``df``.
    name : what the map is called in an error.

    Returns
    -------
    Cutoff

    Notes
    -----
    A value is first rounded to the precision of the map, so that 3.1 keeps a voxel that a float32 file stores as 3.1.
    A percentile without a ``cutoff_rule`` keeps what clears its score by 1e-5, as nilearn does.
    Statistical thresholds are worked out in float64. That of ``fdr`` is the value of the last significant voxel, which
    survives: it is compared with ``>=`` whatever ``cutoff_rule`` says.
    """
    kind, number = parse_threshold(spec["threshold"])
    rule = ">=" if kind == "fdr" else spec["cutoff_rule"] or (">" if kind == "percentile" else ">=")
    if kind == "value":
        return Cutoff(float(data.dtype.type(number)), rule, kind)
    if kind == "percentile":
        domain = spec["percentile_domain"]
        inside = domain_mask(data, mask, domain)
        score = percentile_score(data, inside, number, spec["sided"])
        clearance = 0.0 if spec["cutoff_rule"] else NILEARN_CLEARANCE
        return Cutoff(score, rule, kind, domain, int(inside.sum()), clearance)

    from . import statistics  # only these three kinds need scipy

    stat, df, sided = spec["stat"], spec["df"], spec["sided"]
    statistics.check_stat(stat, df, name, f"threshold {{{kind}: {number:g}}}")
    if kind == "p":
        return Cutoff(statistics.cutoff_p(number, stat, df, sided), rule, kind)
    domain = spec["domain"]
    inside = domain_mask(data, mask, domain)
    tests = int(inside.sum())
    if kind == "bonferroni":
        value = statistics.cutoff_bonferroni(number, tests, stat, df, sided) if tests else float("inf")
    else:
        value = statistics.cutoff_fdr(data[inside].astype(np.float64), number, stat, df, sided)
    return Cutoff(value, rule, kind, domain, tests)


def find_survivors(data, cutoff, sided):
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


def describe(spec, cutoff, stat):
    """Say a variant's rule and its cutoff in one line, for titles: ``97% of |t| over all voxels: |t| > 4.42``."""
    symbol = {"t": "t", "z": "z"}.get(stat, "x")
    left = {"two": f"|{symbol}|", "positive": symbol, "negative": f"-{symbol}"}[spec["sided"]]
    kind, number = parse_threshold(spec["threshold"])
    over = {"all": "all voxels", "nonzero": "nonzero voxels", "mask": "the mask", None: ""}[cutoff.domain]
    how = {
        "value": "",
        "percentile": f"{number:g}% of {left} over {over}: ",
        "p": f"p < {number:g} uncorrected: ",
        "fdr": f"FDR {number:g} over {over}: ",
        "bonferroni": f"Bonferroni {number:g} over {over}: ",
    }[kind]
    if np.isinf(cutoff.value):
        return f"{how}no cutoff reaches it"
    return f"{how}{left} {cutoff.rule.replace('>=', '≥')} {cutoff.value:.4g}"
