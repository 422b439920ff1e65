"""Slots of frames in flight: waited for in turn, and one frame at a time on a device that is far behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from engine.vk import timeline
from engine.vk.timeline import SLOW_S, FrameSlots, Timeline


class Waits:
    """A timeline whose waits take `seconds` of a clock of its own."""

    def __init__(self) -> None:
        self.now, self.seconds = 0.0, 0.0
        self.submitted = 0
        self.waited: list[int] = []

    def next(self) -> int:
        self.submitted += 1
        return self.submitted

    def reach(self, value: int) -> None:
        self.waited.append(value)
        self.now += self.seconds


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    found = Waits()
    monkeypatch.setattr(timeline, "time", SimpleNamespace(perf_counter=lambda: found.now))
    return found


def draw(waits: Waits, slots: FrameSlots, count: int) -> list[int]:
    """Draw frames in two slots; returns the tickets that were waited for."""
    waits.waited.clear()
    for _ in range(count):
        slot = waits.submitted % 2
        slots.wait(slot)
        slots.take(slot)
    return list(waits.waited)


def test_a_frame_waits_for_the_last_one_in_its_slot(waits: Waits) -> None:
    assert draw(waits, FrameSlots(cast(Timeline, waits), 2), 5) == [0, 0, 1, 2, 3]


def test_a_frame_waits_for_all_earlier_ones_while_that_takes_long(waits: Waits) -> None:
    slots = FrameSlots(cast(Timeline, waits), 2)
    draw(waits, slots, 2)
    waits.seconds = 2 * SLOW_S
    assert draw(waits, slots, 4) == [1, 3, 4, 5]
    waits.seconds = 0.5 * SLOW_S
    assert draw(waits, slots, 3) == [6, 6, 7]
