"""A Humon text that was read: its nodes, their positions, problems at them and edits of them."""

import threading
from collections.abc import Iterable

from engine.humon.columns import Columns
from engine.humon.edits import Edits
from engine.humon.lines import Lines
from engine.humon.node import Node
from engine.humon.problem import Position, Problem, Severity
from engine.humon.reader import read_columns
from engine.humon.tokens import TOKEN, WORDS, node_span


class Document:
    """A Humon text that was read without an error.

    `repeated` are the problems of keys that are given twice, where these are tolerated (`keeps_first`).
    """

    def __init__(
        self,
        name: str,
        text: str,
        columns: Columns,
        repeated: tuple[Problem, ...] = (),
        keeps_first: bool = False,
    ) -> None:
        self.name = name
        self.text = text
        self.columns = columns
        self.repeated = repeated
        self._keeps_first = keeps_first
        self.lines = Lines(text)
        self._expanding = threading.Lock()

    @property
    def root(self) -> Node:
        """The outermost node; a dict if the braces of the root are omitted."""
        return Node(self, 0)

    def problem(
        self,
        code: str,
        message: str,
        node: Node | Position,
        help: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """Return a problem at `node`, with its position and its source line."""
        if isinstance(node, Position):
            return Problem(code, message, node, "", help, severity)
        offset = self.value_start(node.row)
        return Problem(code, message, self.position_at(offset), self.lines.excerpt_at(offset), help, severity)

    def with_text(self, text: str | bytes) -> "Document":
        """Return the document of another text of its file, read as this one was. Raises InputError."""
        return self if text == self.text else parse(text, self.name, keep_first=self._keeps_first)

    def edits(self) -> "Edits":
        """Return an empty set of changes to this document."""
        return Edits(self)

    def replace(self, node: Node, value: object) -> str:
        """Return the text with a new plain Python value for `node`, everything else unchanged."""
        return self.edit([(node, value)])

    def edit(self, changes: Iterable[tuple[Node, object]]) -> str:
        """Return the text with a new plain Python value for each of the nodes, everything else unchanged."""
        edits = self.edits()
        for node, value in changes:
            edits.replace(node, value)
        return edits.apply()

    def position_at(self, offset: int) -> Position:
        """Return the position of the character at `offset` in the text."""
        return Position(self.name, *self.lines.line_and_column(offset))

    def children(self, row: int) -> dict[str, int] | list[int] | None:
        """Return the rows of the children of `row`, or None for a value."""
        content = self.columns.contents[row]
        if not isinstance(content, str):
            return content
        return self._expand(row) if content[0] == "[" else None

    def value_start(self, row: int) -> int:
        """Return the offset at which the row's node begins, after its key; a metatag begins at its `@`."""
        start = self.columns.starts[row]
        if self.columns.keys[row] is None or self.text[start] == "@":
            return start
        return self._lexeme_span(row)[0]

    def span(self, row: int) -> tuple[int, int]:
        """Return first and past-the-end offset of the row's node, without key and metatags."""
        content = self.columns.contents[row]
        if not row and isinstance(content, dict) and self.text[self.columns.starts[0]] != "{":
            return self.columns.starts[0], len(self.text)  # a root without braces
        start, end = self._lexeme_span(row)
        if isinstance(content, str):
            return start, end
        depth = 0
        for step in TOKEN.finditer(self.text, start):
            depth += (step["opener"] or step["opened"]) is not None
            depth -= step["closer"] is not None
            if not depth:
                return start, step.start("closer") + 1 if step["closer"] else step.end("flat")
        return start, len(self.text)

    def _lexeme_span(self, row: int) -> tuple[int, int]:
        return node_span(self.text, self.columns.starts[row], self.columns.keys[row] is not None)

    def _expand(self, row: int) -> list[int]:
        columns = self.columns
        with self._expanding:
            content = columns.contents[row]
            if not isinstance(content, str):  # another thread was faster
                assert isinstance(content, list)
                return content
            start = self._lexeme_span(row)[0]
            rows = [
                columns.add(found.start(), None, found[0])
                for found in WORDS.finditer(self.text, start + 1, start + len(content) - 1)
            ]
            columns.contents[row] = rows
            return rows


def parse(source: str | bytes, name: str, *, keep_first: bool = False) -> Document:
    """Read Humon text, or the bytes of a file in any of its encodings; `name` is shown in positions.

    With `keep_first`, a key that is given twice is tolerated: the first is used, the other one stays in the
    text alone, and `Document.repeated` has the problem. Raises InputError with every other problem found.
    """
    text, columns, repeated = read_columns(source, name, keep_first)
    return Document(name, text, columns, repeated, keep_first)
