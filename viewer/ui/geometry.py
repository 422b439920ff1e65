"""Vertices and indices of the UI: one range of the paged buffer for each frame in flight, written in place.

The pages are mapped, so a frame's triangles are written once, where the GPU reads them. Staging would copy
the same bytes twice.
"""

from __future__ import annotations

from engine.storage.buffer_pages import BufferPages, BufferRange


class FrameRanges:
    """A range for each frame in flight, replaced by a larger one when a frame needs it."""

    def __init__(self, pages: BufferPages, count: int, size: int, name: str) -> None:
        """Allocate `count` ranges of `size` bytes."""
        self._pages = pages
        self._name = name
        self._size = size
        self._ranges = [self._allocate() for _ in range(count)]
        self._larger: dict[int, BufferRange] = {}

    def reserve(self, size: int) -> None:
        """Have at least `size` bytes in every range from the next frame on; they double and never shrink."""
        if size <= self._size:
            return
        while self._size < size:
            self._size *= 2
        for slot in range(len(self._ranges)):
            if slot in self._larger:
                self._larger[slot].free()
            self._larger[slot] = self._allocate()

    def ready(self, slot: int) -> BufferRange | None:
        """The range of a frame, the largest that is resident; None while none is."""
        larger = self._larger.get(slot)
        if larger is not None and larger.buffer.memory.ready:
            self._ranges[slot].free()
            self._ranges[slot] = self._larger.pop(slot)
        found = self._ranges[slot]
        return found if found.buffer.memory.ready else None

    def _allocate(self) -> BufferRange:
        return self._pages.allocate(self._size, name=self._name)
