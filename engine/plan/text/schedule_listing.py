"""Schedules as a listing like the seed's, for reading.

    setWindow 0
    assetDb0 schedule buffers 0 3-45 images 124-135
    clearStaging

Databases are named by their names, assets by their index in their database.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.humon import write
from engine.plan.model.plan import Plan
from engine.plan.resident.steps import AnyStep, Move, SetWindow, Transfer
from engine.plan.schedule.schedule import Schedule
from engine.plan.terms.keys import is_transient, split_key
from engine.plan.terms.table import Int64s
from engine.plan.text.schedule_text import plain


def schedule_listing(schedule: Schedule) -> str:
    """One line per step, as in the seed."""
    lines = [_line(schedule.plan, step) for step in schedule.steps]
    summary = {"steps": len(lines), "staged": schedule.staged, "moved": schedule.moved}
    return write({"schedule": {**summary, "run": lines}})


def _line(plan: Plan, step: AnyStep) -> list[Any]:
    name, database = type(step).__name__, plan.requirements.keys.database
    verb = name[0].lower() + name[1:]
    if isinstance(step, SetWindow):
        return [verb, step.index, [[database(w.db), w.offset, w.size] for w in step.windows]]
    if isinstance(step, Transfer):
        images = _images(plan, step.keys)
        line: list[Any] = [database(step.db), "schedule"]
        for what, keys in (("buffers", step.keys[~images]), ("images", step.keys[images])):
            if len(keys):
                line += [what, *_runs(keys & 0xFFFF_FFFF)]
        return [*line, "bytes", int(step.sizes.sum())]
    if isinstance(step, Move):
        run = [step.from_resource, step.to_resource, "bytes", int(step.sizes.sum())]
        return [verb, *run, *_named(plan, step.keys)]
    if hasattr(step, "keys"):
        return [verb, *_named(plan, step.keys)]
    return [verb, *(plain(getattr(step, f.name)) for f in fields(step))]


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
    """Transients by name, assets as `assetDb0: 0 3-45`."""
    known, keys = plan.requirements.keys, np.sort(keys)
    transient = np.array([is_transient(k) for k in keys.tolist()], bool)
    names = [known.name(k) for k in keys[transient].tolist()]
    assets = keys[~transient]
    for part in np.split(assets, np.flatnonzero(np.diff(assets >> 32)) + 1):
        if len(part):
            database = known.database(split_key(int(part[0]))[0])
            names.append(f"{database}: " + " ".join(_runs(part & 0xFFFF_FFFF)))
    return names
