"""Carries transfers out: threads fill staging, or the buffers themselves, and what is staged is recorded."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

import numpy as np

from engine.memory import copies
from engine.memory.caches import Target
from engine.memory.direct import Work, part, portions, reached
from engine.memory.fills import Fills, Part
from engine.memory.lost import Lost
from engine.memory.objects import LiveResource, Objects
from engine.memory.queues import Queues, Range
from engine.memory.recorder import Recorder
from engine.memory.resting import Resting
from engine.plan.steps import Transfer
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError

UNLIMITED = float("inf")


class Transfers:
    """One transfer at a time is filled; the copies of those before it run meanwhile.

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
        resting: Resting,
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
        self._resting = resting
        self.lost = lost
        self._make_staging = make_staging
        self._direct = direct
        self._far = objects.profile.device_type != "cpu"
        self._step: Transfer | None = None
        self._work: Work | None = None
        self._portions: deque[Transfer] | None = None
        self._abandoned = False
        self._staging: dict[int, tuple[Recorder, int]] = {}

    @property
    def idle(self) -> bool:
        """Whether no transfer is under way."""
        return self._step is None

    @property
    def blocked(self) -> bool:
        """Whether threads still write for a transfer that was given up."""
        return self._abandoned

    def is_direct(self, resource: LiveResource) -> bool:
        """Whether the bytes of this resource come without staging."""
        return self._direct and self._objects.is_writable(resource)

    def abandon(self) -> None:
        """Give up the transfer that is under way: nothing goes on before its threads are done."""
        self._abandoned = self._step is not None

    def collect(self) -> None:
        """Let go of a transfer that was given up, once its threads are done."""
        if self._abandoned and not self._fills.busy:
            self._fills.forget()
            self._end()
            self._abandoned = False

    def transfer(self, step: Transfer, done: Counter[str]) -> bool:
        """Carry a transfer out as far as it goes; True once all of it is recorded or written."""
        if self._step is None and not self._begin(step):
            return False
        if self._portions is None:
            if self._fills.busy:
                return False
            self._finish(step, done)
        assert self._portions is not None
        while self._portions:
            if self.allowance <= 0:
                return False
            self._record(self._portions.popleft())
        self._end()
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
        """Wait for threads and for the copies out of staging; for loading and tests."""
        self._fills.wait()
        for recorder, ticket in self._staging.values():
            recorder.timeline.wait(ticket)

    def _begin(self, step: Transfer) -> bool:
        """Have the threads start, unless the device still uses what they would write to."""
        work = part(step, self._writable(step))
        parts: list[Part] = []
        for number, reads in work.written:
            order = np.argsort(reads["staging_offset"])
            begin, size = reads["staging_offset"][order], reads["size"][order]
            if not self._resting.is_free(number, begin, begin + size):
                return False
            into = self._objects.host_bytes(self._objects.resource(number))
            parts.append((reads, Target(into, self._far)))
        if len(work.staged.reads):
            if not self._make_staging(step.staging):
                return False
            mapped = self._objects.resource(step.staging).mapped
            if mapped is None:
                raise DioramaInternalError(f"staging buffer {step.staging} is not mapped")
            parts.append((work.staged.reads, Target(mapped)))
        self._fills.start(step.db, parts, gently=self.allowance != UNLIMITED)
        self._step, self._work = step, work
        return True

    def _writable(self, step: Transfer) -> list[int]:
        """Targets of a transfer that the host can write to."""
        targets = np.unique(step.buffer_copies["resource"]).tolist()
        return [number for number in targets if self.is_direct(self._objects.resource(number))]

    def _finish(self, step: Transfer, done: Counter[str]) -> None:
        """Make what the threads have written known to the device, and get ready to record the rest."""
        work = self._work
        assert work is not None
        try:
            unreadable = self._fills.finish()
        except BaseException:
            self._end()
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
            self._portions = deque()
            return
        self._queues.reclaim(self._targets(staged))
        is_bounded = not self._queues.separate and self.allowance != UNLIMITED
        self._portions = deque(portions(staged, max(int(self.allowance), 1) if is_bounded else None))

    def _record(self, step: Transfer) -> None:
        queues = self._queues
        commands = queues.on(queues.copier)
        copies.transfer(self._device.vk, commands, self._objects, step, foreign=queues.separate)
        self._staging[step.staging] = (queues.copier, queues.copier.ticket)
        ticket = queues.now()
        for number in np.unique(step.buffer_copies["resource"]).tolist():
            self._resting.touch(number, ticket)
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

    def _end(self) -> None:
        self._step = self._work = self._portions = None
