"""The projection onto the cortex: what lies where, and what is said of the rest."""

from itertools import pairwise

import numpy as np
import pytest
from drawn import collisions, pixels, words
from scenes import AFFINE, PLAIN, SHAPE, scene_of, spots

from statmap.figures.cortex import BOX, MNI305_TO_MNI152, PIXELS_PER_MM, read_hemisphere, see_cortex
from statmap.figures.files import save
from statmap.figures.scene import make_scene
from statmap.figures.surface import DEPTHS, VIEWS, look_up, surface_figure

VIEWED = [("left", -1), ("left", 1), ("right", -1), ("right", 1)]


def blob(x, y, z, value=5.0, reach=2):
    i, j, k = np.rint(np.linalg.inv(AFFINE) @ [x, y, z, 1]).astype(int)[:3]
    return spots(tuple(slice(at - reach, at + reach + 1) for at in (i, j, k)), value=value)


def panels(figure, mask):
    """Pixels that a mask of the picture has in each of the four panels."""
    ends = np.linspace(0, 0.885 * mask.shape[1], 5).astype(int)  # the colour bar is at the right
    return [int(mask[:, a:b].sum()) for a, b in pairwise(ends)]


def test_the_published_example_of_the_affine():
    """FreeSurfer's wiki, CoordinateSystems, use case 8."""
    np.testing.assert_allclose((MNI305_TO_MNI152 @ [10, -20, 35, 1])[:3], [10.695, -18.409, 36.137], atol=0.003)


@pytest.mark.parametrize(("side", "eye"), VIEWED)
def test_a_view_shows_what_faces_it(side, eye):
    view = see_cortex(side, eye)
    hemisphere = read_hemisphere(side)
    assert np.abs(hemisphere.inflated).max(axis=0) == pytest.approx(BOX[1], abs=2.5)
    sign = -1 if side == "left" else 1
    assert (sign * hemisphere.pial[:, 0]).mean() > 20
    lateral = eye == sign
    # On the lateral side the cortex lies far from the midline, on the medial side most of it close to it.
    away = np.abs(view.pial[view.cortex, 0])
    assert (np.median(away) > 35) if lateral else (np.median(away) < 15)
    assert (view.cortex.mean() > 0.99) == lateral  # the corpus callosum is seen from between
    assert view.shown.sum() == len(view.white) == len(view.grey) and 0.2 < view.grey.min() < view.grey.max() < 0.8
    # Front to the right, top up: y rises along the rows, z falls down the columns.
    rows, columns = np.nonzero(view.shown)
    assert np.corrcoef(columns, view.pial[:, 1])[0, 1] > 0.9 and np.corrcoef(rows, view.pial[:, 2])[0, 1] < -0.9


@pytest.mark.parametrize("sided", ["two", "positive", "negative"])
def test_a_pixel_shows_the_strongest_voxel_between_the_surfaces(motor, sided):
    data, affine = motor
    labels = np.arange(data.size, dtype=np.int32).reshape(data.shape)
    scene = make_scene(data, affine, np.abs(data) >= 3, labels, 3.0, sided=sided)
    view = see_cortex("right", 1)
    shown = look_up(scene, view)
    to_voxel = np.linalg.inv(affine)
    height = {"two": np.abs, "positive": lambda x: x, "negative": lambda x: -x}[sided]
    for pixel in np.random.default_rng(0).integers(0, len(view.white), 300):
        values = []
        for depth in DEPTHS:
            mm = view.white[pixel] + depth * (view.pial[pixel] - view.white[pixel])
            ijk = np.rint(to_voxel[:3, :3] @ mm + to_voxel[:3, 3]).astype(int)
            if ((ijk >= 0) & (ijk < data.shape)).all() and view.cortex[pixel]:
                values.append(data[tuple(ijk)])
        expected = max(values, key=height) if values else 0
        assert shown.values[pixel] == pytest.approx(expected) or abs(shown.values[pixel] - expected) < 1e-6
    inside = shown.values != 0
    np.testing.assert_array_equal(data.ravel()[shown.regions[inside]], shown.values[inside])


