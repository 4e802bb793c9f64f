"""The maps of an analysis: the same few objects, whatever package it comes from.

Every reader is a module with two functions: ``recognises(source)``, whether a source is of its kind, by names and
headers, and ``read(source)``, which gives an `Analysis`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..io.files import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

IMAGES = (".nii.gz", ".nii", ".img", ".HEAD", ".nii.bz2", ".mgz", ".mgh")
MOST_TEXT = 2**24  # bytes of a text file of an analysis
MNI, NATIVE = "MNI152", "native"
# sform and qform codes of NIfTI (nifti1.h).
_SPACES = {3: "Talairach", 4: MNI}


class Volume(NamedTuple):
    """One volume of a file, counted from 0: ``path[number]`` in a sheet."""

    path: Path
    number: int


class Packed(NamedTuple):
    """A member of a zip archive."""

    archive: Path
    member: str


@dataclass(frozen=True)
class Printed:
    """A table that the package printed of a map.

    Attributes
    ----------
    table : its file, or its text where no file holds it.
    peaks : file of its sub-peaks, or None.
    origin : where it is from, in words.
    by_settings : whether the keys of `Row.inference` give this table (masking with another contrast, say, has no key).
    """

    table: Path | str
    origin: str
    peaks: Path | None = None
    by_settings: bool = True


@dataclass(frozen=True)
class Row:
    """One map of an analysis, or why it has none.

    Attributes
    ----------
    name : of the contrast, as the package has it; the id of the map is made from it.
    cells : columns of the sample sheet: numbers, text, lists of numbers, `Path`, `Volume`, `Packed`.
    origin : where the cells are from, in words.
    gap : why the map cannot be analysed as it is; empty where it can.
    inference : keys of a variant that are the package's own inference, or None.
    stated : where that inference is stated, in words.
    tables : what the package printed of the map.
    effect : the effect behind the statistic, for the column `values`, or None.
    one_tailed : whether only its large positive values mean something, though its statistic has two tails (z of an F
        test).
    """

    name: str
    cells: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    gap: str = ""
    inference: Mapping[str, Any] | None = None
    stated: str = ""
    tables: tuple[Printed, ...] = ()
    effect: Path | Volume | Packed | None = None
    one_tailed: bool = False


@dataclass(frozen=True)
class Analysis:
    """All maps of one source.

    Attributes
    ----------
    package : who made them (``FSL``), for people.
    source : what was read, as given.
    root : folder or file that holds everything, None where nothing is on this machine.
    rows : in the order of the package.
    remarks : on all rows, a sentence each; comments of the sheet.
    """

    package: str
    source: str
    root: Path | None
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()


def image_beside(folder: Path, name: str) -> Path | None:
    """The image in a folder that a package calls by a name, with or without its suffix; None where there is none.

    The name may be a path of another machine, with slashes of either kind: its last part counts.
    """
    base = re.split(r"[/\\]", name.strip())[-1]
    stem = re.sub(r"(\.nii(\.gz|\.bz2)?|\.img|\.hdr|\.HEAD|\.BRIK(\.gz)?)$", "", base)
    if not stem:
        return None
    candidates = [base, *(stem + suffix for suffix in IMAGES)]
    paths = (folder / candidate for candidate in candidates if not candidate.endswith((".hdr", ".BRIK", ".BRIK.gz")))
    return next((path for path in paths if _is_file(path)), None)


def _is_file(path):
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def read_text(path: Path, what: str) -> str:
    """The text of a small file of an analysis; what is no UTF-8 is replaced.

    Raises
    ------
    UserError : it cannot be read, or is too large to be what it is called; begins with `what`.
    """
    try:
        if path.stat().st_size > MOST_TEXT:
            raise UserError(f"{what}: {path} is larger than {MOST_TEXT:,} bytes and no text of an analysis")
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UserError(f"{what}: {path} cannot be read ({error.strerror})") from error


def whole(number: float) -> int | float:
    """A number as it is printed: whole where it is to one in a million (83.9999999999599 degrees of freedom are 84)."""
    number = float(number)
    nearest = round(number) if math.isfinite(number) else 0
    return nearest if nearest and abs(number - nearest) <= 1e-6 * abs(nearest) else number


def as_integer(number: float) -> int | float:
    """A number without a fraction as int, so that no sheet or config has it with a point."""
    return int(number) if float(number).is_integer() else number


def widths(values: Iterable[float]) -> list[float] | None:
    """Three widths in mm for the column `fwhm_mm`; None where one is missing, not finite or not above 0."""
    numbers = [float(value) for value in values]
    return numbers if len(numbers) == 3 and all(0 < value < math.inf for value in numbers) else None


def header_space(path: Path) -> str | None:
    """The standard space that a NIfTI header says by its sform or qform code; None for none, or no such header."""
    import nibabel as nib

    try:
        header: Any = nib.load(path).header
        codes = [int(header["sform_code"]), int(header["qform_code"])]
    except Exception:  # whatever nibabel meets in a file that is none: fetch_map says what is wrong with it
        return None
    return next((_SPACES[code] for code in codes if code in _SPACES), None)


def values_at(image: Path, places: "pd.DataFrame") -> "np.ndarray | None":
    """Values of a 3D image at printed places, float64; None where it cannot be read, or a place lies outside it.

    Parameters
    ----------
    image : path.
    places : columns ``x, y, z``, mm.
    """
    import nibabel as nib
    import numpy as np

    try:
        opened: Any = nib.load(image)
        data = np.asanyarray(opened.dataobj).squeeze()
        ijk = np.rint(nib.affines.apply_affine(np.linalg.inv(opened.affine), places[["x", "y", "z"]])).astype(int)
    except Exception:  # whatever nibabel meets: fetch_map says what is wrong with an image
        return None
    if data.ndim != 3 or (ijk < 0).any() or (ijk >= data.shape).any():
        return None
    return data[tuple(ijk.T)].astype(np.float64)


def listed(folder: Path, what: str) -> list[Path]:
    """What is in a folder, by name.

    Raises
    ------
    UserError : it cannot be read; begins with `what`.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{what}: {folder} cannot be read ({error.strerror})") from error


def on_one_grid(first: Path, second: Path) -> bool:
    """Whether two images have the same voxels in the same places, by their headers; not where one cannot be read."""
    import nibabel as nib
    import numpy as np

    try:
        grids: list[Any] = [nib.load(first), nib.load(second)]
        affines = [np.asarray(image.affine) for image in grids]
        return grids[0].shape[:3] == grids[1].shape[:3] and np.allclose(affines[0], affines[1], rtol=0, atol=1e-3)
    except Exception:  # whatever nibabel meets: fetch_map says what is wrong with an image
        return False
