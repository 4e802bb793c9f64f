"""The interactive page as text, without a browser (tests/browser opens it in one)."""

import gzip
import importlib.util
import json
import re
from base64 import b64decode

import numpy as np
import pytest
from calls import regions_sidecar, stat_map_of, threshold_sidecar
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine as to_mm
from scipy import ndimage

from statmap.distributions import Z, distribution_of, tail_values
from statmap.inference.statistics import hommel_value, region_tdp
from statmap.inference.thresholds import Cutoff
from statmap.io.files import UserError
from statmap.regions.atlases import Atlas, label_peaks
from statmap.regions.extract import KEPT, SEED_ONLY, TOO_SMALL, UNSEEDED
from statmap.web import viewer

AFFINE = np.diag([-3.0, 3, 3, 1])


REGION = {
    "region": 1,
    "sign": "positive",
    "peak_value": 4.5,
    "peak_x": -6.0,
    "peak_y": 6.0,
    "peak_z": 6.0,
    "p_peak": 0.01,
    "tdp": None,
    "aal_peak": "<Left> & co",
}


TEMPLATE = np.ones((10, 9, 8)), np.array([[2.0, 0, 0, -15], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])


CUTOFF = Cutoff(3.0, ">=", "value")


def small_page(template=TEMPLATE, map_page=True, stat="z", df=None, sign=1, atlases=(), **changes):
    """The page of a map of one voxel that is not 0, under one variant.

    Of the variant `changes` may have ``name``, ``rule``, ``cutoff``, the number of ``rows`` and the ``extracted``.
    """
    data = np.zeros((5, 6, 7), np.float32)
    data[2, 2, 2] = sign * 4.5
    inside = data != 0
    variant = viewer.VariantView(
        changes.get("name", "v"),
        threshold_sidecar(changes.get("cutoff", CUTOFF), {}, rule=changes.get("rule", "x")),
        changes.get("extracted", regions_sidecar({"min_region_size": 0})),
        inside.astype(np.int32),
        inside * np.uint8(KEPT),
        [REGION] * changes.get("rows", 1),
        {"threshold": "3.0"},
    )
    stat_map = stat_map_of(data, AFFINE, None, stat, df, "m")
    return viewer.viewer_page(stat_map, template, [variant], map_page, atlases=atlases)


def content_of(page):
    """What the page's script is given."""
    return json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL)[1])


def volume_of(packed, dtype, shape):
    """A packed volume of the page as an array."""
    return np.frombuffer(gzip.decompress(b64decode(packed)), dtype).reshape(shape, order="F")


def test_same_input_same_text():
    assert small_page() == small_page()


def test_a_template_that_does_not_lie_over_the_map_is_left_out():
    """As in the figures; a grid that held both would be larger than any memory."""
    far = TEMPLATE[1] + [[0, 0, 0, 5000], [0] * 4, [0] * 4, [0] * 4]
    assert small_page((TEMPLATE[0], far)) == small_page(None) != small_page()


def test_a_small_block_of_small_voxels_in_a_large_template():
    affine = np.diag([0.05, 0.05, 0.05, 1.0])
    affine[:3, 3] = 60, 70, 80
    template = np.full((180, 200, 160), 5, np.uint8), np.eye(4)
    background, background_affine = viewer.background_grid(*template, np.ones((20, 10, 5), np.float32), affine)
    assert max(background.shape) < 150 and (background == 63).all()
    corners = to_mm(np.linalg.inv(background_affine), to_mm(affine, [[0, 0, 0], [19, 9, 4]]))
    assert (corners > 0).all() and (corners < np.array(background.shape) - 1).all()


def test_names_are_text_not_markup():
    page = small_page(name="</option><b>", rule="</script><b>x")
    assert "<b>" not in page
    assert page.count("</script>") == 4
    assert "&lt;/option&gt;" in page and "\\u003c/script>" in page and "&lt;Left&gt; &amp; co" in page


def test_table_leaves_out_what_has_no_value():
    table = small_page().partition("<tbody>")[0]
    assert ">aal at peak<" in table
    assert ">TDP<" not in table and ">p at peak<" not in table


