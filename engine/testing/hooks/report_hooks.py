"""What pytest tells at the end of a run: which goldens wait or were not compared; and the HTML report."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from engine.testing.hooks.golden_hooks import STATE

if TYPE_CHECKING:
    from engine.testing.hooks.golden_hooks import GoldenState

_NOT_COMPARED = "goldens not compared"
_SCENE_TEST = "scene test"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Listen to reports, once there is something to note them in."""
    config.pluginmanager.register(Notes(config.stash[STATE]), "diorama goldens")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the report of a test carry which goldens were not compared, to the process that sums up."""
    report = yield
    current = item.config.stash[STATE].current
    if call.when == "call" and current is not None and current.not_compared:
        report.user_properties.append((_NOT_COMPARED, list(current.not_compared)))
    if report.failed and _is_scene_test(item):
        report.user_properties.append((_SCENE_TEST, True))
    return report


def _is_scene_test(item: pytest.Item) -> bool:
    """Whether a test has to do with scenes: a test file, or one with goldens or names of this package."""
    if not isinstance(item, pytest.Function):
        return item.path.name.endswith(".test.hu")
    used = (str(getattr(value, "__module__", "")) for value in vars(item.module).values())
    return "goldens" in item.fixturenames or any(name.startswith("engine.testing.") for name in used)


class Notes:
    """Hears of every report, of other processes too: which scene tests failed, what was not compared."""

    def __init__(self, state: GoldenState) -> None:
        self._state = state

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what cannot be collected."""
        self._note(report.failed and report.nodeid.endswith(".test.hu"), report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one part of a test: its set-up, its call, its tear-down."""
        self._note((_SCENE_TEST, True) in report.user_properties, report)
        for name, value in report.user_properties:
            if name == _NOT_COMPARED and isinstance(value, list):
                self._state.not_compared.update(dict.fromkeys(map(str, value)))

    def _note(self, failed: bool, report: pytest.CollectReport | pytest.TestReport) -> None:
        if failed:
            from engine.testing.report.html_report import (
                Failure,  # and numpy, which a run that passes may do without
            )

            self._state.failures.append(Failure(report.nodeid, report.longreprtext))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what waits and what was not compared, write the report, and ask where somebody can answer."""
    state = config.stash[STATE]
    for reason in state.not_compared:
        terminalreporter.write_line(f"golden not compared: {reason}")
    found = list(state.findings)
    if not found and not state.failures:
        return
    from engine.testing.goldens.goldens import shown
    from engine.testing.report.html_report import write_report

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


def _ask(config: pytest.Config, terminalreporter: pytest.TerminalReporter) -> bool:
    """Ask for each golden that waits, where somebody can answer; Enter leaves it waiting."""
    from engine.testing.goldens.findings import accept_one
    from engine.testing.goldens.goldens import shown

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
