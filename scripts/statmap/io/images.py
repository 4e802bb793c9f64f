"""Images in and out: checked before they are read, read in one way, written to the same bytes every time."""

import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.fileholders import FileHolder
from nibabel.spatialimages import HeaderDataError, ImageDataError

from ..grid import same_grid
from .declared import Header
from .files import UserError, check_written, read_json, writing
from .formats import FEWEST_RESIDUALS, SURFACE, Files, existing, opened_for_reading, recognise, split_volume
from .headers import header_of
from .log import OF_THE_SYSTEM
from .sources import local_path

MOST_VOXELS = 10**9  # of an image that `max_voxels` is not about
MOST_VOLUMES = 2**31  # of residuals: no limit
MOST_PROBABILITIES = 1000  # volumes of a probabilistic atlas
MOST_BESIDE = 2**20  # bytes of a file beside its voxels: header, extensions, padding
MOST_LISTED = 20  # volumes in an error
SMALLEST_MM, LARGEST_MM = 0.01, 100.0  # of a voxel's side
FARTHEST_MM = 1e6  # of a voxel from the origin
SMALLEST_SURFACE = 1000  # vertices: a line of that many voxels is no image of a brain
ROUNDING = 1e-6  # of the largest value: what a scale factor in float32 leaves of a whole number
_CIFTI = range(3000, 3100)  # intent codes

_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    zlib.error,
    ImageFileError,
    HeaderDataError,
    ImageDataError,
    IndexError,
)


class UnreadableError(ValueError):
    """The header of an image cannot be read."""


@contextmanager
def damage(what: str, given: Any, path: Any = None, advice: str = "get the file again") -> Iterator[None]:
    """Turn whatever a damaged image raises while it is opened or read into one line.

    Parameters
    ----------
    what : what the image is called in the error (``map 'motor'``).
    given : what the user knows the file by.
    path : where it is, if that is another name: readers name the file as well.
    advice : what to do about it.
    """
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno in OF_THE_SYSTEM:
            raise  # the disk is full, or it is not ours: the image is not to blame
        reason = " ".join(str(error).split())
        reason = reason.replace(str(path), str(given)) if path else reason
        found = "not a readable image" if isinstance(error, UnreadableError) else "damaged"
        raise UserError(f"{what}: {given} is {found} ({reason}); {advice}") from error


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
    matrix = FileHolder(str(files.header.with_name(files.header.name.partition(".")[0] + ".mat")))
    return nib.Spm2AnalyzeImage.from_file_map({"image": voxels, "header": header, "mat": matrix})


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
    source : what the user knows the file by, where `path` is a temporary copy of it.
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
            f"{_example(given, header.labels, number)}: {_listed(header.labels, number)}"
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
    affine = image.affine
    with np.errstate(all="ignore"):  # of numbers that no brain has
        good = affine is not None and np.abs(affine).max() <= FARTHEST_MM and np.linalg.det(affine[:3, :3]) != 0
    if not good:
        raise UserError(
            f"{name}: {given} has an affine that is not finite or not invertible, or beyond {FARTHEST_MM:g} mm: "
            f"{np.asarray(affine).tolist()}"
        )
    sizes = nib.affines.voxel_sizes(affine).astype(np.float32)  # as the header has them
    if sizes.min() < SMALLEST_MM or sizes.max() > LARGEST_MM:
        found = " × ".join(f"{size:g}" for size in sizes)
        raise UserError(f"{name}: {given} has voxels of {found} mm; accepted: {SMALLEST_MM:g} to {LARGEST_MM:g} mm")
    return Look(shape, affine, header, raw)


def _volume_number(volume, labels, number, name, given):
    """Index of the volume that a sheet names by index or label."""
    if volume.strip().isascii() and volume.strip().isdigit():
        index = int(volume)
    else:
        index = list(labels).index(volume.strip()) if volume.strip() in labels else number
    if index >= number:
        raise UserError(f"{name}: {given} has no volume {volume!r}; accepted: {_listed(labels, number)}")
    return index


def _listed(labels, number):
    """The volumes of an image, with their labels."""
    names = [f"[{index}]" + (f" {label}" if label else "") for index, label in _labelled(labels, number)]
    return ", ".join([*names, *([f"… [{number - 1}]"] if number > len(names) else [])])


