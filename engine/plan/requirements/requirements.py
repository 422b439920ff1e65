"""Requirements: who needs which asset or transient, and on what terms, as numpy columns.

A feature returns `Requirement`s. The table splits each into its *terms* (everything that thousands of keys
have in common: usage, queue uses, memory properties, shape, ...), interned once, a *request* (key, size,
content, terms, priority), stored once however many share it, and its requester. So merging visits each
request once, not each requester, and each distinct pair of terms once, however many assets share them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.plan.requirements.request_table import REQUEST, RequestSnapshot, RequestTable
from engine.plan.requirements.requesters import RequesterTable
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
    """All requirements of a scene, growable, with the keys, requesters and terms they speak of.

    `remove` removes the requirements of a requester. `version` counts changes; `touched` lists the keys whose
    requests have changed since a version, so that coalescing again costs what changed. `requested` is a
    snapshot of the present entries that stays as it is when the table changes.
    """

    def __init__(self, keys: Keys | None = None, requesters: RequesterTable | None = None) -> None:
        self.keys = keys if keys is not None else Keys()
        self.requesters = requesters if requesters is not None else RequesterTable()
        self.terms = TermsTable()
        self.version = 0
        self._requests = RequestTable()
        self._single: dict[tuple[int, ...], Int64s] = {}  # numbers of requests that were added one by one
        self._log: deque[tuple[int, Int64s]] = deque()
        self._logged = 0
        self._forgotten = 0

    @property
    def requested(self) -> RequestSnapshot:
        """Who requests what at present."""
        return RequestSnapshot(self._requests, len(self._requests.requester), self.version)

    def requests(self, keys: Int64s | None = None) -> Rows:
        """Requests with a present requester, dtype REQUEST: all, or those of `keys` (sorted, distinct)."""
        rows, counts = self._requests.requests.rows, self._requests.counts.rows
        if keys is not None:
            at = self._requests.requests_for(keys)
            return rows.take(at[counts[at] > 0])
        return rows if counts.all() else rows.take(np.flatnonzero(counts))

    def touched(self, version: int) -> Int64s | None:
        """Keys whose requests have changed since `version`, sorted; None beyond what the log holds."""
        if version < self._forgotten:
            return None
        notes = takewhile(lambda note: note[0] > version, reversed(self._log))
        return distinct(np.concatenate([np.zeros(0, np.int64), *(keys for _, keys in notes)]))

    def add(self, requirement: Requirement, requesters: int | Iterable[int]) -> None:
        """Add one requirement for each requester (ids of `self.requesters`)."""
        terms = self.terms.id(requirement.terms())
        request = (requirement.key, requirement.size, requirement.content, terms, requirement.priority)
        number = self._single.get(request)
        if number is None:
            number = self._single[request] = self._requests.intern(np.array([request], REQUEST))
        ids = np.array([requesters] if isinstance(requesters, int) else list(requesters), np.int32)
        self._note(self._requests.add(np.repeat(number, len(ids)), ids))

    def add_rows(
        self,
        terms: Terms,
        *,
        key: ArrayLike,
        size: ArrayLike,
        requester: ArrayLike,
        content: ArrayLike = 0,
        priority: ArrayLike = 0,
        counts: Int64s | None = None,
    ) -> None:
        """Add many requirements on the same terms; the columns are broadcast against each other.

        With `counts`, each requirement has so many requesters, one after another in `requester`.
        """
        named = {"key": key, "size": size, "content": content, "priority": priority}
        columns = np.broadcast_arrays(*(np.atleast_1d(column) for column in named.values()))
        requested = np.empty(len(columns[0]), REQUEST)
        requested["terms"] = self.terms.id(terms)
        for name, column in zip(named, columns, strict=True):
            requested[name] = column
        numbers = self._requests.intern(requested)
        if counts is not None:
            numbers = np.repeat(numbers, counts)
        self._note(
            self._requests.add(*np.broadcast_arrays(numbers, np.atleast_1d(np.asarray(requester, np.int32))))
        )

    def remove(self, requesters: int | Iterable[int]) -> None:
        """Remove all requirements of these requesters."""
        ids = [requesters] if isinstance(requesters, int) else list(requesters)
        self._note(self._requests.remove(distinct(np.array(ids, np.int64)), self.version + 1))
        if self._requests.needs_rebuild:
            self._requests = self._requests.rebuilt()
            self._single.clear()

    def _note(self, keys: Int64s) -> None:
        """Count a change, and log the keys whose requests have changed."""
        self.version += 1
        if len(keys):
            self._log.append((self.version, keys))
            self._logged += len(keys)
        while self._logged > max(SHORT, len(self._requests.requests) // 8):
            self._forgotten, keys = self._log.popleft()
            self._logged -= len(keys)
