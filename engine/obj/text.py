"""A text file of lines, and problems at its lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.humon import InputError, Position, Problem, Severity, excerpt_of
from engine.obj.codes import ObjCode

MAX_WARNINGS = 50
"""Most warnings of one file."""


class Lines:
    """The lines of a file as they are, and the statements on them.

    `warnings` are added while the lines are read.
    """

    def __init__(self, content: bytes, name: str) -> None:
        if b"\0" in content:
            raise InputError(
                Problem(
                    ObjCode.ENCODING,
                    "the file has a NUL byte: it is no text",
                    Position(name),
                    help="export the model again as OBJ",
                )
            )
        self.name = name
        self.warnings: list[Problem] = []
        text = content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
        self.lines = text.split("\n")

    def statements(self) -> Iterator[tuple[int, str, str]]:
        """Yield number, first word and the rest of each line, joined where one ends with a backslash.

        Numbers of lines count from 1; of joined ones it is the first.
        """
        number, lines = 0, iter(self.lines)
        for line in lines:
            number += 1
            start = number
            parts = [line.strip()]
            while parts[-1].endswith("\\"):
                more = next(lines, None)
                if more is None:
                    break
                number += 1
                parts[-1] = parts[-1][:-1].rstrip()
                parts.append(more.strip())
            words = " ".join(parts).split(None, 1)
            if words and words[0][0] != "#":
                yield start, words[0], words[1].strip() if len(words) == 2 else ""

    def problem(
        self, code: str, message: str, node: Place, help: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """Return a problem at a line."""
        line = self.lines[node.line - 1] if 0 < node.line <= len(self.lines) else ""
        start = len(line) - len(line.lstrip())
        position = Position(self.name, node.line, start + 1)
        advice = help or "correct the line, or export the model again"
        return Problem(code, message, position, excerpt_of(line, start), advice, severity)

    def warn(self, code: str, message: str, line: int, help: str = "") -> None:
        """Add a warning at a line; of very many, the first."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(self.problem(code, message, Place(self, line), help, Severity.WARNING))

    def failure(self, code: str, message: str, line: int, help: str = "") -> InputError:
        """Return an InputError at a line."""
        return InputError(self.problem(code, message, Place(self, line), help))


def decimal(word: str) -> float:
    """Return a number that is written with ASCII digits, as Python reads it. Raises ValueError."""
    if not word.isascii() or "_" in word:
        raise ValueError(f"'{word[:40]}' is no number")
    return float(word)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, counted from 1; 0 is the whole file."""

    document: Lines
    line: int = 0
