"""Warnings of many maps and variants, grouped by their text (standard library only)."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")


NONE, BETWEEN = "none", " | "


def join_warnings(texts: Sequence[str]) -> str:
    """Warnings as a cell of column `warning`."""
    return BETWEEN.join(texts) or NONE


def split_warnings(cell: str) -> list[str]:
    """Warnings back from the cell."""
    return [] if cell == NONE else cell.split(BETWEEN)


class Warned(NamedTuple):
    """One warning, and the map and variant that it is about."""

    map: str
    variant: str
    text: str


def grouped(warnings: Sequence[Warned]) -> dict[str, list[Warned]]:
    """Warnings that differ in their numbers only, grouped by text, the most frequent first.

    Where the numbers differ, the text has the lowest and the highest.
    """
    groups: dict[tuple[str, ...], list[Warned]] = {}
    for warning in warnings:
        groups.setdefault(tuple(NUMBER.split(warning.text)), []).append(warning)
    by_text = {}
    for words, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        numbers = zip(*(NUMBER.findall(warning.text) for warning in group), strict=True)
        spans = [f"{low} to {high}" if low != high else low for low, high in map(_ends, numbers)]
        by_text["".join(part for pair in zip_longest(words, spans, fillvalue="") for part in pair)] = group
    return by_text


def maps_in_words(warnings: Sequence[Warned]) -> str:
    """The map that warnings are about, by its name, or their number: ``faces``, ``3 maps``."""
    maps = list(dict.fromkeys(warning.map for warning in warnings))
    return maps[0] if len(maps) == 1 else f"{len(maps):,} maps"


def _ends(numbers: Sequence[str]) -> tuple[str, str]:
    ascending = sorted(numbers, key=float)
    return ascending[0], ascending[-1]
