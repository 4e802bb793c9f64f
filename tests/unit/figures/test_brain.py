import re

import matplotlib
import numpy as np
import pytest
from drawn import collisions, pixels, words
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from statmap.figures.colours import DIVERGING, REGIONS, SEQUENTIAL, lightness, ramp, region_colours, rgb
from statmap.figures.files import draw_figures, save
from statmap.figures.glass import glass_figure
from statmap.figures.montage import frequency_figure, regions_figure, threshold_figure
from statmap.figures.panels import FAINT, overlay
from statmap.figures.region_page import region_page
from statmap.figures.scene import MOST_PANELS, choose_cuts, lay_out, make_scene
from statmap.figures.text import number, shorten, text_width, wrap
from statmap.io.images import read_image, to_mm, voxel_volume

AFFINE = np.array([[-3.0, 0, 0, 78], [0, 3, 0, -112], [0, 0, 3, -50], [0, 0, 0, 1]])
SHAPE = 53, 63, 46
PLAIN = "motor", "|t| >= 3"


def label(data, cutoff, smallest=0):
    """Regions for the tests: components by sign, largest first, larger than a number of voxels."""
    labels, n = np.zeros(data.shape, dtype=np.int32), 0
    for sign in (1, -1):
        found, count = ndimage.label(sign * data >= cutoff)
        labels[found > 0] = found[found > 0] + n
        n += count
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    kept = [region for region in np.argsort(-sizes, kind="stable") if sizes[region] > smallest]
    number_of = np.zeros(n + 1, dtype=np.int32)
    number_of[np.array(kept, dtype=int) + 1] = np.arange(1, len(kept) + 1)
    return number_of[labels]


def tabulate(data, affine, labels):
    rows = []
    for region in range(1, labels.max() + 1):
        ijk = np.argwhere(labels == region)
        values = data[tuple(ijk.T)]
        peak = np.abs(values).argmax()
        x, y, z = to_mm(affine, ijk[peak])
        sign = "positive" if values[peak] > 0 else "negative"
        rows.append((region, sign, len(ijk), float(values[peak]), 1, float(x), float(y), float(z)))
    names = ["region", "sign", "n_voxels", "peak_value", "peak_ties", "peak_x", "peak_y", "peak_z"]
    measured = [dict(zip(names, row, strict=True)) for row in rows]
    volume = voxel_volume(affine)
    return [row | {"volume_mm3": row["n_voxels"] * volume, "mean_value": row["peak_value"]} for row in measured]


def peaks_of(regions):
    names = {"peak_value": "value", "peak_x": "x", "peak_y": "y", "peak_z": "z"}
    label = "Supplementary motor area, a name that is far too long for its column"
    return [
        {"region": row["region"], "peak": peak, "distance_mm": 9.0 * (peak - 1), "aal_peak": label}
        | {new: row[old] for old, new in names.items()}
        for peak in range(1, 15)
        for row in regions
    ]


def scene_of(data, affine, cutoff, smallest=0, template=None, **rest):
    labels = label(data, cutoff, smallest)
    scene = make_scene(data, affine, np.abs(data) >= cutoff, labels, cutoff, template, **rest)
    return scene, tabulate(data, affine, labels)


def spots(*places, value=5.0, shape=SHAPE):
    data = np.zeros(shape, dtype=np.float32)
    for place in places:
        data[place] = value
    return data


@pytest.fixture(scope="session")
def template(template_path):
    return lay_out(*read_image(template_path))


@pytest.fixture(scope="module")
def motor_scene(motor, template):
    return scene_of(*motor, 3.0, 3, template, units="t")


