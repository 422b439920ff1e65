"""Records docs/toggling.png: the last shadow caster is switched off and on in the window, frame by frame.

python tools/toggling_story.py [FILE.png]

Clicks are real ones, by xdotool under Xvfb; every frame that the window shows after a click is kept, and is
shown longer than it took. Only the ring around the pointer, while its button is down, is drawn in afterwards.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image
from window_recorder import ROOT, Recorder, recorder_of

from viewer.panels.memory.map_palette import map_palette
from viewer.session.preferences import Preferences

SIZE = (960, 760)
SCALE = 0.9
SWITCH = "switch cube/shadowCaster/active"
REST_MS = 2200
SWATCH = 100
"""The height in pixels with which each colour of the legend counts for the palette."""
MAP_POINTS, OUTLINER_POINTS = 210, 70
"""By how much the splitters above the map and beside the outliner are dragged."""


def record(recorder: Recorder) -> None:
    """Play the story in a window."""
    frames = recorder.frames
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
    recorder.point(aside)
    recorder.settle()
    recorder.keep(REST_MS // 2)
    recorder.point_at(aside, switch)
    for _ in range(2):
        recorder.draw(20)
        recorder.keep(REST_MS)
        recorder.press(switch)
        recorder.keep(REST_MS)


def with_one_palette(pictures: list[Image.Image]) -> list[Image.Image]:
    """Return pictures in the 256 colours that are nearest to all of them, and to those of the legend."""
    width, height = pictures[0].size
    legend = map_palette().categories
    sheet = Image.new("RGB", (width, height * len(pictures) + SWATCH * len(legend)))
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (0, height * number))
    for number, color in enumerate(legend):  # a few pixels of each picture would not count
        top = height * len(pictures) + SWATCH * number
        sheet.paste(color, (0, top, width, top + SWATCH))
    colors = sheet.quantize(256, dither=Image.Dither.NONE)
    return [picture.quantize(palette=colors, dither=Image.Dither.NONE) for picture in pictures]


def main() -> None:
    """Write the animation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "file", nargs="?", type=Path, default=ROOT / "docs" / "toggling.png", metavar="FILE.png"
    )
    target = parser.parse_args().file
    with recorder_of("scenes/cube.hu", SIZE, Preferences(scale=SCALE)) as made:
        record(made)
    first, *others = with_one_palette(made.pictures)
    first.save(target, save_all=True, append_images=others, duration=made.times, loop=0, optimize=True)
    seconds, size = sum(made.times) / 1000, target.stat().st_size
    print(f"{target}: {len(made.pictures)} frames, {seconds:.1f} s, {size:,} bytes")


if __name__ == "__main__":
    main()
