"""The console command `diorama`: opens a scene in the viewer, or runs a command of the engine.

`diorama SCENE ...` is `python -m viewer SCENE ...`, and `diorama plan ...` is `python -m engine plan ...`.
"""

from __future__ import annotations

import sys

try:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from engine.cli.exits import guarded, run_process
except KeyboardInterrupt:  # before signals are handled
    sys.exit(130)

PROG = "diorama"


def run() -> NoReturn:
    """Run the arguments of this process, and exit."""
    run_process(main)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, or open the scene; returns the exit code.

    A scene file with the name of a command is opened as `./plan`. A wrong command line raises argparse's
    SystemExit(2).
    """
    return guarded(lambda: _run(list(sys.argv[1:] if arguments is None else arguments)))


def _run(arguments: list[str]) -> int:
    # Imported here, where a signal ends the process in order.
    from engine.cli.main import COMMANDS
    from engine.cli.main import main as run_engine
    from viewer.arguments import make_parser
    from viewer.main import main as run_viewer

    if arguments and arguments[0] in COMMANDS:
        return run_engine(arguments, PROG)
    return run_viewer(arguments, make_parser(PROG, _commands_text(COMMANDS)))


def _commands_text(commands: Mapping[str, str]) -> str:
    """Return the part of the help that lists the commands."""
    lines = [f"  {PROG} {name:<8}{text}" for name, text in commands.items()]
    return "\n".join(["", "commands beside opening a scene, each with its own --help:", *lines])
