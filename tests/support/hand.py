"""Mouse and keyboard on the window of a run, by the names of the places in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from support.display import Display
from support.window_frames import settle, until

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames


class Hand:
    """Real input on the window `number` of a display, with frames drawn after each."""

    def __init__(self, frames: WindowFrames, display: Display) -> None:
        self.frames, self.display = frames, display
        self.number, _ = display.window("Diorama")

    def draw(self, count: int = 3) -> None:
        """Draw a few frames."""
        for _ in range(count):
            self.frames.session.wake()
            self.frames.step()

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Draw until something holds."""
        until(self.frames, holds, what)

    def settle(self) -> None:
        """Draw until nothing changes any more."""
        settle(self.frames)

    def point(self, place: str, across: float = 0.5) -> None:
        """Point at a place, in its middle or at another part of its width."""
        self.until(lambda: place in self.frames.session.places, place)
        x0, y0, x1, y1 = self.frames.session.places[place]
        self.display.move_mouse(self.number, x0 + (x1 - x0) * across, (y0 + y1) / 2)
        self.draw()

    def click(self, place: str, times: int = 1, *, across: float = 0.5) -> None:
        """Click on a place, so many times."""
        self.point(place, across)
        for _ in range(times):
            self.display.press()
            self.draw(1)
            self.display.release()
            self.draw(1)
        self.draw()

    def keys(self, *keys: str) -> None:
        """Press keys, one after another: `ctrl+z`."""
        for key in keys:
            self.display.key(key)
            self.draw()

    def type(self, text: str) -> None:
        """Type a text."""
        self.display.type(text)
        self.draw(4 + 2 * len(text))  # ImGui takes one key a frame
