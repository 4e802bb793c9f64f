"""The size of every cluster at every cutoff, as step functions read off the component tree.

A branch is the life of one peak of the tree, from its birth down to where it joins a stronger one (`Tree.death`). On
the way it gains voxels one by one, and whole branches that die into it. Both are events at a level; between two events
the cluster does not change. All branches together have one event a voxel and one a peak, so the step functions of all
clusters take one sort of the map's voxels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..stability.tree import Tree


@dataclass(frozen=True)
class Curves:
    """Events of all branches of a tree; made by `cluster_curves`.

    Attributes
    ----------
    tree : Tree.
    start : (p + 1,) int, the events of branch b are ``start[b]:start[b + 1]``.
    level : (e,) float64, falling within a branch: where something joins it.
    below : (e,) float64, the level of the branch's next event, or its death: the event's cluster stands for cutoffs c
        with ``below < c <= level`` (nothing where the two are equal).
    branch : (e,) int, whose event it is.
    n_voxels : (e,) int, voxels of the cluster from this event on.
    """

    tree: Tree
    start: np.ndarray
    level: np.ndarray
    below: np.ndarray
    branch: np.ndarray
    n_voxels: np.ndarray
    _order: np.ndarray
    _main: np.ndarray
    _ranks: list[np.ndarray]

    def accumulate(self, weights: np.ndarray) -> np.ndarray:
        """Sum of a weight over the cluster of each event.

        Parameters
        ----------
        weights : (n,) array, of each voxel in the order of ``tree.voxels``.

        Returns
        -------
        (e,) array.
        """
        totals = np.bincount(self._main, weights, len(self.tree.birth)).astype(weights.dtype)
        for children in self._ranks:  # the most deeply nested first
            np.add.at(totals, self.tree.parent[children], totals[children])
        sums = np.cumsum(np.concatenate([weights, totals[self.tree.parent >= 0]])[self._order])
        before = np.concatenate([[0], sums])[self.start[:-1]]
        return sums - np.repeat(before, np.diff(self.start))

    @cached_property
    def means(self) -> np.ndarray:
        """Mean value of the cluster of each event, (e,) float64."""
        return self.accumulate(self.tree.values) / self.n_voxels

    def events_at(self, branch: int, cutoffs: np.ndarray) -> np.ndarray:
        """Rows of the events that hold for cutoffs within the life of a branch."""
        first, last = self.start[branch], self.start[branch + 1]
        return first + np.searchsorted(-self.level[first:last], -np.asarray(cutoffs), side="right") - 1

    def sizes(self, branch: int, cutoffs: np.ndarray) -> np.ndarray:
        """Voxels of the cluster that holds a peak, at cutoffs of any height: (m,) int, 0 above the peak."""
        cutoffs = np.asarray(cutoffs, dtype=np.float64)
        sizes = np.zeros(len(cutoffs), dtype=np.int64)
        for holder, low, high in self.chain(branch):
            inside = (cutoffs > low) & (cutoffs <= high)
            if inside.any():
                sizes[inside] = self.n_voxels[self.events_at(holder, cutoffs[inside])]
        return sizes

    def chain(self, branch: int) -> list[tuple[int, float, float]]:
        """The branches that hold a peak as the cutoff falls: (branch, low, high), it holds it for low < c <= high."""
        links, high = [], float(self.tree.birth[branch])
        while branch >= 0:
            low = float(max(self.tree.death[branch], 0))
            if low < high:
                links.append((branch, low, high))
            branch, high = int(self.tree.parent[branch]), low
        return links


def cluster_curves(tree: Tree) -> Curves:
    """The step functions of a component tree; its floor should be 0, or no cutoff below it is known."""
    main = tree.basin
    while (joined := tree.death[main] >= tree.values).any():  # the branch that a voxel joins at its own value
        main = np.where(joined, tree.parent[main], main)
    children = np.flatnonzero(tree.parent >= 0)
    branch = np.concatenate([main, tree.parent[children]])
    level = np.concatenate([tree.values, tree.death[children]])
    order = np.lexsort((-level, branch))
    branch, level = branch[order], level[order]
    start = np.searchsorted(branch, np.arange(len(tree.birth) + 1))
    last = np.diff(branch, append=-1) != 0
    below = np.maximum(np.where(last, tree.death[branch], np.append(level[1:], 0)), 0)
    blank = Curves(tree, start, level, below, branch, level[:0], order, main, _by_depth(tree.parent, children))
    n_voxels = blank.accumulate(np.ones(len(tree.values), dtype=np.int64))
    return Curves(tree, start, level, below, branch, n_voxels, order, main, blank._ranks)


def _by_depth(parent, children):
    """Branches that join another, those nested most deeply first, a list of one array a depth."""
    depth = np.zeros(len(parent), dtype=np.int64)
    upward = parent.copy()
    while (upward >= 0).any():
        depth += upward >= 0
        upward = np.where(upward >= 0, parent[upward], -1)
    return [children[depth[children] == rank] for rank in range(int(depth.max(initial=0)), 0, -1)]
