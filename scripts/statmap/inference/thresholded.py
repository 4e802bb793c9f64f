"""Whether a map was thresholded before: a gap around zero, where most values of a whole map lie."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..distributions import P_FORMS

SMALLEST = 1.5  # |z| or |t| that all values of a map exceed which was thresholded; |z| < 1.5 has probability 0.87
WEAKEST = 0.1336  # the two-sided p value of z = 1.5
TELLING = ("z", "t", "F", *P_FORMS)  # statistics of which it is known where their values lie
FEWEST = 7  # values; all of fewer may be large by chance: of 7 in noise with probability 1e-6


def gap_around_zero(
    values: np.ndarray, stat: str, df: float | list[float] | tuple[float, float] | None = None
) -> float | None:
    """The smallest magnitude of a map that was thresholded before; None for a whole map, or where it cannot be told.

    A map was thresholded where it has at least `FEWEST` values and none between 0 and the smallest magnitude, which is
    above `SMALLEST` (z, t) or has a p value below `WEAKEST` (F, p). In a map of noise that is so with probability
    0.1336^n for n independent values; a whole map of a few voxels with a strong effect in all of them looks the same.

    Parameters
    ----------
    values : (n,) float array, the map where it was tested: without 0, NaN and background.
    stat : what they are, as the sample sheet calls it.
    df : degrees of freedom; an F map needs two.

    Returns
    -------
    float, in the units of the map: of a map of p the p value (or 1 - p, or -log10 p) nearest to no effect.
    """
    if values.size < FEWEST or stat not in TELLING:
        return None
    smallest = float(values.max() if stat == "p" else np.abs(values).min())
    if stat in ("z", "t"):
        return smallest if smallest > SMALLEST else None
    if stat == "F":
        if not isinstance(df, list | tuple) or len(df) != 2:
            return None
        from scipy.special import fdtrc

        weakest = float(fdtrc(*df, smallest))
    else:
        weakest = {"p": smallest, "1-p": 1 - smallest, "log10p": 10.0**-smallest}[stat]
    return smallest if weakest < WEAKEST else None


def thresholded_before(
    gap: float | None, n_tested: int, facts: Mapping[str, Any], origin: str | None = None
) -> list[str]:
    """The warning that a map was thresholded before, or nothing.

    Its values tell, and SPM's header; NeuroVault counts zeros, and is believed where the values cannot tell.

    Parameters
    ----------
    gap : of `gap_around_zero`.
    n_tested : number of voxels with a value.
    facts : ``stat`` of the map, and ``thresholded`` where an origin says it, see `declared.statistic`.
    origin : which says it.
    """
    stat, believed = facts["stat"], origin != "NeuroVault" or n_tested < FEWEST or facts["stat"] not in TELLING
    if gap is not None:
        nearest = "nearer to p = 1 than" if stat in ("p", "1-p") else "between 0 and"
        why = f"no value lies {nearest} {gap:.4g}"
    elif facts["thresholded"] and believed:
        why = f"{'NeuroVault' if origin == 'NeuroVault' else 'its header'} says so"
    else:
        return []
    return [
        f"the map was thresholded before ({why}): what needs the whole family of tests cannot be computed from it; "
        "give the unthresholded map"
    ]
