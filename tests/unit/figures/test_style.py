"""What the keys of `figure_style` do to figures."""

import re
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from drawn import collisions, pixels, words
from nibabel.affines import apply_affine as to_mm
from scenes import AFFINE, LONG, PLAIN, SHAPE, peaks_of, scene_of, spots

from statmap.config.schema import defaults_of, load
from statmap.figures.agreement_chart import dice_figure
from statmap.figures.files import save
from statmap.figures.glass import glass_figure
from statmap.figures.montage import frequency_figure, regions_figure, threshold_figure
from statmap.figures.page import Box, Text
from statmap.figures.persistence_chart import persistence_figure
from statmap.figures.region_page import region_page
from statmap.figures.scene import make_scene
from statmap.figures.style import FigureStyle
from statmap.figures.surface import surface_figure
from statmap.figures.sweep_chart import sweep_figure

SCHEMA = load(Path(__file__).parents[3] / "config/schemas/config.schema.yaml")
MIXED = {"axial": [-23, 16, 49], "sagittal": [-40, 40], "coronal": 2}
STYLES = {
    "narrow": FigureStyle(width=8),
    "one column": FigureStyle(width=8.5, small_print=False),
    "between": FigureStyle(width=11.9, background="black"),
    "wide": FigureStyle(width=40),
    "bare": FigureStyle(titles=False, small_print=False, cuts=3),
    "mixed cuts": FigureStyle(cuts=MIXED, orientation="radiological"),
    "mixed cuts, narrow": FigureStyle(cuts=MIXED, width=8),
    "all by itself": FigureStyle(cuts={"axial": "auto", "coronal": "auto", "sagittal": "auto"}),
}


def every_figure(scene, regions, title):
    yield threshold_figure(scene, *title)
    yield regions_figure(scene, regions, *title)
    yield glass_figure(scene, regions, *title)
    yield surface_figure(scene, regions, *title)
    if regions:
        yield region_page(scene, regions[-1]["region"], regions, peaks_of(regions), *title)


def test_the_defaults_are_those_of_the_schema():
    assert asdict(FigureStyle()) == defaults_of(SCHEMA["properties"]["figure_style"]["properties"])


@pytest.mark.parametrize("name", STYLES)
@pytest.mark.parametrize(("cutoff", "smallest"), [(3.0, 3), (2.3, 2), (7.9, 200), (99.0, 0)])
def test_figures_are_legible_in_every_style(motor, template, name, cutoff, smallest):
    style = STYLES[name]
    scene, regions = scene_of(*motor, cutoff, smallest, template, units="z", style=style)
    regions = [row | {"aal_peak": "Supplementary motor area, a name that is far too long"} for row in regions]
    for figure in every_figure(scene, regions, LONG if name == "narrow" else PLAIN):
        assert collisions(figure) == []
        assert figure.width / 72 * 2.54 == pytest.approx(style.width, abs=0.04)


@pytest.mark.parametrize("width", [8, 12, 30])
def test_charts_are_legible_at_every_width(width):
    style = FigureStyle(width=width, background="black")
    names = [f"a-long-name-for-the-variant-{rank}" for rank in range(9)]
    pairs = [
        {"variant_a": a, "variant_b": b, "voxels_a": 9, "voxels_b": 9, "dice": 0.5}
        for n, a in enumerate(names)
        for b in names[n + 1 :]
    ]
    bars = [
        {"sign": "negative", "birth": 8.0 - n / 9, "death": 2.0, "parent": 0, "x": -40.0, "y": -110.0, "z": 61.5}
        | {"aal_peak": "Supplementary motor area, a name that is far too long"}
        for n in range(30)
    ]
    grid = [
        {"connectivity": c, "signs": "split", "threshold": str(t), "cutoff": t, "min_region_size": size}
        | {"n_regions": int(40 / t) + c, "largest_mm3": 9e4 / t}
        for c, t, size in product((6, 26), (2.0, 3.0, 4.0), (0, 500))
    ]
    for page in (
        dice_figure(pairs, names, *LONG, style),
        persistence_figure(bars, {"v3": 3.0, "high": 7.9}, "motor", "", "t", "two", style),
        sweep_figure(grid, [], "motor", "", "t", "two", style),
    ):
        assert collisions(page) == []
        assert page.width <= max(width / 2.54 * 72, 340)


# ---------------------------------------------------------------------------------------------------------------- cuts
def cuts_in(figure):
    return [word for word in words(figure) if re.fullmatch(r"[xyz] = −?[\d.]+", word)]


def test_cuts_that_are_named_are_those_that_are_shown(motor, template):
    style = FigureStyle(cuts={"sagittal": [40, -39], "axial": [16, -23], "coronal": [-22]})
    scene, regions = scene_of(*motor, 3.0, 55, template, style=style)
    shown = ["z = 16", "z = −23", "y = −22", "x = 39", "x = −39"]  # 39: the plane of voxels that is nearest to 40
    assert cuts_in(threshold_figure(scene, *PLAIN)) == cuts_in(regions_figure(scene, regions, *PLAIN)) == shown


