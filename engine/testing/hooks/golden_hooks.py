"""Pytest hooks for goldens: the options, one `Goldens` per test, and accepting reviewed goldens.

pytest                      compare; failures are in build/scene-tests.html
pytest --update-goldens     run; new and changed goldens wait for review, on a terminal pytest asks
pytest --accept-goldens     run nothing; write the waiting goldens
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.testing.goldens.findings import Findings
    from engine.testing.goldens.goldens import Goldens
    from engine.testing.report.html_report import Failure

_FINDINGS = "build/scene-tests"
_REPORT = "build/scene-tests.html"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options for goldens and the report."""
    group = parser.getgroup("diorama", "Diorama scene tests")
    group.addoption(
        "--update-goldens", action="store_true", help="let new and changed goldens wait for review"
    )
    group.addoption(
        "--accept-goldens", action="store_true", help="run nothing; write the goldens that wait for review"
    )
    group.addoption(
        "--scene-report",
        metavar="FILE.html",
        default=None,
        help=f"the report of failures (default: {_REPORT})",
    )


class GoldenState:
    """The state of one pytest process: its findings and failures, and the goldens of the running test."""

    def __init__(self, config: pytest.Config) -> None:
        from engine.testing.goldens.findings import Findings

        self.findings: Findings = Findings(config.rootpath / _FINDINGS)
        self.updating = bool(config.getoption("--update-goldens"))
        self.current: Goldens | None = None
        self.failures: list[Failure] = []
        self.not_compared: dict[str, None] = {}
        given = config.getoption("--scene-report")
        self.report = Path(given) if given is not None else config.rootpath / _REPORT


STATE: pytest.StashKey[GoldenState] = pytest.StashKey()


def goldens_for(config: pytest.Config, path: Path, test: str) -> Goldens:
    """Make the `Goldens` of a test in the file `path`."""
    from engine.testing.goldens.findings import FOLDER
    from engine.testing.goldens.goldens import Goldens

    state = config.stash[STATE]
    return Goldens(path.parent / FOLDER, test, state.findings, state.updating)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """With --accept-goldens, write the waiting goldens instead of running tests."""
    if not config.getoption("--accept-goldens"):
        return None
    from engine.testing.goldens.findings import Findings, accept
    from engine.testing.goldens.goldens import shown

    written = accept(Findings(config.rootpath / _FINDINGS))
    for path in written:
        print(f"golden {shown(path)}")
    if not written:
        print("no golden waits for review: run `pytest --update-goldens` first")
    return 0


def pytest_configure(config: pytest.Config) -> None:
    """Delete the findings of earlier runs, except those that wait; an xdist worker deletes none."""
    config.stash[STATE] = state = GoldenState(config)
    if not hasattr(config, "workerinput") and not config.getoption("--accept-goldens"):
        state.report.unlink(missing_ok=True)
        if state.updating:
            state.findings.clear()
        else:
            state.findings.forget_failures()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Make the goldens of a test from a test file available."""
    state = item.config.stash[STATE]
    if not isinstance(item, pytest.Function):  # a function requests its own through the fixture
        state.current = goldens_for(item.config, item.path, item.nodeid)
    try:
        return (yield)
    finally:
        state.current = None


@pytest.fixture
def goldens(request: pytest.FixtureRequest) -> Goldens:
    """The golden pictures and texts of this test, in the folder `goldens` beside its file."""
    state = request.config.stash[STATE]
    if state.current is None:
        state.current = goldens_for(request.config, request.node.path, request.node.nodeid)
    return state.current
