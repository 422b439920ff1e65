"""With real input in a window: what-if by hover, snapshots and their delta, scrubbing, hold and step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from imgui_bundle import imgui
from support.display import Display, environment_of
from support.hand import Hand
from support.limits import limit
from support.window_frames import OPTIONS, on_screen, open_window

from engine.plan.resident.steps import SetWindow, Transfer
from viewer.panels.history.files.snapshot_reader import read_snapshot
from viewer.panels.history.memory_delta import Change
from viewer.panels.menu_bar import run_state
from viewer.panels.panel import Dock

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.gpu

SIZE = (720, 540)
SHADOW_MAP = 16 << 20


class PanelHand(Hand):
    """Real input on a window whose panels are shown."""

    def panel(self, title: str) -> object:
        self.frames.workspace.show(title)
        self.draw(4)
        return self.frames.workspace.panels[title].panel


@pytest.fixture(scope="module")
def window(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHand]:
    """One window for all tests, as opening it takes longer than any of them."""
    options = replace(OPTIONS, size=SIZE, validate=True, live=False)
    with environment_of(xvfb, tmp_path_factory) as patch:
        patch.setattr("viewer.panels.layout._SHARES", {Dock.LEFT: 0.3, Dock.RIGHT: 0.1})
        with open_window(options, bottom=0.85) as frames:
            yield PanelHand(frames, xvfb)
            assert not frames._reported


@pytest.fixture
def hand(window: PanelHand) -> PanelHand:
    """The window with the scene as its file has it, and the mouse out of the way."""
    runtime = window.frames.runtime
    runtime.hold.set(False)
    cube = runtime.tableau["cube"]
    cube.active = cube.shadowCaster.active = True
    window.display.move_mouse(window.number, SIZE[0] - 30, 200)
    window.settle()
    return window


def test_pointing_at_a_switch_shows_what_pressing_it_then_does(hand: PanelHand) -> None:
    runtime = hand.frames.runtime
    tips = hand.frames._tips
    assert tips is not None, "a frame was shown"
    cube = runtime.tableau["cube"]
    hand.point("switch cube/shadowCaster/active")
    before = on_screen(hand.frames, hand.display)
    hand.until(lambda: tips.outcome is not None, "what it would change")
    hand.draw()
    assert not np.array_equal(on_screen(hand.frames, hand.display), before), "a tool tip shows it"
    foreseen = tips.outcome.change
    assert cube.shadowCaster.active, "nothing was pressed"
    planned, allocations = runtime.plan.planned_bytes, len(runtime.plan.memory.allocations)
    assert foreseen.bytes <= -SHADOW_MAP
    hand.click("switch cube/shadowCaster/active")
    hand.settle()
    assert not cube.shadowCaster.active
    assert runtime.plan.planned_bytes - planned == foreseen.bytes
    assert len(runtime.plan.memory.allocations) - allocations == foreseen.allocations
    hand.display.move_mouse(hand.number, SIZE[0] - 30, 200)
    hand.draw()
    assert tips.outcome is None
    assert not tips.what_if.is_working


def test_what_a_switch_would_change_is_shown_beside_the_mouse_after_keys_were_used(hand: PanelHand) -> None:
    hand.point("switch cube/shadowCaster/active")
    for key in ("ctrl+o", "Escape", "Tab", "Tab", "ctrl+Tab", "Down"):
        hand.display.key(key)
        hand.draw(4)
    hand.until(lambda: imgui.get_io().nav_visible, "something is marked by keys")
    hand.until(lambda: "tip" in hand.frames.session.places, "the tip")
    hand.draw()
    x0, y0, x1, y1 = hand.frames.session.places["tip"]
    left, top, right, bottom = hand.frames.session.places["switch cube/shadowCaster/active"]
    assert x0 - 40 < (left + right) / 2 < x1 + 40
    assert y0 - 40 < (top + bottom) / 2 < y1 + 40
    hand.display.move_mouse(hand.number, SIZE[0] - 30, 200)
    hand.draw()


def test_snapshots_are_taken_compared_checked_and_saved_by_hand(
    hand: PanelHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = hand.frames.runtime
    cube = runtime.tableau["cube"]
    panel = hand.panel("snapshots")
    hand.click("snapshot take")
    taken = panel.first
    assert taken.name == "snapshot"
    assert taken.live_bytes == runtime.memory.live_bytes
    hand.click("snapshot base")
    hand.click("switch cube/shadowCaster/active")
    hand.settle()
    hand.draw(4)
    found = panel.table.rows.delta
    gone = np.flatnonzero(found.change == Change.ONLY_FIRST).tolist()
    assert "shadowMap" in {found.name(row) for row in gone}
    assert found.allocated == runtime.plan.planned_bytes - taken.image.allocated
    hand.click("switch cube/shadowCaster/active")
    hand.settle()
    assert cube.shadowCaster.active
    hand.click("snapshot leaks")
    assert panel.check is not None
    assert panel.check.is_clean, panel.check.leaks
    runtime.tableau["cube"].shadowCaster.active = False
    hand.settle()
    hand.click("snapshot take")
    assert panel.first.name == "snapshot 2"
    hand.click("snapshot base")
    hand.click("switch cube/shadowCaster/active")
    hand.settle()
    hand.click("snapshot leaks")
    assert not panel.check.is_clean
    monkeypatch.chdir(tmp_path)
    hand.click("snapshot file")
    hand.display.type("kept")
    hand.draw(12)
    hand.click("snapshot save")
    kept = (tmp_path / "kept.snapshot.hu").read_bytes()
    hand.click("snapshot save")
    assert (tmp_path / "kept.snapshot.hu").read_bytes() == kept
    assert (tmp_path / "kept-001.snapshot.hu").exists()
    again = read_snapshot(tmp_path / "kept.snapshot.hu")
    assert again.image.allocated == panel.first.image.allocated
    panel.open("kept")
    assert panel._said == ("opened 'snapshot 2 2'", True), "the ending may be missing"
    for name in ("/", ".", "..", "./", ".snapshot.hu"):
        panel.save(panel.first, name)
        assert panel._said == (f"'{name}' is no name of a file", False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept-001.snapshot.hu", "kept.snapshot.hu"]


def test_the_timeline_is_scrubbed_to_what_was(hand: PanelHand) -> None:
    runtime = hand.frames.runtime
    panel = hand.panel("timeline")
    plans = [runtime.plan]
    for _ in range(2):
        hand.click("switch cube/shadowCaster/active")
        hand.settle()
        plans.append(runtime.plan)
    timeline = panel._history.timeline
    assert [event.causes for event in timeline.events[-2:]] == [
        ("cube: shadowCaster.active off",),
        ("cube: shadowCaster.active on",),
    ]
    latest = on_screen(hand.frames, hand.display)
    hand.click("timeline back")
    assert panel.index == len(timeline.events) - 2
    shown = panel.strips(panel.index).image
    assert np.array_equal(shown.allocations, plans[1].memory.allocations)
    assert np.array_equal(shown.places["key"], plans[1].memory.subresources["key"])
    assert not np.array_equal(on_screen(hand.frames, hand.display), latest)
    assert runtime.plan is plans[2], "scrubbing shows, and changes nothing"
    hand.point("timeline graph", 0.001)
    hand.display.press()
    hand.draw()
    assert panel.index == 0
    x0, y0, _, y1 = hand.frames.session.places["timeline graph"]
    letter = 15.0
    hand.display.move_mouse(hand.number, x0 + 1.5 * letter, (y0 + y1) / 2)
    hand.draw()
    assert panel.index == 1, "the mouse drags along the graph"
    hand.display.release()
    hand.click("timeline now")
    assert panel.index is None


def test_a_plan_is_held_read_stepped_and_run(hand: PanelHand) -> None:
    runtime = hand.frames.runtime
    hand.click("switch cube//active")
    hand.settle()
    without = runtime.plan
    panel = hand.panel("schedule")
    hand.click("hold")
    assert runtime.hold.is_on
    hand.click("switch cube//active")
    hand.until(lambda: runtime.hold.waiting is not None, "a plan that waits")
    hand.draw()
    model = panel.model
    assert model.is_waiting
    assert model.change.bytes == runtime.hold.waiting.plan.planned_bytes - without.planned_bytes > SHADOW_MAP
    assert runtime.plan is without
    assert run_state(hand.frames.session) == ("a plan waits", False)
    live, steps = runtime.memory.live_bytes, runtime.hold.waiting.schedule.steps
    first = next(n for n, step in enumerate(steps) if isinstance(step, SetWindow | Transfer))
    hand.click("step")
    hand.until(lambda: not runtime.memory.granted, "the first step")
    assert runtime.memory.steps_left == len(steps) - first
    assert runtime.memory.live_bytes > live
    left = runtime.memory.steps_left
    hand.click("step")
    hand.until(lambda: not runtime.memory.granted, "the next step")
    hand.draw()
    assert runtime.memory.steps_left == left - 1
    assert model.done == len(steps) - left + 1
    hand.click("run")
    hand.settle()
    assert not runtime.hold.is_on
    assert run_state(hand.frames.session)[0] != "a plan waits"
    assert runtime.memory.live_bytes == runtime.plan.planned_bytes


def test_the_pace_of_streaming_is_set_by_a_slider(hand: PanelHand) -> None:
    hand.panel("schedule")
    pace = hand.frames.runtime.memory.pace
    hand.click("pace cycles", across=0.3)
    assert hand.frames.runtime.memory.pace.cycles > pace.cycles
    hand.click("pace milliseconds", across=0.4)
    assert hand.frames.runtime.memory.pace.milliseconds > pace.milliseconds


def test_panels_of_plans_and_devices_show_what_is_chosen(hand: PanelHand) -> None:
    runtime = hand.frames.runtime
    panel = hand.panel("plans")
    for topic in ("shaders", "pipelines", "descriptor sets", "requests", "memory"):
        hand.click(f"plans {topic}")
        assert panel.topic == topic
        assert panel.rows(runtime.plan).visible > 0
    hand.click("switch cube/shadowCaster/active")
    hand.settle()
    hand.click("plans changes")
    hand.draw()
    found = panel.table.rows.delta
    gone = np.flatnonzero(found.change == Change.ONLY_FIRST).tolist()
    assert "shadowMap" in {found.name(row) for row in gone}
    devices = hand.panel("other devices").devices
    card = devices.candidates[2]
    hand.click(f"device {card.title}")
    end = time.monotonic() + limit(20)
    while devices.is_working:
        assert time.monotonic() < end
        hand.draw()
    assert card.outcome.plan.planned_bytes > 0
    assert card.planned.heaps[0].size == 4 << 30
