"""Open an image of any format, refuse it by its header, and report damage in one line."""

import io
import json
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..grid import voxel_sizes
from .declared import Header
from .files import UserError
from .formats import SURFACE, Files, matrix_of, opened_for_reading, recognise, split_volume
from .headers import header_of
from .log import OF_THE_SYSTEM
from .nifti import MOST_BESIDE

MOST_VOXELS = 10**9  # of an image that `max_voxels` is not about
MOST_VOLUMES = 2**31  # of residuals: no limit
MOST_PROBABILITIES = 1000  # volumes of a probabilistic atlas
MOST_LISTED = 20  # volumes in an error
SMALLEST_MM, LARGEST_MM = 0.01, 100.0  # of a voxel's side
FARTHEST_MM = 1e6  # of a voxel from the origin
SMALLEST_SURFACE = 1000  # vertices: a line of that many voxels is no image of a brain
_CIFTI = range(3000, 3100)  # intent codes

_DAMAGE = OSError, EOFError, ValueError, OverflowError, zlib.error, IndexError


class UnreadableError(ValueError):
    """The header of an image cannot be read."""


@contextmanager
def damage(what: str, given: Any, path: Any = None, advice: str = "get the file again") -> Iterator[None]:
    """Turn whatever a damaged image raises while it is opened or read into one line.

    Parameters
    ----------
    what : what the image is called in the error (``map 'motor'``).
    given : name of the file as the user wrote it.
    path : where it is, if that differs; it is replaced by `given` in the text of the error.
    advice : what to do about it.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (*_DAMAGE, *_damage_of_nibabel())):
            raise
        if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM:
            raise  # a full disk, or no permission, and no damage of the image
        reason = " ".join(str(error).split())
        reason = reason.replace(str(path), str(given)) if path else reason
        problem = "not a readable image" if isinstance(error, UnreadableError) else "damaged"
        raise UserError(f"{what}: {given} is {problem} ({reason}); {advice}") from error


def _damage_of_nibabel():
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError, ImageDataError

    return ImageFileError, HeaderDataError, ImageDataError


@contextmanager
def loaded(path: str | Path | Files) -> Iterator[Any]:
    """Open an image as nibabel does; what is compressed is read to its end when the block is done.

    nibabel stops at the last voxel: before the checksum of gzip or bzip2, and before whatever else it may unfold to.

    Raises
    ------
    UserError : it is no image, see `formats.recognise`.
    UnreadableError : its header cannot be read.
    OSError, EOFError, ValueError, zlib.error : it is damaged, or more than `MOST_BESIDE` bytes follow its last voxel.
    """
    files = path if isinstance(path, Files) else recognise(path, "image", str(path))
    with opened_for_reading(files.voxels) as stream:
        image = _open(files, stream)
        yield image
        if not isinstance(stream, io.BufferedReader):
            size = image.get_data_dtype().itemsize
            end = int(image.dataobj.offset) + int(np.prod(image.shape, dtype=np.int64)) * size
            if stream.seek(end) < end:
                raise EOFError("the file ends before its last voxel")
            if len(stream.read(MOST_BESIDE + 1)) > MOST_BESIDE:
                raise ValueError(f"more than {MOST_BESIDE:,} bytes follow its last voxel")


def _open(files, stream):
    """nibabel's image of an open file of voxels; `UnreadableError` where its header is none."""
    try:
        return _image(files, stream)
    except Exception as error:  # a header holds anything, and nibabel has errors of every kind for it
        raise UnreadableError(str(error)) from error


