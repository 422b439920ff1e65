"""The console command `diorama`: it opens a scene as the viewer does, or runs a command of the engine.

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
    """Run what the first argument names and give its exit code.

    A scene file that is called like a command is opened as `./plan`. A wrong command line ends in argparse's
    SystemExit(2).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return run_engine(given, PROG)
    return run_viewer(given, make_parser(PROG, commands_text()))


def commands_text() -> str:
    """The part of the help that lists the commands."""
    lines = [f"  {PROG} {name:<8}{text}" for name, text in COMMANDS.items()]
    return "\n".join(["", "commands beside opening a scene, each with its own --help:", *lines])
