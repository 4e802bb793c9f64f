"""Anatomical labels: a small atlas of spheres, on grids, flips and rotations whose answers are known."""

import csv
import gzip
from collections import Counter
from dataclasses import replace
from itertools import permutations, product
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from calls import stat_map_of
from hypothesis import given, settings
from hypothesis import strategies as st

import fetch_atlas
from statmap.io.files import UserError, sha256_of, write_json
from statmap.io.nifti import write_image
from statmap.regions.atlases import (
    AtlasFiles,
    as_labels,
    check_space,
    label_peaks,
    most_probable,
    overlap,
    peak_label,
    read_atlases,
    read_labels_table,
    sample,
    sample_grid,
)

SHAPE = (91, 109, 91)
TURN, TILT = np.deg2rad(12), np.deg2rad(-20)
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = (
    2
    * np.array([[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, 1]])
    @ np.array([[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]])
)
OBLIQUE[:3, 3] = [0, -18, 18] - OBLIQUE[:3, :3] @ [45, 54, 45]  # the grid's centre at the brain's
GRIDS = {
    "2 mm": np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]]),
    "flipped": np.array([[2.0, 0, 0, -90], [0, -2, 0, 90], [0, 0, 2, -72], [0, 0, 0, 1]]),
    "off by half a voxel": np.array([[2.0, 0, 0, -91], [0, 2, 0, -127], [0, 0, 2, -73], [0, 0, 0, 1]]),
    "anisotropic": np.diag([1.5, 2, 3, 1.0]) + np.array([[0, 0, 0, -68], [0, 0, 0, -126], [0, 0, 0, -72], [0] * 4]),
    "oblique": OBLIQUE,
}


def to_mm(affine, ijk):
    return np.asarray(ijk, float) @ affine[:3, :3].T + affine[:3, 3]


def restore(array, affine, axes, flips):
    """The same image with its axes permuted and some reversed, and the affine that says so."""
    change = np.eye(4)[:, [*axes, 3]]
    array = np.transpose(array, axes)
    for axis, flip in enumerate(flips):
        if flip:
            change[:, 3] += change[:, axis] * (array.shape[axis] - 1)
            change[:, axis] *= -1
            array = np.flip(array, axis)
    return array, affine @ change


@pytest.fixture(scope="module")
def dosenbach(motor_path):
    """The 160 regions of Dosenbach et al. 2010 as nilearn bundles them: names by number from 1, centres in mm."""
    with open(motor_path.parent / "dosenbach_2010.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = {int(row["number"]): row["name"] for row in rows}
    return names, np.array([[int(row[axis]) for axis in "xyz"] for row in rows])


def spheres(centres, affine):
    """An atlas on a grid of `SHAPE`: 4 mm spheres (no two touch), numbered from 1."""
    atlas = np.zeros(SHAPE, np.int16)
    around = np.indices((9, 9, 9)).reshape(3, -1).T - 4
    for number, centre in enumerate(centres, start=1):
        ijk = np.rint(to_mm(np.linalg.inv(affine), centre)).astype(int) + around
        atlas[tuple(ijk[np.linalg.norm(to_mm(affine, ijk) - centre, axis=1) <= 4].T)] = number
    return atlas


@pytest.mark.parametrize("grid", GRIDS)
def test_every_sphere_is_found_at_its_centre_and_nothing_beyond_it(dosenbach, grid):
    names, centres = dosenbach
    affine = GRIDS[grid]
    atlas = spheres(centres, affine)
    # A map of 1 mm voxels, x reversed: every centre and every point beside it is a voxel of it.
    map_affine = np.array([[-1.0, 0, 0, 100], [0, 1, 0, -130], [0, 0, 1, -90], [0, 0, 0, 1]])
    ijk = np.rint((centres - map_affine[:3, 3]) / np.diag(map_affine)[:3]).astype(int)
    found = sample(atlas, affine, map_affine, ijk)
    assert found.tolist() == list(range(1, 161))
    assert peak_label(found, names) == list(names.values())
    # 4 mm plus half the largest voxel's diagonal away from every centre there is no label.
    beside = ijk + [8, 0, 0]
    lonely = np.linalg.norm(to_mm(map_affine, beside)[:, None] - centres, axis=2).min(axis=1) > 6.1
    assert lonely.sum() > 100
    assert set(peak_label(sample(atlas, affine, map_affine, beside[lonely]), names)) == {"no_label"}


@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(GRIDS)), st.sampled_from(sorted(GRIDS)))
@settings(deadline=None, max_examples=30)
def test_label_is_that_of_the_nearest_voxel(seed, grid, map_grid):
    rng = np.random.default_rng(seed)
    atlas = rng.integers(0, 1000, SHAPE)
    nudge = np.eye(4)
    nudge[:3, 3] = rng.uniform(-1, 1, 3)  # no ties
    map_affine = nudge @ GRIDS[map_grid]
    ijk = rng.integers(0, SHAPE, (50, 3))
    found = sample(atlas, GRIDS[grid], map_affine, ijk)
    place = to_mm(np.linalg.inv(GRIDS[grid]), to_mm(map_affine, ijk))
    voxel = np.rint(place).astype(int)
    clear = (np.abs(np.abs(place - voxel) - 0.5) > 1e-3).all(axis=1)
    inside = ((voxel >= 0) & (voxel < SHAPE)).all(axis=1)
    expected = np.where(inside, atlas[tuple(np.clip(voxel, 0, np.array(SHAPE) - 1).T)], 0)
    np.testing.assert_array_equal(found[clear], expected[clear])


