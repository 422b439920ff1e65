"""Reads another scene and cooks its assets on a thread, while the present one is drawn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from engine.assets import AssetLibrary, open_library
from engine.assets.importers.models.model_files import is_model, is_sky
from engine.cli.exits import explain
from engine.humon import InputError, Problem
from engine.scene import Scene
from viewer.arguments import Options
from viewer.run.scene_opening import load

FAILED = "viewer.open"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scene that was read, and its assets, with the options that it would have on a command line."""

    options: Options
    scene: Scene
    library: AssetLibrary

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with it, though it can be drawn."""
        return (*self.scene.rejected, *self.scene.warnings, *self.scene.asset_problems(self.library))


def with_sky(options: Options, files: Sequence[Path]) -> tuple[Options, Sequence[Path]]:
    """Return options and scenes for files that are opened together, in place of the scenes of `options`.

    The last picture among them is the sky of the models; where it comes alone, of those of `options`.
    """
    own = () if options.scene is None else (options.scene, *options.more_scenes)
    scenes = [path for path in files if not is_sky(path)] or own
    if not any(map(is_model, scenes)):
        return replace(options, sky=None), files
    skies = [path for path in files if is_sky(path)]
    return replace(options, sky=skies[-1] if skies else options.sky), scenes


class SceneLoading:
    """Loads one scene at a time. Close it: what was loaded and not taken is released."""

    def __init__(self) -> None:
        self._coming: Future[Loaded] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self.name = ""

    def start(self, options: Options, files: Sequence[Path]) -> bool:
        """Begin to load files that are shown together; False where others are being loaded."""
        if self._coming is not None:
            return False
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "opening")
        self.name = ", ".join(path.name for path in files)
        wanted = replace(options, scene=files[0], more_scenes=tuple(files[1:]), time=0.0, settings=())
        self._coming = self._pool.submit(_load, wanted)
        return True

    def poll(self) -> Loaded | list[Problem] | None:
        """Return what was loaded, or why nothing was; None where there is no news."""
        coming = self._coming
        if coming is None or not coming.done():
            return None
        name, self.name, self._coming = self.name, "", None
        error = coming.exception()
        if error is None:
            return coming.result()
        message = f"{name} cannot be opened, and the present scene stays: {_reason(error)}"
        if isinstance(error, InputError) and len(error.problems) == 1:
            return [replace(error.problems[0], message=message)]
        about = Problem(FAILED, message, help="correct what is wrong, and open it again")
        return [about, *(error.problems if isinstance(error, InputError) else ())]

    def close(self) -> None:
        """Wait for the thread."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._coming is not None and not self._coming.cancelled() and self._coming.exception() is None:
            self._coming.result().library.close()
        self._coming = None


def _load(options: Options) -> Loaded:
    scene = load(options)
    return Loaded(options, scene, open_library(scene.dbs, jobs=os.cpu_count() or 1))


def _reason(error: BaseException) -> str:
    if isinstance(error, InputError):
        return error.problems[0].message
    known = explain(error) if isinstance(error, Exception) else None
    return known[1] if known is not None else f"{type(error).__name__}: {error}"
