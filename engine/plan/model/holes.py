"""Free ranges inside pages and blocks: best fit over size-sorted lists, with neighbours merged on release.

Candidates are ordered by (size, space, offset), so the result of `take` depends only on the free ranges, not
on their history: plans stay pure functions.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Hashable

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s, contains

_MAX_MISALIGNED = 32  # candidates to try before searching for a range that fits at any alignment


class Holes:
    """Free ranges of many spaces (pages or blocks); a request is served by any space of its pool."""

    def __init__(self) -> None:
        self._pools: dict[Hashable, list[tuple[int, int, int]]] = {}
        self._pool_of: dict[int, Hashable] = {}
        self._starts: dict[int, list[int]] = {}
        self._sizes: dict[int, dict[int, int]] = {}
        self._closed: set[int] = set()

    def add_space(self, space: int, pool: Hashable) -> None:
        """Add a space that has no free range yet."""
        self._pool_of[space] = pool
        self._starts[space] = []
        self._sizes[space] = {}
        self._pools.setdefault(pool, [])

    def drop_space(self, space: int) -> None:
        """Remove a space and its free ranges; an unknown space is ignored."""
        if space in self._pool_of:
            pool, sizes = self._pools[self._pool_of.pop(space)], self._sizes.pop(space)
            for start, size in sizes.items() if space not in self._closed else ():
                pool.pop(bisect_left(pool, (size, space, start)))
            del self._starts[space]
            self._closed.discard(space)

    def close(self, space: int) -> None:
        """Serve no request from this space until it is opened again."""
        pool = self._pools[self._pool_of[space]]
        pool[:] = [entry for entry in pool if entry[1] != space]
        self._closed.add(space)

    def open(self, space: int) -> None:
        """Serve requests from a closed space again; any other space is ignored."""
        if space in self._closed:
            self._closed.remove(space)
            sizes = self._sizes[space]
            start, free = (np.fromiter(each, np.int64, len(sizes)) for each in (sizes, sizes.values()))
            order = np.lexsort((start, free))
            fresh = zip(free[order].tolist(), [space] * len(order), start[order].tolist(), strict=True)
            pool = self._pools[self._pool_of[space]]
            pool[:] = sorted([*pool, *fresh])  # two sorted runs, which are merged

    def has_space(self, space: int) -> bool:
        """Whether this space was added and not dropped."""
        return space in self._pool_of

    def largest(self, pool: Hashable) -> int:
        """Size of the largest free range of a pool, 0 if there is none."""
        ranges = self._pools.get(pool)
        return ranges[-1][0] if ranges else 0

    def free_bytes(self, pool: Hashable) -> int:
        """Sum of the free ranges of a pool."""
        return sum(size for size, _, _ in self._pools.get(pool, ()))

    def take(
        self, pool: Hashable, size: int, alignment: int, allowed: Collection[int] | None = None
    ) -> tuple[int, int] | None:
        """Take a range of `size` at `alignment` from the pool: (space, offset), or None if none fits.

        `allowed` limits the spaces.
        """
        ranges = self._pools.get(pool, [])
        at, tried = bisect_left(ranges, (size, -1, -1)), 0
        while at < len(ranges):
            free, space, start = ranges[at]
            offset = -(-start // alignment) * alignment
            if offset + size <= start + free and (allowed is None or space in allowed):
                self._remove(space, start)
                if offset > start:
                    self._insert(space, start, offset - start)
                if start + free > offset + size:
                    self._insert(space, offset + size, start + free - offset - size)
                return space, offset
            at, tried = at + 1, tried + 1
            if tried == _MAX_MISALIGNED:
                at = max(at, bisect_left(ranges, (size + alignment - 1, -1, -1)))
        return None

    def give(self, space: int, offset: int, size: int) -> None:
        """Free a range and merge it with its free neighbours; ranges of unknown spaces are ignored."""
        if size <= 0 or space not in self._pool_of:
            return
        starts, sizes = self._starts[space], self._sizes[space]
        at = bisect_left(starts, offset)
        if at < len(starts) and starts[at] == offset + size:
            size += self._remove(space, starts[at])
        if at > 0 and starts[at - 1] + sizes[starts[at - 1]] == offset:
            offset = starts[at - 1]
            size += self._remove(space, offset)
        self._insert(space, offset, size)

    def add_ranges(self, space: Int64s, offset: Int64s, size: Int64s) -> None:
        """Add many free ranges at once: sorted by (space, offset), no two of them adjacent."""
        fresh: dict[Hashable, list[tuple[int, int, int]]] = {}
        for each, start, free in zip(space.tolist(), offset.tolist(), size.tolist(), strict=True):
            if each in self._pool_of:
                self._starts[each].append(start)
                self._sizes[each][start] = free
                fresh.setdefault(self._pool_of[each], []).append((free, each, start))
        for pool, ranges in fresh.items():
            self._pools[pool] = sorted(self._pools[pool] + ranges)

    def _insert(self, space: int, start: int, size: int) -> None:
        insort(self._starts[space], start)
        self._sizes[space][start] = size
        if space not in self._closed:
            insort(self._pools[self._pool_of[space]], (size, space, start))

    def _remove(self, space: int, start: int) -> int:
        starts = self._starts[space]
        starts.pop(bisect_left(starts, start))
        size = self._sizes[space].pop(start)
        if space not in self._closed:
            pool = self._pools[self._pool_of[space]]
            pool.pop(bisect_left(pool, (size, space, start)))
        return size


def gaps(
    space: Int64s, offset: Int64s, size: Int64s, spaces: Int64s, lengths: Int64s
) -> tuple[Int64s, Int64s, Int64s]:
    """The free ranges between used ranges in `spaces` (sorted) of these `lengths`: (space, offset, size).

    Used ranges may overlap (aliases) and come in any order; those in other spaces are ignored.
    """
    known = contains(spaces, space)
    space = np.concatenate([space[known], spaces, spaces])
    start = np.concatenate([offset[known], np.zeros(len(spaces), np.int64), lengths])
    end = np.concatenate([offset[known] + size[known], np.zeros(len(spaces), np.int64), lengths])
    base = (np.cumsum(lengths + 1) - lengths - 1)[np.searchsorted(spaces, space)]
    order = np.argsort(start + base)
    space, base = space[order], base[order]
    start = start[order] + base
    reach = np.maximum.accumulate(end[order] + base)
    free = start[1:] - reach[:-1]
    found: NDArray[np.bool_] = (free > 0) & (space[1:] == space[:-1])
    return space[1:][found], (reach[:-1] - base[1:])[found], free[found]
