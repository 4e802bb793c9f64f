"""NIfTI without nibabel: the same header, the same voxels; runs of zeros that any reader takes."""

import gzip
import io
import subprocess
import zlib

import nibabel as nib
import numpy as np
import pytest

from statmap.io.deflate import SHORTEST, GzipOfZeros
from statmap.io.nifti import header_bytes, read_plain, write_image, write_sparse, write_volumes

AFFINE = np.array([[-2.0, 0.1, 0, 90], [0.1, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])
TYPES = ["u1", "i2", "i4", "f4", "f8", "i1", "u2", "u4", "i8", "u8"]


def of_nibabel(shape, affine, dtype):
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header.set_qform(affine, code=2)
    header.set_sform(affine, code=2)
    header.set_xyzt_units("mm")
    header["vox_offset"], header["magic"] = 352, b"n+1"
    header["scl_slope"], header["scl_inter"] = 1, 0
    return header.binaryblock + bytes(4)


def test_a_header_is_the_one_that_nibabel_writes():
    random = np.random.default_rng(0)
    for n in range(300):
        affine = np.eye(4)
        affine[:3] = random.normal(size=(3, 4)) * [2, 3, 1, 90]
        if n % 3 == 0:  # along the axes, either way, in any order
            affine[:3, :3] = (np.diag(random.choice([-3.0, 2.0, 1.5], 3)))[random.permutation(3)]
        shape, dtype = tuple(int(size) for size in random.integers(1, 300, 3 + n % 2)), np.dtype(TYPES[n % 10])
        assert header_bytes(shape, affine, dtype) == of_nibabel(shape, affine, dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3, 5, 2), (1, 1, 1)])
def test_what_is_plain_is_read_as_nibabel_reads_it(tmp_path, shape, dtype):
    path, data = tmp_path / "a.nii.gz", np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    volumes = np.moveaxis(data, 3, 0) if len(shape) == 4 else [data]
    write_volumes(path, volumes, shape, AFFINE, data.dtype)
    theirs, (ours, affine) = nib.load(path), read_plain(path)
    np.testing.assert_array_equal(ours, np.asanyarray(theirs.dataobj))
    assert ours.dtype == theirs.get_data_dtype() == dtype
    assert ours.flags.c_contiguous and ours.flags.writeable
    assert (affine == theirs.affine).all() and affine.dtype == np.float64
    assert (read_plain(path, most_axes=3) is None) == (len(shape) == 4)


def changed(place, content):
    def change(raw):
        return gzip.compress(raw[:place] + content + raw[place + len(content) :])

    return change


