"""What is asked of each key, each statement once, and by whom, now and before.

A hundred thousand objects that share an asset state the same of it. So a statement is kept once and counts
who makes it, and what a key needs changes only when a statement gets its first asker or loses its last. The
list of who asks is only added to, and an ask that is taken back says when: so a plan made earlier goes on
naming those who asked then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.plan.terms.row_index import SHORT, RowIndex
from engine.plan.terms.table import Int64s, Rows, distinct, stack

STATEMENT = np.dtype(
    [
        ("key", np.int64),
        ("size", np.int64),
        ("content", np.int64),
        ("terms", np.int32),
        ("priority", np.int32),
    ]
)
ROW = np.dtype([*STATEMENT.descr, ("asker", np.int32)])
STILL = np.iinfo(np.int32).max
"""In place of the version in which an ask was taken back: it was not."""


class Growing:
    """An array that grows at its end."""

    def __init__(self, dtype: DTypeLike) -> None:
        self._room: NDArray[Any] = np.zeros(64, dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> NDArray[Any]:
        """All that was added; good until more is."""
        return self._room[: self._count]

    def add(self, rows: NDArray[Any]) -> None:
        """Add rows at the end."""
        start, self._count = self._count, self._count + len(rows)
        if self._count > len(self._room):
            room = np.zeros(max(self._count, 2 * len(self._room)), self._room.dtype)
            room[:start] = self._room[:start]
            self._room = room
        self._room[start : self._count] = rows


class Asks:
    """Statements, no two equal, with `counts`, how many make each now; and the asks, as three columns.

    An ask is (statement, asker, until): the version in which it was taken back, or STILL.
    """

    def __init__(self) -> None:
        self.statements = Growing(STATEMENT)
        self.counts = Growing(np.int32)
        self.statement = Growing(np.int32)
        self.asker = Growing(np.int32)
        self.until = Growing(np.int32)
        self._by_key = RowIndex(np.int64)
        self._by_asker = RowIndex(np.int32)
        self._by_statement = RowIndex(np.int32)
        self._terms: set[int] = set()
        self._dead = 0

    def state(self, wanted: Rows) -> Int64s:
        """The numbers of statements, which are all on the same terms; those that are new are taken in."""
        keys, terms = distinct(wanted["key"]), int(wanted["terms"].max(initial=0))
        near = self.about(keys) if terms in self._terms else keys[:0]  # nothing is stated on new terms
        near = near[self.statements.rows["terms"][near] == terms]
        self._terms.add(terms)
        if not len(near) and len(keys) == len(wanted):
            return self._take_in(wanted)
        known = self.statements.rows.take(near)
        both = stack([known, wanted])
        order = np.lexsort([both[name] for name in ("priority", "content", "size", "key")])
        ordered = both.take(order)
        first = np.ones(len(both), bool)  # of its equals; that is the known one where there is one
        first[1:] = ordered[1:] != ordered[:-1]
        at = order[first]
        new = at >= len(known)
        numbers = np.empty(len(at), np.int64)
        numbers[~new] = near[at[~new]]
        numbers[new] = self._take_in(both.take(at[new]))
        found = np.empty(len(both), np.int64)
        found[order] = numbers[np.cumsum(first) - 1]
        return found[len(known) :]

    def ask(self, statements: Int64s, askers: NDArray[np.int32]) -> Int64s:
        """Add asks, one for each pair; the keys of statements that nobody had made, in any order."""
        counts = self.counts.rows
        first = statements[counts[statements] == 0]
        np.add.at(counts, statements, np.int32(1))  # of counts' own type: many times as fast
        self.statement.add(statements)
        self.asker.add(askers)
        self.until.add(np.full(len(statements), STILL, np.int32))
        return self._keys(first)

    def take_back(self, askers: Int64s, version: int) -> Int64s:
        """End all asks of `askers` (sorted, distinct); the keys of statements that nobody makes any more."""
        at = self._by_asker.find(self.asker.rows, askers)
        at = at[self.until.rows[at] == STILL]
        self.until.rows[at] = version
        self._dead += len(at)
        counts = self.counts.rows
        statements = self.statement.rows[at]
        np.subtract.at(counts, statements, np.int32(1))
        return self._keys(statements[counts[statements] == 0])

    def about(self, keys: Int64s) -> Int64s:
        """All statements about `keys` (sorted, distinct), also those that nobody makes any more."""
        return self._by_key.find(self.statements.rows["key"], keys)

    def of(self, statements: Int64s) -> Int64s:
        """All asks of `statements` (sorted, distinct), also those that were taken back."""
        return self._by_statement.find(self.statement.rows, statements)

    @property
    def worn(self) -> bool:
        """Whether so much was taken back that leaving it behind pays."""
        return self._dead > max(SHORT, len(self.asker) // 8)

    def renewed(self) -> Asks:
        """What is asked now, and nothing else; these asks stay, for plans that were made of them."""
        asks = Asks()
        made, still = np.flatnonzero(self.counts.rows), np.flatnonzero(self.until.rows == STILL)
        numbers = _places(made, len(self.statements))
        asks.statements.add(self.statements.rows.take(made))
        asks.counts.add(self.counts.rows[made])
        asks.statement.add(numbers[self.statement.rows[still]])
        asks.asker.add(self.asker.rows[still])
        asks.until.add(self.until.rows[still])
        asks._terms = set(self._terms)
        asks._by_key = self._by_key.renumbered(numbers)
        asks._by_asker = self._by_asker.renumbered(_places(still, len(self.asker)))
        return asks

    def _take_in(self, rows: Rows) -> Int64s:
        start = len(self.statements)
        self.statements.add(rows)
        self.counts.add(np.zeros(len(rows), np.int32))
        return np.arange(start, start + len(rows))

    def _keys(self, statements: Int64s) -> Int64s:
        keys: Int64s = self.statements.rows["key"][statements]
        return keys


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What was asked by whom in one version, whatever has been asked and taken back since.

    `count` is how many asks there were; those that had been taken back by then are among them.
    """

    asks: Asks
    count: int
    version: int

    @property
    def rows(self) -> Rows:
        """Each ask with what it states, dtype ROW, in the order in which they were added."""
        at = np.flatnonzero(self.asks.until.rows[: self.count] > self.version)
        stated = self.asks.statements.rows.take(self.asks.statement.rows[at])
        rows = np.empty(len(at), ROW)
        for name in STATEMENT.names or ():
            rows[name] = stated[name]
        rows["asker"] = self.asks.asker.rows[at]
        return rows

    def askers_of(self, key: int) -> Int64s:
        """All who asked for `key`, sorted; nobody where it is not known."""
        at = self.asks.of(np.sort(self.asks.about(np.array([key]))))
        at = at[at < self.count]
        return distinct(self.asks.asker.rows[at[self.asks.until.rows[at] > self.version]])


def _places(kept: Int64s, count: int) -> Int64s:
    """For each of `count` rows its place among those that are kept, or -1."""
    places = np.full(count, -1, np.int64)
    places[kept] = np.arange(len(kept))
    return places
