"""Free ranges inside pages and blocks: best fit over size-sorted lists, with neighbours merged on release.

A good-fit allocator on plan data. Candidates are ordered by (size, space, offset), so what `take` answers
depends on which ranges are free and not on the history that made them free: plans stay pure functions.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Hashable

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s, contains

_LOOKS = 32  # misaligned candidates to try before asking for a range that fits at any alignment


class Holes:
    """Free ranges of many spaces; spaces of one pool serve the same requests."""

    def __init__(self) -> None:
        self._pools: dict[Hashable, list[tuple[int, int, int]]] = {}
        self._pool_of: dict[int, Hashable] = {}
        self._starts: dict[int, list[int]] = {}
        self._sizes: dict[int, dict[int, int]] = {}

    def add_space(self, space: int, pool: Hashable) -> None:
        """Make a space known, with nothing free in it yet."""
        self._pool_of[space] = pool
        self._starts[space] = []
        self._sizes[space] = {}
        self._pools.setdefault(pool, [])

    def drop_space(self, space: int) -> None:
        """Forget a space and what is free in it."""
        if space in self._pool_of:
            pool = self._pools[self._pool_of.pop(space)]
            for start, size in self._sizes.pop(space).items():
                pool.pop(bisect_left(pool, (size, space, start)))
            del self._starts[space]

    def knows(self, space: int) -> bool:
        """Whether ranges of this space are handed out here."""
        return space in self._pool_of

    def largest(self, pool: Hashable) -> int:
        """Size of the largest free range of a pool, 0 where there is none."""
        ranges = self._pools.get(pool)
        return ranges[-1][0] if ranges else 0

    def free_bytes(self, pool: Hashable) -> int:
        """Sum of the free ranges of a pool."""
        return sum(size for size, _, _ in self._pools.get(pool, ()))

    def take(
        self, pool: Hashable, size: int, alignment: int, allowed: Collection[int] | None = None
    ) -> tuple[int, int] | None:
        """(space, offset) of a range of `size` at `alignment`, taken out; None where nothing fits."""
        ranges = self._pools.get(pool, [])
        at, looks = bisect_left(ranges, (size, -1, -1)), 0
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
            looks += 1
            at = (
                at + 1
                if looks != _LOOKS
                else max(at + 1, bisect_left(ranges, (size + alignment - 1, -1, -1)))
            )
        return None

    def give(self, space: int, offset: int, size: int) -> None:
        """Free a range again and merge it with free neighbours; spaces not known here are left alone."""
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

    def fill(self, space: Int64s, offset: Int64s, size: Int64s) -> None:
        """Take over many free ranges at once, sorted by (space, offset), no two of them touching."""
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
        insort(self._pools[self._pool_of[space]], (size, space, start))

    def _remove(self, space: int, start: int) -> int:
        starts = self._starts[space]
        starts.pop(bisect_left(starts, start))
        size = self._sizes[space].pop(start)
        pool = self._pools[self._pool_of[space]]
        pool.pop(bisect_left(pool, (size, space, start)))
        return size


def gaps(
    space: Int64s, offset: Int64s, size: Int64s, spaces: Int64s, lengths: Int64s
) -> tuple[Int64s, Int64s, Int64s]:
    """What the used ranges leave free in `spaces` (sorted) of these `lengths`: (space, offset, size) columns.

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
