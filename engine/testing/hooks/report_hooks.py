"""Pytest hooks for the end of a run: goldens that wait or were not compared, and the HTML report."""

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
    """Register the collector of reports, after the golden state exists."""
    config.pluginmanager.register(ReportCollector(config.stash[STATE]), "diorama goldens")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the goldens that were not compared to the test's report, which reaches the main process."""
    report = yield
    current = item.config.stash[STATE].current
    if call.when == "call" and current is not None and current.not_compared:
        report.user_properties.append((_NOT_COMPARED, list(current.not_compared)))
    if report.failed and _is_scene_test(item):
        report.user_properties.append((_SCENE_TEST, True))
    return report


def _is_scene_test(item: pytest.Item) -> bool:
    """Whether a test is about scenes: a `*.test.hu` file, or a module that uses goldens or this package."""
    if not isinstance(item, pytest.Function):
        return item.path.name.endswith(".test.hu")
    used = (str(getattr(value, "__module__", "")) for value in vars(item.module).values())
    return "goldens" in item.fixturenames or any(name.startswith("engine.testing.") for name in used)


class ReportCollector:
    """Collects failed scene tests and skipped comparisons from every report, those of workers included."""

    def __init__(self, state: GoldenState) -> None:
        self._state = state

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a test file that cannot be collected."""
        self._note(report.failed and report.nodeid.endswith(".test.hu"), report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of a test: set-up, call or tear-down."""
        self._note((_SCENE_TEST, True) in report.user_properties, report)
        for name, value in report.user_properties:
            if name == _NOT_COMPARED and isinstance(value, list):
                self._state.not_compared.update(dict.fromkeys(map(str, value)))

    def _note(self, failed: bool, report: pytest.CollectReport | pytest.TestReport) -> None:
        if failed:
            # Imports numpy, which a passing run does not need.
            from engine.testing.report.html_report import Failure

            self._state.failures.append(Failure(report.nodeid, report.longreprtext))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List goldens that wait or were not compared, write the report, and ask on a terminal."""
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
    """On a terminal, ask about each golden that waits; Enter leaves it waiting. False without a terminal."""
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
