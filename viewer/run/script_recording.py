"""`--record`: frames that are watched while somebody works, and the script of it, written when they end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from engine.testing.scripts.recorder import Recorder
from engine.testing.scripts.recording_text import recording_text

if TYPE_CHECKING:
    from engine.runtime.runtime import FrameFacts
    from viewer.run.frames import Frames


class RecordedFrames:
    """Frames as others draw them; whatever changes the scene between them is recorded into `path`."""

    def __init__(self, frames: Frames, path: Path, settings: tuple[str, ...] = ()) -> None:
        self.runtime = frames.runtime
        self._frames = frames
        self._path = path
        self._recorder = Recorder(frames.runtime.scene, frames.runtime.size, settings)
        self._last = time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether no more frames are wanted."""
        return self._frames.over

    @property
    def closed(self) -> bool:
        """Whether somebody has closed what they are shown in."""
        return self._frames.closed

    def step(self) -> FrameFacts | None:
        """Draw one frame and note what is another since the one before."""
        facts = self._frames.step()
        now = time.perf_counter()
        self._recorder.note(now - self._last, self.runtime.size)
        self._last = now
        return facts

    def rebuild(self, reported: str) -> None:
        """Bring the scene back; the time that it takes is nobody's doing, and not recorded."""
        self._frames.rebuild(reported)
        self._last = time.perf_counter()

    def close(self) -> None:
        """Write the script, and release everything, in order."""
        try:
            self._write()
        finally:
            self._frames.close()

    def _write(self) -> None:
        from engine.humon.saving import write_whole

        recorder = self._recorder
        problems = [str(problem.code) for problem in self.runtime.problems]
        text = recording_text(self._path, recorder.scene, recorder.size, recorder.events(), problems)
        write_whole(self._path, text)
