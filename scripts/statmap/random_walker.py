"""Divide a connected set of voxels between seeds: the random walker of Grady (2006), solved exactly where it matters.

Grady L. Random walks for image segmentation. IEEE Trans Pattern Anal Mach Intell 28(11):1768-83, 2006.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

BETA = 130.0
FLOOR = 1e-10


def neighbour_offsets(connectivity):
    """Half of the neighbour offsets of a voxel, (n / 2, 3) for connectivity n of 6, 18 or 26."""
    steps = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    reach = {6: 1, 18: 2, 26: 3}[connectivity]
    near = np.abs(steps).sum(axis=1) <= reach
    return steps[near & (np.arange(27) > 13)]


def find_edges(inside, connectivity):
    """Pairs of neighbouring voxels.

    Parameters
    ----------
    inside : (i, j, k) bool with n voxels set.
    connectivity : 6, 18 or 26.

    Returns
    -------
    (2, m) int array of node numbers 0..n-1, nodes counted in C order.
    """
    nodes = np.full(np.add(inside.shape, 2), -1, dtype=np.intp)
    nodes[1:-1, 1:-1, 1:-1][inside] = np.arange(np.count_nonzero(inside))
    flat = nodes.ravel()
    here = np.flatnonzero(flat >= 0)
    steps = neighbour_offsets(connectivity) @ (np.array(nodes.strides) // nodes.itemsize)
    pairs = []
    for step in steps:
        there = flat[here + step]
        joined = there >= 0
        pairs.append(np.stack([flat[here[joined]], there[joined]]))
    return np.concatenate(pairs, axis=1)


def edge_weights(values, edges, scale, beta=BETA):
    """Conductance of each edge, ``exp(-beta * difference^2 / (10 * scale)) + 1e-10`` (nilearn 0.14.1, spacing 1)."""
    difference = values[edges[0]] - values[edges[1]]
    return np.exp(-beta / (10 * scale) * difference**2) + FLOOR


def assign_seeds(values, edges, seeds, scale):
    """Give every node the seed that a random walk from it most probably reaches first.

    Parameters
    ----------
    values : (n,) float64, the map at each node.
    edges : (2, m) int, pairs of neighbouring nodes.
    seeds : (n,) int, 0 where a node has no seed, else its seed's number, 1 or more.
    scale : float, what differences are measured against: a standard deviation of the map.

    Returns
    -------
    (n,) int, a seed for every node that is connected to one, else 0.

    Notes
    -----
    Connected components are independent. One that holds a single seed is that seed's, with nothing to solve.
    """
    n_nodes = len(values)
    graph = sparse.coo_array((np.ones(edges.shape[1], dtype=np.int8), edges), shape=(n_nodes, n_nodes))
    n_parts, part = sparse.csgraph.connected_components(graph, directed=False)
    highest = np.zeros(n_parts, dtype=seeds.dtype)
    np.maximum.at(highest, part, seeds)
    contested = np.zeros(n_parts, dtype=bool)
    contested[part[(seeds > 0) & (seeds < highest[part])]] = True
    result = highest[part]
    local = np.empty(n_nodes, dtype=np.intp)
    for number in np.flatnonzero(contested):
        nodes = np.flatnonzero(part == number)
        local[nodes] = np.arange(len(nodes))
        inner = edges[:, part[edges[0]] == number]
        result[nodes] = solve_component(local[inner], edge_weights(values, inner, scale), seeds[nodes])
    return result


def solve_component(edges, weights, seeds):
    """Solve one connected component that holds at least two seeds.

    Parameters
    ----------
    edges : (2, m) int; weights : (m,) float64, its conductances; seeds : (n,) int, 0 where a node has no seed.

    Returns
    -------
    (n,) int, the most probable seed of every node; between equal probabilities the lowest seed.

    Notes
    -----
    The probabilities of all seeds come from one factorisation of the Laplacian of the free nodes. Conductances span ten
    orders of magnitude, so that conjugate gradients either stop early (nilearn, at 1e-3) or take longer than this.
    """
    n_nodes = len(seeds)
    conductance = sparse.coo_array((weights, edges), shape=(n_nodes, n_nodes)).tocsr()
    conductance = conductance + conductance.T
    free, fixed = np.flatnonzero(seeds == 0), np.flatnonzero(seeds)
    names, column = np.unique(seeds[fixed], return_inverse=True)
    result = seeds.copy()
    if not len(free):
        return result
    laplacian = sparse.diags_array(conductance.sum(axis=1)[free]) - conductance[free][:, free]
    membership = sparse.csr_array((np.ones(len(fixed)), (np.arange(len(fixed)), column)))
    factors = splu(
        laplacian.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    probability = factors.solve((conductance[free][:, fixed] @ membership).toarray())
    result[free] = names[np.argmax(probability, axis=1)]
    return result
