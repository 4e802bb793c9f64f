"""Smoothness of generated noise of known width, and against the definition written as a loop."""

from itertools import pairwise

import nibabel as nib
import numpy as np
import pytest
from calls import stat_map_of
from scipy import integrate, ndimage, stats

from statmap.inference.search_volume import search_of, search_volumes
from statmap.inference.smoothness import (
    fsl_correction,
    roughness_of_t,
    sheet_smoothness,
    smoothness_of_map,
    smoothness_of_residuals,
)
from statmap.io.files import UserError
from statmap.rules import Smoothness


def noise(rng, shape, fwhm):
    return ndimage.gaussian_filter(rng.normal(size=shape), np.array(fwhm) / np.sqrt(8 * np.log(2)), mode="wrap")


def loop(z, mask):
    """SS_shift, SS and the widths, voxel by voxel."""
    shifted, squares = np.zeros(3), np.zeros(3)
    for at in np.argwhere(mask):
        if (at == 0).any() or not all(mask[tuple(at - step)] for step in np.eye(3, dtype=int)):
            continue
        for axis, step in enumerate(np.eye(3, dtype=int)):
            here, behind = z[tuple(at)], z[tuple(at - step)]
            shifted[axis] += here * behind
            squares[axis] += (here**2 + behind**2) / 2
    variance = -1 / (4 * np.log(np.abs(shifted / squares)))
    return np.sqrt(8 * np.log(2) * variance), np.prod(variance) ** -0.5 / np.sqrt(8)


def test_the_formula_on_a_ragged_mask():
    rng = np.random.default_rng(4)
    z = noise(rng, (12, 11, 10), (3, 4, 2.5))
    mask = rng.uniform(size=z.shape) < 0.9
    estimate = smoothness_of_map(z, mask)
    fwhm, dlh = loop(z, mask)
    np.testing.assert_allclose(estimate.fwhm, fwhm, rtol=1e-10)
    assert estimate.dlh == pytest.approx(dlh, rel=1e-10)
    assert estimate.dlh == pytest.approx((4 * np.log(2)) ** 1.5 / np.prod(estimate.fwhm), rel=1e-10)


def test_noise_of_known_width():
    z = noise(np.random.default_rng(1), (64, 64, 64), (4, 5, 6))
    np.testing.assert_allclose(smoothness_of_map(z, np.ones(z.shape, bool)).fwhm, [4, 5, 6], rtol=0.05)


def test_residuals_are_standardised_voxel_by_voxel():
    rng = np.random.default_rng(6)
    fields = np.stack([noise(rng, (24, 24, 24), (3, 3, 4)) for _ in range(20)], axis=-1)
    mask = np.ones(fields.shape[:3], dtype=bool)
    estimate = smoothness_of_residuals(fields, mask, 19)
    np.testing.assert_allclose(estimate.fwhm, [3, 3, 4], rtol=0.05)
    scaled = fields * rng.uniform(1, 9, size=mask.shape)[..., None] + rng.normal(size=mask.shape)[..., None]
    scaled[3, 4, 5] = 7.0  # does not vary: left out
    again = smoothness_of_residuals(scaled, mask, 19)
    np.testing.assert_allclose(again.fwhm, estimate.fwhm, rtol=1e-2)
    assert again.n_voxels == 23**3 - 4
    uncorrected = (4 * np.log(2)) ** 1.5 / np.prod(estimate.fwhm)
    assert estimate.dlh == pytest.approx(uncorrected * fsl_correction(19), rel=1e-9)


def test_a_single_slice_is_two_dimensional():
    z = noise(np.random.default_rng(2), (128, 128, 1), (4, 5, 0))
    estimate = smoothness_of_map(z, np.ones(z.shape, bool))
    np.testing.assert_allclose(estimate.fwhm, [4, 5, 1], rtol=0.1)
    assert estimate.dlh == pytest.approx(4 * np.log(2) / estimate.fwhm[:2].prod(), rel=1e-9)


def test_nothing_to_measure_is_nan():
    assert np.isnan(smoothness_of_map(np.zeros((4, 4, 4)), np.ones((4, 4, 4), bool)).dlh)
    assert np.isnan(smoothness_of_map(np.ones((4, 4, 4)), np.zeros((4, 4, 4), bool)).fwhm).all()


@pytest.mark.parametrize("df", [5, 12, 30])
def test_roughness_of_t_by_quadrature_over_t(df):
    def integrand(t):
        z = stats.norm.isf(stats.t.sf(t, df))
        return (t**2 + df - 1) ** 2 / ((df - 1) * (df - 2)) * stats.t.pdf(t, df) ** 3 / stats.norm.pdf(z) ** 2

    ends = [0, 5, 50, 500, 5000, 1e5] if df == 5 else [0, 5, 25]  # beyond, the densities underflow
    expected = 2 * sum(integrate.quad(integrand, *pair, limit=400)[0] for pair in pairwise(ends))
    assert roughness_of_t(df) == pytest.approx(expected, rel=1e-6)


