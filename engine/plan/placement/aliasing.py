"""Laying transients over each other: images that are never live in the same pass may share bytes.

The passes' order is the time axis. Largest first, each image goes to the lowest offset that no image live at
the same time covers, in the first allocation that does not have to grow for it (greedy by size, as in
Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aliasing:
    """An image's bytes and alignment, and the first and last pass in which its contents matter."""

    size: int
    alignment: int
    first: int
    last: int

    def meets(self, other: Aliasing) -> bool:
        """Whether both are live in one pass."""
        return self.first <= other.last and other.first <= self.last


def overlay(lives: Sequence[Aliasing]) -> list[tuple[int, list[tuple[int, int]]]]:
    """Allocations as (size, [(index in `lives`, offset), ...]); each index is in exactly one."""
    order = sorted(range(len(lives)), key=lambda i: (-lives[i].size, lives[i].first, lives[i].last, i))
    made: list[tuple[int, list[tuple[int, int]]]] = []
    for index in order:
        for size, members in made:
            offset = _lowest(lives, members, lives[index])
            if offset + lives[index].size <= size:
                members.append((index, offset))
                break
        else:
            made.append((lives[index].size, [(index, 0)]))
    return made


def _lowest(lives: Sequence[Aliasing], members: Sequence[tuple[int, int]], wanted: Aliasing) -> int:
    taken = sorted((at, at + lives[i].size) for i, at in members if lives[i].meets(wanted))
    offset = 0
    for start, end in taken:
        if offset + wanted.size <= start:
            break
        offset = max(offset, -(-end // wanted.alignment) * wanted.alignment)
    return offset
