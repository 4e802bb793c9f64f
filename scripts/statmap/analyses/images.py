"""Any other images: the volumes of a 4D file, or the images of a folder, by what their headers and names say."""

import re
from pathlib import Path

from ..io.files import UserError
from . import afni
from .analysis import Analysis, Row, Volume, as_integer, header_space, listed, on_one_grid

KIND = "a 4D file, or a folder of images"
_ENDS = r"(\.nii(\.gz|\.bz2)?|\.img|\.HEAD|\.mg[hz])$"
_MASKS = r"(^|[_.-])(brain_?)?mask" + _ENDS
MOST_VOLUMES = 1000
# NIfTI intent codes (nifti1.h), and what SPM writes instead (spm_contrasts.m).
_INTENTS = {3: ("t", 1), 4: ("F", 2), 5: ("z", 0), 22: ("p", 0)}
_SPM = re.compile(r"SPM\{([TF])_\[([\d.,]+)\]\}(?:\s*-\s*contrast \d+:\s*(.*))?")
_NAMES = re.compile(r"(?:^|[_.-])(?P<stat>z|t|f)(?:[_-]?(?:stat|map|score|val))(?=\d|[_.-]|$)", re.IGNORECASE)


def recognises(source: str) -> bool:
    """Whether it is an image, or a folder with one."""
    path = Path(source)
    if path.is_dir():
        return any(_is_image(file) for file in listed(path, "images"))
    return path.is_file() and _is_image(path)


def _is_image(path):
    return bool(re.search(_ENDS, path.name)) and path.is_file()


def read(source: str) -> Analysis:
    """A row for every image, of files of several volumes for every volume, with a mask on its grid beside it.

    Raises
    ------
    UserError : nothing can be read as an image.
    """
    path = Path(source)
    files = [path] if path.is_file() else [file for file in listed(path, "images") if _is_image(file)]
    folder = path if path.is_dir() else path.parent
    beside = [file for file in listed(folder, "images") if re.search(_MASKS, file.name)]
    maps = [file for file in files if file not in beside or path.is_file()]
    rows: list[Row] = []
    for file in maps:
        rows += afni.read(str(file)).rows if path.is_dir() and afni.recognises(str(file)) else _rows(file, beside)
    if not rows:
        raise UserError(f"images: {source} has no image but masks; accepted: {KIND}")
    return Analysis("images", source, path, tuple(rows))


def _rows(file, beside):
    import nibabel as nib

    stem = re.sub(_ENDS, "", file.name)
    try:
        image = nib.load(file)
        shape, header = image.shape, image.header
    except Exception as error:  # whatever nibabel meets in a file that is none
        reason = " ".join(str(error).split())[:200]
        return [Row(stem, {"source": file}, "", f"it cannot be read ({reason or type(error).__name__})")]
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 4 or len(shape) < 3:
        return [
            Row(stem, {"source": file}, "", f"its shape is {'×'.join(map(str, shape))}, neither a volume nor several")
        ]
    number = shape[3] if len(shape) == 4 else 1
    if number > MOST_VOLUMES:
        gap = f"it has {number:,} volumes, more than {MOST_VOLUMES:,}: a time series, or residuals?"
        return [Row(stem, {"source": file}, "", gap)]
    cells, origins, contrast = _statistic(header, stem)
    if mask := next((mask for mask in beside if mask != file and on_one_grid(mask, file)), None):
        cells["mask"] = mask
        origins.append(f"mask: {mask.name}")
    else:
        origins.append("no mask is beside it: the voxels in which the map is not 0 are its mask")
    if space := header_space(file):
        cells["space"] = space
        origins.append("space: its header")
    name = contrast or stem
    if number == 1:
        return [Row(name, {"source": file, **cells}, "; ".join([f"source: {file.name}", *origins]))]
    return [
        Row(
            f"{name} {n}",
            {"source": Volume(file, n), **cells},
            "; ".join([f"source: volume {n} of {file.name}", *origins]),
        )
        for n in range(number)
    ]


def _statistic(header, stem):
    """Cells of the statistic, where they are from, and the name of the contrast, as far as header and name say them."""
    cells = {}
    try:
        code = int(header["intent_code"])
        parameters = [float(header[f"intent_p{n}"]) for n in (1, 2)]
    except (KeyError, ValueError, TypeError, IndexError):
        code, parameters = 0, []
    try:
        descrip = bytes(header["descrip"]).rstrip(b"\0").decode("utf-8", "replace")
    except (KeyError, ValueError, TypeError, IndexError):
        descrip = ""
    if spm := _SPM.search(descrip):
        numbers = [float(part) for part in spm[2].split(",") if re.fullmatch(r"\d+(\.\d*)?", part)]
        if spm[1] == "T" and len(numbers) == 1:
            return {"stat": "t", "df": as_integer(numbers[0])}, ["stat, df: SPM's description"], (spm[3] or "").strip()
        if spm[1] == "F" and len(numbers) == 2:
            return (
                {"stat": "F", "df": [as_integer(n) for n in numbers]},
                ["stat, df: SPM's description"],
                (spm[3] or "").strip(),
            )
    if code in _INTENTS:
        stat, count = _INTENTS[code]
        df = [float(f"{number:.7g}") for number in parameters[:count]]  # float32
        cells["stat"] = stat
        if count and len(df) == count and all(number > 0 for number in df):
            cells["df"] = as_integer(df[0]) if count == 1 else [as_integer(number) for number in df]
        return cells, ["stat: its header"], ""
    if match := _NAMES.search(stem):
        stat = match["stat"].lower()
        return {"stat": "F" if stat == "f" else stat}, ["stat: its name"], ""
    return {}, ["stat: nothing says what its values are"], ""
