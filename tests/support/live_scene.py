"""A copy of the cube's scene that is drawn while its sources are changed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from support.limits import limit
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.humon import Problem
from engine.runtime.live_assets import LiveAssets
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

Picture = npt.NDArray[np.uint8]
OPTIONS = RuntimeOptions(size=(64, 64), validate=True)
PAUSE_S = 0.02
UNUSED = shutil.ignore_patterns("*.ogCache*", "environment", "creatures", "garden", "rocks", "profiles")


class LiveScene:
    """A scene that is drawn, and the folder of its sources; `problems` are all that were reported."""

    def __init__(self, root: Path, runtime: Runtime, live: LiveAssets) -> None:
        self.root = root
        self.runtime = runtime
        self.live = live
        self.problems: list[Problem] = []

    def file(self, name: str) -> Path:
        """Return a source by its path from the root."""
        return self.root / name

    def picture(self) -> Picture:
        """Draw a frame and return it."""
        self.runtime.settle()
        return self.runtime.read_pixels()

    def step(self) -> int:
        """Draw a frame; return how many assets were switched to."""
        self.runtime.frame()
        news = self.live.poll()
        self.problems += news.problems
        return news.switched

    def until(self, over: Callable[[], bool], seconds: float = 30.0) -> None:
        """Draw frames until something is so, with pauses in which other threads work."""
        end = time.monotonic() + limit(seconds)
        while not over():
            assert time.monotonic() < end, f"nothing came of it: {self._state()}"
            self.step()
            time.sleep(PAUSE_S)

    def _state(self) -> str:
        """What is waited for, for whoever reads a failure."""
        runtime, update = self.runtime, self.live._update
        known = (
            "nothing pending" if not self.live.pending else "pending",
            "no update" if update is None else f"{len(update.moves)} moves, waiting for {update._waiting}",
            f"{runtime.memory.steps_left} steps left",
            f"plan {'stale' if runtime.planner.stale() else 'made'}",
            f"trials {'pending' if runtime.trials.pending else 'over'}",
            f"{self.live.reloads} reloads",
            *map(str, self.live.problems),
        )
        return "; ".join(known)

    def until_reloaded(self) -> None:
        """Draw frames until the next update is switched to."""
        reloads = self.live.reloads
        self.until(lambda: self.live.reloads > reloads)

    def until_reported(self) -> None:
        """Draw frames until problems are reported."""
        known = len(self.problems)
        self.until(lambda: len(self.problems) > known)


@cache
def _cooked(source: Path, below: Path) -> Path:
    """A copy of the cube's scene in which all is cooked: copies of it have its times, and so its caches."""
    root = below / "live scene cooked"
    for name in ("scenes", "assets"):
        shutil.copytree(source / name, root / name, ignore=UNUSED)
    with open_library(load_scene(root / "scenes/cube.hu").dbs):
        return root


def copy_cube(source: Path, root: Path) -> None:
    """Copy the cube's scene of the project `source` to a folder, with its cache."""
    shutil.copytree(_cooked(source, root.parent), root, dirs_exist_ok=True)


EDGE_LEVELS, EDGE_PIXELS = 6, 8


def is_other(picture: Picture, wanted: Picture) -> bool:
    """Whether two pictures differ; boxes that were kept are rounded otherwise, which moves shadows."""
    levels = np.abs(picture.astype(np.int16) - wanted).max(axis=2)
    return bool(levels.max() > EDGE_LEVELS or (levels > 1).sum() > EDGE_PIXELS)


@contextmanager
def live_scene(source: Path, root: Path, opened: Callable[[], object] = lambda: None) -> Iterator[LiveScene]:
    """Draw the cube's scene of the project `source` from a copy below `root`, at 64 x 64 with validation.

    `opened` is called once all is cooked, before the sources are watched.
    """
    copy_cube(source, root)
    with live_file(root / "scenes/cube.hu", opened) as live:
        yield LiveScene(root, live.runtime, live.live)


@contextmanager
def live_file(
    path: Path, opened: Callable[[], object] = lambda: None, sky: Path | None = None
) -> Iterator[LiveScene]:
    """Draw a scene or a model from where it is, at 64 x 64 with validation; `opened` as for `live_scene`."""
    scene = load_scene(path, sky=sky)
    with open_library(scene.dbs) as library:
        opened()
        with shared_runtime(scene, library, OPTIONS) as runtime, LiveAssets(runtime) as assets:
            runtime.settle()
            yield LiveScene(path.parent, runtime, assets)
            runtime.wait()


def fresh_picture(path: Path, sky: Path | None = None) -> Picture:
    """The picture of a scene or a model that is opened now."""
    scene = load_scene(path, sky=sky)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, OPTIONS) as runtime:
        runtime.settle()
        return runtime.read_pixels()
