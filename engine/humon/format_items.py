"""The items of a text for the formatter, with comments, line breaks and blank lines."""

import re
from dataclasses import dataclass, field
from enum import Enum

from engine.humon.tokens import BREAKS, COMMENT, LEXEME

_PIECE = re.compile(rf"(?P<comment>{COMMENT})|(?P<mark>[{{}}\[\]:@])|(?P<lexeme>{LEXEME.pattern})")
_BREAK = re.compile(rf"\r\n|[{BREAKS}]")


class Role(Enum):
    """The kind of an item."""

    NODE = 1
    METATAG = 2
    COMMENT = 3


@dataclass(slots=True)
class Item:
    """A node with its key, a metatag or a comment; `text` ends with the bracket if it opens a container."""

    text: str
    role: Role
    same_line: bool
    """Whether it follows what comes before it on the same line."""
    after_blank_line: bool
    inside: "Container | None" = None

    @property
    def ends_line(self) -> bool:
        """Whether nothing can follow it on its line."""
        return self.role is Role.COMMENT and self.text.startswith("//")


@dataclass(slots=True)
class Container:
    """The items between two brackets; `flat` is its text on one line, if it was written so and is short."""

    closer: str
    items: list[Item] = field(default_factory=list)
    broken: bool = False
    flat: str | None = None

    @property
    def is_list(self) -> bool:
        """Whether its nodes have no keys."""
        return self.closer == "]"

    def flatten(self, width: int) -> None:
        """Set `flat` if there is no line break inside and it has at most `width` characters."""
        parts = [item.inside.flat if item.inside else "" for item in self.items]
        if self.broken or None in parts:
            return
        line = ""
        for number, (item, part) in enumerate(zip(self.items, parts, strict=True)):
            line += (gap(self, self.items[number - 1], item) if number else "") + item.text + (part or "")
            if len(line) > width:
                return
        self.flat = f"{line}]" if self.is_list else f" {line} }}" if line else " }"


def gap(container: Container, before: Item, item: Item) -> str:
    """Return the white space between two items on one line."""
    if item.ends_line:
        return "  "
    close = container.is_list or item.role is Role.METATAG or Role.COMMENT in (before.role, item.role)
    return " " if close and before.role is not Role.METATAG else "  "


def format_items(text: str, implicit_root: bool, width: int) -> Container:
    """Return the items of a valid text as children of a container without brackets."""
    builder = _Builder(Container("" if implicit_root else "]"), width)
    end = 0
    for piece in _PIECE.finditer(text):
        builder.take(piece[0], str(piece.lastgroup), len(_BREAK.findall(text, end, piece.start())))
        if _BREAK.search(piece[0]):
            builder.mark_broken()
        end = piece.end()
    return builder.open[0]


class _Builder:
    def __init__(self, root: Container, width: int) -> None:
        self.open = [root]
        self._width = width
        self._key = ""  # the key of a node before its value, with its colon
        self._tag = ""  # a metatag before its value: `@`, or also its key and colon
        self._pairs: list[str] | None = None  # keys and values of a metatag in braces
        self._between: list[Item] = []  # metatags between a key and its value, which go after or into it
        self._same_line = self._after_blank_line = False

    def mark_broken(self) -> None:
        for container in reversed(self.open):
            if container.broken:  # then all around it are, too
                return
            container.broken = True

    def take(self, piece: str, group: str, breaks: int) -> None:
        if breaks:
            self.mark_broken()
        if not self._key and not self._tag:
            self._same_line, self._after_blank_line = breaks == 0, breaks > 1
        if group == "comment":
            # A comment inside a pair is moved before it, so that pairs stay together.
            self._add(piece.rstrip(), Role.COMMENT)
            self._same_line, self._after_blank_line = not piece.startswith("//"), False
        elif self._pairs is not None:
            self._take_in_braces(piece)
        elif group == "lexeme":
            self._take_lexeme(piece)
        elif piece == "@":
            self._tag = "@"
        elif piece in "{[":
            self._open(piece)
        elif piece in "}]":
            self.open.pop().flatten(self._width)

    def _take_lexeme(self, piece: str) -> None:
        if self._tag == "@":
            self._tag = f"@{piece}: "
        elif self._tag:
            self._add_metatag(self._tag + piece)
        elif self.open[-1].is_list or self._key:
            self._add_node(piece)
        else:
            self._key = f"{piece}: "

    def _take_in_braces(self, piece: str) -> None:
        assert self._pairs is not None
        if piece == "}":
            pairs = [f"{k}: {v}" for k, v in zip(self._pairs[::2], self._pairs[1::2], strict=True)]
            self._pairs = None
            self._add_metatag(f"@ {{ {'  '.join(pairs)} }}")
        elif piece != ":":
            self._pairs.append(piece)

    def _open(self, bracket: str) -> None:
        if self._tag == "@":
            self._pairs = []
            return
        container = Container("}" if bracket == "{" else "]")
        self._add_node(bracket, container)
        self.open.append(container)

    def _add_node(self, piece: str, inside: Container | None = None) -> None:
        self._add(self._key + piece, Role.NODE, inside)
        if inside is not None:
            inside.broken = any(_BREAK.search(tag.text) for tag in self._between)
        (inside or self.open[-1]).items.extend(self._between)
        self._key, self._between = "", []

    def _add_metatag(self, text: str) -> None:
        self._tag = ""
        if self._key:
            self._between.append(Item(text, Role.METATAG, same_line=True, after_blank_line=False))
        else:
            self._add(text, Role.METATAG)

    def _add(self, text: str, role: Role, inside: Container | None = None) -> None:
        self.open[-1].items.append(Item(text, role, self._same_line, self._after_blank_line, inside))
