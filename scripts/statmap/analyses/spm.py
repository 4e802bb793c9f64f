"""SPM: SPM.mat and the images beside it (SPM8, SPM12, SPM25; spm_spm.m and spm_contrasts.m say what is in it)."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..io.files import UserError
from .analysis import MOST_TEXT, Analysis, Printed, Row, header_space, image_beside, values_at, whole, widths
from .spm_mat import read_mat

KIND = "an SPM folder or its SPM.mat"


def recognises(source: str) -> bool:
    """Whether it is an SPM.mat, or a folder with one."""
    path = Path(source)
    return (path.name == "SPM.mat" and path.is_file()) or (path / "SPM.mat").is_file()


def read(source: str) -> Analysis:
    """The contrasts of an SPM.mat.

    Statistic, degrees of freedom, mask, and the smoothness of the noise with all its digits, since `xVol.FWHM` is what
    SPM computes its tables with, and what it prints under them is rounded. `swd` is the folder on another machine:
    images are looked for beside SPM.mat.

    Raises
    ------
    UserError : it is no SPM.mat that can be read, was not estimated, or has no contrast.
    """
    path = Path(source)
    path = path if path.name == "SPM.mat" and path.is_file() else path / "SPM.mat"
    spm = read_mat(path)
    folder = path.parent
    contrasts = spm["contrasts"]
    if not contrasts:
        raise UserError(f"{path} has no contrast (xCon is empty); estimate one in SPM, then start again")
    shared, origin = _shared_cells(spm, folder)
    rows = [_row(contrast, n, spm, folder, shared) for n, contrast in enumerate(contrasts, start=1)]
    rows, remarks = _with_tables(rows, folder)
    return Analysis("SPM", source, folder, rows, ("; ".join(origin), *remarks))


def _shared_cells(spm, folder):
    """Cells that all contrasts share, and where they are from."""
    cells, origins = {}, []
    mask = image_beside(folder, spm["mask"] or "mask")
    if mask:
        cells["mask"] = mask
        origins.append(f"mask: {mask.name} (VM.fname)")
    else:
        origins.append("no mask is beside SPM.mat: the voxels in which a map is not 0 are its mask")
    matrix = np.array(spm["matrix"])
    voxels = spm["fwhm"]
    fwhm = None
    if matrix.size == 16 and len(voxels) == 3:
        sides = np.sqrt((matrix.reshape(4, 4)[:3, :3] ** 2).sum(axis=0))
        fwhm = widths(np.array(voxels) * sides)
    if fwhm:
        cells["fwhm_mm"] = fwhm
        origins.append("fwhm_mm: xVol.FWHM times the sides of a voxel")
    else:
        origins.append("no smoothness: xVol.FWHM is missing")
    search = spm["search"]
    if fwhm and len(search) == 1 and 1 <= search[0] < math.inf:
        cells["search_voxels"] = round(search[0])
        origins.append("search_voxels: xVol.S")
    return cells, origins


def _row(contrast, number, spm, folder, shared):
    name = contrast["name"] or f"contrast {number}"
    stat, where = contrast["stat"], f"xCon({number})"
    error_df, effect_df = spm["erdf"], contrast["eidf"]
    cells, gap = dict(shared), ""
    if stat == "T" and len(error_df) == 1:
        cells |= {"stat": "t", "df": whole(error_df[0])}
    elif stat == "F" and len(error_df) == len(effect_df) == 1:
        cells |= {"stat": "F", "df": [whole(effect_df[0]), whole(error_df[0])]}
    elif stat == "P":
        gap = "a map of posterior probability, which is no test statistic"
    else:
        gap = f"its statistic or degrees of freedom are missing ({where}.STAT is {stat!r})"
    file = contrast["image"]
    image = image_beside(folder, file) if file else None
    if image:
        cells["source"] = image
        space = header_space(image)
        if space:
            cells["space"] = space
    elif file:
        cells["source"] = folder / re.split(r"[/\\]", file)[-1]
        gap = gap or f"{cells['source'].name} is not beside SPM.mat"
    else:
        gap = gap or f"no image was made of it ({where}.Vspm is empty)"
    origins = [f"source: {where}.Vspm", f"stat, df: {where}.STAT, {'eidf, ' if stat == 'F' else ''}xX.erdf"]
    effect = image_beside(folder, contrast["effect"]) if stat == "T" else None
    if "space" not in cells:
        origins.append("space: not known, since no header says MNI152")
    return Row(name, cells, "; ".join(origins), gap, effect=effect)


# ------------------------------------------------------------------------------------------------------ exported tables
MOST_EXPORTS = 100  # text files of a folder that are looked at


def _with_tables(rows, folder):
    """Give each exported table of results ("Print text table", "Export to CSV file") to the map that has its values.

    SPM.mat holds no table, and an export does not name its contrast.
    """
    remarks = []
    exports = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".csv", ".tsv", ".txt")]
    for path in exports[:MOST_EXPORTS]:
        table = _exported(path)
        if table is None:
            continue
        fits = [n for n, row in enumerate(rows) if not row.gap and _has_values_of(row.cells["source"], table)]
        if len(fits) == 1:
            printed = Printed(path, f"{path.name}, whose values are those of this map")
            rows[fits[0]] = replace(rows[fits[0]], tables=(*rows[fits[0]].tables, printed))
        else:
            whose = "more than one map" if fits else "no map"
            remarks.append(f"{path.name} is a table of SPM's results whose values {whose} of the folder has: left out")
    return tuple(rows), tuple(remarks)


def _exported(path):
    from ..published.readers import read_published

    try:
        if path.stat().st_size > MOST_TEXT or b"equivk" not in path.read_bytes()[:4096]:
            return None
        table = read_published(path, path.name)
    except (OSError, UserError):
        return None
    return table if table.layout == "SPM" else None


def _has_values_of(image, table):
    """Whether a map has the printed value at every printed place."""
    from ..published.matching import agrees

    values = values_at(image, table.rows)
    if values is None:
        return False
    printed = table.rows[["value", "value_step"]].to_numpy()
    return all(bool(agrees(value, row)) for value, row in zip(values, printed, strict=True))
