"""Fail the N-th Vulkan call on purpose, so that every way out of a constructor can be tested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.vk.errors import Result

# These have had their effect even when they fail: the semaphores of a present are consumed.
_TAKES_EFFECT = frozenset({"vkQueuePresentKHR"})


class Faults:
    """Counts checked calls, and answers for the device where a test asks for it."""

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
        """Make the `nth` call (from 1; only those of `function` if named) answer `result`.

        With `onwards` every later one does too (a lost device stays lost). `hits` tells how many
        calls were failed, so a test knows when N has passed the end.
        """
        self._at, self._result, self._function, self._onwards = nth, int(result), function, onwards
        self._matched = self.hits = 0
        try:
            yield self
        finally:
            self._at = 0

    def answer(self, name: str) -> int | None:
        """Count one call; the result to answer instead of the device's own, or None."""
        self.calls += 1
        if not self._at or (self._function and name != self._function):
            return None
        self._matched += 1
        if self._matched == self._at or (self._onwards and self._matched > self._at):
            self.hits += 1
            return self._result
        return None

    @staticmethod
    def runs(name: str, result: int) -> bool:
        """Whether the real call is made before `result` is answered: statuses tell of a success."""
        return result > 0 or name in _TAKES_EFFECT


faults = Faults()
