"""Nodes that are cut out of a text to be put elsewhere, with the comments that belong to them."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.humon.tokens import COMMENT, INLINE, LEXEME

if TYPE_CHECKING:
    from engine.humon.document import Document

_PIECE = re.compile(rf"(?P<comment>{COMMENT})|(?P<lexeme>{LEXEME.pattern})")
_COMMENT = re.compile(COMMENT)
_LINE_END = re.compile(rf"[{INLINE},]*+(?:\r\n|\r|\n|\Z)")
_BREAK = re.compile(r"[\r\n]")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_MARGIN = re.compile(rf"[{INLINE}]*+")


@dataclass(slots=True)
class Cut:
    """A node with its key, cut out of a text; `source` is its text once the edits have been applied.

    `start` and `end` are its place in the text; `margin` the white space before it, where it has lines of its
    own, else None.
    """

    start: int
    end: int
    margin: str | None
    source: str = ""

    def lines(self, margin: str) -> str:
        """Return the source with another margin, but inside strings, and without the line break at its end.

        The first line has no margin where the node had no lines of its own.
        """
        if self.margin is None:
            return self.source
        inside = [
            found.span("lexeme")
            for found in _PIECE.finditer(self.source)
            if found["lexeme"] is not None and _BREAK.search(found["lexeme"])
        ]
        parts, at = [], 0
        for line in _LINE.findall(self.source):
            is_kept = any(start < at < end for start, end in inside)
            if is_kept or not line.startswith(self.margin) or not line.strip():
                parts.append(line)
            else:
                parts.append(margin + line[len(self.margin) :])
            at += len(line)
        return "".join(parts).rstrip("\r\n")

    @property
    def ends_in_line_comment(self) -> bool:
        """Whether nothing can follow it on its line."""
        comments = [found for found in _PIECE.finditer(self.source) if found["comment"] is not None]
        return (
            bool(comments)
            and comments[-1].end() == len(self.source.rstrip())
            and (comments[-1][0].startswith("//"))
        )


def cut_of(document: "Document", row: int, after: int, before: int) -> Cut | None:
    """Return the cut of a node on lines of its own, with its comments; None for one that shares its lines.

    Comments after it on its last line belong to it, and lines of `//` comments directly above it. `after` is
    the offset after those comments, `before` that after what comes before the node: a node or a bracket.
    """
    text, lines = document.text, document.lines
    start = document.columns.starts[row]
    first = lines.start_of_line(start)
    margin = _MARGIN.match(text, first)
    ending = _LINE_END.match(text, after)
    if margin is None or margin.end() != start or ending is None or first < before:
        return None
    comments = {found.start() for found in _COMMENT.finditer(text, before, start) if found[0][1] == "/"}
    while first > before:
        above = lines.start_of_line(first - 1)
        blank = _MARGIN.match(text, above)
        if above < before or blank is None or blank.end() not in comments:
            break
        first = above
    return Cut(first, ending.end(), margin[0])
