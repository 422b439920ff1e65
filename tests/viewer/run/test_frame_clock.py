"""Claims about how a run moves the clock of its scene: by frames headless, by the real time in a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.runtime.frame_facts import FrameFacts
from engine.tableau import Clock
from viewer.arguments import Options
from viewer.main import main
from viewer.run import run
from viewer.run.run import FrameClock


def drawn(is_drawn: bool = True) -> FrameFacts:
    return FrameFacts(1, 1.0, 1.0, settled=True, drawn=is_drawn)


def times(clock: FrameClock, scene: Clock, frames: list[FrameFacts | None]) -> list[float]:
    """The times that these frames show."""
    shown = []
    for facts in frames:
        clock.advance()
        shown.append(scene.time)
        clock.note(facts)
    return shown


def test_counted_headless_frames_are_a_sixtieth_of_a_second_apart() -> None:
    scene = Clock()
    clock = FrameClock(scene, Options(scene=None, headless=True, frames=3))
    assert times(clock, scene, [drawn()] * 3) == [0.0, 1 / 60, 1 / 60 + 1 / 60]


def test_a_frame_that_was_not_drawn_is_tried_again_at_its_time() -> None:
    scene = Clock()
    clock = FrameClock(scene, Options(scene=None, headless=True, frames=3, fps=4))
    assert times(clock, scene, [drawn(False), None, drawn(), drawn(False), drawn()]) == [0, 0, 0, 0.25, 0.25]


def test_a_headless_run_that_ends_by_itself_stays_at_its_time() -> None:
    scene = Clock()
    scene.set(2.0)
    clock = FrameClock(scene, Options(scene=None, headless=True))
    assert times(clock, scene, [drawn()] * 3) == [2.0] * 3


def test_a_window_follows_the_real_time_unless_fps_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((10.0, 10.0, 10.5, 13.0, 13.0, 13.0, 14.0, 20.0))
    monkeypatch.setattr(run.time, "perf_counter", lambda: next(now))
    scene = Clock()
    clock = FrameClock(scene, Options(scene=None))
    assert times(clock, scene, [drawn(), None, drawn()]) == [0.0, 0.5, 3.0]
    scene = Clock()
    clock = FrameClock(scene, Options(scene=None, fps=10))
    assert times(clock, scene, [drawn(), drawn(), drawn()]) == [0.0, 0.1, 0.2]


@pytest.mark.gpu
def test_a_run_starts_at_the_given_time_and_ends_n_frames_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[float] = []
    real = run.FrameClock.note

    def noted(self: FrameClock, facts: FrameFacts | None) -> None:
        if facts is not None and facts.drawn:
            seen.append(self._clock.time)
        real(self, facts)

    monkeypatch.setattr(run.FrameClock, "note", noted)
    options = ["--headless", "--size", "64x48", "--frames", "5", "--time", "2", "--fps", "4"]
    assert main(["scenes/cube.hu", *options]) == 0
    assert seen == [2.0, 2.25, 2.5, 2.75, 3.0]
