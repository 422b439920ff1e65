"""The last frames: kept in order, and slow ones named with their cause."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.session.frame_history import FRAMES, FrameHistory


def quick(history: FrameHistory, count: int = 20) -> None:
    for number in range(count):
        history.note(number=number, wall_ms=5.0, cpu_ms=2.0, panels_ms=1.0)


def test_the_last_frames_are_kept_oldest_first() -> None:
    history = FrameHistory()
    for number in range(FRAMES + 7):
        history.note(number=number, wall_ms=1.0)
    assert len(history) == FRAMES
    assert history.column("number").tolist() == list(range(7, FRAMES + 7))
    assert history.column("number").flags.c_contiguous


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        ({"cpu_ms": 60.0, "planned": True}, "a new plan, 60.0 ms of CPU"),
        ({"cpu_ms": 60.0, "steps": 1200}, "1,200 steps of the schedule, 60.0 ms of CPU"),
        (
            {"cpu_ms": 60.0, "resized": True, "planned": True},
            "another size of the picture, a new plan, 60.0 ms of CPU",
        ),
        ({"panels_ms": 70.0, "cpu_ms": 3.0}, "the panels, 70.0 ms of CPU"),
        ({"collector_ms": 80.0, "cpu_ms": 85.0}, "garbage collection, 80.0 ms"),
        ({"device_ms": 90.0}, "the GPU, 90.0 ms"),
        ({"cpu_ms": 60.0}, "the scene, 60.0 ms of CPU"),
        ({}, "the GPU, the display or another process: no CPU time of ours"),
    ],
)
def test_a_slow_frame_is_a_hitch_with_its_cause(facts: dict[str, float], cause: str) -> None:
    history = FrameHistory()
    quick(history)
    hitch = history.note(number=99, wall_ms=100.0, **facts)
    assert hitch is not None
    assert (hitch.number, hitch.median_ms, hitch.cause) == (99, 5.0, cause)
    assert history.hitches == [hitch]


def test_frames_like_the_others_and_the_first_ones_are_no_hitches() -> None:
    history = FrameHistory()
    assert history.note(wall_ms=500.0) is None, "there is nothing to compare it with"
    quick(history, 40)
    assert history.note(wall_ms=7.0) is None
    tiny = FrameHistory()
    for _ in range(20):
        tiny.note(wall_ms=0.5)
    assert tiny.note(wall_ms=3.0) is None, "nobody sees that"


def test_many_hitches_are_bounded() -> None:
    history = FrameHistory()
    quick(history, 30)
    for number in range(500):
        history.note(number=number, wall_ms=100.0 * 2 ** min(number, 40))
    assert len(history.hitches) <= 50
    assert np.isfinite(history.column("wall_ms")).all()
