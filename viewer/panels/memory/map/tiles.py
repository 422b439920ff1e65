"""Memory as tiles: every byte of every allocation belongs to exactly one, and each says what the byte is.

All bytes form one line (`Places.bases`) and tiles are its cuts, so any range is found by a binary search.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import Sharing
from engine.plan.model.waiting import WaitingPage
from engine.plan.terms.table import Int64s, stable_argsort
from viewer.panels.memory.map.aliasing import AliasedRanges, clusters
from viewer.panels.memory.map.places import NO_PLACE, Places

_NO_RESOURCE = -1


class TileState(IntEnum):
    """What the bytes of a tile are.

    ALIASED bytes belong to several resources that are never live at once. PADDING is lost to alignment, or
    to what the driver rounds up. FREE bytes lie between the resources of a block, FREE_IN_PAGE between the
    assets of a page; those of a page that is about to be returned are WAITING. LEAVING allocations are in no
    plan and not yet freed.
    """

    USED = 0
    ALIASED = 1
    PADDING = 2
    FREE = 3
    FREE_IN_PAGE = 4
    WAITING = 5
    LEAVING = 6


STATE_NAMES = {
    TileState.USED: "used",
    TileState.ALIASED: "aliased",
    TileState.PADDING: "waste (alignment)",
    TileState.FREE: "free",
    TileState.FREE_IN_PAGE: "free in a page",
    TileState.WAITING: "waits to be returned",
    TileState.LEAVING: "is being freed",
}


@dataclass(frozen=True, eq=False)
class Tiles:
    """The tiles of some places: tile i covers `starts[i]` to `starts[i + 1]` of the line of all bytes.

    `place` is the row of its subresource or NO_PLACE, `resource` the row of its resource or -1.
    """

    places: Places
    starts: Int64s
    states: NDArray[np.uint8]
    place: NDArray[np.int32]
    resource: NDArray[np.int32]
    aliased: AliasedRanges

    @staticmethod
    def of(places: Places, waiting: tuple[WaitingPage, ...] = ()) -> Tiles:
        """Divide all bytes; `waiting` are the plan's pages that wait to be returned."""
        return _Builder(places, waiting).tiles()

    def __len__(self) -> int:
        return len(self.states)

    @property
    def sizes(self) -> Int64s:
        """Bytes of each tile."""
        return np.diff(self.starts)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns."""
        columns = (self.starts, self.states, self.place, self.resource)
        return sum(column.nbytes for column in columns)

    def find(self, position: int) -> int | None:
        """The tile at a position on the line of all bytes; None outside of it."""
        if not 0 <= position < self.places.total:
            return None
        return int(np.searchsorted(self.starts, position, side="right")) - 1

    def owners(self, tile: int) -> NDArray[np.int64]:
        """The places that a tile belongs to: several of an aliased one, none of a free one."""
        if self.states[tile] == TileState.ALIASED:
            return self.aliased.at(int(self.starts[tile]))
        place = int(self.place[tile])
        return np.array([] if place == NO_PLACE else [place], np.int64)

    @cached_property
    def state_bytes(self) -> Int64s:
        """Bytes in each TileState."""
        sums = np.bincount(self.states, self.sizes, len(TileState))
        return sums.astype(np.int64)


class _Builder:
    """Cuts the line: begins and ends of resources and places are sorted once, and gaps lie between them."""

    def __init__(self, places: Places, waiting: tuple[WaitingPage, ...]) -> None:
        self._places = places
        resources = places.resources
        self._waits = np.isin(resources["id"], [page.resource for page in waiting])
        self._own = resources["sharing"] == Sharing.OWN
        self._is_aliased = resources["aliased"]

    def tiles(self) -> Tiles:
        places = self._places
        start, used, reserved = places.ranges
        alone = np.flatnonzero(~self._is_aliased[places.resource_of])
        shared = np.flatnonzero(self._is_aliased[places.resource_of])
        aliased = AliasedRanges.of(start[shared], reserved[shared], shared)
        cuts, home = aliased.cuts, places.resource_of[aliased.first]
        begins, ends, owner = self._resource_ranges()
        columns = [
            (ends, ends, ends, NO_PLACE, owner, TileState.FREE),
            (*(places.bases[:-1],) * 3, NO_PLACE, _NO_RESOURCE, TileState.FREE),
            (begins, begins, begins, NO_PLACE, owner, TileState.FREE_IN_PAGE),
            (start[alone], used[alone], reserved[alone], alone, places.resource_of[alone], TileState.USED),
            (cuts[:, 0], cuts[:, 1], cuts[:, 1], aliased.first, home, TileState.ALIASED),
        ]
        counts = [len(column[0]) for column in columns]
        source = np.repeat(np.arange(len(columns)), counts)
        firsts, useds, lasts, place, resource = (
            np.concatenate([np.broadcast_to(np.asarray(c[n], np.int64), len(c[0])) for c in columns])
            for n in range(5)
        )
        state = np.where(source == 3, TileState.USED, TileState.ALIASED)
        single = np.zeros(len(source), bool)
        single[len(source) - len(cuts) :] = aliased.count == 1
        state[single] = TileState.USED
        # Stable: at one position an end comes before the next allocation, resource and place.
        order = stable_argsort(firsts)
        firsts, useds, lasts, place, resource, state, source = (
            column[order] for column in (firsts, useds, lasts, place, resource, state, source)
        )
        after = np.append(firsts[1:], places.total)
        lasts = np.minimum(lasts, after)  # padding of a place may reach under the next one
        useds = np.minimum(useds, lasts)
        state = state.astype(np.uint8)
        sizes = (useds - firsts, lasts - useds, after - lasts)
        used_at, padded_at, gap_at = (np.flatnonzero(size) for size in sizes)
        has = np.stack([size > 0 for size in sizes], axis=1)
        slot = np.cumsum(has).reshape(has.shape) - 1
        count = len(used_at) + len(padded_at) + len(gap_at)
        starts, states = np.full(count + 1, places.total, np.int64), np.zeros(count, np.uint8)
        keys, homes = np.full(count, NO_PLACE, np.int32), np.full(count, _NO_RESOURCE, np.int32)
        for column, (at, begin) in enumerate(((used_at, firsts), (padded_at, useds), (gap_at, lasts))):
            into = slot[at, column]
            starts[into] = begin[at]
            homes[into] = resource[at]
            if column < 2:
                keys[into] = place[at]
                states[into] = state[at] if column == 0 else TileState.PADDING
        into, is_inside = slot[gap_at, 2], source[gap_at] >= 2
        follower = np.minimum(gap_at + 1, len(source) - 1)
        following = np.where((source == 2)[follower] & (gap_at + 1 < len(source)), resource[follower], -1)
        gaps = (lasts[gap_at], after[gap_at])
        states[into] = self._gap_states(gaps, np.where(is_inside, resource[gap_at], -1), following)
        homes[into[~is_inside]] = _NO_RESOURCE
        return Tiles(places, starts, states, keys, homes, aliased)

    def _resource_ranges(self) -> tuple[Int64s, Int64s, NDArray[np.int64]]:
        """Disjoint (begins, ends, resource rows); overlapping resources are one range, the first's."""
        places = self._places
        start = places.resource_start
        end = start + places.resources["size"]
        alone, shared = np.flatnonzero(~self._is_aliased), np.flatnonzero(self._is_aliased)
        first, low, high = clusters(start[shared], end[shared])
        begins = np.concatenate([start[alone], low])
        return begins, np.concatenate([end[alone], high]), np.concatenate([alone, shared[first]])

    def _gap_states(
        self, gaps: tuple[Int64s, Int64s], resource: NDArray[np.int64], following: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """What the bytes of gaps (begins, ends) are: inside of a resource, or -1, and before one, or -1."""
        places, resources, (start, end) = self._places, self._places.resources, gaps
        row = np.searchsorted(places.bases, start, side="right") - 1
        outside = np.where(places.allocations["own"][row], TileState.PADDING, TileState.FREE)
        outside[places.extra[row]] = TileState.LEAVING
        if not len(resources):
            return outside
        outside[(following >= 0) & (end - start < resources["alignment"][following])] = TileState.PADDING
        size = resources["bytes"][resource]  # of a buffer; what lies behind was added by the driver
        is_tail = (size > 0) & (start >= places.resource_start[resource] + size)
        inside = np.where(self._own[resource] | is_tail, TileState.PADDING, TileState.FREE_IN_PAGE)
        inside[self._waits[resource]] = TileState.WAITING
        return np.where(resource >= 0, inside, outside)
