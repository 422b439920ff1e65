"""How the rows of plans that hold no memory differ: of the shaderPlan, pipelinePlan and descriptorSetPlan.

Plans of one runtime are compared by their rows; others, as of a snapshot from a file, by what texts say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from engine.humon import write
from engine.plan.model.plan import Plan
from engine.plan.text.plan_text import descriptor_set_values, pipeline_values, shader_values
from viewer.panels.history.snapshots import RowTexts

ROW_KINDS: dict[str, tuple[Callable[[Plan], tuple[Any, ...]], Callable[[Plan, Any], dict[str, Any]]]] = {
    "shaders": (lambda plan: plan.shaders, shader_values),
    "pipelines": (lambda plan: plan.pipelines, pipeline_values),
    "descriptor sets": (lambda plan: plan.descriptor_sets, descriptor_set_values),
}
_NOT_COMPARED = ("why", "address")


@dataclass(frozen=True, slots=True)
class RowChange:
    """Rows of one of the plans by name: only before, only now, and how many are in both."""

    title: str
    removed: tuple[str, ...]
    created: tuple[str, ...]
    kept: int


def row_changes(before: Plan, now: Plan) -> list[RowChange]:
    """How two plans of one runtime differ; rows are compared without their requesters."""
    name = now.requirements.keys.name

    def named(row: object) -> str:
        return getattr(row, "name", "") or name(int(getattr(row, "key", 0)))

    found = []
    for title, (rows, _) in ROW_KINDS.items():
        old, new = ({_meaning(row): named(row) for row in rows(plan)} for plan in (before, now))
        found.append(_change(title, old, new))
    return found


def row_texts(plan: Plan) -> RowTexts:
    """Return for each title the names of rows by digests of their texts, without requesters and addresses."""
    name = plan.requirements.keys.name
    found: dict[str, dict[str, str]] = {}
    for title, (rows, values) in ROW_KINDS.items():
        found[title] = {}
        for row in rows(plan):
            said = {key: value for key, value in values(plan, row).items() if key not in _NOT_COMPARED}
            digest = blake2b(write(said).encode(), digest_size=8).hexdigest()
            found[title][digest] = getattr(row, "name", "") or name(int(getattr(row, "key", 0)))
    return found


def text_changes(before: RowTexts, now: RowTexts) -> list[RowChange]:
    """How plans differ whose rows are known by their texts."""
    return [_change(title, before.get(title, {}), now.get(title, {})) for title in ROW_KINDS]


def _change(title: str, old: Mapping[Any, str], new: Mapping[Any, str]) -> RowChange:
    removed = tuple(name for meaning, name in old.items() if meaning not in new)
    created = tuple(name for meaning, name in new.items() if meaning not in old)
    return RowChange(title, removed, created, len(old) - len(removed))


def _meaning(row: object) -> object:
    values = {field: getattr(row, field) for field in getattr(row, "__dataclass_fields__", ())}
    values.pop("requesters", None)
    return type(row).__name__, tuple(sorted((field, repr(value)) for field, value in values.items()))
