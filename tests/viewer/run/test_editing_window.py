"""A scene is edited with mouse and keys: what is switched, typed, undone and saved is in engine and file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import images
from support.display import Display
from support.hand import Hand
from support.live_scene import UNUSED
from support.window_frames import open_window, settle, until

from viewer.arguments import Options

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu
SIZE = (1000, 420)


@pytest.fixture
def scene_file(tmp_path: Path, root: Path) -> Path:
    """A copy of the cube's scene with its sources."""
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    return tmp_path / "scenes" / "cube.hu"


@pytest.fixture
def frames(scene_file: Path, display: Display) -> Iterator[WindowFrames]:
    with open_window(Options(scene=scene_file, size=SIZE), bottom=0.8) as made:
        yield made


def test_switch_type_undo_and_save_by_mouse_and_keys(
    frames: WindowFrames, display: Display, scene_file: Path
) -> None:
    hand, tableau, session = Hand(frames, display), frames.runtime.tableau, frames.session
    before, lit = scene_file.read_text(), frames.runtime.read_pixels()

    hand.click("switch cube//enabled")
    settle(frames)
    assert not tableau["cube"].enabled
    images.assert_different(frames.runtime.read_pixels(), lit, share=0.01)
    hand.keys("ctrl+z")
    settle(frames)
    assert tableau["cube"].enabled
    images.assert_same(frames.runtime.read_pixels(), lit)
    hand.keys("ctrl+shift+z")
    assert not tableau["cube"].enabled
    hand.keys("ctrl+z")
    assert session.editing.history.is_saved

    hand.click("row cube/")
    assert session.selection.objects.tolist() == [tableau["cube"].row]
    hand.click("field scale")
    hand.keys("ctrl+a")
    hand.type("2.5")
    hand.keys("Return")
    assert tableau["cube"].scale.tolist() == [1, 1, 2.5]
    hand.keys("ctrl+s")
    after = scene_file.read_text()
    assert after != before
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert [line.strip() for line in changed] == ["scale: [1 1 2.5]"]
    assert all(line in after.splitlines() for line in before.splitlines()), (
        "comments and spacing are as before"
    )
    assert session.editing.history.is_saved

    hand.click("row cube/")
    hand.keys("ctrl+d")
    assert "cube2" in tableau
    assert session.selection.objects.tolist() == [tableau["cube2"].row]
    hand.click("row cube2/")
    hand.keys("F2")
    assert "rename box" in session.places
    hand.type("a, ##b")
    hand.keys("Return")
    assert "a, ##b" in tableau
    hand.keys("space")
    assert not tableau["a, ##b"].enabled
    hand.keys("Delete")
    assert "a, ##b" not in tableau
    hand.click("button undo")
    hand.click("button undo")
    assert tableau["a, ##b"].enabled
    hand.click("button save")
    assert '"a, ##b": {' in scene_file.read_text()
    np.testing.assert_array_equal(tableau["a, ##b"].scale, [1, 1, 2.5])
    assert frames._guard.switched_off == ()


def test_what_a_bar_follows_is_chosen_by_a_search_marked_where_missing_undone_and_saved(
    frames: WindowFrames, display: Display, scene_file: Path
) -> None:
    hand, tableau, session = Hand(frames, display), frames.runtime.tableau, frames.session
    bar = tableau.add_object("bar", features={"healthBar": {"bind": "sun.light.intensiti"}})
    session.selection.select([bar.row])
    settle(frames)
    hand.click("section transform")
    hand.click("field healthBar.bind")
    hand.type("sun inten")
    hand.click("choice sun.light.intensity")
    assert bar.healthBar.bind == "sun.light.intensity"
    hand.keys("ctrl+z")
    assert bar.healthBar.bind == "sun.light.intensiti"
    hand.keys("ctrl+y", "ctrl+s")
    assert "bind: sun.light.intensity" in scene_file.read_text()
    hand.click("arrow bind")
    assert session.selection.objects.tolist() == [tableau["sun"].row]


def listed(frames: WindowFrames) -> list[tuple[str, str, bool]]:
    """Code, severity and whether it has a place, of each problem that is listed."""
    problems = frames.session.statistics.problems
    return [(str(each.code), str(each.severity), each.position is not None) for each in problems]


