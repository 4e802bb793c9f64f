"""What a run prints at its end (standard library only)."""

from pathlib import Path

from .csv_files import read_table
from .warned import Warned, grouped, maps_in_words, split_warnings

MOST_WARNINGS = 5


def closing_words(summary: str | Path) -> str:
    """The most frequent warnings, how much was found, and where to look first, from the CSV of rule summarise."""
    rows = read_table(summary)
    regions = counted(sum(row["n_regions"] for row in rows), "region")
    variants = counted(len({row["variant"] for row in rows}), "variant")
    maps = counted(len({row["map"] for row in rows}), "map")
    warnings = counted(sum(bool(split_warnings(row["warning"])) for row in rows), "warning")
    warned = [Warned(row["map"], row["variant"], text) for row in rows for text in split_warnings(row["warning"])]
    groups = list(grouped(warned).items())
    shown = [f"Warning: {text} ({maps_in_words(group)})" for text, group in groups[:MOST_WARNINGS]]
    others = len(groups) - MOST_WARNINGS
    more = [f"… and {counted(others, 'other warning')}, in the summary."] if others > 0 else []
    last = f"{regions} in {variants} of {maps}, {warnings}. Look first at {Path(summary).with_suffix('.html')}."
    return "\n".join([*shown, *more, last])


def counted(number: int, noun: str) -> str:
    """``1 map``, ``2 maps``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