@pytest.mark.parametrize(("stat", "df", "known"), [("z", None, True), ("t", 20.0, True), ("t", None, False)])
def test_p_values_of_a_moving_threshold_need_a_distribution(stat, df, known):
    own = small_page(stat=stat, df=df).split("<thead>")[2]
    assert (">p at peak<" in own) == known and ">Voxels<" in own


@pytest.mark.parametrize(
    ("stat", "df", "largest"),
    [("z", None, 8), ("t", 5, 12), ("F", (1, 5), 60), ("F", (1, 100), 30), ("F", (2, 12), 40), ("F", (5, 40), 20)],
)
def test_p_between_the_nodes_of_the_tail(stat, df, largest):
    """Linear between nodes that are even in a root of the value, as the page has it: also near 0, where the tail of
    F(1, v) falls fastest."""
    distribution = distribution_of(stat, df)
    nodes = viewer.tail_nodes(largest, distribution)
    values = largest * np.concatenate([np.geomspace(1e-6, 1, 500), np.linspace(0, 1, 500)])
    place = (values / largest) ** (1 / viewer.tail_power(distribution)) * (len(nodes) - 1)
    found = 10 ** -np.interp(place, np.arange(len(nodes)), nodes)
    np.testing.assert_allclose(found, distribution.sf(values), rtol=1e-4)


@pytest.mark.parametrize(
    ("asked", "mm3", "critical", "expected"),
    [
        ("10 voxels", 270.0, None, "10 voxels"),
        (1500, 1500.0, None, 1500),
        (0, 37 * 27.0, 37, "37 voxels"),
        ("50 voxels", 50 * 27.0, 37, "50 voxels"),
    ],
)
def test_a_size_is_shown_as_it_was_written(asked, mm3, critical, expected):
    extracted = regions_sidecar({"min_region_size": asked}, min_region_size_mm3=mm3, critical_extent_voxels=critical)
    variant = content_of(small_page(extracted=extracted))["variants"][0]
    assert variant["extent"] == expected and variant["written"] == {"threshold": "3.0"}


def test_codes_of_voxels():
    labels = np.array([0, 1, 7, viewer.MOST_NUMBERED, viewer.MOST_NUMBERED + 1, 90_000, 0, 0, 0])
    outcomes = np.array([0, *[KEPT] * 5, TOO_SMALL, UNSEEDED, SEED_ONLY])
    codes = viewer.voxel_codes(labels, outcomes)
    unnumbered = [viewer.CODES["unnumbered"]] * 2
    lost = [viewer.CODES[name] for name in ("too_small", "unseeded", "seed_only")]
    assert codes.tolist() == [0, 1, 7, viewer.MOST_NUMBERED, *unnumbered, *lost] and codes.dtype == np.uint16


@pytest.mark.parametrize("probabilistic", [False, True])
@pytest.mark.parametrize("n_labels", [3, 300])
def test_every_voxel_has_the_label_that_a_peak_there_would_have(probabilistic, n_labels):
    """At halves too: a map of 3 mm on an atlas of 2 mm."""
    random = np.random.default_rng(3)
    stored = random.integers(0, n_labels + 1, size=(12, 16, 17))
    percent = random.integers(0, 101, size=stored.shape) if probabilistic else None
    atlas_affine = np.array([[2.0, 0, 0, -25], [0, 2, 0, -3], [0, 0, 2, -2], [0, 0, 0, 1]])
    names = {label: f"area {label}" for label in range(1, n_labels)}  # the last one has none
    atlas = Atlas("a", stored, atlas_affine, names, percent)
    shape = (9, 10, 11)
    labels = viewer.labels_on_grid(atlas, shape, AFFINE)
    volume = volume_of(labels["labels"], np.uint16 if labels["wide"] else np.uint8, shape)
    ijk = np.argwhere(np.ones(shape))
    table = dict(zip("ijk", ijk.T, strict=True))
    label_peaks(table, [atlas], AFFINE)
    found = [labels["names"][number] for number in volume[tuple(ijk.T)]]
    if probabilistic:
        shares = volume_of(labels["percent"], np.uint8, shape)[tuple(ijk.T)]
        found = [name if name == "no label" else f"{share}% {name}" for name, share in zip(found, shares, strict=True)]
    assert found == [viewer.label_in_words(label) for label in table["a_peak"]]
    assert labels["names"][0] == "no label" and labels["wide"] == (n_labels > 255)


