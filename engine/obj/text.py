"""A text file of lines, and problems at its lines."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from engine.humon import InputError, Position, Problem, Severity, excerpt_of
from engine.humon.problem import TAB_COLUMNS
from engine.obj.codes import ObjCode

MAX_WARNINGS = 50
"""Most warnings of one file."""
_MOST_SHOWN = 40
"""Characters of a word that a problem shows."""
_WORD = re.compile(r"\S+")


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
        """Return a problem at a word of a statement."""
        number, start = self._found(node)
        line = self.lines[number - 1] if 0 < number <= len(self.lines) else ""
        column = start + 1 + (TAB_COLUMNS - 1) * line.count("\t", 0, start)
        advice = help or "correct the line, or export the model again"
        excerpt = excerpt_of(line, start)
        return Problem(code, message, Position(self.name, number, column), excerpt, advice, severity)

    def _found(self, node: Place) -> tuple[int, int]:
        """Return the line of a word and where in it the word begins; of one that is not there, the first."""
        count, first = 0, (node.line, 0)
        for number in range(max(node.line, 1), len(self.lines) + 1):
            line = self.lines[number - 1].rstrip()
            goes_on = line.endswith("\\")
            for word in _WORD.finditer(line, 0, len(line) - goes_on):
                if count == node.word:
                    return number, word.start()
                first = first if count else (number, word.start())
                count += 1
            if not goes_on:
                break
        return first

    def warn(self, code: str, message: str, line: int, help: str = "", word: int = 0) -> None:
        """Add a warning at a word of the statement on a line; of very many, the first."""
        if len(self.warnings) < MAX_WARNINGS:
            place = Place(self, line, word)
            self.warnings.append(self.problem(code, message, place, help, Severity.WARNING))

    def failure(self, code: str, message: str, line: int, help: str = "") -> InputError:
        """Return an InputError at a line."""
        return InputError(self.problem(code, message, Place(self, line), help))


class WordError(ValueError):
    """What is wrong with a statement, and with which of its words; 0 is the first, which says what it is."""

    def __init__(self, reason: str, word: int = 0) -> None:
        super().__init__(reason)
        self.word = word


def decimal(word: str, at: int, largest: float = sys.float_info.max) -> float:
    """Return the number that word `at` of a statement is, in ASCII digits. Raises WordError."""
    shown = f"'{word[:_MOST_SHOWN]}{'...' * (len(word) > _MOST_SHOWN)}'"
    try:
        value = float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        value = None
    if value is None:
        raise WordError(f"{shown} is no number", at)
    if math.isnan(value) or (math.isinf(value) and not any(map(str.isdigit, word))):
        raise WordError(f"{shown} is not finite", at)
    if abs(value) > largest:
        raise WordError(f"{shown} is beyond {largest:.2g}", at)
    return value


@dataclass(frozen=True, slots=True)
class Place:
    """A word of the statement on a line of a file, counted from 0; lines from 1, and 0 is the whole file."""

    document: Lines
    line: int = 0
    word: int = 0
