"""Statistical maps with the names of BIDS: what nilearn's save_glm_to_bids and fitlins write."""

import csv
import json
import re
from pathlib import Path

import numpy as np

from ..io.files import UserError
from .analysis import Analysis, Printed, Row, as_integer, on_one_grid, read_text, values_at

KIND = "a folder of BIDS or nilearn statistical maps (…_contrast-…_stat-z_statmap.nii.gz)"
MOST_FILES = 20_000  # of a folder and those in it
# Statistics of maps by their entity `stat`, in the order in which one of a contrast is taken.
_STATISTICS = {"z": "z", "t": "t", "f": "F", "p": "p"}


def recognises(source: str) -> bool:
    """Whether it is a folder with a statistical map of BIDS in it, at any depth."""
    path = Path(source)
    return path.is_dir() and any(_is_map(file) for file in _files(path))


def _files(folder):
    """Files below a folder, by name; hidden ones and those of hidden folders are left out."""
    files = []
    folders = [folder]
    while folders and len(files) < MOST_FILES:
        try:
            inside = sorted(folders.pop(0).iterdir())
        except OSError:
            continue
        inside = [path for path in inside if not path.name.startswith(".")]
        folders += [path for path in inside if path.is_dir() and not path.is_symlink()]
        files += [path for path in inside if path.is_file()]
    return files


def _is_map(path):
    return bool(re.search(r"_stat-[A-Za-z0-9]+_(?:.*_)?statmap\.nii(\.gz)?$", f"_{path.name}"))


def entities(name: str) -> dict[str, str]:
    """The entities of a file's name: ``sub-01_stat-z_statmap.nii.gz`` has ``sub`` and ``stat``."""
    return dict(re.findall(r"(?:^|_)([A-Za-z0-9]+)-([A-Za-z0-9+]+)(?=[_.])", name))


def read(source: str) -> Analysis:
    """One row per contrast: its z map, else its t map, F map or map of p values.

    z comes first since it needs no degrees of freedom and is what nilearn thresholds. Those of a t map are the rows of
    the design matrices less their ranks.

    Raises
    ------
    UserError : no map is one of a contrast.
    """
    folder = Path(source)
    files = _files(folder)
    groups: dict[tuple, dict[str, Path]] = {}
    for path in filter(_is_map, files):
        labels = entities(path.name)
        stat = labels.pop("stat").lower()
        if "contrast" in labels:
            groups.setdefault((path.parent, *sorted(labels.items())), {})[stat] = path
    tests = {key: maps for key, maps in groups.items() if set(maps) & set(_STATISTICS)}
    rows = [_row(maps, files) for maps in tests.values()]
    rows += [
        Row(_name(next(iter(maps.values()))), {"source": next(iter(maps.values()))}, "", _no_test(maps))
        for key, maps in groups.items()
        if key not in tests
    ]
    if not rows:
        raise UserError(
            f"BIDS: no statistical map in {folder} is of a contrast (contrast-… in its name); accepted: {KIND}"
        )
    package = "nilearn" if _is_by_nilearn(folder) else "BIDS"
    return Analysis(package, source, folder, tuple(rows))


def _no_test(maps):
    return f"of its maps ({', '.join(sorted(maps))}) none is a test statistic"


def _is_by_nilearn(folder):
    """Whether dataset_description.json, in the folder or above it, says that nilearn made it."""
    for path in (folder, *folder.absolute().parents)[:4]:
        description = path / "dataset_description.json"
        if description.is_file():
            try:
                content = json.loads(read_text(description, "BIDS"))
                makers = content.get("GeneratedBy", []) if isinstance(content, dict) else []
                return any(
                    "nilearn" in str(maker.get("Name", "")).lower() for maker in makers if isinstance(maker, dict)
                )
            except (ValueError, RecursionError, UserError, AttributeError):
                return False
    return True  # nilearn before 0.11 describes nothing, and its names are these


def _name(path):
    """What a row is called: the contrast, and whatever tells it from the others."""
    labels = entities(path.name)
    rest = [f"{key}-{labels[key]}" for key in labels if key not in ("contrast", "stat", "space", "res", "den", "desc")]
    return " ".join([labels.get("contrast", ""), *rest]).strip()


def _row(maps, files):
    kind = next(kind for kind in _STATISTICS if kind in maps)
    path = maps[kind]
    cells = {"source": path, "stat": _STATISTICS[kind]}
    origins = [f"source: {path.name}", "stat: its name"]
    gap = ""
    one_tailed = "f" in maps and "t" not in maps
    beside = [file for file in files if file.parent == path.parent or file.parent in path.parent.parents]
    designs, residuals = _designs(path, beside), _residuals(path, beside)
    runs = [_df(design) for design in designs]
    df = sum(run for run in runs if run) if all(runs) else 0
    if df and (kind == "t" or residuals):
        cells["df"] = df
        origins.append(f"df: rows less rank of {', '.join(design.name for design in designs)}")
    if df and residuals:
        cells["residuals"] = residuals
        origins.append(f"residuals: {residuals.name}")
    if kind == "t" and not df:
        gap = "no design matrix (…_design.tsv) says its degrees of freedom"
    elif kind == "f":
        gap = "nothing says the degrees of freedom of its F, and there is no z map of it"
    if mask := _mask(path, beside):
        cells["mask"] = mask
        origins.append(f"mask: {mask.name}")
    else:
        origins.append("no mask is beside it: the voxels in which the map is not 0 are its mask")
    space = entities(path.name).get("space")
    if space:
        cells["space"] = space
        origins.append("space: its name")
    tables, keys, stated, remark = _clusters(path, cells)
    if remark:
        origins.append(remark)
    return Row(
        _name(path), cells, "; ".join(origins), gap, keys, stated, tables, maps.get("effect"), one_tailed=one_tailed
    )