@pytest.fixture(scope="module")
def scenes(motor, template, motor_scene):
    """Scenes by their number of regions, and a map of two voxels."""
    crowd = spots(*((i, j, k) for i in range(10, 40, 4) for j in range(12, 52, 4) for k in range(5, 37, 4)))
    found = {
        "none": scene_of(*motor, 99.0, 0, template, units="t"),
        "infinite cutoff": scene_of(*motor, np.inf, 0, template, units="t"),
        "empty map": scene_of(spots(), AFFINE, 3.0),
        "1": scene_of(spots((20, 30, 20)), AFFINE, 3.0, 0, template),
        "4": scene_of(*motor, 3.0, 300, template, units="t", sided="negative"),
        "12": motor_scene,
        "40": scene_of(*motor, 2.3, 2, template, units="z"),
        "640": scene_of(crowd, AFFINE, 3.0, 0, template),
        "two voxels": scene_of(np.array([[[4.0]], [[-4.0]]]), AFFINE, 3.0),
        "cutoff near 0": scene_of(*motor, 0.05, 40, template),
    }
    assert [len(found[name][1]) for name in ("none", "1", "two voxels", "12", "640")] == [0, 1, 2, 12, 640]
    assert 30 < len(found["40"][1]) < 50
    return found


CASES = ["none", "infinite cutoff", "empty map", "1", "4", "12", "40", "640", "two voxels", "cutoff near 0"]
LONG = "a-map-with-a-very-long-name " * 20, "unbreakable" * 60


def drawn_from(scene, regions, title):
    yield threshold_figure(scene, *title)
    yield regions_figure(scene, regions, *title)
    yield glass_figure(scene, regions, *title)
    if len(regions):
        yield region_page(scene, regions[-1]["region"], regions, peaks_of(regions), *title)


@pytest.mark.parametrize("case", CASES)
def test_nothing_overlaps_and_nothing_leaves_the_figure(scenes, case):
    for figure in drawn_from(*scenes[case], PLAIN):
        assert collisions(figure) == []
        width, height = np.array([figure.width, figure.height]) / 72 * 2.54
        assert width == pytest.approx(18, abs=0.01)
        assert 4 < height < 29.7


@pytest.mark.parametrize("title", [LONG, ("", "")], ids=["long", "none"])
def test_long_titles_are_wrapped(scenes, title):
    for figure in drawn_from(*scenes["12"], title):
        assert collisions(figure) == []


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


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.sampled_from([1, -1]), st.sampled_from([1, -1]))
def test_every_region_is_in_some_cut(seed, n, flip_x, flip_z):
    rng = np.random.default_rng(seed)
    labels = np.zeros((20, 24, 22), dtype=np.int32)
    for region in range(1, n + 1):
        corner = rng.integers(0, 17, 3)
        i, j, k = corner + rng.integers(1, 4, 3)
        labels[corner[0] : i, corner[1] : j, corner[2] : k] = region
    affine = np.diag([3.0 * flip_x, 3.0, 4.0 * flip_z, 1.0])
    scene = make_scene(labels * 5.0, affine, labels > 0, labels, 3.0)
    cuts = choose_cuts(scene)
    planes = np.rint((np.array(cuts) - scene.origin[2]) / scene.step[2]).astype(int)
    assert set(np.unique(scene.labels[:, :, planes])) - {0} == set(np.unique(labels)) - {0}
    assert len(set(cuts)) == len(cuts) <= MOST_PANELS


def test_cuts_lie_in_voxel_centres_where_the_signal_is(motor_scene):
    scene, _ = motor_scene
    cuts = choose_cuts(scene, cover_regions=False)
    assert len(cuts) == 5
    assert all((cut + 50) % 3 == 0 for cut in cuts)
    planes = ((np.array(cuts) + 50) / 3).astype(int)
    assert scene.survivors.any(axis=(0, 1))[planes].all()