def test_an_atlas_is_in_the_table_of_a_moving_threshold():
    page = small_page(atlases=[Atlas("hand", np.ones((4, 4, 4), int), AFFINE, {1: "knob"})])
    assert ">hand at peak<" in page.split("<thead>")[2]
    assert content_of(page)["columns"][-1] == {"name": "hand_peak", "kind": "text"}


@pytest.mark.parametrize(("sign", "ends"), [(1, (0, 4.5)), (-1, (-4.5, 0))])
def test_the_scale_leaves_out_a_sign_that_no_voxel_has(sign, ends):
    page = small_page(sign=sign)
    assert f'"lowest": {ends[0]}, "highest": {ends[1]}' in page


def test_cutoff_that_nothing_reaches():
    assert "no cutoff reached" in small_page(cutoff=Cutoff(np.inf, ">=", "fdr", "mask", 3), rows=0)


@pytest.mark.parametrize("map_page", [True, False])
def test_leads_back(map_page):
    page = small_page(map_page=map_page)
    assert 'href="../summary.html"' in page
    assert ('href="map.html"' in page) == map_page


def test_nilearn_without_niivue_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="nilearn"):
        viewer.niivue_bundle()


@settings(max_examples=25, deadline=None)
@given(
    flips=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    sizes=st.tuples(*[st.sampled_from([1.0, 2.0, 3.5])] * 3),
    axes=st.permutations(range(3)),
    angle=st.sampled_from([0.0, 0.3]),
    shift=st.tuples(*[st.integers(-20, 20)] * 3),
)
def test_background_covers_map_and_template_in_place(flips, sizes, axes, angle, shift):
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(axes)] * np.multiply(flips, sizes)
    affine[:3, 3] = shift
    map_data = np.ones((30, 20, 25), np.float32)
    template_affine = np.eye(4)
    template_affine[:3, :3] = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    # a template that increases with x alone shows where it was put
    indices = np.stack(np.meshgrid(*map(np.arange, (40, 50, 30)), indexing="ij"), axis=-1)
    template = 100 + to_mm(template_affine, indices)[..., 0]

    background, background_affine = viewer.background_grid(template, template_affine, map_data, affine)

    step = np.diag(background_affine)[:3]
    low = background_affine[:3, 3] - step / 2
    high = low + step * background.shape
    for shape, to_world in ((map_data.shape, affine), (template.shape, template_affine)):
        corners = to_mm(to_world, np.argwhere(np.ones((2, 2, 2))) * shape - 0.5)
        assert (corners >= low).all() and (corners <= high).all()
    for whole in (np.abs(affine[:3, :3]).sum(axis=1) / step, (to_mm(affine, [[-0.5] * 3])[0] - low) / step):
        np.testing.assert_allclose(whole, np.round(whole), atol=1e-9)
    # Whole in 0..63, of which 63 holds what is brighter still; well inside, where no neighbour is outside.
    inside = ndimage.binary_erosion(background > 0) & (background < 63)
    x, grey = to_mm(background_affine, np.argwhere(inside))[:, 0], background[inside]
    slope, at_zero = np.polyfit(x, grey, 1)
    assert abs(at_zero / slope - 100) < 2.5 and 63 / template.max() * 0.97 < slope < 63 / template.max() * 1.1
    assert np.abs(grey - (slope * x + at_zero)).max() < 1.01  # rounded to a grey, half of one in a fit


