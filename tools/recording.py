"""A recording of what tests execute, kept in a folder: test files that have not changed are not run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from engine.files import write_whole

if TYPE_CHECKING:
    from coverage import CoverageData

READ = ("engine", "features", "viewer", "tests", "scenes", "assets")
"""The folders that tests execute or read."""


@dataclass(frozen=True)
class Recorded:
    """The tests that pass, with their seconds, and what they were recorded of.

    `scope` are the folders of the tests and the packages whose lines were recorded, `digests` the contents of
    all files of the tree.
    """

    scope: list[list[str]]
    digests: dict[str, str]
    seconds: dict[str, float]

    def changed(self, scope: list[list[str]], digests: dict[str, str]) -> list[str] | None:
        """The test files to record again for a tree, and those that are gone; None where all have to be."""
        differ = {
            path for path in digests.keys() | self.digests if digests.get(path) != self.digests.get(path)
        }
        if scope != self.scope or not all(is_test_file(path) for path in differ):
            return None
        tests = tuple(scope[0])
        return sorted(
            path for path in differ if path in tests or path.startswith(tuple(f"{each}/" for each in tests))
        )

    def merged(self, again: Sequence[str], digests: dict[str, str], seconds: dict[str, float]) -> Recorded:
        """With the seconds of test files that were recorded again in place of the earlier ones."""
        kept = {test: taken for test, taken in self.seconds.items() if test.split("::")[0] not in again}
        return Recorded(self.scope, digests, kept | seconds)


class Recording:
    """The files of a recording: `lines` is what coverage.py writes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lines = folder / "executed.lines"
        self._recorded = folder / "executed.json"

    def read(self) -> Recorded | None:
        """What was recorded; None where nothing was."""
        if not self._recorded.exists():
            return None
        return Recorded(**json.loads(self._recorded.read_text(encoding="utf-8")))

    def clear(self) -> None:
        """Remove what was recorded: `lines` is not complete before `write`."""
        self._recorded.unlink(missing_ok=True)
        self.lines.unlink(missing_ok=True)

    def write(self, recorded: Recorded) -> None:
        """Note what was recorded."""
        write_whole(self._recorded, json.dumps(asdict(recorded)).encode())

    def data(self) -> CoverageData:
        """Which test executes which lines."""
        return _read(self.lines)

    def add(self, other: Path) -> None:
        """Add what more tests execute."""
        found = self.data()
        found.update(_read(other))
        found.close()


def _read(lines: Path) -> CoverageData:
    from coverage import CoverageData  # installed for developers alone, and --help needs none

    found = CoverageData(str(lines))
    found.read()
    return found


def digests_of(root: Path) -> dict[str, str]:
    """The contents of all files that tests execute or read; caches are left out."""
    return {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for name in READ
        for path in sorted((root / name).rglob("*"))
        if path.is_file() and path.suffix not in (".pyc", ".ogCache", ".lock")
    }


def is_test_file(path: str) -> bool:
    """Whether a file has tests and nothing that other files use."""
    return path.startswith("tests/") and path.rpartition("/")[2].startswith("test_") and path.endswith(".py")
