"""`--script`: a scene script drives the frames of a run, in its window or without one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.runtime.report import RunLog
    from engine.runtime.runtime import FrameFacts
    from engine.testing.script import Run
    from viewer.interrupt import Interrupt
    from viewer.run import Frames


class Script:
    """A scene script that has been read; what it raises is printed, and `failed` then says so.

    Raises InputError where it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        from engine.testing.script import ScriptFailed, load_script

        self.path = path
        self.failed = False
        self._run: Run | None = None
        try:
            self._run = load_script(path)
        except ScriptFailed as failure:
            self._tell(failure)

    def play(self, frames: Frames, log: RunLog, interrupt: Interrupt) -> None:
        """Call the script's `run` with the scene that `frames` draw, then draw a frame of what it left.

        Every frame is noted in `log`. The script ends, and nothing is wrong, when the window is closed or
        Ctrl-C is pressed.
        """
        from engine.testing.live import LiveHost
        from engine.testing.scene import OpenedScene
        from engine.testing.script import ScriptFailed, ScriptStopped, call_script

        def show() -> FrameFacts | None:
            if interrupt.raised or frames.closed:
                raise ScriptStopped
            facts = frames.step()
            if facts is not None:
                log.note(facts, frames.runtime)
            return facts

        assert self._run is not None, "a script that could not be read is not played"
        scene = OpenedScene(frames.runtime.scene, LiveHost(frames.runtime, show=show))
        try:
            call_script(self.path, OpenedScene.settle, scene)
            call_script(self.path, self._run, scene)
        except ScriptStopped:
            return
        except ScriptFailed as failure:
            self._tell(failure)
        show()

    def _tell(self, failure: Exception) -> None:
        self.failed = True
        print(failure, file=sys.stderr)