# 27 labels on a 2 mm grid; a map of 1 mm voxels has its every other voxel half-way along each axis.
SMALL = np.arange(1, 28).reshape(3, 3, 3)
SMALL_AFFINE = np.diag([2.0, 2, 2, 1])


@pytest.mark.parametrize("affine", [SMALL_AFFINE, OBLIQUE], ids=["straight", "oblique"])
def test_half_way_goes_left_posterior_inferior_however_the_atlas_is_stored(affine):
    map_affine = affine @ np.diag([0.5, 0.5, 0.5, 1])
    ijk = np.indices((6, 6, 6)).reshape(3, -1).T
    expected = SMALL[tuple(((ijk / 2 + 0.499999).astype(int)).clip(max=2).T)]  # 0.5 -> 0, 1.5 -> 1, 2.5 -> 2
    assert sample(SMALL, affine, map_affine, ijk).tolist() == expected.tolist()
    for axes, flips in product(permutations(range(3)), product([False, True], repeat=3)):
        found = sample(*restore(SMALL, affine, axes, flips), map_affine, ijk)
        assert found.tolist() == expected.tolist(), (axes, flips)


@pytest.mark.parametrize("affine", [SMALL_AFFINE, OBLIQUE], ids=["straight", "oblique"])
def test_a_grid_is_sampled_as_its_voxels_are(affine):
    map_affine = affine @ np.diag([0.5, -0.5, 0.75, 1])
    map_affine[:3, 3] += [-1.2, 4.1, -0.3]  # beyond the atlas on some sides
    shape = (9, 7, 5)
    voxels = np.indices(shape).reshape(3, -1).T
    expected = sample(SMALL, affine, map_affine, voxels).reshape(shape)
    assert (expected == 0).any() and len(np.unique(expected)) > 10
    for axes, flips in product(permutations(range(3)), product([False, True], repeat=3)):
        stored = restore(SMALL.astype(np.uint8), affine, axes, flips)
        found = sample_grid(*stored, map_affine, shape)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, expected, err_msg=str((axes, flips)))


def test_half_way_outside_the_box_is_decided_by_the_same_rule():
    line = np.array([7, 8]).reshape(2, 1, 1)
    ijk = np.array([[i, 0, 0] for i in range(-3, 5)])
    half = np.diag([0.5, 1, 1, 1])
    assert sample(line, np.eye(4), half, ijk).tolist() == [0, 0, 0, 7, 7, 8, 8, 0]
    # -0.5 is left of the box, 1.5 inside it; with the atlas stored the other way round too.
    stored, affine = restore(line, np.eye(4), (0, 1, 2), (True, False, False))
    assert sample(stored, affine, half, ijk).tolist() == [0, 0, 0, 7, 7, 8, 8, 0]


@pytest.mark.parametrize("origin", [-83.3, -90.9, 61.7])
def test_affines_in_single_precision_do_not_break_ties(origin):
    # A map of 0.7 mm voxels half a voxel to the right of the atlas, both affines through float32 as NIfTI has them.
    atlas = np.arange(1, 251).reshape(250, 1, 1)
    atlas_affine, map_affine = np.diag([0.7, 1, 1, 1]), np.diag([0.7, 1, 1, 1])
    atlas_affine[0, 3], map_affine[0, 3] = origin, origin + 0.35
    affines = [affine.astype(np.float32).astype(float) for affine in (atlas_affine, map_affine)]
    ijk = np.array([[i, 0, 0] for i in range(250)])
    exact = to_mm(np.linalg.inv(affines[0]) @ affines[1], ijk)[:, 0]
    assert np.abs(exact - ijk[:, 0] - 0.5).max() > 1e-6
    assert sample(atlas, *affines, ijk).tolist() == list(range(1, 251))


