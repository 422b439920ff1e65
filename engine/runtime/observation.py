"""What a runtime lets others follow: each plan that it begins to carry out, why, and when that is done."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from engine.plan.model.plan import Plan
from engine.plan.schedule.schedule import Schedule


class Cause(StrEnum):
    """Why a plan was made."""

    SCENE = "scene"  # what it is made from has changed: the scene, its size, a budget, other users of memory
    COMPACTION = "compaction"
    PAGE_RETURN = "pages returned"
    REFUSED = "memory refused"
    ROLLBACK = "rolled back"


class PlanObserver(Protocol):
    """Follows the plans of a runtime. It is called in frames, so it must be quick; nothing is without one."""

    def planned(self, frame: int, plan: Plan, schedule: Schedule, cause: Cause) -> None:
        """A frame begins to carry out a plan."""

    def settled(self, frame: int) -> None:
        """The last plan is carried out."""


class Observers:
    """The observers of a runtime, called in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[PlanObserver] = []
        self._is_settled = True

    def add(self, observer: PlanObserver) -> None:
        """Have an observer called from now on."""
        self._all.append(observer)

    def remove(self, observer: PlanObserver) -> None:
        """Call an observer no more."""
        self._all.remove(observer)

    def planned(self, frame: int, plan: Plan, schedule: Schedule, cause: Cause) -> None:
        """Report a plan."""
        self._is_settled = False
        for observer in self._all:
            observer.planned(frame, plan, schedule, cause)

    def settled(self, frame: int) -> None:
        """Report that the last plan is carried out, once."""
        if not self._is_settled:
            self._is_settled = True
            for observer in self._all:
                observer.settled(frame)
