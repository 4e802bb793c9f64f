"""Images: read, brought to the grid of a map, written to the same bytes every time."""

import itertools
from pathlib import Path

import numpy as np

from ..grid import same_grid
from .files import UserError, check_written, read_json
from .formats import FEWEST_RESIDUALS, Files, existing, recognise, split_volume
from .nifti import read_plain, write_volumes
from .opening import MOST_VOLUMES, Look, check_affine, damage, loaded, look
from .sources import local_path

ROUNDING = 1e-6  # of the largest value: what a scale factor in float32 leaves of a whole number


def _voxels(image, volume=None):
    """Voxels as they are stored, or scaled: of one volume (i, j, k), or in the shape that the image has."""
    proxy = image.dataobj
    data = np.asanyarray(proxy if volume is None or image.ndim == 3 else proxy[_index_of_volume(image.shape, volume)])
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))


def _index_of_volume(shape, volume):
    return (..., *(int(index) for index in np.unravel_index(volume, shape[3:], order="F")))


def _stored(path, volume=None):
    """Voxels as `_voxels` gives them, and the (4, 4) affine; nibabel is asked, and imported, where it has to be."""
    plain = read_plain(path.voxels if isinstance(path, Files) else path, 4 if volume is None else 3)
    if plain:
        return plain
    with loaded(path) as image:
        return _voxels(image, volume), image.affine


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
    data, affine = _stored(path, volume)
    return _as_floats(data), affine


def read_raw(path, volume=0):
    """Read one 3D image in the type it is stored in (labels, a template), and its (4, 4) affine."""
    return _stored(path, volume)


def read_stored(path):
    """Read an image in the type and the shape it is stored in, and its (4, 4) affine."""
    return _stored(path)


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
    header = look(files, name, source=path, most_volumes=MOST_VOLUMES if fewest_volumes > 1 else 1, volume=volume)
    if fewest_volumes > 1 and (len(header.shape) != 4 or header.shape[3] < fewest_volumes):
        raise UserError(
            f"{name}: {path} has shape {header.shape}; a 4D image of {fewest_volumes} volumes or more is needed"
        )
    if grid:
        check_grid(header, grid.shape, grid.affine, path, name)
    return files, header


def read_on_grid(path, shape, affine, name):
    """Read one 3D image that belongs to a map: NaN as 0, infinities as the most extreme finite value of their sign.

    Parameters
    ----------
    path : the image; ``file.nii.gz[3]`` for a volume of it.
    shape, affine : the map's grid.
    name : what the image is called in the error.

    Returns
    -------
    data : (i, j, k) float array, in the map's order of voxels.
    warnings : of infinite values.

    Raises
    ------
    UserError : it cannot be read, or has other voxels.
    """
    files, header = judge(path, name, Look(shape, affine))
    with damage(name, path, files.voxels):
        data, image_affine = read_image(files, header.header.volume)
    replaced = replace_infinite(data)
    warnings = [f"{name}: {text}" for text in infinite_values(data, replaced)]
    return replace_nonfinite(on_grid(replaced, image_affine, shape, affine))[0], warnings


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


def check_grid(header: Look, shape: tuple[int, ...], affine: np.ndarray, path: str, name: str) -> None:
    """Refuse an image whose voxels are not those of a map, in whatever order they are stored."""
    if _axes_on_grid(header.shape[:3], header.affine, shape, affine) is None:
        raise UserError(
            f"{name}: {path} has shape {tuple(header.shape)} and affine {header.affine.tolist()}, the map "
            f"{tuple(shape)} and {np.asarray(affine).tolist()}; resample it to the grid of the map"
        )


def on_grid(data: np.ndarray, affine: np.ndarray, shape: tuple[int, ...], to: np.ndarray) -> np.ndarray:
    """Voxels in the order in which a map stores them: axes swapped and turned as far as they differ.

    Parameters
    ----------
    data : (i, j, k) or (i, j, k, n) array on `affine`, which `check_grid` accepts.
    shape, to : the map's grid.
    """
    axes, turned = _axes_on_grid(data.shape[:3], affine, shape, to)
    if axes == (0, 1, 2) and turned == (1, 1, 1):
        return data
    rest = tuple(range(3, data.ndim))
    return np.ascontiguousarray(data.transpose((*axes, *rest))[tuple(slice(None, None, step) for step in turned)])


def _axes_on_grid(shape, affine, other_shape, other):
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
    for axis, (image_axis, step) in enumerate(zip(axes, turned, strict=True)):
        indices[image_axis, axis] = step
        indices[image_axis, 3] = 0 if step > 0 else shape[image_axis] - 1
    same = same_grid([shape[axis] for axis in axes], affine @ indices, other_shape, other)
    return (axes, turned) if same else None


def read_template(path):
    """`read_raw` of an anatomical template, NaN and infinities as 0.

    Raises
    ------
    UserError : it is no 3D image, damaged, or 0 everywhere.
    """
    files, _ = named_image(path, "template")
    plain = read_plain(files.voxels, 3)
    if plain:
        check_affine(plain[1], "template", path)
    else:
        check_template(path)
    with damage("template", path, files.voxels):
        data, affine = plain or read_raw(files)
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
    """`read_raw` of an image that a rule wrote without a sidecar.

    Raises
    ------
    UserError : it is damaged; the user deletes it.
    """
    with damage("result", path, advice="delete it and run again"):
        return read_raw(Files("nifti", Path(path), Path(path)))


def read_written(path, sidecar):
    """`read_stored` of an image that a rule wrote; its bytes have the sha256 of its sidecar.

    Raises
    ------
    UserError : it, or the sidecar, is not what was written; the user deletes it.
    """
    check_written(path, read_json(sidecar)["SHA256"], sidecar)
    return read_stored(path)


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


def infinite_values(data: np.ndarray, replaced: np.ndarray) -> list[str]:
    """The warning of infinite values and what `replace_infinite` made of them; nothing where there is none."""
    infinite = np.isinf(data)
    if not infinite.any():
        return []
    extremes = " and ".join(f"{value:.6g}" for value in np.unique(replaced[infinite])[::-1])
    number = np.count_nonzero(infinite)
    return [f"{number} infinite values count as the most extreme finite value of their sign, {extremes}"]


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


def convert(files: Files, destination: Path, header: Look) -> None:
    """Write an image, or the volume of it that `header` is of, as NIfTI: values as they are stored, or scaled."""
    numbers = [header.header.volume] if len(header.shape) == 3 else range(header.shape[3])
    with loaded(files) as image:
        first = _voxels(image, numbers[0])
        volumes = itertools.chain([first], (_voxels(image, number) for number in numbers[1:]))
        write_volumes(destination, volumes, header.shape, header.affine, first.dtype)
