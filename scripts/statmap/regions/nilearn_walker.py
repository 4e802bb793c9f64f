"""The random walker as nilearn 0.14.1 runs it: one system for all components, conjugate gradients stopped early.

nilearn (BSD-3) took it from scikit-image: ``nilearn/_utils/segmentation.py``, ``random_walker`` and the functions it
calls. What they do is done here with the same calls of scipy in the same order and in the same precision, because the
iteration stops at a relative residual of 1e-3, long before the labels have converged: the same regions need the same
iterations. For the solution itself see `random_walker`.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import cg

BETA = 130.0
FLOOR = 1e-10
TOLERANCE = 1e-3


def scale_of(data: np.ndarray) -> np.floating:
    """Standard deviation that nilearn scales its edges by: of the whole volume, in the precision of the map.

    An image read from a file lies in memory with its first axis fastest, and a sum of float32 depends on the order.
    """
    return np.asfortranarray(data).std()


def label_like_nilearn(values: np.ndarray, markers: np.ndarray, scale: np.floating) -> np.ndarray:
    """Divide voxels between seeds with nilearn's system and nilearn's stopping rule.

    Parameters
    ----------
    values : (i, j, k) float array, the map in the precision of its file.
    markers : (i, j, k) int, -1 for a voxel that takes no part, 0 for one that is to be labelled, else the number of a
        seed, from 1. Every voxel that takes part has a face neighbour that does.
    scale : from `scale_of`.

    Returns
    -------
    (i, j, k) int : the number of a seed wherever `markers` is not negative, else -1.
    """
    edges, weights = _edges(values, markers >= 0, scale)
    laplacian = _laplacian(edges, weights)
    known = markers[markers >= 0]
    free, fixed = np.flatnonzero(known == 0), np.flatnonzero(known > 0)
    to_seeds = laplacian[free][:, fixed]
    system = laplacian[free][:, free].tocsc()
    probability = []
    for seed in range(1, int(known.max()) + 1):
        right = to_seeds * sparse.csr_matrix(known[fixed] == seed).transpose()
        probability.append(cg(system, -right.todense(), rtol=TOLERANCE, atol=0)[0])
    result = markers.copy()
    result[markers == 0] = np.argmax(np.array(probability), axis=0) + 1
    return result


def _edges(values, active, scale):
    """Pairs of face neighbours that take part, as node numbers in C order, and their weights; last axis first."""
    beta = BETA / (10 * scale)  # in the precision of the map, like the differences; the rest is float64
    node = np.cumsum(active.ravel()).reshape(active.shape) - 1
    edges, weights = [], []
    for axis in (2, 1, 0):
        here, there = (
            tuple(side if n == axis else slice(None) for n in range(3)) for side in (slice(None, -1), slice(1, None))
        )
        both = active[here] & active[there]
        steepness = np.abs(values[here] - values[there])[both].astype(np.float64) ** 2
        steepness *= beta
        weights.append(np.exp(-steepness) + FLOOR)
        edges.append(np.stack([node[here][both], node[there][both]]))
    return np.concatenate(edges, axis=1), np.concatenate(weights)


def _laplacian(edges, weights):
    n_nodes = edges.max() + 1
    diagonal = np.arange(n_nodes)
    rows, columns = np.hstack((edges[0], edges[1])), np.hstack((edges[1], edges[0]))
    data = np.hstack((-weights, -weights))
    apart = sparse.coo_matrix((data, (rows, columns)), shape=(n_nodes, n_nodes))
    degree = -np.ravel(apart.sum(axis=1))
    places = np.hstack((rows, diagonal)), np.hstack((columns, diagonal))
    return sparse.coo_matrix((np.hstack((data, degree)), places), shape=(n_nodes, n_nodes)).tocsr()
