"""Command buffers of the frames in flight: each slot keeps several versions of a frame."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from engine.vk.pool import CommandPool

MAX_VERSIONS = 4
"""Versions of a frame that each slot keeps; one more takes the command buffer of the oldest."""


class CommandBuffers:
    """The command buffers of some slots, by slot and version of the frame.

    `recordings` is how many have been recorded so far.
    """

    def __init__(self, pool: CommandPool, slots: int) -> None:
        self.recordings = 0
        self._pool = pool
        self._of: list[dict[Hashable, Any]] = [
            {} for _ in range(slots)
        ]  # the last one used behind the others
        self._free: list[list[Any]] = [[] for _ in range(slots)]

    def get(self, slot: int, version: Hashable) -> Any:
        """Return the command buffer in which a version is recorded; None if it is not recorded."""
        found = self._of[slot].pop(version, None)
        if found is not None:
            self._of[slot][version] = found
        return found

    def begin(self, slot: int, version: Hashable) -> Any:
        """Begin to record a version and return its command buffer; the slot must not be in flight."""
        own, free = self._of[slot], self._free[slot]
        if len(own) >= MAX_VERSIONS:
            free.append(own.pop(next(iter(own))))
        if not free:
            free.append(self._pool.allocate(f"frame {slot}"))
        return self._pool.begin(free[-1], once=False)

    def end(self, slot: int, version: Hashable) -> Any:
        """End the recording that was begun for a slot, keep it as that version, and return it."""
        commands = self._free[slot][-1]
        self._pool.end(commands)
        self._of[slot][version] = self._free[slot].pop()
        self.recordings += 1
        return commands

    def forget(self) -> None:
        """Forget what is recorded: every version is to be recorded again."""
        for own, free in zip(self._of, self._free, strict=True):
            free.extend(own.values())
            own.clear()
