"""Images: refused before they are read, read in their own precision, written to the same bytes."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from statmap.io.files import UserError, read_json, sha256_of, write_json, writing
from statmap.io.images import (
    each_volume,
    read_image,
    read_on_grid,
    read_raw,
    read_residuals,
    read_template,
    read_written,
    replace_nonfinite,
)
from statmap.io.nifti import write_image
from statmap.io.opening import look

AFFINE = np.array([[-2.0, 0.1, 0, 90], [0.1, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1]])


def save(path, data, affine=AFFINE):
    nib.Nifti1Image(data, affine).to_filename(path)
    return path


def test_a_good_header_gives_the_shape(tmp_path):
    assert look(save(tmp_path / "a.nii.gz", np.ones((3, 4, 5, 1), np.float32)), "map 'm'", 100).shape == (3, 4, 5)


@pytest.mark.parametrize(
    ("data", "affine", "word"),
    [
        (np.ones((3, 4, 5, 2), np.float32), AFFINE, "3D"),
        (np.ones((3, 4), np.float32), AFFINE, "3D"),
        (np.ones((3, 4, 5), np.complex64), AFFINE, "complex64"),
        (np.ones((30, 40, 50), np.float32), AFFINE, "max_voxels"),
        (np.ones((3, 4, 5), np.float32), np.diag([0.0, 1, 1, 1]), "affine"),
    ],
)
def test_what_is_not_a_map_is_refused_from_its_header(tmp_path, data, affine, word):
    path = tmp_path / "a.nii.gz"
    image = nib.Nifti1Image(data, np.eye(4))
    image.header.set_sform(affine, code=2)
    image.header.set_qform(None, code=0)
    nib.Nifti1Image(data, None, image.header).to_filename(path)
    with pytest.raises(UserError, match=word) as error:
        look(path, "map 'm'", 1000)
    assert "map 'm'" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>", "is a web page; accepted: NIfTI"),
        (b"\x1f\x8b\x08\x00", "is damaged"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, content, said):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"map 'm': .*a.nii.gz {said}"):
        look(path, "map 'm'", 1000)


@pytest.mark.parametrize("offset", [0.0, 100.0, float("inf"), float("nan"), -1.0])
def test_voxels_that_would_begin_in_the_header(tmp_path, offset):
    content = bytearray(nib.Nifti1Image(np.ones((3, 4, 5), np.float32), AFFINE).to_bytes())
    content[108:112] = np.float32(offset).tobytes()
    (tmp_path / "a.nii").write_bytes(content)
    with pytest.raises(UserError, match=r"map 'm': .*(begin at byte|not a readable image)"):
        look(tmp_path / "a.nii", "map 'm'", 100)


@pytest.mark.parametrize(("size", "good"), [(1e-20, False), (0.009, False), (0.01, True), (100, True), (101, False)])
def test_voxels_of_a_size_that_a_brain_has(tmp_path, size, good):
    path = save(tmp_path / "a.nii", np.ones((3, 4, 5), np.float32), np.diag([2, size, 2, 1.0]))
    if good:
        assert look(path, "map 'm'", 100).shape == (3, 4, 5)
    else:
        with pytest.raises(UserError, match=f"voxels of 2 × {size:g} × 2 mm; accepted: 0.01 to 100 mm|not invertible"):
            look(path, "map 'm'", 100)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"text", "is no image; accepted: NIfTI"),
        (b"", "is empty"),
        (np.ones((3, 4, 5, 2), np.float32), "has shape"),
        (np.zeros((3, 4, 5), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])), "holds .* values; integers or floats"),
        (np.zeros((3, 4, 5), np.float32), "is 0 everywhere"),
        (np.full((3, 4, 5), np.nan, np.float32), "is 0 everywhere"),
        ("cut", "is damaged"),
    ],
)
def test_templates_that_are_none(tmp_path, content, said):
    path = tmp_path / "t.nii.gz"
    if isinstance(content, np.ndarray):
        save(path, content)
    elif content == "cut":
        save(path, np.random.default_rng(0).normal(size=(30, 40, 50)))
        path.write_bytes(path.read_bytes()[:9000])
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"template: .*t.nii.gz {said}"):
        read_template(path)


@pytest.mark.parametrize("what", ["template", "values", "residuals", "probabilities"])
@pytest.mark.parametrize(
    ("damage", "said"), [("checksum", "CRC check failed"), ("tail", "bytes follow its last voxel")]
)
def test_a_gzip_is_read_to_its_end(tmp_path, what, damage, said):
    """Its voxels can all be there and be wrong: only the checksum behind them tells."""
    path, shape = tmp_path / "a.nii.gz", (20, 30, 40, 3) if what in ("residuals", "probabilities") else (20, 30, 40)
    content = nib.Nifti1Image(np.random.default_rng(0).random(shape, np.float32), AFFINE).to_bytes()
    read = {
        "template": lambda: read_template(path),
        "values": lambda: read_on_grid(path, shape, nib.load(path).affine, "values"),
        "residuals": lambda: read_residuals(path, shape[:3], nib.load(path).affine, "map"),
        "probabilities": lambda: list(each_volume(path)),
    }[what]
    path.write_bytes(gzip.compress(content))
    read()
    after = gzip.compress(content + bytes(2**20 + 1))
    path.write_bytes(gzip.compress(content)[:-8] + bytes(8) if damage == "checksum" else after)
    with pytest.raises((UserError, OSError, ValueError), match=said):
        read()


def test_a_template_with_holes(tmp_path):
    data = np.ones((3, 4, 5), np.float32)
    data[0, 0, 0] = np.nan
    read, affine = read_template(save(tmp_path / "t.nii", data))
    assert read.sum() == 59 and (affine == AFFINE.astype(np.float32)).all()


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("<f4", np.float32),
        (">f4", np.float32),
        ("<f8", np.float64),
        ("<i2", np.float32),
        ("<i4", np.float64),
        ("|u1", np.float32),
    ],
)
def test_values_come_back_in_a_float_type_that_holds_them(tmp_path, stored, read):
    data = np.arange(24, dtype=stored).reshape(2, 3, 4)
    image = nib.Nifti1Image(data, AFFINE)
    image.to_filename(tmp_path / "a.nii.gz")
    found, affine = read_image(tmp_path / "a.nii.gz")
    assert found.dtype == read and found.dtype.isnative and found.flags.c_contiguous
    np.testing.assert_array_equal(found, data)
    np.testing.assert_allclose(affine, AFFINE, atol=1e-5)


def test_scaled_integers_keep_their_precision(tmp_path):
    image = nib.Nifti1Image(np.linspace(-7, 7, 24).reshape(2, 3, 4), AFFINE)
    image.set_data_dtype(np.int16)
    image.to_filename(tmp_path / "a.nii.gz")
    found, _ = read_image(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(found, np.linspace(-7, 7, 24).reshape(2, 3, 4), atol=14 / 2**16)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.uint8])
def test_what_is_written_reads_back_and_is_the_same_every_time(tmp_path, dtype):
    data = np.arange(60).reshape(3, 4, 5).astype(dtype)
    for name in ("one.nii.gz", "other.nii.gz"):
        write_image(tmp_path / name, np.asfortranarray(data), AFFINE)
    found, affine = read_raw(tmp_path / "one.nii.gz")
    np.testing.assert_array_equal(found, data)
    assert found.dtype == dtype
    np.testing.assert_allclose(affine, AFFINE, atol=1e-5)
    assert sha256_of(tmp_path / "one.nii.gz") == sha256_of(tmp_path / "other.nii.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.nii.gz", "other.nii.gz"]


def test_nan_and_infinities_become_background():
    data = np.array([1, np.nan, np.inf, -np.inf, 2], dtype=np.float32).reshape(1, 1, 5)
    found, counts = replace_nonfinite(data)
    assert found.ravel().tolist() == [1, 0, 0, 0, 2] and counts == {"nan": 1, "inf": 2} and found.dtype == np.float32


def test_a_written_image_is_read_back_only_with_its_bytes(tmp_path):
    image, sidecar = tmp_path / "image.nii.gz", tmp_path / "image.json"
    write_image(image, np.arange(8, dtype=np.int16).reshape(2, 2, 2), AFFINE)
    write_json(sidecar, {"SHA256": sha256_of(image)})
    assert read_written(image, sidecar)[0].ravel().tolist() == list(range(8))
    image.write_bytes(image.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"image\.nii\.gz is not the file that was written"):
        read_written(image, sidecar)
    sidecar.write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"image\.json is damaged .*; delete it and run again"):
        read_written(image, sidecar)


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "folder" / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert path.read_text() == '{\n  "a": 1\n}\n'
    with pytest.raises(RuntimeError), writing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == '{\n  "a": 1\n}\n' and len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize(
    ("text", "wrong"),
    [('{"a": {}', "Expecting"), ("[]", "it holds no keys"), ('{"a": {}}', "it lacks b"), ("{}", "it lacks a")],
)
def test_a_sidecar_that_was_cut_or_lacks_a_key_is_named(tmp_path, text, wrong):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(UserError, match=rf"m\.json is damaged \({wrong}.*; delete it and run again"):
        read_json(tmp_path / "m.json")["a"]["b"]
