"""One reader for maps, masks, atlases, values, residuals and templates: what one takes, all take, and alike."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import scipy.io
import written

import fetch_atlas
import fetch_map
from statmap.io.files import UserError, read_json, sha256_of
from statmap.io.formats import files_of
from statmap.io.images import read_on_grid, read_raw, read_residuals, read_stored, read_template
from statmap.io.nifti import write_image
from statmap.io.stat_map import MapFiles, StatMap

SHAPE = (5, 6, 7)
AFFINE = np.array([[-2.0, 0, 0, 4], [0, 2, 0, -6], [0, 0, 3, -9], [0, 0, 0, 1]])
DATA = np.random.default_rng(0).integers(0, 6, SHAPE).astype(np.int16)
VOLUMES = np.random.default_rng(1).integers(-9, 9, (*SHAPE, 4)).astype(np.int16)


def world(data, affine):
    """Values by position in mm, whatever the order in which they are stored."""
    indices = np.argwhere(np.ones(data.shape[:3], bool))
    mm = np.rint(nib.affines.apply_affine(affine, indices)).astype(int)
    return {tuple(place): np.round(data[tuple(index)], 5).tolist() for place, index in zip(mm, indices, strict=True)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def as_map(source, **columns):
    made = {"image": "out/m.nii.gz", "mask_image": "out/m_mask.nii.gz", "sidecar": "out/m.json"}
    fetch_map.main(row={"source": source} | columns, map_id="m", max_voxels=1000, **made)
    stat_map = StatMap.read("m", MapFiles(*made.values()))
    return stat_map.values, stat_map.affine, stat_map.mask, read_json(made["sidecar"])


def a_map(source):
    return as_map(source)[:2]


def a_mask(source):
    write_image("map.nii.gz", np.ones(SHAPE, np.float32), AFFINE)
    as_map("map.nii.gz", mask=source)
    return read_raw("out/m_mask.nii.gz")


def an_atlas(source):
    fetch_atlas.main({"image": source}, "a", 1000, "out/a.nii.gz", "out/a.json")
    data, affine = read_stored("out/a.nii.gz")
    assert data.dtype.kind in "iu" or (data == np.rint(data)).all()
    return data.reshape(data.shape[:3]), affine


def values(source):
    return read_on_grid(source, SHAPE, AFFINE, "values of map 'm'")[0], AFFINE


def a_template(source):
    return read_template(source)


ROLES = (a_map, a_mask, an_atlas, values, a_template)


@pytest.mark.parametrize("write", written.STORED)
@pytest.mark.parametrize("role", ROLES)
def test_every_role_takes_every_storage(role, write, folder):
    found, affine = role(write(folder, DATA, AFFINE))
    expected = DATA != 0 if role is a_mask else DATA
    assert found.shape == SHAPE or role not in (a_mask, values)
    assert world(found.astype(float), affine) == world(expected.astype(float), AFFINE)


@pytest.mark.parametrize("write", [write for write in written.STORED if write is not written.trailing])
def test_residuals_take_every_storage(write, folder):
    data = VOLUMES if write is not written.unsigned else np.abs(VOLUMES)
    found = read_residuals(write(folder, data, AFFINE), SHAPE, AFFINE, "map 'm'")
    assert found.shape == (*SHAPE, 4) and found.dtype == np.float32
    assert world(found, AFFINE) == world(data.astype(np.float32), AFFINE)


@pytest.mark.parametrize(
    "write",
    [written.nifti, written.afni, written.afni_nifti, written.pair, written.mgh, written.flipped, written.bzipped],
)
@pytest.mark.parametrize("role", [*ROLES[:4]])
@pytest.mark.parametrize("number", [0, 2, 3])
def test_every_role_takes_one_volume(role, write, number, folder):
    volumes = np.abs(VOLUMES)
    source = write(folder, volumes, AFFINE)
    found, affine = role(f"{source}[{number}]")
    expected = volumes[..., number] != 0 if role is a_mask else volumes[..., number]
    assert world(found.astype(float), affine) == world(expected.astype(float), AFFINE)


@pytest.mark.parametrize("role", ROLES[:4])
@pytest.mark.parametrize("write", [written.afni, written.afni_nifti])
def test_a_volume_is_named_by_its_label(role, write, folder):
    volumes = np.abs(VOLUMES)
    source = write(folder, volumes, AFFINE, BRICK_LABS="Full_Fstat~visual#0_Coef~visual#0_Tstat~a>b & c")
    for number, label in ((2, "visual#0_Tstat"), (3, "a>b & c"), (1, "visual#0_Coef")):
        found, affine = role(f"{source}[{label}]")
        expected = volumes[..., number] != 0 if role is a_mask else volumes[..., number]
        assert world(found.astype(float), affine) == world(expected.astype(float), AFFINE)


def test_volumes_of_five_axes_count_on(folder):
    """As AFNI: the fourth axis first."""
    data = np.arange(2 * 3 * 4 * 2 * 3, dtype=np.float32).reshape(2, 3, 4, 2, 3) + 1
    written.nifti(folder, data, AFFINE)
    for number in range(6):
        found = as_map(f"x.nii.gz[{number}]")[0]
        assert (found == data[..., number % 2, number // 2]).all()


def cifti(path):
    axes = nib.cifti2.ScalarAxis(["a"]), nib.cifti2.BrainModelAxis.from_mask(np.ones(40), "cortex_left")
    nib.Cifti2Image(np.zeros((1, 40), np.float32), axes).to_filename(path)


def surface(path):
    nib.MGHImage(np.zeros((2562, 1, 1), np.float32), np.eye(4)).to_filename(path)


# ---------------------------------------------------------------------------------------------------------- refusals
@pytest.mark.parametrize("role", ROLES[:4])
def test_the_refusal_of_a_4d_image_lists_its_volumes(role, folder):
    labels = "Full_Fstat~visual#0_Coef~visual#0_Tstat~#3"
    source = written.afni_nifti(folder, VOLUMES, AFFINE, BRICK_LABS=labels)
    if role is an_atlas:
        source += "[7]"
    with pytest.raises(UserError) as error:
        role(source)
    assert "[0] Full_Fstat, [1] visual#0_Coef, [2] visual#0_Tstat, [3] #3" in str(error.value)
    if role is not an_atlas:
        assert "has shape (5, 6, 7, 1, 4); one 3D image is needed, or one of its volumes, as in" in str(error.value)
        assert "stats.nii.gz[3] or stats.nii.gz[#3]" in str(error.value)


@pytest.mark.parametrize("volume", ["4", "-1", "1..3", "Tstat", "", "0,1", "９"])
def test_volumes_that_are_not_there(volume, folder):
    source = written.nifti(folder, VOLUMES, AFFINE)
    with pytest.raises(
        UserError, match=r"^map 'm': x.nii.gz\[.*\] has no volume '.*'; accepted: \[0\], \[1\], \[2\], \[3\]$"
    ):
        as_map(f"{source}[{volume}]")


def test_many_volumes_are_not_all_listed(folder):
    written.nifti(folder, np.zeros((2, 2, 2, 400), np.int16), AFFINE)
    with pytest.raises(UserError, match=r"\[0\], \[1\], .*\[19\], … \[399\]$"):
        as_map("x.nii.gz")


def test_a_template_has_one_volume(folder):
    with pytest.raises(UserError, match=r"template: x.nii.gz has shape \(5, 6, 7, 4\); one 3D image is needed$"):
        read_template(written.nifti(folder, VOLUMES, AFFINE))


@pytest.mark.parametrize("role", [a_mask, values])
@pytest.mark.parametrize(
    "moved",
    [np.diag([1.0, 1, -1, 1]), np.diag([1.0, 1, 1.01, 1]), np.eye(4)[[1, 0, 2, 3]]],
    ids=["z", "size", "turned"],
)
def test_another_grid_is_refused(role, moved, folder):
    source = written.nifti(folder, DATA, AFFINE @ moved)
    with pytest.raises(UserError, match=r"of map 'm': x.nii.gz has shape .* resample it to the grid of the map"):
        role(source)


def test_residuals_of_another_grid_are_refused_before_they_are_read(folder, monkeypatch):
    source = written.nifti(folder, VOLUMES, AFFINE @ np.diag([1.0, 1, 2, 1]))
    monkeypatch.setattr("statmap.io.images.loaded", lambda path: pytest.fail("read"))
    with pytest.raises(
        UserError, match=r"residuals of map 'm': x.nii.gz has shape \(5, 6, 7, 4\) and affine .* resample"
    ):
        read_residuals(source, SHAPE, AFFINE, "map 'm'")


@pytest.mark.parametrize("data", [DATA, VOLUMES[..., :2], VOLUMES[..., :1]])
def test_what_is_too_few_for_residuals(data, folder):
    source = written.nifti(folder, data, AFFINE)
    with pytest.raises(UserError, match=r"residuals of map 'm': .* a 4D image of 3 volumes or more is needed"):
        read_residuals(source, SHAPE, AFFINE, "map 'm'")
    written.nifti(folder, VOLUMES, AFFINE)
    with pytest.raises(UserError, match=r"residuals of map 'm': .* a 4D image of 3 volumes or more is needed"):
        read_residuals("x.nii.gz[1]", SHAPE, AFFINE, "map 'm'")


@pytest.mark.parametrize("role", [*ROLES, lambda source: read_residuals(source, SHAPE, AFFINE, "map 'm'")])
@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("x.func.gii", lambda path: path.write_text("<?xml version='1.0'?><GIFTI></GIFTI>"), "is GIFTI, surface data"),
        ("x.gii.gz", lambda path: path.write_bytes(gzip.compress(b"<?xml?><GIFTI>")), "is GIFTI, surface data"),
        ("x.dscalar.nii", cifti, "is CIFTI, surface data.*wb_command -cifti-separate"),
        ("x.mgh", surface, r"has shape \(2562, 1, 1\): surface data"),
        ("x.img", lambda path: path.write_bytes(bytes(500)), "one file of a pair, and there is no x.hdr beside it"),
        ("x+tlrc.BRIK", lambda path: path.write_bytes(bytes(500)), r"pair, and there is no x\+tlrc.HEAD beside it"),
        ("x.mnc", lambda path: path.write_bytes(b"CDF\x01" + bytes(500)), "is no image; accepted: NIfTI or Analyze"),
        ("x.nii", lambda path: path.mkdir(), "is not a file; give the path of one image"),
    ],
)
def test_what_is_refused_by_name(role, name, write, said, folder):
    write(folder / name)
    with pytest.raises(
        UserError, match=rf"^(map 'm'|mask of|atlas 'a'|values of|template|residuals of).*{said}"
    ) as error:
        role(name)
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------- what the header says of a volume
def test_afni_says_what_a_volume_is(folder):
    attributes = {
        "BRICK_LABS": "Full_Fstat~visual#0_Tstat",
        "BRICK_STATAUX": [0.0, 4, 2, 2, 40, 1, 3, 1, 23],
        "TEMPLATE_SPACE": "MNI",
    }
    for write in (written.afni, written.afni_nifti):
        source = write(folder, VOLUMES[..., :2], AFFINE, **attributes)
        sidecar = as_map(f"{source}[1]")[3]
        assert (sidecar["Stat"], sidecar["DF"], sidecar["Space"]) == ("t", 23, "MNI")
        assert sidecar["Contrast"] == "visual#0_Tstat" and set(sidecar["SaidBy"].values()) == {"AFNI header"}
        assert as_map(f"{source}[Full_Fstat]")[3]["DF"] == [2, 40]
        with pytest.raises(UserError, match=r"column stat of the sample sheet is z, but the AFNI header of .* says F"):
            as_map(f"{source}[0]", stat="z")


def test_afni_names_an_image_by_prefix_and_view(folder):
    written.afni(folder, DATA, AFFINE, TEMPLATE_SPACE="TLRC")
    found, affine, _, sidecar = as_map("x+tlrc")
    assert world(found, affine) == world(DATA.astype(float), AFFINE) and sidecar["Space"] == "TLRC"
    assert sidecar["SourceSHA256"] == sha256_of("x+tlrc.HEAD")
    assert [path.name for path in files_of("x+tlrc")] == ["x+tlrc.HEAD", "x+tlrc.BRIK"]


@pytest.mark.parametrize(
    ("write", "given"),
    [
        (written.pair, "x.img"),
        (written.pair, "x.hdr"),
        (written.afni, "x+tlrc.BRIK"),
        (written.mgh, "x.mgz"),
        (written.bzipped, "x.nii.bz2"),
        (written.nifti, "x.nii.gz[1]"),
    ],
)
def test_the_sha256_is_that_of_the_bytes_given(write, given, folder):
    write(folder, VOLUMES if "[" in given else DATA, AFFINE)
    named = given.partition("[")[0]
    sidecar = as_map(given, sha256=sha256_of(named))[3]
    assert sidecar["SourceSHA256"] == sha256_of(named) and sidecar["Sources"] == [given]
    both = {path.name: sha256_of(path) for path in files_of(named)}
    assert sidecar.get("SourceFilesSHA256") == (both if len(both) > 1 else None)
    with pytest.raises(
        UserError, match=f"{named.partition('.')[0].replace('+', '.')}.* has sha256 {sha256_of(named)}, but"
    ):
        as_map(given, sha256="0" * 64)


def test_what_is_made_of_another_format_is_the_same_every_time(folder):
    for write in (written.mgh, written.afni, written.pair):
        source, made = write(folder, DATA, AFFINE), []
        for _ in range(2):
            as_map(source)
            made.append([(folder / "out" / name).read_bytes() for name in ("m.nii.gz", "m_mask.nii.gz", "m.json")])
        assert made[0] == made[1]


def test_the_convention_of_analyze_is_warned_of(folder):
    warned = lambda source: [text for text in as_map(source)[3]["Warnings"] if "left and right may be swapped" in text]  # noqa: E731
    assert len(warned(written.analyze(folder, DATA, AFFINE))) == 1
    turned = AFFINE @ np.diag([-1.0, 1, 1, 1])
    source = written.analyze_with_matrix(folder, DATA, turned)
    assert warned(source) == [] and world(*as_map(source)[:2]) == world(DATA.astype(float), turned)
    assert [path.name for path in files_of(source)] == ["x.hdr", "x.img", "x.mat"]
    assert warned(written.pair(folder, DATA, AFFINE)) == []


@pytest.mark.parametrize("name", ["mat", "M", "other"])
def test_the_matrix_beside_an_analyze_image(name, folder):
    """As SPM99 writes it (M, x to the right) and SPM2 (mat), voxels from 1."""
    source = written.analyze(folder, DATA, AFFINE)
    turned = AFFINE @ np.array([[1.0, 0.1, 0, 0], [0, 1, 0, 2], [0, 0, 1, -1], [0, 0, 0, 1]])
    from_one = turned.copy()
    from_one[:3, 3] -= turned[:3, :3].sum(axis=1)
    content = {"mat": np.stack([from_one, 2 * from_one], axis=2), "M": np.diag([-1.0, 1, 1, 1]) @ from_one, "other": 3}
    scipy.io.savemat("x.mat", {name: content[name]})
    if name == "other":
        with pytest.raises(
            UserError, match=r"x.hdr is not a readable image \(x.mat beside it holds no matrix mat or M of"
        ):
            as_map(source)
    else:
        np.testing.assert_allclose(as_map(source)[1], turned, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_matrix_ends_in_one_line(seed, folder):
    """scipy.io ends the process on some of them."""
    source = written.analyze_with_matrix(folder, DATA, AFFINE)
    content, random = bytearray((folder / "x.mat").read_bytes()), np.random.default_rng(seed)
    for place in random.integers(128, len(content), 6):
        content[place] = random.integers(0, 256)
    (folder / "x.mat").write_bytes(content[: len(content) - 20 * (seed % 2)])
    try:
        as_map(source)
    except UserError as error:
        assert "map 'm': x.hdr" in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("name", ["x.nii.bz2", "x.img.gz", "x.mgz", "x.nii.gz"])
@pytest.mark.parametrize("role", ROLES[:4])
def test_damage_behind_the_last_voxel_is_seen_in_every_format(role, name, folder):
    {
        "x.nii.bz2": written.bzipped,
        "x.img.gz": written.pair_by_header,
        "x.mgz": written.mgh,
        "x.nii.gz": written.nifti,
    }[name](folder, DATA, AFFINE)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-6] + bytes([content[-6] ^ 255]) + content[-5:])
    with pytest.raises(UserError, match=f"{name} is damaged .*; get the file again") as error:
        role(name)
    assert "\n" not in str(error.value)


def test_a_damaged_volume_is_damaged_even_where_another_is_asked_for(folder):
    source = written.nifti(folder, VOLUMES, AFFINE)
    content = gzip.decompress((folder / source).read_bytes())
    (folder / source).write_bytes(gzip.compress(content[:-20]))
    with pytest.raises(UserError, match=r"x.nii.gz\[0\] is damaged .the file ends before its last voxel"):
        as_map(f"{source}[0]")


def test_infinite_values_beside_a_map_are_warned_of(folder):
    data = DATA.astype(np.float32) - 2
    data[0, 0, 0], data[1, 1, 1], data[2, 2, 2], data[3, 3, 3] = np.inf, -np.inf, -np.inf, np.nan
    found, warnings = read_on_grid(written.nifti(folder, data, AFFINE), SHAPE, AFFINE, "values of map 'm'")
    assert (found[0, 0, 0], found[1, 1, 1], found[2, 2, 2], found[3, 3, 3]) == (3, -2, -2, 0)
    assert warnings == [
        "values of map 'm': 3 infinite values count as the most extreme finite value of their sign, 3 and -2"
    ]
    assert read_on_grid(written.nifti(folder, DATA, AFFINE), SHAPE, AFFINE, "values of map 'm'")[1] == []


# --------------------------------------------------------------------------------------------------- whole numbers
def test_a_scale_factor_makes_no_new_labels_and_no_new_mask(folder):
    source = written.scaled(folder, DATA, AFFINE)
    assert (read_raw(source)[0] != DATA).any()
    labels, _ = an_atlas(source)
    assert labels.dtype.kind == "i" and (labels == DATA).all()
    # 0 that is stored as slope * n + intercept
    stored = nib.Nifti1Image((DATA * 10 + 7).astype(np.uint8), AFFINE)
    stored.header["scl_slope"], stored.header["scl_inter"] = np.float32(0.1), np.float32(-0.7)
    (folder / "y.nii").write_bytes(stored.to_bytes())
    mask, _ = a_mask("y.nii")
    assert (read_raw("y.nii")[0] != 0).all() and (mask == (DATA != 0)).all()
    assert not [text for text in read_json("out/m.json")["Warnings"] if "between 0 and 1" in text]


def test_labels_that_are_none_are_refused_still(folder):
    data = DATA.astype(np.float32)
    data[2, 3, 4] = 2.49
    with pytest.raises(UserError, match=r"holds the value 2\.49"):
        an_atlas(written.nifti(folder, data, AFFINE))
    data[2, 3, 4] = np.nan
    labels, _ = an_atlas(written.nifti(folder, data, AFFINE))
    assert labels[2, 3, 4] == 0 and (labels == np.where(np.isnan(data), 0, data)).all()