def test_a_number_of_cuts(motor, template):
    for number in (1, 4, 7):
        scene, regions = scene_of(*motor, 3.0, 55, template, style=FigureStyle(cuts=number))
        assert len(cuts_in(threshold_figure(scene, *PLAIN))) == len(cuts_in(regions_figure(scene, regions, *PLAIN)))
        assert len(cuts_in(threshold_figure(scene, *PLAIN))) == number
        scene = scene._replace(style=FigureStyle(cuts={"sagittal": number, "coronal": 2}))
        assert [cut[0] for cut in cuts_in(threshold_figure(scene, *PLAIN))] == ["y"] * 2 + ["x"] * number


def test_a_cut_beside_the_brain_is_left_out_and_said(motor, template):
    scene, regions = scene_of(*motor, 3.0, 55, template, style=FigureStyle(cuts={"axial": [16, 200]}))
    for figure in (threshold_figure(scene, *PLAIN), regions_figure(scene, regions, *PLAIN)):
        assert cuts_in(figure) == ["z = 16"]
        assert "Left out, since they lie outside of the brain: z = 200." in " ".join(words(figure))
    alone = scene._replace(style=FigureStyle(cuts={"axial": [200]}))
    assert cuts_in(threshold_figure(alone, *PLAIN)) == [] and collisions(threshold_figure(alone, *PLAIN)) == []


def test_regions_that_are_in_no_cut_are_counted(motor, template):
    scene, regions = scene_of(*motor, 3.0, 3, template, style=FigureStyle(cuts={"axial": [49]}))
    assert any("12 regions, 9 of them not shown" in word for word in words(regions_figure(scene, regions, *PLAIN)))


# --------------------------------------------------------------------------------------------------------- orientation
@pytest.mark.parametrize("orientation", ["neurological", "radiological"])
@pytest.mark.parametrize("x", [-40, 40])
@pytest.mark.parametrize("axis", ["axial", "coronal"])
def test_left_is_where_the_figure_says(template, orientation, x, axis):
    """One blob, one panel: the side of it is the side whose letter is nearer."""
    ijk = np.rint(np.linalg.inv(AFFINE) @ [x, -20, 40, 1]).astype(int)[:3]
    data = spots(tuple(slice(at - 2, at + 3) for at in ijk))
    place = to_mm(AFFINE, ijk)[{"axial": 2, "coronal": 1}[axis]]
    style = FigureStyle(orientation=orientation, cuts={axis: [float(place)]}, small_print=False)
    scene = make_scene(data, AFFINE, data > 3, np.zeros(SHAPE, dtype=np.int32), 3.0, template, style=style)
    figure = threshold_figure(scene, *PLAIN)
    at = {item.text: item.left for item in figure.items if isinstance(item, Text)}
    picture = pixels(figure)[:, : round(0.85 * figure.width * 150 / 72)]
    blob = np.nonzero(picture[..., 0] - picture[..., 2] > 60)[1].mean() * 72 / 150
    assert abs(blob - at["L" if x < 0 else "R"]) < abs(blob - at["R" if x < 0 else "L"])
    assert (at["L"] < at["R"]) == (orientation == "neurological")


@pytest.mark.parametrize("orientation", ["neurological", "radiological"])
@pytest.mark.parametrize("i", [20, 39])  # x = 18 and x = -39
def test_the_glass_brain_has_its_sides_where_it_says(template, orientation, i):
    data = spots((slice(i - 2, i + 3), slice(28, 33), slice(20, 25)))
    style = FigureStyle(orientation=orientation)
    figure = glass_figure(*scene_of(data, AFFINE, 3.0, 0, template, style=style), *PLAIN)
    labels = sorted((item.left, item.text) for item in figure.items if isinstance(item, Text) and item.text in "LR")
    sides = [text for _, text in labels]
    assert sides == (["L", "R"] if orientation == "neurological" else ["R", "L"]) * 2
    picture = pixels(figure)
    row, column = np.nonzero((picture[..., 0] - picture[..., 2] > 60) & (picture[..., 0] > 200))
    column = column * 72 / 150
    last = column[(column > labels[2][0]) & (column < labels[3][0])]  # in the last panel, from above or below
    nearer = labels[2][1] if last.mean() - labels[2][0] < labels[3][0] - last.mean() else labels[3][1]
    assert nearer == ("R" if i == 20 else "L")


