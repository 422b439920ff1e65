"""The console command `diorama`: opens a scene in the viewer, or runs a command of the engine.

`diorama SCENE ...` is `python -m viewer SCENE ...`, and `diorama plan ...` is `python -m engine plan ...`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engine.cli.main import COMMANDS
from engine.cli.main import main as run_engine
from viewer.arguments import make_parser
from viewer.main import main as run_viewer

PROG = "diorama"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, or open the scene; returns the exit code.

    A scene file with the name of a command is opened as `./plan`. A wrong command line raises argparse's
    SystemExit(2).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return run_engine(given, PROG)
    return run_viewer(given, make_parser(PROG, commands_text()))


def commands_text() -> str:
    """Return the part of the help that lists the commands."""
    lines = [f"  {PROG} {name:<8}{text}" for name, text in COMMANDS.items()]
    return "\n".join(["", "commands beside opening a scene, each with its own --help:", *lines])
