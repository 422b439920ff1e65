"""Requirements: which requester needs which asset or transient, and how, as numpy columns.

A feature returns `Requirement`s. The table splits each into its *terms* (everything that thousands of keys
have in common: usage, queue uses, memory properties, shape, ...), interned once, a *request* (key, size,
content, terms, priority), stored once however many share it, and its requester. So merging visits each
request once, not each requester, and each distinct pair of terms once, however many assets share them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.plan.requirements.request_table import REQUEST, RequestSnapshot, RequestTable
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.terms.formats import Format
from engine.plan.terms.keys import Keys
from engine.plan.terms.row_index import SCAN_LIMIT
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
    """How a queue accesses a resource: (queue, access, stage), as in the seed."""

    queue: QueueKind
    access: Access
    stage: Stage


@dataclass(frozen=True, slots=True, order=True)
class ImageShape:
    """Images of equal shape can be layers of one array page; `width` and `height` are in texels.

    A `cube` has six square layers, its faces towards +x, -x, +y, -y, +z and -z, and an image of its own.
    """

    format: Format
    width: int
    height: int
    mip_levels: int = 1
    samples: int = 1
    cube: bool = False

    @property
    def layers(self) -> int:
        """Layers of one image."""
        return 6 if self.cube else 1


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement for one asset or transient, as a feature or pass declares it.

    `size` is in bytes (0 for images, which have a `shape`). `alignment` is any positive integer; the
    planner adds the alignments of descriptors and mapping. `copies` > 1 makes a ring: a buffer of that many
    strides, or an image of that many times its layers. `lifetime` is the (first pass, last pass) between
    which a transient's contents are live, None for always. `content` is the version of the bytes: a key
    whose content changes is transferred again to another place, and the old one is used until then. Higher
    `priority` is transferred earlier.
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

    @property
    def fault(self) -> str:
        """Why there is no such requirement, beyond what its terms say; empty where there may be one."""
        of_image = self.kind is Kind.IMAGE
        if self.usage and isinstance(self.usage, ImageUsage) != of_image:
            return f"has {self.usage!r}, which is not for {'images' if of_image else 'buffers'}"
        if int(self.usage) & ~sum(type(self.usage)):
            return f"has the usage {int(self.usage):#x}, of which not all bits are known"
        return ""

    def terms(self) -> Terms:
        """Everything except key, size, content and priority."""
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
    """The part of a requirement that many keys have in common; fields as in `Requirement`."""

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

    @property
    def fault(self) -> str:
        """Why no requirement may have these terms; empty where one may."""
        if self.alignment < 1 or self.copies < 1:
            return f"alignment {self.alignment} and {self.copies} copies; both must be at least 1"
        if self.kind is Kind.IMAGE and self.shape is None:
            return "an image without a shape"
        shape = self.shape
        if shape is not None and not shape.format:
            return "an image without a format"
        if shape is not None and min(shape.width, shape.height, shape.mip_levels, shape.samples) < 1:
            return (
                f"{shape.width} x {shape.height} texels, {shape.mip_levels} mip levels and "
                f"{shape.samples} samples; all must be at least 1"
            )
        if self.shape is not None and self.shape.cube and self.shape.width != self.shape.height:
            return f"faces of a cube that are {self.shape.width} x {self.shape.height} texels"
        if self.contents is Contents.CACHE and self.copies > 1:
            return f"{self.copies} copies of cached contents; only 1 is possible"
        if self.contents is not Contents.UNDEFINED and shape is not None and shape.samples > 1:
            return f"{shape.samples} samples of {self.contents.name.lower()} contents; only 1 is possible"
        if self.lifetime is not None and not 0 <= self.lifetime[0] <= self.lifetime[1]:
            return f"a lifetime from pass {self.lifetime[0]} to pass {self.lifetime[1]}"
        return ""

    def with_use(self, use: QueueUse) -> Terms:
        """These terms with `use` among the queue uses."""
        return self if use in self.uses else replace(self, uses=tuple(sorted({*self.uses, use})))

    def preferring_device_local(self) -> Terms:
        """These terms, with DEVICE_LOCAL preferred instead of required."""
        local = MemoryProperty.DEVICE_LOCAL
        return replace(self, properties=self.properties & ~local, preferred=self.preferred | local)


class TermsTable:
    """Interns `Terms`: equal terms have one number, counted from 0."""

    def __init__(self) -> None:
        self.entries: list[Terms] = []
        self._ids: dict[Terms, int] = {}
        self._masks: dict[tuple[Contents, ...], NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Terms:
        return self.entries[index]

    def with_contents(self, *contents: Contents) -> NDArray[np.bool_]:
        """Which of the terms have one of these initial contents, as a mask over term numbers."""
        return self._mask(contents, lambda terms: terms.contents in contents)

    def with_lifetime(self) -> NDArray[np.bool_]:
        """Which of the terms are live in some passes of a frame only, as a mask over term numbers."""
        return self._mask((), lambda terms: terms.lifetime is not None)

    def _mask(self, name: tuple[Contents, ...], of: Callable[[Terms], bool]) -> NDArray[np.bool_]:
        found = self._masks.get(name)
        if found is None or len(found) != len(self.entries):
            found = self._masks[name] = np.array([of(terms) for terms in self.entries], bool)
        return found

    def id(self, terms: Terms) -> int:
        """The number of these terms, which are added if they are new."""
        found = self._ids.get(terms)
        if found is None:
            found = self._ids[terms] = len(self.entries)
            self.entries.append(terms)
        return found


MAX_REMEMBERED = 4096
"""How many requirement objects a table recognises without comparing their fields."""


class RequirementTable:
    """All requirements of a scene, with the keys, requesters and terms that they refer to.

    `version` counts changes; `touched` lists the keys whose requests have changed since a version, so that
    coalescing again costs time in proportion to the changes. `requested` is an immutable snapshot of the
    present entries.
    """

    def __init__(self, keys: Keys | None = None, requesters: RequesterTable | None = None) -> None:
        self.keys = keys if keys is not None else Keys()
        self.requesters = requesters if requesters is not None else RequesterTable()
        self.terms = TermsTable()
        self.version = 0
        self._requests = RequestTable()
        self._single: dict[tuple[int, ...], int] = {}  # numbers of requests that were added one by one
        self._of_object: dict[int, tuple[Requirement, int]] = {}  # the same by the identity of requirements
        self._log: deque[tuple[int, Int64s]] = deque()
        self._logged = 0
        self._log_start = 0  # the log holds all changes after this version

    @property
    def requested(self) -> RequestSnapshot:
        """A snapshot of the present requests and their requesters."""
        return RequestSnapshot(self._requests, len(self._requests.requester), self.version)

    def requests(self, keys: Int64s | None = None) -> Rows:
        """Requests with a present requester, dtype REQUEST: all, or those of `keys` (sorted, distinct)."""
        rows, counts = self._requests.requests.rows, self._requests.counts.rows
        if keys is not None:
            at = self._requests.requests_for(keys)
            return rows.take(at[counts[at] > 0])
        return rows if counts.all() else rows.take(counts.nonzero()[0])

    def touched(self, version: int) -> Int64s | None:
        """Keys whose requests have changed since `version`, sorted; None if the log starts later."""
        if version < self._log_start:
            return None
        changes = takewhile(lambda change: change[0] > version, reversed(self._log))
        return distinct(np.concatenate([np.zeros(0, np.int64), *(keys for _, keys in changes)]))

    def add(self, requirement: Requirement, requesters: int | Iterable[int]) -> None:
        """Add one requirement for each requester (ids of `self.requesters`)."""
        ids = [requesters] if isinstance(requesters, int) else list(requesters)
        self.add_requests([self.number(requirement)] * len(ids), ids)

    @property
    def numbering(self) -> object:
        """What the numbers of requests belong to: another object once they have changed."""
        return self._requests.numbering

    def number(self, requirement: Requirement) -> int:
        """The number of the request for one requirement; the same object is looked up by its identity."""
        known = self._of_object.get(id(requirement))
        if known is not None and known[0] is requirement:
            return known[1]
        terms = self.terms.id(requirement.terms())
        request = (requirement.key, requirement.size, requirement.content, terms, requirement.priority)
        number = self._single.get(request)
        if number is None:
            number = self._single[request] = int(self._requests.intern(np.array([request], REQUEST))[0])
        if len(self._of_object) >= MAX_REMEMBERED:
            self._of_object.clear()
        self._of_object[id(requirement)] = (requirement, number)
        return number

    def numbers(
        self,
        terms: Terms,
        *,
        key: ArrayLike,
        size: ArrayLike,
        content: ArrayLike = 0,
        priority: ArrayLike = 0,
    ) -> Int64s:
        """The numbers of many requests with the same terms; the columns are broadcast against each other."""
        columns = {"key": key, "size": size, "content": content, "priority": priority}
        requested = np.empty(max(map(np.size, columns.values())), REQUEST)
        requested["terms"] = self.terms.id(terms)
        for name, column in columns.items():
            requested[name] = column
        return self._requests.intern(requested)

    def add_requests(self, numbers: ArrayLike, requesters: ArrayLike) -> None:
        """Add the i-th of these requests, by their numbers, for the i-th requester, for all of them."""
        pairs = np.asarray(numbers, np.int64), np.asarray(requesters, np.int32)
        self._record_change(self._requests.add(*pairs))

    def add_rows(self, terms: Terms, *, requester: ArrayLike, **columns: ArrayLike) -> None:
        """Add many requirements with the same terms, with columns as in `numbers`, each for a requester."""
        self.add_requests(*np.broadcast_arrays(self.numbers(terms, **columns), np.atleast_1d(requester)))

    def remove(self, requesters: int | Iterable[int]) -> None:
        """Remove all requirements of these requesters."""
        ids = [requesters] if isinstance(requesters, int) else list(requesters)
        self._record_change(self._requests.remove(distinct(np.array(ids, np.int64)), self.version + 1))
        if self._requests.needs_rebuild:
            numbering, self._requests = self.numbering, self._requests.rebuilt()
            if self.numbering is not numbering:
                self._single.clear()
                self._of_object.clear()

    def _record_change(self, keys: Int64s) -> None:
        """Start a new version and log `keys`, whose requests have changed."""
        self.version += 1
        if len(keys):
            self._log.append((self.version, keys))
            self._logged += len(keys)
        while self._logged > max(SCAN_LIMIT, len(self._requests.requests) // 8):
            self._log_start, keys = self._log.popleft()
            self._logged -= len(keys)
