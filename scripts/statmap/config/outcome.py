"""Results that the config no longer has, and the errors of a run (standard library only: the Snakefile uses it)."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from ..io.files import REMOVED

# Endings of the files of an atlas, of a map and of a comparison of maps. `left_behind` finds them by the last one,
# which is removed last: where the process is killed, the next finds the rest.
FETCHED_ATLAS = (".nii.gz", ".sha256", ".nii.gz.download", ".json")
FETCHED = (".nii.gz", "_mask.nii.gz", ".sha256", ".nii.gz.download", "_mask.nii.gz.download", ".json")
OVERLAPS = (*(f"_{figure}.{kind}" for figure in ("overlap", "dice") for kind in ("png", "svg", "pdf")), ".nii.gz")
# Files of a map with two variants or more.
COMPARISONS = ("stability.csv", "matches.csv", "dice.png", "dice.svg", "dice.pdf")


LARGE_REPORT = 100 * 10**6  # bytes: beyond it a browser takes long to open report.html
# What report.html holds, by its place in the folder of results; of a page per region where it is asked for.
REPORTED = (
    "summary.html",
    "maps.html",
    "*/*.html",
    "*/*.png",
    "*/*/*.png",
    "*/published/*/check.html",
    "*/published/*/check.png",
)
REPORTED_PAGES = "*/*/pages/*.png"


AFTER_FAILURES = (
    "All other jobs are done. Fix what failed, or put # before its row of the sheet; then run the same command again."
)


class Wanted(NamedTuple):
    """What a config asks for: ids of its maps, variants and atlases, its tables as (map, table), whether it sweeps."""

    maps: Collection[str]
    variants: Collection[str]
    atlases: Collection[str] = ()
    tables: Collection[tuple[str, str]] = ()
    sweep: bool = True


def large_report(folder: str | Path, pages: bool) -> str | None:
    """What to do where a report of these results is too large for one page to hold; None where it is not.

    Parameters
    ----------
    folder : ``results``.
    pages : whether the report holds the page of each region.
    """
    patterns = [*REPORTED, *([REPORTED_PAGES] if pages else [])]
    size = sum(path.stat().st_size for pattern in patterns for path in Path(folder).glob(pattern)) * 4 // 3  # as base64
    if size < LARGE_REPORT:
        return None
    return (
        f"A report.html of these results would be {size / 1e6:,.0f} MB: write `--report results/report.zip`, which "
        "opens faster, or none, since summary.html leads to all pages"
    )


def how_to_prune(names: str) -> str:
    """What to do with results that the config no longer has, `left_behind` in words."""
    return (
        f"Not in the config any more: {names}. To remove exactly that, put `prune` before the options of this command: "
        "`snakemake prune --directory … --configfile …`; with -n it is only listed."
    )


def left_behind(folder: str | Path, wanted: Wanted) -> list[Path]:
    """Results of maps, variants, tables and atlases that the config no longer has, and no other files.

    Parameters
    ----------
    folder : ``results``.
    wanted : what the config asks for.

    Returns
    -------
    list of Path : folders of variants, sweeps, published tables and maps, tables by label, what was fetched, logs and
        benchmarks of these, and comparisons with them, by name. A folder counts only where it has files of this
        workflow's rules. Folders that a killed removal left come first.
    """
    folder, maps = Path(folder), set(wanted.maps)
    paths = sorted(path for above in ("", "*/", "*/published/") for path in folder.glob(f"{above}{REMOVED}*"))
    for of_map in _folders(folder, "*"):
        parts = [path for path in _folders(of_map, "*") if (path / "regions.json").is_file()]
        if of_map.name in maps:
            paths += [path for path in parts if path.name not in wanted.variants]
            names_of_labels = {f"labels_{atlas}.csv" for atlas in wanted.atlases}
            of_labels = sorted(
                path for part in parts for path in part.glob("labels_*.csv") if path.name not in names_of_labels
            )
            paths += [path for path in of_labels if path.parent.name in wanted.variants]
            paths += _files(of_map, COMPARISONS) if len(wanted.variants) == 1 else []
            paths += [of_map / "sweep"] if (of_map / "sweep/sweep.csv").is_file() and not wanted.sweep else []
            tables = [path for path in _folders(of_map, "published/*") if (path / "settings.csv").is_file()]
            paths += [table for table in tables if (of_map.name, table.name) not in wanted.tables]
        elif parts and (of_map / "tables.json").is_file():
            paths.append(of_map)
    for place, ids, ends in (("maps", maps, FETCHED), ("atlases", set(wanted.atlases), FETCHED_ATLAS)):
        names = sorted(path.stem for path in (folder / place).glob("*.json"))
        for name in names:
            paths += _files(folder / place, [name + end for end in ends]) if name not in ids else []
    paths += _files(folder, ["maps.csv", "maps.html", "maps_found.csv"]) if len(maps) == 1 else []
    for name in sorted(path.name.removesuffix(".nii.gz") for path in (folder / "overlap").glob("*.nii.gz")):
        if name not in wanted.variants or len(maps) == 1:
            paths += _files(folder / "overlap", [name + end for end in OVERLAPS])
    return paths + _logs_and_benchmarks(folder, wanted)


def _folders(folder, pattern):
    """Sorted folders in a folder, less those that are being removed."""
    return sorted(path for path in folder.glob(pattern) if path.is_dir() and not path.name.startswith(REMOVED))


def _logs_and_benchmarks(folder, wanted):
    """Logs and benchmarks of jobs of maps, tables and atlases that the config no longer has."""
    tables = {f"{map_id}.{table}" for map_id, table in wanted.tables}
    paths = []
    for path in sorted([*folder.glob("logs/*/*.log"), *folder.glob("benchmarks/*/*.tsv")]):
        ids = {"fetch_atlas": wanted.atlases, "check_published": tables}.get(path.parent.name, wanted.maps)
        swept = path.parent.name not in ("sweep_map", "plot_sweep") or wanted.sweep
        paths += [path] if path.stem not in ids or not swept else []
    return paths


def _files(folder, names):
    """Of these names the files that exist."""
    return [path for path in (folder / name for name in names) if path.is_file()]


def failures(folder: str | Path, since: float) -> list[str]:
    """The errors in the logs of the jobs of a run.

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
