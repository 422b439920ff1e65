"""Resources that share bytes, because they are never live at the same time, as disjoint ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.terms.table import Int64s


@dataclass(frozen=True, eq=False)
class AliasedRanges:
    """The ranges of places that may overlap, and what they divide their bytes into.

    `starts`, `ends` and `places` are the ranges as they are, on the line of all bytes. `cuts` (int64[n, 2])
    are the disjoint pieces that at least one covers, ascending; `first` names the first place that covers
    each, `count` how many do.
    """

    starts: Int64s
    ends: Int64s
    places: NDArray[np.int64]
    cuts: Int64s
    first: NDArray[np.int64]
    count: NDArray[np.int64]

    @staticmethod
    def of(starts: Int64s, ends: Int64s, places: NDArray[np.int64]) -> AliasedRanges:
        """Divide these ranges; the work grows with their number, which is that of aliased transients."""
        points = np.unique(np.concatenate([starts, ends]))
        low, high = points[:-1], points[1:]
        count = np.searchsorted(np.sort(starts), low, side="right")
        count -= np.searchsorted(np.sort(ends), low, side="right")
        first = np.full(len(low), -1, np.int64)
        for start, end, place in zip(starts[::-1], ends[::-1], places[::-1], strict=True):
            first[np.searchsorted(low, start) : np.searchsorted(low, end)] = place
        covered = count > 0
        cuts = np.stack([low, high], axis=1)[covered] if len(low) else np.zeros((0, 2), np.int64)
        return AliasedRanges(starts, ends, places, cuts, first[covered], count[covered])

    def at(self, position: int) -> NDArray[np.int64]:
        """All places that cover a position, in the order in which they were given."""
        return self.places[(self.starts <= position) & (position < self.ends)]


def clusters(starts: Int64s, ends: Int64s) -> tuple[NDArray[np.int64], Int64s, Int64s]:
    """Group overlapping ranges: (index of the first range of each group, begin and end of the groups)."""
    order = np.argsort(starts, kind="stable")
    reach = np.maximum.accumulate(ends[order]) if len(order) else ends
    opens = np.ones(len(order), bool)
    opens[1:] = starts[order][1:] >= reach[:-1]
    at = np.flatnonzero(opens)
    closes = np.append(at[1:], len(order)) - 1 if len(at) else at
    return order[at], starts[order][at], reach[closes]
