"""Random input at a window, at the level of what GLFW hands to ImGui, and what a scene is as text."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from imgui_bundle import imgui

from engine.humon import write
from engine.scene.plain_values import plain_object
from engine.tableau import ROOT
from viewer.panels.shortcuts import chord

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

TEXTS = (
    "1",
    "-0.5",
    "1e39",
    "nan",
    "2,5",
    "a, b",
    "##x",
    "100%s %n",
    "שלום עולם",
    "دیوراما",
    "場景の箱",
    "🎲🎲",
    "<1MiB",
    "+sampled",
    "a0:0x0-0x100",
    "@cube",
    "cube",
    '"',
    "{ [",
)
"""What is typed: numbers, filters, and what names and formats stumble over. No name of a file has a slash."""
KEYS = (
    *("left_arrow", "right_arrow", "up_arrow", "down_arrow", "page_up", "page_down", "Home", "End"),
    *("Enter", "Enter", "Esc", "Esc", "Tab", "Space", "Delete", "backspace", "Ctrl+A", "Ctrl+C", "Ctrl+V"),
)
SIZES = ((120, 90), (320, 240), (640, 400), (900, 560), (1000, 300), (400, 700))
_MODIFIERS = (imgui.Key.mod_ctrl, imgui.Key.mod_shift, imgui.Key.mod_alt)
KEPT = 40
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Monkey:
    """Presses, drags, types and resizes at random; `last` are the inputs of the last moments, in words."""

    def __init__(self, frames: WindowFrames, seed: int, files: list[Path]) -> None:
        """`files` are dropped on the window."""
        self.frames = frames
        self.last: deque[str] = deque(maxlen=KEPT)
        self.count = 0
        self._rng = np.random.default_rng(seed)
        self._files = files
        self._inputs: list[tuple[float, Callable[[], None]]] = [
            (34, self._click),
            (14, self._drag),
            (8, self._wheel),
            (20, self._key),
            (8, self._type),
            (6, self._command),
            (5, self._panel),
            (2, self._point),
            (2, self._resize),
            (0.5, self._drop),
            (1, self._save_as),
        ]
        weights = np.array([weight for weight, _ in self._inputs])
        self._weights = weights / weights.sum()

    def play(self, count: int) -> None:
        """Do something at random so many times; the whole frame is drawn after every second one.

        A frame of the scene takes a software driver ten times as long as the panels, so between them only
        these are drawn, as a window does before its first frame.
        """
        for choice in self._rng.choice(len(self._inputs), count, p=self._weights).tolist():
            self.count += 1
            self._inputs[choice][1]()
            if self.count % 2 == 0 or self._rng.random() < 0.1:
                self.whole_frame()

    def rest(self) -> None:
        """Let everything go, and leave what a key or a click has opened."""
        io = imgui.get_io()
        for button in range(3):
            io.add_mouse_button_event(button, False)
        self._move(-10.0, -10.0)
        for _ in range(4):
            self._press_key("Esc")
        for _ in range(3):
            self.whole_frame()

    def whole_frame(self) -> None:
        """Draw a frame of the window, the scene included."""
        self.frames.session.wake()
        self.frames.step()

    def step(self, count: int = 1) -> None:
        """Draw the panels so many times."""
        for _ in range(count):
            self.frames._draw_panels()

    def _place(self) -> tuple[str, float, float]:
        """A place that can be clicked, or any place in the window."""
        places = self.frames.session.places
        width, height = self.frames.window.size
        if places and self._rng.random() < 0.6:
            name = list(places)[int(self._rng.integers(len(places)))]
            x0, y0, x1, y1 = places[name]
            across, down = self._rng.random(2)
            return name, x0 + (x1 - x0) * float(across), y0 + (y1 - y0) * float(down)
        across, down = self._rng.random(2)
        return "somewhere", width * float(across), height * float(down)

    def _move(self, x: float, y: float) -> None:
        imgui.get_io().add_mouse_pos_event(x, y)

    def _point(self) -> None:
        name, x, y = self._place()
        self.last.append(f"point at {name}")
        self._move(x, y)
        self.step(int(self._rng.integers(1, 12)))

    def _click(self) -> None:
        name, x, y = self._place()
        button = int(self._rng.choice(3, p=(0.8, 0.15, 0.05)))
        times = 1 + int(self._rng.random() < 0.15)
        modifier = self._modifier()
        io = imgui.get_io()
        self.last.append(f"click {times} x {button} at {name} ({x:.0f}, {y:.0f}) {modifier}")
        self._move(x, y)
        self._hold(modifier, down=True)
        self.step()
        for _ in range(times):
            for down in (True, False):
                io.add_mouse_button_event(button, down)
                self.step()
        self._hold(modifier, down=False)

    def _drag(self) -> None:
        name, x, y = self._place()
        button = int(self._rng.choice(3, p=(0.8, 0.1, 0.1)))
        other, to_x, to_y = self._place()
        if self._rng.random() < 0.5:
            other, to_x, to_y = (
                "nearby",
                x + float(self._rng.normal(0, 30)),
                y + float(self._rng.normal(0, 30)),
            )
        modifier = self._modifier()
        io = imgui.get_io()
        self.last.append(
            f"drag {button} from {name} ({x:.0f}, {y:.0f}) to {other} ({to_x:.0f}, {to_y:.0f}) {modifier}"
        )
        self._move(x, y)
        self.step()
        self._hold(modifier, down=True)
        io.add_mouse_button_event(button, True)
        self.step()
        for part in (0.2, 0.6, 1.0):
            self._move(x + (to_x - x) * part, y + (to_y - y) * part)
            self.step()
        if self._rng.random() < 0.1:
            self._press_key("Esc")
        io.add_mouse_button_event(button, False)
        self._hold(modifier, down=False)

    def _wheel(self) -> None:
        name, x, y = self._place()
        notches = float(self._rng.integers(-6, 7))
        self.last.append(f"wheel {notches:+.0f} at {name}")
        self._move(x, y)
        self.step()
        imgui.get_io().add_mouse_wheel_event(0.0, notches)

    def _key(self) -> None:
        known = [key for command in self.frames.session.commands for key in command.keys]
        names = known if self._rng.random() < 0.5 else list(KEYS)
        name = names[int(self._rng.integers(len(names)))]
        self.last.append(f"key {name}")
        self._press_key(name)

    def _type(self) -> None:
        text = TEXTS[int(self._rng.integers(len(TEXTS)))]
        self.last.append(f"type {text!r}")
        imgui.get_io().add_input_characters_utf8(text)
        self.step(2)
        if self._rng.random() < 0.6:
            self._press_key("Enter")

    def _command(self) -> None:
        """Find a command in the palette, and run it."""
        titles = [command.title for command in self.frames.session.commands if command.title != "Quit"]
        title = titles[int(self._rng.integers(len(titles)))]
        self.last.append(f"command {title}")
        self._press_key("Ctrl+P")
        self.step(2)
        imgui.get_io().add_input_characters_utf8(title)
        self.step(2)
        self._press_key("Enter")

    def _panel(self) -> None:
        titles = list(self.frames.workspace.panels)
        title = titles[int(self._rng.integers(len(titles)))]
        self.last.append(f"show {title}")
        self.frames.workspace.show(title)
        self.step(2)

    def _resize(self) -> None:
        size = SIZES[int(self._rng.integers(len(SIZES)))]
        self.last.append(f"resize {size}")
        self.frames.window.resize(*size)
        self.step(2)

    def _drop(self) -> None:
        file = self._files[int(self._rng.integers(len(self._files)))]
        self.last.append(f"drop {file.name}")
        self.frames.window._note_drop(None, [str(file)])

    def _save_as(self) -> None:
        """Save under another name, or begin to."""
        name = TEXTS[int(self._rng.integers(len(TEXTS)))]
        self.last.append(f"save as {name!r}")
        self._press_key("Ctrl+Shift+S")
        self.step(2)
        imgui.get_io().add_input_characters_utf8(name)
        self.step(2)
        for _ in range(int(self._rng.integers(3))):
            self._press_key("Enter")
            self.step(4)

    def _modifier(self) -> int | None:
        return int(self._rng.integers(3)) if self._rng.random() < 0.2 else None

    def _hold(self, modifier: int | None, *, down: bool) -> None:
        if modifier is not None:
            imgui.get_io().add_key_event(_MODIFIERS[modifier], down)

    def _press_key(self, name: str) -> None:
        io, value = imgui.get_io(), chord(name)
        modifiers = [each for each in _MODIFIERS if value & int(each)]
        pressed = imgui.Key(value - sum(map(int, modifiers)))
        for down in (True, False):
            for key in (*modifiers, pressed):
                io.add_key_event(key, down)
            self.step()


def scene_text(frames: WindowFrames) -> str:
    """The whole scene as text; where cameras stand is left out, as they move without a change."""
    tableau, scene = frames.runtime.tableau, frames.runtime.scene
    order = tableau.rearranging.order
    objects = {
        tableau.name_of(row): plain_object(tableau, row, scene.part_of(row).dbs, order) for row in order(ROOT)
    }
    for one in objects.values():
        _leave_out_views(one)
    return write({"objects": objects})


def _leave_out_views(one: dict[str, Any]) -> None:
    for feature in one.get("features", ()):
        if feature["@type"] == "camera":
            for name in ("translation", "rotation", "euler"):
                one.pop(name, None)
            for name in ("projection", "height"):
                feature.pop(name, None)
    for below in one.get("objects", {}).values():
        _leave_out_views(below)


class Confined:
    """Files that this process opened to be written, or removed, outside of the given folders."""

    def __init__(self) -> None:
        self.outside: list[str] = []
        self._folders: tuple[str, ...] = ()
        sys.addaudithook(self._note)  # for as long as the process runs: there is no other way

    @contextmanager
    def within(self, *folders: Path) -> Iterator[None]:
        """Note what is written outside of these folders, devices and bytecode apart."""
        self.outside.clear()
        self._folders = (*(str(folder.resolve()) for folder in folders), "/dev/", "/proc/")
        try:
            yield
        finally:
            self._folders = ()

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._folders:
            return
        if event == "open":
            path, _, flags = arguments
            if not flags & _WRITING:
                return
            paths = (path,)
        elif event in ("os.rename", "os.link", "os.symlink"):
            paths = arguments[:2]
        elif event in ("os.remove", "os.mkdir", "os.rmdir", "os.truncate"):
            paths = arguments[:1]
        else:
            return
        for path in (each for each in paths if not isinstance(each, int)):  # what was opened before
            name = os.path.realpath(os.path.join(os.getcwd(), os.fsdecode(path)))
            if not name.startswith(self._folders) and "/__pycache__" not in name:
                self.outside.append(f"{event} {name}")
