"""Figures into files: only those that are asked for are drawn, each once, in every format asked for."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import matplotlib

from .page import SETTINGS, Page, save


def draw_figures(figures: Mapping[str, Callable[[], Page]], paths: Iterable[str | Path]) -> int:
    """Draw figures into files.

    Parameters
    ----------
    figures : name of a figure to the function that draws it.
    paths : files to write; the name without its suffix is that of the figure, the suffix names the format.

    Returns
    -------
    int : number of files written.

    Raises
    ------
    KeyError : a path names no figure.
    """
    wanted: dict[str, list[Path]] = {}
    for path in map(Path, paths):
        wanted.setdefault(path.stem, []).append(path)
    for name, files in wanted.items():
        with matplotlib.rc_context(SETTINGS):
            page = figures[name]()
        for path in files:
            save(page, path)
    return sum(map(len, wanted.values()))
