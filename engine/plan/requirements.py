"""Requirements: who needs which asset or transient, and on what terms, as numpy columns.

A feature states `Requirement`s. The table splits each into its *terms* (everything that thousands of rows
have in common: usage, queue uses, memory properties, shape, ...), interned once, and a row of
(key, size, content, terms, priority, asker). So a row costs 36 bytes, and merging rows touches each
distinct pair of terms once, however many assets share them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.plan.askers import AskerTable
from engine.plan.formats import Format
from engine.plan.keys import Keys
from engine.plan.row_index import RowIndex
from engine.plan.table import Int64s, distinct, stack
from engine.plan.vocabulary import (
    Access,
    BufferUsage,
    Contents,
    Dedicated,
    ImageUsage,
    Kind,
    MemoryProperty,
    QueueKind,
    Stage,
)

NO_USAGE = BufferUsage(0)
NO_PROPERTY = MemoryProperty(0)
ROW = np.dtype(
    [
        ("key", np.int64),
        ("size", np.int64),
        ("content", np.int64),
        ("terms", np.int32),
        ("asker", np.int32),
        ("priority", np.int32),
    ]
)


@dataclass(frozen=True, slots=True, order=True)
class QueueUse:
    """One way in which a queue touches a resource: (queue, access, stage), as in the seed."""

    queue: QueueKind
    access: Access
    stage: Stage


@dataclass(frozen=True, slots=True, order=True)
class ImageShape:
    """What images must have in common to share an array page; `width` and `height` in texels."""

    format: Format
    width: int
    height: int
    mip_levels: int = 1
    samples: int = 1


@dataclass(frozen=True, slots=True)
class Requirement:
    """One need of one asset or transient, as a feature or pass states it.

    `size` is in bytes (0 for images, whose `shape` says it). `alignment` is any positive integer; the
    planner adds what descriptors and mapping ask for. `copies` > 1 makes a ring: a buffer of that many
    strides, or an image of that many layers. `lifetime` is (first pass, last pass) in which a transient's
    contents matter, None for always. `content` names the version of the bytes: a key whose content
    changes is fetched anew into another place, and the old one serves until then. Higher `priority` is
    transferred earlier.
    """

    key: int
    kind: Kind
    size: int = 0
    alignment: int = 1
    shape: ImageShape | None = None
    usage: BufferUsage | ImageUsage = NO_USAGE
    properties: MemoryProperty = MemoryProperty.DEVICE_LOCAL
    preferred: MemoryProperty = NO_PROPERTY
    uses: tuple[QueueUse, ...] = ()
    dedicated: Dedicated = Dedicated.NO
    contents: Contents = Contents.UNDEFINED
    copies: int = 1
    lifetime: tuple[int, int] | None = None
    persistent_map: bool = False
    priority: int = 0
    content: int = 0

    def terms(self) -> Terms:
        """All of it but key, size, content and priority."""
        return Terms(
            self.kind,
            self.alignment,
            self.shape,
            int(self.usage),
            self.properties,
            self.preferred,
            tuple(sorted(set(self.uses))),
            self.dedicated,
            self.contents,
            self.copies,
            self.lifetime,
            self.persistent_map,
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """The part of a requirement that many keys share; fields as in `Requirement`."""

    kind: Kind
    alignment: int
    shape: ImageShape | None
    usage: int
    properties: MemoryProperty
    preferred: MemoryProperty
    uses: tuple[QueueUse, ...]
    dedicated: Dedicated
    contents: Contents
    copies: int
    lifetime: tuple[int, int] | None
    persistent_map: bool

    @property
    def usage_flags(self) -> BufferUsage | ImageUsage:
        """The usage bits as flags of the right kind."""
        return BufferUsage(self.usage) if self.kind is Kind.BUFFER else ImageUsage(self.usage)

    def with_use(self, use: QueueUse) -> Terms:
        """These terms and one more queue use."""
        return self if use in self.uses else replace(self, uses=tuple(sorted({*self.uses, use})))


class TermsTable:
    """Interns `Terms`: equal terms have one small number."""

    def __init__(self) -> None:
        self.entries: list[Terms] = []
        self._ids: dict[Terms, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Terms:
        return self.entries[index]

    def id(self, terms: Terms) -> int:
        """The number of these terms."""
        found = self._ids.get(terms)
        if found is None:
            found = self._ids[terms] = len(self.entries)
            self.entries.append(terms)
        return found


class RequirementTable:
    """All requirement rows of a scene, growable, with the keys, askers and terms they speak of.

    `version` counts changes. What an asker has asked for can be taken back with `remove`; `touched` tells
    which keys changed since a version, so that coalescing again costs what changed.
    """

    def __init__(self, keys: Keys | None = None, askers: AskerTable | None = None) -> None:
        self.keys = keys if keys is not None else Keys()
        self.askers = askers if askers is not None else AskerTable()
        self.terms = TermsTable()
        self._rows = np.zeros(64, ROW)
        self._alive = np.zeros(64, bool)
        self._count = 0
        self._log: list[Int64s] = []
        self._by_key = RowIndex()
        self._by_asker = RowIndex()

    def __len__(self) -> int:
        return int(self._alive[: self._count].sum())

    @property
    def version(self) -> int:
        """Goes up with every change."""
        return len(self._log)

    @property
    def rows(self) -> NDArray[np.void]:
        """All rows, dtype `ROW`, in the order they were added."""
        rows = self._rows[: self._count]
        alive = self._alive[: self._count]
        return rows if alive.all() else rows[alive]

    def rows_of(self, keys: Int64s) -> NDArray[np.void]:
        """All rows of `keys` (sorted, distinct)."""
        at = self._by_key.find(self._rows["key"][: self._count], keys)
        return self._rows[at[self._alive[at]]]

    def touched(self, version: int) -> Int64s:
        """Keys whose rows changed since `version`, sorted."""
        changed = self._log[version:]
        return distinct(np.concatenate(changed)) if changed else np.zeros(0, np.int64)

    def add(self, requirement: Requirement, askers: int | Iterable[int]) -> None:
        """Add one requirement for each asker (ids of `self.askers`)."""
        ids = [askers] if isinstance(askers, int) else list(askers)
        self.add_rows(
            requirement.terms(),
            key=requirement.key,
            size=requirement.size,
            asker=np.array(ids, np.int32),
            content=requirement.content,
            priority=requirement.priority,
        )

    def add_rows(
        self,
        terms: Terms,
        *,
        key: ArrayLike,
        size: ArrayLike,
        asker: ArrayLike,
        content: ArrayLike = 0,
        priority: ArrayLike = 0,
    ) -> None:
        """Add many rows on the same terms; the columns are broadcast against each other."""
        given = (np.asarray(key, np.int64), size, asker, content, priority)
        columns = np.broadcast_arrays(*(np.asarray(column) for column in given))
        rows = self._grow(columns[0].size)
        for name, column in zip(("key", "size", "asker", "content", "priority"), columns, strict=True):
            rows[name] = column.reshape(-1)
        rows["terms"] = self.terms.id(terms)
        self._log.append(rows["key"].copy())

    def remove(self, askers: int | Iterable[int]) -> None:
        """Take back all that these askers have asked for."""
        ids = [askers] if isinstance(askers, int) else list(askers)
        wanted = distinct(np.array(ids, np.int64))
        at = self._by_asker.find(self._rows["asker"][: self._count], wanted)
        at = at[self._alive[at]]
        self._alive[at] = False
        self._log.append(self._rows["key"][at])

    def _grow(self, count: int) -> NDArray[np.void]:
        start, self._count = self._count, self._count + count
        if self._count > len(self._rows):
            size = max(self._count, 2 * len(self._rows))
            self._rows = stack([self._rows[:start], np.zeros(size - start, ROW)])
            self._alive = np.concatenate([self._alive[:start], np.zeros(size - start, bool)])
        self._alive[start : self._count] = True
        return self._rows[start : self._count]
