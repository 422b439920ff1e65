"""What pytest does about goldens: the options, one `Goldens` per test, the review, and the HTML report.

pytest                      compare; what fails is in build/scene-tests.html
pytest --update-goldens     run, and let what is new or changed wait for review; on a terminal, ask
pytest --accept-goldens     run nothing; make goldens of what waits
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from engine.testing.findings import Findings
    from engine.testing.goldens import Goldens
    from engine.testing.report import Failure

_FINDINGS = "build/scene-tests"
_REPORT = "build/scene-tests.html"
_NOT_COMPARED = "goldens not compared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options for goldens and the report."""
    group = parser.getgroup("diorama", "Diorama scene tests")
    group.addoption(
        "--update-goldens", action="store_true", help="let new and changed goldens wait for review"
    )
    group.addoption(
        "--accept-goldens", action="store_true", help="run nothing: make goldens of what waits for review"
    )
    group.addoption(
        "--scene-report",
        metavar="FILE.html",
        default=None,
        help=f"the report of failures (default: {_REPORT})",
    )


class GoldenState:
    """What one pytest process knows: where findings go, and the goldens of the test that runs."""

    def __init__(self, config: pytest.Config) -> None:
        from engine.testing.findings import Findings

        self.findings: Findings = Findings(config.rootpath / _FINDINGS)
        self.updating = bool(config.getoption("--update-goldens"))
        self.current: Goldens | None = None
        self.failures: list[Failure] = []
        self.not_compared: dict[str, None] = {}
        given = config.getoption("--scene-report")
        self.report = Path(given) if given is not None else config.rootpath / _REPORT


STATE: pytest.StashKey[GoldenState] = pytest.StashKey()


def goldens_for(config: pytest.Config, path: Path, test: str) -> Goldens:
    """Make the goldens of a test that stands in the file `path`."""
    from engine.testing.goldens import FOLDER, Goldens

    state = config.stash[STATE]
    return Goldens(path.parent / FOLDER, test, state.findings, state.updating)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Accept, without a run, where that is asked for."""
    if not config.getoption("--accept-goldens"):
        return None
    from engine.testing.findings import Findings, accept
    from engine.testing.goldens import shown

    written = accept(Findings(config.rootpath / _FINDINGS))
    for path in written:
        print(f"golden {shown(path)}")
    if not written:
        print("no golden waits for review: run `pytest --update-goldens` first")
    return 0


def pytest_configure(config: pytest.Config) -> None:
    """Begin without the findings of earlier runs, but for those that wait; a worker adds to the others'."""
    config.stash[STATE] = state = GoldenState(config)
    config.pluginmanager.register(Notes(state), "diorama goldens")
    if not hasattr(config, "workerinput") and not config.getoption("--accept-goldens"):
        state.report.unlink(missing_ok=True)
        if state.updating:
            state.findings.clear()
        else:
            state.findings.forget_failures()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Give the test its goldens."""
    state = item.config.stash[STATE]
    if not isinstance(item, pytest.Function):  # a function asks for its own, by fixture
        state.current = goldens_for(item.config, item.path, item.nodeid)
    try:
        return (yield)
    finally:
        state.current = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Let the report of a test carry which goldens were not compared, to the process that sums up."""
    report = yield
    current = item.config.stash[STATE].current
    if call.when == "call" and current is not None and current.not_compared:
        report.user_properties.append((_NOT_COMPARED, list(current.not_compared)))
    return report


class Notes:
    """Hears of every test's report, those of other processes too: what failed, and what was not compared."""

    def __init__(self, state: GoldenState) -> None:
        self._state = state

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what cannot be collected."""
        self._note(report.failed, report.nodeid, report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one part of a test: its set-up, its call, its tear-down."""
        self._note(report.failed, report.nodeid, report)
        for name, value in report.user_properties:
            if name == _NOT_COMPARED and isinstance(value, list):
                self._state.not_compared.update(dict.fromkeys(map(str, value)))

    def _note(self, failed: bool, test: str, report: pytest.CollectReport | pytest.TestReport) -> None:
        if failed:
            from engine.testing.report import Failure  # and numpy, which a run that passes may do without

            self._state.failures.append(Failure(test, report.longreprtext))


@pytest.fixture
def goldens(request: pytest.FixtureRequest) -> Goldens:
    """The golden pictures and texts of this test, in the folder `goldens` beside its file."""
    state = request.config.stash[STATE]
    if state.current is None:
        state.current = goldens_for(request.config, request.node.path, request.node.nodeid)
    return state.current


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what waits and what was not compared, write the report, and ask where somebody can answer."""
    state = config.stash[STATE]
    for reason in state.not_compared:
        terminalreporter.write_line(f"golden not compared: {reason}")
    found = list(state.findings)
    if not found and not state.failures:
        return
    from engine.testing.goldens import shown
    from engine.testing.report import write_report

    write_report(state.report, found, state.failures)
    terminalreporter.write_line(f"report with pictures: {shown(state.report)}")
    waiting = [finding for finding in found if finding.waits]
    if not waiting:
        return
    for finding in waiting:
        what = "" if finding.expected is None else f": {finding.message.splitlines()[0].partition(': ')[2]}"
        terminalreporter.write_line(f"waits for review, {finding.state}: {shown(finding.golden)}{what}")
    if not _ask(config, terminalreporter):
        terminalreporter.write_line("look at the report, then: pytest --accept-goldens")


def _ask(config: pytest.Config, terminalreporter: Any) -> bool:
    """Ask for each golden that waits, where somebody can answer; Enter leaves it waiting."""
    from engine.testing.findings import accept_one
    from engine.testing.goldens import shown

    findings = config.stash[STATE].findings
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.suspend_global_capture(in_=True)
    try:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        for finding in findings:
            if finding.waits and input(f"accept {shown(finding.golden)}? [y/N] ").strip().lower() == "y":
                accept_one(findings, finding)
                terminalreporter.write_line(f"golden {shown(finding.golden)}")
    finally:
        capture.resume_global_capture()
    return True
