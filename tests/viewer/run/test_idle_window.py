"""A window in which nothing changes draws nothing, and goes on as soon as something does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.display import Display, environment_of
from support.window_frames import SMALL, open_window

from viewer.numbered_files import numbered_files
from viewer.panels import menu_bar
from viewer.run.idle import SETTLE_FRAMES, Idle

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames
    from viewer.session.session import Session
    from viewer.ui import style

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def made(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowFrames]:
    """One window for all tests of this module."""
    with environment_of(xvfb, tmp_path_factory) as patch:
        patch.setattr("viewer.run.idle.SETTLE_S", 0.1)
        patch.setattr("viewer.run.windowed.LONGEST_S", 0.01)
        with open_window(SMALL) as frames:
            yield frames


@pytest.fixture
def frames(made: WindowFrames) -> WindowFrames:
    """The window, in which nothing changes any more."""
    idle(made)
    return made


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


def test_the_last_frame_before_a_rest_says_that_the_window_is_idle(
    frames: WindowFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[str] = []

    frame_rate = menu_bar.frame_rate

    def noted(session: Session) -> tuple[str, style.Color]:
        found = frame_rate(session)
        rates.append(found[0])
        return found

    monkeypatch.setattr(menu_bar, "frame_rate", noted)
    for _ in range(2):
        rates.clear()
        frames.session.wake(0.3)
        idle(frames)
        assert rates[-1] == "idle"
        assert {rate for rate in rates[1:-1] if rate.endswith("/s")}, rates
        assert "idle" not in rates[2:-1], rates


def test_a_window_comes_to_rest_with_every_panel_in_front(frames: WindowFrames) -> None:
    panels, shown = (
        frames.workspace.panels,
        {title: frames.workspace.is_shown(title) for title in frames.workspace.panels},
    )
    for title in panels:
        frames.session.places.clear()
        frames.workspace.show(title)
        idle(frames)
        assert f"panel {title}" in frames.session.places, title
    for title, was_shown in shown.items():
        frames.workspace.show(title, shown=was_shown)


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


def test_input_wakes_the_window(frames: WindowFrames, xvfb: Display) -> None:
    shown = frames.presenter.shown
    number, _ = xvfb.window("Diorama")
    xvfb.move_mouse(number, 20, 20)
    xvfb.move_mouse(number, 40, 40)
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
    clock.paused = False
    tableau.remove_feature("spin", tableau["cube"])


@pytest.mark.parametrize(
    "counted",
    [
        {"frames": 1000},
        {"sequence": numbered_files("#.png", 9)},
        {"script": Path("a.py")},
        {"record": Path("a.py")},
    ],
    ids=lambda counted: next(iter(counted)),
)
def test_runs_that_count_or_write_their_frames_never_rest(
    frames: WindowFrames, counted: dict[str, Any]
) -> None:
    for options, rests in ((SMALL, True), (replace(SMALL, **counted), False)):
        due = Idle(frames.window, frames.session, options, frames._context.queue)
        due.is_due()  # the events until now
        idle(frames)
        for _ in range(SETTLE_FRAMES):
            due.note_shown()
        assert due.is_due() is rests
