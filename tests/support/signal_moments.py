"""Runs a command of the project that sends itself signals at moments: audit events of Python (PEP 578).

`python signal_moments.py MOMENT ... -- COMMAND ARGUMENT ...`: COMMAND is `viewer`, `engine` or `diorama`, and
a MOMENT is `SIGNAL@EVENT@TEXT@N`: the N-th event of that name whose arguments contain the text, since the
command handles signals; without a name, of any name.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Moment:
    """A signal and the event at which it is sent; `left` counts down to it."""

    number: int
    event: str
    text: str
    left: int

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Send the signal if this is the event."""
        if self.left and self.event in (event, "") and self.text in repr(arguments):
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), self.number)


def read(text: str) -> Moment:
    """Read `SIGNAL@EVENT@TEXT@N`."""
    name, event, argument, count = text.split("@")
    return Moment(signal.Signals[name], event, argument, int(count))


def main(arguments: list[str]) -> None:
    """Set the moments and run the command."""
    place = arguments.index("--")
    moments = [read(text) for text in arguments[:place]]
    name, *sys.argv[1:] = arguments[place + 1 :]
    # As a shell in the foreground leaves them, wherever the tests themselves run.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # SIGHUP comes from the terminal of a session

    def note(event: str, given: tuple[Any, ...]) -> None:
        handler = sys.modules.get("engine.cli.stop_signals")
        if handler is not None and hasattr(handler, "stop_signals") and handler.stop_signals.is_listening:
            for moment in moments:
                moment.note(event, given)

    sys.addaudithook(note)
    if name == "diorama":
        from viewer.command import run

        run()
    import runpy

    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    sys.path[0] = os.getcwd()
    main(sys.argv[1:])
