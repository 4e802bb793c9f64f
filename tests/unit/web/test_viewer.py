"""The interactive page as text, without a browser (tests/browser opens it in one)."""

import importlib.util

import numpy as np
import pytest
from calls import regions_sidecar, stat_map_of, threshold_sidecar
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine as to_mm
from scipy import ndimage

from statmap.distributions import Z, tail_values
from statmap.inference.statistics import hommel_value, region_tdp
from statmap.inference.thresholds import Cutoff
from statmap.io.files import UserError
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


def small_page(template=TEMPLATE, map_page=True, stat="z", df=None, sign=1, name="v", rule="x", cutoff=CUTOFF, rows=1):
    """The page of a map of one voxel that is not 0, under one variant."""
    data = np.zeros((5, 6, 7), np.float32)
    data[2, 2, 2] = sign * 4.5
    regions = [REGION] * rows
    thresholded = threshold_sidecar(cutoff, {}, rule=rule)
    variant = viewer.VariantView(name, thresholded, regions_sidecar({"min_region_size": 0}), data > 0, regions)
    return viewer.viewer_page(stat_map_of(data, AFFINE, None, stat, df, "m"), template, [variant], map_page)


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
    own = small_page(stat=stat, df=df).rpartition("<thead>")[2]
    assert (">p at peak<" in own) == known and ">Voxels<" in own


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