@pytest.mark.parametrize(
    ("place", "panel"),
    [((-40, -24, 58), 0), ((-5, -60, 30), 1), ((5, -60, 30), 2), ((40, -24, 58), 3)],
    ids=["left motor cortex", "left precuneus", "right precuneus", "right motor cortex"],
)
def test_a_region_is_where_it_belongs(place, panel):
    figure = surface_figure(*scene_of(blob(*place), AFFINE, 3.0, space="MNI152"), *PLAIN)
    picture = pixels(figure)
    orange = panels(figure, (picture[..., 0] - picture[..., 2] > 60) & (picture[..., 0] > 150))
    assert np.argmax(orange) == panel and orange[panel] > 40
    assert "1" in words(figure) and "; not seen" not in " ".join(words(figure))
    assert "not declared" not in " ".join(words(figure))


def test_what_is_below_the_cortex_is_said_not_to_be_seen(template):
    data = np.maximum(blob(12, -18, 8), blob(40, -24, 58, value=6.0))  # thalamus, motor cortex
    figure = surface_figure(*scene_of(data, AFFINE, 3.0, 0, template), *PLAIN)
    written = " ".join(words(figure))
    assert "A projection onto the inflated cortex of fsaverage5" in written
    assert "1 of 2 regions is outlined and named; not seen:" in written
    assert "The map's space is not declared: MNI152 is assumed." in written


@pytest.mark.parametrize(("space", "shift"), [("scanner", 0), ("Talairach", 0), (None, 300)])
def test_a_map_in_another_space_gets_a_sentence(motor, space, shift):
    data, affine = motor
    moved = affine.copy()
    moved[0, 3] += shift
    figure = surface_figure(*scene_of(data, moved, 3.0, 55, space=space), *PLAIN)
    assert any(word.startswith("No surface: the map is not in MNI152 space") for word in words(figure))
    assert figure.height < 60 and collisions(figure) == []


@pytest.mark.parametrize("space", ["MNI152NLin2009cAsym", "MNI152NLin6Asym", "IXI549Space", None])
def test_every_template_of_the_family_will_do(motor, space):
    figure = surface_figure(*scene_of(*motor, 3.0, 55, space=space), *PLAIN)
    assert {"left, lateral", "left, medial", "right, medial", "right, lateral"} <= set(words(figure))


def test_the_panels_are_named_with_their_front(motor_scene):
    figure = surface_figure(*motor_scene, *PLAIN)
    written = words(figure)
    order = [word for word in written if word in VIEWS or word in ("A", "P")]
    assert order == ["A", "P", "left, lateral", "P", "A", "left, medial", "A", "P", "right, medial"] + [
        "P",
        "A",
        "right, lateral",
    ]


def test_an_oblique_map_is_seen_where_the_straight_one_is(motor):
    """The same map on a turned grid shows nearly the same values."""
    from scipy.ndimage import affine_transform

    data, affine = motor
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]]
    turned = turn @ np.array([[2.0, 0, 0, -90], [0, 2, 0, -110], [0, 0, 2, -60], [0, 0, 0, 1]])
    across = np.linalg.inv(affine) @ turned
    there = affine_transform(data, across[:3, :3], across[:3, 3], output_shape=(100, 110, 75), order=0)
    view = see_cortex("left", -1)
    none = [np.zeros(image.shape, np.int32) for image in (data, there)]
    straight, oblique = (
        look_up(make_scene(image, to_mm, image > 3, labels, 3.0), view).values
        for image, to_mm, labels in ((data, affine, none[0]), (there, turned, none[1]))
    )
    assert np.corrcoef(straight, oblique)[0, 1] > 0.9


def test_the_same_surface_is_the_same_file(motor_scene, tmp_path):
    for name in ("a", "b"):
        see_cortex.cache_clear()
        read_hemisphere.cache_clear()
        save(surface_figure(*motor_scene, *PLAIN), tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_pictures_are_fine_enough_for_print():
    view = see_cortex("left", -1)
    assert view.shown.shape == tuple(np.ceil((BOX[1] - BOX[0])[[2, 1]] * PIXELS_PER_MM).astype(int))


def test_a_map_whose_grid_ends_within_the_brain_is_drawn():
    data = np.zeros(SHAPE, np.float32)
    data[:20] = 4.0
    scene, regions = scene_of(data[:20], AFFINE, 3.0, space="MNI152")
    assert collisions(surface_figure(scene, regions, *PLAIN)) == []
