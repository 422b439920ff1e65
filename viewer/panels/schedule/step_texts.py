"""Steps of a schedule as texts: what they do, to what, and how many bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.plan import Plan
from engine.plan.resident import steps as of
from engine.plan.terms.formats import Format
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import word
from viewer.panels.number_format import count_text

NAMED = 16
"""Keys of a step that a tool tip names."""


@dataclass(frozen=True, slots=True)
class StepText:
    """A step: its verb, what it is about, its bytes if it is about bytes, and more for a tool tip."""

    verb: str
    what: str
    size: int | None = None
    more: tuple[str, ...] = ()


def step_text(plan: Plan, step: of.AnyStep, before: Plan | None = None) -> StepText:
    """The text of a step on the way to a plan; what it takes away is named as in the plan `before`."""
    keys = plan.requirements.keys
    if isinstance(step, of.Allocate):
        home = f"allocation {step.allocation}, memory type {step.memory_type}"
        flags = [" dedicated" * (step.dedicated_to >= 0), " mapped" * step.mapped]
        return StepText("allocate", ",".join(filter(None, [home, *flags])), step.size)
    if isinstance(step, of.CreateBuffer):
        return StepText("create buffer", _resource((plan,), step.resource), step.size)
    if isinstance(step, of.CreateImage):
        shape = step.shape
        layers = count_text(step.layers, "layer")
        texels = f"{shape.width} x {shape.height} {word(Format(int(shape.format)))}"
        return StepText("create image", f"{_resource((plan,), step.resource)}, {texels}, {layers}")
    if isinstance(step, of.Bind):
        what = _resource((plan,), step.resource)
        where = f"{what} to allocation {step.allocation} at {step.offset:,} B"
        return StepText("bind", where)
    if isinstance(step, of.SetWindow):
        parts = tuple(f"{keys.database(w.db)} {w.offset:,} to {w.offset + w.size:,} B" for w in step.windows)
        return StepText("set window", f"{step.index}: {', '.join(parts)}", sum(w.size for w in step.windows))
    if isinstance(step, of.Transfer):
        found = _keys(plan, step.keys)
        size = int(step.sizes.sum())
        return StepText("transfer", f"{keys.database(step.db)}: {found.what}", size, found.more)
    if isinstance(step, of.ClearStaging):
        return StepText("clear staging", f"#{step.staging}")
    if isinstance(step, of.Move):
        found = _keys(plan, step.keys)
        way = f"#{step.from_resource} to #{step.to_resource}: {found.what}"
        return StepText("move", way, int(step.sizes.sum()), found.more)
    if isinstance(step, of.Release | of.Acquire):
        verb = "release" if isinstance(step, of.Release) else "acquire"
        found = _keys(plan, step.keys)
        way = f"{word(step.source)} to {word(step.target)} queue: {found.what}"
        return StepText(verb, way, None, found.more)
    if isinstance(step, of.Destroy):
        return StepText("destroy", _resource(_plans(before, plan), step.resource))
    if isinstance(step, of.Free):
        held = _held(_plans(before, plan), step.allocation)
        return StepText("free", f"allocation {step.allocation}{f' of {held}' if held else ''}")
    found = _keys(plan, step.keys)
    return StepText(type(step).__name__.lower(), found.what, None, found.more)


def _keys(plan: Plan, keys: Int64s) -> StepText:
    """The first of some keys by name, their number, and more of them."""
    names = tuple(plan.requirements.keys.name(key) for key in keys[:NAMED].tolist())
    if len(keys) == 1:
        return StepText("", names[0])
    more = (f"and {len(keys) - NAMED:,} more",) if len(keys) > NAMED else ()
    first = f"{names[0]}, ..." if names else "none"
    return StepText("", f"{count_text(len(keys), 'block')}: {first}", None, (*names, *more))


def _plans(before: Plan | None, plan: Plan) -> tuple[Plan, ...]:
    """The plans in which something that goes is named: that before, else the present one, as staging is."""
    return (before, plan) if before is not None else (plan,)


def _resource(plans: tuple[Plan, ...], ident: int) -> str:
    """A resource by its number and what it holds: `#310 shadowMap`."""
    for plan in plans:
        if (plan.memory.resources["id"] == ident).any():
            return f"#{ident} {_blocks(plan, np.array([ident]))}"
        if (plan.staging.resources["id"] == ident).any():
            return f"#{ident} staging"
    return f"#{ident} of an earlier plan"


def _held(plans: tuple[Plan, ...], allocation: int) -> str:
    """What lies in an allocation; empty where no plan has it."""
    for plan in plans:
        rows = plan.memory.resources
        if (mine := rows["id"][rows["allocation"] == allocation]).size:
            return _blocks(plan, mine)
        if (plan.staging.allocations["id"] == allocation).any():
            return "staging"
    return ""


def _blocks(plan: Plan, resources: NDArray[np.integer]) -> str:
    """The block of some resources by name, or their number and the first."""
    rows = plan.memory.subresources
    found = rows["key"][np.isin(rows["resource"], resources)].astype(np.int64)
    return _keys(plan, found).what if found.size else "nothing that is left"