def _labelled(labels, number):
    return [(index, labels[index] if index < len(labels) else "") for index in range(min(number, MOST_LISTED))]


def _example(given, labels, number):
    """How the last of an image's first volumes is written, by its label where it has one that is no index."""
    index, label = _labelled(labels, number)[-1]
    base = Path(split_volume(str(given))[0]).name
    return f"{base}[{index}]" + (f" or {base}[{label}]" if label and not label.isdigit() else "")


def _voxels(image, volume=None):
    """Voxels as they are stored, or scaled: of one volume (i, j, k), or in the shape that the image has."""
    proxy = image.dataobj
    data = np.asanyarray(proxy if volume is None or image.ndim == 3 else proxy[_place(image.shape, volume)])
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))


def _place(shape, volume):
    return (..., *(int(index) for index in np.unravel_index(volume, shape[3:], order="F")))


def _as_floats(data):
    """Voxels in a float type that holds them: float32 or float64."""
    if data.dtype.kind in "iu":
        return data.astype(np.float32 if data.dtype.itemsize <= 2 else np.float64)
    return data if data.dtype.itemsize in (4, 8) else data.astype(np.float32 if data.dtype.itemsize < 4 else np.float64)


def read_image(path, volume=0):
    """Read one 3D image.

    Returns
    -------
    data : (i, j, k) array in the precision of the file, C order, native byte order: float32 or float64 (integers,
        scaled or not, become float64 unless float32 holds them exactly); NaN and infinities as they are.
    affine : (4, 4) float64, voxel indices to mm.
    """
    with loaded(path) as image:
        return _as_floats(_voxels(image, volume)), image.affine


def read_raw(path, volume=0):
    """Read one 3D image in the type it is stored in (labels, a template), and its (4, 4) affine."""
    with loaded(path) as image:
        return _voxels(image, volume), image.affine


def read_stored(path):
    """Read an image in the type and the shape it is stored in, and its (4, 4) affine."""
    with loaded(path) as image:
        return _voxels(image), image.affine


def each_volume(path):
    """Read a 4D image volume by volume, so that one is in memory at a time; NaN and infinities as 0.

    Yields
    ------
    (i, j, k) array, in the type it is stored in, or float64 where it is scaled.
    """
    with loaded(path) as image:
        for volume in range(int(np.prod(image.shape[3:]))):
            yield replace_nonfinite(_voxels(image, volume))[0]


def named_image(path: str, name: str) -> tuple[Files, str | None]:
    """The files of an image of a sheet or a config, and the volume that it names.

    Raises
    ------
    UserError : it is elsewhere; or see `formats.existing` and `formats.recognise`.
    """
    path = str(path)
    here = local_path(path, name)
    if here is None:
        raise UserError(f"{name}: {path} is an address; accepted: the path of a file on this machine, or sample:NAME")
    file = existing(here, name, path, f"paths start from the folder of the run, {Path.cwd()}")
    return recognise(file, name, path), split_volume(path)[1]


def judge(path: str, name: str, grid: Look | None = None, fewest_volumes: int = 1) -> tuple[Files, Look]:
    """Refuse an image of a sheet, or a config, by its header alone.

    Parameters
    ----------
    path : the image; ``file.nii.gz[3]`` for a volume of it.
    name : what it is called in the error.
    grid : header of the map whose voxels it has to have, in whatever order they are stored; None for any.
    fewest_volumes : how many volumes it has to have; 1 for a 3D image.

    Raises
    ------
    UserError : see `named_image` and `look`, or it has too few volumes or other voxels.
    """
    files, volume = named_image(path, name)
    seen = look(files, name, source=path, most_volumes=MOST_VOLUMES if fewest_volumes > 1 else 1, volume=volume)
    if fewest_volumes > 1 and (len(seen.shape) != 4 or seen.shape[3] < fewest_volumes):
        raise UserError(
            f"{name}: {path} has shape {seen.shape}; a 4D image of {fewest_volumes} volumes or more is needed"
        )
    if grid:
        check_grid(seen, grid.shape, grid.affine, path, name)
    return files, seen


