"""Exit codes, and the guard that turns errors into messages and exit codes.

The viewer uses the same guard, so all commands end alike: errors that a user can cause are printed to stderr
without a traceback, our own bugs with one.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import IntEnum
from typing import NoReturn

from engine.cli.stop_signals import stop_signals
from engine.files import reason_of
from engine.files.streams import drop_output, is_output_failure, prepare_streams, print_error, printable


class ExitCode(IntEnum):
    """The exit codes of the process; the numbers are fixed (docs/command-line.md)."""

    DONE = 0
    CHECK_FAILED = 1
    INPUT = 2
    NO_DEVICE = 3
    DEVICE_LOST = 4
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


def run_process(command: Callable[[], int]) -> NoReturn:
    """Run `command` as all that this process does, and exit with its code.

    Stop signals are handled from here on, imports of `command` included. After its end Python waits for what
    a script has left: threads, pools, other processes. A signal ends the process then, and nothing any more
    once that is over.
    """
    stop_signals.listen()
    atexit.register(stop_signals.ignore)  # the first one is called last
    try:
        code = guarded(command)
        if not stop_signals.number:
            code = guarded(lambda: _after_threads(code))
    finally:
        stop_signals.end_at_once()
    if stop_signals.number:
        # Python would free all objects one by one, and wait for threads that decode pictures; what outlives
        # the process was released before.
        end_process(code)
    sys.exit(code)


def _after_threads(code: int) -> int:
    """Return `code` once all threads have ended that Python itself would wait for, and that no pool ends."""
    pools = getattr(sys.modules.get("concurrent.futures.thread"), "_threads_queues", {})
    others = (one for one in threading.enumerate() if one is not threading.current_thread())
    left = [one for one in others if not one.daemon and one not in pools]
    if left:
        print_error(
            f"waiting for threads that were left: {', '.join(one.name for one in left)} (Ctrl-C ends that)"
        )
    for thread in left:
        thread.join()
    return code


def end_process(code: int) -> NoReturn:
    """End the process at once, after what it has printed was written."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def guarded(command: Callable[[], int]) -> int:
    """Run `command` and return its exit code; errors of users are printed to stderr, our own bugs propagate.

    Ctrl-C, SIGTERM and SIGHUP end with 130, 143 and 129 and no traceback. A closed pipe (`... | head`) ends
    the command quietly. Output that cannot be written is an error, also that of argparse, whose SystemExit
    passes.
    """
    prepare_streams()
    try:
        with stop_signals.listening():
            return _with_output(_guarded(command))
    except SystemExit as ended:  # argparse has printed its help or its usage
        code = ended.code if isinstance(ended.code, int) else ExitCode.DONE
        if _with_output(code) != code:
            raise SystemExit(int(ExitCode.INPUT)) from None
        raise


def _guarded(command: Callable[[], int]) -> int:
    try:
        return command()
    except KeyboardInterrupt:
        return _stopped()
    except Exception as error:
        if stop_signals.has_raised:  # modules in C report an import that was interrupted as one that failed
            return _stopped()
        if is_output_failure(error):
            return _output_failed(error, ExitCode.DONE)
        reported = explain(error)
        if reported is None:
            raise
        code, text = reported
        print_error(text)
        return code


def _stopped() -> ExitCode:
    print_error("stopped")
    return ExitCode(stop_signals.exit_code)


def _with_output(code: int) -> int:
    """Return the exit code of a command that ends with `code`, after its output was flushed."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _output_failed(error, code)
    return code


def _output_failed(error: OSError, code: int) -> int:
    """Return the exit code of a command whose output could not be written; a pipe may be closed early."""
    drop_output()
    if isinstance(error, BrokenPipeError):
        return code
    print_error(f"error[output.write]: cannot write to the standard output: {reason_of(error)}")
    return code or ExitCode.INPUT


def explain(error: Exception) -> tuple[ExitCode, str] | None:
    """Return the exit code and the message of an error that a user can cause; None for our own bugs."""
    from engine.humon import InputError
    from engine.vk.errors import (
        DeviceLost,
        NoVulkan,
        OutOfDeviceMemory,
        OutOfHostMemory,
        OutOfPoolMemory,
        TookTooLong,
        UsedAfterFork,
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
        lines = [f"error[device.slow]: the device or the disk did not finish its work: {error.detail}"]
        lines += ["help: check that device and disk respond; another device may be faster (--list-devices)"]
        return ExitCode.DEVICE_LOST, "\n".join(lines)
    if isinstance(error, UsedAfterFork):
        return ExitCode.DEVICE_LOST, f"error[device.forked]: {error}"
    # The planner needs numpy, so it is not imported here; it must be loaded already to raise its error.
    planner = sys.modules.get("engine.plan.terms.errors")
    if planner is not None and isinstance(error, planner.PlanError):
        return ExitCode.INPUT, str(error)
    if isinstance(error, OSError):
        what = f"{error.filename}: " if error.filename is not None else ""
        return ExitCode.INPUT, f"error[system.call]: {printable(what)}{reason_of(error)}"
    return None


def no_device_text(reasons: Iterable[str], packages: Iterable[str]) -> str:
    """Return the message for a machine without a usable device: a line per reason, and what to install."""
    lines = ["error[device.none]: no usable Vulkan device"]
    lines += [f"    {reason}" for reason in reasons]
    lines += [f"help: {how_to_get(package)}" for package in packages]
    lines.append("help: `python -m engine doctor` shows all that this machine has and lacks")
    return "\n".join(lines)


def how_to_get(package: str) -> str:
    """Return how to install a package, given as `apt: NAME` or `pip: NAME`."""
    source, _, name = package.rpartition(": ")
    if source == "pip":
        return f"python -m pip install {name}"
    return f"apt-get install {name} (Debian, Ubuntu; elsewhere the equivalent package)"
