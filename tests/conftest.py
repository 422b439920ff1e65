"""What all tests share: where the project lies, a display, samples, and a device under CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of tiny matrices, whose threads would wait in loops
# Where Mesa keeps compiled shaders stays the same for tests that give a process another home or cache folder.
os.environ.setdefault(
    "MESA_SHADER_CACHE_DIR", os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
)

from support.compiled import compiled
from support.display import display, no_display, xvfb
from support.sampling import Sample
from support.session import Session, add_options, workers
from support.shared_pipelines import new_pipelines, shared_pipelines

__all__ = ["compiled", "display", "new_pipelines", "no_display", "root", "shared_pipelines", "xvfb"]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Sample:
    """What a test draws from the seed of this run: which calls fail, which worlds are made."""
    return Sample(request.node.nodeid)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of proofs."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make a missing device a failure under CI, where there must be one; set seed, extent and limits."""
    if os.environ.get("CI"):
        config.option.require_gpu = True
    config.pluginmanager.register(Session(config), "diorama session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Give the number of workers of `-n auto`."""
    return workers()