def test_sampling_reads_any_integer_type_and_no_voxel():
    for dtype in (np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, ">i2"):
        found = sample(SMALL.astype(dtype), SMALL_AFFINE, SMALL_AFFINE, np.array([[2, 2, 2], [3, 0, 0]]))
        assert found.dtype == np.int64
        assert found.tolist() == [27, 0]
    assert sample(SMALL, SMALL_AFFINE, SMALL_AFFINE, np.zeros((0, 3), int)).shape == (0,)


def test_names_of_background_and_of_indices_the_table_lacks():
    names = {0: "Background", 1: "Precentral_L", 3: "Insula_R"}
    assert peak_label(np.array([3, 0, 41, 1, 3]), names) == [
        "Insula_R",
        "no_label",
        "index 41",
        "Precentral_L",
        "Insula_R",
    ]
    assert peak_label(np.array([], int), names) == []


def test_overlap_is_written_as_documented():
    region = np.repeat([1, 2, 3], [200, 3, 21])
    indices = np.concatenate(
        [
            np.repeat([1, 0, 2, 5, 3], [124, 42, 15, 10, 9]),  # the fourth exactly 5%, the fifth just below
            [2, 1, 0],  # a third each: by name
            np.arange(10, 31),  # 21 labels of 4.8%
        ]
    )
    names = {1: "Precentral_L", 2: "Insula, left", 3: "Rest", 5: "Caudate"} | {i: str(i) for i in range(10, 31)}
    assert overlap(region, indices, 3, names) == [
        "62.0% Precentral_L; 21.0% no_label; 7.5% Insula, left; 5.0% Caudate",
        "33.3% Insula, left; 33.3% Precentral_L; 33.3% no_label",
        "",
    ]


def test_labels_of_one_name_count_together():
    assert overlap(np.ones(4, int), np.array([1, 2, 3, 0]), 1, {1: "Precuneus", 2: "Cuneus", 3: "Precuneus"}) == [
        "50.0% Precuneus; 25.0% Cuneus; 25.0% no_label"
    ]


def test_overlap_of_no_region_is_empty():
    assert overlap(np.zeros(0, np.int32), np.zeros(0, np.int64), 0, {1: "a"}) == []


def test_exactly_five_percent_is_kept_whatever_the_size():
    for count in range(1, 60):
        indices = np.repeat([1, 0], [count, 19 * count])
        assert overlap(np.ones(len(indices), int), indices, 1, {1: "a"}) == ["95.0% no_label; 5.0% a"]
        assert overlap(np.ones(len(indices) + 1, int), np.append(indices, 0), 1, {1: "a"})[0].count("%") == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 30))
@settings(deadline=None, max_examples=40)
def test_overlap_equals_counting_region_by_region(seed, n_regions, n_labels):
    rng = np.random.default_rng(seed)
    region = np.sort(np.append(np.arange(1, n_regions + 1), rng.integers(1, n_regions + 1, 300))).astype(np.int32)
    indices = rng.integers(0, n_labels, len(region)) ** 2 // 7
    names = {int(i): f"L{i % 9}" for i in range(1, 200) if i % 5}
    found = overlap(region, indices, n_regions, names)
    for one, text in enumerate(found, start=1):
        counts = Counter(peak_label(indices[region == one], names))
        total = sum(counts.values())
        kept = sorted((-count, name) for name, count in counts.items() if count * 20 >= total)
        assert text == "; ".join(f"{-100 * count / total:.1f}% {name}" for count, name in kept)


def test_ties_on_the_real_map_go_to_the_lower_coordinate(motor, dosenbach):
    data, affine = motor
    _, centres = dosenbach
    atlas = spheres(centres, GRIDS["2 mm"])
    ijk = np.argwhere(data >= 4)
    found = sample(atlas, GRIDS["2 mm"], affine, ijk)
    mm = to_mm(affine, ijk)
    voxel = np.ceil((mm - [-90, -126, -72]) / 2 - 0.5).astype(int)  # the rule on a grid whose x runs to the right
    assert found.tolist() == atlas[::-1][tuple(voxel.T)].tolist()
    assert (mm % 2 == 1).any()  # ties are there
    assert np.unique(found).size > 10  # and so are labels


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "atlas_dseg.tsv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_labels_table(table):
    path = table("index\tcolor\tname\r\n 12 \t#fff\tGyrus, left\r\n\r\n3\t#000\tÎlot\r\n", "utf-8-sig")
    assert read_labels_table(path) == {12: "Gyrus, left", 3: "Îlot"}


