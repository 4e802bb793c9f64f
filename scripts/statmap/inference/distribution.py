"""Whether p values of a map can be had: its statistic, degrees of freedom, smoothness (standard library only)."""

import math

from ..io.files import UserError
from ..types import ONE_TAILED, Sided


def no_smoothness(name: str, what: str, sheet_name: str = "the sample sheet") -> UserError:
    """The error for what needs random field theory on a map whose smoothness the sample sheet does not give.

    Parameters
    ----------
    name, what, sheet_name : as in `check_stat`.
    """
    return UserError(
        f"{name}: {what} needs the smoothness of the noise; fill in column fwhm_mm, dlh or residuals of {sheet_name}"
    )


def check_stat(
    stat: str,
    df: float | list[float] | tuple[float, ...] | None,
    name: str,
    what: str,
    sided: Sided = "positive",
    sheet_name: str = "the sample sheet",
) -> None:
    """Refuse what needs p values on a map whose distribution the sample sheet does not give.

    Parameters
    ----------
    stat : column `stat` of the sample sheet.
    df : column `df` (None or NaN: left empty).
    name : what the map is called in the error (``map 'motor'``).
    what : what needs p values (``threshold {fdr: 0.05}``).
    sided : the tail that is looked at.
    sheet_name : what the sheet is called in the error.

    Raises
    ------
    UserError : names the column of the sample sheet to fill in, or a tail that the statistic does not have.
    """
    if stat not in ("z", "t", "F", "log10p"):
        raise UserError(
            f"{name}: {what} needs p values, but column stat of {sheet_name} is '{stat}'; "
            "fill in z, or t or F together with column df, or p, 1-p or log10p"
        )
    if stat in ONE_TAILED and sided != "positive":
        raise UserError(f"{name}: {what} on a map of {stat} has one tail; accepted: sided: positive (found {sided})")
    if stat == "F":
        if not isinstance(df, list | tuple) or len(df) != 2 or not all(0 < one < math.inf for one in df):
            raise UserError(
                f"{name}: {what} needs p values of an F map, but column df of {sheet_name} is {df}; fill in two "
                "degrees of freedom with a comma, numerator first"
            )
        return
    if stat == "t" and (isinstance(df, list | tuple) or df is None or not 0 < df < math.inf):
        found = "empty" if df is None or df != df else df
        raise UserError(
            f"{name}: {what} needs p values of a t map, but column df of {sheet_name} is {found}; "
            "fill in the degrees of freedom, a number above 0"
        )
