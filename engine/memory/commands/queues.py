"""The queues that memory work is submitted to, and ownership transfers between their families.

Everything is recorded for the graphics queue, unless a schedule has Release steps: then copies out of
staging go to the transfer-only queue, which releases each range, and the graphics queue acquires it before
it is published (Vulkan specification, 'Queue Family Ownership Transfer').
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.memory.commands import copies
from engine.memory.commands.barriers import layers_of
from engine.memory.commands.deletion_queue import Ticket
from engine.memory.commands.recorder import Recorder
from engine.memory.device.objects import LiveResource
from engine.plan.terms.vocabulary import Kind, QueueKind
from engine.vk.device import Device
from engine.vk.timeline import Timeline

Range = tuple[LiveResource, int, int]  # a resource with offset and size in bytes, or layer and size


class Queues:
    """One recorder per queue, submitted in the order of the steps.

    `graphics` and `transfer` are the recorders, the same one until `use_transfer_queue`. `frames` is the
    timeline that drawn frames signal, on the graphics queue.
    """

    def __init__(self, device: Device, frames: Timeline | None) -> None:
        self._device = device
        self._frames = frames
        self.graphics = Recorder(device, device.graphics, "uploads")
        self.transfer = self.graphics
        # By _range_id: the range and its ticket on `transfer`.
        self._released: dict[tuple[int, int], tuple[Range, int]] = {}

    @property
    def has_transfer_queue(self) -> bool:
        """Whether copies out of staging go to a transfer-only queue."""
        return self.transfer is not self.graphics

    def use_transfer_queue(self) -> None:
        """Record copies out of staging for the transfer-only queue from now on, if the device has one."""
        if self._device.transfer is not None and not self.has_transfer_queue:
            self.transfer = Recorder(self._device, self._device.transfer, "transfers")

    def commands_for(self, recorder: Recorder) -> Any:
        """Return the recorder's command buffer; submits what the other recorder holds first."""
        for other in (self.graphics, self.transfer):
            if other is not recorder and other.recording:
                other.submit()
        if recorder is not self.graphics and not recorder.recording:
            # The graphics queue is in submission order; the transfer queue needs semaphores.
            recorder.wait_for(self.graphics.timeline, self.graphics.timeline.submitted)
            if self._frames is not None:
                recorder.wait_for(self._frames, self._frames.submitted)
        return recorder.commands()

    def release(self, places: list[Range], source: QueueKind, target: QueueKind) -> None:
        """Record the release of an ownership transfer; ranges released and not yet acquired are skipped."""
        places = [place for place in places if _range_id(place) not in self._released]
        if self._recorder(source) is not self._recorder(target) and places:
            self._transfer(places, self._recorder(source), self._recorder(target), self._recorder(source))
            ticket = self._recorder(source).ticket
            self._released.update((_range_id(place), (place, ticket)) for place in places)

    def acquire(self, places: list[Range], source: QueueKind, target: QueueKind) -> None:
        """Record the acquire of an ownership transfer, for ranges that were released."""
        if self._released:
            range_ids = [_range_id(place) for place in places]
            known = [key for key in range_ids if key in self._released]
            rest = [p for p, key in zip(places, range_ids, strict=True) if key not in self._released]
            self._acquire([*known, *self._overlapping(rest)], self._recorder(source), self._recorder(target))

    def reclaim(self, places: list[Range]) -> None:
        """Acquire ranges that an abandoned schedule released, before `places` are written again."""
        self._acquire(self._overlapping(places), self.transfer, self.graphics)

    def forget(self, resource: LiveResource) -> None:
        """Drop the pending ownership transfers of a resource that is about to be destroyed."""
        self._released = {key: row for key, row in self._released.items() if row[0][0] is not resource}

    def submit_copies(self) -> None:
        """Submit what the transfer-only queue has, so that threads can fill its staging buffers again."""
        if self.has_transfer_queue:
            self.transfer.submit()

    def submit(self) -> None:
        """Submit everything that was recorded."""
        for recorder in (self.transfer, self.graphics):
            recorder.submit()

    def now(self) -> Ticket:
        """Return the ticket of all frames submitted and everything recorded so far."""
        values = [(recorder.timeline, recorder.ticket) for recorder in {self.graphics, self.transfer}]
        if self._frames is not None:
            values.append((self._frames, self._frames.submitted))
        return Ticket(tuple((timeline, value) for timeline, value in values if value))

    def each(self, action: Callable[[Recorder], None]) -> None:
        """Call `action` with every recorder, once."""
        for recorder in {self.graphics, self.transfer}:
            action(recorder)

    def _overlapping(self, places: list[Range]) -> list[tuple[int, int]]:
        """Return the ids of released ranges that overlap any of these."""
        if not places:
            return []
        released = self._released.items()
        return [key for key, (old, _ticket) in released if any(_overlap(old, new) for new in places)]

    def _recorder(self, kind: QueueKind) -> Recorder:
        return self.transfer if kind is QueueKind.TRANSFER else self.graphics

    def _acquire(self, range_ids: list[tuple[int, int]], source: Recorder, target: Recorder) -> None:
        """Acquire these ranges, waiting for the submit that released them and for no later one."""
        released = [self._released.pop(key) for key in dict.fromkeys(range_ids) if key in self._released]
        if not released:
            return
        places = [place for place, _ticket in released]
        target.wait_for(source.timeline, max(ticket for _place, ticket in released))
        self._transfer(places, source, target, target)
        for resource, layer in layers_of((resource, place) for resource, place, _size in places):
            resource.transfer_owned.discard(layer)

    def _transfer(self, places: list[Range], source: Recorder, target: Recorder, on: Recorder) -> None:
        families = (source.queue.family, target.queue.family)
        copies.transfer_ownership(self._device.vk, self.commands_for(on), places, families)


def _range_id(place: Range) -> tuple[int, int]:
    return place[0].id, place[1]


def _overlap(one: Range, other: Range) -> bool:
    """Whether two ranges overlap: the same layer or cube of an image, or common bytes of a buffer."""
    if one[0] is not other[0]:
        return False
    if one[0].kind is Kind.IMAGE:
        return any(layer in layers_of([other[:2]]) for layer in layers_of([one[:2]]))
    return one[1] < other[1] + other[2] and other[1] < one[1] + one[2]
