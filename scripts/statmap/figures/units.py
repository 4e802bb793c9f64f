"""What the values of a map are called in figures."""

from .. import types
from ..inference.thresholds import symbol_of

ONE_TAILED = tuple(map(symbol_of, types.ONE_TAILED))  # units of values that have one sign


def units_of(stat: types.Stat) -> str:
    """What the values of a map are called in headings: ``t``, ``F``, ``value``."""
    return "value" if stat == "other" else symbol_of(stat)


def letter_of(units: str) -> str:
    """The letter that stands for a map's values in words."""
    return "x" if units == "value" else units


def magnitude_words(units: str) -> str:
    """What is compared with a cutoff, whatever its sign: ``|t|``, ``F``."""
    return units if units in ONE_TAILED else f"|{letter_of(units)}|"
