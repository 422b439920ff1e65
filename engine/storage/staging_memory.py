"""StagingMemoryManager: bounded space for uploads and downloads, freed in resource sets (seed 001).

Updators and downloads schedule copies from any thread. The render thread sends them: `submit` records and
submits them by itself, `record` writes them into a command buffer of the caller's. Their ranges join
the current resource set; `finalize_resource_set` ends that set and begins the next. Releasing a set frees
its ranges: by its id, or automatically once a fence or a ticket is over.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any, Protocol

from engine.memory.commands.deletion_queue import Ticket
from engine.memory.commands.recorder import Recorder
from engine.memory.device.problems import DoubleFree, StagingFull, UseAfterClose
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.policy import MIB
from engine.plan.terms.vocabulary import BufferUsage
from engine.storage.allocators.interface import MemoryAllocator, MemoryMapping
from engine.storage.staging_area import Span, StagingArea
from engine.storage.uploads import TARGET_CLOSED, Copy, Upload, record_copies
from engine.vk.device import Device
from engine.vk.errors import Result

_LOOK_AGAIN_S = 0.02  # finalizers cannot wake a waiting thread


class Completion(Protocol):
    """The end of device work: a Ticket or a FenceTicket."""

    def past(self) -> bool:
        """Whether it is over; never waits."""

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait for it; False after `timeout_s` seconds."""


