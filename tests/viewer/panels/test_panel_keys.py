"""After Ctrl+Tab to a panel its keys work at once: arrows go to all that can be pressed, or scroll."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from imgui_bundle import imgui
from support.all_panels import AllPanels, all_panels

from engine.humon import Position, Problem
from engine.plan.schedule.schedule import Schedule
from engine.runtime.observation import Cause
from viewer.session.links import MemoryLink, SourceLink

ARROWS = (imgui.Key.down_arrow, imgui.Key.right_arrow, imgui.Key.left_arrow, imgui.Key.up_arrow)
TEXT_ALONE = ("heaps",)
"""Panels that have nothing to press, and as little as fits."""


class Keys:
    """Keys on the panels of a scene, each of which has something to show."""

    def __init__(self, panels: AllPanels, root: Path) -> None:
        self.panels = panels
        imgui.get_io().config_flags |= imgui.ConfigFlags_.nav_enable_keyboard.value
        session, runtime = panels.session, panels.session.runtime
        session.selection.select([runtime.tableau["cube"].row])
        panels.frame(3)
        assert runtime.plan is not None
        key = int(runtime.plan.memory.subresources["key"][0])
        session.links.follow(MemoryLink(2, key))
        session.links.follow(SourceLink(root / "scenes/tableau.hu", 2))
        timeline = self.panel("timeline")._history.timeline
        timeline._causes = lambda plan, cause: (cause.value,)
        for frame in range(3):
            timeline.planned(frame, runtime.plan, Schedule(runtime.plan, (), frame, 0), Cause.ROLLBACK)
        places = [Position("a.hu", line, 1) for line in (1, 2)]
        found = tuple(Problem("scene.field", f"{place}", place) for place in places)
        session.statistics = replace(session.statistics, problems=found)
        panels.frame(3)

    def panel(self, title: str) -> Any:
        return self.panels.workspace.panels[title].panel

    @property
    def context(self) -> Any:
        return imgui.get_current_context()

    def press(self, key: imgui.Key) -> None:
        for down in (True, False):
            imgui.get_io().add_key_event(key, down)
            self.panels.frame(2)

    def hold_ctrl(self, down: bool) -> None:
        for key in (imgui.Key.left_ctrl, imgui.Key.mod_ctrl):
            imgui.get_io().add_key_event(key, down)
        self.panels.frame(2)

    def go_to(self, title: str) -> None:
        """Press Tab while Ctrl is held until a panel is chosen."""
        self.hold_ctrl(True)
        for _ in range(2 * len(self.panels.workspace.panels)):
            self.press(imgui.Key.tab)
            target = self.context.nav_windowing_target
            if target is not None and target.name.endswith(f"###{title}"):
                break
        self.hold_ctrl(False)
        self.panels.frame(3)
        assert self.context.nav_window.root_window.name.endswith(f"###{title}")

    def state(self, title: str) -> tuple[object, ...]:
        """What keys may change: the item they are on, how far it is scrolled, what is selected or shown."""
        scrolled = tuple(
            (window.name, window.scroll.y)
            for window in self.context.windows
            if f"###{title}" in window.name and window.active
        )
        selected = tuple(self.panels.session.selection.objects.tolist())
        return self.context.nav_id, scrolled, selected, self.panel("timeline").index


@pytest.fixture(scope="module")
def keys(root: Path) -> Iterator[Keys]:
    with all_panels(root / "scenes/tableau.hu") as panels:
        yield Keys(panels, root)


TITLES = (
    *("outliner", "properties", "why", "memory", "memory table", "animation", "assets", "frame"),
    *("source", "schedule", "snapshots", "timeline", "plans", "other devices", "problems"),
)


@pytest.mark.parametrize("title", TITLES)
def test_arrows_work_in_a_panel_without_enter(keys: Keys, title: str) -> None:
    keys.go_to(title)
    seen = {keys.state(title)}
    for arrow in ARROWS:
        keys.press(arrow)
        seen.add(keys.state(title))
    assert len(seen) > 1, f"no arrow does anything in '{title}'"


def test_every_panel_is_one_of_these(keys: Keys) -> None:
    assert {*TITLES, *TEXT_ALONE} == set(keys.panels.workspace.panels)


def test_arrows_reach_the_rows_of_assets_and_enter_selects_one(keys: Keys) -> None:
    keys.panels.session.selection.clear()
    keys.go_to("assets")
    for _ in range(3):
        keys.press(imgui.Key.down_arrow)
    keys.press(imgui.Key.enter)
    assert keys.panels.session.selection.asset is not None


def test_arrows_scrub_the_timeline(keys: Keys) -> None:
    keys.go_to("timeline")
    panel = keys.panel("timeline")
    panel.scrub(None)
    keys.press(imgui.Key.up_arrow)
    keys.press(imgui.Key.down_arrow)  # from the buttons to the graph
    keys.press(imgui.Key.left_arrow)
    assert panel.index == 1
    keys.press(imgui.Key.right_arrow)
    assert panel.index is None


def test_a_row_of_plans_opens_by_enter(keys: Keys) -> None:
    keys.go_to("plans")
    rows = keys.panel("plans").rows(keys.panels.session.runtime.plan)
    before = rows.visible
    for _ in range(3):
        keys.press(imgui.Key.down_arrow)
    keys.press(imgui.Key.enter)
    assert rows.visible > before


def test_page_keys_scroll_the_text_of_a_source(keys: Keys) -> None:
    keys.go_to("source")
    before = keys.state("source")
    keys.press(imgui.Key.page_down)
    assert keys.state("source")[1] != before[1]
