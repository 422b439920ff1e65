"""BufferPages: a buffer that grows by another page whenever an allocation does not fit (seed 000)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import lcm
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.memory.device.problems import DoubleFree, OutOfBounds, UseAfterClose
from engine.plan.model.groups import planned_terms
from engine.plan.model.holes import Holes
from engine.plan.requirements.requirements import Requirement
from engine.plan.terms.policy import MIB, Policy
from engine.plan.terms.vocabulary import BufferUsage, Kind
from engine.storage.allocators.interface import MemoryMapping
from engine.storage.downloads import Download
from engine.storage.resources.buffer import Buffer
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.updators import BufferUpdator


class BufferRange:
    """`size` bytes at `offset` of a page; `free` returns them after their last use."""

    __slots__ = ("_pages", "is_freed", "name", "offset", "page", "size")

    def __init__(self, pages: BufferPages, page: int, offset: int, size: int, name: str) -> None:
        self._pages = pages
        self.page = page
        self.offset = offset
        self.size = size
        self.name = name
        self.is_freed = False

    @property
    def buffer(self) -> Buffer:
        """The page that it lies in."""
        if self.is_freed:
            raise UseAfterClose(self.name, "its page is asked for, and it is freed")
        return self._pages.page(self.page)

    def updator(
        self,
        offset: int = 0,
        size: int | None = None,
        *,
        dtype: DTypeLike = np.uint8,
        timeout_s: float = 10.0,
    ) -> BufferUpdator:
        """Open a scoped writer on bytes of the range, see `Buffer.updator`."""
        return self.buffer.updator(*self._within(offset, size), dtype=dtype, timeout_s=timeout_s)

    def update(self, data: NDArray[Any], offset: int = 0, *, timeout_s: float = 10.0) -> None:
        """Write an array's bytes, see `Buffer.update`."""
        self._within(offset, data.nbytes)
        self.buffer.update(data, self.offset + offset, timeout_s=timeout_s)

    @contextmanager
    def mapped(self) -> Iterator[NDArray[np.uint8]]:
        """View the range's bytes in mapped memory; on leaving they are flushed for later submits.

        Nothing in flight may use the range. Raises NotReady, and NotMappable for pages without host access.
        """
        memory = self.buffer.memory
        whole = memory.map()
        try:
            yield whole[self.offset : self.offset + self.size]
            memory.flush(self.offset, self.size)
        finally:
            memory.unmap()

    def download(self, offset: int = 0, size: int | None = None, *, dtype: DTypeLike = np.uint8) -> Download:
        """Schedule reading bytes of the range back, see `Buffer.download`."""
        return self.buffer.download(*self._within(offset, size), dtype=dtype)

    def free(self) -> None:
        """Free the range once no work uses it. Raises DoubleFree."""
        self._pages.free(self)

    def _within(self, offset: int, size: int | None) -> tuple[int, int]:
        length = self.size - offset if size is None else size
        if offset < 0 or length < 1 or offset + length > self.size:
            raise OutOfBounds(self.name, f"{length} bytes at {offset}, and it has {self.size}")
        return self.offset + offset, length


class BufferPages:
    """Many ranges in few buffers, all of one usage and one mapping, so of one memory type.

    `design.md`'s growing Buffer; it has a name of its own because `Buffer` is a single VkBuffer here. Pages
    come from the resource allocator's memory, so in a running scene each is a requirement of the plan, and
    its bytes are there once that plan has been carried out (`Buffer.memory.ready`). Usable from any thread.

    Parameters
    ----------
    page_bytes : int
        Size of a page; a larger range gets a page of its own size.
    alignment : int
        Of every range, raised to what descriptors of this usage need.
    """

    def __init__(
        self,
        allocator: ResourceAllocator,
        usage: int,
        *,
        page_bytes: int = 4 * MIB,
        alignment: int = 16,
        mapping: MemoryMapping = MemoryMapping.NONE,
        name: str = "pages",
        why: str = "",
    ) -> None:
        self.name = name
        self.why = why
        self.usage = usage
        self._allocator = allocator
        self._page_bytes = page_bytes
        need = Requirement(0, Kind.BUFFER, usage=BufferUsage(usage), alignment=alignment)
        need = replace(need, properties=mapping.required)
        self._alignment = planned_terms(need.terms(), allocator.staging.profile, Policy()).alignment
        self._mapping = mapping
        self._pages: dict[int, Buffer] = {}
        self._users: dict[int, int] = {}
        self._next = 0
        self._holes = Holes()
        self._lock = threading.RLock()
        self._is_closed = False

    @property
    def pages(self) -> tuple[Buffer, ...]:
        """All pages, oldest first."""
        return tuple(self._pages.values())

    @property
    def free_bytes(self) -> int:
        """Free bytes of all pages."""
        return self._holes.free_bytes("pages")

    def page(self, number: int) -> Buffer:
        """Return the page of this number."""
        return self._pages[number]

    def allocate(self, size: int, *, alignment: int = 1, name: str = "") -> BufferRange:
        """Allocate a range, from a new page where none has room. Raises OutOfDeviceMemory."""
        if size < 1:
            raise OutOfBounds(name or self.name, f"a range of {size} bytes")
        step = lcm(self._alignment, alignment)
        taken = -(-size // self._alignment) * self._alignment
        with self._lock:
            if self._is_closed:
                raise UseAfterClose(self.name, "a range is asked for, and it is closed")
            found = self._holes.take("pages", taken, step)
            if found is None:
                self._grow(max(self._page_bytes, taken))
                found = self._holes.take("pages", taken, step)
                assert found is not None
            page, offset = found
            self._users[page] += 1
        return BufferRange(self, page, offset, size, name or self.name)

    def free(self, given: BufferRange) -> None:
        """Free a range once no work uses it; a second empty page is closed."""
        with self._lock:
            if given.is_freed:
                raise DoubleFree(given.name, f"a range of {self.name} is freed a second time")
            given.is_freed = True
        if not self._is_closed:
            self._allocator.retire([lambda: self._give(given)])

    def trim(self) -> int:
        """Close empty pages and return their bytes."""
        with self._lock:
            empty = [number for number, users in self._users.items() if not users]
            return sum(self._drop(number) for number in empty)

    def close(self) -> None:
        """Close all pages, once; their memory returns after its last use."""
        with self._lock:
            self._is_closed = True
            for number in list(self._pages):
                self._drop(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _grow(self, size: int) -> None:
        number = self._next
        page = self._allocator.create_buffer(
            size,
            self.usage,
            self._mapping,
            name=f"{self.name} page {number}",
            why=self.why or self.name,
            dedicated=True,
        )
        self._next += 1
        self._pages[number], self._users[number] = page, 0
        self._holes.add_space(number, "pages")
        self._holes.give(number, 0, size)

    def _give(self, given: BufferRange) -> None:
        with self._lock:
            if given.page not in self._pages:
                return
            taken = -(-given.size // self._alignment) * self._alignment
            self._holes.give(given.page, given.offset, taken)
            self._users[given.page] -= 1
            if sum(not users for users in self._users.values()) > 1 and not self._users[given.page]:
                self._drop(given.page)

    def _drop(self, number: int) -> int:
        page = self._pages.pop(number)
        del self._users[number]
        self._holes.drop_space(number)
        size = page.size
        if not page.is_closed:
            page.close()
        return size
