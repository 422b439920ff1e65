"""What tests found: golden files that are wrong, new or changed, kept until somebody has looked.

Every finding is a small JSON file with the expected and the actual bytes beside it: the processes of a
parallel run each leave theirs, and a later run can accept them.
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
    """What a golden holds."""

    PICTURE = "picture"
    TEXT = "text"


class State(StrEnum):
    """What a test had to say of a golden: `failed` in a plain run; `new` or `changed` wait for review."""

    FAILED = "failed"
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True)
class Finding:
    """One golden of one test. `golden` is the file that it is, or would be; the bytes are as in that file."""

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
        """Forget all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget_failures(self) -> None:
        """Forget those of an earlier run that wait for nobody."""
        for finding in self:
            if not finding.waits:
                self.remove(finding)

    def add(self, finding: Finding) -> None:
        """Keep a finding; a later one of the same test and golden takes its place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = self.folder / _stem(finding)
        stem.with_suffix(".actual").write_bytes(finding.actual)
        if finding.expected is not None:
            stem.with_suffix(".expected").write_bytes(finding.expected)
        said = asdict(finding) | {"golden": str(finding.golden)}
        del said["expected"], said["actual"]
        stem.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")

    def remove(self, finding: Finding) -> None:
        """Forget one."""
        for suffix in (".json", ".actual", ".expected"):
            (self.folder / _stem(finding)).with_suffix(suffix).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Finding]:
        """Yield them by test and name."""
        found = [_read(path) for path in self.folder.glob("*.json")]
        return iter(sorted(found, key=lambda finding: (finding.test, finding.name, str(finding.golden))))


def accept(findings: Findings) -> list[Path]:
    """Make every waiting finding the golden that it would be; returns the files that were written."""
    return [accept_one(findings, finding) for finding in findings if finding.waits]


def accept_one(findings: Findings, finding: Finding) -> Path:
    """Make one finding the golden that it would be, and forget it; returns the file."""
    finding.golden.parent.mkdir(parents=True, exist_ok=True)
    finding.golden.write_bytes(finding.actual)
    findings.remove(finding)
    return finding.golden


def _stem(finding: Finding) -> str:
    words = "\n".join((finding.test, finding.name, str(finding.golden)))
    return hashlib.sha256(words.encode()).hexdigest()[:20]


def _read(path: Path) -> Finding:
    said = json.loads(path.read_text(encoding="utf-8"))
    expected = path.with_suffix(".expected")
    said |= {
        "kind": FindingKind(said["kind"]),
        "state": State(said["state"]),
        "golden": Path(said["golden"]),
        "expected": expected.read_bytes() if expected.is_file() else None,
        "actual": path.with_suffix(".actual").read_bytes(),
    }
    return Finding(**said)
