"""Command buffers of one queue for memory work, and the timeline that their submits signal."""

from __future__ import annotations

from typing import Any

from engine.plan.terms.vocabulary import Stage
from engine.vk.device import Device, Queue
from engine.vk.pool import CommandPool
from engine.vk.timeline import Timeline

_ALL = Stage.ALL_COMMANDS


class Recorder:
    """Records into command buffers that are reused once the device has completed them.

    Every submit signals `timeline`; its values are the tickets to wait for.
    """

    def __init__(self, device: Device, queue: Queue, name: str) -> None:
        self.queue = queue
        self._device = device
        self.timeline = Timeline(device, f"{name} timeline", why="memory manager")
        try:
            self._pool = CommandPool(device, queue, f"{name} commands", why="memory manager")
        except BaseException:
            self.timeline.close()
            raise
        self._name = name
        self._free: list[Any] = []
        self._pending: list[tuple[int, Any]] = []
        self._current: Any = None
        self._is_ended = False
        self._waits: dict[Any, int] = {}

    @property
    def recording(self) -> bool:
        """Whether there are commands that are not submitted yet."""
        return self._current is not None

    @property
    def ticket(self) -> int:
        """The timeline value that is reached when everything recorded so far has completed."""
        return self.timeline.submitted + (1 if self.recording else 0)

    def commands(self) -> Any:
        """Return the command buffer that is recording; begins one if there is none."""
        if self._is_ended:  # its submit has failed, so it is submitted again first
            self.submit()
        if self._current is None:
            completed = self.timeline.completed()
            while self._pending and self._pending[0][0] <= completed:
                self._free.append(self._pending.pop(0)[1])
            buffer = self._free.pop() if self._free else self._pool.allocate(self._name)
            self._current = self._pool.begin(buffer)
        return self._current

    def wait_for(self, timeline: Timeline, value: int) -> None:
        """Make the next submit wait on the device until `timeline` reaches `value`."""
        if value > self._waits.get(timeline.handle, 0):
            self._waits[timeline.handle] = value

    def submit(self) -> int:
        """Submit what was recorded, if anything, and return the ticket of the last submit."""
        if self._current is None:
            return self.timeline.submitted
        if not self._is_ended:
            self._pool.end(self._current)
            self._is_ended = True
        value = self.timeline.submitted + 1
        waits = [(semaphore, reached, _ALL) for semaphore, reached in self._waits.items()]
        signals = [self.timeline.signal(value, _ALL)]
        self._device.submit(self.queue, [self._current], waits=waits, signals=signals)
        self._waits.clear()
        self.timeline.next()
        self._pending.append((value, self._current))
        self._current, self._is_ended = None, False
        return value

    def drain(self) -> None:
        """Wait until everything submitted has completed; for closing, and after failures."""
        self.timeline.drain()

    def close(self) -> None:
        """Drop what was not submitted, then destroy pool and timeline; no submit may be pending."""
        self._current = None
        self._pool.close()
        self.timeline.close()
