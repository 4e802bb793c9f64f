"""The extent threshold: in mm^3, in voxels, by significance, whichever asks for more."""

import numpy as np
import pytest

from statmap.regions.clusters import large_enough, with_extent
from statmap.rules import RegionRule

AFFINE = np.diag([2.5, 2.5, 2.5, 1])


@pytest.mark.parametrize(
    ("given", "rule", "critical", "fewest"),
    [
        (156.25, ">=", None, 10),
        (156.25, ">", None, 11),
        ("10 voxels", ">=", None, 10),
        ("1 voxel", ">", None, 2),
        ("10 voxels", ">=", 9, 10),
        ("10 voxels", ">=", 10, 10),
        ("10 voxels", ">", 10, 11),
        ("10 voxels", ">", 11, 11),
        ("10 voxels", ">=", 11, 11),
        (0, ">", 1, 1),
        (0, ">", 40, 40),
    ],
)
def test_the_fewest_voxels_that_are_kept(given, rule, critical, fewest):
    sizes = np.arange(1, 60)
    extent = with_extent(RegionRule(min_region_size=given, size_rule=rule), critical, AFFINE)
    kept = large_enough(sizes, AFFINE, extent.min_mm3, extent.size_rule)
    assert sizes[kept].min() == fewest
