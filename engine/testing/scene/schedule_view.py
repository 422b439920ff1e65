"""What brings a scene's memory to its plan: the schedule of the last change, and all that has run so far."""

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


NAMED = 4
"""How many assets a step is told with by name."""


@dataclass(frozen=True)
class Done:
    """What has been carried out since the scene was opened; bytes where a name says so."""

    steps: int = 0
    cycles: int = 0
    bytes_uploaded: int = 0
    bytes_moved: int = 0
    moves: int = 0

    @staticmethod
    def of(statistics: Statistics) -> Done:
        """Take from a memory manager what scene tests speak of."""
        s = statistics
        return Done(s.steps, s.cycles, s.bytes_uploaded, s.bytes_moved, s.moves)


class Following:
    """Stands before a memory manager's state, and logs what each step that is carried out uploads."""

    def __init__(self, state: State | None, log: list[dict[str, int]]) -> None:
        self._state = state
        self._log = log
        self._plan: Plan | None = None

    def begin(self, plan: Plan) -> None:
        """Take up a plan as the target."""
        self._plan = plan
        if self._state is not None:
            self._state.begin(plan)

    def apply(self, step: AnyStep) -> None:
        """Follow one step."""
        if self._state is not None:
            self._state.apply(step)
        if self._plan is not None and (uploaded := uploads_of(self._plan, (step,))):
            self._log.append(uploaded)


class ScheduleFacts:
    """The schedule to the present plan: its steps, the bytes it uploads and moves, and how much is left.

    Parameters
    ----------
    schedule
        The schedule as it was made when the plan last changed.
    left
        Its steps that are still to come.
    done
        What has run since the scene was opened, this schedule's steps and all others'.
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
        """Bytes that it brings in from caches, through staging."""
        return self.schedule.staged

    @property
    def bytes_moved(self) -> int:
        """Bytes that it copies from place to place on the device."""
        return self.schedule.moved

    @cached_property
    def uploads(self) -> dict[str, int]:
        """Bytes that it uploads of each asset, by the asset's name in plan text."""
        return uploads_of(self.schedule.plan, self.steps)

    @property
    def text(self) -> str:
        """The schedule as a listing in Humon, a line per step."""
        from engine.plan.text.schedule_listing import schedule_listing

        return schedule_listing(self.schedule)

    def counts(self) -> dict[str, int]:
        """How many steps it has of each kind, such as {"allocate": 3, "transfer": 1}."""
        found: dict[str, int] = {}
        for step in self.steps:
            found[kind_of(step)] = found.get(kind_of(step), 0) + 1
        return found

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in self.counts().items())
        sums = f"{self.bytes_uploaded} bytes uploaded, {self.bytes_moved} moved"
        return f"<schedule: {len(self.steps)} steps ({counts or 'none'}), {sums}, {len(self.left)} left>"


def kind_of(step: AnyStep) -> str:
    """Return a step's kind as listings write it: `clearStaging`."""
    name = type(step).__name__
    return name[0].lower() + name[1:]


def step_line(plan: Plan, step: AnyStep) -> str:
    """Return a step in words: its kind, what it is about, and its size in bytes."""
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
    """Name the first keys of many."""
    names = [plan.requirements.keys.name(key) for key in keys]
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _keys_in(plan: Plan, resource: int) -> list[int]:
    """Return the keys that a resource of the plan, or of its staging, holds."""
    tables = (plan.memory.subresources, plan.staging.subresources)
    return [key for rows in tables for key in rows["key"][rows["resource"] == resource].tolist()]


def uploads_of(plan: Plan, steps: tuple[AnyStep, ...]) -> dict[str, int]:
    """Return the bytes that steps towards a plan upload of each asset, by name."""
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
