import numpy as np
import pytest
from scenes import AFFINE, scene_of, spots

from statmap.figures.scene import lay_out
from statmap.io.images import read_image


@pytest.fixture(scope="session")
def template(template_path):
    return lay_out(*read_image(template_path))


@pytest.fixture(scope="module")
def motor_scene(motor, template):
    return scene_of(*motor, 3.0, 3, template, units="t")


@pytest.fixture(scope="module")
def scenes(motor, template, motor_scene):
    """Scenes by their number of regions, and a map of two voxels."""
    crowd = spots(*((i, j, k) for i in range(10, 40, 4) for j in range(12, 52, 4) for k in range(5, 37, 4)))
    found = {
        "none": scene_of(*motor, 99.0, 0, template, units="t"),
        "infinite cutoff": scene_of(*motor, np.inf, 0, template, units="t"),
        "empty map": scene_of(spots(), AFFINE, 3.0),
        "1": scene_of(spots((20, 30, 20)), AFFINE, 3.0, 0, template),
        "4": scene_of(*motor, 3.0, 300, template, units="t", sided="negative"),
        "12": motor_scene,
        "40": scene_of(*motor, 2.3, 2, template, units="z"),
        "640": scene_of(crowd, AFFINE, 3.0, 0, template),
        "two voxels": scene_of(np.array([[[4.0]], [[-4.0]]]), AFFINE, 3.0),
        "cutoff near 0": scene_of(*motor, 0.05, 40, template),
    }
    assert [len(found[name][1]) for name in ("none", "1", "two voxels", "12", "640")] == [0, 1, 2, 12, 640]
    assert 30 < len(found["40"][1]) < 50
    return found
