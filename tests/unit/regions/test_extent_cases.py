"""The smallest size as the workflow compares it, by the table that the viewer is held to as well."""

from math import ceil, floor

import numpy as np
import pytest
from extents import read_cases

from statmap.regions.clusters import fewest_voxels, large_enough

CASES = read_cases()


def plainly(case, volume):
    """The fewest voxels by the quotient as it comes, rounding included."""
    quotient = float(case.size) / volume
    return max(1, floor(quotient) + 1 if case.rule == ">" else ceil(quotient))


def test_the_table_is_exact_and_has_what_rounding_gets_wrong():
    assert [case.fewest for case in CASES] == [case.exact() for case in CASES]
    assert sum(any(plainly(case, volume) != case.fewest for volume in case.volumes()) for case in CASES) > 100


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{'x'.join(case.sides)} {case.rule} {case.size}")
def test_the_fewest_voxels_that_pass(case):
    sizes = np.arange(1, case.fewest + 3)
    for affine in case.affines():
        kept = sizes[large_enough(sizes, affine, float(case.size), case.rule)]
        assert kept.min() == case.fewest
        least = fewest_voxels(affine, float(case.size), case.rule)
        assert max(least, 1) == case.fewest and (least > 0 or float(case.size) == 0)
