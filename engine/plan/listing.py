"""Schedules as Humon: a listing like the seed's for people, and the whole of one to be resumed.

    setWindow 0
    assetDb1 schedule buffers 0 3-45 images 124-135
    clearStaging

The listing names assets by their index; `write_schedule` keeps every field, `read_schedule` gives it back.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from engine.humon import Node, integer, number, parse, write
from engine.plan import steps as step_types
from engine.plan.errors import PlanError
from engine.plan.formats import Format
from engine.plan.keys import is_transient, split_key
from engine.plan.plan import Plan
from engine.plan.requirements import ImageShape
from engine.plan.schedule import Schedule
from engine.plan.steps import (
    BUFFER_COPY,
    IMAGE_COPY,
    READ,
    AnyStep,
    Move,
    Publish,
    SetWindow,
    Step,
    Transfer,
    Window,
)
from engine.plan.table import Int64s
from engine.plan.vocabulary import QueueKind, word

_COLUMNS = {"reads": READ, "buffer_copies": BUFFER_COPY, "image_copies": IMAGE_COPY}
_TYPES = {cls.__name__: cls for cls in Step.__subclasses__()}


def schedule_listing(schedule: Schedule) -> str:
    """One line per step, as in the seed."""
    lines = [_line(schedule.plan, step) for step in schedule.steps]
    summary = {"steps": len(lines), "staged": schedule.staged, "moved": schedule.moved}
    return write({"schedule": {**summary, "run": lines}})


def _line(plan: Plan, step: AnyStep) -> list[Any]:
    name = type(step).__name__
    verb = name[0].lower() + name[1:]
    if isinstance(step, SetWindow):
        return [verb, step.index, [[f"assetDb{w.db}", w.offset, w.size] for w in step.windows]]
    if isinstance(step, Transfer):
        images = _images(plan, step.keys)
        line: list[Any] = [f"assetDb{step.db}", "schedule"]
        for what, keys in (("buffers", step.keys[~images]), ("images", step.keys[images])):
            if len(keys):
                line += [what, *_runs(keys & 0xFFFF_FFFF)]
        return [*line, "bytes", int(step.sizes.sum())]
    if isinstance(step, Move):
        run = [step.from_resource, step.to_resource, "bytes", int(step.sizes.sum())]
        return [verb, *run, *_named(plan, step.keys)]
    if hasattr(step, "keys"):
        return [verb, *_named(plan, step.keys)]
    return [verb, *(_plain(getattr(step, f.name)) for f in fields(step))]


def _images(plan: Plan, keys: Int64s) -> NDArray[np.bool_]:
    places = plan.memory.subresource_table.rows(keys)
    resources = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
    return np.asarray(resources["kind"] == 1)


def _runs(indices: Int64s) -> list[str]:
    """`0 3-45`: runs of consecutive asset indices."""
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    runs = np.split(indices, breaks)
    return [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs if len(run)]


def _named(plan: Plan, keys: Int64s) -> list[str]:
    """Transients by name, assets as `assetDb1: 0 3-45`."""
    keys = np.sort(keys)
    transient = np.array([is_transient(k) for k in keys.tolist()], bool)
    names = [plan.requirements.keys.name(k) for k in keys[transient].tolist()]
    assets = keys[~transient]
    for part in np.split(assets, np.flatnonzero(np.diff(assets >> 32)) + 1):
        if len(part):
            names.append(f"assetDb{split_key(int(part[0]))[0]}: " + " ".join(_runs(part & 0xFFFF_FFFF)))
    return names


def write_schedule(schedule: Schedule, done: int = 0) -> str:
    """All of a schedule from step `done` on, as Humon that `read_schedule` takes."""
    values = [{"@type": type(s).__name__, **_fields(s)} for s in schedule.steps[done:]]
    return write({"staged": schedule.staged, "moved": schedule.moved, "steps": values})


def _fields(step: AnyStep) -> dict[str, Any]:
    return {f.name: _plain(getattr(step, f.name)) for f in fields(step)}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [list(row) for row in value.tolist()] if value.dtype.names else value.tolist()
    if isinstance(value, ImageShape):
        return [word(value.format), value.width, value.height, value.mip_levels, value.samples]
    if isinstance(value, QueueKind):
        return word(value)
    if isinstance(value, tuple):
        return [[w.db, w.offset, w.size] for w in cast(tuple[Window, ...], value)]
    return value


def read_schedule(text: str, plan: Plan, name: str = "schedule.hu") -> Schedule:
    """A schedule from its text, for the plan it was made for.

    InputError for text that is no Humon or has a wrong value, PlanError for unknown steps or fields.
    """
    root = parse(text, name).root
    steps = []
    for node in root["steps"]:
        cls = _TYPES.get(node.type or "")
        if cls is None:
            raise PlanError("schedule.step", f"{node.position}: no step is called {node.type}")
        steps.append(_step(cls, node))
    return Schedule(plan, tuple(steps), integer(root["staged"]), integer(root["moved"]))


def _step(cls: type[Step], node: Node) -> AnyStep:
    values = {}
    for f in fields(cast(Any, cls)):
        child = node.get(f.name)
        if child is None:
            raise PlanError("schedule.field", f"{node.position}: {cls.__name__} has no {f.name}")
        values[f.name] = _value(cls, f.name, child)
    return cast(AnyStep, cls(**values))


def _value(cls: type[Step], name: str, node: Node) -> Any:
    if name in _COLUMNS:
        rows = [tuple(integer(cell) for cell in row) for row in node]
        return np.array(rows, _COLUMNS[name])
    if name == "windows":
        return tuple(Window(*(integer(cell) for cell in row)) for row in node)
    if name == "shape":
        return ImageShape(Format[node[0].text.upper()], *(integer(node[i]) for i in range(1, 5)))
    if name in ("source", "target") and cls in (step_types.Release, step_types.Acquire):
        return QueueKind[node.text.upper()]
    if name in ("keys", "sizes", "sources", "targets", "offsets", "resources"):
        dtype = np.int32 if cls is Publish and name == "resources" else np.int64
        return np.array([integer(cell) for cell in node], dtype)
    if name in ("device_address", "mapped"):
        return node.text == "true"
    return number(node) if name == "priority" else integer(node)


__all__ = ["read_schedule", "schedule_listing", "write_schedule"]
