"""Frames without a window: the same passes into an image; neither glfw nor imgui is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viewer.arguments import Options
from viewer.run.scene_opening import runtime_options

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.runtime.runtime import FrameFacts
    from engine.scene import Scene


class HeadlessFrames:
    """Draws one frame once everything is resident; or, from the start, as many frames as were asked for."""

    def __init__(self, scene: Scene, library: AssetLibrary, options: Options) -> None:
        from engine.runtime.runtime import Runtime

        self.runtime = Runtime(scene, library, runtime_options(options))
        self._is_counted = options.frames is not None
        self._was_settled = False
        self._over = False
        if not self._is_counted:
            self._load()

    def _load(self) -> None:
        try:
            self.runtime.load()
        except BaseException:
            self.runtime.close()
            raise
        self._was_settled = True

    @property
    def over(self) -> bool:
        """Whether a frame has been drawn after everything had become resident."""
        return self._over and not self._is_counted

    @property
    def closed(self) -> bool:
        """There is no window that could be."""
        return False

    def step(self) -> FrameFacts:
        """Draw one frame."""
        facts = self.runtime.frame()
        self._over = self._was_settled and facts.drawn
        self._was_settled = facts.settled
        return facts

    def rebuild(self, reported: str) -> None:
        """Bring the scene back whole; there is nobody to whom `told` could be shown."""
        self.runtime.reopen()
        self._load()

    def close(self) -> None:
        """Release everything, in order."""
        self.runtime.close()
