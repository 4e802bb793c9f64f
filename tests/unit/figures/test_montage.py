import re

import numpy as np
import pytest
from drawn import collisions, pixels, words
from nibabel.affines import apply_affine as to_mm
from scenes import AFFINE, PLAIN, SHAPE, scene_of, spots

from statmap.figures.glass import glass_figure
from statmap.figures.montage import fading_note, frequency_figure, regions_figure, threshold_figure
from statmap.figures.scene import MOST_PANELS, Cut, CutPlan, choose_cuts, make_scene
from statmap.figures.surface import surface_figure
from statmap.figures.text import number


@pytest.mark.parametrize("case", ["1", "4", "12", "40", "two voxels"])
def test_panels_ids_and_legend_agree_in_number(scenes, case):
    scene, regions = scenes[case]
    written = words(regions_figure(scene, regions, *PLAIN))
    ids = [word for word in written if re.fullmatch(r"\d+", word)]
    legend = len(regions) <= 12
    for row in regions:
        assert ids.count(str(row["region"])) >= 1 + legend
    assert ("mm³" in written) == legend
    assert len([word for word in written if word.startswith("z = ")]) == len(choose_cuts(scene))


def test_more_regions_than_can_be_shown_are_counted(scenes):
    scene, regions = scenes["640"]
    written = words(regions_figure(scene, regions, *PLAIN))
    assert len([word for word in written if word.startswith("z = ")]) <= MOST_PANELS
    named = {word for word in written if re.fullmatch(r"\d+", word)} - {"0"}  # and 5 and 3 are on the colour bar
    [note] = [word for word in written if "not shown" in word]
    total, missing = (int(count) for count in re.search(r"(\d+) regions, (\d+) of them", note).groups())
    assert total == 640
    assert 0 <= len(named) - (total - missing) <= 2
    assert missing > 0


@pytest.mark.parametrize(
    "affine", [AFFINE, AFFINE * [[-1], [1], [1], [1]] + [[0, 0, 0, 0]] * 4], ids=["flipped", "not"]
)
@pytest.mark.parametrize("x", [-40, 40])
def test_left_is_left(template, affine, x):
    ijk = np.rint(np.linalg.inv(affine) @ [x, -20, 40, 1]).astype(int)[:3]
    data = spots(tuple(slice(at - 2, at + 3) for at in ijk))
    scene = make_scene(data, affine, data > 3, np.zeros(SHAPE, dtype=np.int32), 3.0, template)
    z = float(to_mm(affine, ijk)[2])
    figure = threshold_figure(scene, *PLAIN, CutPlan([Cut(2, z)], [Cut(2, z)], []))
    picture = pixels(figure)
    _, panel_end = picture.shape[0], round(0.2 * picture.shape[1])  # the one panel is the first of five
    orange = picture[:, :panel_end, 0] - picture[:, :panel_end, 2] > 60
    column = np.nonzero(orange)[1].mean()
    left, right = (panel_end * 0.1, panel_end * 0.5) if x < 0 else (panel_end * 0.5, panel_end * 0.9)
    assert left < column < right
    written = words(figure)
    assert f"z = {number(z)}" in written
    assert written.count("L") == written.count("R") == 1


def test_the_oblique_map_is_drawn_where_it_is(template):
    """A blob at x = -40 mm of a map turned by 30 degrees about z."""
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
    affine = turn @ AFFINE
    i, j, k = np.rint(np.linalg.inv(affine) @ [-40, -20, 40, 1]).astype(int)[:3]
    data = spots((slice(i - 2, i + 3), slice(j - 2, j + 3), slice(k - 2, k + 3)))
    scene, regions = scene_of(data, affine, 3.0, 0, template)
    at = np.argwhere(scene.suprathreshold).mean(axis=0) * scene.step + scene.origin
    np.testing.assert_allclose(at, to_mm(affine, np.array([i, j, k])), atol=0.5)
    assert "1 region, outlined and named." in " ".join(words(regions_figure(scene, regions, *PLAIN)))


def test_voxels_that_are_in_no_region_are_counted(motor_scene):
    scene, regions = motor_scene
    accounting = {"suprathreshold": 3824, "kept": 2617, "too_small": 13, "unseeded": 1194}
    written = " ".join(words(regions_figure(scene, regions, *PLAIN, accounting=accounting))[-5:])
    assert "1,207 of 3,824 suprathreshold voxels (32%) are in no region." in written
    accounting = {"suprathreshold": 3824, "kept": 3824}
    assert "in no region" not in " ".join(words(regions_figure(scene, regions, *PLAIN, accounting=accounting)))


def test_selection_frequency(template):
    share = np.zeros(SHAPE)
    share[20:30, 20:30, 20:25] = np.linspace(0.1, 1, 10)[:, None, None]
    for frequency in (share, share * 0):
        figure = frequency_figure(frequency, AFFINE, template, *PLAIN)
        assert collisions(figure) == []
    assert any("No grid point" in word for word in words(figure))


def test_titles_are_written_as_they_are(motor_scene):
    assert "a_$b$ \\frac" in words(threshold_figure(motor_scene[0], "a_$b$ \\frac"))


@pytest.mark.parametrize(
    ("units", "other_sign", "said"),
    [
        (
            "t",
            True,
            "Only positive values are tested; below the cutoff, and for the other sign, opacity falls",
        ),
        ("t", False, "Below the cutoff, opacity falls with (|t|/cutoff)²."),
        ("F", False, "Below the cutoff, opacity falls with (F/cutoff)²."),
        ("value", False, "Below the cutoff, opacity falls with (|x|/cutoff)²."),
    ],
)
def test_the_small_print_speaks_of_another_sign_where_there_is_one(units, other_sign, said):
    data = spots((20, 30, 20))
    data[10, 10, 10] = -2 * other_sign
    scene, _ = scene_of(data, AFFINE, 3.0, sided="positive", units=units)
    assert fading_note(scene).startswith(said)


def test_the_legend_names_regions_after_the_first_atlas(motor_scene):
    scene, regions = motor_scene
    first = {1: "Precentral_R", 2: "no_label", 3: "A label that is far too long for its column of the legend, by far"}
    rows = [row | {"q_peak": 0.1, "aal_peak": first.get(row["region"], ""), "ho_peak": "x"} for row in regions]
    figure = regions_figure(scene, rows, *PLAIN)
    written = words(figure)
    assert collisions(figure) == []
    assert {"Precentral_R", "no label"} <= set(written) and "x" not in written
    assert any(word.startswith("A label that") and word.endswith("…") for word in written)


@pytest.mark.parametrize("draw", [glass_figure, surface_figure])
def test_projections_without_a_region_say_so(draw, motor):
    """The suprathreshold voxels are drawn all the same."""
    figure = draw(*scene_of(*motor, 3.0, 9999), *PLAIN)
    assert "No region: every cluster is too small, or has no seed." in words(figure)
    assert figure.height > 100 and collisions(figure) == []


def test_without_a_region_there_is_a_sentence():
    scene, regions = scene_of(spots((20, 30, 20)), AFFINE, 3.0, smallest=9)
    accounting = {"suprathreshold": 1, "kept": 0}
    figure = regions_figure(scene, regions, "motor", "", None, accounting)
    assert words(figure) == [
        "motor",
        "No region: every cluster is too small, or has no seed.",
        "1 of 1 suprathreshold voxels (100%) are in no region.",
    ]
