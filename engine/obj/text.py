"""A text file of lines, and problems at its lines."""

from __future__ import annotations

from dataclasses import dataclass

from engine.humon import InputError, Position, Problem, Severity, excerpt_of
from engine.obj.codes import ObjCode


class Lines:
    """The lines of a file, joined where one ends with a backslash; numbers of lines are those in the file.

    `warnings` are added while the lines are read.
    """

    def __init__(self, content: bytes, name: str) -> None:
        if b"\0" in content:
            raise InputError(
                Problem(ObjCode.ENCODING, "the file has a NUL byte: it is no text", Position(name))
            )
        self.name = name
        self.warnings: list[Problem] = []
        self.lines = content.decode("utf-8", "replace").splitlines()

    def problem(
        self, code: str, message: str, node: Place, help: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """Return a problem at a line."""
        line = self.lines[node.line - 1] if 0 < node.line <= len(self.lines) else ""
        start = len(line) - len(line.lstrip())
        position = Position(self.name, node.line, start + 1)
        return Problem(code, message, position, excerpt_of(line, start), help, severity)

    def warn(self, code: str, message: str, line: int, help: str = "") -> None:
        """Add a warning at a line."""
        self.warnings.append(self.problem(code, message, Place(self, line), help, Severity.WARNING))

    def failure(self, code: str, message: str, line: int, help: str = "") -> InputError:
        """Return an InputError at a line."""
        return InputError(self.problem(code, message, Place(self, line), help))


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, counted from 1; 0 is the whole file."""

    document: Lines
    line: int = 0
