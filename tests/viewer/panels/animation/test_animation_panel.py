"""The panel of time moves the clock of the scene: play, pause, steps of a frame, scrubbing in one loop."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of

from engine.feature import Registry
from engine.tableau.tableau import Tableau
from features.spin import Spin
from viewer.panels.animation.animation_panel import AnimationPanel, Loop
from viewer.panels.panel import Dock, Placed
from viewer.session.session import Session

__all__ = ["mouse"]


def spinning(**values: object) -> tuple[Tableau, Session]:
    """A scene in which an object turns, and its session."""
    registry = Registry([Spin()])
    tableau = Tableau([Spin().schema])
    tableau.add_object("wheel", features={"spin": values})
    return tableau, session_of(tableau, library=SimpleNamespace(version=0), registry=registry)


def test_time_is_paused_stepped_scrubbed_and_goes_on(mouse: Mouse) -> None:
    tableau, session = spinning(speed=90.0)  # a turn in four seconds
    clock = tableau.clock
    panel = AnimationPanel(session)
    draw = drawn(workspace_of(session, [Placed(panel, Dock.BOTTOM)]), session)
    for _ in range(4):
        mouse.frame(draw)
    mouse.click(draw, *middle(session.places["animation play"]))
    assert clock.paused
    clock.advance(5.0)
    assert clock.time == 0.0
    mouse.click(draw, *middle(session.places["animation step"]))
    assert clock.time == pytest.approx(clock.frame_time)
    mouse.click(draw, *middle(session.places["animation step back"]))
    assert clock.time == 0.0
    mouse.click(draw, *middle(session.places["time"]))
    assert 1.0 < clock.time < 3.0, "the middle of four seconds"
    clock.set(4001.0)
    mouse.frame(draw)
    for _ in range(2):
        mouse.click(draw, *middle(session.places["time"]))
        assert 4001.0 < clock.time < 4003.0, "the middle of the loop that plays, however late it is"
    mouse.click(draw, *middle(session.places["animation start"]))
    assert clock.time == 0.0
    io = imgui.get_io()
    io.add_key_event(imgui.Key.mod_ctrl, True)
    mouse.press(draw, imgui.Key.space)
    io.add_key_event(imgui.Key.mod_ctrl, False)
    mouse.frame(draw)
    assert not clock.paused


def test_the_slider_stays_in_its_loop_while_it_is_held(mouse: Mouse) -> None:
    tableau, session = spinning(speed=90.0)
    draw = drawn(workspace_of(session, [Placed(AnimationPanel(session), Dock.BOTTOM)]), session)
    tableau.clock.set(9.0)
    for _ in range(4):
        mouse.frame(draw)
    io, (x0, y0, x1, y1) = imgui.get_io(), session.places["time"]
    io.add_mouse_pos_event((x0 + x1) / 2, (y0 + y1) / 2)
    mouse.frame(draw)
    io.add_mouse_button_event(0, True)
    mouse.frame(draw)
    for x, time in ((x1 + 50, 12.0), (x1 + 60, 12.0), (x0 - 50, 8.0)):
        io.add_mouse_pos_event(x, (y0 + y1) / 2)
        mouse.frame(draw)
        assert tableau.clock.time == pytest.approx(time)
    io.add_mouse_button_event(0, False)
    mouse.frame(draw)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_scene_in_which_nothing_moves_has_no_slider(mouse: Mouse, is_there: bool) -> None:
    tableau, session = spinning()
    draw = drawn(workspace_of(session, [Placed(AnimationPanel(session), Dock.BOTTOM)]), session)
    for _ in range(4):
        mouse.frame(draw)
    assert "time" in session.places
    if is_there:
        tableau["wheel"].spin.enabled = False
    else:
        tableau.remove("wheel")
    mouse.frame(draw)
    assert "time" not in session.places


def test_a_loop_is_the_longest_that_repeats() -> None:
    once, short, long = Loop(9.0, repeats=False), Loop(2.0), Loop(3.0)
    assert Loop.of([once, short, long, Loop()]) == long
    assert Loop.of([once, Loop(1.0, repeats=False)]) == once
    assert Loop.of([]).seconds == 0.0
    assert (long.start(7.0), once.start(20.0)) == (6.0, 0.0)
