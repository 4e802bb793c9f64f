import numpy as np

from statmap.figures.panels import FAINT_MOST, overlay
from statmap.figures.scene import make_scene


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
    np.testing.assert_allclose(alpha, [1, *FAINT_MOST * np.array([9, 4, 4, 1, 0]) / 16], atol=1 / 255)
