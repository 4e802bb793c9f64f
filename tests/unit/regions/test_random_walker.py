"""The random walker on chains, whose answer is known, and against the definition on random graphs."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from statmap.regions import random_walker
from statmap.regions.random_walker import FLOOR, TIE, assign_seeds, edge_weights, find_edges


def chain(n):
    return np.array([np.arange(n - 1), np.arange(1, n)])


def test_a_flat_chain_is_divided_in_the_middle():
    seeds = np.array([1, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(assign_seeds(np.ones(6), chain(6), seeds, 1.0), [1, 1, 1, 2, 2, 2])


def test_a_step_in_the_map_is_the_border():
    values = np.array([5.0, 5, 5, 5, 1, 1])
    np.testing.assert_array_equal(assign_seeds(values, chain(6), np.array([1, 0, 0, 0, 0, 2]), 1.0), [1, 1, 1, 1, 2, 2])


def test_equal_chances_go_to_the_lower_seed():
    np.testing.assert_array_equal(assign_seeds(np.ones(3), chain(3), np.array([2, 0, 1]), 1.0), [2, 1, 1])


def test_components_do_not_see_each_other():
    edges = np.array([[0, 2], [1, 3]])
    np.testing.assert_array_equal(assign_seeds(np.ones(5), edges, np.array([3, 0, 0, 0, 1]), 1.0), [3, 3, 0, 0, 1])


def test_contested_components_are_divided_each_by_itself():
    """Two chains, of six nodes and of four, whose nodes take turns."""
    one, other = np.array([0, 2, 4, 6, 8, 9]), np.array([1, 3, 5, 7])
    edges = np.concatenate([[nodes[:-1], nodes[1:]] for nodes in (other, one)], axis=1)
    seeds = np.zeros(10, int)
    seeds[one[[0, -1]]], seeds[other[[0, -1]]] = (1, 3), (4, 2)
    found = assign_seeds(np.ones(10), edges, seeds, 1.0)
    assert found[one].tolist() == [1, 1, 1, 3, 3, 3] and found[other].tolist() == [4, 4, 2, 2]


def test_weights_are_those_of_the_formula():
    weights = edge_weights(np.array([1.0, 3.0, 3.0]), chain(3), 0.5)
    np.testing.assert_allclose(weights, [np.exp(-130 * 4 / 5) + FLOOR, 1 + FLOOR])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from((6, 18, 26)))
def test_labels_are_the_most_probable_seeds(seed, connectivity):
    """Against absorption probabilities from dense linear algebra."""
    random = np.random.default_rng(seed)
    inside = random.random((4, 4, 3)) < 0.8
    edges = find_edges(inside, connectivity)
    n = np.count_nonzero(inside)
    values, seeds = random.normal(size=n) * 0.2, np.where(random.random(n) < 0.15, random.integers(1, 4, n), 0)
    weights = edge_weights(values, edges, 1.0)
    conductance = np.zeros((n, n))
    conductance[edges[0], edges[1]] = conductance[edges[1], edges[0]] = weights
    reach = np.linalg.matrix_power((conductance > 0) + np.eye(n), n) > 0
    found = assign_seeds(values, edges, seeds, 1.0)
    free = np.flatnonzero((seeds == 0) & reach[:, seeds > 0].any(axis=1))
    assert (found[(seeds == 0) & ~reach[:, seeds > 0].any(axis=1)] == 0).all()
    np.testing.assert_array_equal(found[seeds > 0], seeds[seeds > 0])
    if not len(free):
        return
    laplacian = np.diag(conductance.sum(axis=1)) - conductance
    probability = np.stack(
        [
            np.linalg.solve(laplacian[np.ix_(free, free)], conductance[free][:, seeds == label].sum(axis=1))
            for label in (1, 2, 3)
        ]
    )
    best = probability.max(axis=0)
    assert (probability[found[free] - 1, np.arange(len(free))] > best - 2 * TIE).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from((6, 18, 26)))
def test_edges_are_all_pairs_of_neighbours(seed, connectivity):
    inside = np.random.default_rng(seed).random((3, 4, 3)) < 0.6
    voxels = np.argwhere(inside)
    far = np.abs(voxels[:, None] - voxels[None])
    near = (far.max(axis=2) == 1) & (far.sum(axis=2) <= {6: 1, 18: 2, 26: 3}[connectivity])
    edges = find_edges(inside, connectivity)
    found = {tuple(sorted(pair)) for pair in edges.T.tolist()}
    assert len(found) == edges.shape[1]
    assert found == {(a, b) for a, b in np.argwhere(near).tolist() if a < b}


@settings(deadline=None, max_examples=20)
@example(47, 6, 1.5)
@example(854, 6, 1.5)
@example(575, 6, 1.5)
@given(st.integers(0, 10_000), st.sampled_from((6, 18, 26)), st.floats(0.01, 1.5))
def test_multigrid_gives_the_probabilities_of_a_direct_solution(seed, connectivity, roughness):
    """Conductances from 1 down to the floor, plateaus, and nodes that only a seed is beside."""
    random = np.random.default_rng(seed)
    edges = find_edges(np.ones((9, 8, 7), bool), connectivity)
    weights = edge_weights(np.round(random.normal(size=504) * roughness, 1), edges, 1.0)
    seeds = np.where(random.random(504) < 0.02, random.integers(1, 5, 504), 0)
    seeds[[0, -1]] = 1, 2
    free = seeds == 0
    conductance = np.zeros((504, 504))
    conductance[edges[0], edges[1]] = conductance[edges[1], edges[0]] = weights
    to_seeds = np.stack([conductance[free][:, seeds == label].sum(axis=1) for label in np.unique(seeds[~free])], axis=1)
    conductance = sparse.csr_array(conductance[np.ix_(free, free)])
    direct = random_walker.solve_probabilities(conductance, to_seeds)
    with mock.patch.object(random_walker, "DIRECT", 10):
        multigrid = random_walker.solve_probabilities(conductance, to_seeds)
    np.testing.assert_allclose(multigrid, direct, rtol=0, atol=TIE / 2)


@pytest.mark.parametrize(("direct", "beside"), [(5, 0.5), (5, 2.0), (5000, 2.0)])
def test_nodes_bound_to_seeds_more_than_to_each_other(direct, beside):
    """A flat chain of 30 nodes, each beside both seeds: all are alike, so the walk goes to the seeds as 1 to 3."""
    links = sparse.coo_array((np.ones(29), chain(30)), shape=(30, 30)).tocsr()
    to_seeds = beside * np.tile([1.0, 3.0], (30, 1))
    with mock.patch.object(random_walker, "DIRECT", direct):
        probability = random_walker.solve_probabilities(links + links.T, to_seeds)
    np.testing.assert_allclose(probability, [[0.25, 0.75]] * 30, rtol=0, atol=2e-8)


@pytest.mark.parametrize("direct", [10, 5000])
def test_what_hangs_by_a_thread_is_solved_all_the_same(direct):
    """A block of tightly bound nodes, ten thousand million times more loosely to two seeds: no rounding may show."""
    edges = find_edges(np.ones((10, 10, 10), bool), 6)
    weights = np.random.default_rng(0).random(edges.shape[1])
    block = sparse.coo_array((weights, edges), shape=(1000, 1000)).tocsr()
    to_seeds = np.zeros((1000, 2))
    to_seeds[0, 0], to_seeds[-1, 1] = 1e-10, 3e-10
    with mock.patch.object(random_walker, "DIRECT", direct):
        probability = random_walker.solve_probabilities(block + block.T, to_seeds)
    np.testing.assert_allclose(probability, [[0.25, 0.75]] * 1000, rtol=0, atol=2e-8)
