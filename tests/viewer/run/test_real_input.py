"""A window under a window manager, with real keys, clicks and drops: files, dialogs, offers, sizes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import images
from support.display import Display, display_server
from support.hand import Hand
from support.live_scene import UNUSED
from support.mouse import middle
from support.window_frames import on_screen, scene_area, settle, until
from support.x_client import XClient, window_manager

from viewer.arguments import Options
from viewer.panels import layout
from viewer.panels.panel import Dock
from viewer.run.scene_opening import opened
from viewer.ui import style

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu
SIZE = (1000, 420)


class Dropping(Hand):
    """Mouse, keyboard and dropped files on the window of a run."""

    def __init__(self, frames: WindowFrames, display: Display, client: XClient) -> None:
        super().__init__(frames, display)
        self.client = client

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.display.move_mouse(self.number, *start)
        self.draw()
        self.display.press()
        self.draw(2)
        for part in (0.1, 0.5, 1.0):
            self.display.move_mouse(
                self.number, *(a + (b - a) * part for a, b in zip(start, end, strict=True))
            )
            self.draw(2)
        self.display.move_mouse(self.number, end[0], end[1] + 1)
        self.draw(4)  # a place to dock in is found in one frame, and taken in a later one
        self.display.release()
        self.draw(4)

    def picture(self) -> np.ndarray:
        """What is shown of the scene, without a mouse over it."""
        self.display.move_mouse(self.number, 2, 2)
        settle(self.frames)
        return on_screen(self.frames, self.display)[scene_area(self.frames)].copy()


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Display, XClient]]:
    """A display of these tests' own, as a window manager takes over all windows of one."""
    folder = tmp_path_factory.mktemp("managed")
    with display_server(folder) as (_, display), window_manager(display, folder) as client:
        yield display, client


