"""Requesters: a feature on an object, with its position in the `.hu` file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class FilePosition(Protocol):
    """A position in a file, such as engine.humon's Position."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def line(self) -> int:
        """Line, from 1."""

    @property
    def column(self) -> int:
        """Column, from 1."""


@dataclass(frozen=True, slots=True, order=True)
class Requester:
    """A feature type (or a part of the engine) and the path of the object that carries it.

    `file` is empty where the requester is in no file; lines and columns count from 1. `more` > 0 makes it a
    group: that many objects with this feature, without their names.
    """

    feature: str
    object_path: str
    file: str = ""
    line: int = 0
    column: int = 0
    more: int = 0

    def __str__(self) -> str:
        if self.more:
            return f"{self.feature} on {self.more:,} more object{'s' * (self.more > 1)}"
        where = f" at {self.file}:{self.line}:{self.column}" if self.file else ""
        what = f"{self.feature} on '{self.object_path}'" if self.object_path else self.feature
        return what + where


MAX_NAMED = 16
"""How many requesters a text names; the others are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Objects with one feature that request together, as one requester.

    `objects` are their rows. `describe(i)` returns the i-th of them as a requester of its own.
    """

    feature: str
    objects: NDArray[np.int32]
    describe: Callable[[int], Requester]


KNOWN_GROUPS = 8
"""Of how many groups of a kind, those used last, the members are known; of others only their number."""

FORGOTTEN_GROUPS = 1024
"""How many groups, whose members are not known any more, keep their ids for plans of before."""


@dataclass(frozen=True, slots=True, eq=False)
class RequesterColumns:
    """Features and objects of all requesters, by id, without describing each.

    `feature` is the number of its feature in `features`. Requesters with equal `object` are on one object:
    its row where it is known (from 0), a number below -1 where only its path is, NO_OBJECT where there is
    none. `objects` is how many objects it stands for; `group` says which are groups.
    """

    features: tuple[str, ...]
    feature: NDArray[np.int32]
    object: NDArray[np.int32]
    objects: NDArray[np.int32]
    group: NDArray[np.bool_]


NO_OBJECT = -1


class RequesterTable:
    """Interns requesters: equal ones have one id. Blocks of thousands are described only when read."""

    def __init__(self) -> None:
        self._count = 0
        self._entries: dict[int, Requester] = {}
        self._ids: dict[Requester, int] = {}
        self._block_starts: list[int] = []
        self._blocks: list[Callable[[int], Requester]] = []
        self._block_columns: list[tuple[str, NDArray[np.int32]]] = []
        self._groups: dict[int, int] = {}  # ids of groups, with their numbers of objects
        self._kinds: dict[int, dict[int, Group]] = {}  # by their ids: the known ones of their kind, in order
        self._known: dict[tuple[str, str], dict[int, Group]] = {}
        self._forgotten: deque[int] = deque()
        self._free: dict[tuple[str, int], list[int]] = {}  # ids by feature and number of objects
        self._columns: RequesterColumns | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Requester:
        found = self._entries.get(index)
        if found is not None:
            return found
        block = bisect_right(self._block_starts, index) - 1
        if block < 0 or index >= self._count:
            raise IndexError(f"there is no requester {index}")
        return self._blocks[block](index - self._block_starts[block])

    def names(self, ids: Sequence[int]) -> list[str]:
        """The first MAX_NAMED of `ids` (ascending) as text, sorted, followed by the number of the others.

        A group counts as many times as it has objects.
        """
        words = sorted({str(self[index]) for index in ids[:MAX_NAMED]})
        if len(ids) <= MAX_NAMED:
            return words
        more = len(ids) - MAX_NAMED
        for group, objects in self._groups.items():
            at = bisect_left(ids, group, MAX_NAMED)
            if at < len(ids) and ids[at] == group:
                more += objects - 1
        return [*words, f"{more:,} more"]

    def add(self, feature: str, object_path: str = "", position: FilePosition | None = None) -> int:
        """The id of this requester; equal requesters have the same one."""
        if position is None:
            requester = Requester(feature, object_path)
        else:
            requester = Requester(feature, object_path, position.file, position.line, position.column)
        return self._intern(requester)

    def add_group(self, group: Group, kind: str = "") -> int:
        """The id of objects that are not named one by one; distinct from those of all groups of late.

        Its members are forgotten only after KNOWN_GROUPS others of the feature that are of this `kind`.
        """
        ident = self._group_id(group)
        known = self._kinds[ident] = self._known.setdefault((group.feature, kind), {})
        known[ident] = group
        if len(known) > KNOWN_GROUPS:
            oldest = next(iter(known))
            del known[oldest], self._kinds[oldest]
            self._forgotten.append(oldest)
            if len(self._forgotten) > FORGOTTEN_GROUPS:
                free = self._forgotten.popleft()
                entry = self._entries[free]
                self._free.setdefault((entry.feature, entry.more), []).append(free)
        return ident

    def _group_id(self, group: Group) -> int:
        """Return an id for a group: a free one that is described alike, else a new one."""
        free = self._free.get((group.feature, len(group.objects)))
        if free:
            return free.pop()
        ident = self._count
        self._entries[ident] = Requester(group.feature, "", more=len(group.objects))
        self._groups[ident] = len(group.objects)
        self._count += 1
        return ident

    def use_group(self, index: int) -> None:
        """Count a group that is known as used last."""
        known = self._kinds[index]
        known[index] = known.pop(index)

    def group(self, index: int) -> Group | None:
        """The group with this id; None for another requester, and where its members are not known."""
        known = self._kinds.get(index)
        return None if known is None else known[index]

    def _intern(self, requester: Requester) -> int:
        found = self._ids.get(requester)
        if found is None:
            found = self._ids[requester] = self._count
            self._entries[found] = requester
            self._count += 1
        return found

    def add_block(
        self, feature: str, objects: NDArray[np.integer], describe: Callable[[int], Requester]
    ) -> int:
        """Add requesters, distinct from all others, with consecutive ids; returns the first id.

        They have one feature, each on the object of that row. `describe(i)` returns the i-th of them; it is
        called on demand and must always return the same.
        """
        first = self._count
        if len(objects):
            self._block_starts.append(first)
            self._blocks.append(describe)
            self._block_columns.append((feature, np.array(objects, np.int32)))
            self._count += len(objects)
        return first

    @property
    def columns(self) -> RequesterColumns:
        """All requesters as columns; made again only after some were added."""
        if self._columns is None or len(self._columns.feature) != self._count:
            self._columns = self._make_columns()
        return self._columns

    def _make_columns(self) -> RequesterColumns:
        features: dict[str, int] = {}
        paths: dict[str, int] = {"": NO_OBJECT}
        feature, on = np.zeros(self._count, np.int32), np.full(self._count, NO_OBJECT, np.int32)
        objects, group = np.ones(self._count, np.int32), np.zeros(self._count, np.bool_)
        for index, requester in self._entries.items():
            feature[index] = features.setdefault(requester.feature, len(features))
            on[index] = paths.setdefault(requester.object_path, -1 - len(paths))
            objects[index], group[index] = max(requester.more, 1), requester.more > 0
        for start, (name, rows) in zip(self._block_starts, self._block_columns, strict=True):
            feature[start : start + len(rows)] = features.setdefault(name, len(features))
            on[start : start + len(rows)] = rows
        return RequesterColumns(tuple(features), feature, on, objects, group)
