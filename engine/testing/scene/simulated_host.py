"""A scene under test on a simulated device: plan, schedule and memory for a recorded profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from engine.feature.motion import Animator
from engine.plan.placement.compaction import compact
from engine.plan.placement.page_return import PageReturn
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Allocate, AnyStep, ClearStaging, Move, Transfer
from engine.plan.schedule.schedule import Schedule, make_schedule
from engine.planning.offline import scene_problems
from engine.planning.scene import ScenePlanner
from engine.testing.scene.latest import Latest
from engine.testing.scene.memory_facts import HeapMemory, MemoryFacts
from engine.testing.scene.schedule_facts import Done, ScheduleFacts, uploads_of

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.humon import Problem
    from engine.plan.model.plan import Plan
    from engine.plan.placement.compaction import Compaction
    from engine.plan.profile.device_profile import DeviceProfile
    from engine.plan.schedule.simulation import SimulatedDevice
    from engine.planning.needs import FrameNeeds
    from engine.runtime.frame_facts import FrameFacts
    from engine.scene import Scene

PAGING_CYCLES = 2
"""How many paging cycles a frame of a simulated device runs, unless it is given another number."""


class NoPixels(RuntimeError):
    """A picture was requested of a scene that was opened for a profile: no device draws it."""


class SimulatedHost:
    """Runs schedules on the planner's model of resident memory, checking every step's preconditions.

    With `check_bytes` they run on a SimulatedDevice, which also copies every byte.
    """

    has_pixels = False
    messages: tuple[str, ...] = ()

    def __init__(
        self,
        document: Scene,
        library: AssetLibrary,
        profile: DeviceProfile,
        *,
        size: tuple[int, int],
        budget: int | None,
        paging_cycles: int | None,
        check_bytes: bool,
    ) -> None:
        self.profile = self._recorded = profile
        self.driver = profile.name
        self.frames: list[FrameFacts] = Latest()
        self.log: list[dict[str, int]] = Latest()
        self._document = document
        self._library = library
        self._planner = ScenePlanner(document.tableau, document.registry, library, profile, size)
        of = document.tableau, document.registry, library
        self._animator = Animator(*of, self._planner.guard, self._planner.morphs)
        self._sources = Sources.of(*library.ranges().T)
        self._device = _device(library) if check_bytes else None
        self._resident = Resident() if self._device is None else self._device.resident
        self._cycles_a_frame = PAGING_CYCLES if paging_cycles is None else paging_cycles
        self._plan: Plan | None = None
        self._needs: FrameNeeds | None = None
        self._schedule: Schedule | None = None
        self._next = 0
        self._page_return = PageReturn()
        self._in_cycle: set[int] = set()
        self._done: Counter[str] = Counter()
        self._peaks = [0] * len(profile.heaps)
        self._peak = 0
        self._closed = False
        if budget is not None:
            self.limit_budget(dict.fromkeys(range(len(profile.heaps)), budget))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the planned frames in pixels."""
        return self._planner.size

    def replan(self) -> tuple[Plan, bool]:
        """Plan and schedule again if their inputs have changed."""
        self._animator.update()
        if self._plan is not None and not self._planner.stale():
            return self._plan, False
        self._document.tableau.update_world()
        needs = self._planner.needs()
        plan = self._planner.plan(needs, self._resident.snapshot())
        self._take_up(plan, needs)
        return plan, True

    def draw(self) -> bool:
        """Carry out one frame's paging cycles; return whether the schedule is finished."""
        self.replan()
        plan = self._page_return.next(self._plan, settled=not self._left())
        if plan is not None and self._needs is not None:
            self._take_up(plan, self._needs)
        begun = 0
        for step in self._left():
            if isinstance(step, Transfer) and step.staging not in self._in_cycle:
                if begun == self._cycles_a_frame:
                    break
                begun += 1
                self._in_cycle.add(step.staging)
                self._done["cycles"] += 1
            elif isinstance(step, ClearStaging):
                self._in_cycle.discard(step.staging)
            self._carry_out(step)
        return not self._left()

    def settle(self, max_frames: int) -> int | None:
        """Carry out frame after frame until no steps are left."""
        for count in range(1, max_frames + 1):
            if self.draw() and not self._planner.stale():
                return count
        return None

    def pixels(self) -> NoReturn:
        """Raise NoPixels: there are none."""
        raise NoPixels(
            f"no device draws this scene: it was opened for the profile '{self.driver}'; "
            "open it without `profile` to see it"
        )

    def pick(self, x: int, y: int) -> NoReturn:
        """Raise NoPixels: there is no frame to pick in."""
        self.pixels()

    def resize(self, width: int, height: int) -> None:
        """Plan for frames of this size from now on."""
        self._planner.size = (max(1, width), max(1, height))

    def limit_budget(self, budgets: dict[int, int]) -> None:
        """Plan within these budgets from now on; an empty dict removes all limits."""
        limits = {heap: min(self._recorded.budget(heap), limit) for heap, limit in budgets.items()}
        self.profile = self._planner.profile = self._recorded.with_budgets(
            {**self._recorded.budgets, **limits}
        )

    def compaction(self, max_bytes: int, max_moves: int) -> Compaction:
        """Estimate a compaction."""
        return compact(self._resident.snapshot(), max_bytes, max_moves)

    def compact(self, max_bytes: int, max_moves: int) -> Compaction:
        """Start the compaction that `compaction` estimated."""
        found = self.compaction(max_bytes, max_moves)
        if found.moves:
            assert self._needs is not None
            self._take_up(found.plan, self._needs)
        return found

    @property
    def memory(self) -> MemoryFacts:
        """The memory that would be live and planned on the device now."""
        plan, _ = self.replan()
        live = self._resident.heap_bytes(plan)
        rows = zip(plan.heap_bytes().tolist(), live, self._peaks, self.profile.heaps, strict=True)
        heaps = tuple(
            HeapMemory(i, now, planned, peak, self.profile.budget(i), heap.size, heap.device_local)
            for i, (planned, now, peak, heap) in enumerate(rows)
        )
        return MemoryFacts(sum(live), plan.planned_bytes, self._peak, heaps, plan)

    @property
    def schedule(self) -> ScheduleFacts:
        """The current schedule, or the last one once settled."""
        assert self._schedule is not None
        return ScheduleFacts(self._schedule, tuple(self._left()), Done(**self._done))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems reported while the scene was loaded and planned."""
        return scene_problems(self._document, self._library, self._planner)

    @property
    def live_bytes(self) -> int:
        """Bytes of device memory that would be live; 0 after closing."""
        return 0 if self._closed else self._resident.live_bytes

    def objects(self) -> dict[str, int]:
        """Return how many allocations and resources exist."""
        return {"allocation": len(self._resident.allocations), "resource": len(self._resident.resources)}

    @property
    def is_open(self) -> bool:
        """Whether its caches are still open."""
        return not self._closed

    def close(self) -> None:
        """Close the caches; the simulated device needs no release."""
        self._closed = True
        self._library.close()

    def _take_up(self, plan: Plan, needs: FrameNeeds) -> None:
        self._schedule = make_schedule(self._resident, plan, self._sources, self._planner.visibility(needs))
        (self._device or self._resident).begin(plan)
        self._plan, self._needs, self._next = plan, needs, 0

    def _left(self) -> Sequence[AnyStep]:
        return () if self._schedule is None else self._schedule.steps[self._next :]

    def _carry_out(self, step: AnyStep) -> None:
        if self._device is not None:
            self._device.step(step)
        else:
            self._resident.apply(step)
        self._next += 1
        self._done["steps"] += 1
        if isinstance(step, Transfer):
            self._done["bytes_uploaded"] += int(step.sizes.sum())
            if self._plan is not None:
                self.log.append(uploads_of(self._plan, (step,)))
        elif isinstance(step, Move):
            self._done.update(moves=1, bytes_moved=int(step.sizes.sum()))
        elif isinstance(step, Allocate) and self._plan is not None:
            used = self._resident.heap_bytes(self._plan)
            self._peaks = [max(pair) for pair in zip(self._peaks, used, strict=True)]
            self._peak = max(self._peak, sum(used))


def _device(library: AssetLibrary) -> SimulatedDevice:
    from engine.plan.schedule.simulation import SimulatedDevice

    return SimulatedDevice({number: np.frombuffer(library.data(number), np.uint8) for number in library.dbs})
