"""What a run says at its end (standard library only: the Snakefile uses it)."""

from collections.abc import Collection
from pathlib import Path

from ..tables.csv_files import read_table
from ..tables.warned import Warned, grouped

MOST_WARNINGS = 5  # that a run prints at its end
# What names of maps and variants end in, where they name files; what there is of two variants or more.
FETCHED = (".nii.gz", "_mask.nii.gz", ".json", ".sha256", ".nii.gz.download", "_mask.nii.gz.download")
OVERLAPS = (".nii.gz", *(f"_{figure}.{kind}" for figure in ("overlap", "dice") for kind in ("png", "svg", "pdf")))
COMPARISONS = ("stability.csv", "matches.csv", "dice.png", "dice.svg", "dice.pdf")


def last_words(summary: str | Path) -> str:
    """The most frequent warnings, how much was found, and where to look first, from the CSV of rule summarise."""
    rows = read_table(summary)
    regions = counted(sum(row["n_regions"] for row in rows), "region")
    variants = counted(len({row["variant"] for row in rows}), "variant")
    maps = counted(len({row["map"] for row in rows}), "map")
    warnings = counted(sum(row["warning"] != "none" for row in rows), "warning")
    folder = Path(summary).parent
    warned = [
        Warned(row["map"], row["variant"], text)
        for row in rows
        for text in row["warning"].split(" | ")
        if text != "none"
    ]
    groups = [(text, list(dict.fromkeys(one.map for one in own))) for text, own in grouped(warned).items()]
    shown = [f"Warning: {text} ({of[0] if len(of) == 1 else f'{len(of)} maps'})" for text, of in groups[:MOST_WARNINGS]]
    others = len(groups) - MOST_WARNINGS
    more = [f"… and {counted(others, 'other warning')}, in the summary."] if others > 0 else []
    last = (
        f"{regions} in {variants} of {maps}, {warnings}. Look first at {folder}/summary.html or {summary}; "
        f"the figures and tables of a variant are in {folder}/<map>/<variant>/."
    )
    return "\n".join([*shown, *more, last])


def left_behind(folder: str | Path, maps: Collection[str], variants: Collection[str]) -> list[Path]:
    """Results of maps and variants that are in the config no more, and of nothing else.

    Parameters
    ----------
    folder : ``results``.
    maps, variants : ids of the config.

    Returns
    -------
    list of Path : folders of variants, folders of maps, what was fetched of these, and comparisons with them, by name.
        Only what has the files of this workflow's rules is taken for theirs.
    """
    folder = Path(folder)
    found = []
    for own in sorted(path for path in folder.glob("*") if path.is_dir()):
        parts = [path.parent for path in own.glob("*/regions.json")]
        if own.name in maps:
            found += sorted(path for path in parts if path.name not in variants)
            found += _files(own, COMPARISONS) if len(variants) == 1 else []
        elif parts and (own / "tables.json").is_file():
            found.append(own)
    sidecars = sorted((folder / "maps").glob("*.json"))
    for name in (path.stem for path in sidecars if path.stem not in maps):
        found += _files(folder / "maps", [name + end for end in FETCHED])
    found += _files(folder, ["maps.csv"]) if len(maps) == 1 else []
    for name in sorted(path.name.removesuffix(".nii.gz") for path in (folder / "overlap").glob("*.nii.gz")):
        if name not in variants or len(maps) == 1:
            found += _files(folder / "overlap", [name + end for end in OVERLAPS])
    return found


def _files(folder, names):
    """Those of the files that are there."""
    return [path for path in (folder / name for name in names) if path.is_file()]


def failures(folder: str | Path, since: float) -> list[str]:
    """What went wrong in a run: the errors in the logs of its jobs.

    Parameters
    ----------
    folder : ``results/logs``.
    since : time at which the run began, in seconds of the epoch; older logs are of other runs.

    Returns
    -------
    list of str : ``map 'faces': ... (results/logs/fetch_map/faces.log)``, by path.
    """
    found = []
    for path in sorted(Path(folder).rglob("*.log")):
        if path.stat().st_mtime >= since:
            lines = path.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
            errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
            # The last ended the job, those before are of packages. Of a traceback, the last line says what happened.
            found += [f"{lines[-1] if error.startswith('Traceback') else error} ({path})" for error in errors[-1:]]
    return found


def counted(number: int, noun: str) -> str:
    """``1 map``, ``2 maps``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
