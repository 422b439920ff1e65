"""What all tests share: where the project lies, the mark for tests that need a Vulkan device, a display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.display import display, no_display, xvfb

__all__ = ["display", "no_display", "root", "xvfb"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden pictures be made anew, to be looked at and committed."""
    parser.addoption("--update-goldens", action="store_true", help="write golden pictures instead of failing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs a device where none answers, except under CI: there a missing device is a failure."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked or os.environ.get("CI"):
        return
    # The question is asked in another process because a driver may crash while it answers.
    command = [sys.executable, "-m", "engine.cli.probe", "--packages", "device"]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if asked.returncode == 0 and not asked.stdout:
        return
    skip = pytest.mark.skip(reason="no Vulkan 1.3 device answers; `make test` installs a software one")
    for item in marked:
        item.add_marker(skip)