def _belongs(file, path):
    """Whether every entity of a file's name, save those that may differ, is one of a map's name too."""
    of_file, of_map = entities(file.name), entities(path.name)
    return all(of_map.get(key) == value for key, value in of_file.items() if key not in ("stat", "desc", "run"))


def _designs(path, beside):
    """The design matrices of a map, of every run of it where it has none of its own."""
    designs = [file for file in beside if file.name.endswith("design.tsv") and _belongs(file, path)]
    run = entities(path.name).get("run")
    of_run = [file for file in designs if entities(file.name).get("run") == run]
    candidates = of_run if run or any("run" not in entities(file.name) for file in designs) else designs
    deepest = max((len(file.parts) for file in candidates), default=0)
    return [file for file in candidates if len(file.parts) == deepest]


def _residuals(path, beside):
    """The image of the model's residuals, where one and no more belongs to a map."""
    pattern = re.compile(r"_(residuals|stat-errorts)(_.*)?\.nii(\.gz)?")
    images = [file for file in beside if pattern.search(f"_{file.name}") and _belongs(file, path)]
    return images[0] if len(images) == 1 and on_one_grid(images[0], path) else None


def _df(design):
    """Rows less rank of a design matrix; None where it is no table of numbers."""
    try:
        rows = list(csv.reader(read_text(design, "BIDS").splitlines(), delimiter="\t"))
        matrix = np.array(rows[1:], dtype=np.float64)
        return int(matrix.shape[0] - np.linalg.matrix_rank(matrix)) if matrix.ndim == 2 else None
    except (ValueError, UserError, np.linalg.LinAlgError):
        return None


def _mask(path, beside):
    masks = [file for file in beside if re.search(r"(^|_)mask\.nii(\.gz)?$", file.name) and _belongs(file, path)]
    masks = [file for file in masks if on_one_grid(file, path)]
    return max(masks, key=lambda file: (len(file.parts), len(entities(file.name)), file.name), default=None)


def _clusters(path, cells):
    """nilearn's table of clusters of a contrast, its settings as keys of a variant, where stated, and a remark."""
    stem = re.sub(r"_stat-[A-Za-z0-9]+_statmap\.nii(\.gz)?$", "", path.name)
    table, settings = (path.with_name(f"{stem}_clusters.{ending}") for ending in ("tsv", "json"))
    if not table.is_file():
        return (), None, "", ""
    text = read_text(table, "BIDS")
    values = [line.split("\t") for line in text.splitlines() if line.strip()]
    if len(values) < 2:
        return (), None, "", f"{table.name} lists no cluster"
    if not _is_table_of(table, path):
        return (), None, "", f"{table.name} is left out: its peaks are not those of {path.name}"
    keys, stated = _settings(settings, values)
    return (Printed(table, table.name),), keys, stated, ""


def _is_table_of(table, image):
    """Whether a table's peaks have the values of a map: nilearn 0.14 tabulates the last image that it wrote."""
    from ..published.matching import agrees
    from ..published.readers import read_published

    try:
        rows = read_published(table, table.name).rows
    except (OSError, UserError):  # the run says what is wrong with the table
        return False
    values = values_at(image, rows)
    if values is None:
        return False
    printed = np.abs(rows[["value", "value_step"]].to_numpy())
    agreeing = [bool(agrees(abs(value), row)) for value, row in zip(values, printed, strict=True)]
    return sum(agreeing) > len(agreeing) / 2  # one peak may be placed between voxels (a plateau)


def _settings(path, values):
    """clusters.json as keys of a variant, and in words; (None, why) where it is missing or says no threshold."""
    try:
        content = json.loads(read_text(path, "BIDS"))
        cutoff = next(float(content[key]) for key in content if key.startswith("Threshold"))
        extent = int(next((content[key] for key in content if key.startswith("Cluster size threshold")), 0))
        distance = float(next((content[key] for key in content if key.startswith("Minimum distance")), 8.0))
    except (UserError, ValueError, RecursionError, TypeError, StopIteration, AttributeError):
        return None, f"{path.name} is missing, or says no threshold"
    column = values[0].index("Peak Stat") if "Peak Stat" in values[0] else -1
    negative = any(row[column].strip().startswith("-") for row in values[1:] if column >= 0 and column < len(row))
    keys = {"threshold": cutoff, "sided": "two" if negative else "positive", "connectivity": 6, "signs": "split"}
    keys |= {"min_region_size": f"{extent} voxels" if extent > 0 else 0, "size_rule": ">="}
    if distance >= 0:
        keys |= {"min_peak_distance": as_integer(distance)}
    if not 0 < cutoff < 1e6:
        return None, f"{path.name} says a threshold of {cutoff:g}"
    return (
        keys,
        f"{path.name}: threshold {cutoff:g}, {extent} voxels, {'two-sided' if negative else 'positive clusters only'}",
    )
