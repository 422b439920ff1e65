"""A window in which nothing changes draws nothing, and goes on as soon as something does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.display import Display
from support.window_frames import SMALL, settle, until

from viewer.run.scene_opening import opened

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu


@pytest.fixture
def frames(display: Display, monkeypatch: pytest.MonkeyPatch) -> Iterator[WindowFrames]:
    from viewer.run.windowed import WindowFrames

    monkeypatch.setattr("viewer.run.idle.SETTLE_S", 0.1)
    monkeypatch.setattr("viewer.run.windowed.LONGEST_S", 0.01)
    with opened(SMALL) as (scene, library):
        made = WindowFrames(scene, library, SMALL)
        try:
            settle(made)
            idle(made)
            yield made
        finally:
            made.close()


def idle(frames: WindowFrames) -> None:
    """Draw until the window draws nothing more."""
    for _ in range(2000):
        if frames.step() is None:
            return
    pytest.fail("the window never comes to rest")


def test_an_idle_window_draws_no_frame(frames: WindowFrames) -> None:
    shown = frames.presenter.shown
    assert [frames.step() for _ in range(20)] == [None] * 20
    assert frames.presenter.shown == shown


def moved(frames: WindowFrames) -> None:
    frames.runtime.tableau["cube"].translation = (0.0, 1.0, 0.0)


def disabled(frames: WindowFrames) -> None:
    frames.runtime.tableau["cube"].shadowCaster.enabled = False


def inactive(frames: WindowFrames) -> None:
    frames.runtime.tableau["cube"].shadowCaster.active = False


def brighter(frames: WindowFrames) -> None:
    frames.runtime.tableau["sun"].light.intensity = 7.0


def resized(frames: WindowFrames) -> None:
    frames.window.resize(SMALL.size[0] + 16, SMALL.size[1])


def selected(frames: WindowFrames) -> None:
    frames.session.wake()


@pytest.mark.parametrize("change", [moved, disabled, inactive, brighter, resized, selected])
def test_every_change_is_drawn_and_then_the_window_is_idle_again(
    frames: WindowFrames, change: Callable[[WindowFrames], None]
) -> None:
    shown = frames.presenter.shown
    change(frames)
    for _ in range(200):
        frames.step()
        if frames.presenter.shown > shown:
            break
    assert frames.presenter.shown > shown
    idle(frames)
    shown = frames.presenter.shown
    assert frames.step() is None
    assert frames.presenter.shown == shown


def test_input_wakes_the_window(frames: WindowFrames, display: Display) -> None:
    shown = frames.presenter.shown
    display.move_mouse(display.window("Diorama")[0], 20, 20)
    display.move_mouse(display.window("Diorama")[0], 40, 40)
    for _ in range(200):
        frames.step()
    assert frames.presenter.shown > shown


def test_what_moves_by_itself_is_drawn_until_the_clock_is_paused(frames: WindowFrames) -> None:
    tableau = frames.runtime.tableau
    tableau.add_feature("spin", np.array([tableau["cube"].row]), {"speed": 90.0})
    clock = tableau.clock
    for _ in range(90):
        clock.advance()
        assert frames.step() is not None, "every frame shows another moment"
    clock.paused = True
    idle(frames)


def test_runs_that_count_their_frames_never_rest(display: Display) -> None:
    from viewer.run.windowed import WindowFrames

    options = replace(SMALL, frames=1000)
    with opened(options) as (scene, library):
        made = WindowFrames(scene, library, options)
        try:
            until(made, lambda: made.runtime.is_idle, "nothing changes")
            assert all(made.step() is not None for _ in range(5))
        finally:
            made.close()
