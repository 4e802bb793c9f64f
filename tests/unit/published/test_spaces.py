"""Talairach to MNI against the forward transforms as they were published."""

import numpy as np

from statmap.published.spaces import ICBM_TO_TALAIRACH, talairach_to_mni

POINTS = np.array([[10.0, 12.0, 8.0], [-40.0, -60.0, 30.0], [20.0, 30.0, -25.0], [0.0, 0.0, 0.0]])


def test_brett_undoes_the_equations_of_his_page():
    """x' = 0.99 x; y' = 0.9688 y + 0.0460 z; z' = -0.0485 y + 0.9189 z; below the AC 0.0420 z and 0.8390 z."""
    above = POINTS[POINTS[:, 2] >= 0] @ np.array([[0.99, 0, 0], [0, 0.9688, 0.0460], [0, -0.0485, 0.9189]]).T
    below = POINTS[POINTS[:, 2] < 0] @ np.array([[0.99, 0, 0], [0, 0.9688, 0.0420], [0, -0.0485, 0.8390]]).T
    np.testing.assert_allclose(talairach_to_mni(above, "Brett"), POINTS[POINTS[:, 2] >= 0], atol=0.02)
    np.testing.assert_allclose(talairach_to_mni(below, "Brett"), POINTS[POINTS[:, 2] < 0], atol=0.02)


def test_lancaster_undoes_icbm2tal():
    there = POINTS @ ICBM_TO_TALAIRACH[:3, :3].T + ICBM_TO_TALAIRACH[:3, 3]
    np.testing.assert_allclose(talairach_to_mni(there, "Lancaster"), POINTS, atol=1e-9)
