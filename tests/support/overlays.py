"""Scenes of overlays alone: a camera that sees nothing, and what hangs under it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.runtime.runtime import Runtime
from engine.testing import OpenedScene, open_scene

SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none  background: [0 0 0] }]
        objects: {
            over: { features: [
                { @type: FEATURE }
            ] }
        }
    }
} }
"""


@contextmanager
def opened(folder: Path, feature: str, size: tuple[int, int] = (64, 48)) -> Iterator[OpenedScene]:
    """A scene whose camera has one such overlay below it, `camera/over`, over black."""
    (folder / "scene.hu").write_text(SCENE.replace("FEATURE", feature))
    with open_scene(folder / "scene.hu", size=size) as scene:
        yield scene


def runtime(scene: OpenedScene) -> Runtime:
    """What draws a scene."""
    return scene.host.runtime  # type: ignore[attr-defined, no-any-return]


def shown(scene: OpenedScene) -> NDArray[np.uint8]:
    """The next picture, uint8[height, width, 3]."""
    return np.array(scene.frame())[:, :, :3]


def box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, width and height of what is set in a picture."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top


def faults(scene: OpenedScene) -> list[str]:
    """The messages of what is wrong, beside that the scene has neither models nor light."""
    return [problem.message for problem in scene.problems if problem.code != "feature.absent"]
