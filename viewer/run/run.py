"""One run of the viewer: draws frames until it is over, then writes the requested files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from viewer.arguments import Options
from viewer.run.device_recovery import RecoveringFrames
from viewer.run.frames import Frames
from viewer.run.interrupt import Interrupt
from viewer.run.output_files import save_picture, save_report

if TYPE_CHECKING:
    from engine.runtime.runtime import Runtime
    from viewer.run.script_playback import Script

SHOWN_MESSAGES = 20


def run(options: Options, make_frames: Callable[[], Frames], script: Script | None = None) -> bool:
    """Run the script, if any, and draw frames until the run is over; closes everything it opened.

    Returns False if Ctrl-C ended the run.
    """
    from engine.runtime.report import RunLog, finish_report, make_report

    log = RunLog()
    report: dict[str, Any] | None = None
    frames = RecoveringFrames(make_frames, log)
    runtime = frames.runtime
    try:
        with Interrupt() as interrupt:
            if script is not None:
                script.play(frames, interrupt)
            while not (interrupt.raised or frames.over or log.drawn >= (options.frames or sys.maxsize)):
                frames.step()
        _report_problems(runtime)
        if options.screenshot is not None:
            save_picture(options.screenshot, frames.picture())
        if options.report is not None:
            report = make_report(runtime, log, str(options.scene))
    finally:
        frames.close()
    _report_messages(runtime)
    if report is not None and options.report is not None:
        save_report(options.report, finish_report(report, runtime, log))
    return not interrupt.raised


def _report_problems(runtime: Runtime) -> None:
    """Print the problems reported while frames were drawn; those of the scene's files are printed already."""
    printed = (*runtime.scene.warnings, *runtime.library.problems)
    for problem in runtime.problems:
        if problem not in printed:
            print(problem.render(), file=sys.stderr)


def _report_messages(runtime: Runtime) -> None:
    messages = [message for instance in runtime.instances for message in instance.messages.all]
    for message in messages[:SHOWN_MESSAGES]:
        print(message, file=sys.stderr)
    if len(messages) > SHOWN_MESSAGES:
        print(f"... and {len(messages) - SHOWN_MESSAGES} validation messages more", file=sys.stderr)
