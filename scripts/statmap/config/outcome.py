"""What a run says at its end (standard library only: the Snakefile uses it)."""

from collections.abc import Collection
from pathlib import Path

# What names of maps and variants end in, where they name files; what there is of two variants or more.
FETCHED = (".nii.gz", "_mask.nii.gz", ".json", ".sha256", ".nii.gz.download", "_mask.nii.gz.download")
OVERLAPS = (".nii.gz", *(f"_{figure}.{kind}" for figure in ("overlap", "dice") for kind in ("png", "svg", "pdf")))
COMPARISONS = ("stability.csv", "matches.csv", "dice.png", "dice.svg", "dice.pdf")


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
    paths = []
    for map_folder in sorted(path for path in folder.glob("*") if path.is_dir()):
        parts = [path.parent for path in map_folder.glob("*/regions.json")]
        if map_folder.name in maps:
            paths += sorted(path for path in parts if path.name not in variants)
            paths += _files(map_folder, COMPARISONS) if len(variants) == 1 else []
        elif parts and (map_folder / "tables.json").is_file():
            paths.append(map_folder)
    sidecars = sorted((folder / "maps").glob("*.json"))
    for name in (path.stem for path in sidecars if path.stem not in maps):
        paths += _files(folder / "maps", [name + end for end in FETCHED])
    paths += _files(folder, ["maps.csv"]) if len(maps) == 1 else []
    for name in sorted(path.name.removesuffix(".nii.gz") for path in (folder / "overlap").glob("*.nii.gz")):
        if name not in variants or len(maps) == 1:
            paths += _files(folder / "overlap", [name + end for end in OVERLAPS])
    return paths


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
    failures_of_jobs = []
    for path in sorted(Path(folder).rglob("*.log")):
        if path.stat().st_mtime >= since:
            lines = path.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()
            errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
            # The last ended the job, those before are of packages. Of a traceback, the last line says what happened.
            failures_of_jobs += [
                f"{lines[-1] if error.startswith('Traceback') else error} ({path})" for error in errors[-1:]
            ]
    return failures_of_jobs
