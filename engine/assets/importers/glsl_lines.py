"""GLSL text as logical lines: comments removed and continuations joined, as a preprocessor reads it.

Continuations are joined before comments are found, so that neither hides a directive (GLSL specification,
chapters 3.1 to 3.4).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

_NEWLINE = re.compile(r"\r\n?")
_CONTINUATION = "\\\n"
_SPECIAL = re.compile(r'\n|//|/\*|"[^"\n]*"')
_BLANKS = str.maketrans("\v\f", "  ")
_DIRECTIVE = re.compile(r"[ \t]*#[ \t]*([A-Za-z_]\w*|)[ \t]*", re.ASCII)


class OpenCommentError(ValueError):
    """A comment that begins at `line` does not end."""

    def __init__(self, line: int) -> None:
        super().__init__(f"the comment that begins in line {line} does not end")
        self.line = line


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One logical line. `pieces` are (line of the file, text): a comment over lines begins a new piece.

    `count` is the number of lines of the file that it takes.
    """

    pieces: tuple[tuple[int, str], ...]
    count: int

    @property
    def text(self) -> str:
        """All of it as one line."""
        return "".join(text for _, text in self.pieces)

    @property
    def directive(self) -> tuple[str, str] | None:
        """(name, text behind it) of a preprocessor directive."""
        text = self.text
        found = _DIRECTIVE.match(text)
        return (found[1], text[found.end() :].rstrip()) if found else None


def physical_lines(text: str) -> list[str]:
    """Return the lines of a file."""
    return _NEWLINE.sub("\n", text).split("\n")


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """Yield the logical lines of a file. Raises OpenCommentError for a comment that does not end."""
    text = _NEWLINE.sub("\n", text)
    parts = text.split(_CONTINUATION)
    joined = "".join(parts)
    joints = []  # offsets in `joined` at which a line of the file ended
    at = 0
    for part in parts[:-1]:
        at += len(part)
        joints.append(at)
    newlines, at = 0, 0  # newlines of `joined` before offset `at`
    pieces: list[tuple[int, str]] = []
    line, piece = 1, ""
    while True:
        found = _SPECIAL.search(joined, at)
        end = found.start() if found else len(joined)
        piece += joined[at:end]
        what = found[0] if found else ""
        if what in ("", "\n"):
            pieces.append((line, piece.translate(_BLANKS)))
            newlines += 1
            following = 1 + newlines + bisect_left(joints, end + 1)
            yield LogicalLine(tuple(pieces), following - pieces[0][0])
            if not what:
                return
            pieces, line, piece, at = [], following, "", end + 1
        elif what == "//":
            at = joined.find("\n", end)
            at = len(joined) if at < 0 else at
        elif what == "/*":
            close = joined.find("*/", end + 2)
            if close < 0:
                raise OpenCommentError(1 + newlines + bisect_left(joints, end))
            crossed = joined.count("\n", end, close)
            piece += " "
            at = close + 2
            if crossed:
                newlines += crossed
                pieces.append((line, piece.translate(_BLANKS)))
                line, piece = 1 + newlines + bisect_left(joints, at), ""
        else:
            piece += what
            at = end + len(what)