NOT_PLAIN = {
    "not compressed": lambda raw: raw,
    "big-endian": changed(0, (348).to_bytes(4, "big")),
    "another magic": changed(344, b"ni1\0"),
    "a slope": changed(112, np.float32(2).tobytes()),
    "an intercept": changed(116, np.float32(1).tobytes()),
    "a slope of infinity": changed(112, np.float32(np.inf).tobytes()),
    "no sform": changed(254, bytes(2)),
    "two axes": changed(40, b"\2\0"),
    "five axes": changed(40, b"\5\0"),
    "no voxel": changed(42, bytes(2)),
    "less than none": changed(42, b"\xff\xff"),
    "RGB": changed(70, (128).to_bytes(2, "little")),
    "an extension": changed(108, np.float32(384).tobytes()),
    "cut short": lambda raw: gzip.compress(raw[:-1]),
    "a header alone": lambda raw: gzip.compress(raw[:300]),
    "gzip cut short": lambda raw: gzip.compress(raw)[:-1],
    "a wrong checksum": lambda raw: gzip.compress(raw)[:-8] + bytes(8),
    "two files in one": lambda raw: gzip.compress(raw[:400]) + gzip.compress(raw[400:]),
    "much after the voxels": lambda raw: gzip.compress(raw + bytes(2**20 + 1)),
    "nothing": lambda raw: b"",
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_what_is_not_plain_is_left_to_nibabel(tmp_path, what):
    path = tmp_path / "a.nii.gz"
    write_image(path, np.arange(60, dtype=np.float32).reshape(3, 4, 5), AFFINE)
    assert read_plain(path)
    path.write_bytes(NOT_PLAIN[what](gzip.decompress(path.read_bytes())))
    assert read_plain(path) is None
    assert read_plain(tmp_path / "no.nii.gz") is None


@pytest.mark.parametrize("slope", [0, np.nan])
def test_a_slope_that_says_nothing_is_plain(tmp_path, slope):
    path, data = tmp_path / "a.nii.gz", np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    write_image(path, data, AFFINE)
    path.write_bytes(changed(112, np.float32(slope).tobytes())(gzip.decompress(path.read_bytes())))
    np.testing.assert_array_equal(read_plain(path)[0], data)


def test_zeros_unfold_to_zeros_of_any_number():
    random = np.random.default_rng(0)
    for _ in range(60):
        raw, expected = io.BytesIO(), b""
        stream = GzipOfZeros(raw)
        for _ in range(random.integers(1, 6)):
            content = random.bytes(random.choice([0, 1, 5000]))
            zeros = int(random.choice([0, 1, SHORTEST - 1, SHORTEST, SHORTEST + 1, 2**22, random.integers(10**7)]))
            stream.write(content)
            stream.zeros(zeros)
            expected += content + bytes(zeros)
        stream.close()
        assert gzip.decompress(raw.getvalue()) == zlib.decompress(raw.getvalue(), 31) == expected


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """A 4D image of five volumes written as runs of zeros, the same written voxel by voxel, and its voxels."""
    folder, shape = tmp_path_factory.mktemp("sparse"), (60, 70, 80, 5)
    data = np.zeros(shape, np.float32)
    for volume, n in enumerate((1, 300, 0, 5000)):
        inside = np.random.default_rng(volume).integers(0, 60, (n, 3))
        data[(*inside.T, volume)] = volume + 1.5
    data[..., 4] = 1  # and nothing of one but zeros
    flat = [data[..., n].ravel(order="F") for n in range(5)]
    volumes = ((np.flatnonzero(volume), volume[volume != 0]) for volume in flat)
    write_sparse(folder / "sparse.nii.gz", volumes, shape, AFFINE, data.dtype)
    write_volumes(folder / "dense.nii.gz", np.moveaxis(data, 3, 0), shape, AFFINE, data.dtype)
    return folder / "sparse.nii.gz", folder / "dense.nii.gz", data


def test_every_reader_takes_runs_of_zeros(sparse):
    path, dense, data = sparse
    expected = gzip.decompress(dense.read_bytes())
    assert gzip.decompress(path.read_bytes()) == zlib.decompress(path.read_bytes(), 31) == expected
    # GNU's gzip unfolds by code of its own, not by zlib; -t looks at the checksum and the size.
    assert subprocess.run(["gzip", "-dc", path], capture_output=True, check=True).stdout == expected
    subprocess.run(["gzip", "-t", path], check=True)
    np.testing.assert_array_equal(np.asanyarray(nib.load(path).dataobj), data)
    np.testing.assert_array_equal(np.asanyarray(nib.load(path).dataobj[..., 3]), data[..., 3])
    np.testing.assert_array_equal(read_plain(path)[0], data)


def test_runs_of_zeros_make_no_larger_file(sparse):
    path, dense, _ = sparse
    assert path.stat().st_size < dense.stat().st_size


def test_runs_of_zeros_are_the_same_bytes_every_time(sparse, tmp_path):
    path, _, data = sparse
    flat = [data[..., n].ravel(order="F") for n in range(5)]
    volumes = ((np.flatnonzero(volume), volume[volume != 0]) for volume in flat)
    write_sparse(tmp_path / "again.nii.gz", volumes, data.shape, AFFINE, data.dtype)
    assert (tmp_path / "again.nii.gz").read_bytes() == path.read_bytes()
