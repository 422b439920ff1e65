"""Draws pictures of the window: those of README.md and docs/viewer.md, and one of every panel and dialog.

python tools/window_pictures.py [cube] [viewer]
python tools/window_pictures.py panels --size 1920x1080 --percent 200 --theme light --safe

docs/cube.png and docs/viewer.png are drawn by default; those of `panels` are written to build/window.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from window_recorder import ROOT, Recorder, recorder_of

from engine.cli.argument_types import size
from viewer.session.links import MemoryLink, SourceLink
from viewer.session.preferences import THEMES, Preferences

SIZE = (1280, 800)
PANELS_SIZE = "1280x720"
DIALOGS = {"palette": "ctrl+p", "keys": "F1", "open": "ctrl+o", "save-as": "ctrl+shift+s"}
"""The keys that show the dialogs."""


def cube(recorder: Recorder) -> None:
    """The map of memory, and why the shadow map is in it."""
    recorder.frames.workspace.show("memory")
    recorder.settle()
    x0, y0, x1, _ = recorder.frames.session.places["panel memory"]
    recorder.drag(((x0 + x1) / 2, y0 - 1), ((x0 + x1) / 2, y0 - 130))
    _select_memory(recorder, "shadowMap")
    recorder.settle()
    recorder.frames.workspace.show("why")


def viewer(recorder: Recorder) -> None:
    """A selected object: its outline, its gizmo and its properties."""
    frames = recorder.frames
    frames.session.selection.select([frames.runtime.tableau["cube"].row])
    frames.workspace.show("memory")
    frames.workspace.show("properties")


def _select_memory(recorder: Recorder, name: str) -> None:
    """Select the image of this name, and show why it is there."""
    frames = recorder.frames
    plan = frames.runtime.plan
    assert plan is not None
    keys = plan.memory.subresources["key"].tolist()
    key = next(key for key in keys if frames.runtime.planner.keys.name(key) == name)
    frames.session.links.follow(MemoryLink(2, key))


PICTURES = {"cube": ("scenes/cube.hu", cube), "viewer": ("scenes/tableau.hu", viewer)}


def panels(size: tuple[int, int], percent: int, preferences: Preferences) -> None:
    """Draw every panel in its first place, and the dialogs, to build/window."""
    colors = f"{preferences.theme}{'-safe' * preferences.safe_colors}"
    folder = ROOT / "build" / "window" / f"{size[0]}x{size[1]}-{percent}-{colors}"
    folder.mkdir(parents=True, exist_ok=True)
    with recorder_of("scenes/tableau.hu", size, preferences, 96 * percent // 100) as recorder:
        _fill(recorder)
        recorder.point((size[0] - 2, size[1] - 2))
        for title in recorder.frames.workspace.panels:
            recorder.frames.workspace.show(title)
            _keep(recorder, folder / f"{title.replace(' ', '-')}.png")
        for name, keys in DIALOGS.items():
            recorder.key(keys)
            _keep(recorder, folder / f"dialog-{name}.png")
            recorder.key("Escape")
        for name, (x0, y0, x1, y1) in list(recorder.frames.session.places.items()):
            menu = name.removeprefix("menu ")
            if menu != name and "/" not in menu and menu != "problems":
                recorder.click(((x0 + x1) / 2, (y0 + y1) / 2))
                _keep(recorder, folder / f"menu-{menu}.png")
                recorder.key("Escape")


def _fill(recorder: Recorder) -> None:
    """Give every panel something to show: a selection, a cause, a line, a problem."""
    frames = recorder.frames
    viewer(recorder)
    _select_memory(recorder, "shadowMap")
    frames.session.links.follow(SourceLink(ROOT / "scenes/tableau.hu", 12))
    frames.open([ROOT / "scenes/no.hu"])
    recorder.settle()


def _keep(recorder: Recorder, target: Path) -> None:
    recorder.draw(4)
    recorder.picture().save(target)
    print(target)


def main() -> None:
    """Draw the pictures that are named, or those of the documents."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PICTURES)} or panels")
    parser.add_argument("--size", type=size, default=PANELS_SIZE, help="of panels, in pixels")
    parser.add_argument("--percent", type=int, default=100, help="of 96 dots per inch, for panels")
    parser.add_argument("--theme", choices=THEMES, default=THEMES[0], help="of panels")
    parser.add_argument("--safe", action="store_true", help="panels in colours without red and green")
    options = parser.parse_args()
    names = options.names or list(PICTURES)
    if unknown := set(names) - {*PICTURES, "panels"}:
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    for name in names:
        if name == "panels":
            kept = Preferences(theme=options.theme, safe_colors=options.safe)
            panels(options.size, options.percent, kept)
            continue
        scene, play = PICTURES[name]
        target = ROOT / "docs" / f"{name}.png"
        with recorder_of(scene, SIZE) as recorder:
            play(recorder)
            recorder.point((SIZE[0] - 2, SIZE[1] - 2))
            recorder.settle()
            recorder.picture().save(target, optimize=True)
        print(target)


if __name__ == "__main__":
    main()