# ------------------------------------------------------------------------------------------------ titles, small print
def test_what_is_not_on_the_figure_is_in_its_caption(motor, template, tmp_path):
    for titles, small_print in product((True, False), repeat=2):
        style = FigureStyle(titles=titles, small_print=small_print)
        scene, regions = scene_of(*motor, 3.0, 55, template, style=style)
        page = regions_figure(scene, regions, "motor", "z >= -3")
        written = " ".join(words(page))
        assert ("motor" in written, "z >= −3" in written) == (titles, titles)
        assert ("Left is left" in written) == small_print
        save(page, tmp_path / "regions.txt")
        caption = (tmp_path / "regions.txt").read_text(encoding="utf-8").splitlines()
        assert caption[:2] == ["motor", "z >= −3"] and len(caption) == 3
        assert caption[2].startswith("Left is left") and caption[2].endswith("(|x|/cutoff)².")


def test_a_page_without_words_is_smaller(motor_scene):
    scene, regions = motor_scene
    bare = scene._replace(style=FigureStyle(titles=False, small_print=False))
    assert regions_figure(bare, regions, *PLAIN).height < regions_figure(scene, regions, *PLAIN).height - 20


def test_a_message_is_on_the_figure_whatever_the_style(scenes):
    scene, regions = scenes["none"]
    bare = scene._replace(style=FigureStyle(titles=False, small_print=False))
    assert any("No suprathreshold voxel" in word for word in words(regions_figure(bare, regions, *PLAIN)))


# ---------------------------------------------------------------------------------------------------------- dpi, width
def test_a_png_has_the_dots_that_were_asked_for(motor_scene, tmp_path):
    from PIL import Image

    scene, _ = motor_scene
    for dpi in (72, 150, 300, 600):
        save(threshold_figure(scene._replace(style=FigureStyle(dpi=dpi)), *PLAIN), tmp_path / "a.png")
        with Image.open(tmp_path / "a.png") as image:
            assert image.width == pytest.approx(510 / 72 * dpi, abs=1)
            assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


# ---------------------------------------------------------------------------------------------------------- background
def contrast(one, other):
    """Ratio of the luminances of two colours ``#rrggbb``, as WCAG 2 has it."""

    def luminance(colour):
        value = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    dark, light = sorted(luminance({"black": "#000000", "white": "#ffffff"}.get(c, c)) + 0.05 for c in (one, other))
    return light / dark


@pytest.mark.parametrize("background", ["white", "black"])
def test_all_that_is_written_can_be_read(motor, template, background):
    style = FigureStyle(background=background)
    scene, regions = scene_of(*motor, 3.0, 3, template, style=style)
    paper = {"white": 255, "black": 0}[background]
    share = np.zeros(SHAPE)
    share[20:30, 20:30, 20:25] = 0.7
    figures = [*every_figure(scene, regions, PLAIN), frequency_figure(share, AFFINE, template, *PLAIN, style)]
    for figure in figures:
        picture = pixels(figure)
        assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == paper).all()
        boxes = [item for item in figure.items if isinstance(item, Box)]
        for item in figure.items:
            if isinstance(item, Text):
                middle = item.left + 1, item.y - 1
                under = [
                    box.colour
                    for box in boxes
                    if box.left <= middle[0] <= box.left + box.width and box.top <= middle[1] <= box.top + box.height
                ]
                assert contrast(item.colour, under[-1] if under else style.theme.paper) > 3, item.text


def test_the_brain_itself_is_the_same_on_any_background(motor, template):
    """The greys of the anatomy and the colours of the map mean the same."""
    pictures = []
    for background in ("white", "black"):
        style = FigureStyle(background=background, cuts={"axial": [16]}, titles=False, small_print=False)
        pictures.append(pixels(threshold_figure(scene_of(*motor, 3.0, 55, template, style=style)[0], *PLAIN)))
    height, width = pictures[0].shape[:2]
    inside = (slice(height // 4, height // 2), slice(round(0.35 * width), round(0.5 * width)))
    np.testing.assert_array_equal(pictures[0][inside], pictures[1][inside])


# -------------------------------------------------------------------------------------------------------- colour limit
def test_a_fixed_limit_is_at_the_ends_of_the_bar(motor, template):
    for limit, ends in ((12.0, {"12", "−12"}), (4, {"≥ 4", "≤ −4"})):
        scene, _ = scene_of(*motor, 3.0, 55, template, style=FigureStyle(colour_limit=limit))
        assert scene.limit == limit and ends <= set(words(threshold_figure(scene, *PLAIN)))
    shared, _ = scene_of(*motor, 3.0, 55, style=FigureStyle(colour_limit="shared"))  # before it is known
    assert shared.limit == pytest.approx(7.94, abs=0.01)


# ------------------------------------------------------------------------------------------------------- vector formats
def test_text_stays_text(motor_scene, tmp_path):
    scene, regions = motor_scene
    page = regions_figure(scene, regions, "left < right & |t|", "t ≥ 3")
    save(page, tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "left &lt; right &amp; |t|</text>" in svg and svg.count("<text") == len(words(page))
    assert "DejaVu Sans" in svg and 'id="DejaVuSans' not in svg
    save(page, tmp_path / "a.pdf")
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"/CIDFontType2" in pdf