class FenceTicket:
    """Completion by a VkFence; its creator resets and destroys it."""

    def __init__(self, device: Device, fence: Any) -> None:
        self._device = device
        self._fence = fence

    def past(self) -> bool:
        """Whether the fence is signalled."""
        answer = self._device.call(
            "vkGetFenceStatus", self._device.handle, self._fence, allow=(Result.NOT_READY,)
        )
        return answer is Result.SUCCESS

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until it is signalled; False after `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while not self.past():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0005)
        return True


class StagingMemoryManager:
    """Owns one buffer for uploads and one for downloads, each made on first use, of fixed size.

    Any thread may allocate. Without room, `take` waits until other threads free ranges; the render thread
    (the one that made this) submits the scheduled copies and waits for the device itself.

    Parameters
    ----------
    upload_bytes, download_bytes : int
        Largest size of each buffer; on a small heap a sixteenth of it.
    """

    def __init__(
        self,
        device: Device,
        profile: DeviceProfile,
        allocator: MemoryAllocator,
        *,
        upload_bytes: int = 64 * MIB,
        download_bytes: int = 16 * MIB,
        name: str = "staging",
    ) -> None:
        self.profile = profile
        self.name = name
        self._device = device
        self._changed = threading.Condition()
        self._render_thread = threading.get_ident()
        most = max(heap.size for heap in profile.heaps) // 16
        atom = profile.limits.non_coherent_atom_size
        writing, reading = MemoryMapping.HOST_ACCESS_SEQUENTIAL_WRITE, MemoryMapping.HOST_ACCESS_RANDOM
        up, down = BufferUsage.TRANSFER_SRC, BufferUsage.TRANSFER_DST
        size = min(upload_bytes, most)
        self.uploads = StagingArea(allocator, size, up, writing, atom, f"{name} uploads")
        size = min(download_bytes, most)
        self.downloads = StagingArea(allocator, size, down, reading, atom, f"{name} downloads")
        self._recorder = Recorder(device, device.graphics, name)
        self._scheduled: list[Copy] = []
        self._current: list[Span] = []
        self._set = 1
        self._sets: dict[int, tuple[list[Span], Completion | None]] = {}
        self._is_closed = False
        self.recorded = 0

    @property
    def timeline(self) -> Any:
        """The timeline of what `submit` sends."""
        return self._recorder.timeline

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    def check_open(self, doing: str) -> None:
        """Raise UseAfterClose where it is closed."""
        if self._is_closed:
            raise UseAfterClose(self.name, f"{doing}, and it is closed")

    @property
    def scheduled(self) -> int:
        """How many copies wait to be recorded."""
        return len(self._scheduled)

    def is_released(self, set_id: int) -> bool:
        """Whether a set was finalized and has been released: its copies are over."""
        return set_id < self._set and set_id not in self._sets

    def take(self, area: StagingArea, size: int, alignment: int, name: str, timeout_s: float = 10.0) -> Span:
        """Allocate a range for `name`; waits at most `timeout_s`. Raises StagingFull: retry later."""
        if size > area.capacity:
            raise StagingFull(name, f"{size} bytes, and all of '{area.name}' is {area.capacity}")
        deadline = time.monotonic() + timeout_s
        while True:
            with self._changed:
                self.check_open(f"{name} asks for staging")
                found = area.take(size, alignment)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    used = f"{area.used} of {area.capacity} bytes of '{area.name}' are in use"
                    raise StagingFull(name, f"{size} bytes find no room: {used}")
                if threading.get_ident() != self._render_thread or not self._in_flight():
                    self._changed.wait(min(left, _LOOK_AGAIN_S))
                    continue
            self._wait_for_staging(left)

    def schedule(self, copy: Copy) -> None:
        """Queue a copy for the next `submit` or `record`; from any thread."""
        with self._changed:
            self.check_open("a copy is scheduled")
            self._scheduled.append(copy)

    def record(self, commands: Any) -> int:
        """Record everything scheduled into `commands` and return how many copies; render thread.

        They join the current resource set: finalize it, and release it when the submit is over.
        """
        with self._changed:
            copies, self._scheduled = self._scheduled, []
            wanted = [copy for copy in copies if not copy.target.is_closed]
            for copy in copies:
                copy.set_id = TARGET_CLOSED if copy.target.is_closed else self._set
                if isinstance(copy, Upload):
                    self._current.append(copy.span)  # a download keeps its own until it was read
        record_copies(self._device.vk, commands, wanted)
        self.recorded += len(wanted)
        return len(wanted)

    def submit(self) -> Ticket:
        """Record and submit everything scheduled; its set is released by `collect` once it is over."""
        self.collect()
        is_needed = bool(self._scheduled) or self._recorder.recording
        if is_needed:
            self.record(self._recorder.commands())
            self._recorder.submit()
        ticket = Ticket.now([self._recorder.timeline])
        if is_needed:
            self.finalize_resource_set(ticket)
        return ticket

    def finalize_resource_set(self, until: Completion | None = None) -> int:
        """End the current set and return its id; `collect` releases it once `until` is over."""
        with self._changed:
            done, self._current = self._current, []
            set_id, self._set = self._set, self._set + 1
            self._sets[set_id] = (done, until)
        return set_id

    def release_resource_set(self, set_id: int) -> None:
        """Free a set's ranges; its copies must be over. Raises DoubleFree for a released set."""
        with self._changed:
            if set_id not in self._sets:
                raise DoubleFree(f"resource set {set_id}", "it was released before, or never finalized")
            for span in self._sets.pop(set_id)[0]:
                span.area.give(span.offset, span.taken)
            self._changed.notify_all()

    def collect(self) -> int:
        """Release the sets whose fence or ticket is over and return how many; never waits."""
        due = [set_id for set_id, row in self._sets.items() if row[1] is not None and row[1].past()]
        for set_id in due:
            self.release_resource_set(set_id)
        return len(due)

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Submit all copies and wait for them, to load and read back; False after `timeout_s`."""
        done = self.submit().wait(timeout_s)
        self.collect()
        return done

    def give(self, span: Span) -> None:
        """Free a range that no copy uses; from any thread."""
        with self._changed:
            span.is_handed_over = True
            span.area.give(span.offset, span.taken)
            self._changed.notify_all()

    def give_after(self, span: Span, copy: Copy) -> None:
        """Free a download's range now, or with its resource set while the copy may be in flight."""
        with self._changed:
            if copy in self._scheduled:
                self._scheduled.remove(copy)
            elif copy.set_id != TARGET_CLOSED and not self.is_released(copy.set_id):
                span.is_handed_over = True
                set_id = copy.set_id
                (self._current if set_id == self._set else self._sets[set_id][0]).append(span)
                return
        if not self._is_closed:
            self.give(span)

    def close(self) -> None:
        """Wait for what was submitted and free both buffers, once; what is still scheduled is dropped."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            dropped, self._scheduled = self._scheduled, []
        for copy in dropped:
            copy.span.is_handed_over = True
        with ExitStack() as rest:  # a failure does not skip the rest
            rest.callback(self._recorder.close)
            rest.callback(self.downloads.close)
            rest.callback(self.uploads.close)
            self._recorder.drain()

    def _in_flight(self) -> bool:
        """Whether submitting and waiting can free ranges."""
        return bool(self._scheduled) or any(until is not None for _spans, until in self._sets.values())

    def _wait_for_staging(self, timeout_s: float) -> None:
        self.submit()
        until = next((until for _spans, until in self._sets.values() if until is not None), None)
        if until is not None:
            until.wait(timeout_s)
        self.collect()
