"""The timeline of a scene's plans: each as it was, and why it was made, stored by difference.

The first plan is kept whole (its rows are those of the plan itself, not copies), of each later one the rows
that differ. To show a time, deltas are undone or done again from the one that was shown last. What is stored
is limited: beyond that, neighbours in the older half become one event, and at last the oldest are forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.requirements.requirements import TermsTable
from engine.plan.schedule.schedule import Schedule
from engine.runtime.observation import Cause
from viewer.panels.history.memory_image import MemoryImage, PlanNames, image_of
from viewer.panels.history.plan_delta import PlanDelta, plan_delta

LIMIT = 16 << 20
"""Bytes of stored differences."""
EVENT_BYTES = 1024
"""Bytes that an event takes besides its rows."""
NO_DELTA = PlanDelta(())


@dataclass(frozen=True, eq=False, slots=True)
class Event:
    """A plan of the timeline, and what made it.

    `causes` are lines of text. `count` plans are in it, the last of which it shows: more than one once it was
    joined with others. Numbers of bytes, allocations and keys are those of the plan. `settled` is the frame
    in which the plan was carried out, None before.
    """

    number: int
    frame: int
    cause: Cause
    causes: tuple[str, ...]
    planned_bytes: int
    allocations: int
    keys: int
    steps: int
    staged: int
    moved: int
    settled: int | None = None
    count: int = 1
    delta: PlanDelta = NO_DELTA

    @property
    def nbytes(self) -> int:
        """Bytes that the event takes."""
        return EVENT_BYTES + self.delta.nbytes


class Timeline:
    """The events of one runtime, oldest first; follows it as its observer.

    `causes` returns the lines that say what has changed since its last call. `version` rises with every
    change of the events.
    """

    def __init__(self, causes: Callable[[Plan, Cause], tuple[str, ...]], limit: int = LIMIT) -> None:
        self.events: list[Event] = []
        self.version = 0
        self.nbytes = 0
        self._causes = causes
        self._limit = limit
        self._last: Plan | None = None
        self._shown: tuple[int, MemoryPlan] | None = None  # the number of an event, and its plan
        self._numbered = 0

    def planned(self, frame: int, plan: Plan, schedule: Schedule, cause: Cause) -> None:
        """Add an event for a plan, except where a change of the scene changes nothing in memory."""
        if self._last is not None and self._last.terms is not plan.terms:
            self.clear()  # of another device: rows of the plans before have other terms
        delta = plan_delta(self._last.memory, plan.memory) if self._last is not None else NO_DELTA
        causes = self._causes(plan, cause)
        if cause is Cause.SCENE and self.events and self._is_nothing(plan, schedule):
            self._take(plan, delta)
            return
        event = Event(
            self._numbered,
            frame,
            cause,
            causes,
            plan.planned_bytes,
            len(plan.memory.allocation_table),
            len(plan.memory.subresource_table),
            len(schedule.steps),
            schedule.staged,
            schedule.moved,
            delta=delta,
        )
        self._numbered += 1
        self._last = plan
        self.events.append(event)
        self.nbytes += event.nbytes
        self.version += 1
        if self._shown is None:
            self._shown = event.number, plan.memory
        if self.nbytes > self._limit:
            self._thin()

    def _is_nothing(self, plan: Plan, schedule: Schedule) -> bool:
        """Whether a plan needs no step and holds as many bytes as the last event."""
        is_same = plan.planned_bytes == self.events[-1].planned_bytes
        return is_same and not (schedule.steps or schedule.staged or schedule.moved)

    def _take(self, plan: Plan, delta: PlanDelta) -> None:
        """Have the last event show a plan that is no event: rows differ, such as lifetimes of images."""
        last = self.events[-1]
        if len(self.events) > 1:
            self.events[-1] = replace(last, delta=last.delta.then(delta))
            self.nbytes += self.events[-1].nbytes - last.nbytes
        self._last = plan
        if self._shown is not None and self._shown[0] == last.number:
            self._shown = last.number, plan.memory
        self.version += 1

    def settled(self, frame: int) -> None:
        """Note that the last plan is carried out."""
        if self.events and self.events[-1].settled is None:
            self.events[-1] = replace(self.events[-1], settled=frame)
            self.version += 1

    def clear(self) -> None:
        """Forget everything."""
        self.events, self._shown, self._last = [], None, None
        self.nbytes = 0
        self.version += 1

    def memory(self, index: int) -> MemoryPlan:
        """The memory plan of an event, by its index."""
        assert self._last is not None, "there is an event"
        assert self._shown is not None
        number, memory = self._shown
        wanted = self.events[index]
        if index == len(self.events) - 1:
            memory = self._last.memory  # at once, however far away
        else:
            at = next(i for i, event in enumerate(self.events) if event.number == number)
            for i in range(at, index):
                memory = self.events[i + 1].delta.apply(memory)
            for i in range(at, index, -1):
                memory = self.events[i].delta.reversed.apply(memory)
        self._shown = wanted.number, memory
        return memory

    def image(self, index: int) -> MemoryImage:
        """The memory of an event, by its index."""
        memory = self.memory(index)
        assert self._last is not None
        terms: TermsTable = self._last.terms
        return image_of(memory, terms, self._last.profile, PlanNames(self._last))

    def _thin(self) -> None:
        """Join neighbours in the older half, then forget the oldest, until there is room for more."""
        room = self._limit * 3 // 4
        half = len(self.events) // 2
        if half >= 4:
            old, kept = self.events[: half // 2 * 2], self.events[half // 2 * 2 :]
            # The first event has no delta of its own, so it is joined with none.
            joined = [old[0], *(_joined(a, b) for a, b in zip(old[1::2], old[2::2], strict=False)), old[-1]]
            self.events = [*joined, *kept]
        self._show_last()
        self.nbytes = sum(event.nbytes for event in self.events)
        gone = 0
        while self.nbytes > room and gone < len(self.events) - 1:
            # The plan of the next one begins the timeline, so its delta goes, too.
            self.nbytes -= EVENT_BYTES + self.events[gone + 1].delta.nbytes
            gone += 1
        if gone:
            self.events = [replace(self.events[gone], delta=NO_DELTA), *self.events[gone + 1 :]]

    def _show_last(self) -> None:
        assert self._last is not None
        self._shown = self.events[-1].number, self._last.memory


def _joined(first: Event, second: Event) -> Event:
    """One event in place of two: the plan of the second, and the causes of both."""
    causes = tuple(dict.fromkeys((*first.causes, *second.causes)))
    return replace(
        second,
        causes=causes[:MAX_JOINED] + ((f"and {len(causes) - MAX_JOINED} more",) * (len(causes) > MAX_JOINED)),
        steps=first.steps + second.steps,
        staged=first.staged + second.staged,
        moved=first.moved + second.moved,
        count=first.count + second.count,
        delta=first.delta.then(second.delta),
    )


MAX_JOINED = 16
"""Causes of an event that was joined."""
