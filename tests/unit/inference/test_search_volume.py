"""Search volumes: resel counts in closed form and by counting one by one, widths, dimensions, and the way back."""

import json
from dataclasses import fields
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from statmap.inference.search_volume import (
    SearchVolume,
    dlh_of,
    fwhm_voxels,
    lattice_counts,
    noise_width,
    resel_counts,
    search_of,
)

AFFINE = np.diag([3.0, 3, 3, 1])

masks = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5))


@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.integers(1, 7)] * 3), st.tuples(*[st.floats(0.5, 9)] * 3))
def test_boxes_have_the_resels_of_their_sides(sides, widths):
    """Sides from centre to centre, in widths: 1, a + b + c, ab + bc + ca, abc (Worsley et al. 1996, table I)."""
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[1 : sides[0] + 1, 1 : sides[1] + 1, 2 : sides[2] + 2] = True
    a, b, c = (np.array(sides) - 1) / widths
    np.testing.assert_allclose(resel_counts(mask, widths), [1, a + b + c, a * b + b * c + c * a, a * b * c], atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(masks)
def test_counts_of_any_mask_one_by_one(mask):
    def count(*steps):
        """Positions at which all corners that the steps span are inside."""
        corners = [
            np.sum([step for step, on in zip(steps, at, strict=True) if on], axis=0)
            for at in product((0, 1), repeat=len(steps))
        ]
        padded = np.pad(mask, (0, 1))
        return sum(
            all(padded[tuple(np.array(at) + corner.astype(int))] for corner in corners) for at in np.argwhere(mask)
        )

    x, y, z = np.eye(3, dtype=int)
    points, edges, faces, cubes = lattice_counts(mask)
    assert points == mask.sum() and edges.tolist() == [count(x), count(y), count(z)]
    assert faces.tolist() == [count(y, z), count(x, z), count(x, y)] and cubes == count(x, y, z)


def test_euler_characteristic_of_a_hollow_cube_and_a_ring():
    hollow = np.ones((3, 3, 3), dtype=bool)
    hollow[1, 1, 1] = False
    ring = hollow[:, :, 1:2]
    assert resel_counts(hollow, [1, 1, 1])[0] == 2 and resel_counts(ring, [1, 1, 1])[0] == 0


def test_width_in_voxels_follows_the_axes_of_the_affine():
    affine = np.array([[0, 2.0, 0, 5], [-3, 0, 0, 7], [0, 0, 4, 1], [0, 0, 0, 1]])  # first axis 3 mm, second 2 mm
    np.testing.assert_allclose(fwhm_voxels([6, 6, 6], affine), [2, 3, 1.5])
    assert noise_width(None, None, affine) is None
    width = noise_width(None, 0.1, affine)
    assert (4 * np.log(2)) ** 1.5 / width.prod() == pytest.approx(0.1) and np.ptp(width) == 0


def test_dlh_of_fwhm():
    assert dlh_of(6, 27.0) == pytest.approx((4 * np.log(2)) ** 1.5 / 8)
    assert dlh_of([4, 6, 9], 8.0) == pytest.approx(dlh_of(6, 8.0))
    # FSL's own pair, DLH 0.70114 and RESELS 6.60665 voxels (map "one subject" of test_random_field.py): equal but for
    # its correction for the degrees of freedom of the residuals, which smoothest puts on DLH alone
    assert 0.70114 / dlh_of(6.60665 ** (1 / 3), 1.0) == pytest.approx(1.0033, abs=1e-4)


def test_dimensions_of_the_search_volume():
    family = np.zeros((5, 6, 7), dtype=bool)
    assert search_of(family, AFFINE, 8.0, None) is None
    family[1:4, 2:5, 3] = True
    assert search_of(family, AFFINE, 8.0, None).n_dims == 2
    family[2, 3, 5] = True
    assert search_of(family, AFFINE, 8.0, None).n_dims == 2, "slices that nowhere touch have no volume, as in SPM"
    family[1:4, 2:5, 4] = True
    search = search_of(family, AFFINE, 8.0, None, search_voxels=99)
    assert search.n_dims == 3 and search.n_voxels == 99 and search_of(family, AFFINE, 8.0, None).n_voxels == 19


def test_a_search_volume_comes_back_from_its_sidecar():
    search = search_of(np.ones((5, 6, 7), dtype=bool), AFFINE, [8.0, 9, 10], None, 99, "residuals")
    back = SearchVolume.from_entries(json.loads(json.dumps(search.entries(), allow_nan=False)))
    assert all(np.array_equal(getattr(search, field.name), getattr(back, field.name)) for field in fields(search))
    assert SearchVolume.from_entries({"Cutoff": 3.0}) is None


def test_search_volume_of_the_real_map(motor):
    data, affine = motor
    search = search_of(data != 0, affine, [9.0, 9.0, 8.0], None)
    assert (search.n_voxels, search.n_dims, search.source) == (np.count_nonzero(data), 3, "sheet")
    np.testing.assert_allclose(search.fwhm, [3, 3, 8 / 3])
    assert search.dlh == pytest.approx((4 * np.log(2)) ** 1.5 / 24)
    np.testing.assert_array_equal(search.resels, resel_counts(data != 0, search.fwhm))
    assert search_of(data != 0, affine, None, None) is None
    assert search_of(data != 0, affine, None, 0.05, 1234).n_voxels == 1234
    slice_only = np.zeros(data.shape, bool)
    slice_only[10:30, 10:30, 20] = True
    flat = search_of(slice_only, affine, 9.0, None)
    assert flat.n_dims == 2 and flat.fwhm[2] == 1 and flat.resels[3] == 0 and flat.resels[2] == pytest.approx(19**2 / 9)
    # DLH of a slice is per voxel^2: `smoothest` prints 4 ln 2 / (FWHM_x FWHM_y)
    np.testing.assert_allclose(search_of(slice_only, affine, None, 4 * np.log(2) / 9).fwhm, [3, 3, 1])
