"""Deferred deletion: objects are destroyed after the last submit that used them has completed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.vk.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Ticket:
    """Values of some timelines; past when each timeline has reached its value."""

    values: tuple[tuple[Timeline, int], ...]

    @classmethod
    def now(cls, timelines: Iterable[Timeline]) -> Ticket:
        """Return the ticket of everything submitted so far."""
        return cls(tuple((timeline, timeline.submitted) for timeline in timelines if timeline.submitted))

    def past(self) -> bool:
        """Whether the device has completed this work; never waits."""
        return all(timeline.passed(value) for timeline, value in self.values)

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until it is past; False where one of its timelines takes longer than `timeout_s` seconds."""
        return all(timeline.wait(value, timeout_s) for timeline, value in self.values)


class DeletionQueue:
    """Runs actions in the order in which they were added, each after its ticket is past."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Ticket, Callable[[], None]]] = deque()
        self._ran = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, ticket: Ticket, action: Callable[[], None]) -> None:
        """Have `collect` run `action` after `ticket` is past and all earlier actions have run."""
        self._waiting.append((ticket, action))

    def collect(self) -> int:
        """Run all due actions and return how many ran since the last return; never waits."""
        while self._waiting and self._waiting[0][0].past():  # may raise: `_ran` keeps the count until then
            self._waiting.popleft()[1]()
            self._ran += 1
        ran, self._ran = self._ran, 0
        return ran

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait for the ticket of the first action; for shutdown, loading and tests."""
        return not self._waiting or self._waiting[0][0].wait(timeout_s)

    def run_all(self) -> None:
        """Run all actions now; the device must be idle."""
        while self._waiting:
            self._waiting.popleft()[1]()
