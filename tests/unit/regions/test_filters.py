"""The filters of the seeds, held against those of scipy.ndimage bit for bit."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d, maximum_filter

from statmap.regions import seeds
from statmap.regions.seeds import TRUNCATE, highest_in_cube, smooth_lines


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sigma", [0.05, 0.3, 0.85, 1.27, 2.5, 5.1])
@pytest.mark.parametrize("shape", [(40, 53), (7, 4), (3, 1)])
def test_lines_are_smoothed_to_the_bit(monkeypatch, shape, sigma, dtype):
    lines = np.random.default_rng(0).normal(size=shape).astype(dtype)
    expected = gaussian_filter1d(lines, sigma, truncate=TRUNCATE)
    for at_a_time in (2**20, 100):
        monkeypatch.setattr(seeds, "_AT_A_TIME", at_a_time)
        smooth = smooth_lines(lines, np.float64(sigma))
        assert smooth.dtype == dtype
        np.testing.assert_array_equal(smooth, expected)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 20, 21, 32])
@pytest.mark.parametrize("shape", [(12, 25, 9), (1, 40, 2)])
def test_the_highest_in_a_cube_is_that_of_scipy(size, shape):
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for signed in (values, np.abs(values), -np.abs(values)):
        np.testing.assert_array_equal(highest_in_cube(signed, size), maximum_filter(signed, size, mode="constant"))
