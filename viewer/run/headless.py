"""Headless frames: the same passes, drawn into an image; neither glfw nor imgui is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.last_plans import note_run
from engine.cli.stop_signals import stop_signals
from viewer.arguments import Options
from viewer.run.scene_opening import runtime_options

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.runtime.frame_facts import FrameFacts
    from engine.scene import Scene


class HeadlessFrames:
    """Draws one frame once everything is resident; with --frames, that many from the start.

    A sequence of pictures begins when everything is resident; before a screenshot of counted frames the run
    waits for that.
    """

    def __init__(self, scene: Scene, library: AssetLibrary, options: Options) -> None:
        from engine.runtime.runtime import Runtime

        self.runtime = Runtime(scene, library, runtime_options(options))
        self._is_counted = options.frames is not None
        self._was_settled = False
        self._over = False
        if not self._is_counted or options.sequence is not None:
            self._load()

    def _load(self) -> None:
        try:
            self.runtime.load(until=lambda: stop_signals.number != 0)
        except BaseException:
            self.runtime.close()
            raise
        self._was_settled = True

    @property
    def over(self) -> bool:
        """Whether a frame has been drawn since everything is resident; never with --frames."""
        return self._over and not self._is_counted

    @property
    def closed(self) -> bool:
        """Always False: there is no window."""
        return False

    def step(self) -> FrameFacts:
        """Draw one frame."""
        facts = self.runtime.frame()
        self._over = self._was_settled and facts.drawn
        self._was_settled = facts.settled
        return facts

    def rebuild(self, reported: str) -> None:
        """Open the scene on a new device and load it; `reported` is shown nowhere."""
        self.runtime.reopen()
        self._load()

    def close(self) -> None:
        """Note what was planned, and release everything, in order."""
        note_run(self.runtime)
        self.runtime.close()
