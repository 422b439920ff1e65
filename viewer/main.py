"""`python -m viewer`: runs the viewer for its arguments, and turns errors into messages and exit codes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode, guarded, how_to_get
from engine.cli.outputs import check_unread, check_writable
from viewer.arguments import Options, parse
from viewer.window.no_display import NoDisplay

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from engine.assets import AssetLibrary
    from engine.scene import Scene
    from viewer.run.frames import Frames
    from viewer.run.script_playback import Script


SNAPSHOT = ".snapshot.hu"
"""With which the names of snapshot files end."""


def main(arguments: Sequence[str] | None = None, parser: ArgumentParser | None = None) -> int:
    """Run the viewer and return its exit code; a wrong command line raises argparse's SystemExit(2)."""

    def run() -> int:
        options = parse(arguments, parser)
        if options.list_devices:
            return list_devices(options)
        if options.scene is not None and options.scene.name.endswith(SNAPSHOT):
            from viewer.run.snapshot_view import view_snapshot

            return view_snapshot(options)
        return view(options)

    return int(guarded(run))


def view(options: Options) -> int:
    """Open the scene and draw it, in a window or headless."""
    from engine.plan.terms.errors import PlanError
    from viewer.run.run import run
    from viewer.run.scene_opening import opened

    check_writable(options.outputs)
    check_unread(options.outputs, [options.script] if options.script is not None else [])
    script = read_script(options.script)
    if script is not None and not script.usable:
        return script.exit_code
    with opened(options) as (scene, library):
        try:
            code = run(options, lambda: make_frames(scene, library, options), script)
        except PlanError as error:
            print(error, file=sys.stderr)
            return ExitCode.DEVICE_LOST
        except NoDisplay as problem:
            print(no_display_text(problem.reasons), file=sys.stderr)
            return ExitCode.NO_DEVICE
    if script is not None and script.exit_code:
        return script.exit_code
    return ExitCode.INPUT if scene.rejected and code == ExitCode.DONE else code


def read_script(path: Path | None) -> Script | None:
    """Read the scene script before anything is opened; raises InputError if it cannot be read."""
    if path is None:
        return None
    from viewer.run.script_playback import Script

    return Script(path)


def make_frames(scene: Scene, library: AssetLibrary, options: Options) -> Frames:
    """Make the frames, windowed or headless; modules that only the other kind needs are not imported."""
    from engine.humon.collector import collector_paused

    # Importing and opening makes very many objects, all of which stay.
    with collector_paused():
        if options.headless:
            from viewer.run.headless import HeadlessFrames

            frames: Frames = HeadlessFrames(scene, library, options)
        else:
            from viewer.ui.bundle import import_bundle

            import_bundle()
            from viewer.run.windowed import WindowFrames

            frames = WindowFrames(scene, library, options)
        gc.freeze()
    if options.record is None:
        return frames
    from viewer.run.script_recording import RecordedFrames

    return RecordedFrames(frames, options.record, options.settings)


def list_devices(options: Options) -> int:
    """Print every adapter and why it cannot be used, if so; raises NoDevice if there is none."""
    from engine.vk.instance import Instance

    with Instance("diorama") as instance:
        adapters = instance.adapters()
        chosen = instance.choose(options.device or "") if any(a.usable for a in adapters) else None
        for adapter in adapters:
            print(f"{'*' if adapter == chosen else ' '} {adapter}")
    return ExitCode.DONE if chosen is not None else ExitCode.NO_DEVICE


def no_display_text(reasons: Sequence[str]) -> str:
    """Return the message for a machine without a display."""
    lines = ["error[display.none]: no window can be opened here"]
    lines += [f"    {reason}" for reason in reasons]
    lines.append("help: add --headless to render without a display server (see --screenshot and --report)")
    lines.append(f"help: for a virtual display: {how_to_get('apt: xvfb')}, then xvfb-run")
    lines.append("help: `python -m engine doctor` shows all that this machine has and lacks")
    return "\n".join(lines)