def _image(files, stream):
    # Here, not above: most jobs read what `nifti.read_plain` reads.
    import nibabel as nib
    from nibabel.fileholders import FileHolder

    plain = isinstance(stream, io.BufferedReader)
    voxels = FileHolder(str(files.voxels)) if plain else FileHolder(fileobj=stream)
    if files.kind == "nifti":
        start = stream.read(8)
        stream.seek(0)
        kind = nib.Nifti2Image if start[4:7] == b"n+2" else nib.Nifti1Image
        return kind.from_file_map({"image": voxels})
    if files.kind == "mgh":
        return nib.MGHImage.from_file_map({"image": voxels})
    header = FileHolder(str(files.header))
    if files.kind == "afni":
        return nib.brikhead.AFNIImage.from_file_map({"image": voxels, "header": header})
    with opened_for_reading(files.header) as head:
        start = head.read(348)
    if start[344:347] == b"ni1" or start[4:7] == b"ni2":
        kind = nib.Nifti2Pair if start[4:7] == b"ni2" else nib.Nifti1Pair
        return kind.from_file_map({"image": voxels, "header": header})
    image = nib.Spm2AnalyzeImage.from_file_map(
        {"image": voxels, "header": header, "mat": FileHolder(fileobj=io.BytesIO())}
    )
    matrix = matrix_of(files.header)
    return nib.Spm2AnalyzeImage(image.dataobj, _affine_of(matrix), image.header) if matrix.is_file() else image


# In a process of its own, since scipy.io ends it on some damaged files. M has x to the right as the header has it.
_READ_MATRIX = """
import json, sys, scipy.io
found = scipy.io.loadmat(sys.argv[1], variable_names=["mat", "M"])
name = "mat" if "mat" in found else "M"
matrix = found[name]
print(json.dumps([name, (matrix[:, :, 0] if matrix.ndim > 2 else matrix).astype(float).tolist()]))
"""
MATRIX_SECONDS = 60


def _affine_of(path):
    """The (4, 4) affine in SPM's file beside an Analyze image, voxel indices from 0 to mm."""
    try:
        command = [sys.executable, "-I", "-c", _READ_MATRIX, str(path)]
        process = subprocess.run(command, capture_output=True, timeout=MATRIX_SECONDS, check=True)
        name, numbers = json.loads(process.stdout)
        matrix = np.array(numbers, dtype=np.float64).reshape(4, 4)
    except (subprocess.SubprocessError, ValueError) as error:
        raise ValueError(f"{path.name} beside it holds no matrix mat or M of SPM") from error
    if name == "M":
        matrix = np.diag([-1.0, 1, 1, 1]) @ matrix
    matrix[:3, 3] += matrix[:3, :3].sum(axis=1)  # Matlab counts voxels from 1
    return matrix


class Look(NamedTuple):
    """What the header of an image says.

    Attributes
    ----------
    shape : (i, j, k) or (i, j, k, n), all that is beyond three axes in one, trailing axes of length 1 dropped.
    affine : (4, 4) float64, voxel indices to mm.
    header : of the volume that is meant, for `declared.statistic`.
    raw : nibabel's header.
    """

    shape: tuple[int, ...]
    affine: np.ndarray
    header: Header = Header()
    raw: Any = None


def look(
    path: str | Path | Files,
    name: str,
    max_voxels: int = MOST_VOXELS,
    source: Any = None,
    most_volumes: int = 1,
    volume: str | None = None,
) -> Look:
    """Refuse an image that is not one 3D statistical map, from its header alone.

    Parameters
    ----------
    path : of an image.
    name : what the image is called in the error (``map 'motor'``).
    max_voxels : the largest grid accepted, of one volume.
    source : name of the file as the user wrote it, where `path` is a temporary copy.
    most_volumes : how many volumes are accepted where none is named.
    volume : the index or label of the one that is meant, or None.

    Raises
    ------
    UserError : no image, surface data, not 3D, no such volume, not numeric, empty, too large, or an affine that cannot
        be inverted.
    """
    given = path if source is None else source
    files = path if isinstance(path, Files) else recognise(path, name, str(given))
    with damage(name, given, files.voxels), opened_for_reading(files.voxels) as stream:
        return _judge(_open(files, stream), name, max_voxels, given, most_volumes, volume)


