"""Sizes of clusters as step functions, against labelling at every level."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from small_maps import AFFINE, connectivities, label, levels_of, maps

from statmap.published.curves import cluster_curves
from statmap.published.matching import make_field
from statmap.published.settings import largest_unlisted, unlisted_sizes
from statmap.stability.tree import component_tree


@settings(deadline=None, max_examples=80)
@given(maps, connectivities)
def test_size_and_mean_of_the_cluster_of_every_peak_at_every_cutoff(data, connectivity):
    curves = cluster_curves(component_tree(data, connectivity))
    tree, cutoffs = curves.tree, levels_of(data)
    tops = [
        tree.voxels[np.flatnonzero((tree.basin == b) & (tree.values == tree.birth[b]))[0]]
        for b in range(len(tree.birth))
    ]
    sizes = [curves.sizes(b, cutoffs) for b in range(len(tops))]
    for at, cutoff in enumerate(cutoffs):
        labels = label(data, cutoff, connectivity).ravel()
        for b, top in enumerate(tops):
            own = labels == labels[top] if labels[top] else np.zeros(labels.shape, bool)
            assert sizes[b][at] == own.sum()
            for branch, low, high in curves.chain(b):
                if low < cutoff <= high:
                    event = curves.events_at(branch, [cutoff])[0]
                    # Sums of branches are differences of running sums: exact to the rounding of the largest value
                    mean, rounding = data.ravel()[own].mean(dtype=float), 1e-12 * data.max()
                    np.testing.assert_allclose(curves.means[event], mean, rtol=1e-9, atol=rounding)


@settings(deadline=None, max_examples=80)
@given(maps, connectivities, st.randoms())
def test_the_largest_cluster_that_a_table_leaves_out(data, connectivity, random):
    field = make_field(cluster_curves(component_tree(data, connectivity)), data, AFFINE)
    tree = field.curves.tree
    edges = np.concatenate([[0.0], np.unique(tree.values)])
    low = random.randrange(len(edges))
    edges = edges[low : random.randrange(low, len(edges)) + 1]
    peaks = sorted(set(field.peak.tolist()))
    listed = set(random.sample(peaks, random.randint(0, len(peaks))))
    if len(edges) < 2:
        return
    tops = [tree.voxels[field.voxel[field.peak == peak]] for peak in listed]
    for cutoff, largest in zip(edges[1:], largest_unlisted(field, listed, edges), strict=True):
        labels = label(data, cutoff, connectivity).ravel()
        sizes = np.bincount(labels)
        sizes[[0, *(labels[top[0]] for top in tops)]] = 0
        assert largest == sizes.max(initial=0)
        assert sorted(unlisted_sizes(field, listed, cutoff)) == sorted(sizes[sizes > 0])


@settings(deadline=None, max_examples=60)
@given(maps, connectivities)
def test_peaks_are_the_voxels_without_a_higher_one_around_their_plateau(data, connectivity):
    field = make_field(cluster_curves(component_tree(data, connectivity)), data, AFFINE)
    found = set(field.curves.tree.voxels[field.voxel].tolist())
    expected = set()
    for value in np.unique(data[data > 0]):
        labels = label(data, value, connectivity)
        for n, box in enumerate(ndimage.find_objects(labels), start=1):
            if data[box][labels[box] == n].max() == value:
                expected |= set(np.flatnonzero(labels == n).tolist())
    assert found == expected
