"""Which voxels touch."""

from itertools import product

import numpy as np


def forward_steps(shape, connectivity):
    """Flat index steps to half of a voxel's neighbours; the other half are their negatives.

    Parameters
    ----------
    shape : (3,) of the array, with a voxel of background all around: a step then never wraps into another line.
    connectivity : 6 (faces), 18 (edges too) or 26 (corners too).

    Returns
    -------
    list of int, ``connectivity / 2`` of them.
    """
    nonzero = {6: 1, 18: 2, 26: 3}[connectivity]
    steps = (s for s in product((-1, 0, 1), repeat=3) if s > (0, 0, 0) and np.count_nonzero(s) <= nonzero)
    return [(a * shape[1] + b) * shape[2] + c for a, b, c in steps]
