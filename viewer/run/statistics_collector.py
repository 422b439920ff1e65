"""Collects the figures that panels show, the costly ones less often than every frame."""

from __future__ import annotations

import gc
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from engine.humon import Problem
from viewer.session.run_statistics import RunStatistics

if TYPE_CHECKING:
    from engine.plan.model.plan import Plan
    from engine.plan.schedule.schedule import Schedule
    from engine.runtime.frame_facts import FrameFacts
    from engine.runtime.runtime import Runtime
    from viewer.panels.history.snapshots import Snapshot

WINDOW_S = 1.0
"""Rates are means over so many seconds."""
PROBLEMS_EVERY_S = 0.5


class StatisticsCollector:
    """Averages times, computes waste once per plan, and reads the problems of the runtime twice a second."""

    def __init__(self, runtime: Runtime, scene: str) -> None:
        self._runtime = runtime
        self.scene = scene
        self._frames: deque[tuple[float, float]] = deque()  # when each was drawn, milliseconds of CPU
        self._since = time.perf_counter()
        self._waste_of: Plan | None = None
        self._waste = 0
        self._problems: tuple[Problem, ...] = ()
        self._problems_due = 0.0
        self._schedule: Schedule | None = None
        self._steps_to: Plan | None = None
        self._done = self._done_before = 0
        self._listed: tuple[Problem, ...] = ()
        self._all: tuple[Problem, ...] = ()
        self.reported: list[Problem] = []
        self.of_sources: tuple[Problem, ...] = ()
        """What is wrong now with the files that are watched."""
        self.snapshot: Snapshot | None = None
        """What the window shows instead of the scene: its memory is given in place of that of the scene."""
        self.of_editing: tuple[Problem, ...] = ()
        """What is wrong now with what is edited."""

    def note_sources(self, problems: tuple[Problem, ...]) -> None:
        """Note what is wrong now with the files that are watched.

        The scene's own problems are asked for again, so that none of a state of a file stays beside the next.
        """
        self.of_sources = problems
        self._problems_due = 0.0

    def note(self, facts: FrameFacts | None, cpu_ms: float) -> None:
        """Note one frame and the CPU time of all of it; None or a frame that was not drawn does not count."""
        if facts is not None and facts.drawn:
            self._frames.append((time.perf_counter(), cpu_ms))

    def collect(self) -> RunStatistics:
        """Return the current statistics."""
        runtime, plan = self._runtime, self._runtime.plan
        now = time.perf_counter()
        if now >= self._problems_due:
            self._problems_due = now + PROBLEMS_EVERY_S
            self._problems = runtime.problems
        if plan is not self._waste_of:
            self._waste_of, self._waste = plan, plan.waste_bytes if plan is not None else 0
        steps = self._steps()
        while self._frames and now - self._frames[0][0] > WINDOW_S:
            self._frames.popleft()
        count, shown = len(self._frames), self.snapshot
        planned, live = plan.planned_bytes if plan is not None else 0, runtime.memory.live_bytes
        if shown is not None:
            planned, live = shown.image.allocated, shown.live_bytes
        return RunStatistics(
            scene=self.scene,
            device=runtime.device.adapter.name,
            frames_per_second=count / max(min(now - self._since, WINDOW_S), 1e-3),
            cpu_ms=sum(cpu for _, cpu in self._frames) / count if count else 0.0,
            idle=not count,
            planned_bytes=planned,
            live_bytes=live,
            waste_bytes=self._waste if shown is None else 0,
            steps_done=steps - runtime.memory.steps_left,
            steps=steps,
            settled=runtime.memory.settled,
            problems=self._newest_first(),
        )

    def _newest_first(self) -> tuple[Problem, ...]:
        """Return all present problems, each once; those that were not there before come first."""
        found = (*self.reported, *self.of_editing, *self.of_sources, *self._problems)
        if found != self._all:
            self._all = found
            present, before = dict.fromkeys(found), dict.fromkeys(self._listed)
            new = [problem for problem in present if problem not in before]
            self._listed = (*new, *(problem for problem in before if problem in present))
        return self._listed

    def _steps(self) -> int:
        """Return the number of steps to the plan, including those done before the rest was reordered."""
        runtime = self._runtime
        schedule, plan = runtime.schedule, runtime.plan
        if schedule is None:
            return 0
        if schedule is not self._schedule:
            self._done_before = self._done if plan is self._steps_to else 0
            self._schedule, self._steps_to = schedule, plan
        steps = self._done_before + len(schedule.steps)
        self._done = steps - runtime.memory.steps_left
        return steps


class CollectorTimer:
    """Counts milliseconds of collections since it was last asked. Close it."""

    def __init__(self) -> None:
        self._began = 0.0
        self._ms = 0.0
        gc.callbacks.append(self._note)

    def take(self) -> float:
        """Milliseconds since the last call."""
        taken, self._ms = self._ms, 0.0
        return taken

    def close(self) -> None:
        """Count no more."""
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, _facts: dict[str, Any]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began = now
        else:
            self._ms += (now - self._began) * 1e3
