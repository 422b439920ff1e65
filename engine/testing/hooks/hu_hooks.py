"""Pytest hooks that collect and report `*.test.hu` files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from engine.testing.hu.test_files import HuTest

_SUFFIX = ".test.hu"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect test files written in Humon."""
    if file_path.name.endswith(_SUFFIX):
        return HuFile.from_parent(parent, path=file_path)
    return None


class HuFile(pytest.File):
    """One test file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Read the file; its problems are reported with their places."""
        from engine.testing.hu.test_files import read_tests

        for test in read_tests(self.path, self._name()):
            yield HuItem.from_parent(self, name=test.name, test=test)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Report problems with the file as blocks, without a traceback."""
        return _reported(excinfo.value) or super().repr_failure(excinfo)

    def _name(self) -> str:
        """The file's name in errors: its relative path."""
        from engine.testing.goldens.goldens import shown

        return shown(self.path)


class HuItem(pytest.Item):
    """One test of a test file."""

    def __init__(self, *, test: HuTest, **rest: Any) -> None:
        super().__init__(**rest)
        self.test = test
        if test.profile is None:
            self.add_marker("gpu")

    def runtest(self) -> None:
        """Run the test with the goldens of the current item."""
        from engine.testing.hooks.golden_hooks import STATE

        self.test.run(self.config.stash[STATE].current)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Report failed claims as blocks, without a traceback."""
        return _reported(excinfo.value) or super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return the file and the name of the test."""
        return self.path, None, self.name


def _reported(error: BaseException) -> str | None:
    from engine.testing.hu.test_files import explain

    return explain(error)
