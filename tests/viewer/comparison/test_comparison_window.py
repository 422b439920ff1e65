"""Two scenes side by side in a window: the same camera, a divider, and all memory back at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.display import Display
from support.live_scene import UNUSED
from support.mouse import middle
from support.window_frames import OPTIONS, on_screen, open_window, scene_area, settle, until

from engine.cli.scenes import find_scene
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene, load_scenes
from viewer.arguments import Options
from viewer.comparison.comparison import labels_of
from viewer.panels.history.memory_history import MemoryHistory
from viewer.panels.memory.heaps import HeapModel

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu


@pytest.fixture
def frames(display: Display) -> Iterator[WindowFrames]:
    with open_window(OPTIONS) as made:
        display.move_mouse(display.window("Diorama")[0], 2, 2)
        settle(made)
        yield made


def compare(frames: WindowFrames, files: tuple[Path, ...] = ()) -> Runtime:
    """Show a file beside the scene, and draw until all of it is there."""
    frames.compare(files)
    until(frames, lambda: frames.comparison.second is not None, "the other scene is open")
    second = frames.comparison.second
    assert second is not None
    until(frames, lambda: second.runtime.plan is not None and second.runtime.memory.settled, "it is loaded")
    settle(frames)
    return second.runtime


def counts(frames: WindowFrames) -> dict[str, int]:
    found = frames.runtime.instance.handles.counts()
    return {kind: found[kind] for kind in ("DeviceMemory", "Buffer", "Image", "Semaphore")}


def test_the_saved_scene_stands_beside_the_changed_one_until_escape(
    frames: WindowFrames, display: Display
) -> None:
    before, area = counts(frames), scene_area(frames)
    with_shadow = on_screen(frames, display)[area].copy()
    frames.runtime.tableau["cube"].shadowCaster.active = False
    settle(frames)
    without = on_screen(frames, display)[area].copy()
    alone, live = counts(frames), frames.runtime.memory.live_bytes
    assert not np.array_equal(with_shadow, without)
    second = compare(frames)
    assert second.device is frames.runtime.device
    assert second.memory.live_bytes - live > 8 << 20, "the saved one has its shadow map"
    shown = on_screen(frames, display)[area]
    half, width = shown.shape[1] // 2, 12
    label = shown.shape[0] - 60
    assert np.array_equal(shown[:label, : half - width], without[:label, : half - width])
    assert np.array_equal(shown[:label, half + width :], with_shadow[:label, half + width :])
    display.key("Escape")
    until(frames, lambda: frames.comparison.second is None and counts(frames) == alone, "all is given back")
    settle(frames)
    assert np.array_equal(on_screen(frames, display)[area], without)
    assert frames.runtime.memory.live_bytes == live
    assert alone["DeviceMemory"] < before["DeviceMemory"]


def test_another_scene_is_seen_by_the_same_camera_and_the_divider_is_dragged(
    frames: WindowFrames, display: Display
) -> None:
    second = compare(frames, (Path("scenes/sky.hu"),))
    camera = frames.runtime.tableau["camera"]
    camera.translation, camera.camera.fovY = (1.0, 2.0, 6.0), 60.0
    settle(frames)
    window, area = display.window("Diorama")[0], scene_area(frames)
    place = middle(frames.session.places["divider"])
    display.move_mouse(window, *place)
    for act in (display.press, lambda: display.move_mouse(window, place[0] - 60, place[1]), display.release):
        settle(frames)
        act()
    display.move_mouse(window, 2, 2)
    settle(frames)
    assert 0.02 < frames.comparison.share < 0.5
    shown = on_screen(frames, display)[area]
    other = load_scene(find_scene(Path("scenes/sky.hu")))
    own = other.tableau
    with ExitStack() as undo:
        for row in own.tables["camera"].rows_enabled().tolist():
            own.handle(int(own.tables["camera"].object[row])).camera.enabled = False
        fields = {
            field.name: getattr(camera.camera, field.name) for field in own.tables["camera"].schema.fields
        }
        mine = own.add_object("mine", translation=camera.translation, rotation=camera.rotation)
        own.add_feature("camera", mine)
        for name, value in fields.items():
            setattr(mine.camera, name, value)
        runtime = Runtime(other, second.library, RuntimeOptions(size=second.size, shared=second.device))
        undo.callback(runtime.close)
        runtime.load()
        runtime.settle()
        expected = runtime.read_pixels()[..., :3]
    first = round(frames.comparison.share * expected.shape[1]) + 12
    label = expected.shape[0] - 60
    assert np.array_equal(shown[:label, first:], expected[:label, first:])
    taken = MemoryHistory(frames.session).take_compared()
    assert taken is not None
    assert (taken.name, taken.live_bytes) == ("sky.hu", second.memory.live_bytes)
    beside = HeapModel(frames.runtime, {}, lambda: frames.session.compared).figures().outside[0]
    assert (beside.name, beside.bytes) == ("compared: sky.hu", second.memory.live_bytes)


def test_the_gizmo_is_in_the_half_of_the_scene_that_it_moves(frames: WindowFrames, display: Display) -> None:
    cube = frames.runtime.tableau["cube"]
    frames.scene_view.views.look(0.0, 0.0)
    until(frames, lambda: frames.scene_view.views._travel is None, "the camera looks from the front")
    frames.session.selection.select([cube.row])
    settle(frames)
    alone = on_screen(frames, display)[scene_area(frames)].copy()
    frames.session.selection.clear()
    settle(frames)
    bare = on_screen(frames, display)[scene_area(frames)].copy()
    compare(frames)
    frames.comparison.share = 0.49
    frames.session.selection.select([cube.row])
    settle(frames)
    shown = on_screen(frames, display)[scene_area(frames)]
    at, label = round(0.49 * shown.shape[1]), shown.shape[0] - 60
    assert (alone[:label, at + 12 :] != bare[:label, at + 12 :]).any(), "it reaches there"
    assert np.array_equal(shown[:label, at + 12 :], bare[:label, at + 12 :])
    assert np.array_equal(shown[:label, : at - 12], alone[:label, : at - 12])

    assert frames.scene_view.space is not None
    (place,), _ = frames.scene_view.space.project(cube.world[None, 3, :3])
    before, window = cube.translation.copy(), display.window("Diorama")[0]
    width = frames.scene_view.space.place[2] - frames.scene_view.space.place[0]
    x = place[0] + width * 0.06  # on the handle of x, were it shown
    display.move_mouse(window, x, place[1])
    settle(frames)
    assert not frames.scene_view.gizmo.takes_mouse
    display.press()
    frames.step()
    display.move_mouse(window, x + 20, place[1])
    settle(frames)
    display.release()
    settle(frames)
    assert (cube.translation == before).all()


def test_two_scenes_have_labels_that_differ(tmp_path: Path) -> None:
    files = [tmp_path / folder / "a.hu" for folder in ("one", "two")]
    for file in files:
        file.parent.mkdir()
        file.write_text("version: 1  tableau: { name: a  objects: {} }")
    one, two = (load_scene(file) for file in files)
    assert labels_of(one, load_scene(files[0]), is_edited=True) == ("a.hu, edited", "a.hu, saved")
    assert labels_of(one, load_scene(files[0]), is_edited=False) == ("a.hu, as it is here", "a.hu, saved")
    earlier = labels_of(one, load_scene(files[0]), is_edited=False, is_earlier=True)
    assert earlier == ("a.hu, as it is here", "a.hu, saved earlier")
    assert labels_of(one, two, is_edited=True) == ("one/a.hu", "two/a.hu")
    assert labels_of(one, load_scene(find_scene(Path("scenes/sky.hu"))), is_edited=False)[1] == "sky.hu"
    assert labels_of(one, load_scenes(files), is_edited=False) == ("a.hu", "a.hu and 1 more")


def test_the_saved_file_is_one_of_earlier_once_the_scene_is_saved_again(
    display: Display, root: Path, tmp_path: Path
) -> None:
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    with open_window(Options(scene=tmp_path / "scenes/cube.hu", size=OPTIONS.size)) as frames:
        compare(frames)
        frames.runtime.tableau["cube"].shadowCaster.enabled = False
        assert not frames.comparison._is_earlier()
        frames.session.editing.save()
        until(frames, lambda: frames.session.editing.is_saved, "it is saved")
        assert frames.comparison._is_earlier()
        compare(frames)
        assert not frames.comparison._is_earlier(), "it was opened again"


def test_what_cannot_be_compared_is_reported_and_the_scene_stays(
    frames: WindowFrames, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.hu"
    path.write_text("version: 1  tableau: {")
    frames.compare((path,))
    until(frames, lambda: not frames.under_way, "it was looked at")
    assert frames.comparison.second is None
    assert "bad.hu cannot be opened" in capsys.readouterr().err
    assert frames.step() is None or frames.runtime.plan is not None
