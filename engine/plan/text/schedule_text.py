"""Schedules as Humon with every field, to be written, read and resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.humon import Kind, Node, boolean, choice, expect, failure, integer, parse, required, write
from engine.plan.model.plan import Plan
from engine.plan.requirements.requirements import ImageShape
from engine.plan.resident.steps import BUFFER_COPY, IMAGE_COPY, READ, AnyStep, Step, Window
from engine.plan.schedule.schedule import Schedule
from engine.plan.terms.errors import PlanError
from engine.plan.terms.formats import Format
from engine.plan.terms.vocabulary import QueueKind, word

AGAIN = "write the schedule again"
_COLUMNS = {"reads": READ, "buffer_copies": BUFFER_COPY, "image_copies": IMAGE_COPY}
_TYPES = {cls.__name__: cls for cls in Step.__subclasses__()}
_INT64 = np.iinfo(np.int64)


def write_schedule(schedule: Schedule, done: int = 0) -> str:
    """A schedule from step `done` on, as Humon for `read_schedule`."""
    values = [{"@type": type(s).__name__, **_fields(s)} for s in schedule.steps[done:]]
    return write({"staged": schedule.staged, "moved": schedule.moved, "steps": values})


def read_schedule(text: str, plan: Plan, name: str = "schedule.hu") -> Schedule:
    """A schedule from its text, for the plan that it was made for.

    InputError for text that is no Humon or has an invalid value, PlanError for unknown steps or fields.
    Preconditions of steps are not checked here: `Resident` does that as they are applied.
    """
    root = parse(text, name).root
    steps = [_step(node) for node in expect(required(root, "steps"), Kind.LIST)]
    staged, moved = (integer(required(root, name), 0, _INT64.max) for name in ("staged", "moved"))
    return Schedule(plan, tuple(steps), staged, moved)


def _fields(step: AnyStep) -> dict[str, Any]:
    return {f.name: plain(getattr(step, f.name)) for f in fields(step)}


def plain(value: Any) -> Any:
    """A field of a step as a value for `engine.humon.write`."""
    if isinstance(value, np.ndarray):
        return [list(row) for row in value.tolist()] if value.dtype.names else value.tolist()
    if isinstance(value, ImageShape):
        sides = [value.width, value.height, value.mip_levels, value.samples]
        return [word(value.format), *sides, *(["cube"] if value.cube else [])]
    if isinstance(value, QueueKind):
        return word(value)
    if isinstance(value, tuple):
        return [[w.db, w.offset, w.size] for w in cast(tuple[Window, ...], value)]
    return value


def _step(node: Node) -> AnyStep:
    cls = _TYPES.get(node.type or "")
    if cls is None:
        raise PlanError("schedule.step", f"{node.position}: unknown step {node.type}")
    values = {}
    for f in fields(cls):
        child = node.get(f.name)
        if child is None:
            raise PlanError("schedule.field", f"{node.position}: {cls.__name__} has no {f.name}")
        values[f.name] = (
            _rows(child, _COLUMNS[f.name]) if f.name in _COLUMNS else _READERS[str(f.type)](child)
        )
    lengths = {len(v) for n, v in values.items() if isinstance(v, np.ndarray) and n not in _COLUMNS}
    if len(lengths) > 1:
        raise PlanError("schedule.field", f"{node.position}: {cls.__name__} has columns of several lengths")
    return cast(AnyStep, cls(**values))


def _whole(node: Node, dtype: DTypeLike = np.int64) -> int:
    bounds = np.iinfo(np.dtype(dtype))
    return integer(node, bounds.min, bounds.max)


def _column(node: Node, dtype: DTypeLike = np.int64) -> NDArray[Any]:
    return np.array([_whole(cell, dtype) for cell in expect(node, Kind.LIST)], dtype)


def _rows(node: Node, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    kinds = [dtype[name] for name in dtype.names or ()]
    rows = [_entries(row, len(kinds)) for row in expect(node, Kind.LIST)]
    return np.array([tuple(map(_whole, row, kinds)) for row in rows], dtype)


def _entries(node: Node, count: int) -> list[Node]:
    found = list(expect(node, Kind.LIST))
    if len(found) != count:
        raise failure("schedule.field", f"expected a list of {count} items, not of {len(found)}", node, AGAIN)
    return found


def _shape(node: Node) -> ImageShape:
    cube = len(expect(node, Kind.LIST)) == 6 and node[5].text == "cube"
    texel, *sides = _entries(node, 6 if cube else 5)[:5]
    width, height, levels, samples = (integer(side, 1, 1 << 16) for side in sides)
    return ImageShape(choice(texel, Format), width, height, levels, samples, cube)


def _windows(node: Node) -> tuple[Window, ...]:
    rows = [_entries(row, 3) for row in expect(node, Kind.LIST)]
    return tuple(Window(*(integer(cell, 0, _INT64.max) for cell in row)) for row in rows)


# The reader of a field, by its type annotation in `steps.py`.
_READERS: dict[str, Callable[[Node], Any]] = {
    "int": _whole,
    "bool": boolean,
    "Int64s": _column,
    "NDArray[np.int32]": lambda node: _column(node, np.int32),
    "QueueKind": lambda node: choice(node, QueueKind),
    "ImageShape": _shape,
    "tuple[Window, ...]": _windows,
}
