"""What the values of a map are called in figures."""

from ..distributions import F, PValues

ONE_TAILED = (F.symbol, PValues.symbol)  # units of values that have one sign


def letter_of(units: str) -> str:
    """The letter that stands for a map's values in words."""
    return "x" if units == "value" else units


def magnitude_words(units: str) -> str:
    """What is compared with a cutoff, whatever its sign: ``|t|``, ``F``."""
    return units if units in ONE_TAILED else f"|{letter_of(units)}|"
