"""How a command ends: the exit codes, and the guard that turns what went wrong into words and one of them.

The viewer uses the same guard, so every entry of the project ends alike: a block on stderr, never a
traceback, for what a user can cause; a traceback for what is our own mistake.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell; the numbers are fixed (docs/command-line.md)."""

    DONE = 0
    CHECK_FAILED = 1
    INPUT = 2
    NO_DEVICE = 3
    DEVICE_LOST = 4
    INTERRUPTED = 130


def guarded(command: Callable[[], int]) -> int:
    """Run `command` and give its exit code; say on stderr what the user can mend, let our own mistakes out.

    Ctrl-C ends with 130 and no traceback. A reader that went away (`... | head`) ends the command quietly.
    """
    try:
        return command()
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more while it ends; give it something that takes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:
        reported = explain(error)
        if reported is None:
            raise
        code, text = reported
        print(text, file=sys.stderr)
        return code


def explain(error: Exception) -> tuple[ExitCode, str] | None:
    """Give the exit code and the words for what a user can cause; None for a mistake of ours."""
    from engine.humon import InputError
    from engine.vk.errors import (
        DeviceLost,
        NoVulkan,
        OutOfDeviceMemory,
        OutOfHostMemory,
        OutOfPoolMemory,
        TookTooLong,
    )

    if isinstance(error, InputError):
        return ExitCode.INPUT, str(error)
    if isinstance(error, NoVulkan):
        return ExitCode.NO_DEVICE, no_device_text(error.reasons, error.packages)
    if isinstance(error, DeviceLost):
        text = f"error[device.lost]: the device was lost and did not come back: {error}"
        return ExitCode.DEVICE_LOST, text
    if isinstance(error, OutOfDeviceMemory | OutOfHostMemory | OutOfPoolMemory):
        return ExitCode.DEVICE_LOST, f"error[device.memory]: the device has no memory left: {error}"
    if isinstance(error, TookTooLong):
        lines = [f"error[device.slow]: what was begun is not finished: {error.detail}"]
        lines += ["help: see whether device and disk answer; another device may be faster (--list-devices)"]
        return ExitCode.DEVICE_LOST, "\n".join(lines)
    # The planner needs numpy, and so is imported here only by those who raise its errors.
    planner = sys.modules.get("engine.plan.terms.errors")
    if planner is not None and isinstance(error, planner.PlanError):
        return ExitCode.INPUT, str(error)
    return None


def no_device_text(reasons: Iterable[str], packages: Iterable[str]) -> str:
    """The one screen for a machine that cannot draw: a line per reason, and what to install."""
    lines = ["error[device.none]: no usable Vulkan device"]
    lines += [f"    {reason}" for reason in reasons]
    lines += [f"help: {how_to_get(package)}" for package in packages]
    lines.append("help: `python -m engine doctor` shows all that this machine has and lacks")
    return "\n".join(lines)


def how_to_get(package: str) -> str:
    """How a package is installed: `apt: NAME` and `pip: NAME`, as the Vulkan boundary names them."""
    source, _, name = package.rpartition(": ")
    if source == "pip":
        return f"python -m pip install {name}"
    return f"apt-get install {name} (Debian, Ubuntu; elsewhere the package that holds the same)"
