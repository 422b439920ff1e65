"""Plays with the viewer's window under Xvfb, by real clicks, and keeps pictures of it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.display import Display, display_server  # noqa: E402
from support.x_client import XClient  # noqa: E402

from viewer.arguments import Options  # noqa: E402
from viewer.run.kept_preferences import FILE  # noqa: E402
from viewer.run.scene_opening import opened  # noqa: E402
from viewer.session.preferences import Preferences, write_preferences  # noqa: E402

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

MOVE_MS, FRAME_MS, PRESS_MS = 70, 280, 450
"""How long pictures of a moving pointer, of frames and of a pressed button are shown."""
RING = (255, 196, 0)
Place = tuple[float, float]


@contextmanager
def recorder_of(
    scene: str, size: tuple[int, int], preferences: Preferences | None = None, dots_per_inch: int = 96
) -> Iterator[Recorder]:
    """Open a scene of the checkout in a window of `size` pixels, on a display that is large enough."""
    from viewer.run.windowed import WindowFrames

    options = Options(scene=ROOT / scene, size=size, validate=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        display_server(Path(folder), size) as (_, display),
        closing(XClient(display)) as client,
    ):
        client.set_density(dots_per_inch)
        os.environ |= {"DISPLAY": display.name, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        os.environ.pop("WAYLAND_DISPLAY", None)
        write_preferences(Path(folder) / "diorama" / FILE, preferences or Preferences())
        with opened(options) as (loaded, library):
            frames = WindowFrames(loaded, library, options)
            try:
                recorder = Recorder(frames, display)
                recorder.settle()
                yield recorder
            finally:
                frames.close()


class Recorder:
    """Draws frames of a window, and keeps those that are to be shown, each with its milliseconds."""

    def __init__(self, frames: WindowFrames, display: Display) -> None:
        self.frames = frames
        self.display = display
        self._window = display.window("Diorama")[0]
        self.pictures: list[Image.Image] = []
        self.times: list[int] = []

    def draw(self, count: int = 1) -> None:
        """Draw frames that are not kept."""
        for _ in range(count):
            self.frames.session.wake()
            self.frames.step()

    def settle(self) -> None:
        """Draw until all is resident, and shown."""
        self.draw(3)
        while self.frames.runtime.plan is None or not self.frames.runtime.memory.settled:
            self.draw()
        self.draw(4)

    def picture(self) -> Image.Image:
        """Return the window as it is on the screen."""
        self.frames.runtime.wait()
        _, (x, y, width, height) = self.display.window("Diorama")
        shown = self.display.picture()[y : y + height, x : x + width].copy()
        assert shown.shape[:2] == (height, width), "the screen is smaller than the window"
        return Image.fromarray(shown)

    def keep(self, milliseconds: int, ring: Place | None = None) -> None:
        """Keep the window as it is on the screen; an equal picture is the last one shown longer."""
        picture = self.picture()
        if ring is not None:
            pen = ImageDraw.Draw(picture)
            for radius, color in ((15, (0, 0, 0)), (14, RING), (13, RING), (12, RING), (11, (0, 0, 0))):
                box = (ring[0] - radius, ring[1] - radius, ring[0] + radius, ring[1] + radius)
                pen.ellipse(box, outline=color)
        if self.pictures and picture.tobytes() == self.pictures[-1].tobytes():
            self.times[-1] += milliseconds
            return
        self.pictures.append(picture)
        self.times.append(milliseconds)

    def drag(self, start: Place, end: Place) -> None:
        """Drag with the left button, unseen."""
        for place, act in ((start, self.display.press), (end, self.display.release)):
            self.display.move_mouse(self._window, *place)
            self.draw(3)
            act()
            self.draw(3)

    def point(self, place: Place) -> None:
        """Put the pointer at a place, unseen."""
        self.display.move_mouse(self._window, *place)
        self.draw(3)

    def click(self, place: Place) -> None:
        """Click at a place, unseen."""
        self.drag(place, place)

    def key(self, keys: str) -> None:
        """Press and release keys together, by their X names, unseen."""
        self.display.key(keys)
        self.draw(3)

    def point_at(self, start: Place, end: Place, steps: int = 6) -> None:
        """Move the pointer, seen."""
        for step in range(1, steps + 1):
            share = step / steps
            place = tuple(a + (b - a) * share for a, b in zip(start, end, strict=True))
            self.display.move_mouse(self._window, *place)
            self.draw(2)
            self.keep(MOVE_MS)

    def press(self, place: Place) -> None:
        """Press and release the button, and keep every frame from then until all is settled."""
        self.display.press()
        self.draw(2)
        self.keep(PRESS_MS, ring=place)
        before = self.frames.runtime.plan
        self.display.release()
        while self.frames.runtime.plan is before or not self.frames.runtime.memory.settled:
            self.draw()
            self.keep(FRAME_MS)
        for _ in range(3):
            self.draw()
            self.keep(FRAME_MS)