def test_correction_of_fsl():
    assert fsl_correction(5) == 1.1
    assert fsl_correction(1000) == pytest.approx(np.sqrt(1.0010321))
    # the upper node plus the whole step, where a straight line would be at the node itself
    step = roughness_of_t(20) - roughness_of_t(19)
    assert fsl_correction(20) == pytest.approx(np.sqrt(roughness_of_t(20) + step), rel=1e-12)
    # FSL's own pair of the map "one subject" in test_random_field.py, whose analysis has about 104
    assert fsl_correction(104) == pytest.approx(1.0033, abs=1e-4)


AFFINE = np.diag([2.0, 3.0, 4.0, 1])
VOXEL_MM = [2, 3, 4]


@pytest.fixture(scope="module")
def fields():
    """Twelve fields of noise, (30, 32, 28, 12) float32."""
    random = np.random.default_rng(1)
    smoothed = [ndimage.gaussian_filter(random.normal(size=(30, 32, 28)), 1.5) for _ in range(12)]
    return np.stack(smoothed, axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def residuals(fields, tmp_path_factory):
    """The fields as a file, its path."""
    path = tmp_path_factory.mktemp("residuals") / "res4d.nii.gz"
    nib.Nifti1Image(fields, AFFINE).to_filename(path)
    return str(path)


def map_of(fields, stat="z", df=None):
    return stat_map_of(fields[..., 0] / fields[..., 0].std(), AFFINE, stat=stat, df=df, name="m")


def test_what_the_sheet_gives_is_taken(fields, residuals):
    stat_map = map_of(fields)
    given = Smoothness(fwhm_mm=8.0, dlh=0.1)
    assert sheet_smoothness(stat_map, given, "map 'm'") == (8.0, 0.1, "sheet")
    given = Smoothness(dlh=0.1, residuals=residuals)
    assert sheet_smoothness(stat_map, given, "map 'm'") == (None, 0.1, "sheet")


def test_where_the_sheet_gives_nothing_no_volume_was_searched(fields):
    stat_map = map_of(fields)
    assert not Smoothness().is_known
    assert search_volumes(stat_map, Smoothness())(stat_map.mask) is None


def test_what_the_sheet_says_becomes_the_search_volume(fields, residuals):
    stat_map, family = map_of(fields, df=11.0), fields[..., 0] > 0
    search = search_volumes(stat_map, Smoothness(fwhm_mm=8.0, dlh=0.1, search_voxels=99))(family)
    assert search.entries() == search_of(family, AFFINE, 8.0, 0.1, 99, "sheet").entries()
    search = search_volumes(stat_map, Smoothness(residuals=residuals))(family)
    fwhm_mm, dlh, _ = sheet_smoothness(stat_map, Smoothness(residuals=residuals), "map 'm'")
    assert search.entries() == search_of(family, AFFINE, fwhm_mm, dlh, None, "residuals").entries()


def test_the_smoothness_of_the_map_itself(fields):
    stat_map = map_of(fields)
    fwhm, dlh, source = sheet_smoothness(stat_map, Smoothness(fwhm_mm="map"), "map 'm'")
    estimate = smoothness_of_map(stat_map.values, stat_map.mask)
    assert source == "map" and dlh == estimate.dlh and np.allclose(fwhm, estimate.fwhm * VOXEL_MM)
    assert sheet_smoothness(stat_map, Smoothness(fwhm_mm="map", dlh=0.3), "map 'm'")[1] == 0.3
    t_map = map_of(fields, "t", 20.0)
    _, dlh, _ = sheet_smoothness(t_map, Smoothness(fwhm_mm="map"), "map 'm'")
    assert dlh == smoothness_of_map(t_map.distribution.to_z(t_map.values), t_map.mask).dlh != estimate.dlh


@pytest.mark.parametrize(
    ("stat", "df"),
    [
        ("z", 11.0),
        ("t", 11.0),
        ("F", [3.0, 11.0]),
        ("other", 11.0),
    ],
)
def test_the_smoothness_of_residuals(fields, residuals, stat, df):
    stat_map = map_of(fields, stat, df)
    fwhm, dlh, source = sheet_smoothness(stat_map, Smoothness(residuals=residuals), "map 'm'")
    estimate = smoothness_of_residuals(fields, stat_map.mask, 11.0)
    assert source == "residuals" and dlh == estimate.dlh and np.allclose(fwhm, estimate.fwhm * VOXEL_MM)


def test_a_smoothness_that_cannot_be_had(fields, residuals):
    with pytest.raises(UserError, match="fwhm_mm: map needs p values"):
        sheet_smoothness(map_of(fields, "other"), Smoothness(fwhm_mm="map"), "map 'm'")
    with pytest.raises(UserError, match="degrees of freedom"):
        sheet_smoothness(map_of(fields, "z"), Smoothness(residuals=residuals), "map 'm'")
    for stat, df in (("F", (3.0, 40.0)), ("log10p", None)):
        with pytest.raises(UserError, match=f"map 'm': fwhm_mm: map is for z and t maps, found stat {stat}; give"):
            sheet_smoothness(map_of(fields, stat, df), Smoothness(fwhm_mm="map"), "map 'm'")
    nothing = stat_map_of(np.ones((4, 4, 4)), AFFINE, np.zeros((4, 4, 4), bool), "z")
    with pytest.raises(UserError, match="no smoothness can be estimated from the map: 0 voxels"):
        sheet_smoothness(nothing, Smoothness(fwhm_mm="map"), "map 'm'")
