"""The queues that memory work goes to, and what changes hands between them.

Everything is recorded for the queue that also draws, unless schedules hand resources over: then copies
out of staging go to the copy-only queue, and each place is released there and acquired by the other
before it is published (vulkan-rules 14).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.memory.commands import copies
from engine.memory.commands.deletion_queue import Ticket
from engine.memory.commands.recorder import Recorder
from engine.memory.device.objects import LiveResource
from engine.plan.terms.vocabulary import Kind, QueueKind
from engine.vk.device import Device
from engine.vk.timeline import Timeline

Range = tuple[LiveResource, int, int]  # a resource; bytes from and how many, or a layer and its bytes


class Queues:
    """One recorder per queue, submitted in the order of the steps.

    `frames` is the timeline of what is drawn; it runs on the queue for everything.
    """

    def __init__(self, device: Device, frames: Timeline | None) -> None:
        self._device = device
        self._frames = frames
        self.graphics = Recorder(device, device.graphics, "uploads")
        self.copier = self.graphics
        self._released: dict[tuple[int, int], tuple[Range, int]] = {}  # and the copier's ticket

    @property
    def separate(self) -> bool:
        """Whether copies out of staging go to a queue of their own."""
        return self.copier is not self.graphics

    def separate_copies(self) -> None:
        """Send copies out of staging to the copy-only queue from now on, where there is one."""
        if self._device.transfer is not None and not self.separate:
            self.copier = Recorder(self._device, self._device.transfer, "transfers")

    def on(self, recorder: Recorder) -> Any:
        """Return the commands of a queue; what another one has recorded is submitted first."""
        for other in (self.graphics, self.copier):
            if other is not recorder and other.recording:
                other.submit()
        if recorder is not self.graphics and not recorder.recording:
            # The queue for everything keeps its own order; this one must be told to.
            recorder.wait_for(self.graphics.timeline, self.graphics.timeline.submitted)
            if self._frames is not None:
                recorder.wait_for(self._frames, self._frames.submitted)
        return recorder.commands()

    def release(self, places: list[Range], source: QueueKind, target: QueueKind) -> None:
        """Record the first half of a hand-over, but not twice for what nobody has acquired yet."""
        places = [place for place in places if _spot(place) not in self._released]
        if self._of(source) is not self._of(target) and places:
            self._hand_over(places, self._of(source), self._of(target), self._of(source))
            ticket = self._of(source).ticket
            self._released.update((_spot(place), (place, ticket)) for place in places)

    def acquire(self, places: list[Range], source: QueueKind, target: QueueKind) -> None:
        """Record the second half, for what was released."""
        if self._released:
            spots = [_spot(place) for place in places]
            known = [spot for spot in spots if spot in self._released]
            rest = [place for place, spot in zip(places, spots, strict=True) if spot not in self._released]
            self._take([*known, *self._overlapping(rest)], self._of(source), self._of(target))

    def reclaim(self, places: list[Range]) -> None:
        """End hand-overs that were given up half-way, where these places are to be written again."""
        self._take(self._overlapping(places), self.copier, self.graphics)

    def forget(self, resource: LiveResource) -> None:
        """Let go of hand-overs in a resource that is to be destroyed."""
        self._released = {spot: row for spot, row in self._released.items() if row[0][0] is not resource}

    def send_copies(self) -> None:
        """Send copies that have a queue of their own: the threads want the staging buffer back."""
        if self.separate:
            self.copier.submit()

    def submit(self) -> None:
        """Send what was recorded to the device."""
        for recorder in (self.copier, self.graphics):
            recorder.submit()

    def now(self) -> Ticket:
        """Make the ticket of all frames submitted and everything recorded so far."""
        values = [(recorder.timeline, recorder.ticket) for recorder in {self.graphics, self.copier}]
        if self._frames is not None:
            values.append((self._frames, self._frames.submitted))
        return Ticket(tuple((timeline, value) for timeline, value in values if value))

    def each(self, action: Callable[[Recorder], None]) -> None:
        """Do something with every recorder once."""
        for recorder in {self.graphics, self.copier}:
            action(recorder)

    def _overlapping(self, places: list[Range]) -> list[tuple[int, int]]:
        """Spots of what was released that any of these places meets."""
        if not places:
            return []
        released = self._released.items()
        return [spot for spot, (old, _ticket) in released if any(_meet(old, new) for new in places)]

    def _of(self, kind: QueueKind) -> Recorder:
        return self.copier if kind is QueueKind.TRANSFER else self.graphics

    def _take(self, spots: list[tuple[int, int]], source: Recorder, target: Recorder) -> None:
        """Acquire what was released at these spots, behind the submit that released it and no later one."""
        taken = [row for spot in dict.fromkeys(spots) if (row := self._released.pop(spot, None)) is not None]
        if not taken:
            return
        places = [place for place, _ticket in taken]
        target.wait_for(source.timeline, max(ticket for _place, ticket in taken))
        self._hand_over(places, source, target, target)
        for resource, layer, _size in places:
            resource.foreign_layers.discard(layer)

    def _hand_over(self, places: list[Range], source: Recorder, target: Recorder, on: Recorder) -> None:
        families = (source.queue.family, target.queue.family)
        copies.hand_over(self._device.vk, self.on(on), places, families)


def _spot(place: Range) -> tuple[int, int]:
    return place[0].id, place[1]


def _meet(one: Range, other: Range) -> bool:
    """Whether two ranges of one resource overlap; layers meet when they are the same."""
    if one[0] is not other[0]:
        return False
    if one[0].kind is Kind.IMAGE:
        return one[1] == other[1]
    return one[1] < other[1] + other[2] and other[1] < one[1] + one[2]
