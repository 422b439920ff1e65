"""Frames in flight: each drawn frame has a slot, which is free again once its ticket is reached."""

from __future__ import annotations

import time

from engine.vk.timeline import Timeline

SLOW_S = 0.1
"""Where a frame was waited for so long, the next ones have one in flight before them, and not two.

A device that is so far behind gains nothing by more, and input and signals wait for what is in flight.
"""


class FrameSlots:
    """The tickets of the frames that were submitted last, one for each slot, taken in turn."""

    def __init__(self, timeline: Timeline, count: int) -> None:
        self._timeline = timeline
        self._tickets = [0] * count
        self._is_slow = False

    def wait(self, slot: int) -> None:
        """Wait until a slot is free, and on a slow device for every earlier frame. Raises TookTooLong."""
        began = time.perf_counter()
        self._timeline.reach(max(self._tickets) if self._is_slow else self._tickets[slot])
        self._is_slow = time.perf_counter() - began > SLOW_S

    def take(self, slot: int) -> None:
        """Note that a slot is taken by the frame that was submitted, with the next ticket."""
        self._tickets[slot] = self._timeline.next()
