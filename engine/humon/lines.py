"""Line starts of a text, computed at the first query for a line or a column."""

import re
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate

from engine.humon.limits import MAX_EXCERPT_CHARS
from engine.humon.problem import TAB_COLUMNS, excerpt_of

_BREAK = re.compile(r"\r\n|\r|\n")
_AT_ONCE = 1 << 20
"""Characters that are split at once; meanwhile a signal waits."""


class Lines:
    """The line starts of one text; lines end at LF, CR LF or CR."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: array[int] | None = None
        self._tab_offsets: array[int] | None = None

    @property
    def starts(self) -> "array[int]":
        """Offset of the first character of every line."""
        if self._starts is None:
            if "\r" in self.text:
                starts = array("I", [0])
                starts.extend(found.end() for found in _BREAK.finditer(self.text))
            else:
                starts = array("I", [0])
                for begin in range(0, len(self.text), _AT_ONCE):
                    lengths = map(len, self.text[begin : begin + _AT_ONCE].split("\n"))
                    ends = accumulate(lengths, lambda start, length: start + length + 1, initial=begin)
                    starts.extend(list(ends)[1:-1])
            self._starts = starts
        return self._starts

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column (a tab counts 4) of the character at `offset`."""
        number = bisect_right(self.starts, offset)
        start = self.starts[number - 1]
        return number, 1 + offset - start + (TAB_COLUMNS - 1) * self._tabs(start, offset)

    def _tabs(self, start: int, offset: int) -> int:
        """Return how many tabs there are between two places; all of them are found at the first question."""
        if self._tab_offsets is None:
            self._tab_offsets = array("I", (found.start() for found in re.finditer("\t", self.text)))
        return bisect_left(self._tab_offsets, offset) - bisect_left(self._tab_offsets, start)

    def line_at(self, offset: int) -> tuple[str, int]:
        """Return the line that contains `offset`, without its line break, and the offset in that line."""
        number = bisect_right(self.starts, offset)
        start = self.starts[number - 1]
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n"), offset - start

    def excerpt_at(self, offset: int) -> str:
        """Return the excerpt for the character at `offset`; of a long line only what is near is read."""
        number = bisect_right(self.starts, offset)
        end = self.starts[number] if number < len(self.starts) else len(self.text)
        start = max(self.starts[number - 1], offset - 2 * MAX_EXCERPT_CHARS)
        near = self.text[start : min(end, offset + MAX_EXCERPT_CHARS)].rstrip("\r\n")
        return excerpt_of(near, offset - start)

    def start_of_line(self, offset: int) -> int:
        """Return the offset of the first character of the line that contains `offset`."""
        return self.starts[bisect_right(self.starts, offset) - 1]

    def end_of_line(self, offset: int) -> int:
        """Return the offset after the line that contains `offset`, its line break included."""
        number = bisect_right(self.starts, offset)
        return self.starts[number] if number < len(self.starts) else len(self.text)
