"""The models of the present plan, made once and shared by all panels of memory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from viewer.panels.memory.map.places import Places, leaving_allocations
from viewer.panels.memory.map.tiles import Tiles
from viewer.panels.memory.request_columns import RequestColumns
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.session.memory_totals import MemoryTotals
from viewer.session.session import Session

EVERY_S = 0.2
"""Seconds between two looks at what is resident, at least, while a schedule is carried out."""


@dataclass(frozen=True, eq=False)
class PlanModels:
    """A plan with its places, tiles and requests. Another object means that something has changed."""

    plan: Plan
    places: Places
    tiles: Tiles
    requests: RequestColumns

    @cached_property
    def largest(self) -> int:
        """Bytes of the largest allocation, at least 1."""
        return int(self.places.allocations["size"].max(initial=1))


class SharedModels:
    """Makes the models again after the plan, or what is resident besides it, has changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._models: PlanModels | None = None
        self._extra: NDArray[np.int32] = np.zeros(0, np.int32)
        self._overlay: ResidentOverlay | None = None
        self._totals = MemoryTotals()
        self._state: tuple[object, ...] = ()
        self._due = 0.0

    def models(self) -> PlanModels | None:
        """The models of the present plan; None before the first."""
        self._follow()
        return self._models

    def overlay(self) -> ResidentOverlay | None:
        """What is resident and in flight; None before the first plan."""
        self._follow()
        return self._overlay

    @property
    def totals(self) -> MemoryTotals:
        """The totals at the time of the overlay."""
        return self._totals

    def _follow(self) -> None:
        runtime = self._session.runtime
        plan = runtime.plan
        if plan is None:
            return
        state = (plan, runtime.memory.steps_left, runtime.memory.settled, runtime.memory.live_bytes)
        if state == self._state:
            return
        now = time.monotonic()
        is_same = self._models is not None and self._models.plan is plan
        if is_same and now < self._due and not runtime.memory.settled:
            return
        self._state, self._due = state, now + EVERY_S
        leaving = leaving_allocations(plan, runtime.resident.allocations, runtime.memory.leaving())
        staging = not runtime.memory.settled
        models = self._models
        if (
            models is None
            or not is_same
            or bool(models.places.staging.any()) != (staging and bool(len(plan.staging.allocations)))
            or not np.array_equal(leaving["id"], self._extra)
        ):
            places = Places.of(plan, leaving, staging=staging)
            requests = (
                models.requests if models is not None and is_same else RequestColumns(plan.requirements)
            )
            self._models = PlanModels(plan, places, Tiles.of(places, plan.waiting), requests)
            self._extra = leaving["id"].copy()
        assert self._models is not None
        self._overlay = ResidentOverlay.of(plan, self._models.places, runtime.resident)
        self._totals = MemoryTotals.of(plan, runtime.memory)
