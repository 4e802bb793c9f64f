"""NIfTI as this workflow writes it, to the same bytes every time, and read without nibabel (numpy only).

nibabel takes as long to import as numpy does, in every job; it reads whatever is not as plain as what is written here.
"""

import gzip
import itertools
import math
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .deflate import SHORTEST, GzipOfZeros
from .files import writing

MOST_VOLUMES = 2**15 - 1  # that a header counts
MOST_BESIDE = 2**20  # bytes of a file beside its voxels: header, extensions, padding
_START = 352  # of the voxels: a header of 348 bytes and four that say that no extension follows
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_CODES = {name: code for code, name in _TYPES.items()}
_ALIGNED, _MM = 2, 2  # codes of a form and of a unit


def header_bytes(shape: tuple[int, ...], affine: np.ndarray, dtype: np.dtype) -> bytes:
    """What stands before the voxels of a NIfTI file, 352 bytes.

    Parameters
    ----------
    shape : (i, j, k) or (i, j, k, n).
    affine : (4, 4) array, voxel indices to mm: the sform, and the qform as near as a rotation comes to it.
    dtype : of the voxels, integers or floats of 1 to 8 bytes.
    """
    dtype, affine = np.dtype(dtype), np.asarray(affine, dtype=np.float64)
    qfac, sizes, quaternion = _rotation(affine[:3, :3])
    header = bytearray(_START)

    def put(place, form, *values):
        struct.pack_into(f"<{form}", header, place, *values)

    put(0, "i", 348)
    put(40, "8h", len(shape), *shape, *(1 for _ in range(7 - len(shape))))
    put(70, "2h", _CODES[dtype.newbyteorder("=").str[1:]], 8 * dtype.itemsize)
    put(76, "8f", qfac, *sizes, 1, 1, 1, 1)
    put(108, "3f", _START, 1, 0)  # and slope and intercept
    put(123, "B", _MM)
    put(252, "2h", _ALIGNED, _ALIGNED)
    put(256, "6f", *quaternion, *affine[:3, 3])
    put(280, "12f", *affine[:3].ravel())
    put(344, "4s", b"n+1")
    return bytes(header)


def _rotation(matrix):
    """Of a (3, 3) matrix the sign of its determinant, the lengths of its columns, and (b, c, d) of the quaternion.

    The quaternion is that of the nearest rotation (I. Y. Bar-Itzhack, J. Guidance 23(6), 2000), as in nibabel's
    `Nifti1Header.set_qform`, step by step: so the bytes are those that nibabel writes.
    """
    sizes = np.sqrt(np.sum(matrix * matrix, axis=0))
    columns = matrix / sizes
    sign = 1 if np.linalg.det(columns) > 0 else -1
    columns[:, 2] *= sign
    left, _, right = np.linalg.svd(columns)
    (xx, yx, zx), (xy, yy, zy), (xz, yz, zz) = np.dot(left, right)
    lower = [
        [xx - yy - zz, 0, 0, 0],
        [yx + xy, yy - xx - zz, 0, 0],
        [zx + xz, zy + yz, zz - xx - yy, 0],
        [yz - zy, zx - xz, xy - yx, xx + yy + zz],
    ]
    values, vectors = np.linalg.eigh(np.array(lower) / 3.0)
    w, *rest = vectors[[3, 0, 1, 2], np.argmax(values)]
    return sign, sizes, [-part if w < 0 else part for part in rest]


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
        stream.write(header_bytes(shape, affine, dtype))
        for volume in volumes:
            stream.write(np.asarray(volume, dtype=np.dtype(dtype).newbyteorder("<")).tobytes(order="F"))


def write_image(path, data, affine):
    """Write one 3D array in its own dtype, to the same bytes every time."""
    write_volumes(path, [data], data.shape, affine, data.dtype)


def write_sparse(
    path: str,
    volumes: Iterable[tuple[np.ndarray, np.ndarray]],
    shape: tuple[int, ...],
    affine: np.ndarray,
    dtype: np.dtype,
) -> None:
    """Write an image of volumes that are 0 nearly everywhere: runs of zeros cost neither time nor memory.

    Parameters
    ----------
    path : ``.nii.gz`` to write.
    volumes : ``shape[3]`` of them, each the flat indices (n,) of its voxels in the order of the file (i fastest),
        rising, and their values (n,).
    shape : (i, j, k, number of volumes).
    affine : (4, 4) array.
    dtype : numpy dtype of the file.
    """
    stored = np.dtype(dtype).newbyteorder("<")
    size, n_voxels = stored.itemsize, math.prod(shape[:3])
    with writing(path) as temporary, open(temporary, "wb") as raw:
        stream = GzipOfZeros(raw)
        stream.write(header_bytes(shape, affine, dtype))
        for where, values in volumes:
            done = 0
            starts = np.flatnonzero(np.diff(where, prepend=-np.inf) * size > SHORTEST)
            for start, end in itertools.pairwise([*starts, len(where)]):
                first, last = int(where[start]), int(where[end - 1])
                dense = np.zeros(last + 1 - first, stored)
                dense[where[start:end] - first] = values[start:end]
                stream.zeros((first - done) * size)
                stream.write(dense.tobytes())
                done = last + 1
            stream.zeros((n_voxels - done) * size)
        stream.close()


def read_plain(path: str | Path, most_axes: int = 4) -> tuple[np.ndarray, np.ndarray] | None:
    """Read an image as nibabel would, if it is as plain as those written here.

    Parameters
    ----------
    path : of a file.
    most_axes : 3 for a 3D image, 4 for volumes too.

    Returns
    -------
    data : array in the shape and the type that is stored, C order, native byte order.
    affine : (4, 4) float64, voxel indices to mm.

    None where nibabel is to read it: no single gzip file of NIfTI-1, big-endian, scaled values, no sform, damaged, or
    more than `MOST_BESIDE` bytes after its last voxel.
    """
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        with open(path, "rb") as stream:
            header = unzip.decompress(stream.read(2**16), _START)
            if len(header) < _START or header[:4] != struct.pack("<i", 348) or header[344:348] != b"n+1\0":
                return None
            axes, *lengths = struct.unpack_from("<8h", header, 40)
            (code,) = struct.unpack_from("<h", header, 70)
            begin, slope, intercept = struct.unpack_from("<3f", header, 108)
            (sform,) = struct.unpack_from("<h", header, 254)
            affine = np.vstack([np.frombuffer(header, "<f4", 12, 280).reshape(3, 4), [0, 0, 0, 1]]).astype(np.float64)
            shape = tuple(lengths[: max(axes, 0)])
            scaled = not (slope == 0 or math.isnan(slope)) and (slope, intercept) != (1, 0)
            known = code in _TYPES and begin == _START and sform > 0 and not scaled
            if not known or not 3 <= axes <= most_axes or min(shape) < 1:
                return None
            dtype, number = np.dtype(f"<{_TYPES[code]}"), math.prod(shape)
            size = number * dtype.itemsize
            content = unzip.decompress(unzip.unconsumed_tail + stream.read(), size + MOST_BESIDE + 1)
    except (OSError, zlib.error):
        return None
    if not unzip.eof or unzip.unused_data or not size <= len(content) <= size + MOST_BESIDE:
        return None
    voxels = np.frombuffer(content, dtype, number).reshape(shape, order="F")
    return np.array(voxels, dtype.newbyteorder("="), order="C"), affine
