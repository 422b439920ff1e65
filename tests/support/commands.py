"""Runs the command lines of the project: in this process, or in one of its own as a user does.

A process of its own takes most of its time to import; it is for claims about processes: streams, signals,
what is imported, what differs from one process to the next.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.limits import limit

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
"""Runs with arguments; keywords become environment variables."""


def in_process(module: str, root: Path) -> Run:
    """Return a function that runs `python -m MODULE ARGUMENTS` in the project's folder."""

    def run(*arguments: object, **environment: str) -> Done:
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=limit(100),
            check=False,
        )

    return run


def in_this_process(main: Callable[[list[str]], int], root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that calls `main` in the project's folder, with what it prints and its exit code."""

    def run(*arguments: object, **environment: str) -> Done:
        given = [str(argument) for argument in arguments]
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            for name, value in environment.items():
                patch.setenv(name, value)
            try:
                code = main(given)
            except SystemExit as ended:  # argparse leaves with a number
                code = int(str(ended.code))
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(given, code, printed.out, printed.err)

    return run
