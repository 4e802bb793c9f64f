"""FSL: the folder of a FEAT analysis (``.feat``) or of a group of them (``.gfeat``).

What FEAT does with its settings is read from its sources (featlib.tcl, cluster.cc and ptoz.c of FSL 6.0.0).
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..io.files import UserError
from .analysis import MNI, NATIVE, Analysis, Printed, Row, as_integer, header_space, image_beside, listed, read_text

KIND = "a .feat or .gfeat folder of FSL"
MOST_CONTRASTS = 1000
THRESHOLDINGS = {0: "none", 1: "uncorrected", 2: "voxel", 3: "cluster"}  # fmri(thresh) of design.fsf


def recognises(source: str) -> bool:
    """Whether it is a folder with a design.fsf, or named as FEAT names its own."""
    path = Path(source)
    return path.is_dir() and ((path / "design.fsf").is_file() or path.suffix in (".feat", ".gfeat"))


def read(source: str) -> Analysis:
    """The z maps of all contrasts and F tests; of a ``.gfeat`` those of every lower-level contrast.

    Raises
    ------
    UserError : there is neither a folder of statistics nor one of a lower-level contrast.
    """
    folder = Path(source)
    copes = [path for path in listed(folder, "FEAT") if re.fullmatch(r"cope\d+\.feat", path.name)]
    copes.sort(key=_number)
    if copes and not (folder / "stats").is_dir():
        rows = [row for cope in copes for row in _rows(cope, folder)]
    elif (folder / "stats").is_dir():
        rows = list(_rows(folder, folder if (folder / "design.lev").is_file() else None))
    else:
        raise UserError(f"FEAT: {folder} has no folder stats, nor cope1.feat; accepted: {KIND}, once FEAT has run")
    if not rows:
        raise UserError(f"FEAT: {folder} names no contrast, and there is no zstat in its folder stats")
    native = any(row.cells.get("space") == NATIVE for row in rows)
    remarks = (
        "The maps are in the space of the functional images: no registration to standard space is applied, so there "
        "are neither names of regions nor a template.",
    )
    return Analysis("FSL", source, folder, tuple(rows), remarks if native else ())


def _number(path):
    return int(re.findall(r"\d+", path.name)[0])


def _rows(folder: Path, group: Path | None) -> Iterator[Row]:
    """Rows of one folder of statistics; `group` is the ``.gfeat`` above it, whose maps are in standard space."""
    settings = _settings(folder) or (_settings(group) if group else {})
    lower = _first_line(folder / "design.lev") if group else ""
    if group and not lower:
        lower = folder.name.removesuffix(".feat")
    names = _contrast_names(folder, settings)
    stats = folder / "stats"
    tests = [("zstat", n, name) for n, name in sorted(names.items())]
    tests += [("zstat", n, "") for n in _numbered(stats, "zstat") if n not in names]
    tests += [("zfstat", n, f"F test {n}") for n in _numbered(stats, "zfstat")]
    for stat, n, name in tests:
        label = name or f"contrast {n}"
        if group and lower:
            label = lower if len(tests) == 1 else f"{lower}: {label}"
        yield _row(folder, group is not None, f"{stat}{n}", label, settings)


def _numbered(stats, stat):
    """Numbers of the images ``zstat1``, ``zstat2``, … in a folder."""
    names = [path.name for path in listed(stats, "FEAT")] if stats.is_dir() else []
    return sorted({int(match[1]) for name in names if (match := re.match(rf"{stat}(\d+)\.(nii|img)", name))})


def _settings(folder):
    """The settings of design.fsf, ``set fmri(thresh) 3`` as ``thresh``: ``3``; {} without the file."""
    path = folder / "design.fsf"
    if not path.is_file():
        return {}
    lines = re.findall(r"^\s*set\s+fmri\(([^)\s]+)\)\s+(.*?)\s*$", read_text(path, "FEAT"), re.MULTILINE)
    return {key: value.strip('"') for key, value in lines}


def _first_line(path):
    return (
        next((line.strip() for line in read_text(path, "FEAT").splitlines() if line.strip()), "")
        if path.is_file()
        else ""
    )


def _contrast_names(folder, settings):
    """Number to name of the contrasts: design.con, else design.fsf; those that are thresholded have an image each."""
    path = folder / "design.con"
    text = read_text(path, "FEAT") if path.is_file() else ""
    names = {int(n): name.strip() for n, name in re.findall(r"^/ContrastName(\d+)[ \t]+(.*)$", text, re.MULTILINE)}
    if match := re.search(r"^/NumContrasts\s+(\d+)", text, re.MULTILINE):
        return {n: names.get(n, "") for n in range(1, min(int(match[1]), MOST_CONTRASTS) + 1)}
    listed_names = {int(k.partition(".")[2]): v for k, v in settings.items() if re.fullmatch(r"conname_real\.\d+", k)}
    return names or listed_names


def _row(folder, standard, stat, name, settings):
    image = image_beside(folder / "stats", stat)
    origins, cells = [f"source: stats/{stat}"], {"source": image or folder / "stats" / f"{stat}.nii.gz", "stat": "z"}
    mask = image_beside(folder, "mask")
    threshold_mask = _threshold_mask(folder, settings)
    if threshold_mask or mask:
        cells["mask"] = threshold_mask or mask
        origins.append(f"mask: {'threshmask of design.fsf' if threshold_mask else mask.name}")
    else:
        origins.append("no mask is in the folder: the voxels in which the map is not 0 are its mask")
    smoothness, file = _smoothness(folder, stat)
    if smoothness:
        cells["dlh"] = smoothness["DLH"]
        origins.append(f"dlh: {file}")
        volume, file = _volume(folder, stat, smoothness, file)
        if volume:
            cells["search_voxels"] = volume
            origins.append(f"search_voxels: {file}")
    else:
        origins.append("no smoothness: stats/smoothness is not there, or has no DLH")
    cells["space"], where = _space(folder, image, standard, settings)
    origins.append(where)
    if cells["space"] is None:
        del cells["space"]
    inference, stated = _inference(settings, smoothness, cells.get("search_voxels"))
    gap = "" if image else f"there is no image stats/{stat}"
    tables = tuple(_tables(folder, stat, settings, in_mm=standard))
    effect = image_beside(folder / "stats", stat.replace("zstat", "cope")) if stat.startswith("zstat") else None
    return Row(
        name, cells, "; ".join(origins), gap, inference, stated, tables, effect, one_tailed=stat.startswith("zfstat")
    )


def _smoothness(folder, stat):
    """DLH, VOLUME and RESELS as `smoothest` printed them, and the file; {} where they are not there.

    The verbose form has "DLH … before correcting" earlier on: the last bare lines count, as FEAT reads them.
    """
    for file in (folder / "stats" / "smoothness", folder / "stats" / f"{stat}.smoothness"):
        if file.is_file():
            lines = re.findall(r"^(DLH|VOLUME|RESELS)\s+([-+.\deE]+)\s*$", read_text(file, "FEAT"), re.MULTILINE)
            numbers = {key: _positive(text) for key, text in lines}
            if numbers.get("DLH"):
                return numbers, f"stats/{file.name}"
    return {}, ""


def _positive(text):
    try:
        number = float(text)
    except ValueError:
        return None
    if not 0 < number < math.inf:
        return None
    return as_integer(number)


def _volume(folder, stat, smoothness, file):
    """The number of voxels that FEAT searched, and where it says so."""
    volume_file = folder / f"thresh_{stat}.vol"
    number = _positive(_first_line(volume_file)) if volume_file.is_file() else None
    if number and number == int(number):
        return int(number), volume_file.name
    number = smoothness.get("VOLUME")
    return (int(number), file) if number and number == int(number) else (None, "")


def _threshold_mask(folder, settings):
    """The image that was put on the map before thresholding (``threshmask``), where it is still there."""
    name = settings.get("threshmask", "")
    if not name:
        return None
    path = Path(name)
    return image_beside(path.parent if path.is_absolute() else folder / path.parent, path.name)


def _space(folder, image, standard, settings):
    """The space of a map, or None, and where that is said."""
    space = header_space(image) if image else None
    if space:
        return space, "space: its header"
    if not standard:
        return NATIVE, "space: that of the functional images, not registered"
    template = settings.get("regstandard", "")
    if "MNI152" in template:
        return MNI, "space: regstandard of design.fsf"
    return None, "space: not known, since neither the header nor design.fsf says MNI152"


def _inference(settings: Mapping[str, str], smoothness: Mapping[str, float], volume: int | None):
    """FEAT's own inference as keys of a variant, and where it is stated; (None, why) where there is none."""
    try:
        thresholding = THRESHOLDINGS[int(float(settings["thresh"]))]
        p, z = float(settings["prob_thresh"]), float(settings["z_thresh"])
    except (KeyError, ValueError):
        return None, "design.fsf does not say how FEAT thresholded"
    keys = {"sided": "positive", "convention": "fsl", "min_region_size": 0}
    stated = f"design.fsf: thresh {settings['thresh']} ({thresholding}), prob_thresh {p:g}"
    if thresholding == "none" or not 0 < p < 1 or not 0 < z < math.inf:
        return None, f"design.fsf: thresh {settings['thresh']}, nothing was thresholded"
    if thresholding == "uncorrected":
        return {"threshold": {"p": p}, **keys}, stated
    if thresholding == "cluster":
        return {"threshold": z, **keys, "cluster_p": p}, f"{stated}, z_thresh {z:g}"
    if not (smoothness.get("RESELS") and volume):
        return None, f"{stated}, but the resels are not known"
    cutoff = corrected_z(p, int(volume / smoothness["RESELS"]))
    return {
        "threshold": cutoff,
        **keys,
    }, f"{stated}; z as FSL's ptoz gives it for {int(volume / smoothness['RESELS'])} resels"