def test_why_a_save_is_refused_is_said_once_with_its_place_and_goes_when_it_is_mended(
    frames: WindowFrames, display: Display, scene_file: Path
) -> None:
    hand, tableau = Hand(frames, display), frames.runtime.tableau
    good, saving = scene_file.read_text(), frames.session.editing.saving
    hand.click("row cube/")
    hand.click("field scale")
    hand.keys("ctrl+a")
    hand.type("2.5")
    hand.keys("Return")
    scene_file.write_text(good[: good.index("        camera")])
    until(frames, lambda: ("humon.unclosed", "error", True) in listed(frames), "the file is broken")
    broken = listed(frames)
    hand.keys("ctrl+s")
    settle(frames)
    assert listed(frames) == broken
    assert len(set(frames.session.statistics.problems)) == len(broken)

    scene_file.write_text(good.replace("scale: [50 1 50]", "scale: [51 1 51]"))
    until(frames, lambda: not listed(frames), "what is mended goes")
    assert tableau["ground"].scale.tolist() == [51, 1, 51]
    hand.keys("ctrl+s")
    assert "scale: [1 1 2.5]" in scene_file.read_text()

    hand.click("field scale")
    hand.keys("ctrl+a")
    hand.type("3")
    hand.keys("Return")
    text = scene_file.read_text()
    scene_file.write_text(text.replace("scale: [1 1 2.5]", "scale: [1 1 7]"))
    until(frames, lambda: ("scene.conflict", "warning", True) in listed(frames), "a conflict")
    assert frames.session.notices.text.startswith("1 problem in what was saved")
    saving.settle(saving.conflicts[0], use_file=False)
    until(frames, lambda: not listed(frames), "what is settled goes")
    assert frames._guard.switched_off == ()


def test_a_selection_and_a_message_leave_every_field_in_its_place(
    frames: WindowFrames, display: Display
) -> None:
    hand, places = Hand(frames, display), frames.session.places
    found: list[tuple[float, ...]] = []
    frames.session.selection.select([frames.runtime.tableau["cube"].row])
    for _ in range(4):
        frames.session.wake()
        frames.step()
        found.append(places["field active"])
        x0, _, x1, _ = places["field translation"]
        assert x1 - x0 > 30, "the value has its width in the first frame, too"
    assert set(found) == {found[-1]}, "nothing moves after the first frame"
    editing = frames.session.editing
    for keys, message in (("ctrl+s", "nothing to save"), ("Delete", ""), ("ctrl+z", "undone: Delete cube")):
        hand.keys(keys)
        assert (editing.message, editing.was_refused) == (message, False)
    frames.session.selection.select([frames.runtime.tableau["cube"].row])
    hand.keys("ctrl+s")
    assert places["field active"] == found[-1]
    editing.run(lambda: editing.editor.rename(frames.runtime.tableau["cube"].row, "ground"))
    assert editing.was_refused


def test_escape_ends_a_drag_of_a_number_as_if_it_had_not_been(frames: WindowFrames, display: Display) -> None:
    hand, places = Hand(frames, display), frames.session.places
    cube, history = frames.runtime.tableau["cube"], frames.session.editing.history
    hand.click("row cube/")
    hand.until(lambda: "field translation" in places, "its properties")
    before, done = cube.translation.tolist(), len(history.done)
    x0, y0, x1, y1 = places["field translation"]
    x, y = x0 + (x1 - x0) * 0.2, (y0 + y1) / 2
    hand.display.move_mouse(hand.number, x, y)
    hand.draw()
    hand.display.press()
    hand.draw()
    for step in range(1, 4):
        hand.display.move_mouse(hand.number, x + 10 * step, y)
        hand.draw()
    assert cube.translation.tolist() != before
    hand.keys("Escape")
    assert cube.translation.tolist() == before
    hand.display.move_mouse(hand.number, x + 60, y)
    hand.draw()
    hand.display.release()
    hand.draw()
    assert cube.translation.tolist() == before
    assert (len(history.done), history.redo_label) == (done, "")
    assert frames.session.selection.objects.tolist() == [cube.row], "it is still selected"
