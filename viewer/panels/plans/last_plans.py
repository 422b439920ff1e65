"""The last two plans of a runtime: what is drawn, and what was before; and how their rows differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.plan.model.plan import Plan
from engine.plan.schedule.schedule import Schedule
from engine.runtime.observation import Cause


class LastPlans:
    """An observer of a runtime that keeps the last two plans."""

    def __init__(self) -> None:
        self.present: Plan | None = None
        self.before: Plan | None = None

    def planned(self, _frame: int, plan: Plan, _schedule: Schedule, _cause: Cause) -> None:
        """Keep a plan."""
        if self.present is not None and self.present.requirements.keys is not plan.requirements.keys:
            self.present = None  # of another device: its keys have other numbers
        self.before, self.present = self.present, plan

    def settled(self, _frame: int) -> None:
        """Nothing changes."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """Rows of the shaderPlan, pipelinePlan or descriptorSetPlan by name: only before, only now, in both."""

    title: str
    removed: tuple[str, ...]
    created: tuple[str, ...]
    kept: int


def row_changes(before: Plan, now: Plan) -> list[RowChange]:
    """How the three plans that hold no memory differ; rows are compared without their requesters."""
    name = now.requirements.keys.name
    found = []
    for title, old, new in (
        ("shaders", before.shaders, now.shaders),
        ("pipelines", before.pipelines, now.pipelines),
        ("descriptor sets", before.descriptor_sets, now.descriptor_sets),
    ):
        mine, theirs = ({_meaning(row): row for row in rows} for rows in (old, new))

        def names(rows: Mapping[object, object], others: Mapping[object, object]) -> tuple[str, ...]:
            gone = [row for meaning, row in rows.items() if meaning not in others]
            return tuple(getattr(row, "name", "") or name(int(getattr(row, "key", 0))) for row in gone)

        kept = len(mine.keys() & theirs.keys())
        found.append(RowChange(title, names(mine, theirs), names(theirs, mine), kept))
    return found


def _meaning(row: object) -> object:
    values = {field: getattr(row, field) for field in getattr(row, "__dataclass_fields__", ())}
    values.pop("requesters", None)
    return type(row).__name__, tuple(sorted((field, repr(value)) for field, value in values.items()))
