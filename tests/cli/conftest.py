"""Runs the engine's command line: `engine` in this process, `engine_process` as a user does."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import Run, in_process, in_this_process

from engine.cli.main import main


@pytest.fixture
def engine(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line of `python -m engine` in this process."""
    return in_this_process(main, root, capsys)


@pytest.fixture
def engine_process(root: Path) -> Run:
    """Run `python -m engine ARGUMENTS` in a process of its own."""
    return in_process("engine", root)
