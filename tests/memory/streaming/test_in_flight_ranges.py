"""The ranges that the host may write while submitted work still uses others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engine.memory.commands.deletion_queue import Ticket
from engine.memory.device.addresses import LIVE_SUBRESOURCE
from engine.memory.streaming.in_flight_ranges import InFlightRanges


def ranges(*rows: tuple[int, int, int], completed: int = 0) -> InFlightRanges:
    """Ranges (resource, offset, size) that work with ticket 1 uses."""
    places = np.zeros(len(rows), LIVE_SUBRESOURCE)
    places["resource"], places["offset"], places["size"] = np.array(rows).T
    timeline: Any = SimpleNamespace(passed=lambda value: value <= completed)
    made = InFlightRanges()
    made.protect(places, Ticket(((timeline, 1),)))
    return made


def is_free(made: InFlightRanges, begin: int, end: int, resource: int = 2) -> bool:
    return made.is_free(resource, np.array([begin]), np.array([end]))


@pytest.mark.parametrize(
    ("begin", "end"), [(100, 200), (90, 101), (199, 210), (120, 130), (0, 300), (100, 110), (190, 200)]
)
def test_a_range_that_overlaps_one_in_flight_is_not_free(begin: int, end: int) -> None:
    assert not is_free(ranges((2, 100, 100)), begin, end)


@pytest.mark.parametrize(("begin", "end"), [(0, 100), (200, 300)])
def test_a_range_adjacent_to_one_in_flight_is_free(begin: int, end: int) -> None:
    assert is_free(ranges((2, 100, 100)), begin, end)


def test_the_same_range_of_another_resource_is_free() -> None:
    assert is_free(ranges((2, 100, 100)), 100, 200, resource=3)


def test_a_range_of_completed_work_is_free() -> None:
    assert is_free(ranges((2, 100, 100), completed=1), 100, 200)


def test_ranges_of_completed_work_do_not_gather() -> None:
    made = ranges((2, 100, 100), completed=1)
    for _ in range(50):
        (ticket, places), *_ = made._ranges
        made.protect(places, ticket)
    assert len(made._ranges) == 1


def test_each_of_several_ranges_is_checked() -> None:
    made = ranges((2, 100, 100), (2, 500, 10))
    assert made.is_free(2, np.array([0, 200, 510]), np.array([100, 500, 600]))
    assert not made.is_free(2, np.array([0, 200, 505]), np.array([100, 500, 600]))
