"""What draws the frames of one run: in a window, headless, recorded, or across the loss of a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.runtime.runtime import FrameFacts, Runtime


class Frames(Protocol):
    """Draws frames of a runtime, in a window or without one."""

    runtime: Runtime

    @property
    def over(self) -> bool:
        """Whether no more frames are wanted."""

    @property
    def closed(self) -> bool:
        """Whether somebody has closed what they are shown in."""

    def step(self) -> FrameFacts | None:
        """Draw one frame; None where there was nothing to draw on."""

    def rebuild(self, reported: str) -> None:
        """Bring the scene back on a new device after the one before was lost; `reported` is the warning.

        Raises DeviceLost where that one is lost too; it may be called again then.
        """

    def close(self) -> None:
        """Release everything, in order."""


class ScriptFrames(Protocol):
    """Frames that a scene script draws and looks at."""

    @property
    def runtime(self) -> Runtime:
        """What draws the scene."""

    @property
    def closed(self) -> bool:
        """Whether somebody has closed what they are shown in."""

    def step(self) -> FrameFacts | None:
        """Draw one frame; None where there was nothing to draw on."""

    def picture(self) -> NDArray[np.uint8]:
        """Return the last frame's picture, uint8[height, width, 4], sRGB-encoded, waiting for it."""
