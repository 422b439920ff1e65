"""The requests for each key, each distinct request once, and their requesters, with history.

A hundred thousand objects that share an asset make the same request. So a request is stored once with a
count of its requesters, and the need of a key changes only when a request gets its first requester or loses
its last.
Entries (a request and one of its requesters) are only appended; a removed entry records the version of its
removal, so that an earlier plan still finds the requesters that it was made for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.plan.terms.row_index import SCAN_LIMIT, RowIndex
from engine.plan.terms.table import Int64s, Rows, distinct, stack

REQUEST = np.dtype(
    [
        ("key", np.int64),
        ("size", np.int64),
        ("content", np.int64),
        ("terms", np.int32),
        ("priority", np.int32),
    ]
)
ROW = np.dtype([*REQUEST.descr, ("requester", np.int32)])
PRESENT = np.iinfo(np.int32).max
"""`removed_in` of an entry that has not been removed."""


class GrowingArray:
    """An append-only array whose capacity doubles."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._storage: NDArray[Any] = np.zeros(64, dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> NDArray[Any]:
        """All rows; a view that is valid until more are added."""
        return self._storage[: self._count]

    def add(self, rows: NDArray[Any]) -> None:
        """Append rows."""
        start, self._count = self._count, self._count + len(rows)
        if self._count > len(self._storage):
            storage = np.zeros(max(self._count, 2 * len(self._storage)), self._storage.dtype)
            storage[:start] = self._storage[:start]
            self._storage = storage
        self._storage[start : self._count] = rows


