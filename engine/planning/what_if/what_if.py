"""What a switch would change, were it pressed, and what the scene would take on another device.

Both are planned on a twin of the tableau, so nothing that is drawn changes. The work is done in steps between
frames: `advance` carries steps out until its time is used up. A step is the collection of needs or one plan,
the smallest pieces there are. A result is the change from what the scene wants now, be that resident, on its
way, or held; when the scene has changed, it is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from engine.plan.model.plan import Plan
from engine.plan.model.plan_change import PlanChange, plan_change
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.errors import PlanError
from engine.planning.scene import ScenePlanner
from engine.planning.what_if.twin_planner import Press, TwinPlanner
from engine.tableau import Tableau

BUDGET_MS = 2.0
"""Milliseconds of CPU time that the work may take between two frames."""


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What planning found: the change to the plan it was compared with, or the error that there is no plan.

    `longest_ms` is the CPU time of the longest step that led to it.
    """

    change: PlanChange | None
    plan: Plan | None
    error: PlanError | None = None
    longest_ms: float = 0.0


@dataclass(frozen=True, eq=False, slots=True)
class Wanted:
    """What a scene wants now: its `plan`, and the resident state `start` that its next one is made from.

    They are the same plan, unless a plan waits to be carried out.
    """

    plan: Plan
    start: Plan


class WhatIf:
    """Plans one press of switches at a time, between frames.

    `planner` returns the one whose plans are drawn, `wanted` what it has planned last, None before there is
    something. `moment` returns something else whenever that is another. Nothing is done and nothing kept
    until `press` is called.
    """

    def __init__(
        self,
        tableau: Tableau,
        planner: Callable[[], ScenePlanner],
        wanted: Callable[[], Wanted | None],
        moment: Callable[[], object],
    ) -> None:
        self._tableau = tableau
        self._planner = planner
        self._wanted = wanted
        self._moment = moment
        self._twin: TwinPlanner | None = None
        self._press: Press | None = None
        self._version: tuple[object, ...] = ()
        self._steps: Iterator[None] | None = None
        self._longest = 0.0
        self._outcome: Outcome | None = None

    def press(self, press: Press | None) -> Outcome | None:
        """Say which press is of interest, None for no more; return its outcome once `advance` has found it.

        Calling it again with the same press goes on with it, with another drops what was begun.
        """
        if press != self._press:
            self._drop()
            self._press = press
        if self._outcome is not None and self._version != self._now():
            self._drop()
        return self._outcome

    @property
    def is_working(self) -> bool:
        """Whether `advance` has something to do."""
        return self._press is not None and self._outcome is None

    def advance(self, milliseconds: float = BUDGET_MS) -> bool:
        """Work for so long (CPU time of this thread), at least one step; return whether work is left.

        Waits for the next plan while the one that is drawn is not up to date.
        """
        if not self.is_working:
            return False
        until = time.thread_time() + milliseconds / 1e3
        while True:
            begin = time.thread_time()
            if self._steps is not None and self._version != self._now():
                self._drop()
            if self._steps is None:
                wanted = None if self._planner().stale() else self._wanted()
                if wanted is None:
                    return True
                self._version, self._steps = self._now(), self._work(wanted, milliseconds)
            if next(self._steps, self) is self:
                return False
            now = time.thread_time()
            self._longest = max(self._longest, (now - begin) * 1e3)
            if now >= until:
                return True

    def close(self) -> None:
        """Drop the twin and what was found."""
        self._drop()
        self._twin, self._press = None, None

    def _now(self) -> tuple[object, ...]:
        """What a result is about: it is stale once this is another."""
        planner, tableau = self._planner(), self._tableau
        versions = tableau.structure_version, tableau.values_version, planner.size
        return planner, self._moment(), *versions, tuple(other.version for other in planner.others)

    def _drop(self) -> None:
        if self._steps is not None:
            close = getattr(self._steps, "close", None)
            if close is not None:
                close()
        self._steps, self._outcome, self._longest = None, None, 0.0

    def _work(self, wanted: Wanted, milliseconds: float) -> Iterator[None]:
        planner, press = self._planner(), self._press
        assert press is not None
        if self._twin is None or not self._twin.follows(planner):
            self._twin = TwinPlanner(self._tableau, planner)
        twin = self._twin
        yield from twin.prepared(milliseconds)
        base, start = wanted.plan, wanted.start
        if start is base and planner.shortage is None:
            with suppress(PlanError):  # the scene as it is does not fit: compared with what is drawn
                yield from twin.based_on(base)
                assert twin.base is not None
                base = start = twin.base
        try:
            yield from twin.pressed(press, replace(start, _packing=[]))
        except PlanError as error:
            self._outcome = Outcome(None, None, error, self._longest)
        else:
            assert twin.plan is not None
            self._outcome = Outcome(plan_change(base, twin.plan), twin.plan, None, self._longest)


class OtherDevice:
    """Plans the scene for another device profile, in steps as `WhatIf` does, from nothing.

    `outcome` has no change, as plans of two devices have no allocations in common: compare their numbers.
    """

    def __init__(self, tableau: Tableau, planner: ScenePlanner, profile: DeviceProfile) -> None:
        self.profile = profile
        self.outcome: Outcome | None = None
        self._longest = 0.0
        self._steps: Iterator[None] = self._work(tableau, planner)

    def advance(self, milliseconds: float = BUDGET_MS) -> bool:
        """Work for so long (CPU time), at least one step; return whether work is left."""
        until = time.thread_time() + milliseconds / 1e3
        while self.outcome is None:
            begin = time.thread_time()
            if next(self._steps, self) is self:
                break
            now = time.thread_time()
            self._longest = max(self._longest, (now - begin) * 1e3)
            if now >= until:
                break
        return self.outcome is None

    def _work(self, tableau: Tableau, planner: ScenePlanner) -> Iterator[None]:
        twin = TwinPlanner(tableau, planner, self.profile)
        try:
            yield from twin.prepared(BUDGET_MS)
            yield from twin.planned(None)
        except PlanError as error:
            self.outcome = Outcome(None, None, error, self._longest)
        else:
            self.outcome = Outcome(None, twin.plan, None, self._longest)
