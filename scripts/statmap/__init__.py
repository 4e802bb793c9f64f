"""Regions from thresholded statistical brain maps: pure functions over arrays, affines and tables.

Nothing here imports snakemake or nilearn, so every function can be called from a test or a notebook. The few that a
notebook needs are `read_map`, `threshold`, `extract`, `tabulate` and `draw`, see docs/python.md.
"""

from importlib import import_module

__all__ = ["draw", "extract", "read_map", "tabulate", "threshold"]


def __getattr__(name: str) -> object:
    # Late: the Snakefile imports this package whenever it is parsed, and reads no image.
    if name in __all__:
        return getattr(import_module("statmap.interface"), name)
    raise AttributeError(f"module 'statmap' has no attribute {name!r}")
