"""Flattens trees in numpy columns into the visible rows of a table.

A tree of n nodes is a `parent` column (-1 for roots) and a `rank` column that orders siblings. The work is a
few array operations per level, never per node in Python, and rows are built again only when the tree or the
expanded nodes have changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TreeRows:
    """The visible rows of a tree, top to bottom: node index and depth per row, children per node."""

    nodes: Indices
    depths: Indices
    child_counts: Indices


def levels_of(parent: Indices) -> Indices:
    """Return each node's depth below its root; raises ValueError on a cycle."""
    level = np.zeros(parent.size, np.int32)
    current = parent.copy()
    for _ in range(parent.size + 1):
        inside = current >= 0
        if not inside.any():
            return level
        level[inside] += 1
        current[inside] = parent[current[inside]]
    raise ValueError("the parent column holds a cycle")


def flatten(parent: Indices, rank: NDArray[np.integer], is_open: NDArray[np.bool_]) -> TreeRows:
    """Return the nodes whose ancestors are all expanded, in pre-order, siblings by ascending rank.

    `parent` is int32[n] with -1 for a root, `rank` int[n] orders siblings (equal ranks keep the order of
    their indices), `is_open` bool[n] is true for expanded nodes.
    """
    count = parent.size
    level = levels_of(parent)
    child_counts = np.bincount(parent[parent >= 0], minlength=count).astype(np.int32)
    order = np.lexsort((np.arange(count), rank, parent, level))
    bounds = np.searchsorted(level[order], np.arange(int(level.max(initial=-1)) + 2))

    size = np.ones(count, np.int64)  # visible rows of each subtree, the node itself included
    for depth in range(len(bounds) - 2, 0, -1):
        nodes = order[bounds[depth] : bounds[depth + 1]]
        above = parent[nodes]
        shown = is_open[above]
        np.add.at(size, above[shown], size[nodes[shown]])

    place = np.full(count, -1, np.int64)  # row of each visible node
    total = 0
    for depth in range(len(bounds) - 1):
        nodes = order[bounds[depth] : bounds[depth + 1]]
        if depth == 0:
            sizes = size[nodes]
            place[nodes] = np.cumsum(sizes) - sizes
            total = int(sizes.sum())
            continue
        above = parent[nodes]
        keep = (place[above] >= 0) & is_open[above]
        nodes, above = nodes[keep], above[keep]
        if nodes.size == 0:
            break
        sizes = size[nodes]
        before = np.cumsum(sizes) - sizes
        first = np.r_[True, above[1:] != above[:-1]]
        start = np.repeat(before[first], np.diff(np.r_[np.flatnonzero(first), nodes.size]))
        place[nodes] = place[above] + 1 + before - start

    visible = np.flatnonzero(place >= 0)
    rows = np.empty(total, np.int32)
    rows[place[visible]] = visible
    return TreeRows(rows, level[rows], child_counts)
