"""Changes to a text that keep everything else in it: comments, order, spacing.

They are collected against the document as it was read, and applied together.
"""

import re
from typing import TYPE_CHECKING

from engine.humon.tokens import BACK, BLANK, COMMENT, INLINE, WHITE, metatags_end, quote
from engine.humon.writer import INDENT, inline, scalar

if TYPE_CHECKING:
    from engine.humon.document import Document
    from engine.humon.node import Node

_LINE_BLANK = re.compile(rf"[{INLINE},]*+")
_REST_OF_LINE = re.compile(rf"(?:[ \t,]*+{COMMENT}|{BACK})*+[ \t]*+,?")
_MARGIN = re.compile(rf"[{INLINE}]*+")
_BREAK = re.compile(r"[\r\n]")
_WHITE = re.compile(rf"[{WHITE}]")
_SEPARATORS = " \t\n\r,:[]{}@"
_BLANK_END = re.compile(rf"{BLANK}\Z")


class Edits:
    """A set of changes to one document; `apply` returns the new text, the document does not change."""

    def __init__(self, document: "Document") -> None:
        self.document = document
        self._changes: list[tuple[int, int, str]] = []

    def replace(self, node: "Node", value: object) -> "Edits":
        """Set a new plain Python value; keeps quotes if they fit, and the layout of lists of equal length."""
        content = self.document.children(node.row)
        if isinstance(content, list) and isinstance(value, (list, tuple)) and len(value) == len(content):
            for child, new in zip(node, value, strict=True):
                self.replace(child, new)
            return self
        start, end = self.document.span(node.row)
        text = self.document.text
        if content is None and not isinstance(value, (dict, list, tuple)):
            lexeme = scalar(value, text[start:end])
            if lexeme.endswith("/") and text.startswith("/", end):  # would swallow or break the comment there
                lexeme = f'"{lexeme}"' if '"' not in lexeme else f"'{lexeme}'"
        else:
            lexeme = self._separated(start, end, inline(value))
        if lexeme != text[start:end]:
            self._changes.append((start, end, lexeme))
        return self

    def insert(self, parent: "Node", key: str, value: object) -> "Edits":
        """Add `key: value` after the last child of a dict, on a separate line if that child has one.

        Raises ValueError if `parent` is no dict or has the key.
        """
        content = self.document.children(parent.row)
        if not isinstance(content, dict) or key in content:
            raise ValueError(f"cannot insert {key!r}: not a dict, or it has the key")
        pair = f"{quote(key)}: {inline(value)}"
        text = self.document.text
        if content:
            self._insert_after(list(content.values())[-1], pair)
            return self
        start, end = self.document.span(parent.row)
        implicit = text[start] != "{"
        at = self._end_of_comments(metatags_end(text, start if implicit else start + 1)[0])
        if implicit or "\n" in text[at:end] or self._ends_in_line_comment(start, at):
            self._insert_text(
                at, self._line_break() + self._margin(start) + ("" if implicit else INDENT) + pair
            )
            if text[at:end] == "}":
                self._insert_text(at, self._line_break())
        else:
            self._insert_text(at, f" {pair} " if text[at] == "}" else f" {pair}")
        return self

    def remove(self, node: "Node") -> "Edits":
        """Remove a child of a list or dict, with key and metatags, and its line if that becomes blank."""
        text = self.document.text
        start = self.document.columns.starts[node.row]
        end = metatags_end(text, self.document.span(node.row)[1])[0]
        line_start = self.document.lines.start_of_line(start)
        margin = _LINE_BLANK.match(text, line_start)
        blank = _LINE_BLANK.match(text, end)
        assert margin is not None
        assert blank is not None
        after = blank.end()
        line_ends = after == len(text) or text[after] in "\r\n"
        if margin.end() >= start and line_ends:
            start, end = line_start, self.document.lines.end_of_line(after) if after < len(text) else after
            self._changes.append((start, end, ""))
        elif line_ends:
            before = _BLANK_END.search(text, line_start, start)
            self._changes.append((before.start() if before else start, after, ""))
        else:
            self._changes.append(
                (start, after, "" if start == line_start or _WHITE.match(text, start - 1) else " ")
            )
        return self

    @property
    def moves_lines(self) -> bool:
        """Whether an inserted or removed text has a line break, so that later line numbers may change."""
        text = self.document.text
        return any(_BREAK.search(new + text[start:end]) for start, end, new in self._changes)

    def apply(self) -> str:
        """Return the text with all changes; raises ValueError if two of them overlap."""
        text, parts, done = self.document.text, [], 0
        for start, end, new in sorted(self._changes, key=lambda change: change[:2]):
            if start < done:
                raise ValueError("two edits change the same place")
            parts += [text[done:start], new]
            done = end
        return "".join([*parts, text[done:]])

    def _separated(self, start: int, end: int, lexeme: str) -> str:
        """Return `lexeme` with a space wherever it would join its neighbours."""
        text = self.document.text
        before = start > 0 and text[start - 1] not in _SEPARATORS
        after = end < len(text) and text[end] not in _SEPARATORS
        return " " * before + lexeme + " " * after

    def _insert_text(self, at: int, text: str) -> None:
        self._changes.append((at, at, text))

    def _insert_after(self, row: int, pair: str) -> None:
        document = self.document
        start = document.columns.starts[row]
        end = metatags_end(document.text, document.span(row)[1])[0]
        at = self._end_of_comments(end)
        margin = _LINE_BLANK.match(document.text, document.lines.start_of_line(start))
        own_line = margin is not None and margin.end() >= start
        if own_line or self._ends_in_line_comment(end, at):
            self._insert_text(at, self._line_break() + self._margin(start) + pair)
        else:
            self._insert_text(at, "  " + pair)

    def _end_of_comments(self, end: int) -> int:
        """Return the offset after the comments and the comma that follow `end` on its line."""
        rest = _REST_OF_LINE.match(self.document.text, end)
        assert rest is not None
        return end + len(rest[0].rstrip(" \t"))

    def _ends_in_line_comment(self, start: int, at: int) -> bool:
        comment = re.search(rf"{COMMENT}\Z", self.document.text[start:at])
        return comment is not None and comment[0].startswith("//")

    def _margin(self, offset: int) -> str:
        found = _MARGIN.match(self.document.text, self.document.lines.start_of_line(offset))
        return found[0] if found else ""

    def _line_break(self) -> str:
        return "\r\n" if "\r\n" in self.document.text else "\n"
