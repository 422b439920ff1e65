"""The standard streams: there, able to write any text, and flushed while errors can still be reported.

Python flushes stdout once more when it ends, where a full disk would cost a traceback and the exit code.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import unicodedata
from typing import TypeGuard

_AT_ONCE = 1 << 20
"""Characters that are written at once."""
_NAMES = ("stdin", "stdout", "stderr")
_RAISED = (Exception, SystemExit)
"""What the code of others may raise."""
_WRITING = {errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG, getattr(errno, "EDQUOT", -1)}


def prepare_streams() -> None:
    """Open what is closed, so that no file gets its descriptor, and let every name be printed.

    A closed stdout fails when something is written to it; what is written to a closed stderr is lost.
    """
    for descriptor, name in enumerate(_NAMES):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            os.set_inheritable(opened, True)
            if opened == descriptor and getattr(sys, name) is None:
                mode = "r" if name == "stdin" else "w"
                setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    # a name that is no valid text, or text that the terminal's encoding lacks, is printed as escapes
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", "") == "strict" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


_JOINERS = "\u200c\u200d"
"""Format characters that join letters and emoji: they control nothing."""


def printable(text: str, *, lines: bool = True) -> str:
    """Return `text` with control characters and line separators replaced: it cannot control a terminal.

    Unless it has `lines`, line breaks are replaced, too.
    """
    if text.isprintable():
        return text
    kept = "\n" if lines else ""
    return "".join(c if c in kept or not _controls(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def _controls(character: str) -> bool:
    category = unicodedata.category(character)
    return (category[0] == "C" and character not in _JOINERS) or category in ("Zl", "Zp")


def text_of(error: BaseException) -> str:
    """Return the text of an error that others have written; what raises in making it is no text."""
    try:
        return str(error)
    except _RAISED:
        return ""


def write_output(text: str) -> None:
    """Write to stdout, in pieces, as a signal waits for the end of each; no terminal is controlled by it."""
    if sys.stdout.isatty():
        text = printable(text)
    for begin in range(0, len(text), _AT_ONCE):
        sys.stdout.write(text[begin : begin + _AT_ONCE])


def is_output_failure(error: Exception) -> TypeGuard[OSError]:
    """Whether an error is that of a stream: one of a file has its name, or is an InputError by now."""
    return isinstance(error, OSError) and error.filename is None and error.errno in _WRITING


def drop_output() -> None:
    """Let everything that is still written to stdout vanish."""
    _drop(1)


def print_error(text: str) -> None:
    """Print to stderr, unless that cannot be written either: then the exit code has to do.

    No terminal is controlled by it.
    """
    try:
        print(printable(text), file=sys.stderr, flush=True)
    except OSError:
        _drop(2)


def _drop(descriptor: int) -> None:
    opened = os.open(os.devnull, os.O_WRONLY)
    os.dup2(opened, descriptor)
    os.close(opened)
