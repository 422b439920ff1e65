"""The protocols of the frames of one run: windowed, headless, recorded, or recovering from device losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtime.frame_facts import FrameFacts
    from engine.runtime.runtime import Runtime


class Frames(Protocol):
    """Draws frames of a runtime, in a window or without one."""

    runtime: Runtime

    @property
    def over(self) -> bool:
        """Whether the run is over."""

    @property
    def closed(self) -> bool:
        """Whether the window was closed."""

    def step(self) -> FrameFacts | None:
        """Draw one frame; None if there was nothing to draw on."""

    def rebuild(self, reported: str) -> None:
        """Open the scene on a new device after the old one was lost; `reported` is the warning.

        Raises DeviceLost if the new one is lost too; it may then be called again.
        """

    def close(self) -> None:
        """Release everything, in order."""


class ScriptFrames(Protocol):
    """The frames that a scene script draws and reads."""

    @property
    def runtime(self) -> Runtime:
        """The runtime that draws the scene."""

    @property
    def closed(self) -> bool:
        """Whether the window was closed."""

    def step(self) -> FrameFacts | None:
        """Draw one frame; None if there was nothing to draw on."""

    def load(self) -> None:
        """Upload everything that the scene needs, and wait for it, but for a stop signal."""

    def picture(self) -> NDArray[np.uint8]:
        """Wait for the last frame and return its picture, uint8[height, width, 4], sRGB-encoded."""
