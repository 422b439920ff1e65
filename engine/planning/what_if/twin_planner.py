"""A twin of the tableau and a planner of it, on which switches are pressed that nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.planning.scene import ScenePlanner
from engine.tableau import Tableau
from engine.tableau.editing.twin import Twin


@dataclass(frozen=True, slots=True)
class Press:
    """Switches that are pressed together: a flag of objects, or of a feature of objects, and its new value.

    `feature` is empty for the objects' own flag. `objects` are rows of the tableau; none means the tableau's
    own flag.
    """

    flag: str
    value: bool
    objects: tuple[int, ...] = ()
    feature: str = ""

    def apply(self, tableau: Tableau) -> None:
        """Press the switches."""
        if not self.objects:
            setattr(tableau, self.flag, self.value)
            return
        rows = np.array(self.objects, np.int32)
        if self.feature:
            table = tableau.tables[self.feature]
            table.set_flag(self.flag, table.rows_of(rows), self.value)
        else:
            tableau.set_flag(self.flag, rows, self.value)

    def reverse(self, tableau: Tableau) -> Callable[[], None]:
        """A function that puts the switches back as they are now."""
        if not self.objects:
            was = bool(getattr(tableau, self.flag))
            return lambda: setattr(tableau, self.flag, was)
        rows = np.array(self.objects, np.int32)
        if not self.feature:
            before = tableau.flags(self.flag)[rows].copy()
            return lambda: tableau.set_flag(self.flag, rows, before)
        table = tableau.tables[self.feature]
        of = table.rows_of(rows)
        before, failed = table.flags(self.flag)[of].copy(), of[table.flags("failed")[of]]

        def back() -> None:
            table.set_flag(self.flag, of, before)
            if len(failed):
                table.switch_off(failed)

        return back


class TwinPlanner:
    """A twin of the tableau and a planner of it."""

    def __init__(self, source: Tableau, planner: ScenePlanner, profile: DeviceProfile | None = None) -> None:
        self._of = planner
        self._profile = profile
        self._twin = Twin(source)
        self._planner = planner.twin(self._twin.tableau, profile)
        self._based_on: tuple[Plan, tuple[int, int]] | None = None
        self._base: Plan | None = None
        self.plan: Plan | None = None

    def follows(self, planner: ScenePlanner) -> bool:
        """Bring the twin up to date; False where another one must be made."""
        if planner is not self._of or not self._twin.follow():
            return False
        self._planner.follow(planner)
        if self._profile is None:
            self._planner.profile = planner.profile
        return True

    def prepared(self, milliseconds: float) -> Iterator[None]:
        """Learn what the scene draws, in steps; at once where it is known."""
        yield
        while not self._planner.prepare(milliseconds):
            yield

    @property
    def base(self) -> Plan | None:
        """The plan of the scene as it is, of `based_on`."""
        return self._base

    def based_on(self, resident: Plan) -> Iterator[None]:
        """Plan the scene as it is, with everything where a plan of it has it; kept while both stay.

        A plan from this planner's own requirements is the base of the next ones by difference. Raises
        PlanError.
        """
        versions = self._twin.versions
        if self._based_on is None or self._based_on[0] is not resident or self._based_on[1] != versions:
            yield from self.planned(replace(resident, _packing=[]))
            self._based_on, self._base = (resident, versions), self.plan

    def planned(self, resident: Plan | None) -> Iterator[None]:
        """Plan the scene as it is; raises PlanError."""
        yield from self._planner.prepare_needs()
        needs = self._planner.needs()
        yield
        self.plan = self._planner.plan(needs, resident)
        yield

    def pressed(self, wanted: Press, resident: Plan) -> Iterator[None]:
        """Plan the scene with switches pressed; they are back when the next step begins."""
        tableau = self._twin.tableau
        back = wanted.reverse(tableau)
        try:
            wanted.apply(tableau)
            yield from self._planner.prepare_needs()
            needs = self._planner.needs()
            yield
            self.plan = self._planner.plan(needs, resident)
        finally:
            back()
        yield
