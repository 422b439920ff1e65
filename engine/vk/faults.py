"""Fault injection: fails the N-th Vulkan call, to test the clean-up of every constructor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.vk.errors import Result

# Calls that have their effect even if they fail: a present still waits for its semaphores.
_EXECUTED_ON_FAILURE = frozenset({"vkQueuePresentKHR"})


class Faults:
    """Counts checked calls and replaces the result of some, where a test requests it."""

    def __init__(self) -> None:
        self.calls = 0
        self._at = 0
        self._matched = 0
        self._function = ""
        self._result = 0
        self._onwards = False
        self.hits = 0

    @contextmanager
    def injected(
        self, nth: int, result: Result, *, function: str = "", onwards: bool = False
    ) -> Iterator[Faults]:
        """Make the `nth` call (from 1; only calls of `function`, if given) return `result`.

        With `onwards` all later ones do too (a lost device stays lost). `hits` counts the calls that
        returned it, so that a test knows when N exceeds the number of calls.
        """
        self._at, self._result, self._function, self._onwards = nth, int(result), function, onwards
        self._matched = self.hits = 0
        try:
            yield self
        finally:
            self._at = 0

    def injected_result(self, name: str) -> int | None:
        """Count one call and return the result to use instead of the device's, or None."""
        self.calls += 1
        if not self._at or (self._function and name != self._function):
            return None
        self._matched += 1
        if self._matched == self._at or (self._onwards and self._matched > self._at):
            self.hits += 1
            return self._result
        return None

    @staticmethod
    def is_executed(name: str, result: int) -> bool:
        """Whether the real call is made although `result` is returned: positive results are successes."""
        return result > 0 or name in _EXECUTED_ON_FAILURE


faults = Faults()
