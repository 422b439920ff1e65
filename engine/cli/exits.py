"""How a command ends: the exit codes, and the guard that turns what went wrong into words and one of them.

The viewer uses the same guard, so every entry of the project ends alike: a block on stderr, never a
traceback, for what a user can cause; a traceback for what is our own mistake.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell; the numbers are fixed (docs/command-line.md)."""

    DONE = 0
    SCRIPT_FAILED = 1
    INPUT = 2
    NO_DEVICE = 3
    DEVICE_LOST = 4
    INTERRUPTED = 130


class CommandError(Exception):
    """The command line or the machine stands in the way: a message, a hint, and the code to end with.

    Parameters
    ----------
    code
        The stable name printed in brackets, as in `error[file.missing]`.
    message
        One sentence: what is wrong.
    help
        What to do about it; may be several lines.
    exit_code
        How the process ends.
    """

    def __init__(self, code: str, message: str, help: str = "", exit_code: ExitCode = ExitCode.INPUT) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.exit_code = exit_code

    def __str__(self) -> str:
        """Render the block that goes to stderr, in the form of an input error without a position."""
        lines = [f"error[{self.code}]: {self.message}"]
        if self.help:
            lines += ["help: " + self.help.replace("\n", "\n      ")]
        return "\n".join(lines)


def guarded(command: Callable[[], int]) -> int:
    """Run `command` and give its exit code; say on stderr what the user can mend, let our own mistakes out.

    Ctrl-C ends with 130 and no traceback. A reader that went away (`... | head`) ends the command quietly.
    """
    from engine.humon import InputError

    try:
        return command()
    except InputError as error:
        print(error, file=sys.stderr)
        return ExitCode.INPUT
    except CommandError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more while it ends; give it something that takes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
