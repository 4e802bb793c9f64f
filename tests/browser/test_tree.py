"""What the page computes is what the workflow does: component tree, smallest sizes, matched regions, places of voxels.

Run in Chromium on generated maps.
"""

import numpy as np
import pytest
from calls import stat_map_of
from extents import read_cases
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.linalg import det

from statmap.inference.thresholds import Cutoff
from statmap.regions.clusters import label_components
from statmap.regions.extract import extract_regions
from statmap.regions.measures import measure_regions
from statmap.rules import RegionRule
from statmap.stability.agreement import match_regions
from statmap.stability.robustness import robustness
from statmap.stability.tree import component_sizes, component_tree, cut
from statmap.web.pages import asset
from statmap.web.viewer import block_means

pytestmark = pytest.mark.slow

SIGNS = {"positive": lambda data: data, "negative": lambda data: -data, "mixed": np.abs}


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    page.add_script_tag(content=str(asset("tree.js")))
    yield page
    page.close()


@pytest.fixture(scope="module")
def run(page):
    """Run an expression on a map: `volume`, `shape`, `tree` and `given` are there; typed arrays come back as lists."""

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

    return evaluate


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
    tree = component_tree(data, connectivity)
    found = run("tree", data, connectivity, "positive")
    birth, death = (np.array(found[name], float) for name in ("birth", "death"))
    parent = np.array(found["parent"], int)

    def events(birth, death, parent):
        strongest = np.where(parent >= 0, birth[parent], np.inf) if len(birth) else birth
        return sorted(zip(birth.tolist(), death.tolist(), strongest.tolist(), strict=True))

    assert events(birth, death, parent) == events(tree.birth, tree.death, tree.parent)


@settings(max_examples=60, deadline=None)
@given(data=MAPS, connectivity=st.sampled_from([6, 18, 26]), at=st.integers(0, 10**6))
def test_clusters_their_peaks_and_where_they_join_are_those_of_the_tables(run, data, connectivity, at):
    levels = np.unique(data[data > 0])
    cutoff = float(levels[at % len(levels)]) if len(levels) else 1.0
    affine = np.array([[-2.0, 0.3, 0, 5], [0, 3, 0.4, 0], [0.1, 0, 4, 0], [0, 0, 0, 1]])
    rule = RegionRule(sided="positive", connectivity=connectivity, min_region_size=0)
    labels = extract_regions(np.where(data >= cutoff, data, 0), affine, rule).labels
    table = measure_regions(data, labels, affine, connectivity)
    ijk = np.column_stack([table[f"peak_{axis}"] for axis in "ijk"])
    low, high, _ = robustness(stat_map_of(data, affine), table["sign"], ijk, Cutoff(cutoff, ">=", "value"), rule)
    found = run(
        "findRegions([tree], volume, shape, given.affine, given.cutoff, 1, { unnumbered: 999, too_small: 998 })",
        data,
        connectivity,
        "positive",
        affine=affine.tolist(),
        cutoff=cutoff,
    )
    codes = np.array(found["codes"], int).reshape(data.shape, order="F")
    np.testing.assert_array_equal(codes, labels)
    assert [region["low"] for region in found["regions"]] == low.tolist()
    places = np.ravel_multi_index(ijk.T, data.shape, order="F").tolist()
    assert [region["peak"] for region in found["regions"]] == places
    assert (high == table["peak_value"]).all()


@settings(max_examples=40, deadline=None)
@given(data=MAPS, connectivity=st.sampled_from([6, 18, 26]), smallest=st.integers(1, 6))
def test_curve_counts_the_clusters_that_are_large_enough(run, data, connectivity, smallest):
    tree = component_tree(data, connectivity)
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


