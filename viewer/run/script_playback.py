"""`--script`: a scene script drives the frames of a run, in a window or headless."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from engine.cli.stop_signals import stop_signals
from engine.files.streams import print_error

if TYPE_CHECKING:
    from engine.runtime.frame_facts import FrameFacts
    from engine.testing.scripts.script import Run, ScriptFailed
    from viewer.run.frames import ScriptFrames

    Answer = TypeVar("Answer")


class Script:
    """A loaded scene script; an exception that it raises is printed and sets `exit_code`, as exiting does.

    One that raises while it is loaded is not `usable`. Raises InputError if it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        from engine.testing.scripts.script import ScriptExited, ScriptFailed, load_script

        self.path = path
        self.exit_code = 0
        self.usable = True
        self._run: Run = lambda scene: None
        try:
            self._run = load_script(path)
        except ScriptFailed as failure:
            self.usable = isinstance(failure, ScriptExited)
            self._report(failure)

    def play(self, frames: ScriptFrames, *, loads: bool = False) -> None:
        """Call the script's `run` with the scene of `frames`, then draw a frame of the final state.

        With `loads` that frame waits for everything that the state needs.
        Closing the window or a stop signal ends the script without an error. Raises DeviceLost after too many
        device losses; a script cannot catch that.
        """
        from engine.testing.scene.live_host import LiveHost
        from engine.testing.scene.scene import OpenedScene
        from engine.testing.scripts.script import ScriptFailed, ScriptStopped, call_script
        from engine.vk.errors import DeviceLost

        def show() -> FrameFacts | None:
            if stop_signals.number or frames.closed:
                raise ScriptStopped
            return unless_lost(frames.step)

        def unless_lost(call: Callable[[], Answer]) -> Answer:
            try:
                return call()
            except DeviceLost as loss:
                raise ScriptStopped from loss

        assert self.usable, "a script that could not be read is not played"
        host = LiveHost(frames.runtime, show=show, read=lambda: unless_lost(frames.picture))
        scene = OpenedScene(frames.runtime.scene, host)
        try:
            try:
                call_script(self.path, OpenedScene.settle, scene)
                call_script(self.path, self._run, scene)
            except ScriptFailed as failure:
                self._report(failure)
            if loads:
                unless_lost(frames.load)
            show()
        except ScriptStopped as stopped:
            if isinstance(stopped.__cause__, DeviceLost):
                raise stopped.__cause__ from None

    def _report(self, failure: ScriptFailed) -> None:
        self.exit_code = failure.exit_code
        print_error(str(failure))
