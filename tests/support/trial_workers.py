"""Stand-ins for the process that tries pipelines: each fails in its own way, or finds all usable."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

_PRELUDE = """
import os, signal, sys, time
from engine.runtime.trials.messages import read_message, write_message
requests, replies = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
def ask():
    try:
        return read_message(requests)
    except EOFError:
        os._exit(0)
"""
_OPENED = """
ask()
write_message(replies, {})
"""
ENDS = {
    "dies of a signal": ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed with SIGSEGV"),
    "exits": ("os._exit(3)", "ended with status 3"),
    "says nothing": ("os._exit(0)", "ended with status 0"),
    "prints garbage": (
        "os.write(1, b'Segmentation fault, core not dumped'); ask()",
        "answered nothing usable",
    ),
    "answers no JSON": (
        "os.write(1, b'DTRY' + bytes([4, 0, 0, 0]) + b'oops'); ask()",
        "answered nothing usable",
    ),
    "claims a huge answer": ("os.write(1, b'DTRY' + bytes([255] * 4)); ask()", "answered nothing usable"),
    "answers another type": ("write_message(replies, {'refused': 7}); ask()", "answered nothing usable"),
    "takes too much time": (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (0, 9))\nwhile True: pass",
        "took too much processor time",
    ),
    "takes too much memory": (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (1 << 20, 1 << 30))\nbytearray(1 << 30)",
        "ended with status 1",
    ),
}
"""What a worker does with a pipeline, in Python, and what is reported."""


def command(behaviour: str, *, opens: str = _OPENED) -> tuple[str, ...]:
    """Return the command of a worker that opens any device, then behaves so with each pipeline."""
    loop = "while True:\n    values, code = ask()\n" + textwrap.indent(behaviour, "    ")
    return (sys.executable, "-P", "-c", _PRELUDE + opens + loop)


USABLE = "write_message(replies, {})"


def waiting_for(gate: Path, then: str = USABLE) -> tuple[str, ...]:
    """Return the command of a worker that answers once somebody opens the FIFO `gate` for writing."""
    return command(f"open({str(gate)!r}, 'rb').read()\n{then}")
