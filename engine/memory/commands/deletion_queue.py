"""What is destroyed once the last work that used it is over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.vk.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Ticket:
    """A moment on some timelines: past when each has reached its value."""

    values: tuple[tuple[Timeline, int], ...]

    @classmethod
    def now(cls, timelines: Iterable[Timeline]) -> Ticket:
        """Make the ticket of everything submitted so far."""
        return cls(tuple((timeline, timeline.submitted) for timeline in timelines if timeline.submitted))

    def past(self) -> bool:
        """Whether the device is through with it; never waits."""
        return all(timeline.passed(value) for timeline, value in self.values)

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until it is past; False after `timeout_s` seconds on one of its timelines."""
        return all(timeline.wait(value, timeout_s) for timeline, value in self.values)


class DeletionQueue:
    """A queue of actions, each run once its ticket is past, in the order they came."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Ticket, Callable[[], None]]] = deque()
        self._ran = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, ticket: Ticket, action: Callable[[], None]) -> None:
        """Run `action` in a `collect` after `ticket` is past and all earlier actions have run."""
        self._waiting.append((ticket, action))

    def collect(self) -> int:
        """Run what is due and return how many ran since this was last told; never waits."""
        while self._waiting and self._waiting[0][0].past():  # which may raise, and the count must not be lost
            self._waiting.popleft()[1]()
            self._ran += 1
        ran, self._ran = self._ran, 0
        return ran

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait for the first action's ticket; for shutdown, loading and tests."""
        return not self._waiting or self._waiting[0][0].wait(timeout_s)

    def run_all(self) -> None:
        """Run everything at once, the device being idle."""
        while self._waiting:
            self._waiting.popleft()[1]()
