"""A text that was read, and its nodes: light views on columns, made when somebody looks."""

import threading
from collections.abc import ItemsView, Iterator, Mapping
from enum import Enum
from types import MappingProxyType

from engine.humon.columns import Columns
from engine.humon.lexis import QUOTES, TOKEN, WORDS, unquote
from engine.humon.lines import Lines
from engine.humon.problem import Position, Problem, Severity, excerpt_of
from engine.humon.reader import read_columns

_NO_METATAGS: Mapping[str, str] = MappingProxyType({})


class Kind(Enum):
    """The three kinds of node."""

    LIST = "list"
    DICT = "dict"
    VALUE = "value"


class Node:
    """A list, dict or value of a document; equal to every other view of the same node.

    Keeps its document alive. Lists have their children by number, dicts by key; both iterate over the
    child nodes. A value has no children. Always true, so that `dict.get(key)` can be tested.
    """

    __slots__ = ("_row", "document")

    def __init__(self, document: "Document", row: int) -> None:
        self.document = document
        self._row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.document is other.document and self._row == other._row

    def __hash__(self) -> int:
        return hash((id(self.document), self._row))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Node {self.kind.value} {self.key or ''} at {self.position}>"

    @property
    def kind(self) -> Kind:
        """Whether this is a list, dict or value."""
        content = self.document.columns.contents[self._row]
        if isinstance(content, str):
            return Kind.LIST if content[0] == "[" else Kind.VALUE
        return Kind.DICT if isinstance(content, dict) else Kind.LIST

    @property
    def key(self) -> str | None:
        """The key under which a dict (or a set of metatags) holds this node."""
        return self.document.columns.keys[self._row]

    @property
    def text(self) -> str:
        """The text of a value, without its quotes; of a list or dict its source, brackets included."""
        content = self.document.columns.contents[self._row]
        if isinstance(content, str):
            return unquote(content) if content[0] in QUOTES else content
        start, end = self.span
        return self.document.text[start:end]

    @property
    def metatags(self) -> Mapping[str, str]:
        """The metatags that decorate this node, in the order of the text."""
        columns = self.document.columns
        rows = columns.metatags.get(self._row)
        if rows is None:
            return _NO_METATAGS
        return {str(columns.keys[row]): Node(self.document, row).text for row in rows}

    def metatag(self, key: str) -> "Node | None":
        """Return the metatag `key` as a node with a position, if this node has it."""
        row = self.document.columns.metatag(self._row, key)
        return None if row is None else Node(self.document, row)

    @property
    def type(self) -> str | None:
        """The text of the metatag `type`, if this node has one."""
        row = self.document.columns.metatag(self._row, "type")
        return None if row is None else Node(self.document, row).text

    @property
    def span(self) -> tuple[int, int]:
        """First and past-the-end offset in the text, from bracket to bracket or quote to quote."""
        return self.document.span(self._row)

    @property
    def position(self) -> Position:
        """Where the node begins: its bracket or the first character of its value; a metatag at its `@`."""
        document = self.document
        return document.position_at(document.value_start(self._row))

    @property
    def key_position(self) -> Position:
        """Where the key of the node begins, or the node itself if it has no key."""
        return self.document.position_at(self.document.columns.starts[self._row])

    def __len__(self) -> int:
        content = self.document.children(self._row)
        return len(content) if content is not None else 0

    def __iter__(self) -> "Iterator[Node]":
        content = self.document.children(self._row)
        if content is None:
            return iter(())
        document = self.document
        rows = content.values() if isinstance(content, dict) else content
        return iter([Node(document, row) for row in rows])

    def __getitem__(self, key: "str | int") -> "Node":
        content = self.document.children(self._row)
        if isinstance(content, dict) and isinstance(key, str):
            return Node(self.document, content[key])
        if isinstance(content, list) and isinstance(key, int):
            return Node(self.document, content[key])
        raise KeyError(key)

    def get(self, key: str) -> "Node | None":
        """Return the child with this key, or None (also where this is no dict)."""
        content = self.document.columns.contents[self._row]
        row = content.get(key) if isinstance(content, dict) else None
        return None if row is None else Node(self.document, row)

    def __contains__(self, key: object) -> bool:
        content = self.document.columns.contents[self._row]
        return isinstance(content, dict) and key in content

    def items(self) -> "ItemsView[str, Node]":
        """Return the keys and children of a dict, in the order of the text; nothing for other kinds."""
        content = self.document.columns.contents[self._row]
        document = self.document
        pairs = content.items() if isinstance(content, dict) else ()
        return {key: Node(document, row) for key, row in pairs}.items()


class Document:
    """A Humon text that was read without an error."""

    def __init__(self, name: str, text: str, columns: Columns) -> None:
        self.name = name
        self.text = text
        self.columns = columns
        self.lines = Lines(text)
        self._expanding = threading.Lock()

    @property
    def root(self) -> Node:
        """The outermost node; a dict where the braces of the root are left out."""
        return Node(self, 0)

    def problem(
        self,
        code: str,
        message: str,
        node: Node | Position,
        help: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """Return a problem at `node`, with its position and the line it stands in."""
        if isinstance(node, Position):
            return Problem(code, message, node, "", help, severity)
        offset = self.value_start(node._row)
        return Problem(
            code, message, self.position_at(offset), excerpt_of(*self.lines.line_at(offset)), help, severity
        )

    def position_at(self, offset: int) -> Position:
        """Return the position of the character at `offset` in the text."""
        return Position(self.name, *self.lines.place(offset))

    def children(self, row: int) -> dict[str, int] | list[int] | None:
        """Return the rows of the children of `row`, or None for a value."""
        content = self.columns.contents[row]
        if not isinstance(content, str):
            return content
        return self._expand(row) if content[0] == "[" else None

    def value_start(self, row: int) -> int:
        """Return the offset at which the row's node begins, behind its key; a metatag begins at its `@`."""
        start = self.columns.starts[row]
        if self.columns.keys[row] is None or self.text[start] == "@":
            return start
        return self._lexeme_span(row)[0]

    def span(self, row: int) -> tuple[int, int]:
        """Return first and past-the-end offset of the row's node, without key and metatags."""
        content = self.columns.contents[row]
        if not row and isinstance(content, dict) and self.text[self.columns.starts[0]] != "{":
            return self.columns.starts[0], len(self.text)  # a root whose braces are left out
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
        step = TOKEN.match(self.text, self.columns.starts[row])
        assert step is not None
        assert step.lastgroup is not None
        return step.span(step.lastgroup)

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


def parse(source: str | bytes, name: str) -> Document:
    """Read Humon text, or the bytes of a file in any of its encodings; `name` is shown in positions.

    Raises InputError with every problem found.
    """
    text, columns = read_columns(source, name)
    return Document(name, text, columns)
