"""Changes to a text that keep everything else in it: comments, order, spacing.

They are collected against the document as it was read, and applied together.
"""

import re
from typing import TYPE_CHECKING

from engine.humon.cuts import Cut, cut_of
from engine.humon.tokens import BACK, BLANK, COMMENT, INLINE, LEXEME, WHITE, metatags_end, quote
from engine.humon.writer import INDENT, inline, pair_lines, scalar

if TYPE_CHECKING:
    from engine.humon.document import Document
    from engine.humon.node import Node

_LINE_BLANK = re.compile(rf"[{INLINE},]*+")
_REST_OF_LINE = re.compile(rf"(?:[ \t,]*+{COMMENT}|{BACK})*+[ \t]*+,?")
_MARGIN = re.compile(rf"[{INLINE}]*+")
_BREAK = re.compile(r"[\r\n]")
_WHITE = re.compile(rf"[{WHITE}]")
_SEPARATORS = " \t\n\r,:[]{}@"
_Change = tuple[int, int, str]
_BLANK_END = re.compile(rf"{BLANK}\Z")


class Edits:
    """A set of changes to one document; `apply` returns the new text, the document does not change."""

    def __init__(self, document: "Document") -> None:
        self.document = document
        self._changes: list[_Change] = []
        self._cuts: dict[tuple[int, int], Cut] = {}
        """By the place that they are removed from."""
        self._closings: dict[int, _Change] = {}
        """By the places of `_lined`, the line breaks before what follows."""
        self._lined: dict[int, str] = {}
        """Margins of cuts inserted on lines of their own, by their places: what follows needs a line, too."""
        self._order: dict[int, dict[int, int]] = {}
        """By the row of a dict, the rows of its children with that of the one before, -1 for the first."""

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

    def insert(
        self, parent: "Node", key: str, value: object, after: "Node | None" = None, first: bool = False
    ) -> "Edits":
        """Add `key: value` to a dict after one of its children, or `first`; else after the last one.

        It has a line of its own where its neighbour has. Raises ValueError if `parent` is no dict or has the
        key.
        """
        content = self.document.children(parent.row)
        if not isinstance(content, dict) or key in content:
            raise ValueError(f"cannot insert {key!r}: not a dict, or it has the key")
        neighbour = self._neighbour(list(content.values()), after, first)
        if neighbour is not None:
            self._insert_after(neighbour, key, value)
        else:
            self._insert_first(parent, key, value)
        return self

    def insert_item(self, parent: "Node", value: object, before: "Node | None" = None) -> "Edits":
        """Add an entry to a list: before one of its entries, else after the last one.

        It has a line of its own where its neighbour has. Raises ValueError if `parent` is no list.
        """
        content = self.document.children(parent.row)
        if not isinstance(content, list):
            raise ValueError("cannot insert an entry: not a list")
        if before is not None:
            start = self.document.columns.starts[before.row]
            if self._has_own_line(before.row):
                margin = self._margin(start)
                lines = [*pair_lines(None, value, margin), margin]
                lines[0] = lines[0].removeprefix(margin)
                self._insert_text(start, self._line_break().join(lines))
            else:
                self._insert_text(start, f"{inline(value)}  ")
        elif content:
            self._insert_after(content[-1], None, value)
        else:
            self._insert_first(parent, None, value)
        return self

    def rename(self, node: "Node", key: str) -> "Edits":
        """Change the key of a child of a dict; nobody checks whether another child has it."""
        start = self.document.columns.starts[node.row]
        lexeme = LEXEME.match(self.document.text, start)
        assert lexeme is not None
        new = quote(key, lexeme[0])
        if new != lexeme[0]:
            self._changes.append((start, lexeme.end(), new))
        return self

    def cut(self, node: "Node", parent: "Node") -> Cut:
        """Remove a child of a dict with its comments, and return it: it has its text after `apply`.

        Other edits may change what is inside, or cut it out as well.
        """
        document, row = self.document, node.row
        order = self._order.get(parent.row)
        if order is None:
            rows = sorted(child.row for child in (*parent, *parent.repeated))
            order = self._order[parent.row] = dict(zip(rows, [-1, *rows], strict=False))
        before = self._end(order[row]) if order[row] >= 0 else self._start_inside(parent)
        cut = cut_of(document, row, self._end_of_comments(self._end(row)), before)
        if cut is None:
            cut = Cut(document.columns.starts[row], self._end(row), None)
            self.remove(node)
            self._cuts[self._changes[-1][:2]] = cut
        else:
            self._changes.append((cut.start, cut.end, ""))
            self._cuts[cut.start, cut.end] = cut
        return cut

    def copy(self, node: "Node", parent: "Node", with_comments: bool) -> Cut:
        """Return what `cut` would, with its text, and remove nothing; the edits are used up by it.

        Without comments only those inside the node are in it.
        """
        cut = self.cut(node, parent)
        start, end = self.document.columns.starts[node.row], self._end(node.row)
        if not with_comments and cut.margin is not None:
            cut = Cut(self.document.lines.start_of_line(start), end, cut.margin)
        inside = [each for each in self._changes if cut.start <= each[0] and each[1] <= cut.end]
        inside = [each for each in inside if each[:2] not in self._cuts]
        cut.source = self._rendered(cut.start, cut.end, sorted(inside, key=_place))
        return cut

    def insert_cut(
        self, parent: "Node", cut: Cut, after: "Node | None" = None, first: bool = False
    ) -> "Edits":
        """Add a node that was cut out of a text to a dict, at a place as `insert` does; see `cut`."""
        text, margin, brk = self.document.text, self._margin(parent.span[0]), self._line_break()
        content = [child.row for child in parent]
        neighbour = self._neighbour(content, after, first)
        beside = content[0] if neighbour is None and content else neighbour
        inner = margin if self._is_implicit(parent) else margin + INDENT
        alone = self._is_implicit(parent)
        start = self._start_inside(parent) if neighbour is None else self._end(neighbour)
        at = self._end_of_comments(start)
        if beside is not None:
            alone = self._has_own_line(beside)
            inner = self._margin(self.document.columns.starts[beside]) if alone or neighbour else inner
        elif not alone:
            alone = "\n" in text[at : parent.span[1]]
        alone = alone or self._ends_in_line_comment(start, at)
        if not alone and at not in self._lined and cut.margin is None and not cut.ends_in_line_comment:
            closes = beside is None and text[at] not in "}]"
            first_in = f" {cut.source}" + " " * (not closes)
            self._insert_text(at, first_in if neighbour is None else self._apart(at, cut.source))
            return self
        inner = inner if alone or beside is None else margin + INDENT
        lines = cut.lines(inner)
        rest = _LINE_BLANK.match(text, at)
        assert rest is not None
        self._lined[at] = inner
        self._insert_text(at, brk + ("" if cut.margin is not None else inner) + lines)
        if rest.end() < len(text) and text[rest.end()] not in "\r\n":
            closing = margin if text[rest.end()] in "}]" else inner
            self._closings[at] = (at, rest.end(), brk + closing)
        return self

    @staticmethod
    def _neighbour(content: list[int], after: "Node | None", first: bool) -> int | None:
        """Return the row of the child that an insertion comes after; None for the first place."""
        if after is not None:
            return after.row
        return None if first or not content else content[-1]

    def _apart(self, at: int, pair: str) -> str:
        """Return a pair as it is inserted after another one on its line."""
        text = self.document.text
        return f"  {pair}" + " " * (at < len(text) and text[at] not in _SEPARATORS)

    def _end(self, row: int) -> int:
        """Return the offset after a node and its metatags."""
        return metatags_end(self.document.text, self.document.span(row)[1])[0]

    def _is_implicit(self, parent: "Node") -> bool:
        return self.document.text[self.document.span(parent.row)[0]] != "{"

    def _start_inside(self, parent: "Node") -> int:
        """Return the offset after the bracket and the metatags of a dict."""
        start = self.document.span(parent.row)[0]
        return metatags_end(self.document.text, start if self._is_implicit(parent) else start + 1)[0]

    def _insert_first(self, parent: "Node", key: str | None, value: object) -> None:
        text = self.document.text
        start, end = self.document.span(parent.row)
        implicit = text[start] not in "{["
        at = self._end_of_comments(metatags_end(text, start if implicit else start + 1)[0])
        beside = next(iter(parent), None)
        margin = self._margin(start) + ("" if implicit else INDENT)
        if at in self._lined:
            self._insert_lines(at, self._lined[at], key, value)
        elif beside is not None and self._has_own_line(beside.row):
            self._insert_lines(at, self._margin(self.document.columns.starts[beside.row]), key, value)
        elif beside is None and (implicit or "\n" in text[at:end] or self._ends_in_line_comment(start, at)):
            self._insert_lines(at, margin, key, value)
            if text[at:end] in ("}", "]"):
                self._insert_text(at, self._line_break())
        else:
            pair = _pair(key, value)
            after_metatags = beside is not None and text[at - 1] not in "{["
            closes = beside is None and text[at] not in "}]"
            self._insert_text(
                at, self._apart(at, pair) if after_metatags else f" {pair}" + " " * (not closes)
            )

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
        return bool(self._closings) or any(
            _BREAK.search(new + text[start:end]) for start, end, new in self._changes
        )

    def apply(self) -> str:
        """Return the text with all changes; raises ValueError if two of them overlap.

        What is cut out inside of something that is removed or cut out is no overlap.
        """
        changes = sorted((*self._changes, *self._closings.values()), key=_place)
        return self._rendered(0, len(self.document.text), changes)

    def _rendered(self, start: int, end: int, changes: list[_Change]) -> str:
        """Return a part of the text with the changes in it; cuts get their sources."""
        text, parts, done, at = self.document.text, [], start, 0
        while at < len(changes):
            begin, stop, new = changes[at]
            if begin < done:
                raise ValueError("two edits change the same place")
            parts += [text[done:begin], new]
            done = stop
            at += 1
            first = at
            while at < len(changes) and changes[at][0] < stop:
                at += 1
            cut, inner = self._cuts.get((begin, stop)), changes[first:at]
            if cut is not None:
                cut.source = self._rendered(cut.start, cut.end, inner)
            elif any(self._cuts.get(each[:2]) is None for each in _outermost(inner)):
                raise ValueError("two edits change the same place")
            else:
                self._rendered(begin, stop, inner)
        return "".join([*parts, text[done:end]])

    def _separated(self, start: int, end: int, lexeme: str) -> str:
        """Return `lexeme` with a space wherever it would join its neighbours."""
        text = self.document.text
        before = start > 0 and text[start - 1] not in _SEPARATORS
        after = end < len(text) and text[end] not in _SEPARATORS
        return " " * before + lexeme + " " * after

    def _insert_text(self, at: int, text: str) -> None:
        self._changes.append((at, at, text))

    def _insert_lines(self, at: int, margin: str, key: str | None, value: object) -> None:
        """Insert a pair on lines of its own: one, or as many as a long one needs."""
        lines = pair_lines(key, value, margin)
        self._insert_text(at, "".join(self._line_break() + line for line in lines))

    def _insert_after(self, row: int, key: str | None, value: object) -> None:
        start, end = self.document.columns.starts[row], self._end(row)
        at = self._end_of_comments(end)
        if at in self._lined:
            self._insert_lines(at, self._lined[at], key, value)
        elif self._has_own_line(row) or self._ends_in_line_comment(end, at):
            self._insert_lines(at, self._margin(start), key, value)
        else:
            self._insert_text(at, self._apart(at, _pair(key, value)))

    def _has_own_line(self, row: int) -> bool:
        """Whether only white space comes before a node on its line."""
        document, start = self.document, self.document.columns.starts[row]
        margin = _LINE_BLANK.match(document.text, document.lines.start_of_line(start))
        return margin is not None and margin.end() >= start

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


def _pair(key: str | None, value: object) -> str:
    """Return a child of a dict, or without a key of a list, on one line."""
    return inline(value) if key is None else f"{quote(key)}: {inline(value)}"


def _place(change: _Change) -> tuple[int, bool, int]:
    """Order changes: what is inserted at a place comes first, then the outermost that begins there."""
    return change[0], change[0] != change[1], -change[1]


def _outermost(changes: list[_Change]) -> list[_Change]:
    """Return those of these sorted changes that lie in no other."""
    found: list[_Change] = []
    for change in changes:
        if not found or change[0] >= found[-1][1]:
            found.append(change)
    return found
