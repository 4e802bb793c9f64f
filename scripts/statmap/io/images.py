"""NIfTI images in and out: checked before they are read, written to the same bytes every time."""

import gzip
import io
import zlib
from contextlib import contextmanager

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from ..grid import same_grid
from .files import UserError, check_written, read_json, writing

MOST_TEMPLATE_VOXELS = 10**9
MOST_VOLUMES = 1000  # of a probabilistic atlas
MOST_BESIDE = 2**20  # bytes of a file beside its voxels: header, extensions, padding
SMALLEST_MM, LARGEST_MM = 0.01, 100.0  # of a voxel's side


def check_header(path, name, max_voxels, source=None, volumes=False):
    """Refuse an image that is not one 3D statistical map, from its header alone.

    Parameters
    ----------
    path : path of a NIfTI image.
    name : what the image is called in the error (``map 'motor'``).
    max_voxels : int, the largest grid accepted.
    source : what the user knows the file by, where `path` is a temporary copy of it.
    volumes : whether a fourth axis is accepted; `max_voxels` is of one volume.

    Returns
    -------
    tuple of int : the shape, trailing axes of length 1 dropped.

    Raises
    ------
    UserError : not an image, not 3D, not numeric, empty, too large, or an affine that cannot be inverted.
    """
    shown = path if source is None else source
    try:
        image = nib.load(path)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, OverflowError) as error:
        reason = str(error).replace(str(path), str(shown))  # nibabel names the file as well
        raise UserError(f"{name}: {shown} is not a readable NIfTI image ({reason})") from error
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 and not (volumes and len(shape) == 4):
        raise UserError(f"{name}: {shown} has shape {image.shape}; one 3D image is needed")
    if image.get_data_dtype().kind not in "iuf":
        raise UserError(f"{name}: {shown} holds {image.get_data_dtype()} values; integers or floats are needed")
    if min(shape) < 1:
        raise UserError(f"{name}: {shown} has shape {image.shape} and no voxel")
    if len(shape) == 4 and shape[3] > MOST_VOLUMES:
        raise UserError(f"{name}: {shown} has {shape[3]} volumes; at most {MOST_VOLUMES} are accepted")
    voxels = int(np.prod(shape[:3], dtype=np.int64))
    if voxels > max_voxels:
        raise UserError(f"{name}: {shown} has {voxels} voxels, more than max_voxels: {max_voxels} in the config")
    if image.dataobj.offset < image.header.single_vox_offset:
        raise UserError(
            f"{name}: {shown} says that its voxels begin at byte {image.dataobj.offset}, within the header; accepted: "
            f"vox_offset {image.header.single_vox_offset} or more"
        )
    affine = image.affine
    if affine is None or not np.isfinite(affine).all() or np.linalg.det(affine[:3, :3]) == 0:
        raise UserError(
            f"{name}: {shown} has an affine that is not finite or not invertible: {np.asarray(affine).tolist()}"
        )
    sizes = nib.affines.voxel_sizes(affine).astype(np.float32)  # as the header has them
    if sizes.min() < SMALLEST_MM or sizes.max() > LARGEST_MM:
        found = " × ".join(f"{size:g}" for size in sizes)
        raise UserError(f"{name}: {shown} has voxels of {found} mm; accepted: {SMALLEST_MM:g} to {LARGEST_MM:g} mm")
    return shape


@contextmanager
def loaded(path):
    """`nib.load` an image to read its voxels; a gzip file is then read to its end.

    nibabel stops at the last voxel: before gzip's checksum, and before whatever else it may unfold to.

    Raises
    ------
    OSError, EOFError, ValueError, zlib.error : it is damaged, or more than `MOST_BESIDE` bytes follow its last voxel.
    """
    image = nib.load(path)
    if not str(path).endswith(".nii.gz"):
        yield image
        return
    with gzip.open(path) as stream:
        yield type(image).from_stream(stream)
        _check_end(stream)


def _check_end(stream):
    if len(stream.read(MOST_BESIDE + 1)) > MOST_BESIDE:
        raise ValueError(f"more than {MOST_BESIDE:,} bytes follow its last voxel")


def read_image(path):
    """Read one 3D image.

    Returns
    -------
    data : (i, j, k) array in the precision of the file, C order, native byte order: float32 or float64 (integers,
        scaled or not, become float64 unless float32 holds them exactly); NaN and infinities as they are.
    affine : (4, 4) float64, voxel indices to mm.
    """
    with loaded(path) as image:
        data = np.asanyarray(image.dataobj)
    if data.dtype.kind in "iu":
        data = data.astype(np.float32 if data.dtype.itemsize <= 2 else np.float64)
    elif data.dtype.itemsize not in (4, 8):
        data = data.astype(np.float32 if data.dtype.itemsize < 4 else np.float64)
    data = data.reshape(data.shape[:3])
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("=")), image.affine