@pytest.fixture(scope="module")
def world(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenes with their sources, and a folder that runs find their preferences and recovery files in."""
    folder = tmp_path_factory.mktemp("world")
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, folder / name, ignore=UNUSED)
    return folder


@contextmanager
def window(managed: tuple[Display, XClient], world: Path, scene_file: Path) -> Iterator[Dropping]:
    """Open a scene; nothing may have raised, and validation must have been silent, at its end."""
    display, client = managed
    options = Options(scene=scene_file, size=SIZE)
    with pytest.MonkeyPatch.context() as patch, opened(options) as (scene, library):
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(world / name))
        patch.setenv("DISPLAY", display.name)
        patch.chdir(scene_file.parent)  # so that names are enough to be typed
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        patch.setitem(layout._SHARES, Dock.BOTTOM, 0.7)  # the less of a scene, the quicker it is drawn
        from viewer.run.windowed import WindowFrames

        frames = WindowFrames(scene, library, options)
        try:
            settle(frames)
            yield Dropping(frames, display, client)
            assert frames._guard.switched_off == ()
        finally:
            frames.close()
        messages = [str(message) for each in frames.runtime.instances for message in each.messages.all]
        assert messages == []
        assert frames.runtime.instance.handles.left_behind == 0


@pytest.fixture(scope="module")
def shared(managed: tuple[Display, XClient], world: Path) -> Iterator[Dropping]:
    with window(managed, world, world / "scenes/cube.hu") as hand:
        yield hand


def test_f1_shows_all_keys_over_the_scene_and_escape_takes_them_away(shared: Dropping) -> None:
    before = shared.picture()
    shared.keys("F1")
    assert shared.frames.dialogs.keys.is_shown
    shared.draw(4)
    assert (shared.picture() != before).any(axis=2).mean() > 0.3
    shared.keys("Escape")
    assert not shared.frames.dialogs.keys.is_shown
    images.assert_same(shared.picture(), before)


def test_a_minimised_window_draws_nothing_and_one_that_is_resized_draws_at_its_size(
    shared: Dropping,
) -> None:
    frames, before = shared.frames, shared.picture()
    shared.display.minimise(shared.number)
    until(frames, lambda: frames.window.is_hidden, "it is minimised")
    shown = frames.presenter.shown
    assert [frames.step() for _ in range(2)] == [None] * 2
    assert frames.presenter.shown == shown
    shared.display.restore(shared.number)
    until(frames, lambda: not frames.window.is_hidden and frames.presenter.shown > shown, "it is back")
    images.assert_same(shared.picture(), before)

    shared.display.resize(shared.number, 600, 380)
    until(frames, lambda: frames.window.framebuffer_size == (600, 380), "it is smaller")
    settle(frames)
    assert frames.swapchain.extent == (600, 380)
    assert frames.presenter.area is not None
    assert frames.runtime.size == frames.presenter.area[2:]
    smaller = shared.picture()
    images.assert_same(smaller, frames.runtime.read_pixels()[..., :3])
    shared.display.resize(shared.number, *SIZE)
    until(frames, lambda: frames.window.framebuffer_size == SIZE, "it is as large as before")
    images.assert_same(shared.picture(), before)


def test_a_panel_cannot_be_dragged_out_of_reach(shared: Dropping) -> None:
    places, workspace = shared.frames.session.places, shared.frames.workspace
    left = workspace.area[0]
    shared.drag(middle(places["tab outliner"]), middle(workspace.area))
    assert workspace.area[0] < left, "it is a window of its own, over the scene"
    for corner in ((-400.0, -300.0), (SIZE[0] + 400.0, SIZE[1] + 300.0)):
        shared.drag(middle(places["tab outliner"]), corner)
        x0, y0, x1, _ = places["tab outliner"]
        assert x0 < SIZE[0] - 8
        assert x1 > 8
        assert -1 <= y0 < SIZE[1] - 8, "its title can be taken again"
        shared.frames.workspace.show("outliner")
        shared.drag(((max(x0, 0) + min(x1, SIZE[0])) / 2, y0 + 6), middle(workspace.area))
    workspace.lay_out()
    shared.draw(6)
    assert workspace.area[0] == left


def test_a_panel_of_its_own_has_a_border_that_stands_out_in_both_themes(shared: Dropping) -> None:
    places, workspace = shared.frames.session.places, shared.frames.workspace
    shared.drag(middle(places["tab outliner"]), middle(workspace.area))
    for theme in ("light", "dark"):
        if shared.frames.session.preferences.theme != theme:
            shared.frames.session.commands.find("Light theme").run()
        shared.draw(6)
        x0, y0, x1, y1 = (round(side) for side in places["panel outliner"])
        screen = on_screen(shared.frames, shared.display).astype(int)
        border, ground = (
            np.rint(255 * np.array(color)[:3]) for color in (tuple(style.BORDER), tuple(style.GROUND))
        )
        height = min(y1, screen.shape[0]) - y0
        edges = screen[y0 + 2 : y0 + height - 2, x0], screen[y0, x0 + 2 : min(x1, screen.shape[1]) - 2]
        for edge in edges:
            assert np.abs(edge - border).max() <= 2, theme
        assert np.abs(screen[y0 + height // 2, x0 + 4] - ground).max() <= 2
        lights = [style.luminance(color) + 0.05 for color in (style.BORDER, style.GROUND)]
        assert max(lights) / min(lights) >= 3.0, "as WCAG 2.1 asks for what is to be seen"
    workspace.lay_out()
    shared.draw(6)


def test_conflicts_with_a_file_are_offered_and_settled_by_clicks(shared: Dropping, world: Path) -> None:
    frames, file = shared.frames, world / "scenes/cube.hu"
    cube, saving = frames.runtime.tableau["cube"], frames.session.editing.saving
    before = shared.picture()
    for typed, other, place, left in (("2", 3, "conflict mine 0", 2), ("4", 5, "conflict file 0", 5)):
        shared.click("row cube/")
        shared.click("field scale")
        shared.keys("ctrl+a")
        shared.type(typed)
        shared.keys("Return")
        assert cube.scale.tolist() == [1, 1, float(typed)]
        text = re.sub(r"\n *scale: \[1 1 [0-9]\]", "", file.read_text())
        file.write_text(text.replace("cube: {", f"cube: {{\n            scale: [1 1 {other}]"))
        shared.until(lambda: bool(saving.conflicts), "the conflict is listed")
        assert cube.scale.tolist() == [1, 1, float(typed)], "what was set by hand stays"
        shared.click(place)
        assert not saving.conflicts
        assert cube.scale.tolist() == [1, 1, left]
        shared.keys("ctrl+s")
        assert f"scale: [1 1 {left}]" in file.read_text()
        assert "// metres" in file.read_text(), "comments are kept"
        images.assert_different(shared.picture(), before, share=0.005)


def test_real_drops_open_scenes_and_one_that_does_not_load_leaves_the_present_one(
    shared: Dropping, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, before = shared.frames, shared.picture()
    runtime = frames.runtime
    bad = world / "not a scene, ##1.hu"
    bad.write_text("version: 1 tableau: { objects: { a: { features: [ { @type: nothing } ] } }")
    assert shared.client.drop(shared.number, [bad], frames.step)
    shared.until(lambda: "cannot be opened" in capsys.readouterr().err, "it says why")
    assert frames.runtime is runtime
    assert frames.workspace.is_shown("problems")
    images.assert_same(shared.picture(), before)

    other = world / "scenes/sky.hu"
    assert shared.client.drop(shared.number, [other], frames.step)
    shared.until(lambda: frames.runtime is not runtime, "the dropped scene is there")
    assert frames.runtime.scene.path == other.resolve()
    assert (shared.picture() != before).any(axis=2).mean() > 0.3


def test_several_dropped_files_are_opened_together(shared: Dropping, world: Path) -> None:
    frames, runtime = shared.frames, shared.frames.runtime
    files = [world / "scenes" / name for name in ("cube.hu", "sky.hu")]
    assert shared.client.drop(shared.number, files, frames.step)
    shared.until(lambda: frames.runtime is not runtime, "they are there")
    assert [part.opened.name for part in frames.runtime.scene.parts] == ["cube.hu", "sky.hu"]
    assert {"cube/cube", "sky"} <= {frames.runtime.tableau.path(row) for row in frames.runtime.tableau.rows()}
    settle(frames)
    assert (shared.picture() > 20).any()


def test_a_panel_is_docked_to_another_one_by_its_tab_and_stays_there(shared: Dropping) -> None:
    places, workspace = shared.frames.session.places, shared.frames.workspace
    shared.draw(4)
    left = workspace.area[0]
    workspace.show("heaps")
    shared.draw(6)
    shared.drag(middle(places["tab heaps"]), middle(places["tab outliner"]))
    shared.draw(6)
    first, second = places["tab heaps"], places["tab outliner"]
    assert abs(first[1] - second[1]) < 2, "their tabs are beside each other"
    assert first[0] < left
    assert second[0] < left
    assert workspace.area[0] == pytest.approx(left, abs=2)
    workspace.keep()
    assert "heaps" in shared.frames.session.preferences.layout
    workspace.show("outliner")
    shared.draw(6)
    assert workspace.is_in_front("outliner")
    assert not workspace.is_in_front("heaps")
    workspace.lay_out()
    shared.draw(8)
    assert places["tab heaps"][0] > left


def test_the_dialog_opens_what_is_typed_and_what_was_not_saved_there_is_offered(
    shared: Dropping, world: Path
) -> None:
    frames, file = shared.frames, world / "scenes/cube.hu"

    def type_file(path: Path) -> None:
        runtime = frames.runtime
        shared.keys("ctrl+o")
        shared.until(lambda: "open path" in frames.session.places, "the dialog is there")
        shared.draw(2)
        shared.keys("ctrl+a")
        shared.type(path.name)
        shared.keys("Return")
        shared.until(lambda: frames.runtime is not runtime, "the typed scene is there")
        settle(frames)
        assert frames.runtime.scene.path == path.resolve()

    type_file(file)
    lit, text = shared.picture(), file.read_text()
    shared.click("switch cube//enabled")
    without = shared.picture()
    images.assert_different(without, lit, share=0.01)
    type_file(world / "scenes/sky.hu")
    type_file(file)
    assert frames.runtime.tableau["cube"].enabled
    assert file.read_text() == text
    shared.click("button recover")
    assert not frames.runtime.tableau["cube"].enabled
    images.assert_same(shared.picture(), without)
    shared.keys("ctrl+z")
    images.assert_same(shared.picture(), lit)
    shared.keys("ctrl+o")
    shared.until(lambda: "open path" in frames.session.places, "the dialog is there again")
    shared.keys("Escape")
    shared.until(lambda: "open path" not in frames.session.places, "escape closes it")