def _judge(image, name, max_voxels, given, most_volumes, volume):
    import nibabel as nib

    shape, raw = tuple(int(length) for length in image.shape), image.header
    stored = shape
    if isinstance(raw, nib.Nifti1Header) and int(raw["intent_code"]) in _CIFTI:
        raise UserError(f"{name}: {given} is CIFTI, {SURFACE}, or take its volume out (wb_command -cifti-separate)")
    if len(shape) >= 3 and shape[0] >= SMALLEST_SURFACE and max(shape[1:3]) == 1:
        raise UserError(f"{name}: {given} has shape {stored}: {SURFACE}")
    if len(shape) < 3:
        raise UserError(f"{name}: {given} has shape {stored}; one 3D image is needed")
    if image.get_data_dtype().kind not in "iuf":
        raise UserError(f"{name}: {given} holds {image.get_data_dtype()} values; integers or floats are needed")
    if min(shape) < 1:
        raise UserError(f"{name}: {given} has shape {stored} and no voxel")
    number = int(np.prod(shape[3:], dtype=np.int64))
    header = header_of(image)
    if volume is not None:
        header = header._replace(volume=_volume_number(volume, header.labels, number, name, given))
    elif number > most_volumes == 1:
        raise UserError(
            f"{name}: {given} has shape {stored}; one 3D image is needed, or one of its volumes, as in "
            f"{_volume_source(given, header.labels, number)}: {_volumes_in_words(header.labels, number)}"
        )
    elif number > most_volumes:
        raise UserError(f"{name}: {given} has {number} volumes; at most {most_volumes} are accepted")
    shape = shape[:3] if number == 1 or volume is not None else (*shape[:3], number)
    voxels = int(np.prod(shape[:3], dtype=np.int64))
    if voxels > max_voxels:
        raise UserError(f"{name}: {given} has {voxels} voxels, more than max_voxels: {max_voxels} in the config")
    if isinstance(image, nib.Nifti1Image) and image.dataobj.offset < raw.single_vox_offset:
        raise UserError(
            f"{name}: {given} says that its voxels begin at byte {image.dataobj.offset}, within the header; accepted: "
            f"vox_offset {raw.single_vox_offset} or more"
        )
    check_affine(image.affine, name, given)
    return Look(shape, image.affine, header, raw)


def check_affine(affine: np.ndarray | None, name: str, given: Any) -> None:
    """Refuse an affine that no image of a brain has.

    Parameters
    ----------
    affine : (4, 4) array, voxel indices to mm.
    name : what the image is called in the error.
    given : name of the file as the user wrote it.

    Raises
    ------
    UserError : it is not finite, not invertible, too far, or its voxels are too small or too large.
    """
    with np.errstate(all="ignore"):  # of numbers that no brain has
        is_valid = affine is not None and np.abs(affine).max() <= FARTHEST_MM and np.linalg.det(affine[:3, :3]) != 0
    if affine is None or not is_valid:
        raise UserError(
            f"{name}: {given} has an affine that is not finite or not invertible, or beyond {FARTHEST_MM:g} mm: "
            f"{np.asarray(affine).tolist()}"
        )
    sizes = voxel_sizes(affine).astype(np.float32)  # as the header has them
    if sizes.min() < SMALLEST_MM or sizes.max() > LARGEST_MM:
        shown = " × ".join(f"{size:g}" for size in sizes)
        raise UserError(f"{name}: {given} has voxels of {shown} mm; accepted: {SMALLEST_MM:g} to {LARGEST_MM:g} mm")


def _volume_number(volume, labels, number, name, given):
    """Index of the volume that a sheet names by index or label."""
    text = volume.strip()
    index = labels.index(text) if text in labels else number
    if text.isascii() and text.isdigit():
        index = int(text[:20])  # of more digits there is none
    if index >= number:
        raise UserError(f"{name}: {given} has no volume {volume!r}; accepted: {_volumes_in_words(labels, number)}")
    return index


def _volumes_in_words(labels, number):
    """The volumes of an image, with their labels."""
    names = [f"[{index}]" + (f" {label}" if label else "") for index, label in _first_volumes(labels, number)]
    return ", ".join([*names, *([f"… [{number - 1}]"] if number > len(names) else [])])


def _first_volumes(labels, number):
    return [(index, labels[index] if index < len(labels) else "") for index in range(min(number, MOST_LISTED))]


def _volume_source(given, labels, number):
    """An example of a source with a volume, by index and by label: the last volume of `_first_volumes`."""
    index, label = _first_volumes(labels, number)[-1]
    base = Path(split_volume(str(given))[0]).name
    return f"{base}[{index}]" + (f" or {base}[{label}]" if label and not label.isdigit() else "")
