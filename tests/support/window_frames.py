"""A window of tests with panels around a little of scenes/cube.hu, drawn until something holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.display import Display
from support.limits import limit

from viewer.arguments import Options
from viewer.panels import layout
from viewer.panels.panel import Dock
from viewer.run.device_recovery import RecoveringFrames
from viewer.run.headless import HeadlessFrames
from viewer.run.scene_opening import opened

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

SIZE = (720, 420)
"""Panels around a little of the scene: software drivers take a tenth of a second for 640x480."""
OPTIONS = Options(scene=Path("scenes/cube.hu"), size=SIZE)
AT_ONCE = 12
"""Frames that settle a window; more of them wait for something."""
PAUSE_S = 0.02
SMALL = Options(scene=Path("scenes/cube.hu"), size=(128, 96))


@pytest.fixture(scope="module")
def headless_picture() -> np.ndarray:
    with opened(OPTIONS) as (scene, library), ExitStack() as undo:
        made = HeadlessFrames(scene, library, OPTIONS)
        undo.callback(made.close)
        while not made.over:
            made.step()
        return made.runtime.read_pixels()


@contextmanager
def open_window(options: Options, *, settled: bool = True, bottom: float = 0.7) -> Iterator[WindowFrames]:
    """Open a scene in a window and draw until it is settled.

    Validation must have been silent, and nothing may be live, once it is closed. Panels at the bottom take
    `bottom` of its height: the less of the scene is in sight, the quicker a software driver draws.
    """
    from viewer.run.windowed import WindowFrames

    with pytest.MonkeyPatch.context() as patch, opened(options) as (scene, library):
        patch.setitem(layout._SHARES, Dock.BOTTOM, bottom)
        frames = WindowFrames(scene, library, options)
        try:
            if settled:
                settle(frames)
            yield frames
        finally:
            frames.close()
        instance = frames.runtime.instance
        assert instance.validation.supported
        assert [str(message) for message in instance.messages.all] == []
        assert [str(entry) for entry in instance.handles.leaks] == []
        assert instance.handles.left_behind == 0


def awake(frames: WindowFrames | RecoveringFrames) -> None:
    """Have the next frame drawn, though nothing may have changed."""
    if isinstance(frames, RecoveringFrames):
        frames = frames._frames  # type: ignore[assignment]
    frames.session.wake()  # type: ignore[union-attr]


def until(frames: WindowFrames | RecoveringFrames, holds: Callable[[], bool], what: str) -> None:
    """Draw frames until something holds; fails after twenty seconds of a quiet machine.

    After some frames there are pauses between them, in which other threads work.
    """
    deadline = time.monotonic() + limit(20.0)
    for drawn in count():
        if holds():
            return
        awake(frames)
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        frames.step()
        if drawn > AT_ONCE:
            time.sleep(PAUSE_S)


def settle(frames: WindowFrames) -> None:
    """Draw until all is resident and each frame in flight, and one more, has been shown since.

    The tool bar and what was noticed earlier, which lie over a part of the scene, are hidden.
    """
    frames.scene_view.has_tools = False
    frames.session.notices.say("")
    until(frames, lambda: frames.runtime.plan is not None and frames.runtime.memory.settled, "settled")
    goal = frames.presenter.shown + 3
    until(frames, lambda: frames.presenter.shown >= goal and frames.runtime.memory.settled, "shown frames")


def hide_panels(frames: WindowFrames) -> None:
    """Show the scene in the whole window, at its size, and draw until that is settled."""
    frames.workspace.visible = False
    until(frames, lambda: frames.runtime.size == frames.window.framebuffer_size, "the size of the window")
    settle(frames)


def listed(frames: WindowFrames) -> str:
    """The problems that are listed now."""
    return "\n".join(one.render() for one in frames.session.statistics.problems)


def scene_area(frames: WindowFrames) -> tuple[slice, slice]:
    """Rows and columns of the window in which the scene is shown."""
    assert frames.presenter.area is not None
    x, y, width, height = frames.presenter.area
    return slice(y, y + height), slice(x, x + width)


def on_screen(frames: WindowFrames, display: Display) -> np.ndarray:
    """The window as shown on the screen, uint8[height, width, 3]."""
    frames.runtime.wait()
    _, (x, y, width, height) = display.window("Diorama")
    return display.picture()[y : y + height, x : x + width]
