"""Findings: golden files that failed, are new or changed, stored until they are reviewed.

A finding is a small JSON file with the expected and the actual bytes beside it: each process of a parallel
run writes its own, and a later run can accept them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from engine.files import read_regular, write_whole

FOLDER = "goldens"
"""The folder of goldens, beside a test."""

MAX_GOLDEN_BYTES = 256 << 20
"""Size of the largest golden that is read, in bytes."""

_MAX_JSON_BYTES = 1 << 20


class FindingKind(StrEnum):
    """The content of a golden."""

    PICTURE = "picture"
    TEXT = "text"


class State(StrEnum):
    """The outcome for a golden: `failed` in a plain run; `new` or `changed` wait for review."""

    FAILED = "failed"
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True)
class Finding:
    """One golden of one test: `golden` is its file, existing or not yet; the bytes are file contents."""

    test: str
    name: str
    kind: FindingKind
    state: State
    message: str
    golden: Path
    driver: str
    expected: bytes | None
    actual: bytes

    @property
    def waits(self) -> bool:
        """Whether it waits for review."""
        return self.state is not State.FAILED


class Findings:
    """A folder of findings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clear(self) -> None:
        """Delete all findings."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget_failures(self) -> None:
        """Delete the failures of an earlier run; findings that wait for review stay."""
        for finding in self:
            if not finding.waits:
                self.remove(finding)

    def add(self, finding: Finding) -> None:
        """Store a finding; it replaces an earlier one of the same test and golden."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = self.folder / _stem(finding)
        write_whole(stem.with_suffix(".actual"), finding.actual, follow=False, durable=False)
        if finding.expected is not None:
            write_whole(stem.with_suffix(".expected"), finding.expected, follow=False, durable=False)
        fields = asdict(finding) | {"golden": str(finding.golden)}
        del fields["expected"], fields["actual"]
        write_whole(stem.with_suffix(".json"), json.dumps(fields).encode(), follow=False, durable=False)

    def remove(self, finding: Finding) -> None:
        """Delete one finding."""
        for suffix in (".json", ".actual", ".expected"):
            (self.folder / _stem(finding)).with_suffix(suffix).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Finding]:
        """Yield the findings, sorted by test and name; files that are no finding are left out."""
        found = [finding for path in self.folder.glob("*.json") if (finding := _read(path)) is not None]
        return iter(sorted(found, key=lambda finding: (finding.test, finding.name, str(finding.golden))))


def accept(findings: Findings) -> list[Path]:
    """Write every waiting finding to its golden file; returns the files."""
    return [accept_one(findings, finding) for finding in findings if finding.waits]


def accept_one(findings: Findings, finding: Finding) -> Path:
    """Write one finding to its golden file and delete the finding; returns the file."""
    finding.golden.parent.mkdir(parents=True, exist_ok=True)
    write_whole(finding.golden, finding.actual)
    findings.remove(finding)
    return finding.golden


def _stem(finding: Finding) -> str:
    words = "\n".join((finding.test, finding.name, str(finding.golden)))
    return hashlib.sha256(words.encode()).hexdigest()[:20]


def _read(path: Path) -> Finding | None:
    """Return the finding of a file; None for one that is damaged or names a golden outside of `goldens`."""
    expected = path.with_suffix(".expected")
    try:
        fields = json.loads(read_regular(path, _MAX_JSON_BYTES, follow=False))
        finding = Finding(
            test=fields["test"],
            name=fields["name"],
            kind=FindingKind(fields["kind"]),
            state=State(fields["state"]),
            message=fields["message"],
            golden=Path(os.path.normpath(fields["golden"])),
            driver=fields["driver"],
            expected=_read_golden(expected) if os.path.lexists(expected) else None,
            actual=_read_golden(path.with_suffix(".actual")),
        )
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return None
    words = (finding.test, finding.name, finding.message, finding.driver)
    is_named = FOLDER in finding.golden.parts[-3:-1] and finding.golden.name == finding.name
    return finding if is_named and all(isinstance(word, str) for word in words) else None


def _read_golden(path: Path) -> bytes:
    return read_regular(path, MAX_GOLDEN_BYTES, follow=False)