def test_the_smallest_size_is_the_workflows(page):
    """By the table that holds statmap.regions.clusters.large_enough as well."""
    cases = read_cases()
    found = page.evaluate(
        "(cases) => cases.map(([size, volumes, rule]) => volumes.map((volume) => smallestCluster(size, volume, rule)))",
        [[float(case.size), case.volumes(), case.rule] for case in cases],
    )
    assert found == [[case.fewest] * 4 for case in cases]


labels = arrays.arrays(np.int32, (4, 5, 3), elements=st.integers(0, 4))


@settings(max_examples=60, deadline=None)
@given(labels, labels)
def test_regions_are_matched_as_in_matches_csv(page, one, other):
    found = page.evaluate(
        "([a, b]) => matchRegions(Uint16Array.from(a), Uint16Array.from(b), 60000)",
        [image.ravel(order="F").tolist() for image in (one, other)],
    )
    expected = match_regions(one, other, np.eye(4))
    columns = ("region_a", "region_b", "overlap_voxels", "dice", "best_a", "best_b")
    rows = list(zip(*(expected[column].tolist() for column in columns), strict=True))
    assert [tuple(row[key] for key in ("a", "b", "voxels", "dice", "bestA", "bestB")) for row in found] == rows


@settings(max_examples=40, deadline=None)
@given(data=MAPS, connectivity=st.sampled_from([6, 18, 26]), apart=st.booleans(), at=st.integers(0, 10**6))
def test_the_cluster_of_a_voxel_has_its_size(page, data, connectivity, apart, at):
    components = label_components(data, connectivity, "split" if apart else "merged")
    inside = np.flatnonzero(data.ravel(order="F"))
    if not len(inside):
        return
    voxel = int(inside[at % len(inside)])
    found = page.evaluate(
        """({ voxel, values, shape, connectivity, apart }) => {
          const codes = Uint16Array.from(values, (value) => value !== 0);
          return clusterOf(voxel, codes, Float64Array.from(values), shape, connectivity, apart).size;
        }""",
        {
            "voxel": voxel,
            "values": data.ravel(order="F").tolist(),
            "shape": data.shape,
            "connectivity": connectivity,
            "apart": apart,
        },
    )
    assert found == np.count_nonzero(components == components.ravel(order="F")[voxel])


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(np.float64, (3, 3), elements=st.floats(-4, 4, width=32)).filter(lambda own: abs(det(own)) > 0.5),
    st.tuples(*[st.floats(-90, 90)] * 3),
)
def test_a_place_is_in_the_voxel_whose_centre_it_is(page, matrix, origin):
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, origin
    found = page.evaluate(
        """(affine) => {
          const toVoxel = inverse(affine), shape = [4, 5, 6], moved = ([x, y, z]) => [x + 1e4, y, z];
          const places = Array.from({ length: 120 }, (_, voxel) => toMm(voxel, shape, affine));
          return [places.map((mm) => voxelAt(mm, shape, toVoxel)), voxelAt(moved(places[0]), shape, toVoxel)];
        }""",
        affine.tolist(),
    )
    assert found == [list(range(120)), -1]


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(*[st.integers(1, 6)] * 3), step=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
def test_a_large_map_is_filled_as_it_was_packed(page, shape, step, seed):
    random = np.random.default_rng(seed)
    values, passes = random.standard_normal(shape), random.random(shape) < 0.3
    means = np.rint(100 * block_means(values, passes, step))
    filled = page.evaluate(
        """({ values, bits, shape, step, means }) => (
          [...fillBlocks(Float64Array.from(values), Uint8Array.from(bits), shape, { step, unit: 0.01, means })])""",
        {
            "values": values.T[passes.T].tolist(),
            "bits": np.packbits(passes.T, bitorder="little").tolist(),
            "shape": shape,
            "step": step,
            "means": means.ravel(order="F").tolist(),
        },
    )
    blocks = np.stack(np.indices(shape)) // step
    expected = np.where(passes, values, 0.01 * means[tuple(blocks)])
    np.testing.assert_allclose(filled, expected.ravel(order="F"), rtol=1e-12)