@pytest.mark.parametrize("flips", [(-1, 1, 1), (1, -1, -1)])
@pytest.mark.parametrize("draw", [threshold_figure, glass_figure])
def test_storage_order_does_not_change_the_picture(motor, template, flips, draw):
    data, affine = motor
    turned, order = np.eye(4), (2, 0, 1)
    for axis, flip in enumerate(flips):
        turned[axis, axis] = flip
        turned[axis, 3] = 0 if flip > 0 else data.shape[axis] - 1
    stored = data[tuple(slice(None, None, flip) for flip in flips)].transpose(order)
    stored_affine = affine @ turned @ np.eye(4)[:, [*order, 3]]
    pictures = []
    for image, to_world in ((data, affine), (stored, stored_affine)):
        labels = np.zeros(image.shape, dtype=np.int32)
        scene = make_scene(image, to_world, np.abs(image) >= 3, labels, 3.0, template)
        pictures.append(pixels(draw(scene, *(([],) if draw is glass_figure else ()), *PLAIN)))
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize(
    "affine", [AFFINE, AFFINE * [[-1], [1], [1], [1]] + [[0, 0, 0, 0]] * 4], ids=["flipped", "not"]
)
@pytest.mark.parametrize("x", [-40, 40])
def test_left_is_left(template, affine, x):
    ijk = np.rint(np.linalg.inv(affine) @ [x, -20, 40, 1]).astype(int)[:3]
    data = spots(tuple(slice(at - 2, at + 3) for at in ijk))
    scene = make_scene(data, affine, data > 3, np.zeros(SHAPE, dtype=np.int32), 3.0, template)
    z = float(to_mm(affine, ijk)[2])
    figure = threshold_figure(scene, *PLAIN, cuts=[z])
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
    at = np.argwhere(scene.survivors).mean(axis=0) * scene.step + scene.origin
    np.testing.assert_allclose(at, to_mm(affine, np.array([i, j, k])), atol=0.5)
    assert "1 region, outlined and named." in " ".join(words(regions_figure(scene, regions, *PLAIN)))


def test_an_empty_result_says_so(scenes):
    scene, regions = scenes["none"]
    assert any("No suprathreshold voxel" in word for word in words(threshold_figure(scene, *PLAIN)))
    assert any("No region" in word for word in words(regions_figure(scene, regions, *PLAIN)))
    assert any("No suprathreshold voxel" in word for word in words(glass_figure(scene, regions, *PLAIN)))


def test_the_colour_bar_marks_the_cutoffs_that_were_tested(motor):
    data, affine = motor
    labels = np.zeros(data.shape, dtype=np.int32)
    for sided, marked in (("two", {"3.21", "−3.21"}), ("positive", {"3.21"}), ("negative", {"−3.21"})):
        scene = make_scene(data, affine, data > 9, labels, 3.21, sided=sided, units="t")
        written = set(words(threshold_figure(scene, *PLAIN)))
        assert written & {"3.21", "−3.21"} == marked
        assert {"t", "7.94", "−7.94"} <= written


def test_a_colour_means_the_same_value_under_every_cutoff(motor):
    data, affine = motor
    empty = np.zeros(data.shape, dtype=np.int32)
    values = np.array([-7.0, -4.0, 4.0, 7.0])
    low, high = (
        overlay(values, np.abs(values) > 0, make_scene(data, affine, data > 9, empty, cutoff)) for cutoff in (2.0, 3.5)
    )
    np.testing.assert_array_equal(low, high)


def test_opacity_falls_with_the_square_below_the_cutoff(motor):
    data, affine = motor
    scene = make_scene(data, affine, data > 9, np.zeros(data.shape, dtype=np.int32), 4.0)
    values = np.array([4.0, 3.0, 2.0, -2.0, -1.0, 0.0])
    alpha = overlay(values, values >= 4, scene)[:, 3] / 255
    np.testing.assert_allclose(alpha, [1, *FAINT * np.array([9, 4, 4, 1, 0]) / 16], atol=1 / 255)


def test_a_few_extreme_voxels_do_not_set_the_scale(motor):
    data, affine = motor
    spiked = data.copy()
    spiked[20, 30, 20:23] = 500
    empty = np.zeros(data.shape, dtype=np.int32)
    scene = make_scene(spiked, affine, data > 9, empty, 3.0)
    assert scene.limit == pytest.approx(7.94, abs=0.01)
    assert "≥ 7.94" in words(threshold_figure(scene, *PLAIN))
    assert make_scene(spiked, affine, data > 9, empty, 300.0).limit == 500


def test_the_glass_brain_shows_survivors_from_three_sides(template):
    scene, regions = scene_of(spots((39, 10, 40), shape=SHAPE), AFFINE, 3.0, 0, template)  # left, back, top
    written = words(glass_figure(scene, regions, *PLAIN))
    assert written.count("1") == 3
    assert (written.count("L"), written.count("P")) == (2, 2)


