"""Records docs/toggling.png: the last shadow caster is switched off and on in the window, frame by frame.

python tools/toggling_story.py [FILE.png]

Clicks are real ones, by xdotool under Xvfb; every frame that the window shows after a click is kept, and is
shown longer than it took. Only the ring around the pointer, while its button is down, is drawn in afterwards.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.display import Display, display_server  # type: ignore[import-not-found]  # noqa: E402

from viewer.arguments import Options  # noqa: E402
from viewer.run.scene_opening import opened  # noqa: E402

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

SIZE = (960, 760)
SCALE = 0.9
SWITCH = "switch cube/shadowCaster/active"
REST_MS, MOVE_MS, FRAME_MS, PRESS_MS = 2200, 70, 280, 450
MAP_POINTS, OUTLINER_POINTS = 210, 35
"""By how much the splitters above the map and beside the outliner are dragged."""
RING = (255, 196, 0)
Place = tuple[float, float]


class Recorder:
    """Draws frames of a window, and keeps those that are to be shown, each with its milliseconds."""

    def __init__(self, frames: WindowFrames, display: Display) -> None:
        self._frames = frames
        self._display = display
        self._window = display.window("Diorama")[0]
        self.pictures: list[Image.Image] = []
        self.times: list[int] = []

    def draw(self, count: int = 1) -> None:
        """Draw frames that are not kept."""
        for _ in range(count):
            self._frames.session.wake()
            self._frames.step()

    def settle(self) -> None:
        """Draw until all is resident, and shown."""
        self.draw(3)
        while self._frames.runtime.plan is None or not self._frames.runtime.memory.settled:
            self.draw()
        self.draw(4)

    def keep(self, milliseconds: int, ring: Place | None = None) -> None:
        """Keep the window as it is on the screen; an equal picture is the last one shown longer."""
        self._frames.runtime.wait()
        _, (x, y, width, height) = self._display.window("Diorama")
        picture = Image.fromarray(self._display.picture()[y : y + height, x : x + width].copy())
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
        for place, act in ((start, self._display.press), (end, self._display.release)):
            self._display.move_mouse(self._window, *place)
            self.draw(3)
            act()
            self.draw(3)

    def point_at(self, start: Place, end: Place, steps: int = 6) -> None:
        """Move the pointer, seen."""
        for step in range(1, steps + 1):
            share = step / steps
            place = tuple(a + (b - a) * share for a, b in zip(start, end, strict=True))
            self._display.move_mouse(self._window, *place)
            self.draw(2)
            self.keep(MOVE_MS)

    def press(self, place: Place) -> None:
        """Press and release the button, and keep every frame from then until all is settled."""
        self._display.press()
        self.draw(2)
        self.keep(PRESS_MS, ring=place)
        before = self._frames.runtime.plan
        self._display.release()
        while self._frames.runtime.plan is before or not self._frames.runtime.memory.settled:
            self.draw()
            self.keep(FRAME_MS)
        for _ in range(3):
            self.draw()
            self.keep(FRAME_MS)


def record(frames: WindowFrames, display: Display) -> Recorder:
    """Play the story in a window."""
    recorder = Recorder(frames, display)
    frames.session.preferences = replace(frames.session.preferences, scale=SCALE)
    recorder.settle()
    for title in ("properties", "why", "heaps"):
        frames.workspace.show(title, shown=False)
    frames.workspace.show("memory")
    recorder.settle()
    x0, y0, x1, _ = frames.session.places["panel memory"]
    middle = (x0 + x1) / 2
    recorder.drag((middle, y0 - 1), (middle, y0 - MAP_POINTS))
    recorder.drag((x0 - 1, y0), (x0 + OUTLINER_POINTS, y0))
    x0, y0, x1, y1 = frames.session.places[SWITCH]
    switch = ((x0 + x1) / 2, (y0 + y1) / 2)
    aside = (switch[0] + 130, switch[1] + 110)
    display.move_mouse(display.window("Diorama")[0], *aside)
    recorder.settle()
    recorder.keep(REST_MS // 2)
    recorder.point_at(aside, switch)
    for _ in range(2):
        recorder.draw(20)
        recorder.keep(REST_MS)
        recorder.press(switch)
        recorder.keep(REST_MS)
    return recorder


def with_one_palette(pictures: list[Image.Image]) -> list[Image.Image]:
    """Return pictures in the 256 colours that are nearest to all of them."""
    width, height = pictures[0].size
    sheet = Image.new("RGB", (width, height * len(pictures)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (0, height * number))
    colors = sheet.quantize(256, dither=Image.Dither.NONE)
    return [picture.quantize(palette=colors, dither=Image.Dither.NONE) for picture in pictures]


def main() -> None:
    """Write the animation."""
    from viewer.run.windowed import WindowFrames

    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "toggling.png"
    options = Options(scene=ROOT / "scenes/cube.hu", size=SIZE, validate=False)
    with tempfile.TemporaryDirectory() as folder, display_server(Path(folder)) as (_, display):
        os.environ |= {"DISPLAY": display.name, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": folder}
        os.environ.pop("WAYLAND_DISPLAY", None)
        with opened(options) as (scene, library):
            frames = WindowFrames(scene, library, options)
            try:
                made = record(frames, display)
            finally:
                frames.close()
    first, *others = with_one_palette(made.pictures)
    first.save(target, save_all=True, append_images=others, duration=made.times, loop=0, optimize=True)
    seconds, size = sum(made.times) / 1000, target.stat().st_size
    print(f"{target}: {len(made.pictures)} frames, {seconds:.1f} s, {size:,} bytes")


if __name__ == "__main__":
    main()
