"""`python -m viewer NAME.snapshot.hu`: a snapshot of memory in a window, or as a text where there is none."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets import data_root
from engine.cli.exits import ExitCode
from engine.files.streams import write_output
from engine.humon import InputError, Problem, nearest
from engine.humon.codes import Code
from engine.vk.errors import NoVulkan
from viewer.arguments import Options
from viewer.panels.history.files.codes import SnapshotCode
from viewer.panels.history.files.snapshot_file import SUFFIX
from viewer.panels.history.files.snapshot_reader import read_snapshot
from viewer.panels.history.files.snapshot_summary import snapshot_summary
from viewer.window.no_display import NoDisplay

if TYPE_CHECKING:
    from engine.assets import AssetLibrary
    from engine.scene import Scene
    from viewer.panels.history.snapshots import Snapshot
    from viewer.run.frames import Frames


def view_snapshot(options: Options) -> ExitCode:
    """Show the snapshot that `options` name; raises InputError for a file that is none.

    Without a display or a device, and with --headless, its summary is printed instead.
    """
    assert options.scene is not None
    if options.more_scenes or options.sky or options.script or options.outputs:
        message = f"{options.scene} is a snapshot of memory, which is shown by itself"
        hint = "leave scenes, skies, scripts and files to write out"
        raise InputError(Problem(SnapshotCode.ALONE, message, help=hint))
    snapshot = _read(options.scene)
    if not options.headless:
        try:
            return _show(options, snapshot)
        except (NoDisplay, NoVulkan):
            print("there is no display or device for a window: this is its summary", file=sys.stderr)
    write_output(snapshot_summary(snapshot))
    return ExitCode.DONE


def _read(path: Path) -> Snapshot:
    """Read a snapshot. Raises InputError; for a file that is not there with the nearest name that is."""
    try:
        return read_snapshot(path)
    except InputError as error:
        (problem,) = error.problems[:1]
        if problem.code != Code.FILE_MISSING:
            raise
        try:
            names = [name for name in os.listdir(path.parent) if name.endswith(SUFFIX)]
        except OSError:
            names = []
        near = nearest(path.name, names)
        hint = f"did you mean '{path.parent / near}'?" if near else "give the path of a snapshot file"
        raise InputError(replace(problem, help=hint)) from None


def _show(options: Options, snapshot: Snapshot) -> ExitCode:
    """Open a window with an empty scene, and the snapshot in the panels of memory."""
    from viewer.run.run import run
    from viewer.run.scene_opening import opened

    empty = replace(options, scene=data_root() / "assets/builtin/empty.hu", live=False)
    with opened(empty) as (scene, library):
        named = replace(empty, scene=Path(options.title))
        return run(named, lambda: _frames(scene, library, named, snapshot))


def _frames(scene: Scene, library: AssetLibrary, options: Options, snapshot: Snapshot) -> Frames:
    from viewer.ui.bundle import import_bundle

    import_bundle()
    from viewer.panels.snapshot_panels import SnapshotWindow
    from viewer.run.windowed import WindowFrames

    frames = WindowFrames(scene, library, options, SnapshotWindow(snapshot))
    frames.workspace.show("memory")
    return frames
