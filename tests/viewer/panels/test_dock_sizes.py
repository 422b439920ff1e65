"""Docked panels stay legible in a small window, and are as large as they were in a larger one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from imgui_bundle import imgui
from support.mouse import SIZE, Mouse, drawn, mouse, session_of, workspace_of
from support.plans import cube_plan

from engine.tableau.tableau import Tableau
from viewer.panels.panel import Dock, Placed
from viewer.panels.workspace import Workspace
from viewer.session.preferences import Preferences
from viewer.session.session import Session
from viewer.ui import style

__all__ = ["mouse"]

DOCKS = {"left": Dock.LEFT, "right": Dock.RIGHT, "below": Dock.BOTTOM}
NO_CLOSE_BUTTON = imgui.internal.DockNodeFlagsPrivate_.no_close_button.value
Boxes = dict[str, tuple[float, ...]]


class Text:
    """A panel."""

    def __init__(self, title: str) -> None:
        self.title = title

    def draw(self) -> None:
        imgui.text_unformatted(self.title)


class Screen:
    """A workspace of three panels, on a display of any size."""

    def __init__(self, mouse: Mouse, preferences: Preferences | None = None) -> None:
        self.mouse = mouse
        self.session: Session = session_of(Tableau([]), cube_plan())
        if preferences is not None:
            self.session.preferences = preferences
        panels = [Placed(Text(title), dock) for title, dock in DOCKS.items()]
        self.workspace: Workspace = workspace_of(self.session, panels)
        self.draw: Any = drawn(self.workspace, self.session)

    def at(self, size: tuple[int, int]) -> Boxes:
        """Draw on a display of a size, and return the widths and heights of all panels and of the scene."""
        imgui.get_io().display_size = size
        for _ in range(6):
            self.mouse.frame(self.draw)
        boxes = {title: self.session.places[f"panel {title}"] for title in DOCKS}
        boxes["scene"] = self.workspace.area
        return {title: (x1 - x0, y1 - y0) for title, (x0, y0, x1, y1) in boxes.items()}


def assert_legible(boxes: Boxes, *, scale: float = 1.0) -> None:
    least = [side * style.FONT_SIZE * scale for side in style.LEAST_WINDOW]
    for title, (width, height) in boxes.items():
        assert width >= least[0] * (2 if title == "scene" else 1) - 1, title
        assert height >= least[1] - 1, title


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_panels_stay_legible_in_a_small_window_and_are_as_before_in_a_large_one(
    mouse: Mouse, scale: float
) -> None:
    style.resize(scale)
    screen = Screen(mouse)
    large = screen.at((1920, 1080))
    assert_legible(large, scale=scale)
    assert_legible(screen.at((round(640 * scale), round(400 * scale))), scale=scale)
    tiny = screen.at((200, 150))
    assert min(min(sides) for sides in tiny.values()) > 20, "each has its share of what there is"
    assert screen.at((1920, 1080)) == large


def test_a_layout_that_is_kept_in_a_small_window_is_that_of_the_large_one(mouse: Mouse) -> None:
    screen = Screen(mouse)
    large = screen.at((1920, 1080))
    small = screen.at((200, 150))
    screen.workspace.keep()
    assert screen.at((200, 150)) == small, "keeping it changes nothing"
    kept = screen.session.preferences
    imgui.load_ini_settings_from_memory("")
    assert Screen(mouse, kept).at((1920, 1080)) == large


def test_a_kept_layout_of_strips_is_made_legible(mouse: Mouse) -> None:
    screen = Screen(mouse)
    screen.at(SIZE)
    screen.workspace.keep()
    kept = screen.session.preferences
    strips = re.sub(r"SizeRef=\d+,\d+", "SizeRef=30,30", kept.layout)
    assert strips != kept.layout
    imgui.load_ini_settings_from_memory("")
    assert_legible(Screen(mouse, replace(kept, layout=strips)).at(SIZE))


def test_a_dragged_edge_is_kept_through_a_small_window_and_stops_at_the_least_width(mouse: Mouse) -> None:
    screen, io = Screen(mouse), imgui.get_io()

    def drag(to: float) -> Boxes:
        edge = screen.session.places["panel left"][2] + 1
        io.add_mouse_pos_event(edge, 300)
        for _ in range(3):
            mouse.frame(screen.draw)
        io.add_mouse_button_event(0, True)
        for _ in range(2):
            mouse.frame(screen.draw)
        io.add_mouse_pos_event(to, 300)
        for _ in range(3):
            mouse.frame(screen.draw)
        io.add_mouse_button_event(0, False)
        return screen.at(SIZE)

    screen.at(SIZE)
    wide = drag(400.0)
    assert wide["left"][0] == pytest.approx(400, abs=3)
    assert screen.at((500, 400))["left"][0] < 300
    assert screen.at(SIZE) == wide
    narrow = drag(3.0)
    assert narrow["left"][0] == pytest.approx(style.LEAST_WINDOW[0] * style.FONT_SIZE, abs=3)
    assert_legible(narrow)


def test_the_layout_is_that_of_the_first_frame_again_when_it_is_reset(mouse: Mouse) -> None:
    screen = Screen(mouse)
    first = screen.at(SIZE)
    screen.workspace.lay_out()
    assert screen.at(SIZE) == first
    screen.at((900, 500))
    screen.workspace.lay_out()
    screen.at((900, 500))
    assert Screen(mouse).at((900, 500)) == screen.at((900, 500))


def test_no_button_closes_all_panels_of_a_place(mouse: Mouse) -> None:
    screen = Screen(mouse)
    screen.at(SIZE)
    for title in DOCKS:
        node = imgui.internal.find_window_by_name(screen.workspace.panels[title].window).dock_node
        assert node.merged_flags & NO_CLOSE_BUTTON, title
