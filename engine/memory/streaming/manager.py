"""The memory manager: carries out the steps of a schedule while frames are drawn."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from engine.memory.device.addresses import LIVE_ALLOCATION, LIVE_RESOURCE, LiveTable, Location, Statistics
from engine.memory.streaming.executor import Executor
from engine.memory.streaming.transfers import UNLIMITED
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.resident.steps import (
    Acquire,
    AnyStep,
    ClearStaging,
    Publish,
    Release,
    SetWindow,
    Transfer,
)
from engine.plan.terms.vocabulary import Kind
from engine.vk.device import Device
from engine.vk.errors import DioramaInternalError, Result, TookTooLong
from engine.vk.timeline import PATIENCE_S, Timeline

SAVED_MS = 6.0  # CPU time that idle frames save at most: a short schedule then ends within a few frames
ONE_FRAME_MS = 1.0  # CPU time that one frame may spend at most
LONGEST_DEBT = 10  # frames without steps after a step that took too long, at most
LONGEST_WAIT_S = 1.0  # how long one frame may wait for cycles that were set by hand
SETTLE_MS = 200.0  # CPU time after which `settle` asks whether it should end
_PAGING = (SetWindow, Transfer, ClearStaging, Release, Acquire, Publish)


class Schedule(Protocol):
    """The schedule to carry out (engine.plan's Schedule)."""

    @property
    def plan(self) -> Plan:
        """The plan that the steps lead to."""

    @property
    def steps(self) -> Sequence[AnyStep]:
        """The steps, in order."""


class State(Protocol):
    """The model of the resident state, which follows the steps (engine.plan's Resident)."""

    def begin(self, plan: Plan) -> None:
        """Set the target plan."""

    def apply(self, step: AnyStep) -> None:
        """Apply one step that has been carried out."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of each frame streaming may use.

    At most `cycles` paging cycles per frame, and on average `milliseconds` of CPU time of the render thread:
    a step that takes longer is paid back by the frames after it, and frames without steps save some.
    `threads` read caches (one per processor, at most four), half of them while frames are drawn. `copied`
    bytes per frame are copied out of staging where frames and copies share a queue. About `published` keys
    per frame are published, as what draws with them is bound again in that frame. `direct`: write to
    host-visible buffers without staging.

    `whole_cycles`: `cycles` was set by hand. Exactly so many run per frame, which waits for threads and
    copies and may take long; `milliseconds` and `copied` limit only the other steps.

    Raises ValueError where one of them would let nothing arrive.
    """

    cycles: int = 2
    milliseconds: float = 0.4
    threads: int = min(4, os.cpu_count() or 1)
    copied: int = 16 << 20
    published: int = 2048
    direct: bool = True
    whole_cycles: bool = False

    def __post_init__(self) -> None:
        for name in ("cycles", "milliseconds", "threads", "copied", "published"):
            if not getattr(self, name) > 0:
                raise ValueError(f"a pace of {getattr(self, name)} {name} lets nothing arrive")


class MemoryManager:
    """Owns all planned device memory and takes it from plan to plan, a few steps per frame.

    `submit` replaces the schedule, at any step; `advance`, called once before each frame is recorded,
    carries out steps and never waits: where the device or a thread is not ready it returns and continues in
    the next frame. Frames draw with the addresses that `location` returns after `advance`.

    Objects that a frame may use are destroyed after its ticket on `frames` is past: the caller signals one
    value of that timeline per frame. Call it from one thread; it uses others to read caches and to allocate.

    While it is `held`, `advance` carries out only the steps that are `granted`; `settle` takes no notice.

    `advance` raises OutOfDeviceMemory (HeapFull for memory of a heap) where the device refuses memory and
    none is being freed: the step is not carried out, and a schedule that needs less may be submitted.
    """

    def __init__(
        self,
        device: Device,
        profile: DeviceProfile,
        caches: Mapping[int, Any] | None = None,
        *,
        frames: Timeline | None = None,
        pace: Pace | None = None,
        state: State | None = None,
    ) -> None:
        self.profile = profile
        self.pace = pace or Pace()
        self.state = state
        self._device = device
        self._executor = Executor(device, profile, frames, self.pace.threads, direct=self.pace.direct)
        self._executor.fills.set_caches(caches or {})
        self._objects = self._executor.objects
        self.published = self._executor.published
        self._steps: Sequence[AnyStep] = ()
        self._next = 0
        self.held = False
        self.granted = 0
        self._in_cycle: set[int] = set()  # staging buffers of transfers, not cleared yet
        self._counts: Counter[str] = self._executor.done
        self._credit = SAVED_MS / 1000  # seconds; below zero while a long step is being paid back
        self._live: tuple[tuple[int, int], LiveTable] | None = None

    @property
    def settled(self) -> bool:
        """Whether all steps are carried out and nothing waits to be destroyed."""
        return self._next == len(self._steps) and self._executor.idle

    @property
    def statistics(self) -> Statistics:
        """Counts of the work done so far."""
        return Statistics(**self._counts)

    @property
    def steps_left(self) -> int:
        """How many steps of the schedule are left."""
        return len(self._steps) - self._next

    @property
    def live_bytes(self) -> int:
        """Bytes of all VkDeviceMemory, memory that waits to be freed included."""
        return self._objects.live_bytes

    @property
    def peak_bytes(self) -> int:
        """The maximum of `live_bytes` so far."""
        return self._objects.peak_bytes

    @property
    def heap_bytes(self) -> tuple[int, ...]:
        """`live_bytes` per heap."""
        return tuple(self._objects.heap_bytes)

    @property
    def peak_heap_bytes(self) -> tuple[int, ...]:
        """The maximum of `heap_bytes` so far, per heap."""
        return tuple(self._objects.peak_heap_bytes)

    def allocated(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Ids and bytes of all VkDeviceMemory, without what waits to be freed, in no particular order."""
        rows = self._objects.allocations
        ids = np.fromiter(rows, np.int32, len(rows))
        return ids, np.fromiter((row.size for row in rows.values()), np.int64, len(rows))

    def leaving(self) -> list[tuple[int, int, int]]:
        """Id, memory type and bytes of what waits to be freed until frames that may use it are over."""
        return [(row.id, row.memory_type, row.size) for row in self._objects.leaving]

    @property
    def open_steps(self) -> Sequence[AnyStep]:
        """The steps of the schedule that are left."""
        return self._steps[self._next :]

    def limit(self, profile: DeviceProfile) -> None:
        """Use the budgets of `profile` from now on; it must describe the same device."""
        self.profile = self._executor.profile = profile

    def wait(self) -> None:
        """Wait for the threads or the device that block the next step; for loading, scripts and tests."""
        self._executor.wait(self._steps[self._next] if self.steps_left else None)

    @property
    def unreadable_keys(self) -> frozenset[int]:
        """Keys whose cache could not be read: they are not published, so their users draw the fallback."""
        return self._executor.unreadable.keys

    @property
    def cache_problems(self) -> tuple[tuple[int, str], ...]:
        """(id of the database, reason) of each unreadable cache so far, each once."""
        return tuple(self._executor.unreadable.reasons)

    def add_caches(self, caches: Mapping[int, Any]) -> None:
        """Let transfers read further caches, by the numbers of their databases."""
        self._executor.fills.add_caches(caches)

    def drop_caches(self, dbs: Iterable[int]) -> None:
        """Close caches of databases that no plan names any more; while it is settled."""
        assert self.settled
        self._executor.fills.drop_caches(dbs)

    def submit(self, schedule: Schedule, caches: Mapping[int, Any] | None = None) -> None:
        """Replace the schedule, whatever is left of the previous one.

        The new one must start from the resident state (`state`), whose target becomes its plan. `caches`
        replaces the caches that transfers read.
        """
        transfers_ownership = any(isinstance(step, Release) for step in schedule.steps)
        self._executor.set_target(schedule.plan, caches, transfers_ownership=transfers_ownership)
        if self.state is not None:
            self.state.begin(schedule.plan)
        self._steps, self._next = schedule.steps, 0

    def advance(
        self, cycles: int | None = None, milliseconds: float | None = None, *, hurry: bool = False
    ) -> bool:
        """Carry out steps until the schedule or the frame's share ends, or a step is not ready; never waits.

        `cycles` and `milliseconds` (CPU time) replace those of the pace for this call. `hurry`: no frames
        are drawn, so use all threads and the whole queue. Returns `settled`.
        """
        share = self.pace.cycles if cycles is None else cycles
        a_frame = self.pace.milliseconds / 1000
        saved, most = (max(limit / 1000, a_frame) for limit in (SAVED_MS, ONE_FRAME_MS))
        self._credit = min(max(self._credit, -LONGEST_DEBT * a_frame) + a_frame, saved)
        granted = min(self._credit, most) if milliseconds is None else milliseconds / 1000
        self._executor.collect()
        is_unbounded = hurry or self.pace.whole_cycles
        self._executor.transfers.allowance = UNLIMITED if is_unbounded else self.pace.copied
        if self._next == len(self._steps):
            self._executor.submit()
            return self.settled
        self._device.doing = f"memory steps from {self._next} of {len(self._steps)}"
        begun_at = time.thread_time()
        most_keys = UNLIMITED if is_unbounded else self.pace.published
        try:
            # While a long step is paid back, frames run no step.
            if granted > 0 or self._pages_by_hand():
                most_steps = self.granted if self.held and not hurry else len(self._steps)
                self._carry_out(share, begun_at + granted, most_keys, self._next + most_steps)
        except Exception:
            # Earlier steps have published what they recorded, so it must be submitted.
            if not self._device.lost:
                self._executor.submit()
            raise
        self._executor.submit()
        if milliseconds is None and granted > 0:
            self._credit -= time.thread_time() - begun_at
        return self.settled

    def _carry_out(self, share: int, until: float, most_keys: float, end: int) -> None:
        """Carry out steps: at most `share` cycles, and only the first step after `until` (CPU seconds).

        Ends before step `end`, and before one that would publish more than `most_keys` keys with those before
        it.
        """
        begun, first, deadline = 0, self._next, time.monotonic() + LONGEST_WAIT_S
        published = 0
        while self._next < min(end, len(self._steps)):
            step = self._steps[self._next]
            is_cycle = self._begins_cycle(step)
            is_late = self._next > first and time.thread_time() > until and not self._pages_by_hand()
            keys = len(step.keys) if isinstance(step, Publish) else 0
            is_full = published > 0 and published + keys > most_keys
            if (is_cycle and begun == share) or is_late or is_full:
                break
            if not self._executor.carry_out(step):
                self._counts["held_back"] += 1
                self._look_ahead(share)
                if begun < share and self._pages_by_hand() and time.monotonic() < deadline:
                    self._executor.submit()
                    self.wait()
                    continue
                break
            self._follow_cycle(step)
            begun += is_cycle
            published += keys
            self._next += 1
            self.granted = max(0, self.granted - 1)
            if self.state is not None:
                self.state.apply(step)
            self._counts["steps"] += 1
            self._counts["cycles"] += is_cycle
            self._look_ahead(share)

    def _pages_by_hand(self) -> bool:
        """Whether the next step is part of a paging cycle, and the number of cycles was set by hand."""
        is_left = self._next < len(self._steps)
        return self.pace.whole_cycles and is_left and isinstance(self._steps[self._next], _PAGING)

    def _look_ahead(self, share: int) -> None:
        """Have the threads start on the next transfers, unless this frame may run no cycle."""
        if share and self._next < len(self._steps):
            self._executor.look_ahead(self._steps[i] for i in range(self._next, len(self._steps)))

    def settle(self, patience_s: float = PATIENCE_S, until: Callable[[], bool] = lambda: False) -> None:
        """Carry out all steps, waiting for threads and device; for loading, scripts and tests.

        It ends early once `until` returns True, which it asks every SETTLE_MS. Raises TookTooLong where no
        step is completed for `patience_s` seconds.
        """
        left, deadline = -1, 0.0
        while not (self.advance(cycles=1 << 30, milliseconds=SETTLE_MS, hurry=True) or until()):
            now = time.monotonic()
            if self.steps_left != left:
                left, deadline = self.steps_left, now + patience_s
            elif now > deadline:
                detail = f"{left} memory steps are left, and none was completed for {patience_s:g} s"
                raise TookTooLong("vkWaitSemaphores", Result.TIMEOUT, detail)
            self.wait()

    def location(self, key: int) -> Location | None:
        """Return the address of a key, or None if it is not published (draw the fallback)."""
        return self.published.location(key)

    def part_view(self, key: int, layer: int = 0, level: int | None = None, *, array: bool = False) -> Any:
        """Return a view of one layer of a published image, or an array that begins with it.

        `layer` is counted from the key's first; the view has one mip level, or all.
        Raises DioramaInternalError where the key is no published image.
        """
        found = self.published.location(key)
        if found is None or found.kind is not Kind.IMAGE:
            raise DioramaInternalError(f"key {key:#x} is no published image")
        resource = self._objects.resource(found.resource)
        first = found.layer + layer
        return self._objects.part_view(
            resource, first, resource.layers - first if array else 1, level, array=array
        )

    def flush(self, key: int, offset: int, size: int) -> None:
        """Flush host writes to `size` bytes at `offset` of a mapped key, unless its memory is coherent."""
        found = self.published.location(key)
        if found is not None:
            self._objects.flush(self._objects.resource(found.resource), found.offset + offset, size)

    def live(self) -> LiveTable:
        """Return all live objects as columns, for the inspector; cached until the next change."""
        version = (self.published.version, self._counts["steps"])
        if self._live is None or self._live[0] != version:
            allocations = [
                (row.id, row.memory_type, row.size, row.dedicated_to >= 0, row.mapped is not None)
                for _, row in sorted(self._objects.allocations.items())
            ]
            resources = [
                (i, row.allocation_id, row.kind, row.offset, row.taken, row.usage, row.layers)
                for i, row in sorted(self._objects.resources.items())
            ]
            tables = (np.array(allocations, LIVE_ALLOCATION), np.array(resources, LIVE_RESOURCE))
            self._live = (version, LiveTable(*tables, self.published.rows()))
        return self._live[1]

    def close(self) -> None:
        """Wait for all submits and release everything, once; no frame may be in flight.

        Nothing in a forked child, where the threads that it would wait for do not exist.
        """
        if not self._device.is_disowned:
            self._executor.close()

    def _begins_cycle(self, step: AnyStep) -> bool:
        """Whether a paging cycle begins with this step: a transfer through a clear staging buffer."""
        return isinstance(step, Transfer) and step.staging not in self._in_cycle

    def _follow_cycle(self, step: AnyStep) -> None:
        if isinstance(step, Transfer):
            self._in_cycle.add(step.staging)
        elif isinstance(step, ClearStaging):
            self._in_cycle.discard(step.staging)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
