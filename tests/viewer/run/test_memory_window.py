"""The memory panels in a real window: the wheel zooms the map, a click selects, reasons are links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.display import Display, environment_of
from support.mouse import middle
from support.window_frames import open_window, settle, until

from viewer.arguments import Options
from viewer.panels.memory.map_panel import WHEEL, MapPanel
from viewer.panels.memory.table.memory_table import Level
from viewer.panels.memory.table.table_panel import TablePanel
from viewer.session.links import SourceLink

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu

OPTIONS = Options(scene=Path("scenes/cube.hu"), size=(800, 480))
WHEEL_UP, WHEEL_DOWN = 4, 5


@pytest.fixture(scope="module")
def made(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowFrames]:
    """One window for all tests of this module."""
    with environment_of(xvfb, tmp_path_factory), open_window(OPTIONS, bottom=0.7) as frames:
        yield frames


@pytest.fixture
def frames(made: WindowFrames) -> WindowFrames:
    """The window with all that the scene has, and nothing selected."""
    made.runtime.tableau["cube"].shadowCaster.active = True
    made.session.selection.clear()
    settle(made)
    return made


def step(frames: WindowFrames, count: int = 2) -> None:
    for _ in range(count):
        frames.session.wake()
        frames.step()


def click(frames: WindowFrames, display: Display, x: float, y: float) -> None:
    """Move the mouse to a place in points, press and release its button."""
    display.move_mouse(display.window("Diorama")[0], x, y)
    step(frames)
    display.press()
    step(frames, 1)
    display.release()
    step(frames)


def wheel(
    frames: WindowFrames, display: Display, place: tuple[float, float], button: int, notches: int
) -> None:
    """Turn the wheel over a place by so many notches."""
    display.move_mouse(display.window("Diorama")[0], *place)
    step(frames)
    for _ in range(notches):
        display.press(button)
        display.release(button)
    step(frames, 4)


def shown(frames: WindowFrames, title: str) -> None:
    frames.workspace.show(title)
    step(frames, 4)


def map_panel(frames: WindowFrames) -> MapPanel:
    panel = frames.workspace.panels["memory"].panel
    assert isinstance(panel, MapPanel)
    return panel


def block_place(frames: WindowFrames, name: str) -> tuple[tuple[float, float], int]:
    """The middle of a block of the map on the screen, scrolled to, and its key."""
    models = map_panel(frames)._shared.models()
    assert models is not None
    key = models.plan.requirements.keys.transient(name)
    place = models.places.place_of(key)
    assert place is not None
    row, offset = models.places.line_address(int(models.places.ranges[0][place]))
    size = int(models.places.ranges[1][place] - models.places.ranges[0][place])
    state = map_panel(frames).state
    top = float(state.layout.tops[row])
    row_ends = top, top + state.layout.row_height
    state.viewport.show(offset, offset + size, row_ends, models.largest, state.layout.height)
    step(frames)
    x0, y0, _, _ = frames.session.places["memory map"]
    x = x0 + state.viewport.point_of(offset + size / 2)
    return (x, y0 + top - state.viewport.scroll + state.layout.row_height / 2), key


def test_the_wheel_zooms_at_the_pointer_and_a_drag_pans(frames: WindowFrames, xvfb: Display) -> None:
    shown(frames, "memory")
    (x, y), _ = block_place(frames, "shadowMap")
    view = map_panel(frames).state.viewport
    left = frames.session.places["memory map"][0]
    scale, byte = view.scale, view.origin + (round(x) - left) * view.scale
    wheel(frames, xvfb, (x, y), WHEEL_UP, 6)
    until(frames, lambda: view.scale == pytest.approx(scale / WHEEL**6), "six notches")
    assert view.origin + (round(x) - left) * view.scale == pytest.approx(byte, abs=2 * view.scale)
    origin = view.origin
    window = xvfb.window("Diorama")[0]
    xvfb.press()
    step(frames)
    xvfb.move_mouse(window, x + 40, y)
    step(frames)
    xvfb.release()
    step(frames)
    assert view.origin == pytest.approx(origin - 40 * view.scale, abs=8 * view.scale)
    assert frames.session.selection.memory is None  # a drag selects nothing
    wheel(frames, xvfb, (x, y), WHEEL_DOWN, 12)
    until(frames, lambda: view.scale == pytest.approx(scale), "all is shown again")
    assert view.origin == 0.0


def follow(frames: WindowFrames, xvfb: Display, link: str) -> None:
    """Click on a link of the panel, once it is there."""
    until(frames, lambda: link in frames.session.places, f"{link} is shown")
    click(frames, xvfb, *middle(frames.session.places[link]))


def test_a_click_on_a_block_shows_why_it_is_there_and_its_links_lead_on(
    frames: WindowFrames, xvfb: Display
) -> None:
    shown(frames, "memory")
    shown(frames, "why")
    followed: list[SourceLink] = []
    frames.session.links.on(SourceLink, followed.append)
    place, key = block_place(frames, "shadowMap")
    click(frames, xvfb, *place)
    assert frames.session.selection.memory == (Level.SUBRESOURCE, key)
    follow(frames, xvfb, "why object 1")
    primary = frames.session.selection.primary
    tableau = frames.runtime.tableau
    assert primary is not None
    assert tableau.path(primary) == "cube"
    follow(frames, xvfb, "why feature 1")
    assert frames.session.selection.feature is not None
    assert frames.session.selection.feature[0] == "shadowCaster"
    follow(frames, xvfb, "why line 1")
    position = tableau.tables["shadowCaster"].position(frames.session.selection.feature[1])
    assert position is not None
    assert followed == [SourceLink(Path("scenes/cube.hu").resolve(), position.line, position.column)]
    follow(frames, xvfb, "why resource")
    memory = frames.session.selection.memory
    assert memory is not None
    assert memory[0] == Level.RESOURCE
    follow(frames, xvfb, "why inside 0")
    assert frames.session.selection.memory == (Level.SUBRESOURCE, key)


def test_typing_filters_the_table_and_a_click_selects_in_the_map(frames: WindowFrames, xvfb: Display) -> None:
    shown(frames, "memory table")
    panel = frames.workspace.panels["memory table"].panel
    assert isinstance(panel, TablePanel)
    everything = len(panel.rows)
    click(frames, xvfb, *middle(frames.session.places["table filter"]))
    xvfb.type("+depth shadow")
    until(frames, lambda: panel.text == "+depth shadow" and len(panel.rows) == 1, "the typed filter")
    assert everything > 1
    assert panel.totals.size == 2048 * 2048 * 4
    click(frames, xvfb, *middle(frames.session.places[f"table row {panel.rows[0]}"]))
    key = frames.runtime.planner.keys.transient("shadowMap")
    assert frames.session.selection.memory == (Level.SUBRESOURCE, key)


def test_what_is_switched_off_leaves_the_map(frames: WindowFrames, xvfb: Display) -> None:
    shown(frames, "memory")
    models = map_panel(frames)._shared.models()
    assert models is not None
    before = models.places.total
    key = frames.runtime.planner.keys.transient("shadowMap")
    assert models.places.place_of(key) is not None
    click(frames, xvfb, *middle(frames.session.places["switch cube/shadowCaster/active"]))
    settle(frames)
    step(frames)
    after = map_panel(frames)._shared.models()
    assert after is not None
    assert after.places.place_of(key) is None
    assert before - after.places.total >= 2048 * 2048 * 4
    assert after.places.total == frames.runtime.memory.live_bytes
