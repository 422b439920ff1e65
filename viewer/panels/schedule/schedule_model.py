"""The schedule of a runtime as columns: steps, databases with their windows and staging, bytes per second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan_change import PlanChange, plan_change
from engine.plan.resident.steps import Transfer
from engine.plan.schedule.schedule import Schedule
from engine.plan.terms.table import distinct
from viewer.panels.plans.last_plans import LastPlans
from viewer.panels.schedule.step_texts import StepText, step_text

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime

SAMPLE_S = 0.1
"""Seconds between two samples of the bytes per second."""
SAMPLES = 120


@dataclass(frozen=True, slots=True)
class DatabaseRow:
    """What is streamed from one database; all in bytes.

    `window` is (offset, size) of the part of its cache that is read ahead, None without one. `staged` lies in
    staging buffers now; `done` of `total` are on the way or there, of the present schedule.
    """

    name: str
    cache: int
    window: tuple[int, int] | None
    staged: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StagingRow:
    """One staging buffer: its resource, its size and what of it is in use, in bytes."""

    resource: int
    size: int
    used: int


class ScheduleModel:
    """Reads the state of one runtime; `refresh` once a frame in which the panel is drawn.

    `steps` are those of `schedule`, the first `done` of which are carried out. While a plan waits, they are
    those that would be carried out, and `change` is what the plan would change.
    """

    def __init__(self, runtime: Runtime, plans: LastPlans) -> None:
        """`plans` has what was planned before: there is what a schedule takes away."""
        self._runtime = runtime
        self._plans = plans
        self.schedule: Schedule | None = None
        self.is_waiting = False
        self.change: PlanChange | None = None
        self.done = 0
        self.rates = np.zeros(SAMPLES, np.float64)
        """Bytes per second, the newest last."""
        self._samples: deque[tuple[float, int]] = deque(maxlen=11)
        self._texts: dict[int, StepText] = {}
        self._of_db: dict[int, NDArray[np.int64]] = {}
        self._caches: tuple[int, dict[int, int]] = -1, {}

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(self.schedule.steps) if self.schedule is not None else 0

    @property
    def rate(self) -> float:
        """Bytes per second over the last second."""
        if len(self._samples) < 2:
            return 0.0
        (first, before), (last, now) = self._samples[0], self._samples[-1]
        return (now - before) / max(last - first, 1e-9)

    def refresh(self, now: float) -> None:
        """Read the present state; `now` is the time in seconds."""
        runtime = self._runtime
        waiting = runtime.hold.waiting
        schedule = waiting.schedule if waiting is not None else runtime.schedule
        if schedule is not self.schedule:
            self.schedule = schedule
            self._texts.clear()  # also of those that were made while the plan waited
            self._of_db = {} if schedule is None else _transferred(schedule)
            self.change = None
            if waiting is not None and runtime.plan is not None:
                self.change = plan_change(runtime.plan, waiting.plan)
        self.is_waiting = waiting is not None
        self.done = 0 if self.is_waiting else self.steps - runtime.memory.steps_left
        self._sample(now)

    def text(self, number: int) -> StepText:
        """The text of a step, by its number."""
        assert self.schedule is not None
        found = self._texts.get(number)
        if found is None:
            if len(self._texts) > 4096:
                self._texts.clear()
            plan = self.schedule.plan
            before = self._runtime.plan if self.is_waiting else self._plans.before
            found = self._texts[number] = step_text(plan, self.schedule.steps[number], before)
        return found

    def databases(self) -> list[DatabaseRow]:
        """The databases that have a window or are read by the schedule."""
        runtime, caches = self._runtime, self._cache_sizes()
        windows, staged = runtime.resident.windows, self._staged()
        found = []
        for db in sorted({*windows, *self._of_db, *staged}):
            window = windows.get(db)
            sums = self._of_db.get(db)
            found.append(
                DatabaseRow(
                    runtime.planner.keys.database(db),
                    caches.get(db, 0),
                    None if window is None else (window.offset, window.size),
                    staged.get(db, 0),
                    0 if sums is None else int(sums[self.done]),
                    0 if sums is None else int(sums[-1]),
                )
            )
        return found

    def staging(self) -> list[StagingRow]:
        """The staging buffers that there are now."""
        resident = self._runtime.resident
        found = []
        for ident in sorted(resident.staging_ids()) if resident.target is not None else ():
            flight = resident.in_flight.get(ident)
            used = 0 if flight is None else sum(int(sizes.sum()) for _, _, sizes in flight.transfers)
            found.append(StagingRow(ident, int(resident.resources[ident]["bytes"]), used))
        return found

    def _staged(self) -> dict[int, int]:
        """Bytes in staging buffers by database."""
        sums: dict[int, int] = {}
        for flight in self._runtime.resident.in_flight.values():
            for rows, at, sizes in flight.transfers:
                of = rows["key"][at] >> 32
                for db in distinct(of).tolist():
                    sums[db] = sums.get(db, 0) + int(sizes[of == db].sum())
        return sums

    def _cache_sizes(self) -> dict[int, int]:
        library = self._runtime.library
        version, sizes = self._caches
        if version != library.version:
            ranges = library.ranges()
            sizes = {}
            for db in distinct(ranges[:, 1]).tolist():
                mine = ranges[ranges[:, 1] == db]
                sizes[db] = int((mine[:, 2] + mine[:, 3]).max())
            self._caches = library.version, sizes
        return sizes

    def _sample(self, now: float) -> None:
        uploaded = self._runtime.memory.statistics.bytes_uploaded
        if not self._samples:
            self._samples.append((now, uploaded))
            return
        last, before = self._samples[-1]
        if uploaded < before:  # another memory manager, after a device was lost
            self._samples.clear()
        elif now - last >= SAMPLE_S:
            missed = min(SAMPLES, max(1, int((now - last) / SAMPLE_S)))
            self.rates = np.concatenate(
                [self.rates[missed:], np.full(missed, (uploaded - before) / (now - last))]
            )
            self._samples.append((now, uploaded))


def _transferred(schedule: Schedule) -> dict[int, NDArray[np.int64]]:
    """For each database the bytes that are transferred by the first n steps, int64[steps + 1]."""
    sums: dict[int, NDArray[np.int64]] = {}
    for number, step in enumerate(schedule.steps):
        if isinstance(step, Transfer):
            if step.db not in sums:
                sums[step.db] = np.zeros(len(schedule.steps) + 1, np.int64)
            sums[step.db][number + 1] += int(step.sizes.sum())
    return {db: np.cumsum(column) for db, column in sums.items()}