def test_labels_table_with_commas(table):
    assert read_labels_table(table('index,name\n0,Left\n1,"Gyrus, right"\n')) == {0: "Left", 1: "Gyrus, right"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tname\n1\ta\n", "no column 'index', separated by tabs or commas; found id, name"),
        ("index\tlabel\n1\ta\n", "no column 'name', separated by tabs or commas; found index, label"),
        ("index;name\n1;a\n", "no column 'index', separated by tabs or commas; found index;name"),
        ("", "no column 'index', separated by tabs or commas; found nothing"),
        ("index\tname\n1\ta\n1\tb\n", "index 1 is there twice ('a' and 'b')"),
        ("index\tname\n1.5\ta\n", "index '1.5' (name 'a') is not a whole number"),
        ("index\tname\nn/a\ta\n", "index 'n/a' (name 'a') is not a whole number"),
        ("index\tname\n1\n", "index 1 has no name"),
    ],
)
def test_mistakes_in_the_labels_table_are_named_in_one_line(table, text, message):
    path = table(text)
    with pytest.raises(UserError) as error:
        read_labels_table(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_table_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "absent.tsv", tmp_path):
        with pytest.raises(UserError, match="is not a readable table"):
            read_labels_table(path)


def probabilities():
    """Four voxels in a row: of one label, of two of which the later is larger, of two that are equal, of none."""
    return [np.array([[[80, 30, 40, 0]]], np.uint8), np.array([[[0, 60, 40, 0]]], np.uint8)]


@pytest.mark.parametrize("scale", [1, 0.01])
def test_the_most_probable_label(scale):
    labels, percent = most_probable([volume * scale for volume in probabilities()], "atlas 'a'")
    assert labels.tolist() == [[[1, 2, 1, 0]]] and percent.tolist() == [[[80, 60, 40, 0]]]
    assert labels.dtype == percent.dtype == np.int16


@pytest.mark.parametrize("wrong", [-1, 101, 2000])
def test_what_is_no_probability(wrong):
    first, second = probabilities()
    with pytest.raises(UserError, match=r"^atlas 'a': volume 2 holds values from .*in % or as fractions of 1"):
        most_probable([first, np.where(second == 60, wrong, second.astype(float))], "atlas 'a'")


def test_a_probabilistic_atlas_from_its_file_to_its_labels(tmp_path, table):
    """Through the rule: a 4D image, scaled, its table numbered from 0; below 5% is no label at a peak."""
    first, second = np.zeros((2, 3, 4, 5), np.float32)
    first[0], first[1, 0, 0], second[1, 2] = 0.75, 0.04, 0.5
    image = nib.Nifti1Image(np.stack([first, second], axis=-1), np.diag([2.0, 2, 2, 1]))
    image.set_data_dtype(np.int16)  # nibabel scales it
    image.to_filename(tmp_path / "atlas.nii.gz")
    made = {"image": tmp_path / "made.nii.gz", "sidecar": tmp_path / "made.json"}
    settings = {"atlas": {"image": str(tmp_path / "atlas.nii.gz")}, "atlas_id": "a", "max_voxels": 60}
    fetch_atlas.main(**made, **settings)
    files = AtlasFiles(**made, labels=table("index,name\n0,Front\n"), space="x")
    empty = stat_map_of(np.zeros((2, 2, 2), np.float32), name="m")
    ((atlas,), warnings) = read_atlases({"a": files}, replace(empty, space="x"))
    _, warned = read_atlases({"a": files, "b": files}, empty)
    assert warned == ["no space is declared for the map: labels are right only if both are in the same space"]
    peaks = {"i": [0, 1, 1, 1], "j": [0, 0, 2, 1], "k": [0, 0, 0, 0]}
    label_peaks(peaks, [atlas], np.diag([2.0, 2, 2, 1]))
    assert peaks["a_peak"] == ["75% Front", "no_label", "50% index 1", "no_label"] and warnings == []
    with pytest.raises(UserError, match="60 voxels, more than max_voxels: 59"):
        fetch_atlas.main(**made, **settings | {"max_voxels": 59})
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(gzip.decompress((tmp_path / "atlas.nii.gz").read_bytes())[:-9]))
    with pytest.raises(UserError, match=r"cut.nii.gz is damaged .*not enough data in file.; get the file"):
        fetch_atlas.main(**made, **settings | {"atlas": {"image": str(tmp_path / "cut.nii.gz")}})