@pytest.mark.parametrize("i", [20, 39])  # x = 18 and x = -39
def test_the_hemispheres_are_seen_apart(template, i):
    data = spots((slice(i - 2, i + 3), slice(28, 33), slice(20, 25)))
    scene, regions = scene_of(data, AFFINE, 3.0, 0, template)
    picture = pixels(glass_figure(scene, regions, *PLAIN))
    orange = (picture[..., 0] - picture[..., 2] > 60) & (picture[..., 0] > 200)
    quarters = np.linspace(0, 0.89 * picture.shape[1], 5).astype(int)  # the colour bar is at the right
    left, behind, right, above = (orange[:, a:b].sum() for a, b in zip(quarters, quarters[1:], strict=False))
    assert min(behind, above) > 20
    assert (left > 20, right > 20) == (i == 39, i == 20)


def test_a_sign_that_no_voxel_has_is_not_on_the_colour_bar(motor):
    data, affine = motor
    for part, ends in ((np.maximum(data, 0), {"0", "7.94"}), (np.minimum(data, 0), {"0", "−7.94"})):
        scene = make_scene(part, affine, np.abs(part) >= 3, np.zeros(data.shape, dtype=np.int32), 3.0)
        assert set(words(threshold_figure(scene, *PLAIN))) & {"0", "7.94", "−7.94"} == ends


def test_voxels_that_are_in_no_region_are_counted(motor_scene):
    scene, regions = motor_scene
    accounting = {"survivors": 3824, "kept": 2617, "too_small": 13, "unseeded": 1194}
    written = " ".join(words(regions_figure(scene, regions, *PLAIN, accounting=accounting))[-5:])
    assert "1,207 of 3,824 suprathreshold voxels (32%) are in no region." in written
    accounting = {"survivors": 3824, "kept": 3824}
    assert "in no region" not in " ".join(words(regions_figure(scene, regions, *PLAIN, accounting=accounting)))


