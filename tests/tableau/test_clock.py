"""Claims about the scene clock."""

from __future__ import annotations

import math

import pytest

from engine.tableau import Clock, Tableau


@pytest.fixture
def clock() -> Clock:
    return Tableau().clock


def test_a_clock_begins_at_0_and_goes_on_by_a_sixtieth_of_a_second(clock):
    assert clock.time == 0.0
    clock.advance()
    assert clock.time == 1 / 60
    clock.frame_time = 1 / 25
    clock.advance()
    assert clock.time == 1 / 60 + 1 / 25
    clock.advance(2.0)
    assert clock.time == 1 / 60 + 1 / 25 + 2.0


def test_a_paused_clock_is_moved_by_step_and_set_alone(clock):
    clock.paused = True
    clock.advance()
    clock.advance(3.0)
    assert (clock.time, clock.version) == (0.0, 0)
    clock.step(0.5)
    assert clock.time == 0.5
    clock.step()
    assert clock.time == 0.5 + 1 / 60
    clock.set(7.0)
    assert clock.time == 7.0
    clock.paused = False
    clock.advance(1.0)
    assert clock.time == 8.0


def test_its_version_rises_only_when_the_time_changes(clock):
    clock.advance(0.0)
    clock.set(0.0)
    clock.step(-1.0)  # not before 0
    assert clock.version == 0
    clock.set(1.0)
    clock.step(-0.25)
    assert (clock.version, clock.time) == (2, 0.75)


@pytest.mark.parametrize("wrong", [-1.0, 1e10, math.nan, math.inf])
def test_a_time_out_of_range_is_refused_and_changes_nothing(clock, wrong):
    with pytest.raises(ValueError, match="a time must be from 0"):
        clock.set(wrong)
    assert (clock.time, clock.version) == (0.0, 0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, 1e10, math.nan])
def test_a_frame_takes_some_time(clock, wrong):
    with pytest.raises(ValueError, match="the time of a frame"):
        clock.frame_time = wrong


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_step_is_finite(clock, wrong):
    with pytest.raises(ValueError, match="number of seconds"):
        clock.step(wrong)


def test_a_clock_with_a_speed_advances_faster_or_back_but_is_stepped_as_asked() -> None:
    clock = Clock()
    clock.set(10.0)
    clock.speed = 2.5
    clock.advance(2.0)
    assert clock.time == 15.0
    clock.speed = -1.0
    clock.advance(4.0)
    assert clock.time == 11.0
    clock.step(1.0)
    assert clock.time == 12.0
    for wrong in (float("nan"), float("inf"), 101.0):
        with pytest.raises(ValueError, match="a speed must be"):
            clock.speed = wrong