def test_files_of_atlases_are_found_by_name_and_tables_by_order():
    """Rule inputs in any order; one atlas may be called as another begins."""
    spaces = {"net": "MNI152", "aal": None, "net-2": None}
    tables = ["labels/l.tsv", "labels/aal.csv", "labels/l.tsv"]
    expected = {
        name: AtlasFiles(f"results/atlases/{name}.nii.gz", f"results/atlases/{name}.json", table, space)
        for (name, space), table in zip(spaces.items(), tables, strict=True)
    }
    images = [path for own in expected.values() for path in own[:2]]
    for order in (images, images[::-1], sorted(images)):
        found = AtlasFiles.by_name(SimpleNamespace(atlases=order, atlas_labels=tables), spaces)
        assert found == expected and list(found) == list(spaces)
    with pytest.raises(ValueError, match="zip"):
        AtlasFiles.by_name(SimpleNamespace(atlases=images, atlas_labels=tables[:2]), spaces)


def test_an_atlas_that_lies_elsewhere_labels_nothing(tmp_path, table):
    """The box of its labels has less than half of that of the map's voxels that are not 0."""
    labels = np.ones((4, 4, 4), np.int16)
    write_image(tmp_path / "a.nii.gz", labels, np.diag([2.0, 2, 2, 1]))
    write_json(tmp_path / "a.json", {"SHA256": sha256_of(tmp_path / "a.nii.gz")})
    names = table("index\tname\n1\tone\n")
    files = {"a": AtlasFiles(str(tmp_path / "a.nii.gz"), str(tmp_path / "a.json"), str(names), "x")}
    data = np.zeros((10, 4, 4), np.float32)
    for first, covered in ((2, True), (3, False)):  # of four voxels two, one
        data[:] = 0
        data[first : first + 4] = 1
        stat_map = stat_map_of(data, np.diag([2.0, 2, 2, 1]), name="m")
        ((atlas,), warnings) = read_atlases(files, replace(stat_map, space="x"))
        assert atlas.labels.any() == covered
        assert warnings == (
            [] if covered else ["atlas 'a' covers less than half of the map: regions are not labelled after it"]
        )


def test_floats_that_hold_integers_are_labels():
    floats = np.array([[[0, 1, 2035]]], np.float32)
    assert as_labels(floats, "atlas 'a'").dtype.kind == "i"
    assert as_labels(floats, "atlas 'a'").tolist() == [[[0, 1, 2035]]]
    assert as_labels(floats.astype(np.int16)[..., None], "atlas 'a'").shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((4, 4, 4, 48)), "atlas 'a' has shape (4, 4, 4, 48); one 3D image of integer labels is needed"),
        (np.zeros((4, 4)), "atlas 'a' has shape (4, 4); one 3D image"),
        (np.full((2, 2, 2), 0.25), "atlas 'a' holds the value 0.25; integer labels"),
        (np.full((2, 2, 2), np.nan, np.float32), "atlas 'a' holds the value nan; integer labels"),
        (np.full((2, 2, 2), np.inf), "atlas 'a' holds the value inf; integer labels"),
        (np.zeros((2, 2, 2), complex), "atlas 'a' holds complex128 values; integer labels"),
    ],
)
def test_images_that_are_no_labels_are_refused(data, message):
    with pytest.raises(UserError) as error:
        as_labels(data, "atlas 'a'")
    assert message in str(error.value)


def test_spaces():
    assert check_space("MNI152NLin6Asym", "MNI152NLin6Asym", "map 'm'", "atlas 'a'") is None
    with pytest.raises(UserError, match="map 'm' is in space 'MNI152NLin6Asym' and atlas 'a' in 'Talairach'"):
        check_space("MNI152NLin6Asym", "Talairach", "map 'm'", "atlas 'a'")
    assert "no space is declared for the map:" in check_space(None, "Talairach", "map 'm'", "atlas 'a'")
    assert "no space is declared for atlas 'a':" in check_space("Talairach", "", "map 'm'", "atlas 'a'")
    assert "for the map and atlas 'a':" in check_space("", None, "map 'm'", "atlas 'a'")
