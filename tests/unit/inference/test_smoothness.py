"""Smoothness of generated noise of known width, and against the definition written as a loop."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, ndimage, stats

from statmap.inference.smoothness import (
    fsl_correction,
    roughness_of_t,
    sheet_smoothness,
    smoothness_of_map,
    smoothness_of_residuals,
)
from statmap.io.files import UserError


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
    found = smoothness_of_map(z, mask)
    fwhm, dlh = loop(z, mask)
    np.testing.assert_allclose(found.fwhm, fwhm, rtol=1e-10)
    assert found.dlh == pytest.approx(dlh, rel=1e-10)
    assert found.dlh == pytest.approx((4 * np.log(2)) ** 1.5 / np.prod(found.fwhm), rel=1e-10)


def test_noise_of_known_width():
    z = noise(np.random.default_rng(1), (64, 64, 64), (4, 5, 6))
    np.testing.assert_allclose(smoothness_of_map(z, np.ones(z.shape, bool)).fwhm, [4, 5, 6], rtol=0.05)


def test_residuals_are_standardised_voxel_by_voxel():
    rng = np.random.default_rng(6)
    fields = np.stack([noise(rng, (24, 24, 24), (3, 3, 4)) for _ in range(20)], axis=-1)
    mask = np.ones(fields.shape[:3], dtype=bool)
    found = smoothness_of_residuals(fields, mask, 19)
    np.testing.assert_allclose(found.fwhm, [3, 3, 4], rtol=0.05)
    scaled = fields * rng.uniform(1, 9, size=mask.shape)[..., None] + rng.normal(size=mask.shape)[..., None]
    scaled[3, 4, 5] = 7.0  # does not vary: left out
    again = smoothness_of_residuals(scaled, mask, 19)
    np.testing.assert_allclose(again.fwhm, found.fwhm, rtol=1e-2)
    assert again.n_voxels == 23**3 - 4
    uncorrected = (4 * np.log(2)) ** 1.5 / np.prod(found.fwhm)
    assert found.dlh == pytest.approx(uncorrected * fsl_correction(19), rel=1e-9)


def test_a_single_slice_is_two_dimensional():
    z = noise(np.random.default_rng(2), (128, 128, 1), (4, 5, 0))
    found = smoothness_of_map(z, np.ones(z.shape, bool))
    np.testing.assert_allclose(found.fwhm, [4, 5, 1], rtol=0.1)
    assert found.dlh == pytest.approx(4 * np.log(2) / found.fwhm[:2].prod(), rel=1e-9)


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
    # FSL's own pair of the map "one subject" in test_statistics_parity.py, whose analysis has about 104
    assert fsl_correction(104) == pytest.approx(1.0033, abs=1e-4)


def test_what_the_sheet_says_or_asks_for():
    inside = np.ones((30, 32, 28), bool)
    affine = np.diag([2.0, 3.0, 4.0, 1])
    random = np.random.default_rng(1)
    fields = np.stack([ndimage.gaussian_filter(random.normal(size=inside.shape), 1.5) for _ in range(12)], axis=-1)
    z = fields[..., 0] / fields[..., 0].std()
    ask = {"stat": "z", "df": None, "name": "map 'm'"}
    assert sheet_smoothness(z, affine, inside, 8.0, 0.1, None, **ask) == (8.0, 0.1, "sheet")
    assert sheet_smoothness(z, affine, inside, None, 0.1, fields, **ask) == (None, 0.1, "sheet")
    assert sheet_smoothness(z, affine, inside, None, None, None, **ask) == (None, None, None)
    fwhm, dlh, source = sheet_smoothness(z, affine, inside, "map", None, None, **ask)
    found = smoothness_of_map(z, inside)
    assert source == "map" and dlh == found.dlh and np.allclose(fwhm, found.fwhm * [2, 3, 4])
    assert sheet_smoothness(z, affine, inside, "map", 0.3, None, **ask)[1] == 0.3
    fwhm, dlh, source = sheet_smoothness(z, affine, inside, None, None, fields, **(ask | {"df": 11.0}))
    found = smoothness_of_residuals(fields, inside, 11.0)
    assert source == "residuals" and dlh == found.dlh and np.allclose(fwhm, found.fwhm * [2, 3, 4])
    of_f = sheet_smoothness(z, affine, inside, None, None, fields, stat="F", df=[3.0, 11.0], name="map 'm'")
    assert of_f == (fwhm, dlh, "residuals")
    for stat, residuals, said in (("other", None, "fwhm_mm: map needs p values"), ("z", fields, "degrees of freedom")):
        with pytest.raises(UserError, match=said):
            sheet_smoothness(
                z, affine, inside, "map" if residuals is None else None, None, residuals, **(ask | {"stat": stat})
            )
    for stat, df in (("F", (3.0, 40.0)), ("log10p", None)):
        with pytest.raises(UserError, match=f"map 'm': fwhm_mm: map is for z and t maps, found stat {stat}; give"):
            sheet_smoothness(z, affine, inside, "map", None, None, stat=stat, df=df, name="map 'm'")
    with pytest.raises(UserError, match="no smoothness can be estimated from the map: 0 voxels"):
        sheet_smoothness(z, affine, inside & False, "map", None, None, **ask)