def read_on_grid(path, shape, affine, name):
    """Read one 3D image that belongs to a map: NaN as 0, infinities as the most extreme finite value of their sign.

    Parameters
    ----------
    path : the image; ``file.nii.gz[3]`` for a volume of it.
    shape, affine : the map's grid.
    name : what the image is called in the error.

    Returns
    -------
    (i, j, k) float array, in the map's order of voxels.

    Raises
    ------
    UserError : it cannot be read, or has other voxels.
    """
    files, header = judge(path, name, Look(shape, affine))
    with damage(name, path, files.voxels):
        data, found = read_image(files, header.header.volume)
    return replace_nonfinite(replace_infinite(on_grid(data, found, shape, affine)))[0]


def read_residuals(path, shape, affine, name):
    """Read a 4D image of residuals on the grid of a map.

    Returns
    -------
    (i, j, k, n) float32 array, n of `FEWEST_RESIDUALS` or more; NaN and infinities as 0.

    Raises
    ------
    UserError : it cannot be read, is not 4D, or has other voxels: judged by its header before the data are read.
    """
    name = f"residuals of {name}"
    files, _ = judge(path, name, Look(shape, affine), FEWEST_RESIDUALS)
    with damage(name, path, files.voxels), loaded(files) as image:
        data = np.asarray(image.dataobj, dtype=np.float32).reshape((*image.shape[:3], -1), order="F")
        data = on_grid(data, image.affine, shape, affine)
    return replace_nonfinite(data)[0]


def check_grid(seen: Look, shape: tuple[int, ...], affine: np.ndarray, path: Any, name: str) -> None:
    """Refuse an image whose voxels are not those of a map, in whatever order they are stored."""
    if _order(seen.shape[:3], seen.affine, shape, affine) is None:
        raise UserError(
            f"{name}: {path} has shape {tuple(seen.shape)} and affine {seen.affine.tolist()}, the map {tuple(shape)} "
            f"and {np.asarray(affine).tolist()}; resample it to the grid of the map"
        )


def on_grid(data: np.ndarray, affine: np.ndarray, shape: tuple[int, ...], to: np.ndarray) -> np.ndarray:
    """Voxels in the order in which a map stores them: axes swapped and turned as far as they differ.

    Parameters
    ----------
    data : (i, j, k) or (i, j, k, n) array on `affine`, which `check_grid` accepts.
    shape, to : the map's grid.
    """
    axes, turned = _order(data.shape[:3], affine, shape, to)
    if axes == (0, 1, 2) and turned == (1, 1, 1):
        return data
    rest = tuple(range(3, data.ndim))
    return np.ascontiguousarray(data.transpose((*axes, *rest))[tuple(slice(None, None, step) for step in turned)])


def _order(shape, affine, other_shape, other):
    """The axes of an image along those of another grid of the same voxels, and 1 or -1 for each; None for others."""
    if same_grid(shape, affine, other_shape, other):
        return (0, 1, 2), (1, 1, 1)
    matrix = np.linalg.inv(np.asarray(other)) @ affine
    along = np.abs(matrix[:3, :3]).argmax(axis=0)  # axis of the other grid along which each of the image's runs
    if sorted(along) != [0, 1, 2]:
        return None
    axes = tuple(int(axis) for axis in np.argsort(along))
    turned = tuple(1 if matrix[along[axis], axis] > 0 else -1 for axis in axes)
    indices = np.zeros((4, 4))
    indices[3, 3] = 1
    for axis, (own, step) in enumerate(zip(axes, turned, strict=True)):
        indices[own, axis] = step
        indices[own, 3] = 0 if step > 0 else shape[own] - 1
    same = same_grid([shape[axis] for axis in axes], affine @ indices, other_shape, other)
    return (axes, turned) if same else None


def read_template(path):
    """`read_raw` of an anatomical template, NaN and infinities as 0.

    Raises
    ------
    UserError : it is no 3D image, damaged, or 0 everywhere.
    """
    files, _ = named_image(path, "template")
    check_template(path)
    with damage("template", path, files.voxels):
        data, affine = read_raw(files)
    data = replace_nonfinite(data)[0]
    if not data.any():
        raise UserError(f"template: {path} is 0 everywhere; a template is 0 outside the brain only")
    return data, affine