def corrected_z(p: float, resels: int) -> float:
    """The z that FEAT takes for a corrected p of a voxel: FSL's ``ptoz p -g resels``, to its steps and printed digits.

    The Euler characteristic of the volume alone, without surface and edges (Worsley 1992), which our `fwe` counts too.

    Parameters
    ----------
    p : family-wise error rate, one-tailed.
    resels : number of resels searched, rounded down.
    """
    wanted = max(p / (max(resels, 1) * 0.11694), 1e-15)  # (4 ln 2)^1.5 / (2 pi)^2
    if wanted > 0.5:
        return 0.0
    low, high, z = 2.0, 100.0, 0.0
    while high - low > 0.001:
        z = (low + high) / 2
        if math.exp(-z * z / 2) * (z * z - 1) < wanted:
            high = z
        else:
            low = z
    return float(f"{z:f}")


def _tables(folder, stat, settings, in_mm):
    """FEAT's table of clusters with its local maxima, in the space of the map.

    In standard space it is ``cluster_zstat1_std.txt``, in mm; of a first level that one is registered, and the one
    without ``_std``, in voxels, is of the map.
    """
    masked = settings.get("conmask1_1") == "1"
    for ending in ("_std", "") if in_mm else ("",):
        table, peaks = folder / f"cluster_{stat}{ending}.txt", folder / f"lmax_{stat}{ending}.txt"
        if table.is_file() and len([line for line in read_text(table, "FEAT").splitlines() if line.strip()]) > 1:
            origin = table.name + (f" with {peaks.name}" if peaks.is_file() else "")
            if masked:
                origin += "; FEAT masked the clusters with other contrasts, which no setting here does"
            yield Printed(table, origin, peaks if peaks.is_file() else None, by_settings=not masked)
            return
