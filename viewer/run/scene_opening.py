"""Opens the scene of a command line: finds and reads it, applies --time and --set, cooks its assets."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.cli.stop_signals import stop_signals
from viewer.arguments import Options

SWITCH_S = 0.0002
"""Seconds for which a thread that reads what was saved may keep one that draws waiting, each time that a call
of Vulkan returns. Python's own 5 ms make a frame of 20 such calls 100 ms long."""

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.humon import Problem
    from engine.render.surface import WindowTarget
    from engine.runtime.options import RuntimeOptions
    from engine.scene import Scene


@contextmanager
def opened(options: Options) -> Iterator[tuple[Scene, AssetLibrary]]:
    """Read the scene, apply --time and --set, update its caches; prints what is wrong in it.

    Raises InputError where it cannot be read, or a setting is wrong.
    """
    from engine.cli.outputs import check_unread
    from engine.humon.collector import collector_paused

    with collector_paused():
        from engine.assets import open_library
        from engine.cli.progress import CookProgress

        scene = load(options)
        scene.tableau.clock.set(options.time)
        _apply(scene, options.settings)
        with CookProgress() as progress:
            library = open_library(scene.dbs, jobs=os.cpu_count() or 1, progress=progress)
        # What is loaded stays: to look for cycles among the records of 5,000 models takes 90 ms of a frame.
        gc.freeze()
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        check_unread(options.outputs, library.sources())
        for problem in (*scene.rejected, *scene.warnings, *scene.asset_problems(library)):
            print(problem.render(), file=sys.stderr)
        yield scene, library
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()
        library.close()


def load(options: Options) -> Scene:
    """Read the scenes; raises InputError, also where a file to write is one that they are made of."""
    from engine.cli.outputs import check_unread
    from engine.cli.scenes import find_scene
    from engine.scene import check_sky, load_scenes

    assert options.scene is not None, "the command line requires a scene"
    paths = [find_scene(path) for path in (options.scene, *options.more_scenes)]
    if options.sky is not None:
        check_sky(options.sky, paths)
    scene = load_scenes(paths, sky=options.sky)
    check_unread(options.outputs, scene.inputs())
    return scene


def _apply(scene: Scene, settings: Sequence[str]) -> None:
    from engine.humon import InputError
    from engine.scene import apply_setting

    problems: list[Problem] = []
    for setting in settings:
        try:
            apply_setting(scene, setting)
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(problems)


def runtime_options(options: Options, window: WindowTarget | None = None) -> RuntimeOptions:
    """Return the runtime options of a command line."""
    from engine.graph import PICTURE, SCENE_COLOR
    from engine.runtime.options import RuntimeOptions

    return RuntimeOptions(
        size=options.size,
        device=options.device or "",
        validate=options.wants_validation,
        budget_mib=options.budget_mib,
        window=window,
        paging_cycles=options.paging_cycles,
        freezes=True,
        spreads=window is not None and not options.is_counted,
        is_stopping=lambda: stop_signals.is_stopping,
        outputs=(PICTURE, SCENE_COLOR) if options.sequence and options.sequence.is_linear else (PICTURE,),
    )
