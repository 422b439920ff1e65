"""Memory by objects and branches: what is theirs alone, what they share, and both together.

Bytes are those of the plan, with the padding of pages. What a branch has alone is requested by no object
outside of it, and by no pass.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.terms.table import begins_run, contains, distinct
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
    requested, requesters = plan.requirements.requested.rows, plan.requirements.requesters
    keys = plan.memory.subresources["key"]
    at = np.searchsorted(keys, requested["key"])
    at = np.minimum(at, max(0, len(keys) - 1))
    planned = keys[at] == requested["key"] if len(keys) else np.zeros(len(requested), np.bool_)
    at, ids = at[planned], requested["requester"][planned].astype(np.int64)
    of = np.full(len(requesters), -1, np.int32)
    of[: len(owners)] = owners[: len(of)]
    is_alive = tableau.level >= 0
    sizes = plan.filled()
    crowded = distinct(at[requesters.columns.group[ids]])
    of_crowd = contains(crowded, at)
    found = crowd_shares(
        _crowds(requesters, at[of_crowd], ids[of_crowd], of, sizes, is_alive), tableau.parent, tableau.level
    )
    at, objects = at[~of_crowd], of[ids[~of_crowd]]
    keep = (objects < 0) | is_alive[objects] if len(is_alive) else objects < 0
    rest = shares(at[keep], objects[keep], sizes, tableau.parent, tableau.level)
    return MemoryShares(found.alone + rest.alone, found.total + rest.total)


def _crowds(
    requesters: RequesterTable,
    things: NDArray[np.integer],
    ids: NDArray[np.int64],
    owners: NDArray[np.int32],
    sizes: Bytes,
    is_alive: NDArray[np.bool_],
) -> list[tuple[NDArray[np.int64], float]]:
    """Return (objects, bytes) of things that groups request; those of the same requesters together."""
    order = np.lexsort((ids, things))
    things, ids = things[order], ids[order]
    starts = begins_run(things).nonzero()[0]
    bytes_of: dict[bytes, float] = {}
    for start, end in itertools.pairwise([*starts.tolist(), len(things)]):
        same = distinct(ids[start:end]).tobytes()
        bytes_of[same] = bytes_of.get(same, 0.0) + float(sizes[things[start]])
    found = []
    for same, size in bytes_of.items():
        mine = np.frombuffer(same, np.int64)
        groups = [requesters.group(ident) for ident in mine[requesters.columns.group[mine]].tolist()]
        members = [group.objects if group is not None else np.full(1, -1) for group in groups]
        objects = distinct(np.concatenate((owners[mine[~requesters.columns.group[mine]]], *members)))
        found.append((objects[(objects < 0) | is_alive[objects]].astype(np.int64), size))
    return found


def crowd_shares(
    crowds: Sequence[tuple[NDArray[np.int64], float]],
    parent: NDArray[np.int32],
    level: NDArray[np.int32],
) -> MemoryShares:
    """Return the shares in bytes that each crowd of distinct objects requests (-1: and something else).

    The members in each branch are counted, so that the cost is that of a few columns for each crowd.
    """
    count = len(parent)
    alone, total = np.zeros(count), np.zeros(count)
    depths = range(int(level.max(initial=0)), 0, -1) if crowds else ()
    rows = [np.flatnonzero(level == depth) for depth in depths]
    for objects, size in crowds:
        there = np.zeros(count, np.int64)
        there[objects[objects >= 0]] = 1
        for here in rows:
            there += np.bincount(parent[here], there[here], count).astype(np.int64)
        total[there > 0] += size
        alone[(there > 0) & (there == len(objects))] += size
    return MemoryShares(alone, total)


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
