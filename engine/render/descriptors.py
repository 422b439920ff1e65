"""Descriptor sets: equal contents share one set, and retired sets are freed after their last frame.

A set is written once, before it is first returned, so a set that a frame in flight reads never changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Set
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.plan.terms.drawing import DescriptorType
from engine.plan.terms.drawing_rows import DescriptorSetRow
from engine.render.descriptor_pools import DescriptorPools
from engine.render.pipelines.layouts import Layouts, SetLayout
from engine.vk.binding import constants, ffi
from engine.vk.device import Device

_WRITE = constants.VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET
_KINDS = (
    DescriptorType.UNIFORM_BUFFER,
    DescriptorType.STORAGE_BUFFER,
    DescriptorType.COMBINED_IMAGE_SAMPLER,
    DescriptorType.STORAGE_IMAGE,
)


class BoundBuffer(NamedTuple):
    """A buffer range at a binding, in bytes; `descriptor_type` is a VkDescriptorType."""

    binding: int
    descriptor_type: int
    buffer: Any
    offset: int
    size: int


class BoundImage(NamedTuple):
    """A sampled image view at a binding, with its sampler and its VkImageLayout."""

    binding: int
    descriptor_type: int
    view: Any
    sampler: Any
    layout: int


Bound = BoundBuffer | BoundImage

Place = tuple[str, int, int, str]
"""Where a set is bound once: pass, number of the shader set, slot of the frame, view."""


class DescriptorSets:
    """Owns the descriptor sets of one renderer."""

    def __init__(self, device: Device, layouts: Layouts) -> None:
        self._device = device
        self._layouts = layouts
        self._pools = DescriptorPools(device, _KINDS, "descriptors")
        self._sets: dict[tuple[SetLayout, tuple[Bound, ...]], tuple[Any, Any]] = {}
        self._users: dict[tuple[SetLayout, tuple[Bound, ...]], int] = {}
        self._retired: deque[tuple[int, Any, Any]] = deque()

    def get(self, layout: SetLayout, contents: tuple[Bound, ...]) -> Any:
        """Return the VkDescriptorSet with this layout and these contents."""
        key = (layout, contents)
        found = self._sets.get(key)
        if found is None:
            descriptors = sum([slot.length for slot in layout])
            found = self._pools.allocate(self._layouts.set_layout(layout), descriptors)
            self._sets[key] = found
            self._write(found[0], contents)
        return found[0]

    def acquire(self, layout: SetLayout, contents: tuple[Bound, ...]) -> Any:
        """Return the set with this layout and these contents, and keep it until it is released."""
        handle = self.get(layout, contents)
        self._users[layout, contents] = self._users.get((layout, contents), 0) + 1
        return handle

    def release(self, layout: SetLayout, contents: tuple[Bound, ...], ticket: int) -> None:
        """Release a set that was acquired; the last release retires it."""
        key = layout, contents
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key]
            handle, pool = self._sets.pop(key)
            self._retired.append((ticket, handle, pool))

    def collect(self, completed: int) -> None:
        """Free retired sets whose ticket is at most `completed`."""
        while self._retired and self._retired[0][0] <= completed:
            _, handle, pool = self._retired.popleft()
            self._pools.free(handle, pool)

    def close(self) -> None:
        """Destroy the pools and with them all sets; none may be in use."""
        self._pools.close()
        self._sets.clear()
        self._retired.clear()

    def _write(self, handle: Any, contents: tuple[Bound, ...]) -> None:
        count = len(contents)
        if not count:
            return
        # Structures are filled in place: a frame that binds new images writes dozens of them.
        writes = ffi.new("VkWriteDescriptorSet[]", count)
        buffers = ffi.new("VkDescriptorBufferInfo[]", count)
        images = ffi.new("VkDescriptorImageInfo[]", count)
        for place, bound in enumerate(contents):
            write = writes[place]
            write.sType = _WRITE
            write.dstSet, write.dstBinding = handle, bound.binding
            write.descriptorCount, write.descriptorType = 1, bound.descriptor_type
            if isinstance(bound, BoundBuffer):
                buffer = buffers[place]
                buffer.buffer, buffer.offset, buffer.range = bound.buffer, bound.offset, bound.size
                write.pBufferInfo = buffers + place
            else:
                image = images[place]
                image.sampler, image.imageView, image.imageLayout = bound.sampler, bound.view, bound.layout
                write.pImageInfo = images + place
        self._device.vk.vkUpdateDescriptorSets(self._device.handle, count, writes, 0, ffi.NULL)


@dataclass(frozen=True, eq=False)
class FrameSet:
    """A set with the row that it was made from, and the keys of everything that is bound in it."""

    row: DescriptorSetRow
    layout: SetLayout
    contents: tuple[Bound, ...]
    keys: frozenset[int]
    handle: Any

    def is_of(self, row: DescriptorSetRow) -> bool:
        """Whether such a row has these contents."""
        return self.row is row or self.row.contents == row.contents


class FrameSets:
    """The sets that passes bind once, by place: each is kept as long as what it binds stays where it is.

    So is the one that was at a place before: what is switched is often switched back.
    """

    def __init__(self, sets: DescriptorSets) -> None:
        self.kept: dict[Place, FrameSet] = {}
        self._before: dict[Place, FrameSet] = {}
        self._sets = sets
        self._ticket = 0

    def get(self, place: Place, row: DescriptorSetRow) -> Any:
        """Return the set that was made at this place from such a row; None where there is none."""
        known = self.kept.get(place)
        if known is not None and known.is_of(row):
            return known.handle
        before = self._before.get(place)
        if before is None or not before.is_of(row):
            return None
        self.kept[place] = before
        del self._before[place]
        if known is not None:
            self._before[place] = known
        return before.handle

    def make(
        self,
        place: Place,
        row: DescriptorSetRow,
        layout: SetLayout,
        contents: tuple[Bound, ...],
        keys: frozenset[int],
    ) -> Any:
        """Make the set of a place and return it; of those that were there before the last one is kept."""
        handle = self._sets.acquire(layout, contents)
        if place in self.kept:
            self._release(self._before, place)
            self._before[place] = self.kept[place]
        self.kept[place] = FrameSet(row, layout, contents, keys, handle)
        return handle

    def retire(self, moved: Set[int] | None, passes: Container[str], ticket: int) -> None:
        """Retire the sets that bind one of the keys `moved` (None: all), and those of other passes.

        They, and those that `make` replaces, are freed once the timeline reaches `ticket`.
        """
        self._ticket = ticket
        for sets in (self.kept, self._before):
            gone = [
                place
                for place, known in sets.items()
                if moved is None or place[0] not in passes or not known.keys.isdisjoint(moved)
            ]
            for place in gone:
                self._release(sets, place)

    def _release(self, sets: dict[Place, FrameSet], place: Place) -> None:
        known = sets.pop(place, None)
        if known is not None:
            self._sets.release(known.layout, known.contents, self._ticket)
