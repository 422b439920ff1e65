"""Memory aliasing: images that are never live in the same pass may share bytes.

Lifetimes are ranges of passes. Largest first, each image is placed at the lowest offset that is free during
its lifetime, in the first allocation that is large enough (greedy by size, as in Pisarchyk and Lee,
"Efficient Memory Management for Deep Neural Net Inference", 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AliasCandidate:
    """An image's size and alignment in bytes, and the first and last pass of its lifetime."""

    size: int
    alignment: int
    first: int
    last: int

    def is_live_with(self, other: AliasCandidate) -> bool:
        """Whether there is a pass in which both are live."""
        return self.first <= other.last and other.first <= self.last


def place_aliases(candidates: Sequence[AliasCandidate]) -> list[tuple[int, list[tuple[int, int]]]]:
    """Allocations as (size, [(index in `candidates`, offset), ...]); each index is in exactly one."""
    order = sorted(
        range(len(candidates)),
        key=lambda i: (-candidates[i].size, candidates[i].first, candidates[i].last, i),
    )
    made: list[tuple[int, list[tuple[int, int]]]] = []
    for index in order:
        for size, members in made:
            offset = _lowest_offset(candidates, members, candidates[index])
            if offset + candidates[index].size <= size:
                members.append((index, offset))
                break
        else:
            made.append((candidates[index].size, [(index, 0)]))
    return made


def _lowest_offset(
    candidates: Sequence[AliasCandidate], members: Sequence[tuple[int, int]], candidate: AliasCandidate
) -> int:
    taken = sorted(
        (at, at + candidates[i].size) for i, at in members if candidates[i].is_live_with(candidate)
    )
    offset = 0
    for start, end in taken:
        if offset + candidate.size <= start:
            break
        offset = max(offset, -(-end // candidate.alignment) * candidate.alignment)
    return offset
