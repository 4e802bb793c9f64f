"""Figures into files: only those that are asked for are drawn, each once, in every format asked for."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ..io.files import writing
from .page import Page
from .raster import draw_pixels


def save(page: Page, path: str | Path) -> None:
    """Write a page as the suffix says, to the same bytes every time: png, svg, pdf, or txt for its caption alone."""
    kind = Path(path).suffix.lstrip(".")
    with writing(path) as temporary:
        if kind == "png":
            dpi = page.style.dpi
            draw_pixels(page).save(temporary, "png", dpi=(dpi, dpi), compress_level=3)
        elif kind == "txt":
            temporary.write_text(page.caption + "\n", encoding="utf-8")
        else:
            from .vector import write_vectors  # matplotlib takes longer to import than ten pages to draw

            write_vectors(page, temporary, kind)


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
    files_by_name: dict[str, list[Path]] = {}
    for path in map(Path, paths):
        files_by_name.setdefault(path.stem, []).append(path)
    for name, files in files_by_name.items():
        page = figures[name]()
        for path in files:
            save(page, path)
    return sum(map(len, files_by_name.values()))
