"""The scene view with real input in a window: what is done with the mouse and keys over the scene."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from imgui_bundle import imgui
from support.display import Display, environment_of
from support.limits import limit
from support.mouse import middle
from support.window_frames import OPTIONS, on_screen, open_window, scene_area, settle, until

from engine.graph.view_mode import GRID_PICTURE

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def made(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowFrames]:
    """One window for all tests of this module, which leave it as it was; validation is silent at its end."""
    with environment_of(xvfb, tmp_path_factory), open_window(OPTIONS, bottom=0.36) as frames:
        yield frames


@pytest.fixture
def frames(made: WindowFrames, xvfb: Display) -> Iterator[WindowFrames]:
    made.session.wake(limit(60))
    aside(made, xvfb)
    yield made
    made.session.selection.clear()
    aside(made, xvfb)


def aside(frames: WindowFrames, display: Display) -> None:
    """Put the mouse where neither its picture nor a tool tip lies over the scene."""
    display.move_mouse(display.window("Diorama")[0], 2, 2)
    settle(frames)


def press_at(frames: WindowFrames, display: Display, x: float, y: float) -> None:
    display.move_mouse(display.window("Diorama")[0], x, y)
    frames.step()
    display.press()
    frames.step()
    display.release()
    frames.step()


def scene_middle(frames: WindowFrames) -> tuple[float, float]:
    x0, y0, x1, y1 = frames.workspace.area
    return (x0 + x1) / 2, (y0 + y1) / 2


def test_a_click_on_the_cube_selects_and_outlines_it_and_escape_clears(
    frames: WindowFrames, xvfb: Display
) -> None:
    selection, cube = frames.session.selection, frames.runtime.tableau["cube"]
    xvfb.move_mouse(xvfb.window("Diorama")[0], 2, 2)  # the screen has a cursor
    settle(frames)
    before, live = on_screen(frames, xvfb)[scene_area(frames)].copy(), frames.runtime.memory.live_bytes
    written = frames.runtime.read_pixels()
    press_at(frames, xvfb, *scene_middle(frames))
    until(frames, lambda: selection.objects.tolist() == [cube.row], "the cube is selected")
    assert selection.primary == cube.row
    xvfb.move_mouse(xvfb.window("Diorama")[0], 2, 2)
    settle(frames)
    outlined = on_screen(frames, xvfb)[scene_area(frames)]
    changed = (outlined != before).any(axis=2)
    assert 0.002 < changed.mean() < 0.1, "a line, not an area"
    assert np.array_equal(frames.runtime.read_pixels(), written), "written pictures have no outline"
    xvfb.key("Escape")
    until(frames, lambda: not len(selection.objects), "nothing is selected")
    settle(frames)
    assert np.array_equal(on_screen(frames, xvfb)[scene_area(frames)], before)
    assert frames.runtime.memory.live_bytes == live


def test_a_drag_turns_the_camera_and_selects_nothing(frames: WindowFrames, xvfb: Display) -> None:
    camera = frames.runtime.tableau["camera"]
    before, turned = camera.translation.copy(), camera.rotation.copy()
    x, y = scene_middle(frames)
    window = xvfb.window("Diorama")[0]
    xvfb.move_mouse(window, x, y)
    frames.step()
    xvfb.press()
    frames.step()
    for step in range(1, 4):
        xvfb.move_mouse(window, x + 10 * step, y)
        frames.step()
    xvfb.release()
    for _ in range(3):
        frames.step()
    assert not frames.scene_view.picker.pending
    assert not len(frames.session.selection.objects)
    assert np.linalg.norm(camera.translation - before) > 0.1
    camera.translation, camera.rotation = before, turned


def test_a_drag_of_the_gizmo_is_one_change_and_escape_during_one_puts_it_back(
    frames: WindowFrames, xvfb: Display
) -> None:
    cube, camera = frames.runtime.tableau["cube"], frames.runtime.tableau["camera"]
    frames.session.selection.select([cube.row])
    frames.step()
    frames.step()
    start, eye = cube.translation.copy(), camera.translation.copy()

    def drag(*, release: bool = True) -> None:
        assert frames.scene_view.space is not None
        (place,), _ = frames.scene_view.space.project(cube.world[None, 3, :3])
        window = xvfb.window("Diorama")[0]
        xvfb.move_mouse(window, *place)
        frames.step()
        frames.step()
        xvfb.press()
        frames.step()
        for step in range(1, 4):
            xvfb.move_mouse(window, place[0] + 8 * step, place[1])
            frames.step()
        if release:
            xvfb.release()
            frames.step()
            frames.step()

    drag()
    moved = cube.translation - start
    assert np.linalg.norm(moved) > 0.05
    right = camera.world[0, :3]
    assert moved @ right == pytest.approx(np.linalg.norm(moved), rel=0.02), "as the mouse, to the right"
    assert (camera.translation == eye).all(), "the camera stays"
    assert frames.session.selection.objects.tolist() == [cube.row]
    there = cube.translation.copy()
    history = frames.session.editing.history
    assert history.labels[-1] == ("Move cube", True)
    changes = len(history.labels)
    xvfb.key("ctrl+z")
    until(frames, lambda: bool((cube.translation == start).all()), "one undo puts it back")
    xvfb.key("ctrl+shift+z")
    until(frames, lambda: bool((cube.translation == there).all()), "redo moves it again")
    drag(release=False)
    assert (cube.translation != there).any()
    xvfb.key("Escape")
    until(frames, lambda: bool((cube.translation == there).all()), "it is back")
    xvfb.release()
    frames.step()
    frames.step()
    assert (cube.translation == there).all()
    assert frames.session.selection.objects.tolist() == [cube.row], "it is still selected"
    assert len(history.labels) == changes, "what was cancelled is no change"
    xvfb.key("ctrl+z")
    until(frames, lambda: bool((cube.translation == start).all()), "it is where it was")


def test_what_is_done_during_a_drag_finds_it_as_a_change_and_the_drag_goes_on_as_another(
    frames: WindowFrames, xvfb: Display
) -> None:
    cube, history = frames.runtime.tableau["cube"], frames.session.editing.history
    frames.session.selection.select([cube.row])
    frames.step()
    frames.step()
    start, before = cube.translation.copy(), len(history.done)
    assert frames.scene_view.space is not None
    (place,), _ = frames.scene_view.space.project(cube.world[None, 3, :3])
    window = xvfb.window("Diorama")[0]

    def move(right: float) -> np.ndarray:
        xvfb.move_mouse(window, place[0] + right, place[1])
        frames.step()
        frames.step()
        return cube.translation.copy()

    move(0)
    xvfb.press()
    frames.step()
    half = move(16)
    assert np.linalg.norm(half - start) > 0.05
    frames.session.editing.run(history.note_saved)
    assert history.is_saved
    whole = move(32)
    assert whole == pytest.approx(start + 2 * (half - start), abs=0.02), "it follows the mouse as before"
    xvfb.release()
    frames.step()
    frames.step()
    assert len(history.done) == before + 2
    assert not history.is_saved
    frames.session.editing.undo()
    assert cube.translation == pytest.approx(half)
    assert history.is_saved, "as it was saved in the middle of the drag"
    frames.session.editing.undo()
    assert cube.translation == pytest.approx(start)


@pytest.mark.parametrize("parallel", [False, True])
def test_the_gizmo_moves_in_steps_while_ctrl_is_held(
    frames: WindowFrames, xvfb: Display, parallel: bool
) -> None:
    cube, camera = frames.runtime.tableau["cube"], frames.runtime.tableau["camera"]
    start, eye, turned = cube.translation.copy(), camera.translation.copy(), camera.rotation.copy()
    if parallel:
        xvfb.key("alt+5")
        until(frames, lambda: str(camera.camera.projection) == "orthographic", "the view has no perspective")
    frames.session.selection.select([cube.row])
    frames.step()
    frames.step()
    assert frames.scene_view.space is not None
    (place,), _ = frames.scene_view.space.project(cube.world[None, 3, :3])
    right = cube.world[3, :3] + (0.2, 0.0, 0.0)
    (along,), _ = frames.scene_view.space.project(right[None])
    step = (along - place) / np.linalg.norm(along - place)
    width = frames.scene_view.space.place[2] - frames.scene_view.space.place[0]
    handle = place + step * width * 0.07
    window = xvfb.window("Diorama")[0]
    xvfb.move_mouse(window, *handle)
    frames.step()
    frames.step()
    xvfb.hold("ctrl")
    xvfb.press()
    frames.step()
    for count in range(1, 6):
        xvfb.move_mouse(window, *(handle + step * 9 * count))
        frames.step()
    xvfb.release()
    frames.step()
    xvfb.let_go("ctrl")
    frames.step()
    moved = cube.translation - start
    assert moved[0] > 0.2
    assert moved[0] / 0.25 == pytest.approx(round(moved[0] / 0.25), abs=1e-4), "a multiple of 0.25 m"
    assert np.abs(moved[1:]).max() < 1e-5, "along x alone"
    xvfb.key("ctrl+z")
    until(frames, lambda: bool((cube.translation == start).all()), "one undo puts it back")
    if parallel:
        xvfb.key("alt+5")
        until(frames, lambda: str(camera.camera.projection) == "perspective", "as it was")
    camera.translation, camera.rotation = eye, turned


def test_the_tool_bar_switches_what_the_commands_do(frames: WindowFrames, xvfb: Display) -> None:
    view = frames.scene_view
    view.has_tools = True
    frames.step()
    frames.step()

    def press(name: str) -> None:
        press_at(frames, xvfb, *middle(frames.session.places[name]))

    assert frames.session.places["tool turn"][3] <= frames.workspace.area[1], "it covers nothing of the scene"
    press("tool turn")
    until(frames, lambda: view.gizmo.operation == "turn", "the gizmo turns")
    assert not view.picker.pending, "a click on the bar is none on the scene"
    press("tool move")
    until(frames, lambda: view.gizmo.operation == "move", "the gizmo moves")

    places = frames.session.places
    assert "tool ortho" not in places, "there is no room for more"
    press("tool more")
    until(frames, lambda: "more Grid" in places, "what does not fit is in a menu")
    assert {"more Orthographic", "more Wireframe", "more Lit"} <= set(places)
    press("more Grid")
    until(frames, lambda: view.has_grid and "more Grid" not in places, "it is switched, and the menu closed")
    frames.session.commands.find("More tools").run()
    until(frames, lambda: "more Grid" in places, "the command opens it, too")
    xvfb.key("Down")
    frames.step()
    frames.step()
    xvfb.key("Escape")
    until(frames, lambda: "more Grid" not in places, "escape closes it")
    frames.session.commands.find("Grid").run()
    view.has_tools = False


def test_the_menu_of_the_outliner_shows_the_selection_in_the_picture(
    frames: WindowFrames, xvfb: Display
) -> None:
    camera, places = frames.runtime.tableau["camera"], frames.session.places
    before, turned = camera.translation.copy(), camera.rotation.copy()
    press_at(frames, xvfb, *middle(places["row cube/"]))
    xvfb.press(3)
    frames.step()
    xvfb.release(3)
    until(frames, lambda: "menu show selection" in places, "the menu is open")
    press_at(frames, xvfb, *middle(places["menu show selection"]))
    until(frames, lambda: bool((camera.translation != before).any()), "the camera goes there")
    until(frames, lambda: "menu show selection" not in places, "the menu is closed")
    until(frames, lambda: frames.scene_view.views._travel is None, "it is there")
    camera.translation, camera.rotation = before, turned


def test_views_by_alt_leave_the_keyboard_where_it_is(frames: WindowFrames, xvfb: Display) -> None:
    camera, context = frames.runtime.tableau["camera"], imgui.get_current_context()
    before, turned = camera.translation.copy(), camera.rotation.copy()
    place = context.nav_window.name, context.nav_layer
    xvfb.key("alt+7")
    until(frames, lambda: camera.world[2, 1] > 0.999, "the camera looks from above")
    frames.step()
    assert (context.nav_window.name, context.nav_layer) == place, "and not at the menu bar or a tab"
    camera.translation, camera.rotation = before, turned


def test_the_palette_selects_an_object_by_its_name(frames: WindowFrames, xvfb: Display) -> None:
    xvfb.key("ctrl+f")
    until(frames, lambda: "palette text" in frames.session.places, "the palette is open")
    frames.step()
    xvfb.type("grou")
    palette = frames.dialogs.palette
    until(frames, lambda: palette._text == "@grou", "it was typed behind the @")
    assert "palette cube" not in frames.session.places
    xvfb.key("Return")
    ground = frames.runtime.tableau["ground"].row
    until(frames, lambda: frames.session.selection.objects.tolist() == [ground], "it is selected")
    until(frames, lambda: "palette text" not in frames.session.places, "the palette is closed")


def test_the_pages_list_the_keys_of_all_commands(frames: WindowFrames, pytestconfig: pytest.Config) -> None:
    pages = [pytestconfig.rootpath / "docs" / name for name in ("viewer.md", "editing.md")]
    text = " ".join(page.read_text(encoding="utf-8") for page in pages)
    spans = {"1 to 4": "1234", "Ctrl+1 to Ctrl+4": "1234"}
    assert all(span in text for span in spans)
    listed = set(re.findall(r"(?:(?:Ctrl|Shift|Alt)\+)*(?:\w+|[=,.-])(?![\w+])", text))
    unlisted = {
        key
        for command in frames.session.commands
        for key in command.keys
        if key not in listed and not re.fullmatch(r"(Ctrl\+)?[1-4]|Ctrl\+(Num|Alt\+)[137]", key)
    }
    assert not unlisted


def test_a_mode_of_the_menu_shows_normals_without_the_memory_of_light_and_l_lights_again(
    frames: WindowFrames, xvfb: Display
) -> None:
    runtime = frames.runtime
    key = runtime.planner.keys.transient("shadowMap")
    lit, live = runtime.read_pixels(), runtime.memory.live_bytes
    press_at(frames, xvfb, *middle(frames.session.places["menu Show"]))
    until(frames, lambda: "menu Show/Normal" in frames.session.places, "the menu is open")
    press_at(frames, xvfb, *middle(frames.session.places["menu Show/Normal"]))
    until(frames, lambda: runtime.memory.location(key) is None, "the shadow map is gone")
    aside(frames, xvfb)
    assert runtime.memory.live_bytes <= live - (16 << 20)
    ground = runtime.read_pixels()[-4, 4, :3]
    assert np.abs(ground.astype(int) - (128, 255, 128)).max() <= 4, "the ground looks up"
    xvfb.key("l")
    until(frames, lambda: runtime.memory.location(key) is not None, "the shadow map is back")
    settle(frames)
    assert np.array_equal(runtime.read_pixels(), lit)


def test_the_grid_is_in_the_window_and_not_in_its_pictures_and_gives_its_image_back(
    frames: WindowFrames, xvfb: Display
) -> None:
    before, live = on_screen(frames, xvfb)[scene_area(frames)].copy(), frames.runtime.memory.live_bytes
    picture = frames.runtime.read_pixels()
    xvfb.key("ctrl+g")
    until(frames, lambda: frames.runtime.renderer.has_image(GRID_PICTURE.name), "the grid has its image")
    settle(frames)
    assert frames.runtime.memory.live_bytes > live
    assert np.array_equal(frames.runtime.read_pixels(), picture)
    changed = (on_screen(frames, xvfb)[scene_area(frames)] != before).any(axis=2)
    assert 0.01 < changed.mean() < 0.4
    xvfb.key("ctrl+g")
    until(frames, lambda: frames.runtime.memory.live_bytes <= live + (32 << 10), "its image is given back")
    settle(frames)
    assert np.array_equal(on_screen(frames, xvfb)[scene_area(frames)], before)
