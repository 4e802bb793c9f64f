"""The component tree that the page grows is the one of statmap.stability.tree: run in Chromium on generated maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from statmap.stability.tree import component_sizes, component_tree, cut
from statmap.web.pages import asset

pytestmark = pytest.mark.slow

SIGNS = {"positive": lambda data: data, "negative": lambda data: -data, "mixed": np.abs}


@pytest.fixture(scope="module")
def run(chromium):
    """Run an expression on a map: `volume`, `shape`, `tree` and `given` are there; typed arrays come back as lists."""
    page = chromium.new_page()
    page.add_script_tag(content=str(asset("tree.js")))

    def evaluate(expression, data, connectivity, sign, **given):
        return page.evaluate(
            f"""({{ values, shape, connectivity, sign, given }}) => {{
              const volume = Float64Array.from(values), tree = growTree(volume, shape, connectivity, sign);
              const plain = (value) => (ArrayBuffer.isView(value) ? [...value] : value);
              const found = {expression};
              return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, plain(value)]));
            }}""",
            {
                "values": data.ravel(order="F").tolist(),
                "shape": data.shape,
                "connectivity": connectivity,
                "sign": sign,
                "given": given,
            },
        )

    yield evaluate
    page.close()


# Few values: plateaus and ties are the hard cases.
MAPS = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=3, max_dims=3, max_side=6),
    elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-3, 3, width=32)),
)


def partition(labels):
    """Labels renumbered in the order of their first voxel, 0 staying 0."""
    found, first, inverse = np.unique(labels.ravel(), return_index=True, return_inverse=True)
    order = np.empty(len(found), int)
    order[np.argsort(np.where(found == 0, -1, first))] = np.arange(len(found))
    return (order[inverse] + (0 if 0 in found else 1)).reshape(labels.shape)


@settings(max_examples=60, deadline=None)
@given(
    data=MAPS, connectivity=st.sampled_from([6, 18, 26]), sign=st.sampled_from(list(SIGNS)), at=st.integers(0, 10**6)
)
def test_cuts_are_those_of_the_tree_in_python(run, data, connectivity, sign, at):
    magnitude = SIGNS[sign](data)
    levels = np.unique(magnitude[magnitude > 0])
    cutoff = float(levels[at % len(levels)]) if len(levels) else 1.0
    cutoff -= (at % 3 == 0) * 1e-9  # also between two values
    expected = cut(component_tree(magnitude, connectivity), cutoff)
    found = run("({ ...cutTree(tree, given.cutoff), ...tree })", data, connectivity, sign, cutoff=cutoff)
    labels = np.zeros(data.size, int)
    inside = found["voxels"][: found["passed"]]
    labels[inside] = np.array(found["cluster"], int)[found["basin"][: found["passed"]]] + 1
    np.testing.assert_array_equal(partition(labels.reshape(data.shape, order="F")), partition(expected))


@settings(max_examples=40, deadline=None)
@given(data=MAPS, connectivity=st.sampled_from([6, 18, 26]))
def test_peaks_are_born_and_die_where_they_do_in_python(run, data, connectivity):
    # Flooding takes of equal voxels the first in the file, Python the first in memory: turn one into the other.
    tree = component_tree(np.ascontiguousarray(data.T), connectivity)
    found = run("tree", data, connectivity, "positive")
    birth, death = (np.array(found[name], float) for name in ("birth", "death"))
    parent = np.array(found["parent"], int)

    def events(birth, death, parent):
        strongest = np.where(parent >= 0, birth[parent], np.inf) if len(birth) else birth
        return sorted(zip(birth.tolist(), death.tolist(), strongest.tolist(), strict=True))

    assert events(birth, death, parent) == events(tree.birth, tree.death, tree.parent)


@settings(max_examples=40, deadline=None)
@given(data=MAPS, connectivity=st.sampled_from([6, 18, 26]), smallest=st.integers(1, 6))
def test_curve_counts_the_clusters_that_are_large_enough(run, data, connectivity, smallest):
    tree = component_tree(np.ascontiguousarray(data.T), connectivity)
    cutoffs = np.unique([0.25, 1, 1.5, 2, 3, *data[data > 0][:20]])
    found = run(
        "replay(tree, given.smallest, given.cutoffs)",
        data,
        connectivity,
        "positive",
        smallest=smallest,
        cutoffs=cutoffs[::-1].tolist(),
    )
    sizes = [own[own >= smallest] for _, own in component_sizes(tree, cutoffs)]
    assert found["counts"][::-1] == [len(own) for own in sizes]
    assert found["voxels"][::-1] == [int(own.sum()) for own in sizes]
