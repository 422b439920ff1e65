"""`cook`: bring the caches of a scene up to date, with a progress bar."""

from __future__ import annotations

import argparse
import os
import sys

from engine.cli.exits import ExitCode


def run(options: argparse.Namespace) -> int:
    """Cook the assetDbs of a scene; problems with single assets are printed to stderr and do not stop it.

    Raises InputError if the scene itself cannot be read.
    """
    from engine.assets import open_library
    from engine.cli.profiles import DEFAULT_PROFILE, find_profile
    from engine.cli.progress import CookProgress
    from engine.cli.scenes import find_scene
    from engine.planning.offline import find_problems
    from engine.scene import load_scene

    scene = load_scene(find_scene(options.scene))
    jobs = options.jobs or os.cpu_count() or 1
    with CookProgress() as progress:
        library = open_library(scene.dbs, jobs=jobs, progress=progress)
    with library:
        for problem in find_problems(scene, library, find_profile(DEFAULT_PROFILE)):
            print(problem.render(), file=sys.stderr)
        plural = "" if library.cooked == 1 else "s"
        done = f"cooked {library.cooked} asset{plural}" if library.cooked else "everything is cooked already"
        print(f"{options.scene}: {done}")
    return ExitCode.DONE