class RequestTable:
    """Distinct requests with the number of their present requesters, and the entries, as three columns.

    An entry is (request, requester, removed_in): `removed_in` is the version of its removal, or PRESENT.
    """

    def __init__(self) -> None:
        self.requests = GrowingArray(REQUEST)
        self.counts = GrowingArray(np.int32)
        self.request = GrowingArray(np.int32)
        self.requester = GrowingArray(np.int32)
        self.removed_in = GrowingArray(np.int32)
        self._by_key = RowIndex(np.int64)
        self._by_requester = RowIndex(np.int32)
        self._by_request = RowIndex(np.int32)
        self._terms: set[int] = set()
        self._removed = 0
        self.numbering: object = object()
        """What the numbers of requests belong to: the same object in tables that number them alike."""

    def intern(self, requests: Rows) -> Int64s:
        """Numbers of these requests (dtype REQUEST, all with the same terms); new ones are stored."""
        keys, terms = distinct(requests["key"]), int(requests["terms"].max(initial=0))
        near = self.requests_for(keys) if terms in self._terms else keys[:0]  # new terms have no requests
        near = near[self.requests.rows["terms"][near] == terms]
        self._terms.add(terms)
        if not len(near) and len(keys) == len(requests):
            return self._append(requests)
        known = self.requests.rows.take(near)
        both = stack([known, requests])
        order = np.lexsort([both[name] for name in ("priority", "content", "size", "key")])
        ordered = both.take(order)
        first = np.ones(len(both), bool)  # first of equal rows: the known one, where there is one
        first[1:] = ordered[1:] != ordered[:-1]
        at = order[first]
        new = at >= len(known)
        numbers = np.empty(len(at), np.int64)
        numbers[~new] = near[at[~new]]
        numbers[new] = self._append(both.take(at[new]))
        found = np.empty(len(both), np.int64)
        found[order] = numbers[np.cumsum(first) - 1]
        return found[len(known) :]

    def add(self, requests: Int64s, requesters: NDArray[np.int32]) -> Int64s:
        """Add an entry for each pair; returns the keys of requests that had none before, in any order."""
        counts = self.counts.rows
        first = requests[counts[requests] == 0]
        np.add.at(counts, requests, np.int32(1))  # the dtype of `counts`: many times as fast
        self.request.add(requests)
        self.requester.add(requesters)
        self.removed_in.add(np.full(len(requests), PRESENT, np.int32))
        return self._keys(first)

    def remove(self, requesters: Int64s, version: int) -> Int64s:
        """Remove the entries of `requesters` (sorted, distinct); the keys of requests left without any."""
        at = self._by_requester.find(self.requester.rows, requesters)
        at = at[self.removed_in.rows[at] == PRESENT]
        self.removed_in.rows[at] = version
        self._removed += len(at)
        counts = self.counts.rows
        requests = self.request.rows[at]
        np.subtract.at(counts, requests, np.int32(1))
        return self._keys(requests[counts[requests] == 0])

    def requests_for(self, keys: Int64s) -> Int64s:
        """Numbers of all requests for `keys` (sorted, distinct), even those without a present requester."""
        return self._by_key.find(self.requests.rows["key"], keys)

    def entries_of(self, requests: Int64s) -> Int64s:
        """Numbers of all entries of `requests` (sorted, distinct), including removed ones."""
        return self._by_request.find(self.request.rows, requests)

    @property
    def needs_rebuild(self) -> bool:
        """Whether enough entries were removed for `rebuilt` to pay."""
        return self._removed > max(SCAN_LIMIT, len(self.requester) // 8)

    def rebuilt(self) -> RequestTable:
        """A table of the present entries only; this one stays valid for plans made from it.

        Requests keep their numbers, unless most of them have no requester: then those are dropped.
        """
        table = RequestTable()
        requested, present = self.counts.rows.nonzero()[0], (self.removed_in.rows == PRESENT).nonzero()[0]
        if len(self.requests) <= max(SCAN_LIMIT, 2 * len(requested)):
            requested, table.numbering = np.arange(len(self.requests)), self.numbering
        numbers = _new_numbers(requested, len(self.requests))
        table.requests.add(self.requests.rows.take(requested))
        table.counts.add(self.counts.rows[requested])
        table.request.add(numbers[self.request.rows[present]])
        table.requester.add(self.requester.rows[present])
        table.removed_in.add(self.removed_in.rows[present])
        table._terms = set(self._terms)
        table._by_key = self._by_key.renumbered(numbers)
        table._by_requester = self._by_requester.renumbered(_new_numbers(present, len(self.requester)))
        return table

    def _append(self, rows: Rows) -> Int64s:
        start = len(self.requests)
        self.requests.add(rows)
        self.counts.add(np.zeros(len(rows), np.int32))
        return np.arange(start, start + len(rows))

    def _keys(self, requests: Int64s) -> Int64s:
        keys: Int64s = self.requests.rows["key"][requests]
        return keys


@dataclass(frozen=True, eq=False, slots=True)
class RequestSnapshot:
    """The requests and requesters in one version of a table, unaffected by later changes.

    `count` is the number of entries in that version, including those already removed.
    """

    table: RequestTable
    count: int
    version: int

    @property
    def rows(self) -> Rows:
        """Each entry with its request, dtype ROW, in the order of addition."""
        at = (self.table.removed_in.rows[: self.count] > self.version).nonzero()[0]
        requested = self.table.requests.rows.take(self.table.request.rows[at])
        rows = np.empty(len(at), ROW)
        for name in REQUEST.names or ():
            rows[name] = requested[name]
        rows["requester"] = self.table.requester.rows[at]
        return rows

    def requesters_of(self, key: int) -> Int64s:
        """Ids of all requesters of `key`, sorted; empty for an unknown key."""
        at = self.table.entries_of(np.sort(self.table.requests_for(np.array([key]))))
        at = at[at < self.count]
        return distinct(self.table.requester.rows[at[self.table.removed_in.rows[at] > self.version]])


def _new_numbers(kept: Int64s, count: int) -> Int64s:
    """The new number of each of `count` rows when only `kept` remain, -1 for the others."""
    places = np.full(count, -1, np.int64)
    places[kept] = np.arange(len(kept))
    return places