def read_on_grid(path, shape, affine, name):
    """Read one 3D image that belongs to a map, its NaN and infinities as 0.

    Parameters
    ----------
    path : the image.
    shape, affine : the map's grid.
    name : what the image is called in the error.

    Returns
    -------
    (i, j, k) float array.

    Raises
    ------
    UserError : it cannot be read, or has another grid.
    """
    found_shape = check_header(path, name, int(np.prod(shape)))
    try:
        data, found = read_image(path)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"{name}: {path} is damaged ({' '.join(str(error).split())}); get the file again") from error
    _check_grid(path, found_shape, found, shape, affine, name)
    return replace_nonfinite(data)[0]


def read_residuals(path, shape, affine, name):
    """Read a 4D image of residuals on the grid of a map.

    Returns
    -------
    (i, j, k, n) float32 array, n of 3 or more; NaN and infinities as 0.

    Raises
    ------
    UserError : it cannot be read, is not 4D, or has another grid.
    """
    name = f"residuals of {name}"
    try:
        with loaded(path) as image:
            data = np.asarray(image.dataobj, dtype=np.float32)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{name}: {path} is not a readable NIfTI image ({reason})") from error
    if data.ndim != 4 or data.shape[3] < 3:
        raise UserError(f"{name}: {path} has shape {data.shape}; a 4D image of three volumes or more is needed")
    _check_grid(path, data.shape[:3], image.affine, shape, affine, name)
    return replace_nonfinite(data)[0]


def _check_grid(path, found_shape, found, shape, affine, name):
    if not same_grid(shape, affine, found_shape, found):
        raise UserError(
            f"{name}: {path} has shape {tuple(found_shape)} and affine {found.tolist()}, the map {tuple(shape)} and "
            f"{np.asarray(affine).tolist()}; resample it to the grid of the map"
        )


def read_raw(path):
    """Read one 3D image in the type it is stored in (labels, a template), and its (4, 4) affine."""
    with loaded(path) as image:
        data = np.asanyarray(image.dataobj)
    return np.ascontiguousarray(data.reshape(data.shape[:3]), dtype=data.dtype.newbyteorder("=")), image.affine


def read_stored(path):
    """Read an image in the type and the shape it is stored in, and its (4, 4) affine."""
    with loaded(path) as image:
        data = np.asanyarray(image.dataobj)
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("=")), image.affine


def read_template(path):
    """`read_raw` of an anatomical template, NaN and infinities as 0.

    Raises
    ------
    UserError : it is no 3D image, damaged, or 0 everywhere.
    """
    check_header(path, "template", MOST_TEMPLATE_VOXELS)
    try:
        data, affine = read_raw(path)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"template: {path} is damaged ({' '.join(str(error).split())}); get the file again") from error
    data = replace_nonfinite(data)[0]
    if not data.any():
        raise UserError(f"template: {path} is 0 everywhere; a template is 0 outside the brain only")
    return data, affine


def each_volume(path):
    """Read a 4D image volume by volume, so that one is in memory at a time; NaN and infinities as 0.

    Yields
    ------
    (i, j, k) array, in the type it is stored in, or float64 where it is scaled.
    """
    image = nib.load(path)
    proxy = image.dataobj
    size = int(np.prod(image.shape[:3])) * proxy.dtype.itemsize
    with gzip.open(path) as stream:
        stream.seek(proxy.offset)
        for _ in range(image.shape[3]):
            raw = stream.read(size)
            if len(raw) < size:
                raise EOFError(f"the file ends before its {image.shape[3]} volumes do")
            volume = np.frombuffer(raw, proxy.dtype).reshape(image.shape[:3], order="F")
            if (proxy.slope, proxy.inter) != (1, 0):
                volume = volume * float(proxy.slope) + float(proxy.inter)
            yield replace_nonfinite(volume)[0]
        _check_end(stream)


def read_result(path):
    """`read_raw` of an image of ours that has no sidecar.

    Raises
    ------
    UserError : it is damaged; the user deletes it.
    """
    try:
        return read_raw(path)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())}); delete it and run again") from error


def read_written(path, sidecar, read=read_raw):
    """`read_raw`, or another `read`, of an image of ours, whose bytes have the sha256 that its sidecar says.

    Raises
    ------
    UserError : it, or the sidecar, is not what was written; the user deletes it.
    """
    check_written(path, read_json(sidecar)["SHA256"], sidecar)
    return read(path)


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
