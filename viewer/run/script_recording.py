"""`--record`: records the changes between frames, and writes them as a script when the run ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.testing.scripts.recorder import Recorder
from engine.testing.scripts.recording_text import recording_text

if TYPE_CHECKING:
    from engine.runtime.frame_facts import FrameFacts
    from viewer.run.frames import Frames


class RecordedFrames:
    """Wraps other frames; all changes of the scene between them are recorded into `path`."""

    def __init__(self, frames: Frames, path: Path, settings: tuple[str, ...] = ()) -> None:
        self.runtime = frames.runtime
        self._frames = frames
        self._path = path
        self._recorder = Recorder(frames.runtime.scene, frames.runtime.size, settings)

    @property
    def over(self) -> bool:
        """Whether the run is over."""
        return self._frames.over

    @property
    def closed(self) -> bool:
        """Whether the window was closed."""
        return self._frames.closed

    def step(self) -> FrameFacts | None:
        """Draw one frame and record what has changed since the one before."""
        facts = self._frames.step()
        self._recorder.note(self.runtime.size)
        return facts

    def rebuild(self, reported: str) -> None:
        """Open the scene on a new device."""
        self._frames.rebuild(reported)

    def close(self) -> None:
        """Write the script, and release everything, in order."""
        try:
            self._write()
        finally:
            self._frames.close()

    def _write(self) -> None:
        from engine.humon.saving import write_atomically

        recorder = self._recorder
        problems = [str(problem.code) for problem in self.runtime.problems]
        text = recording_text(self._path, recorder.scene, recorder.size, recorder.events(), problems)
        write_atomically(self._path, text)