def test_a_template_that_the_map_does_not_lie_over_is_left_out(motor, template):
    data, affine = motor
    moved = affine.copy()
    moved[:3, 3] += 150
    for to_world, misplaced in ((affine, False), (moved, True)):
        scene = make_scene(data, to_world, data > 3, np.zeros(data.shape, dtype=np.int32), 3.0, template)
        assert (scene.misplaced, scene.template is None) == (misplaced, misplaced)
        said = any("does not lie over it" in word for word in words(threshold_figure(scene, *PLAIN)))
        assert said == misplaced
    slab = np.where(np.arange(46) // 4 == 5, data, 0)
    assert not make_scene(slab, affine, slab > 3, np.zeros(data.shape, np.int32), 3.0, template).misplaced


def test_a_page_has_the_labels_of_every_atlas_uncut(motor_scene):
    scene, regions = motor_scene
    long = "Juxtapositional Lobule Cortex, formerly Supplementary Motor Cortex, 51 percent"
    peaks = [peak | {"aal_peak": "Precentral_R", "ho_peak": long, "none_peak": None} for peak in peaks_of(regions)]
    page = region_page(scene, 1, regions, peaks, *PLAIN)
    assert collisions(page) == []
    written = words(page)
    assert {"aal", "ho", "Precentral_R", "9.0 mm"} <= set(written)
    assert "none" not in written
    assert long in " ".join(written)


def test_a_minus_is_a_minus(motor_scene):
    written = words(threshold_figure(motor_scene[0], "map-1", "z <= -3.1, of group-2"))
    assert {"map-1", "z <= −3.1, of group-2"} <= set(written)


def test_a_region_page_holds_its_row_and_its_peaks(motor_scene):
    scene, regions = motor_scene
    extra = {"tdp": 0.62, "robust_low": 2.1, "robust_high": 4.25, "aal_overlap": "Precentral gyrus 60%"}
    regions = [row | extra for row in regions]
    written = words(region_page(scene, 2, regions, peaks_of(regions), *PLAIN))
    row = regions[1]
    assert f"{row['volume_mm3']:,.0f} mm³" in written
    assert {"at least 62% of its voxels", "2.1 to 4.25", "Precentral gyrus 60%", "and 4 more in peaks.csv"} <= set(
        written
    )
    assert {f"{axis} = {number(row[f'peak_{axis}'])}" for axis in "xyz"} <= set(written)
    assert sum(word.startswith("Supplementary motor") for word in written) == 10


def test_selection_frequency(template):
    share = np.zeros(SHAPE)
    share[20:30, 20:30, 20:25] = np.linspace(0.1, 1, 10)[:, None, None]
    for frequency in (share, share * 0):
        figure = frequency_figure(frequency, AFFINE, template, *PLAIN)
        assert collisions(figure) == []
    assert any("No grid point" in word for word in words(figure))


def test_titles_are_written_as_they_are(motor_scene):
    assert "a_$b$ \\frac" in words(threshold_figure(motor_scene[0], "a_$b$ \\frac"))


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_figure_is_the_same_file(motor_scene, tmp_path, suffix):
    scene, regions = motor_scene
    hostile = {"font.family": "serif", "savefig.bbox": "tight", "text.hinting": "none", "lines.antialiased": False}
    for name, settings_ in (("a", {}), ("b", hostile)):
        with matplotlib.rc_context(settings_):
            draw_figures({name: lambda: regions_figure(scene, regions, *PLAIN)}, [tmp_path / f"{name}.{suffix}"])
    content = (tmp_path / f"a.{suffix}").read_bytes()
    assert content == (tmp_path / f"b.{suffix}").read_bytes()
    assert not re.search(rb"Software|CreationDate|<dc:date>", content)


def test_a_png_has_150_dots_an_inch(motor_scene, tmp_path):
    from PIL import Image

    save(threshold_figure(motor_scene[0], *PLAIN), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == pytest.approx(18 / 2.54 * 150, abs=1)
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)


def test_regions_keep_their_colours_however_many_there_are():
    many = region_colours(100)
    assert many[:7] == region_colours(7)
    assert len(set(many[:32])) == 32
    assert {colour for colour, _ in many} == set(REGIONS)


# What a colour-blind eye is left with, in linear RGB: Machado, Oliveira & Fernandes 2009, severity 1.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def lab(light):
    """CIE Lab of linear RGB."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    x, y, z = np.cbrt(np.clip(light @ np.transpose(to_xyz) / [0.95047, 1, 1.08883], 1e-4, None)).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


@pytest.mark.parametrize("eye", [None, *BLINDNESS])
def test_region_colours_are_told_apart_by_every_eye(eye):
    light = linear(np.stack([rgb(colour) for colour in REGIONS]))
    seen = lab(light if eye is None else np.clip(light @ np.transpose(BLINDNESS[eye]), 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen, axis=-1) + 1e3 * np.eye(len(seen))
    assert apart.min() > 15


def test_colours_survive_a_grey_print():
    shades = np.sort([lightness(rgb(colour)) for colour in REGIONS])
    assert np.diff(shades).min() > 9
    for colours in (DIVERGING, SEQUENTIAL):
        assert np.diff(lightness(ramp(colours, np.linspace(0, 1, 101)))).min() > -0.5
    assert lightness(rgb(DIVERGING[1])) + 25 < lightness(rgb(DIVERGING[4])) < lightness(rgb(DIVERGING[-2])) - 20


@settings(deadline=None, max_examples=30)
@given(st.text("ab W−", min_size=0, max_size=120), st.integers(1, 4))
def test_wrapped_text_fits(text, most):
    lines = wrap(text, 7, 80, most)
    assert len(lines) <= most
    assert all(text_width(line, 7) <= 80 for line in lines)
    if not any(line.endswith("…") for line in lines):
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_text_that_fits_is_left_alone():
    assert shorten("motor", 7, 80) == "motor"
    assert wrap("left vs right", 7, 200, 2) == ["left vs right"]


@pytest.mark.parametrize(
    ("value", "written"),
    [(-23.0, "−23"), (2237, "2237"), (0.0456, "0.0456"), (1e-7, "1e−07"), (7.94144, "7.94"), (0.0, "0")],
)
def test_numbers_are_written_for_reading(value, written):
    assert number(value) == written
