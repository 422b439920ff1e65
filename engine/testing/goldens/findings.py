"""Findings: golden files that failed, are new or changed, stored until they are reviewed.

A finding is a small JSON file with the expected and the actual bytes beside it: each process of a parallel
run writes its own, and a later run can accept them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


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
        stem.with_suffix(".actual").write_bytes(finding.actual)
        if finding.expected is not None:
            stem.with_suffix(".expected").write_bytes(finding.expected)
        fields = asdict(finding) | {"golden": str(finding.golden)}
        del fields["expected"], fields["actual"]
        stem.with_suffix(".json").write_text(json.dumps(fields), encoding="utf-8")

    def remove(self, finding: Finding) -> None:
        """Delete one finding."""
        for suffix in (".json", ".actual", ".expected"):
            (self.folder / _stem(finding)).with_suffix(suffix).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Finding]:
        """Yield the findings, sorted by test and name."""
        found = [_read(path) for path in self.folder.glob("*.json")]
        return iter(sorted(found, key=lambda finding: (finding.test, finding.name, str(finding.golden))))


def accept(findings: Findings) -> list[Path]:
    """Write every waiting finding to its golden file; returns the files."""
    return [accept_one(findings, finding) for finding in findings if finding.waits]


def accept_one(findings: Findings, finding: Finding) -> Path:
    """Write one finding to its golden file and delete the finding; returns the file."""
    finding.golden.parent.mkdir(parents=True, exist_ok=True)
    finding.golden.write_bytes(finding.actual)
    findings.remove(finding)
    return finding.golden


def _stem(finding: Finding) -> str:
    words = "\n".join((finding.test, finding.name, str(finding.golden)))
    return hashlib.sha256(words.encode()).hexdigest()[:20]


def _read(path: Path) -> Finding:
    fields = json.loads(path.read_text(encoding="utf-8"))
    expected = path.with_suffix(".expected")
    fields |= {
        "kind": FindingKind(fields["kind"]),
        "state": State(fields["state"]),
        "golden": Path(fields["golden"]),
        "expected": expected.read_bytes() if expected.is_file() else None,
        "actual": path.with_suffix(".actual").read_bytes(),
    }
    return Finding(**fields)
