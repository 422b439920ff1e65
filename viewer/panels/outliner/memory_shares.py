"""Memory by objects and branches: what is theirs alone, what they share, and both together.

Bytes are those of the plan, with the padding of pages. What a branch has alone is requested by no object
outside of it, and by no pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.terms.table import distinct
from engine.tableau import Tableau

Bytes = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MemoryShares:
    """Bytes of each object with all that is below it, by its row: `alone` and `total`."""

    alone: Bytes
    total: Bytes

    @property
    def shared(self) -> Bytes:
        """Bytes that others request, too."""
        return self.total - self.alone


def memory_shares(plan: Plan, owners: NDArray[np.int32], tableau: Tableau) -> MemoryShares:
    """Return the shares of objects in a plan; `owners` are the objects of its requesters, -1 for others'."""
    count = len(tableau.parent)
    requested = plan.requirements.requested.rows
    keys = plan.memory.subresources["key"]
    at = np.searchsorted(keys, requested["key"])
    at = np.minimum(at, max(0, len(keys) - 1))
    requester = requested["requester"]
    known = requester < len(owners)
    objects = (
        np.where(known, owners[np.minimum(requester, max(0, len(owners) - 1))], -1)
        if len(owners)
        else (np.full(len(requested), -1, np.int32))
    )
    planned = keys[at] == requested["key"] if len(keys) else np.zeros(len(requested), np.bool_)
    alive = (objects < 0) | (tableau.level[np.maximum(objects, 0)] >= 0) if count else objects < 0
    keep = planned & alive
    return shares(at[keep], objects[keep], plan.filled(), tableau.parent, tableau.level)


def shares(
    things: NDArray[np.integer],
    objects: NDArray[np.integer],
    sizes: Bytes,
    parent: NDArray[np.int32],
    level: NDArray[np.int32],
) -> MemoryShares:
    """Return the shares in things of these sizes, each requested by objects (-1: by something else).

    A thing counts once in each branch: bytes are added at each of its objects in order and taken off where
    the paths of two that follow each other meet; alone has it where all of its paths meet.
    """
    count = len(parent)
    alone, total = np.zeros(count), np.zeros(count)
    if not len(things) or not count:
        return MemoryShares(alone, total)
    place = preorder(parent, level)
    where = np.where(objects < 0, -1, place[np.maximum(objects, 0)])
    pairs = distinct(things.astype(np.int64) * (count + 1) + where + 1)
    thing, where = pairs // (count + 1), pairs % (count + 1) - 1
    row_at = np.full(count + 1, -1, np.int64)
    row_at[place[level >= 0]] = np.flatnonzero(level >= 0)
    row = np.where(where < 0, -1, row_at[where])
    size = sizes[thing]
    inside = row >= 0
    np.add.at(total, row[inside], size[inside])
    follows = thing[1:] == thing[:-1]
    first, second = row[:-1][follows], row[1:][follows]
    meet = meeting(first, second, parent, level)
    off = meet >= 0
    np.subtract.at(total, meet[off], size[1:][follows][off])
    starts = np.flatnonzero(np.concatenate(([True], ~follows)))
    ends = np.concatenate((starts[1:], [len(thing)])) - 1
    top = meeting(row[starts], row[ends], parent, level)
    theirs = top >= 0
    np.add.at(alone, top[theirs], size[starts][theirs])
    for depth in range(int(level.max(initial=0)), 0, -1):
        here = np.flatnonzero(level == depth)
        np.add.at(alone, parent[here], alone[here])
        np.add.at(total, parent[here], total[here])
    return MemoryShares(alone, total)


def preorder(parent: NDArray[np.int32], level: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the place of each object in an order in which each branch follows without a gap; -1 for none."""
    size = (level >= 0).astype(np.int64)
    levels = [np.flatnonzero(level == depth) for depth in range(int(level.max(initial=-1)) + 1)]
    for rows in reversed(levels[1:]):
        np.add.at(size, parent[rows], size[rows])
    place = np.full(len(parent), -1, np.int64)
    for depth, rows in enumerate(levels):
        rows = rows[np.argsort(parent[rows], kind="stable")]
        before = np.cumsum(size[rows]) - size[rows]
        if depth == 0:
            place[rows] = before
            continue
        above = parent[rows]
        starts = np.concatenate(([True], above[1:] != above[:-1]))
        base = before[starts][np.cumsum(starts) - 1]
        place[rows] = place[above] + 1 + before - base
    return place


def meeting(
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    parent: NDArray[np.int32],
    level: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Return the nearest object above both, or one of them that is; -1 where there is none."""
    one, other = first.astype(np.int64), second.astype(np.int64)
    apart = np.flatnonzero((one != other) & (one >= 0) & (other >= 0))
    one[(first < 0) | (second < 0)] = -1
    while len(apart):
        a, b = one[apart], other[apart]
        deeper, shallower = level[a] >= level[b], level[b] >= level[a]
        one[apart] = np.where(deeper, parent[a], a)
        other[apart] = np.where(shallower, parent[b], b)
        apart = apart[one[apart] != other[apart]]
    return one
