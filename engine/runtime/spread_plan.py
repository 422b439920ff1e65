"""A plan that is made beside the one that is drawn, a step in each frame, so that none waits for all of it.

Frames draw what they drew until the last step, with the present values of features, and a thread makes the
pipelines that are missing. For changes that nobody waits for within a frame: assets that arrive because a
file was saved; and any change, where `RuntimeOptions.spreads`, while frames follow one another so fast that
one with a whole plan in it would be seen.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.plan.schedule.schedule import schedule_in_steps
from engine.plan.terms.in_steps import Steps

if TYPE_CHECKING:
    from engine.planning.needs import FrameNeeds
    from engine.runtime.runtime import Runtime

SHARE_MS = 0.8
"""Milliseconds of CPU time after which a frame begins no further step, where frames follow fast."""

BUSY = 0.65
"""The part of the time from frame to frame up to which the CPU may be busy with all else and with steps."""

LONGEST_S = 0.06
"""Seconds from frame to frame that count at most."""

RECENT = 16
"""Of how many times from frame to frame the lower quartile counts: longer ones may come of steps."""

BUSY_MS = 0.7
"""Milliseconds of CPU time of a frame that leaves the next step to a later one, where frames follow fast."""

QUICK_S = 0.010
"""Seconds from frame to frame below which plans are spread; in slower ones they take their place unseen."""

MOST_LEFT = 2
"""How many frames in a row may leave a step to the next."""


class SpreadPlan:
    """At most one plan that is made over several frames; any other change of the scene ends it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._is_wanted = False
        self._is_forbidden = False
        self._last = time.perf_counter()
        self._intervals: deque[float] = deque(maxlen=RECENT)
        self._ends = 0.0
        """The CPU time at which this frame begins no further step."""
        self._after = time.thread_time()
        """The CPU time at which the last frame ended, and what `between_frames` has taken since."""
        self._steps: Iterator[None] | None = None
        self._begun: tuple[object, ...] = ()
        self._left = 0
        self._is_taken = False
        self._is_waiting = False

    @property
    def is_busy(self) -> bool:
        """Whether a plan is being made, or no frame has been drawn with it yet."""
        return self._steps is not None or self._is_taken

    @property
    def until(self) -> float:
        """The CPU time until which this frame may do what need not be done within it."""
        return max(self._ends, time.thread_time() + SHARE_MS / 1e3)

    @property
    def has_time(self) -> bool:
        """Whether there is time left until the next frame for what need not be done within one."""
        return time.thread_time() < self._ends

    def want(self) -> None:
        """Spread the next plan, if the scene changes within this frame."""
        self._is_wanted = True

    def forbid(self) -> None:
        """Make the next plan within its frame: what features give now does not fit what was drawn before."""
        self._is_forbidden = True

    def begin(self) -> bool:
        """Return whether the plan is made in steps, so that the frame needs no other.

        Where the scene changes meanwhile, what was made is dropped, and the frame plans at once.
        """
        self._is_taken = False
        return self._begin(self._measure())

    def step(self, milliseconds: float) -> None:
        """Do a frame's share, after `milliseconds` of CPU time of the frame. Raises PlanError as a plan does.

        A frame that has done much else leaves it to the next.
        """
        is_left = milliseconds > BUSY_MS and self._left < MOST_LEFT and self._has_ended()
        if self._steps is not None and is_left:
            self._left += 1
        else:
            self._go_on(self.until)
        self._after = time.thread_time()

    @contextmanager
    def between_frames(self) -> Iterator[float]:
        """Give the CPU time until which the block may go on with what need not be done within a frame."""
        began = time.thread_time()
        yield self.until
        self._after += time.thread_time() - began

    def hasten(self) -> bool:
        """Go on between two frames, where there is time left; return whether anything was done.

        A plan that is wanted is begun, and the steps of its schedule are carried out.
        """
        runtime = self._runtime
        if runtime.hold.is_on or not self.has_time:
            return False
        with self.between_frames():
            left = runtime.memory.steps_left
            if left:
                runtime.advance()
                return runtime.memory.steps_left < left
            if self._is_taken or not self._can_begin() or not self._begin(False):
                return False
            self._go_on(self._ends)
            return not self._is_waiting

    def _can_begin(self) -> bool:
        """Whether a plan is made, or is wanted and can be begun now."""
        if self._steps is not None:
            return True
        is_wanted = self._is_wanted and not self._is_forbidden
        return is_wanted and self._is_at_rest() and self._runtime.planner.stale()

    def _measure(self) -> bool:
        """Find how long this frame may take; return whether the last one began a short time ago."""
        now, cpu = time.perf_counter(), time.thread_time()
        passed, self._last = now - self._last, now
        self._intervals.append(min(passed, LONGEST_S))
        usual = sorted(self._intervals)[len(self._intervals) // 4]
        self._ends = cpu if usual < QUICK_S else self._after + BUSY * usual
        return self._runtime.options.spreads and passed < QUICK_S

    def _has_ended(self) -> bool:
        """Whether this frame has no time left for steps but the least."""
        return time.thread_time() + SHARE_MS / 1e3 > self._ends

    def _begin(self, is_quick: bool) -> bool:
        """Return whether a plan is made in steps, after beginning one if it is wanted."""
        planner = self._runtime.planner
        if self._steps is None:
            is_wanted = (self._is_wanted or is_quick) and not self._is_forbidden
            self._is_wanted = self._is_forbidden = False
            if not is_wanted or not self._is_at_rest() or not planner.stale():
                return False
            self._begun, self._steps, self._left = planner.input_versions(), self._make(), 0
            self._is_waiting = False
        elif planner.input_versions() != self._begun:
            self._steps = None
            planner.mark_stale()
            return False
        return True

    def _go_on(self, until: float) -> None:
        """Do steps until a CPU time, one at least."""
        steps = self._steps
        if steps is None:
            return
        self._steps, self._left = None, 0  # a step that raises ends the attempt
        while (is_left := next(steps, steps) is not steps) and time.thread_time() < until:
            if self._is_waiting:
                break
        self._steps = steps if is_left else None
        if self._is_taken:  # half of what the next frame draws with is looked up in this one
            runtime = self._runtime
            runtime.renderer.update(runtime.timeline.submitted, runtime.planner.cubes.enabled())

    def _is_at_rest(self) -> bool:
        """Whether frames draw a plan that is carried out."""
        runtime = self._runtime
        if runtime.hold.is_on:
            return False  # the plan is shown first
        is_done = not runtime.memory.steps_left  # what goes may wait for frames in flight still
        return runtime.needs is not None and is_done and runtime.planner.knows_assets()

    def _make(self) -> Iterator[None]:
        runtime, planner = self._runtime, self._runtime.planner
        drawn = runtime.needs
        assert drawn is not None
        planner.collect()
        yield
        needs = yield from self._needs(drawn)
        yield
        runtime.pipelines.begin(runtime.renderer.unmade(needs))
        yield
        plan = planner.plan(needs, runtime.resident.snapshot())
        yield
        visibility = planner.visibility(drawn) if len(plan.staging.allocation_table) else None
        schedule = yield from schedule_in_steps(runtime.resident, plan, runtime.sources, visibility)
        yield
        while runtime.pipelines.wait(0.0):
            self._is_waiting = True
            yield
        if not self.has_time:  # then a frame does nothing else
            self._is_waiting = True
            yield
        self._is_waiting = False
        runtime.take_plan(needs, plan, schedule, visibility)
        self._is_taken = True

    def _needs(self, drawn: FrameNeeds) -> Steps[FrameNeeds]:
        """Collect the needs of the frame, and let tables draw after each step what they drew."""
        planner = self._runtime.planner
        steps = planner.needs_in_steps()
        while True:
            try:
                next(steps)
            except StopIteration as end:
                needs: FrameNeeds = end.value
                return needs
            finally:
                drawn.restore()
                self._begun = planner.input_versions()  # a feature whose code raised is switched off
            yield
