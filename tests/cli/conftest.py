"""Runs the engine's command line in a child process, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.limits import limit

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def engine(root: Path) -> Run:
    """Run `python -m engine ARGUMENTS`; keywords become environment variables."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=limit(100),
            check=False,
        )

    return run
