"""Fixtures of all tests: the project's root, a display, and a device, which is required under CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.display import display, no_display, xvfb

__all__ = ["display", "no_display", "root", "xvfb"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


def pytest_configure(config: pytest.Config) -> None:
    """Make a missing device a failure under CI, where there must be one."""
    if os.environ.get("CI"):
        config.option.require_gpu = True
