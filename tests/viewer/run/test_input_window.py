"""Input that comes quicker than frames are drawn is taken in whole, by a window that rests in between."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from imgui_bundle import imgui
from support.display import Display, environment_of
from support.limits import limit
from support.mouse import middle
from support.sampling import amount
from support.window_frames import OPTIONS, open_window

from engine.tableau import ROOT
from viewer.session.commands import Command

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu
LETTERS = "thequickbrownfoxjumpsoverthelazydogandrunsawayagain"
SLOW_S = 0.03


@pytest.fixture(scope="module")
def frames(xvfb: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowFrames]:
    """A window whose frames take longer than it waits after an event."""
    options = replace(OPTIONS, scene=Path("assets/builtin/empty.hu"), size=(960, 300))
    with environment_of(xvfb, tmp_path_factory) as patch:
        patch.setattr("viewer.run.idle.SETTLE_S", SLOW_S / 2)
        patch.setattr("viewer.run.windowed.LONGEST_S", 0.01)
        with open_window(options) as made:
            draw = made._frame

            def slow() -> object:
                time.sleep(SLOW_S)
                return draw()

            patch.setattr(made, "_frame", slow)
            yield made


def rest(frames: WindowFrames) -> None:
    """Run the window until it draws nothing more, also a moment later: events need one to arrive."""
    deadline, rests = time.monotonic() + limit(60.0), 0
    while rests < 10:
        rests = rests + 1 if frames.step() is None else 0
        assert time.monotonic() < deadline, "the window never comes to rest"


def send(*arguments: str) -> None:
    """Have xdotool send events, all of which the display server has when this returns."""
    program = shutil.which("xdotool")
    assert program is not None
    subprocess.run([program, *arguments], check=True, timeout=limit(20))


def test_a_text_typed_quicker_than_frames_are_drawn_is_there_when_the_window_rests(
    frames: WindowFrames, xvfb: Display
) -> None:
    rest(frames)
    send("key", "--delay", "0", "ctrl+p")
    rest(frames)
    send("type", "--delay", "0", LETTERS)
    rest(frames)
    assert frames.dialogs.palette._text == LETTERS
    send("key", "--delay", "0", "Escape")
    rest(frames)


ATTEMPTS = amount(4, 20)
TYPED: dict[str, Callable[[WindowFrames], str]] = {
    "p": lambda frames: frames.dialogs.palette._text,
    "k": lambda frames: frames.comparison._browser._path.text,
    "o": lambda frames: frames.dialogs.browser._path.text,
}


@pytest.mark.parametrize("key", TYPED)
def test_what_is_typed_right_after_the_keys_of_a_dialog_is_in_its_field(
    frames: WindowFrames, key: str
) -> None:
    for attempt in range(ATTEMPTS):
        rest(frames)
        send("keydown", "ctrl", "keydown", key)
        for _ in range(attempt % 4):
            frames.step()
        send("keyup", "ctrl", "type", "--delay", "0", f"xyz{attempt}")
        rest(frames)
        assert TYPED[key](frames) == f"xyz{attempt}", f"after {attempt % 4} frames"
        send("keyup", key, "key", "--delay", "0", "Escape")
    rest(frames)


def test_what_is_typed_after_a_command_of_the_palette_is_in_the_field_that_it_shows(
    frames: WindowFrames,
) -> None:
    for attempt in range(ATTEMPTS):
        rest(frames)
        send("key", "--delay", "0", "ctrl+p", "type", "--delay", "0", "compare with...")
        for _ in range(attempt % 4):
            frames.step()
        send("key", "--delay", "0", "Return", "type", "--delay", "0", f"xyz{attempt}")
        rest(frames)
        assert TYPED["k"](frames) == f"xyz{attempt}", f"after {attempt % 4} frames"
        send("key", "--delay", "0", "Escape")
    rest(frames)


def test_a_name_that_is_typed_right_after_f2_is_taken_whole(frames: WindowFrames) -> None:
    editing, tableau = frames.session.editing, frames.runtime.tableau
    row = editing.editor.create(ROOT)
    frames.session.selection.select([row])
    rest(frames)
    imgui.set_window_focus("###outliner")
    for attempt in range(ATTEMPTS):
        rest(frames)
        send("keydown", "F2")
        for _ in range(attempt % 4):
            frames.step()
        send("type", "--delay", "0", f"xyz{attempt}")
        send("keyup", "F2", "key", "--delay", "0", "Return")
        rest(frames)
        assert tableau.name_of(row) == f"xyz{attempt}", f"after {attempt % 4} frames"
    while editing.history.undo():
        pass


def test_one_click_on_a_tab_is_answered_before_the_window_rests(frames: WindowFrames, xvfb: Display) -> None:
    rest(frames)
    places, title = frames.session.places, "properties"
    assert {"panel outliner", f"tab {title}"} <= set(places)
    frames.workspace.show("why")
    rest(frames)
    assert f"panel {title}" not in places
    window, _ = xvfb.window("Diorama")
    x, y = (str(round(at)) for at in middle(places[f"tab {title}"]))
    send("mousemove", "--window", str(window), x, y, "click", "1")
    rest(frames)
    assert f"panel {title}" in places


def test_each_quick_tap_of_a_key_with_ctrl_counts_once(frames: WindowFrames) -> None:
    taps: list[int] = []
    frames.session.commands.add(Command("Count", "Edit", lambda: taps.append(1), ("Ctrl+J",)))
    rest(frames)
    for _ in range(20):
        send("key", "--delay", "0", "ctrl+j")
    rest(frames)
    assert len(taps) == 20
    for _ in range(5):
        send("keydown", "ctrl")
        rest(frames)
        send("keydown", "j", "keyup", "ctrl", "keyup", "j")
        rest(frames)
    assert len(taps) == 25, "Ctrl was down when the key was pressed"
    send("keydown", "j", "keydown", "ctrl", "keyup", "j", "keyup", "ctrl")
    rest(frames)
    assert len(taps) == 25, "Ctrl came after the key"
