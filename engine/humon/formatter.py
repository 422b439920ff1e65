"""Formats a document; keeps every comment, and the line breaks that carry meaning.

A list or dict that was written on one line stays on one line if it fits. Otherwise each node of a dict gets
its own line; the entries of a list keep their rows (a matrix, a table of vertices), and rows that are too
long are broken. Commas are removed, quotes kept, and several blank lines become one.
"""

from engine.humon.document import Document
from engine.humon.format_items import Container, Item, Role, format_items, gap
from engine.humon.writer import INDENT, WIDTH

_FARTHEST_ALIGNED = 40


def format_document(document: Document, width: int = WIDTH) -> str:
    """Return the formatted text of `document`; formatting the result again changes nothing.

    It has the same nodes, keys, values and metatags, in the same order.
    """
    start, _ = document.span(0)
    implicit = isinstance(document.columns.contents[0], dict) and document.text[start] != "{"
    root = format_items(document.text, implicit, width)
    printer = _Printer(width)
    printer.print_items(root, "")
    printer.align_comments()
    return "\n".join(printer.lines) + "\n"


class _Printer:
    def __init__(self, width: int) -> None:
        self.lines: list[str] = []
        self._width = width
        self._trailing: list[tuple[int, int, str]] = []  # line, length before its comment, indentation

    def print_items(self, container: Container, indent: str) -> None:
        """Print the items of a container after its opening bracket, which ends the last line so far."""
        before: Item | None = None
        spread = False  # whether the previous item takes several lines
        for item in container.items:
            flat = self._flat(item)
            if self._stays(container, before, spread, item, flat):
                separator = gap(container, before, item) if before else " "
                if item.ends_line and before and not spread and "\n" not in self.lines[-1]:
                    self._trailing.append((len(self.lines) - 1, len(self.lines[-1]), indent))
                self.lines[-1] += separator + (item.text if flat is None else flat)
            else:
                if item.after_blank_line and before is not None:
                    self.lines.append("")
                flat = flat if flat is None or len(indent) + len(flat) <= self._width else None
                self.lines.append(indent + (item.text if flat is None else flat))
            spread = flat is None
            if item.inside is not None and flat is None:
                self.print_items(item.inside, indent + INDENT)
                self.lines.append(indent + item.inside.closer)
            before = item

    def align_comments(self) -> None:
        """Align the `//` comments at the ends of successive lines in one column."""
        run: list[tuple[int, int, str]] = []
        for place in [*self._trailing, (-1, 0, "")]:
            if run and place[::2] != (run[-1][0] + 1, run[-1][2]):
                lengths = [length for _, length, _ in run]
                if max(lengths) - min(lengths) <= _FARTHEST_ALIGNED:
                    for number, length, _ in run:
                        line = self.lines[number]
                        self.lines[number] = line[:length].ljust(max(lengths)) + line[length:]
                run = []
            run.append(place)

    def _flat(self, item: Item) -> str | None:
        if item.inside is None:
            return item.text
        return None if item.inside.flat is None else item.text + item.inside.flat

    def _stays(
        self, container: Container, before: Item | None, spread: bool, item: Item, flat: str | None
    ) -> bool:
        """Whether `item` goes on the line of the previous item."""
        if not item.same_line or not self.lines or (before is not None and before.ends_line):
            return False
        if item.role is not Role.NODE:
            return before is not None or container.closer != ""
        if before is None or spread or flat is None:
            return False
        if before.role is Role.COMMENT and not container.is_list:
            return True
        fits = len(self.lines[-1]) + 1 + len(flat) <= self._width
        return container.is_list and before.role is not Role.METATAG and fits
