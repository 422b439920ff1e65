"""Claims of test files about the plan, the steps carried out, and reported problems."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from engine.humon import Node
from engine.testing.comparison.plan_difference import plan_difference
from engine.testing.goldens.goldens import GoldenError, comparable_plan_text
from engine.testing.hu.memory_claims import one_asset
from engine.testing.hu.playback import OPENED, Playback
from engine.testing.hu.values import Bounds, TestCode, bounds, fail, known_fields, names, quantity


@dataclass(frozen=True)
class PlanClaim:
    """`plan: { golden: NAME  sameAs: MOMENT  has: [...]  lacks: [...]  allocations: FIGURE }`."""

    golden: Node | None
    same_as: Node | None
    has: tuple[Node, ...]
    lacks: tuple[Node, ...]
    counts: dict[str, Bounds]

    @classmethod
    def read(cls, node: Node) -> PlanClaim:
        """Read the claim; raises InputError."""
        counted = ("allocations", "resources", "subresources")
        found = known_fields(node, ("golden", "sameAs", "has", "lacks", *counted), "plan")
        return cls(
            found.get("golden"),
            found.get("sameAs"),
            tuple(names(found["has"])) if "has" in found else (),
            tuple(names(found["lacks"])) if "lacks" in found else (),
            {name: bounds(found[name], of_memory=False) for name in counted if name in found},
        )

    def check(self, play: Playback) -> None:
        """Raise SceneTestFailure for the first claim that does not hold."""
        memory = play.scene.memory
        for node in self.has:
            one_asset(node, node.text, memory, TestCode.PLAN, several=True)
        for node in self.lacks:
            found = memory.named(node.text)
            if found:
                requesters = "; ".join(found[0].why)
                message = f"the plan holds {found[0].name}"
                raise fail(TestCode.PLAN, message, node, f"requested by: {requesters}")
        for name, wanted in self.counts.items():
            value = len(getattr(play.scene.plan.memory, name))
            if not wanted.holds(value):
                raise fail(
                    TestCode.PLAN, f"the plan has {value} {name}, expected {wanted.words()}", wanted.node
                )
        if self.same_as is not None:
            then, now = play.moment(self.same_as).plan_text, comparable_plan_text(play.scene)
            if then != now:
                message = f"the plan differs from '{self.same_as.text}'\n{plan_difference(then, now)}"
                raise fail(TestCode.PLAN, message, self.same_as)
        if self.golden is not None and play.goldens is not None:
            try:
                play.goldens.text(self.golden.text, comparable_plan_text(play.scene), play.scene.profile.name)
            except GoldenError as error:
                raise fail(TestCode.PLAN, str(error), self.golden) from None


@dataclass(frozen=True)
class ScheduleClaim:
    """`schedule: { since: MOMENT  uploaded: BYTES  moved: BYTES  steps: FIGURE }`: work since a moment."""

    since: Node | None
    figures: dict[str, Bounds]

    _NAMES: ClassVar[dict[str, str]] = {
        "uploaded": "bytes_uploaded",
        "moved": "bytes_moved",
        "steps": "steps",
        "cycles": "cycles",
    }

    @classmethod
    def read(cls, node: Node) -> ScheduleClaim:
        """Read the claim; raises InputError."""
        found = known_fields(node, ("since", *cls._NAMES), "schedule")
        figures = {
            name: bounds(child, of_memory=name in ("uploaded", "moved"))
            for name, child in found.items()
            if name != "since"
        }
        return cls(found.get("since"), figures)

    def check(self, play: Playback) -> None:
        """Raise SceneTestFailure for the first figure that is not as claimed."""
        then = play.moment(self.since).done if self.since is not None else play.moments[OPENED].done
        schedule = play.scene.schedule
        for name, wanted in self.figures.items():
            unit = "bytes" if name in ("uploaded", "moved") else ""
            value = getattr(schedule.done, self._NAMES[name]) - getattr(then, self._NAMES[name])
            if not wanted.holds(value):
                since = self.since.text if self.since is not None else OPENED
                message = f"{name} since '{since}': {quantity(value, unit)}, expected {wanted.words(unit)}"
                raise fail(TestCode.SCHEDULE, message, wanted.node, f"the last schedule: {schedule!r}")


@dataclass(frozen=True)
class ProblemsClaim:
    """`problems: [asset.broken ...]`: exactly these codes, in any order."""

    node: Node
    codes: tuple[Node, ...]

    @classmethod
    def read(cls, node: Node) -> ProblemsClaim:
        """Read the claim; raises InputError."""
        return cls(node, tuple(names(node)))

    def check(self, play: Playback) -> None:
        """Raise SceneTestFailure for the first missing code, or with the unexpected problems."""
        found = play.scene.problems
        wanted = Counter(node.text for node in self.codes)
        missing = wanted - Counter(str(problem.code) for problem in found)
        for node in self.codes:
            if node.text in missing:
                reported_codes = ", ".join(str(problem.code) for problem in found) or "nothing"
                raise fail(
                    TestCode.PROBLEMS, f"'{node.text}' was not reported", node, f"reported: {reported_codes}"
                )
        left = wanted.copy()
        extra = []
        for problem in found:
            if left[str(problem.code)] > 0:
                left[str(problem.code)] -= 1
            else:
                extra.append(problem.render())
        if extra:
            raise fail(TestCode.PROBLEMS, "\n".join(["reported, but not expected:", *extra]), self.node)
