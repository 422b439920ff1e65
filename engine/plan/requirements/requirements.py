"""Requirements: who needs which asset or transient, and on what terms, as numpy columns.

A feature states `Requirement`s. The table splits each into its *terms* (everything that thousands of keys
have in common: usage, queue uses, memory properties, shape, ...), interned once, a *statement* (key, size,
content, terms, priority), kept once however many make it, and who asks. So merging touches each statement
once, not each asker, and each distinct pair of terms once, however many assets share them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.plan.requirements.request_table import STATEMENT, Asked, Asks
from engine.plan.requirements.requesters import AskerTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.row_index import SHORT
from engine.plan.terms.table import Int64s, Rows, distinct
from engine.plan.terms.vocabulary import (
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

    def anywhere(self) -> Terms:
        """These terms, with the device's own memory as a preference."""
        own = MemoryProperty.DEVICE_LOCAL
        return replace(self, properties=self.properties & ~own, preferred=self.preferred | own)


class TermsTable:
    """Interns `Terms`: equal terms have one small number."""

    def __init__(self) -> None:
        self.entries: list[Terms] = []
        self._ids: dict[Terms, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Terms:
        return self.entries[index]

    def holding(self, *contents: Contents) -> NDArray[np.bool_]:
        """Which of the terms are about such contents."""
        return np.array([terms.contents in contents for terms in self.entries], bool)

    def id(self, terms: Terms) -> int:
        """The number of these terms."""
        found = self._ids.get(terms)
        if found is None:
            found = self._ids[terms] = len(self.entries)
            self.entries.append(terms)
        return found


class RequirementTable:
    """All requirements of a scene, growable, with the keys, askers and terms they speak of.

    What an asker has asked for can be taken back with `remove`. `version` counts changes; `touched` tells of
    which keys something else is asked since a version, so that coalescing again costs what changed. `asked`
    is who asks now, and stays as it is when the table changes.
    """

    def __init__(self, keys: Keys | None = None, askers: AskerTable | None = None) -> None:
        self.keys = keys if keys is not None else Keys()
        self.askers = askers if askers is not None else AskerTable()
        self.terms = TermsTable()
        self.version = 0
        self._asks = Asks()
        self._single: dict[tuple[int, ...], Int64s] = {}  # numbers of statements that were added one by one
        self._log: deque[tuple[int, Int64s]] = deque()
        self._logged = 0
        self._forgotten = 0

    @property
    def asked(self) -> Asked:
        """Who asks for what now."""
        return Asked(self._asks, len(self._asks.asker), self.version)

    def statements(self, keys: Int64s | None = None) -> Rows:
        """What somebody states now, dtype STATEMENT: all of it, or of `keys` (sorted, distinct)."""
        rows, counts = self._asks.statements.rows, self._asks.counts.rows
        if keys is not None:
            at = self._asks.about(keys)
            return rows.take(at[counts[at] > 0])
        return rows if counts.all() else rows.take(np.flatnonzero(counts))

    def touched(self, version: int) -> Int64s | None:
        """Keys of which other things are asked than in `version`, sorted; None where that is forgotten."""
        if version < self._forgotten:
            return None
        notes = takewhile(lambda note: note[0] > version, reversed(self._log))
        return distinct(np.concatenate([np.zeros(0, np.int64), *(keys for _, keys in notes)]))

    def add(self, requirement: Requirement, askers: int | Iterable[int]) -> None:
        """Add one requirement for each asker (ids of `self.askers`)."""
        terms = self.terms.id(requirement.terms())
        statement = (requirement.key, requirement.size, requirement.content, terms, requirement.priority)
        number = self._single.get(statement)
        if number is None:
            number = self._single[statement] = self._asks.state(np.array([statement], STATEMENT))
        ids = np.array([askers] if isinstance(askers, int) else list(askers), np.int32)
        self._note(self._asks.ask(np.repeat(number, len(ids)), ids))

    def add_rows(
        self,
        terms: Terms,
        *,
        key: ArrayLike,
        size: ArrayLike,
        asker: ArrayLike,
        content: ArrayLike = 0,
        priority: ArrayLike = 0,
        counts: Int64s | None = None,
    ) -> None:
        """Add many requirements on the same terms; the columns are broadcast against each other.

        With `counts`, each requirement has so many askers, one after another in `asker`.
        """
        named = {"key": key, "size": size, "content": content, "priority": priority}
        columns = np.broadcast_arrays(*(np.atleast_1d(column) for column in named.values()))
        stated = np.empty(len(columns[0]), STATEMENT)
        stated["terms"] = self.terms.id(terms)
        for name, column in zip(named, columns, strict=True):
            stated[name] = column
        numbers = self._asks.state(stated)
        if counts is not None:
            numbers = np.repeat(numbers, counts)
        self._note(self._asks.ask(*np.broadcast_arrays(numbers, np.atleast_1d(np.asarray(asker, np.int32)))))

    def remove(self, askers: int | Iterable[int]) -> None:
        """Take back all that these askers have asked for."""
        ids = [askers] if isinstance(askers, int) else list(askers)
        self._note(self._asks.take_back(distinct(np.array(ids, np.int64)), self.version + 1))
        if self._asks.worn:
            self._asks = self._asks.renewed()
            self._single.clear()

    def _note(self, keys: Int64s) -> None:
        """Count a change, and write down the keys of which something else is asked from now on."""
        self.version += 1
        if len(keys):
            self._log.append((self.version, keys))
            self._logged += len(keys)
        while self._logged > max(SHORT, len(self._asks.statements) // 8):
            self._forgotten, keys = self._log.popleft()
            self._logged -= len(keys)
