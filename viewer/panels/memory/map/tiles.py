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


_RESOURCE = 2
"""`source` of the begin of a resource: the ends of resources and begins of allocations come before it."""


@dataclass(frozen=True, eq=False)
class _Points:
    """Positions at which something begins or ends, ascending: its used bytes, its reserved bytes, a gap."""

    begin: Int64s
    used: Int64s
    reserved: Int64s
    place: NDArray[np.int32]
    resource: NDArray[np.int32]
    state: NDArray[np.uint8]
    source: NDArray[np.int8]


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
        aliased, points = self._points()
        first, last = points.begin, points.reserved
        after = np.append(first[1:], places.total)
        last = np.minimum(last, after)  # padding of a place may reach under the next one
        used = np.minimum(points.used, last)
        has_used, has_padding, has_gap = used > first, last > used, after > last
        counts = has_used.view(np.uint8) + has_padding.view(np.uint8) + has_gap.view(np.uint8)
        slot = np.cumsum(counts, dtype=np.int64)
        count = int(slot[-1]) if len(slot) else 0
        slot -= counts  # of the first tile of each point: used bytes, then padding, then the gap
        starts, states = np.full(count + 1, places.total, np.int64), np.zeros(count, np.uint8)
        keys, homes = np.full(count, NO_PLACE, np.int32), np.full(count, _NO_RESOURCE, np.int32)
        at = np.flatnonzero(has_used)
        into = slot[at]
        starts[into], states[into] = first[at], points.state[at]
        keys[into], homes[into] = points.place[at], points.resource[at]
        at = np.flatnonzero(has_padding)
        into = slot[at] + has_used[at]
        starts[into], states[into] = used[at], TileState.PADDING
        keys[into], homes[into] = points.place[at], points.resource[at]
        at = np.flatnonzero(has_gap)
        into = slot[at] + has_used[at] + has_padding[at]
        inside = np.where(points.source[at] >= _RESOURCE, points.resource[at], _NO_RESOURCE)
        follower = np.minimum(at + 1, len(first) - 1)
        is_before = (points.source[follower] == _RESOURCE) & (at + 1 < len(first))
        following = np.where(is_before, points.resource[follower], _NO_RESOURCE)
        starts[into], homes[into] = last[at], inside
        states[into] = self._gap_states((last[at], after[at]), inside, following)
        return Tiles(places, starts, states, keys, homes, aliased)

    def _points(self) -> tuple[AliasedRanges, _Points]:
        """Aliased ranges, and all begins and ends, sorted.

        At one position an end comes before the next allocation, that before a resource, and that before a
        place: the last one says what lies behind them.
        """
        places = self._places
        start, used, reserved = places.ranges
        is_shared = self._is_aliased[places.resource_of]
        shared, alone = np.flatnonzero(is_shared), np.flatnonzero(~is_shared)
        aliased = AliasedRanges.of(start[shared], reserved[shared], shared)
        low, high, home = aliased.cuts[:, 0], aliased.cuts[:, 1], places.resource_of[aliased.first]
        begins, ends, owner = self._resource_ranges()
        bases, mine = places.bases[:-1], np.arange(len(places), dtype=np.int32)[alone]
        counts = [len(ends), len(bases), len(begins), len(mine), len(low)]
        source = np.repeat(np.arange(len(counts), dtype=np.int8), counts)
        state = np.zeros(len(source), np.uint8)
        state[len(source) - len(low) :] = np.where(aliased.count > 1, TileState.ALIASED, TileState.USED)
        nothing = np.full(len(source) - len(mine) - len(low), -1, np.int32)
        nobody = np.full(len(bases), _NO_RESOURCE, np.int32)
        of_places = places.resource_of[alone]
        position = np.concatenate([ends, bases, begins, start[alone], low])
        # numpy merges parts that are sorted already; else its radix sort is faster.
        is_sorted = bool((start[1:] >= start[:-1]).all())
        order = np.argsort(position, kind="stable") if is_sorted else stable_argsort(position)
        place = np.concatenate([nothing, mine, aliased.first.astype(np.int32)])
        resource = np.concatenate([owner, nobody, owner, of_places, home]).astype(np.int32)
        return aliased, _Points(
            position[order],
            np.concatenate([ends, bases, begins, used[alone], high])[order],
            np.concatenate([ends, bases, begins, reserved[alone], high])[order],
            place[order],
            resource[order],
            state[order],
            source[order],
        )

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