@pytest.mark.parametrize("sided", ["two", "positive", "negative"])
def test_ranks_of_the_page_bound_what_the_table_bounds(sided):
    """Of any set of voxels: the best count of levels and ranks is that of region_tdp."""
    random = np.random.default_rng(4)
    values = np.round(random.normal(size=900), 2).astype(np.float32)
    values[:200] += 4
    values[200:300] -= 5
    levels, ranks = viewer.discovery_steps(values, 0.05, Z(), sided)
    assert (np.diff(levels) < 0).all() and (np.diff(ranks.astype(int)) > 0).all()
    p = Z().p(values, sided)
    sets = random.integers(0, 6, size=900)
    expected = region_tdp(p, sets, 5, hommel_value(p, 0.05), 0.05)
    magnitude = tail_values(values, sided)
    for n, share in enumerate(expected, start=1):
        at = np.searchsorted(-levels, -magnitude[sets == n])
        own = np.sort(ranks[at[at < len(levels)]].astype(int))
        assert max((1 - own + np.arange(1, len(own) + 1)).max(initial=0), 0) / (sets == n).sum() == share
    assert expected.max() > 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1)])
@pytest.mark.parametrize("turn", [0, 0.2])
def test_interpolation_is_scipys(order, turn):
    """Axes permuted, flipped and scaled, or oblique; beyond the image there is nothing."""
    random = np.random.default_rng(7)
    image = random.normal(size=(7, 9, 11)).astype(np.float32)
    matrix = np.diag([0.4, -0.7, 1.3])[list(order)]
    matrix = matrix + turn * random.normal(size=(3, 3))
    offset = np.array([3.0, 4, 5]) - matrix @ [6, 7, 5]
    expected = ndimage.affine_transform(image, matrix, offset, output_shape=(13, 14, 11), order=1)
    found = viewer._interpolated(image, matrix, offset, (13, 14, 11))
    assert found.dtype == np.float32 and (found == 0).any() and (found != 0).mean() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-5)


# ---- a large map


@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    step=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0, 1),
)
@settings(deadline=None)
def test_a_block_has_the_mean_of_its_voxels_that_do_not_pass(shape, step, seed, share):
    random = np.random.default_rng(seed)
    values, left_out = random.standard_normal(shape), random.random(shape) < share
    means = viewer.block_means(values, left_out, step)
    assert means.shape == tuple(-(-length // step) for length in shape)
    for block in np.ndindex(means.shape):
        own = tuple(slice(step * index, step * (index + 1)) for index in block)
        others = values[own][~left_out[own]]
        assert means[block] == pytest.approx(others.mean() if others.size else 0, abs=1e-12)


def test_a_large_map_keeps_the_voxels_that_pass_and_no_threshold_moves(monkeypatch):
    whole = content_of(small_page())
    assert (
        whole["coarse"] is None and whole["tail"] and volume_of(whole["values"], np.float32, (5, 6, 7))[2, 2, 2] == 4.5
    )
    assert 'value="own"' in small_page() and "holds every value" not in " ".join(small_page().split())
    monkeypatch.setattr(viewer, "MOST_VOXELS", 40)
    page = small_page()
    content, coarse = content_of(page), content_of(page)["coarse"]
    assert content["tail"] is None and content["discoveries"] == {} and 'value="own"' not in page
    assert gzip.decompress(b64decode(content["values"])) == np.float32(4.5).tobytes()
    assert coarse["step"] == 2 and coarse["unit"] * viewer.MEAN_UNITS == pytest.approx(content["largest"])
    passes = np.unpackbits(np.frombuffer(gzip.decompress(b64decode(coarse["passes"])), np.uint8), bitorder="little")
    assert np.flatnonzero(passes).tolist() == [2 + 5 * (2 + 6 * 2)]
    assert not volume_of(coarse["means"], np.int16, (3, 3, 4)).any()
    text = " ".join(page.split())
    assert "The map has 210 voxels, more than the 40 of which a page holds every value." in text
    assert "mean in blocks of 2 × 2 × 2 voxels" in text
    assert volume_of(content["variants"][0]["codes"], np.uint16, (5, 6, 7))[2, 2, 2] == 1


def test_a_viewer_lists_the_first_regions_and_knows_the_peaks_of_all():
    page = small_page(rows=501)
    assert page.count("data-mm=") == 500 and "The first 500 of 501 rows; all are in regions.csv." in page
    assert content_of(page)["variants"][0]["peaks"] == [[-6.0, 6.0, 6.0]] * 501
