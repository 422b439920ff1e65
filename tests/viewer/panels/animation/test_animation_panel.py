"""The panel of time moves the clock of the scene: play, pause, steps of a frame, scrubbing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, drawn, middle, mouse, session_of, workspace_of

from engine.tableau.tableau import Tableau
from viewer.panels.animation.animation_panel import AnimationPanel
from viewer.panels.panel import Dock, Placed

__all__ = ["mouse"]


def test_time_is_paused_stepped_scrubbed_and_goes_on(mouse: Mouse) -> None:
    tableau = Tableau()
    clock = tableau.clock
    session = session_of(tableau, library=SimpleNamespace(version=0))
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
    clock.set(20.0)
    mouse.frame(draw)
    for _ in range(2):
        mouse.click(draw, *middle(session.places["time"]))
        assert 9.0 < clock.time < 11.0, "the middle of what was shown, also once the clock was set back"
    mouse.click(draw, *middle(session.places["animation start"]))
    assert clock.time == 0.0
    io = imgui.get_io()
    io.add_key_event(imgui.Key.mod_ctrl, True)
    mouse.press(draw, imgui.Key.space)
    io.add_key_event(imgui.Key.mod_ctrl, False)
    mouse.frame(draw)
    assert not clock.paused
