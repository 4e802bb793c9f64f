"""Small maps to try, and their components by labelling."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

AFFINE = np.array([[-3.0, 0, 0, 78], [0, 3, 0, -112], [0, 0, 3, -50], [0, 0, 0, 1]])
STRUCTURE = {c: ndimage.generate_binary_structure(3, rank) for c, rank in ((6, 1), (18, 2), (26, 3))}
connectivities = st.sampled_from((6, 18, 26))
shapes = hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6)
tied_maps = hnp.arrays(np.float32, shapes, elements=st.integers(-2, 4).map(float))
smooth_maps = hnp.arrays(np.float64, shapes, elements=st.floats(-4, 8)).map(lambda x: ndimage.gaussian_filter(x, 0.7))
maps = st.one_of(tied_maps, smooth_maps)


def label(data, threshold, connectivity):
    return ndimage.label((data >= np.float64(threshold)) & (data > 0), STRUCTURE[connectivity])[0]


def same_components(a, b):
    """Equal up to the numbers of the components."""
    pairs = np.unique(a.astype(np.int64) * (b.max(initial=0) + 1) + b)
    n_components = len(np.unique(a))
    return np.array_equal(a == 0, b == 0) and len(pairs) == n_components == len(np.unique(b))


def levels_of(data):
    """Every value of the map, and a threshold just above each."""
    values = np.unique(data[data > 0]).astype(np.float64)
    return np.sort(np.concatenate([values, np.nextafter(values, np.inf)]))
