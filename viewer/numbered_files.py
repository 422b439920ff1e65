"""The names of numbered pictures, `out/####.png` of `--sequence`, and of files that replace none."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.humon import InputError, Problem

LINEAR = (".exr", ".hdr")
"""Names of pictures that hold the light of the scene in floats."""

EXAMPLE = "such as `--frames 120 --sequence out/####.png`"


@dataclass(frozen=True, slots=True)
class NumberedFiles:
    """Numbered files: a number of `digits` digits between `before` and `after`, from 0."""

    before: str
    digits: int
    after: str

    def path(self, number: int) -> Path:
        """Return the file of one picture."""
        return Path(f"{self.before}{number:0{self.digits}}{self.after}")

    def known(self, frames: int, names: Iterable[str]) -> list[Path]:
        """Return the first of so many files, and those that are there or have one of `names`."""
        first = self.path(0)
        try:
            there = os.listdir(first.parent)
        except OSError:  # no folder, which is reported before it is written to
            there = []
        before = first.name[: len(first.name) - self.digits - len(self.after)]
        pattern = re.compile(f"{re.escape(before)}([0-9]{{{self.digits}}}){re.escape(self.after)}")
        found = [pattern.fullmatch(name) for name in (*there, *names)]
        numbers = {0, *(int(match[1]) for match in found if match)}
        return [self.path(number) for number in sorted(numbers) if number < frames]

    @property
    def is_linear(self) -> bool:
        """Whether the pictures hold the light of the scene, not what is shown of it."""
        return self.after.lower().endswith(LINEAR)


def numbered_files(pattern: str, frames: int | None) -> NumberedFiles:
    """Return the files that a pattern describes, for so many pictures.

    Raises InputError: `sequence.pattern` where the pattern has no place for a number or another ending than
    .png, .exr or .hdr, `sequence.frames` without `frames` or for more than the digits can count,
    `capture.openexr` for .exr where that package is missing.
    """
    folder, slash, name = pattern.rpartition("/")
    found = re.findall("#+", name)
    if len(found) != 1:
        what = "has no # for the number" if not found else "has several places for a number"
        raise _wrong(
            "sequence.pattern", pattern, what, f"give one run of # in the name of the file, {EXAMPLE}"
        )
    before, _, after = name.partition(found[0])
    made = NumberedFiles(folder + slash + before, len(found[0]), after)
    if not after.lower().endswith((".png", *LINEAR)):
        raise _wrong("sequence.pattern", pattern, "ends neither in .png nor in .exr or .hdr", EXAMPLE)
    if frames is None:
        raise _wrong("sequence.frames", pattern, "needs a number of frames", f"add --frames N, {EXAMPLE}")
    if frames > 10**made.digits:
        what = f"has {made.digits} digits, which count fewer than {frames} frames"
        raise _wrong("sequence.frames", pattern, what, "write more # or draw fewer frames")
    if after.lower().endswith(".exr") and importlib.util.find_spec("OpenEXR") is None:
        hint = "pip install OpenEXR, or diorama[capture]; .hdr needs no package"
        raise _wrong("capture.openexr", pattern, "needs the package OpenEXR, which is not installed", hint)
    return made


def free_path(base: Path, ending: str, *, taken: Collection[Path] = (), always: bool = False) -> Path:
    """Return `base` with an ending such as `.png`, or the first of `base-001` and so on that is not there.

    Nor is one of `taken` returned, nor with `always` the name without a number.
    """
    path, number = Path(f"{base}{ending}"), 0
    while (always and not number) or os.path.lexists(path) or path in taken:
        number += 1
        path = Path(f"{base}-{number:03}{ending}")
    return path


def _wrong(code: str, pattern: str, what: str, help: str) -> InputError:
    return InputError(Problem(code, f"--sequence {pattern} {what}", help=help))
