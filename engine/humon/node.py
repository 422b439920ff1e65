"""The nodes of a document: light views of its columns, created on access."""

from collections.abc import ItemsView, Iterator, KeysView, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from engine.humon.columns import Content
from engine.humon.problem import Position
from engine.humon.tokens import QUOTES, unquote

if TYPE_CHECKING:
    from engine.humon.document import Document

_NO_METATAGS: Mapping[str, str] = MappingProxyType({})


class Kind(Enum):
    """The three kinds of node."""

    LIST = "list"
    DICT = "dict"
    VALUE = "value"


class Node:
    """A list, dict or value of a document; equal to every other view of the same node.

    Keeps its document alive. Children are indexed by number in lists, by key in dicts; both iterate over the
    child nodes. A value has no children. Always true, so that `node.get(key)` can be tested.
    """

    __slots__ = ("document", "row")

    def __init__(self, document: "Document", row: int) -> None:
        self.document = document
        self.row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.document is other.document and self.row == other.row

    def __hash__(self) -> int:
        return hash((id(self.document), self.row))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Node {self.kind.value} {self.key or ''} at {self.position}>"

    @property
    def kind(self) -> Kind:
        """Whether this is a list, dict or value."""
        content = self.document.columns.contents[self.row]
        if isinstance(content, str):
            return Kind.LIST if content[0] == "[" else Kind.VALUE
        return Kind.DICT if isinstance(content, dict) else Kind.LIST

    @property
    def key(self) -> str | None:
        """The key of this node in its dict or set of metatags, or None."""
        return self.document.columns.keys[self.row]

    @property
    def text(self) -> str:
        """The text of a value without quotes; the source of a list or dict with brackets."""
        content = self.document.columns.contents[self.row]
        if isinstance(content, str):
            return unquote(content) if content[0] in QUOTES else content
        start, end = self.span
        return self.document.text[start:end]

    @property
    def lexemes(self) -> "str | tuple[str, ...] | None":
        """What is written in a value, a list of bare words or a list of those; None for anything deeper.

        Lists with equal lexemes read the same. None also for a list of which a nested one was read.
        """
        contents = self.document.columns.contents
        content = contents[self.row]
        if isinstance(content, str):
            return content
        if isinstance(content, dict):
            return None
        lexemes = tuple([each for row in content if isinstance(each := contents[row], str)])
        return lexemes if len(lexemes) == len(content) else None

    @property
    def metatags(self) -> Mapping[str, str]:
        """The metatags of this node, in the order of the text."""
        columns = self.document.columns
        rows = columns.metatags.get(self.row)
        if rows is None:
            return _NO_METATAGS
        found: dict[str, str] = {}
        for row in rows:  # of one that is given twice the first is kept
            found.setdefault(str(columns.keys[row]), Node(self.document, row).text)
        return found

    def metatag(self, key: str) -> "Node | None":
        """Return the metatag `key` as a node with a position, or None."""
        row = self.document.columns.metatag(self.row, key)
        return None if row is None else Node(self.document, row)

    @property
    def type(self) -> str | None:
        """The text of the metatag `type`, or None."""
        row = self.document.columns.metatag(self.row, "type")
        return None if row is None else Node(self.document, row).text

    @property
    def span(self) -> tuple[int, int]:
        """First and past-the-end offset in the text, from bracket to bracket or quote to quote."""
        return self.document.span(self.row)

    @property
    def position(self) -> Position:
        """Position of its bracket or the first character of its value; of the `@` of a metatag."""
        document = self.document
        return document.position_at(document.value_start(self.row))

    @property
    def key_position(self) -> Position:
        """Position of the node's key, or of the node if it has no key."""
        return self.document.position_at(self.document.columns.starts[self.row])

    def __len__(self) -> int:
        content = self.document.children(self.row)
        return len(content) if content is not None else 0

    def __iter__(self) -> "Iterator[Node]":
        content = self.document.children(self.row)
        if content is None:
            return iter(())
        document = self.document
        rows = content.values() if isinstance(content, dict) else content
        return iter([Node(document, row) for row in rows])

    def __getitem__(self, key: "str | int") -> "Node":
        content: Content | None = self.document.columns.contents[self.row]
        if isinstance(content, dict) and isinstance(key, str):
            return Node(self.document, content[key])
        if isinstance(content, str):
            content = self.document.children(self.row)
        if isinstance(content, list) and isinstance(key, int):
            return Node(self.document, content[key])
        raise KeyError(key)

    def get(self, key: str) -> "Node | None":
        """Return the child with this key, or None (also if this is no dict)."""
        content = self.document.columns.contents[self.row]
        row = content.get(key) if isinstance(content, dict) else None
        return None if row is None else Node(self.document, row)

    def __contains__(self, key: object) -> bool:
        content = self.document.columns.contents[self.row]
        return isinstance(content, dict) and key in content

    def keys(self) -> "KeysView[str]":
        """Return the keys of a dict, in the order of the text; empty for other kinds."""
        content = self.document.columns.contents[self.row]
        return content.keys() if isinstance(content, dict) else _NO_METATAGS.keys()

    @property
    def repeated(self) -> "list[Node]":
        """The nodes in a dict whose keys it has already, see `parse`; none are its children."""
        return [Node(self.document, row) for row in self.document.columns.repeated.get(self.row, ())]

    def items(self) -> "ItemsView[str, Node]":
        """Return the keys and children of a dict, in the order of the text; empty for other kinds."""
        content = self.document.columns.contents[self.row]
        document = self.document
        pairs = content.items() if isinstance(content, dict) else ()
        return {key: Node(document, row) for key, row in pairs}.items()
