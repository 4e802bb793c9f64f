"""Divide a connected set of voxels between seeds: the random walker of Grady (2006), solved until it has converged.

Grady L. Random walks for image segmentation. IEEE Trans Pattern Anal Mach Intell 28(11):1768-83, 2006.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from ..grid import forward_steps

BETA = 130.0
FLOOR = 1e-10

# How exactly the equations are solved, and how: see `solve_probabilities` and `make_preconditioner`.
TIE = 1e-6  # probabilities that differ by less count as equal
TOLERANCE = TIE / 100
ROUNDS = 2
MOST_ITERATIONS = 1000  # in a round; some 30 are needed
DIRECT = 5000  # nodes
DAMPING = 0.8  # of the Jacobi sweeps
JITTER = 0.1
GOLDEN_RATIO = (1 + 5**0.5) / 2
SMALLEST = np.finfo(np.float64).tiny


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
    pairs = []
    for step in forward_steps(nodes.shape, connectivity):
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
    if not contested.any():
        return result
    local = np.empty(n_nodes, dtype=np.intp)
    disputed = np.flatnonzero(contested[part])
    between = edges[:, contested[part[edges[0]]]]
    for nodes, inner in zip(_split(disputed, part[disputed]), _split(between, part[between[0]]), strict=True):
        local[nodes] = np.arange(len(nodes))
        result[nodes] = solve_component(local[inner], edge_weights(values, inner, scale), seeds[nodes])
    return result


def _split(members, group):
    """Divide the last axis of `members`, in order, by the group that each belongs to; groups in rising order."""
    order = np.argsort(group, kind="stable")
    return np.split(members[..., order], np.flatnonzero(np.diff(group[order])) + 1, axis=-1)


def solve_component(edges, weights, seeds):
    """Solve one connected component that holds at least two seeds.

    Parameters
    ----------
    edges : (2, m) int; weights : (m,) float64, its conductances; seeds : (n,) int, 0 where a node has no seed.

    Returns
    -------
    (n,) int, the most probable seed of every node; between equal probabilities (to 1e-6) the lowest seed.
    """
    n_nodes = len(seeds)
    conductance = sparse.coo_array((weights, edges), shape=(n_nodes, n_nodes)).tocsr()
    conductance = conductance + conductance.T
    free, fixed = np.flatnonzero(seeds == 0), np.flatnonzero(seeds)
    names, column = np.unique(seeds[fixed], return_inverse=True)
    membership = sparse.csr_array((np.ones(len(fixed)), (np.arange(len(fixed)), column)))
    to_seeds = (conductance[free][:, fixed] @ membership).toarray()
    probability = solve_probabilities(conductance[free][:, free], to_seeds)
    result = seeds.copy()
    result[free] = names[np.argmax(probability >= probability.max(axis=1, keepdims=True) - TIE, axis=1)]
    return result


def solve_probabilities(conductance, to_seeds):
    """Probability that a random walk from each free node reaches each seed first.

    Parameters
    ----------
    conductance : (n, n) symmetric csr_array, between free nodes.
    to_seeds : (n, k) float64, from each free node to each of at least two seeds.

    Returns
    -------
    (n, k) float64, rows that sum to 1.

    Notes
    -----
    Conjugate gradients for all seeds but the last, side by side, until the preconditioned residual, which the error is
    a few times of, is below 1e-8 everywhere, a hundredth of what counts as equal (nilearn stops at a residual of 1e-3,
    before all labels have converged). Then a second round on what is left: in products with the Laplacian the large
    conductances inside a tightly bound group cancel and rounding hides the tiny ones that connect it to the rest.
    Differences between neighbours do not have that weakness.
    """
    ground = to_seeds.sum(axis=1)
    laplacian = make_laplacian(conductance, ground)
    precondition = make_preconditioner(conductance, ground)
    above = sparse.triu(conductance).tocoo()
    ends = np.tile(np.arange(above.nnz), 2), np.concatenate([above.row, above.col])
    across = sparse.csr_array((np.repeat([1.0, -1.0], above.nnz), ends), shape=(above.nnz, len(ground)))
    probability = np.zeros((len(ground), to_seeds.shape[1] - 1))
    for _ in range(ROUNDS):
        flow = above.data[:, None] * (across @ probability)
        residual = to_seeds[:, :-1] - across.T @ flow - ground[:, None] * probability
        correction = step = precondition(residual)
        energy = np.einsum("ij,ij->j", residual, correction)
        for _ in range(MOST_ITERATIONS):
            if np.abs(correction).max() < TOLERANCE:
                break
            image = laplacian @ step
            length = energy / np.maximum(np.einsum("ij,ij->j", step, image), SMALLEST)
            probability += length * step
            residual -= length * image
            correction = precondition(residual)
            before, energy = energy, np.einsum("ij,ij->j", residual, correction)
            step = correction + energy / np.maximum(before, SMALLEST) * step
    return np.column_stack([probability, 1 - probability.sum(axis=1)])


def make_laplacian(conductance, ground):
    """Laplacian of the free nodes, (n, n) csr_array, from their mutual conductances and those to the seeds, (n,)."""
    return (sparse.diags_array(conductance.sum(axis=1) + ground) - conductance).tocsr()


def factorise(laplacian):
    """The function that solves for a right-hand side, (n, k), by a sparse LU decomposition."""
    options = {"SymmetricMode": True}
    return splu(laplacian.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve


def make_preconditioner(conductance, ground):
    """A function that nearly solves the Laplacian, (n, k) to (n, k): a V-cycle of multigrid by aggregation.

    Every node joins its strongest neighbour, as in a step of Boruvka's algorithm for spanning trees, and each group is
    one node of the next, coarser system. Conductances span ten orders of magnitude: groups of voxels
    with large conductances inside and small ones to the rest cost conjugate gradients alone thousands of steps. The
    seeds are a neighbour too, whose probability is fixed: a group that joins them has no part in the coarser system,
    else nodes with a tiny conductance to a node beside a seed would get the probability of that node. Up to `DIRECT`
    nodes the solution is exact.
    """
    n_nodes = len(ground)
    laplacian = make_laplacian(conductance, ground)
    if not n_nodes:
        return np.copy
    if n_nodes <= DIRECT or not conductance.nnz:
        return factorise(laplacian)
    here, there = np.repeat(np.arange(n_nodes), np.diff(conductance.indptr)), conductance.indices
    # On a plateau all neighbours are equal: jitter keeps the chains of strongest neighbours, and so the groups, short.
    jitter = JITTER * (np.arange(n_nodes) * GOLDEN_RATIO % 1)
    strength = conductance.data * (1 + jitter[here] + jitter[there])
    to_ground = ground * (1 + jitter)
    strongest = to_ground.copy()
    np.maximum.at(strongest, here, strength)
    chosen = strength == strongest[here]
    links = sparse.coo_array((np.ones(chosen.sum(), np.int8), (here[chosen], there[chosen])), conductance.shape)
    n_groups, group = sparse.csgraph.connected_components(links, directed=False)
    free = np.ones(n_groups, dtype=bool)
    free[group[to_ground == strongest]] = False
    gather = sparse.csr_array((np.ones(n_nodes), (group, np.arange(n_nodes))), shape=(n_groups, n_nodes))[free]
    coarse = (gather @ conductance @ gather.T).tocsr()
    coarse.setdiag(0)
    coarse.eliminate_zeros()
    solve_coarse = make_preconditioner(coarse, gather @ (ground + conductance @ ~free[group]))
    scatter, damping = gather.T.tocsr(), DAMPING / laplacian.diagonal()[:, None]

    def precondition(residual):
        correction = damping * residual
        correction += scatter @ solve_coarse(gather @ (residual - laplacian @ correction))
        return correction + damping * (residual - laplacian @ correction)

    return precondition
