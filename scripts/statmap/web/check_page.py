"""The page of a published table: the answer in a sentence, its figure, its rows, every setting that was found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .pages import render
from .pictures import picture
from .tables import MOST_ROWS, download, table

# What each verdict of `published.report.row_verdict` means.
WORDS = {
    "exact": "size and value are as printed.",
    "rounded": "size and value fit if the last printed digit was rounded or truncated.",
    "no peak nearby": "the map has no peak within the allowed distance of the printed position.",
    "no such centre": "no cluster of that size has its centre of mass there.",
    "other value": "the peak there has another value.",
    "other sign": "the peak there has the other sign.",
    "below the cutoff": "the peak there does not pass the cutoff of the other rows.",
    "not the peak of its cluster": "its cluster has a higher peak at that cutoff.",
    "other size": "its cluster has another size at that cutoff.",
    "other mean": "its cluster has another mean at that cutoff.",
    "in another cluster": "at that cutoff it does not belong to the cluster that the table puts it in.",
    "taken": "another row is matched with the same cluster.",
}


def check_page(
    title: str,
    about: str,
    verdict: str,
    tables: Mapping[str, tuple[Path, Sequence[Mapping[str, Any]]]],
    variant: str,
    figure: Path,
) -> str:
    """The page of one published table.

    Parameters
    ----------
    title, about : of the table.
    verdict : the answer in a sentence.
    tables : path and rows of ``settings.csv`` and of ``rows.csv``, which the page shows (`MOST_ROWS` at most) and
        offers to save.
    variant : YAML of the variant that gives the table, empty where nothing does.
    figure : ``check.png``.

    Returns
    -------
    str : HTML with its figure in it; it loads nothing.
    """
    (settings_path, settings), (rows_path, rows) = tables["settings.csv"], tables["rows.csv"]
    verdicts = {row["verdict"] for row in rows}

    def shown(lines):
        return [name for name in (lines[0] if lines else []) if name not in ("map", "table")]

    return render(
        "check.html.j2",
        title=title,
        at=Path(*figure.parts[-4:]).with_suffix(".html").as_posix(),
        figure=picture(figure),
        about=about,
        verdict=verdict,
        words={word: meaning for word, meaning in WORDS.items() if word in verdicts},
        parts=[
            {
                "heading": "Rows, under the first setting",
                "table": table(rows, shown(rows), "rows.csv", most=MOST_ROWS),
                "file": download(rows_path, "rows.csv", figure.parent),
            },
            {
                "heading": f"Settings, best first ({len(settings):,})",
                "table": table(settings, shown(settings), "settings.csv", most=MOST_ROWS),
                "file": download(settings_path, "settings.csv", figure.parent),
            },
        ],
        variant=variant,
    )
