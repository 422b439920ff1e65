"""One run of the viewer: draws frames until it is over, then writes the requested files."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from engine.cli.exits import ExitCode
from engine.cli.stop_signals import stop_signals
from viewer.arguments import Options
from viewer.run.device_recovery import RecoveringFrames
from viewer.run.frames import Frames
from viewer.run.output_files import save_numbered, save_picture, save_report
from viewer.window.lost_display import display_watch

if TYPE_CHECKING:
    from engine.runtime.frame_facts import FrameFacts
    from engine.runtime.report import RunLog
    from engine.runtime.runtime import Runtime
    from engine.tableau import Clock
    from viewer.run.script_playback import Script

SHOWN_MESSAGES = 20
FIRST_FRAME_ATTEMPTS = 1000
"""How many frames may draw nothing, as their attachments are not resident, before there is no picture."""


def run(options: Options, make_frames: Callable[[], Frames], script: Script | None = None) -> ExitCode:
    """Run the script, if any, and draw frames until the run is over; closes everything it opened.

    A stop signal ends the run after the current frame, and the requested files are written; so does the loss
    of the display, which also ends the process. Returns DONE or the exit code of the signal.
    """
    from engine.runtime.report import RunLog

    with stop_signals.deferred(), ExitStack() as undo:
        log = RunLog()
        frames = RecoveringFrames(make_frames, log)
        undo.callback(_close, frames)
        with display_watch.ending(lambda: _finish(options, frames, log)):
            if script is not None:
                script.play(frames, loads=options.shows_counted)
            elif options.shows_counted:
                frames.load()
            clock = FrameClock(frames.runtime.tableau.clock, options)
            while not (stop_signals.number or frames.over or log.drawn >= (options.frames or sys.maxsize)):
                clock.follow(frames.runtime.tableau.clock)
                clock.advance()
                drawn = clock.note(frames.step())
                if drawn and options.sequence is not None:
                    save_numbered(options.sequence, log.drawn - 1, frames)
            _draw_first(frames, log)
        _finish(options, frames, log)
    return ExitCode(stop_signals.exit_code) if stop_signals.number else ExitCode.DONE


class FrameClock:
    """Moves the clock of a scene from frame to frame of a run; a frame that was not drawn is drawn again.

    A window follows the real time. With --fps or --sequence, and headless, each drawn frame of a counted run
    is a step of one length; a headless run that ends by itself shows one time.
    """

    def __init__(self, clock: Clock, options: Options) -> None:
        self._fps = options.fps
        self._clock = clock
        self._set_rate()
        self._is_real = not options.headless and options.fps is None and options.sequence is None
        self._stands = options.headless and options.frames is None
        self._last = time.perf_counter()
        self._drawn = False

    def follow(self, clock: Clock) -> None:
        """Move this clock from now on: another scene may have been opened."""
        if clock is not self._clock:
            self._clock, self._last, self._drawn = clock, time.perf_counter(), False
            self._set_rate()

    def _set_rate(self) -> None:
        if self._fps is not None:
            self._clock.frame_time = 1.0 / self._fps

    def advance(self) -> None:
        """Go on to the time of the next frame."""
        now = time.perf_counter()
        if self._is_real:
            self._clock.advance(now - self._last)
        elif self._drawn and not self._stands:
            self._clock.advance()
        self._last = now

    def note(self, facts: FrameFacts | None) -> bool:
        """Note and return whether the frame was drawn."""
        self._drawn = facts is not None and facts.drawn
        return self._drawn


def _finish(options: Options, frames: RecoveringFrames, log: RunLog) -> None:
    """Print what was reported, write the requested files, and close everything between them."""
    from engine.runtime.report import finish_report, make_report

    report: dict[str, Any] | None = None
    runtime = frames.runtime
    _report_problems(runtime)
    if options.screenshot is not None and log.drawn:
        save_picture(options.screenshot, frames.picture())
    elif options.screenshot is not None:
        print(f"no frame was drawn, so {options.screenshot} is not written", file=sys.stderr)
    if options.report is not None and runtime.plan is not None:
        report = make_report(runtime, log, options.title)
    _close(frames)
    _report_messages(runtime)
    if report is not None and options.report is not None:
        save_report(options.report, finish_report(report, runtime, log))


def _close(frames: RecoveringFrames) -> None:
    with stop_signals.closing():
        frames.close()


def _draw_first(frames: RecoveringFrames, log: RunLog) -> None:
    """Draw a frame if a signal came while the scene was loaded, so that there is a picture of it."""
    attempts = FIRST_FRAME_ATTEMPTS if stop_signals.number else 0
    while not log.drawn and attempts and frames.step() is not None:
        attempts -= 1


def _report_problems(runtime: Runtime) -> None:
    """Print the problems reported while frames were drawn; those of the scene's files are printed already."""
    printed = (*runtime.scene.warnings, *runtime.scene.asset_problems(runtime.library))
    for problem in runtime.problems:
        if problem not in printed:
            print(problem.render(), file=sys.stderr)


def _report_messages(runtime: Runtime) -> None:
    messages = [message for instance in runtime.instances for message in instance.messages.all]
    for message in messages[:SHOWN_MESSAGES]:
        print(message, file=sys.stderr)
    if len(messages) > SHOWN_MESSAGES:
        print(f"... and {len(messages) - SHOWN_MESSAGES} validation messages more", file=sys.stderr)
