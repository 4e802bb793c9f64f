"""What a rule needs to know of a map before it can be applied (standard library only)."""

from ..distributions import Distribution, F
from ..io.files import UserError
from ..types import Sided

SHEET = "the sample sheet"


def no_smoothness(name: str, what: str, sheet_name: str = SHEET) -> UserError:
    """The error for what needs random field theory on a map whose smoothness the sample sheet does not give.

    Parameters
    ----------
    name, what, sheet_name : as in `check_p`.
    """
    return UserError(
        f"{name}: {what} needs the smoothness of the noise; fill in column fwhm_mm, dlh or residuals of {sheet_name}"
    )


def no_family(name: str, what: str, reason: str) -> UserError:
    """The error for what needs a whole family of tests on a map that does not hold one.

    Parameters
    ----------
    name, what : as in `check_p`.
    reason : `StatMap.lacks_family`.
    """
    return UserError(
        f"{name}: {what} needs the values of all tests, but {reason}; accepted: the map before that, or a threshold by "
        "value, percentile or p"
    )


def check_df(stat: str | None, df: object, name: str, sheet_name: str = SHEET) -> None:
    """Refuse degrees of freedom that the statistic does not have: two of F, one of any other.

    Raises
    ------
    UserError : names the column, what was found and what is accepted.
    """
    pair = isinstance(df, list | tuple)
    if df is None or stat is None or pair == (stat == F.stat):
        return
    shown = ", ".join(f"{number:g}" for number in df) if pair else df  # type: ignore[attr-defined]
    accepted = "two numbers with a comma, numerator first" if stat == F.stat else "one number, with a decimal point"
    raise UserError(f"{name}: column df of {sheet_name} is {shown}, but stat is {stat}; accepted: {accepted}")


def check_p(
    distribution: Distribution, name: str, what: str, sided: Sided = "positive", sheet_name: str = SHEET
) -> None:
    """Refuse what needs p values on a map whose distribution the sample sheet does not give.

    Parameters
    ----------
    distribution : of the map.
    name : what the map is called in the error (``map 'motor'``).
    what : what needs p values (``threshold {fdr: 0.05}``).
    sided : the tail that is looked at.
    sheet_name : what the sheet is called in the error.

    Raises
    ------
    UserError : names the column of the sample sheet to fill in, or a tail that the statistic does not have.
    """
    if lacks := distribution.lacks(sheet_name):
        raise UserError(f"{name}: {what} {lacks}")
    check_tail(distribution, name, what, sided, ("positive",))


def check_tail(
    distribution: Distribution,
    name: str,
    what: str,
    sided: Sided,
    accepted: tuple[Sided, ...] = ("positive", "two"),
) -> None:
    """Refuse a tail that the statistic does not have; see `check_p`. By value, two-sided is as good as positive."""
    if not distribution.two_tailed and sided not in accepted:
        raise UserError(
            f"{name}: {what} on a map of {distribution.stat} has one tail; accepted: sided: positive (found {sided})"
        )
