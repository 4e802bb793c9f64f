import numpy as np
from drawn import words
from scenes import PLAIN

from statmap.figures.montage import threshold_figure
from statmap.figures.scene import make_scene


def test_the_colour_bar_marks_the_cutoffs_that_were_tested(motor):
    data, affine = motor
    labels = np.zeros(data.shape, dtype=np.int32)
    for sided, marked in (("two", {"3.21", "−3.21"}), ("positive", {"3.21"}), ("negative", {"−3.21"})):
        scene = make_scene(data, affine, data > 9, labels, 3.21, sided=sided, units="t")
        written = set(words(threshold_figure(scene, *PLAIN)))
        assert written & {"3.21", "−3.21"} == marked
        assert {"t", "7.94", "−7.94"} <= written


def test_a_sign_that_no_voxel_has_is_not_on_the_colour_bar(motor):
    data, affine = motor
    for part, ends in ((np.maximum(data, 0), {"0", "7.94"}), (np.minimum(data, 0), {"0", "−7.94"})):
        scene = make_scene(part, affine, np.abs(part) >= 3, np.zeros(data.shape, dtype=np.int32), 3.0)
        assert set(words(threshold_figure(scene, *PLAIN))) & {"0", "7.94", "−7.94"} == ends
