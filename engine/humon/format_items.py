"""The items of a text for the formatter, with comments, line breaks and blank lines."""

import re
from dataclasses import dataclass, field
from enum import Enum

from engine.humon.tokens import COMMENT, LEXEME

_PIECE = re.compile(rf"(?P<comment>{COMMENT})|(?P<mark>[{{}}\[\]:@])|(?P<lexeme>{LEXEME.pattern})")
_BREAK = re.compile(r"\r\n|\r|\n")


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
        if "\n" in piece[0] or "\r" in piece[0]:
            builder.mark_broken()
        end = piece.end()
    return builder.open[0]


class _Builder:
    def __init__(self, root: Container, width: int) -> None:
        self.open = [root]
        self._width = width
        self._pending = ""  # the text of an item before its value: its key, or `@` and what follows
        self._tags: list[str] | None = None  # keys and values of a metatag in braces
        self._same_line = self._after_blank_line = False

    def mark_broken(self) -> None:
        for container in reversed(self.open):
            if container.broken:  # then all around it are, too
                return
            container.broken = True

    def take(self, piece: str, group: str, breaks: int) -> None:
        if breaks:
            self.mark_broken()
        if not self._pending:
            self._same_line, self._after_blank_line = breaks == 0, breaks > 1
        if group == "comment":
            # A comment inside a pair is moved before it, so that pairs stay together.
            self._add(piece.rstrip(), Role.COMMENT)
            self._same_line, self._after_blank_line = not piece.startswith("//"), False
        elif self._tags is not None:
            self._take_in_braces(piece)
        elif group == "lexeme":
            self._take_lexeme(piece)
        elif piece == "@":
            self._pending = "@"
        elif piece in "{[":
            self._open(piece)
        elif piece in "}]":
            self.open.pop().flatten(self._width)

    def _take_lexeme(self, piece: str) -> None:
        if self._pending == "@":
            self._pending = f"@{piece}: "
        elif self._pending.startswith("@"):
            self._add(self._pending + piece, Role.METATAG)
            self._pending = ""
        elif self.open[-1].is_list or self._pending:
            self._add(self._pending + piece, Role.NODE)
            self._pending = ""
        else:
            self._pending = f"{piece}: "

    def _take_in_braces(self, piece: str) -> None:
        assert self._tags is not None
        if piece == "}":
            pairs = [f"{k}: {v}" for k, v in zip(self._tags[::2], self._tags[1::2], strict=True)]
            self._add(f"@ {{ {'  '.join(pairs)} }}", Role.METATAG)
            self._tags, self._pending = None, ""
        elif piece != ":":
            self._tags.append(piece)

    def _open(self, bracket: str) -> None:
        if self._pending == "@":
            self._tags = []
            return
        container = Container("}" if bracket == "{" else "]")
        self._add(self._pending + bracket, Role.NODE, container)
        self._pending = ""
        self.open.append(container)

    def _add(self, text: str, role: Role, inside: Container | None = None) -> None:
        self.open[-1].items.append(Item(text, role, self._same_line, self._after_blank_line, inside))
