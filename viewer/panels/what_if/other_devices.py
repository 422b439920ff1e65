"""What the scene would take on other devices: recorded ones, and this one with other memory of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from engine.assets import data_root
from engine.cli.profiles import find_profile
from engine.plan.model.plan import Plan
from engine.plan.profile.device_profile import DeviceProfile
from engine.planning.scene import ScenePlanner
from engine.planning.what_if.what_if import BUDGET_MS, OtherDevice, Outcome
from engine.tableau import Tableau

GIB = 1 << 30
SIZES = (1, 2, 4, 8, 16)
"""GiB of memory of its own that this device is planned with."""


@dataclass(eq=False)
class Candidate:
    """A device that the scene may be planned for, and what came of it, for `plan`.

    `profile` makes its profile; raises PlanError or InputError.
    """

    title: str
    profile: Callable[[], DeviceProfile]
    outcome: Outcome | None = None
    made_for: Plan | None = None
    planned: DeviceProfile | None = None
    work: OtherDevice | None = field(default=None, repr=False)


def as_card(profile: DeviceProfile, size: int) -> DeviceProfile:
    """The same device with so many bytes of memory of its own: its largest heap has them, smaller ones less.

    Of these heaps USABLE_SHARE may be used, as of a recorded device.
    """
    local = [heap.size for heap in profile.heaps if heap.device_local]
    heaps, budgets = list(profile.heaps), dict(profile.budgets)
    for number, heap in enumerate(heaps):
        if heap.device_local:
            budgets.pop(number, None)
            heaps[number] = replace(heap, size=size if heap.size == max(local) else min(heap.size, size))
    return replace(profile, heaps=tuple(heaps), budgets=budgets)


class OtherDevices:
    """Plans one candidate after the other, between frames."""

    def __init__(
        self,
        tableau: Tableau,
        planner: Callable[[], ScenePlanner],
        plan: Callable[[], Plan | None],
    ) -> None:
        self._tableau, self._planner, self._plan = tableau, planner, plan
        cards = [Candidate(f"as a {size} GiB card", self._card(size * GIB)) for size in SIZES]
        names = sorted(path.stem for path in (data_root() / "assets" / "profiles").glob("*.json"))
        self.candidates = [*cards, *(Candidate(name, partial(find_profile, name)) for name in names)]
        self._waiting: list[Candidate] = []

    @property
    def is_working(self) -> bool:
        """Whether `advance` has something to do."""
        return bool(self._waiting)

    def _card(self, size: int) -> Callable[[], DeviceProfile]:
        return lambda: as_card(self._planner().profile, size)

    def begin(self, candidate: Candidate) -> None:
        """Plan the scene, as it is now, for a candidate. Raises PlanError for a profile that is none."""
        candidate.planned, candidate.made_for = candidate.profile(), self._plan()
        candidate.outcome = None
        candidate.work = OtherDevice(self._tableau, self._planner(), candidate.planned)
        if candidate not in self._waiting:
            self._waiting.append(candidate)

    def advance(self, milliseconds: float = BUDGET_MS) -> None:
        """Work for so long (CPU time), at least one step."""
        if not self._waiting:
            return
        first = self._waiting[0]
        assert first.work is not None
        if not first.work.advance(milliseconds):
            first.outcome, first.work = first.work.outcome, None
            self._waiting.pop(0)

    def is_stale(self, candidate: Candidate) -> bool:
        """Whether the scene has been planned again since."""
        return candidate.outcome is not None and candidate.made_for is not self._plan()


def problem_of(outcome: Outcome) -> str:
    """Why the scene does not fit, or what is left out; empty where everything has its place."""
    if outcome.error is not None:
        return outcome.error.problem
    assert outcome.plan is not None
    count = len(outcome.plan.left_out)
    return f"{count:,} block{'s' * (count != 1)} left out" if count else ""
