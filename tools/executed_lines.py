"""A pytest plugin of mutants.py: records which lines each test executes, and how long each test takes.

The tests that pass are written to $EXECUTED_SECONDS as JSON, with their seconds. Into the file
$EXECUTED_LINES coverage.py writes which test executes which lines of the folders $EXECUTED_SOURCES (with ":"
between them). A fixture that is shared by the tests of a file runs once, so its lines are those of the whole
file. The caches of functions are emptied before each test, so that it executes what it would execute alone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage


def clear_caches(folders: list[str]) -> None:
    """Empty the caches of all functions in these folders."""
    packages = tuple(f"{folder.replace('/', '.')}." for folder in folders)
    for name, module in list(sys.modules.items()):
        if name.startswith(packages):
            for value in list(vars(module).values()):
                if callable(clear := getattr(value, "cache_clear", None)) and not isinstance(value, type):
                    clear()


class ExecutedLines:
    """The hooks: each test is a context of coverage.py, and so is each file with shared fixtures."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()
        self.context = ""
        self.folders = os.environ["EXECUTED_SOURCES"].split(":")
        lines = os.environ["EXECUTED_LINES"]
        self.coverage = Coverage(data_file=lines, include=[f"{folder}/*" for folder in self.folders])
        self.coverage.set_option("run:relative_files", True)
        self.coverage.start()

    def _switch(self, context: str) -> None:
        self.context = context
        self.coverage.switch_context(context)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Record the lines and the time of a test, its fixtures included."""
        clear_caches(self.folders)
        self._switch(item.nodeid)
        begun = time.monotonic()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.monotonic() - begun
            self._switch("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Record the lines of a shared fixture as those of a file."""
        test = self.context
        if fixturedef.scope != "function":
            self._switch(test.split("::")[0])
        try:
            return (yield)
        finally:
            self._switch(test)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the tests that do not pass."""
        if report.outcome != "passed":
            self.failed.add(report.nodeid)

    def pytest_unconfigure(self) -> None:
        """Write what was recorded."""
        passed = {test: taken for test, taken in self.seconds.items() if test not in self.failed}
        Path(os.environ["EXECUTED_SECONDS"]).write_text(json.dumps(passed), encoding="utf-8")
        self.coverage.stop()
        self.coverage.save()


def pytest_configure(config: pytest.Config) -> None:
    """Start recording."""
    config.pluginmanager.register(ExecutedLines(), "executed lines")
