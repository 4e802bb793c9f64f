"""What a run says at its end (standard library only: the Snakefile uses it)."""

import csv
from pathlib import Path


def last_words(summary):
    """How much was found, and where to look first, from the CSV of rule summarise."""
    with open(summary, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    regions = counted(sum(int(row["n_regions"]) for row in rows), "region")
    variants = counted(len({row["variant"] for row in rows}), "variant")
    maps = counted(len({row["map"] for row in rows}), "map")
    warnings = counted(sum(row["warning"] != "none" for row in rows), "warning")
    folder = Path(summary).parent
    return (
        f"{regions} in {variants} of {maps}, {warnings}. Look first at {folder}/summary.html or {summary}; "
        f"the figures and tables of a variant are in {folder}/<map>/<variant>/."
    )


def counted(number, noun):
    """``1 map``, ``2 maps``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
