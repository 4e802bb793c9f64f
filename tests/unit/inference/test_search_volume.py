"""Resel counts in closed form, and by counting one by one."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from statmap.inference.resels import fwhm_voxels, lattice_counts, noise_width, resel_counts

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