def check_template(path):
    """Refuse a template that is no 3D image, by its header."""
    shape = look(named_image(path, "template")[0], "template", source=path, most_volumes=MOST_VOLUMES).shape
    if len(shape) != 3:
        raise UserError(f"template: {path} has shape {shape}; one 3D image is needed")


def read_result(path):
    """`read_raw` of an image of ours that has no sidecar.

    Raises
    ------
    UserError : it is damaged; the user deletes it.
    """
    with damage("result", path, advice="delete it and run again"):
        return read_raw(Files("nifti", Path(path), Path(path)))


def read_written(path, sidecar, read=read_raw):
    """`read_raw`, or another `read`, of an image of ours, whose bytes have the sha256 that its sidecar says.

    Raises
    ------
    UserError : it, or the sidecar, is not what was written; the user deletes it.
    """
    check_written(path, read_json(sidecar)["SHA256"], sidecar)
    return read(path)


def whole_numbers(data: np.ndarray) -> np.ndarray:
    """Values that are whole but for the rounding of a scale factor (4.999999998) as what they are; others as before."""
    if data.dtype.kind != "f":
        return data
    nearest = np.rint(data)
    with np.errstate(invalid="ignore"):  # infinity less itself
        near = np.abs(data - nearest) <= ROUNDING * np.abs(data[np.isfinite(data)]).max(initial=0)
    return np.where(near, nearest, data)


def replace_infinite(data: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Infinities as the most extreme finite value of their sign; with none of it, as large as the most extreme other.

    Parameters
    ----------
    data : array of floats.
    among : bool array, the voxels whose values count; None for all.

    Returns
    -------
    array : `data` itself where it has no infinity.
    """
    infinite = np.isinf(data)
    if not infinite.any():
        return data
    finite = data[np.isfinite(data) if among is None else np.isfinite(data) & among]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    low, high = (low if low < 0 else -high), (high if high > 0 else -low)
    return np.where(infinite, np.where(data > 0, high, low), data).astype(data.dtype)


def replace_nonfinite(data):
    """Set NaN and infinities to 0.

    Returns
    -------
    data : the array itself where all was finite, else a copy.
    counts : dict, number of ``nan`` and ``inf`` voxels.
    """
    finite = np.isfinite(data)
    if finite.all():
        return data, {"nan": 0, "inf": 0}
    nan = int(np.isnan(data).sum())
    return np.where(finite, data, data.dtype.type(0)), {"nan": nan, "inf": int((~finite).sum()) - nan}


def _header(shape, affine, dtype):
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header.set_qform(affine, code=2)
    header.set_sform(affine, code=2)
    header.set_xyzt_units("mm")
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    header["scl_slope"], header["scl_inter"] = 1, 0
    return header


def write_volumes(path, volumes, shape, affine, dtype):
    """Write an image from an iterable of volumes, one in memory at a time (gzip, no time, no name inside).

    Parameters
    ----------
    path : ``.nii.gz`` to write.
    volumes : iterable of (i, j, k) arrays; their number is ``shape[3]`` (or 1 where `shape` has three axes).
    shape : tuple of int, three or four axes.
    affine : (4, 4) array.
    dtype : numpy dtype of the file.
    """
    with (
        writing(path) as temporary,
        open(temporary, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=1, mtime=0) as stream,
    ):
        buffer = io.BytesIO()
        _header(shape, affine, dtype).write_to(buffer)
        stream.write(buffer.getvalue() + b"\0" * (352 - buffer.tell()))
        for volume in volumes:
            stream.write(np.asarray(volume, dtype=np.dtype(dtype).newbyteorder("<")).tobytes(order="F"))


def write_image(path, data, affine):
    """Write one 3D array in its own dtype, to the same bytes every time."""
    write_volumes(path, [data], data.shape, affine, data.dtype)


def convert(files: Files, destination: Path, header: Look) -> None:
    """Write an image, or the volume of it that `header` is of, as NIfTI: values as they are stored, or scaled."""
    numbers = [header.header.volume] if len(header.shape) == 3 else range(header.shape[3])
    with loaded(files) as image:
        first = _voxels(image, numbers[0])
        volumes = itertools.chain([first], (_voxels(image, number) for number in numbers[1:]))
        write_volumes(destination, volumes, header.shape, header.affine, first.dtype)
