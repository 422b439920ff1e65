"""Draws the pictures of the window in README.md and docs/viewer.md: docs/cube.png and docs/viewer.png.

python tools/window_pictures.py [cube] [viewer]
"""

from __future__ import annotations

import sys

from window_recorder import ROOT, Recorder, recorder_of

from viewer.session.links import MemoryLink

SIZE = (1280, 800)


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


def main() -> None:
    """Draw the pictures that are named, or all."""
    for name in sys.argv[1:] or PICTURES:
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
