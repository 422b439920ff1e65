"""Carries transfers out: threads fill staging, or the buffers themselves, and what is staged is recorded."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from engine.memory.commands import copies
from engine.memory.commands.queues import Queues, Range
from engine.memory.commands.recorder import Recorder
from engine.memory.device.objects import LiveResource, Objects
from engine.memory.streaming.direct_writes import Work, part, portions, reached
from engine.memory.streaming.fills import Fill, Fills, Part
from engine.memory.streaming.in_flight_ranges import InFlightRanges
from engine.memory.streaming.unreadable_assets import Lost
from engine.plan.resident.steps import Acquire, AnyStep, ClearStaging, Publish, Release, SetWindow, Transfer
from engine.plan.terms.table import distinct
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError, OutOfDeviceMemory

UNLIMITED = float("inf")
WAIT_S = 1.0  # how long `wait` waits: who calls it looks again, and gives up some time
AHEAD = 2  # transfers that are being filled at once: one for each staging buffer


@dataclass(slots=True, eq=False)
class _Begun:
    """A transfer whose filling has begun; `portions` are its copies still to be recorded, once it is over."""

    step: Transfer
    work: Work
    fill: Fill
    portions: deque[Transfer] | None = None


class Transfers:
    """Transfers are filled in their order, some of them ahead, and recorded one by one.

    `allowance` is how many bytes may still be recorded now on a queue that frames are drawn on too, UNLIMITED
    where there are no frames to be kept from hitching;
    `direct` says whether host-visible buffers are written without staging.
    """

    def __init__(
        self,
        device: Device,
        objects: Objects,
        queues: Queues,
        fills: Fills,
        in_flight: InFlightRanges,
        lost: Lost,
        make_staging: Callable[[int], bool],
        *,
        direct: bool,
    ) -> None:
        self.allowance: float = UNLIMITED
        self._device = device
        self._objects = objects
        self._queues = queues
        self._fills = fills
        self._in_flight = in_flight
        self.lost = lost
        self._make_staging = make_staging
        self._direct = direct
        self._begun: deque[_Begun] = deque()
        self._abandoned: list[Fill] = []
        self._staging: dict[int, tuple[Recorder, int]] = {}

    @property
    def hurried(self) -> bool:
        """Whether no frames are drawn meanwhile."""
        return self.allowance == UNLIMITED

    @property
    def idle(self) -> bool:
        """Whether no transfer is under way."""
        return not self._begun and not self.blocked

    @property
    def blocked(self) -> bool:
        """Whether threads still write for a transfer that was given up."""
        self._abandoned = [fill for fill in self._abandoned if not fill.done]
        return bool(self._abandoned)

    def is_direct(self, resource: LiveResource) -> bool:
        """Whether the bytes of this resource come without staging."""
        return self._direct and self._objects.is_writable(resource)

    def abandon(self) -> None:
        """Give up the transfers that are under way."""
        self._abandoned += [begun.fill for begun in self._begun]
        self._begun.clear()

    def look_ahead(self, steps: Iterable[AnyStep]) -> None:
        """Have the threads go on with the next transfers of `steps`, whose first is the next step."""
        if len(self._begun) == AHEAD:
            return
        for step in steps:
            if isinstance(step, Transfer):
                if not any(row.step is step for row in self._begun) and not self._begin_ahead(step):
                    return
            elif isinstance(step, ClearStaging):
                is_filled = any(row.step.staging == step.staging for row in self._begun)
                if is_filled or not self.is_clear(step.staging):
                    return
            elif not isinstance(step, SetWindow | Release | Acquire | Publish):
                return

    def transfer(self, step: Transfer, done: Counter[str]) -> bool:
        """Carry a transfer out as far as it goes; True once all of it is recorded or written."""
        if not self._begun and not self._begin(step):
            return False
        begun = self._begun[0]
        if begun.step is not step:
            raise DioramaInternalError("transfers are carried out in their order")
        if begun.portions is None:
            if not begun.fill.done:
                return False
            self._finish(begun, done)
        assert begun.portions is not None
        while begun.portions:
            if self.allowance <= 0:
                return False
            self._record(begun.portions[0])  # which may fail, and then it is still to come
            begun.portions.popleft()
        self._begun.popleft()
        done.update(transfers=1, bytes_uploaded=int(step.sizes.sum()))
        return True

    def is_clear(self, staging: int) -> bool:
        """Whether all copies out of a staging buffer are complete."""
        row = self._staging.get(staging)
        return row is None or row[0].timeline.completed() >= row[1]

    def forget(self, staging: int) -> None:
        """Let go of a staging buffer that is to be destroyed."""
        self._staging.pop(staging, None)

    def wait(self) -> None:
        """Wait a while for something to do: staging to go on with, or a transfer that has been filled."""
        for fill in self._abandoned:
            fill.wait(WAIT_S)
        under_way = [row for row in self._staging.values() if row[0].timeline.completed() < row[1]]
        if len(self._begun) < AHEAD and under_way:
            recorder, ticket = min(under_way, key=lambda row: row[1])
            recorder.timeline.wait(ticket, WAIT_S)
        elif self._begun:
            self._begun[0].fill.wait(WAIT_S)

    def wait_clear(self, staging: int) -> None:
        """Wait for the copies out of a staging buffer."""
        row = self._staging.get(staging)
        if row is not None:
            row[0].timeline.wait(row[1])

    def _begin_ahead(self, step: Transfer) -> bool:
        try:
            return len(self._begun) < AHEAD and self._begin(step)
        except OutOfDeviceMemory:
            return False  # of its staging: what is before this step may free some, else its turn tells

    def _begin(self, step: Transfer) -> bool:
        """Have the threads start, unless the device still uses what they would write to."""
        work = part(step, self._writable(step))
        parts: list[Part] = []
        for number, reads in work.written:
            order = np.argsort(reads["staging_offset"])
            begin, size = reads["staging_offset"][order], reads["size"][order]
            if not self._in_flight.is_free(number, begin, begin + size):
                return False
            parts.append((reads, self._objects.host_bytes(self._objects.resource(number))))
        if len(work.staged.reads):
            if not self._make_staging(step.staging):
                return False
            mapped = self._objects.resource(step.staging).mapped
            if mapped is None:
                raise DioramaInternalError(f"staging buffer {step.staging} is not mapped")
            parts.append((work.staged.reads, mapped))
        fill = self._fills.start(step.db, parts, gently=not self.hurried)
        self._begun.append(_Begun(step, work, fill))
        return True

    def _writable(self, step: Transfer) -> list[int]:
        """Targets of a transfer that the host can write to."""
        targets = distinct(step.buffer_copies["resource"]).tolist()
        return [number for number in targets if self.is_direct(self._objects.resource(number))]

    def _finish(self, begun: _Begun, done: Counter[str]) -> None:
        """Make what the threads have written known to the device, and get ready to record the rest."""
        step, work = begun.step, begun.work
        try:
            unreadable = begun.fill.finish()
        except BaseException:
            self._begun.popleft()
            raise
        for problem in unreadable:
            self.lost.add(problem, step.keys, reached(work, problem.begin, problem.end))
        reads = work.staged.reads
        if len(reads):
            begin = int(reads["staging_offset"].min())
            end = int((reads["staging_offset"] + reads["size"]).max())
            self._objects.flush(self._objects.resource(step.staging), begin, end - begin)
        done.update(bytes_direct=sum(int(reads["size"].sum()) for _number, reads in work.written))
        staged = work.staged
        if not len(staged.buffer_copies) and not len(staged.image_copies):
            begun.portions = deque()
            return
        self._queues.reclaim(self._targets(staged))
        is_bounded = not self._queues.separate and not self.hurried
        begun.portions = deque(portions(staged, max(int(self.allowance), 1) if is_bounded else None))

    def _record(self, step: Transfer) -> None:
        queues = self._queues
        commands = queues.on(queues.copier)
        copies.transfer(self._device.vk, commands, self._objects, step, foreign=queues.separate)
        self._staging[step.staging] = (queues.copier, queues.copier.ticket)
        ticket = queues.now()
        for number in distinct(step.buffer_copies["resource"]).tolist():
            self._in_flight.touch(number, ticket)
        if not queues.separate:
            self.allowance -= int(step.buffer_copies["size"].sum() + step.image_copies["size"].sum())

    def _targets(self, step: Transfer) -> list[Range]:
        """What a transfer writes to: ranges of buffers, layers of images."""
        if not self._queues.separate:
            return []
        found: list[Range] = []
        for made, place in ((step.buffer_copies, "offset"), (step.image_copies, "layer")):
            columns = (made[name].tolist() for name in ("resource", place, "size"))
            rows = zip(*columns, strict=True)
            found += [(self._objects.resource(number), begin, size) for number, begin, size in rows]
        return found
