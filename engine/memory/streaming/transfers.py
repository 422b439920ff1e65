"""Carries out transfers: threads fill staging or write buffers directly, then staged copies are recorded."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from engine.memory.commands import copies
from engine.memory.commands.queues import Queues, Range
from engine.memory.commands.recorder import Recorder
from engine.memory.device.objects import LiveResource, Objects
from engine.memory.streaming.direct_writes import SplitTransfer, affected_ranges, split_copies, split_transfer
from engine.memory.streaming.fills import Fill, Fills, Part
from engine.memory.streaming.in_flight_ranges import InFlightRanges
from engine.memory.streaming.unreadable_assets import UnreadableAssets
from engine.plan.resident.steps import Acquire, AnyStep, ClearStaging, Publish, Release, SetWindow, Transfer
from engine.plan.terms.table import distinct
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError, OutOfDeviceMemory

UNLIMITED = float("inf")
WAIT_S = 1.0  # longest wait of `wait`: callers check and call again
AHEAD = 2  # transfers that are filled at the same time: one per staging buffer


@dataclass(slots=True, eq=False)
class _ActiveTransfer:
    """A transfer under way; `remaining` are its copies still to be recorded, None until it is filled."""

    step: Transfer
    split: SplitTransfer
    fill: Fill
    remaining: deque[Transfer] | None = None


class Transfers:
    """Fills transfers in order, up to AHEAD at the same time, and records them one by one.

    `allowance` is how many bytes may still be recorded now on the queue that frames are drawn on; UNLIMITED
    while no frames are drawn. `direct`: write to host-visible buffers without staging.
    """

    def __init__(
        self,
        device: Device,
        objects: Objects,
        queues: Queues,
        fills: Fills,
        in_flight: InFlightRanges,
        unreadable: UnreadableAssets,
        allocate_staging: Callable[[int], bool],
        *,
        direct: bool,
    ) -> None:
        self.allowance: float = UNLIMITED
        self._device = device
        self._objects = objects
        self._queues = queues
        self._fills = fills
        self._in_flight = in_flight
        self.unreadable = unreadable
        self._allocate_staging = allocate_staging
        self._direct = direct
        self._active: deque[_ActiveTransfer] = deque()
        self._abandoned: list[Fill] = []
        self._staging: dict[int, tuple[Recorder, int]] = {}

    @property
    def hurried(self) -> bool:
        """Whether no frames are drawn."""
        return self.allowance == UNLIMITED

    @property
    def idle(self) -> bool:
        """Whether no transfer is under way."""
        return not self._active and not self.blocked

    @property
    def blocked(self) -> bool:
        """Whether threads still write for an abandoned transfer."""
        self._abandoned = [fill for fill in self._abandoned if not fill.done]
        return bool(self._abandoned)

    def is_direct(self, resource: LiveResource) -> bool:
        """Whether this resource is written without staging."""
        return self._direct and self._objects.is_writable(resource)

    def abandon(self) -> None:
        """Abandon the transfers that are under way."""
        self._abandoned += [active.fill for active in self._active]
        self._active.clear()

    def look_ahead(self, steps: Iterable[AnyStep]) -> None:
        """Have the threads start on the next transfers in `steps`, whose first is the next step."""
        if len(self._active) == AHEAD:
            return
        for step in steps:
            if isinstance(step, Transfer):
                if not any(row.step is step for row in self._active) and not self._try_start(step):
                    return
            elif isinstance(step, ClearStaging):
                is_filled = any(row.step.staging == step.staging for row in self._active)
                if is_filled or not self.is_clear(step.staging):
                    return
            elif not isinstance(step, SetWindow | Release | Acquire | Publish):
                return

    def transfer(self, step: Transfer, done: Counter[str]) -> bool:
        """Carry out a transfer as far as possible; True once all of it is recorded or written."""
        if not self._active and not self._start(step):
            return False
        active = self._active[0]
        if active.step is not step:
            raise DioramaInternalError("transfers are carried out in their order")
        if active.remaining is None:
            if not active.fill.done:
                return False
            self._finish(active, done)
        assert active.remaining is not None
        while active.remaining:
            if self.allowance <= 0:
                return False
            self._record(active.remaining[0])  # may raise: then it remains
            active.remaining.popleft()
        self._active.popleft()
        done.update(transfers=1, bytes_uploaded=int(step.sizes.sum()))
        return True

    def is_clear(self, staging: int) -> bool:
        """Whether all copies out of a staging buffer have completed."""
        row = self._staging.get(staging)
        return row is None or row[0].timeline.completed() >= row[1]

    def forget(self, staging: int) -> None:
        """Forget a staging buffer that is about to be destroyed."""
        self._staging.pop(staging, None)

    def wait(self) -> None:
        """Wait up to WAIT_S for staging that is clear or a transfer that is filled."""
        for fill in self._abandoned:
            fill.wait(WAIT_S)
        under_way = [row for row in self._staging.values() if row[0].timeline.completed() < row[1]]
        if len(self._active) < AHEAD and under_way:
            recorder, ticket = min(under_way, key=lambda row: row[1])
            recorder.timeline.wait(ticket, WAIT_S)
        elif self._active:
            self._active[0].fill.wait(WAIT_S)

    def wait_clear(self, staging: int) -> None:
        """Wait until the copies out of a staging buffer have completed."""
        row = self._staging.get(staging)
        if row is not None:
            row[0].timeline.wait(row[1])

    def _try_start(self, step: Transfer) -> bool:
        try:
            return len(self._active) < AHEAD and self._start(step)
        except OutOfDeviceMemory:
            return False  # for its staging: steps before this one may free some; else its own turn raises

    def _start(self, step: Transfer) -> bool:
        """Have the threads start; False while the device uses their targets or staging is being allocated."""
        split = split_transfer(step, self._writable(step))
        parts: list[Part] = []
        for number, reads in split.direct:
            order = np.argsort(reads["staging_offset"])
            begin, size = reads["staging_offset"][order], reads["size"][order]
            if not self._in_flight.is_free(number, begin, begin + size):
                return False
            parts.append((reads, self._objects.host_bytes(self._objects.resource(number))))
        if len(split.staged.reads):
            if not self._allocate_staging(step.staging):
                return False
            mapped = self._objects.resource(step.staging).mapped
            if mapped is None:
                raise DioramaInternalError(f"staging buffer {step.staging} is not mapped")
            parts.append((split.staged.reads, mapped))
        fill = self._fills.start(step.db, parts, while_drawing=not self.hurried)
        self._active.append(_ActiveTransfer(step, split, fill))
        return True

    def _writable(self, step: Transfer) -> list[int]:
        """Return the targets of a transfer that the host can write to directly."""
        targets = distinct(step.buffer_copies["resource"]).tolist()
        return [number for number in targets if self.is_direct(self._objects.resource(number))]

    def _finish(self, active: _ActiveTransfer, done: Counter[str]) -> None:
        """Flush what the threads have written, and prepare the staged copies for recording."""
        step, split = active.step, active.split
        try:
            problems = active.fill.finish()
        except BaseException:
            self._active.popleft()
            raise
        for problem in problems:
            self.unreadable.add(problem, step.keys, affected_ranges(split, problem.begin, problem.end))
        reads = split.staged.reads
        if len(reads):
            begin = int(reads["staging_offset"].min())
            end = int((reads["staging_offset"] + reads["size"]).max())
            self._objects.flush(self._objects.resource(step.staging), begin, end - begin)
        done.update(bytes_direct=sum(int(reads["size"].sum()) for _number, reads in split.direct))
        staged = split.staged
        if not len(staged.buffer_copies) and not len(staged.image_copies):
            active.remaining = deque()
            return
        self._queues.reclaim(self._targets(staged))
        is_bounded = not self._queues.has_transfer_queue and not self.hurried
        active.remaining = deque(split_copies(staged, max(int(self.allowance), 1) if is_bounded else None))

    def _record(self, step: Transfer) -> None:
        queues = self._queues
        commands = queues.commands_for(queues.transfer)
        copies.transfer(
            self._device.vk, commands, self._objects, step, transfer_queue=queues.has_transfer_queue
        )
        self._staging[step.staging] = (queues.transfer, queues.transfer.ticket)
        ticket = queues.now()
        for number in distinct(step.buffer_copies["resource"]).tolist():
            self._in_flight.mark_used(number, ticket)
        if not queues.has_transfer_queue:
            self.allowance -= int(step.buffer_copies["size"].sum() + step.image_copies["size"].sum())

    def _targets(self, step: Transfer) -> list[Range]:
        """Return the ranges of buffers and layers of images that a transfer writes to."""
        if not self._queues.has_transfer_queue:
            return []
        found: list[Range] = []
        for made, place in ((step.buffer_copies, "offset"), (step.image_copies, "layer")):
            columns = (made[name].tolist() for name in ("resource", place, "size"))
            rows = zip(*columns, strict=True)
            found += [(self._objects.resource(number), begin, size) for number, begin, size in rows]
        return found
