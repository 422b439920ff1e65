"""The schedule that brings a scene's memory to its plan, and totals of all steps run so far."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.memory.device.addresses import Statistics
    from engine.memory.streaming.manager import State
    from engine.plan.model.plan import Plan
    from engine.plan.resident.steps import AnyStep
    from engine.plan.schedule.schedule import Schedule


MAX_NAMES = 4
"""How many assets the line of a step names."""


@dataclass(frozen=True)
class Done:
    """Totals of the steps carried out since the scene was opened."""

    steps: int = 0
    cycles: int = 0
    bytes_uploaded: int = 0
    bytes_moved: int = 0
    moves: int = 0

    @staticmethod
    def of(statistics: Statistics) -> Done:
        """Return the totals of a memory manager."""
        s = statistics
        return Done(s.steps, s.cycles, s.bytes_uploaded, s.bytes_moved, s.moves)


class UploadLogger:
    """Wraps a memory manager's state and logs the uploads of each step that is carried out."""

    def __init__(self, state: State | None, log: list[dict[str, int]]) -> None:
        self._state = state
        self._log = log
        self._plan: Plan | None = None

    def begin(self, plan: Plan) -> None:
        """Set the target plan."""
        self._plan = plan
        if self._state is not None:
            self._state.begin(plan)

    def apply(self, step: AnyStep) -> None:
        """Apply one step and log its uploads."""
        if self._state is not None:
            self._state.apply(step)
        if self._plan is not None and (uploaded := uploads_of(self._plan, (step,))):
            self._log.append(uploaded)


class ScheduleFacts:
    """The schedule to the current plan: its steps, the bytes it uploads and moves, and the steps left.

    Parameters
    ----------
    schedule
        The schedule, made when the plan last changed.
    left
        Its remaining steps.
    done
        Totals since the scene was opened, over all schedules.
    """

    def __init__(self, schedule: Schedule, left: tuple[AnyStep, ...], done: Done) -> None:
        self.schedule = schedule
        self.left = left
        self.done = done

    @property
    def steps(self) -> tuple[AnyStep, ...]:
        """All its steps, in order."""
        return self.schedule.steps

    @property
    def bytes_uploaded(self) -> int:
        """Bytes that it uploads from caches."""
        return self.schedule.staged

    @property
    def bytes_moved(self) -> int:
        """Bytes that it moves within the device."""
        return self.schedule.moved

    @cached_property
    def uploads(self) -> dict[str, int]:
        """Bytes that it uploads of each asset, by the asset's name in plan text."""
        return uploads_of(self.schedule.plan, self.steps)

    @property
    def text(self) -> str:
        """The schedule as a listing in Humon, one line per step."""
        from engine.plan.text.schedule_listing import schedule_listing

        return schedule_listing(self.schedule)

    def counts(self) -> dict[str, int]:
        """Count the steps of each kind, such as {"allocate": 3, "transfer": 1}."""
        found: dict[str, int] = {}
        for step in self.steps:
            found[kind_of(step)] = found.get(kind_of(step), 0) + 1
        return found

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in self.counts().items())
        sums = f"{self.bytes_uploaded} bytes uploaded, {self.bytes_moved} moved"
        return f"<schedule: {len(self.steps)} steps ({counts or 'none'}), {sums}, {len(self.left)} left>"


def kind_of(step: AnyStep) -> str:
    """Return a step's kind as in listings: `clearStaging`."""
    name = type(step).__name__
    return name[0].lower() + name[1:]


def step_line(plan: Plan, step: AnyStep) -> str:
    """Describe a step: its kind, its keys and resources, and its size in bytes."""
    words = [kind_of(step)]
    for field in fields(step):
        value = getattr(step, field.name)
        if field.name == "keys":
            words.append(_names(plan, np.asarray(value).tolist()))
        elif field.name == "db":
            words.append(plan.requirements.keys.database(value))
        elif field.name == "sizes":
            words.append(f"({int(np.asarray(value).sum())} bytes)")
        elif field.name in ("resource", "staging"):
            words.append(f"{field.name} {value} ({_names(plan, _keys_in(plan, value)) or 'not in the plan'})")
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 0 and field.name != "usage":
            words.append(f"{field.name} {value}")
    return " ".join(words)


def _names(plan: Plan, keys: list[int]) -> str:
    """Return the names of the first keys, and how many more there are."""
    names = [plan.requirements.keys.name(key) for key in keys]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def _keys_in(plan: Plan, resource: int) -> list[int]:
    """Return the keys in a resource of the plan or of its staging."""
    tables = (plan.memory.subresources, plan.staging.subresources)
    return [key for rows in tables for key in rows["key"][rows["resource"] == resource].tolist()]


def uploads_of(plan: Plan, steps: tuple[AnyStep, ...]) -> dict[str, int]:
    """Return the bytes that steps to a plan upload, by asset name."""
    from engine.plan.resident.steps import Transfer

    found: dict[str, int] = {}
    name = plan.requirements.keys.name
    for step in steps:
        if isinstance(step, Transfer):
            for key, size in zip(
                np.asarray(step.keys).tolist(), np.asarray(step.sizes).tolist(), strict=True
            ):
                found[name(key)] = found.get(name(key), 0) + size
    return found
