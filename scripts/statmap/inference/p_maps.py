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
    inside : (i, j, k) bool, the mask. A voxel of it where a map of p is 0 counts as background: no test gives p = 0.
    form : ``p``; ``1-p``, where 1 (p below half a step of the data's precision) becomes p of half a step; ``log10p``,
        -log10 p, 0 or more.
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
    tested = inside & (data != 0) if form == "p" else inside
    p = data[tested].astype(np.float64)
    if form == "1-p":
        # Rounded to what the file can tell: 1 - 0.95 of float32 would be more than 0.05
        step = np.finfo(data.dtype).epsneg
        p = np.maximum(np.round(1 - p, int(-np.log10(step))), step / 2)
    found = np.zeros(data.shape, dtype=data.dtype)
    found[tested] = np.maximum(p if form == "log10p" else -np.log10(p), _NO_EVIDENCE)
    return found
