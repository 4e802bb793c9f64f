"""Maps of p values, as randomise (1 - p) and PALM (p, 1 - p, -log10 p) write them, as one kind of map: -log10 p."""

from typing import Literal

import numpy as np

from ..io.files import UserError

# A tested voxel of p = 1 is this, not 0, which is background
_NO_EVIDENCE = float(np.finfo(np.float32).tiny)


def minus_log10_p(
    data: np.ndarray, inside: np.ndarray, form: Literal["p", "1-p", "log10p"], name: str = "map"
) -> np.ndarray:
    """A map of p values as -log10 p, in which large means significant and 0 is background (``stat: log10p``).

    Parameters
    ----------
    data : (i, j, k) float array, finite.
    inside : (i, j, k) bool, the voxels that were tested.
    form : ``p``, where 0 becomes `smallest_p`; ``1-p``, where 1 (p below half a step of the data's precision) becomes p
        of half a step; ``log10p``, -log10 p, 0 or more.
    name : what the map is called in the error.

    Returns
    -------
    (i, j, k) float array of the precision of `data`.

    Raises
    ------
    UserError : values that are no p values of that form.
    """
    low, high = float(data[inside].min(initial=0)), float(data[inside].max(initial=0))
    most = np.inf if form == "log10p" else 1
    if low < 0 or high > most:
        accepted = "0 or more" if form == "log10p" else "0 to 1"
        raise UserError(
            f"{name}: stat {form} in the sample sheet, but values from {low:g} to {high:g}; accepted: {accepted}"
        )
    p = data[inside].astype(np.float64)
    if form == "1-p":
        # Rounded to what the file can tell: 1 - 0.95 of float32 would be more than 0.05
        step = np.finfo(data.dtype).epsneg
        p = np.maximum(np.round(1 - p, int(-np.log10(step))), step / 2)
    elif form == "p" and (p == 0).any():
        p = np.where(p == 0, smallest_p(data[inside]), p)
    log_p = np.zeros(data.shape, dtype=data.dtype)
    log_p[inside] = np.maximum(p if form == "log10p" else -np.log10(p), _NO_EVIDENCE)
    return log_p


def smallest_p(values: np.ndarray) -> float:
    """The smallest p that the values of a map allow to be told apart: what a p of 0 stands for.

    Of p values that are all multiples of one step (1 / permutations) that step, as large as any p that is rounded to 0;
    of others the smallest above 0, which is as far down as the file goes.

    Parameters
    ----------
    values : (n,) float array, p values, 0 among them.

    Returns
    -------
    float, above 0; 1 where no p is above 0.
    """
    distinct = np.unique(values[values > 0]).astype(np.float64)
    if not distinct.size:
        return 1.0
    # Of the small ones, whose differences have more digits; then of their sum, in which rounding evens out
    small = distinct[distinct < max(0.1, 2 * distinct[0])]
    step = np.diff(small, prepend=0).min()
    number = round(np.rint(small / step).sum() / small.sum()) if step > 100 * np.finfo(values.dtype).eps else 0
    if number and np.abs(distinct * number - np.rint(distinct * number)).max() < 0.01:
        return 1 / number
    return float(distinct[0])
