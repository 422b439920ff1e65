"""The difference of two plan texts, each change below its place in the plan."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

MAX_LINES = 60
SHORT_LIST = 6
_KEY = re.compile(r'^\s*"?([\w. ]+?)"?\s*:\s*(.*)$')
_NAMES = ("transient", "assetCache", "resource", "allocation", "name")
_NOT_IN_PATHS = ("featureDb", "resources", "subresources")


@dataclass(frozen=True)
class _Line:
    """A line and the names of the dicts and lists around it; one that it opens ends at line `end`."""

    path: tuple[str, ...]
    text: str
    opens: str
    end: int


def plan_difference(expected: str, actual: str, lines: int = MAX_LINES) -> str:
    """Return the differing lines of two texts, `-` expected and `+` actual; empty if they are equal.

    Each group is headed by its path: `memoryPlan > memoryType 0 > allocation 3 > resource 5`. A dict or list
    that was removed or added as a whole is one line.
    """
    old, new = _read(expected), _read(actual)
    keys = [[(line.path, line.text) for line in side] for side in (old, new)]
    matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    found: list[str] = []
    before: tuple[str, ...] | None = ()
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        for sign, side, start, end in (("-", old, i1, i2), ("+", new, j1, j2)):
            for path, text in _reported(side, start, end, sign):
                if path != before:
                    found.append("@ " + (" > ".join(path) or "the top"))
                    before = path
                found.append(text)
    if not found and expected != actual:
        return "only line breaks differ"
    more = [f"... and {len(found) - lines} lines more"] if len(found) > lines else []
    return "\n".join([*found[:lines], *more])


def _reported(side: list[_Line], start: int, end: int, sign: str) -> list[tuple[tuple[str, ...], str]]:
    """Return the lines of a range with their paths; a block that lies wholly inside is one line."""
    reported = []
    row = start
    while row < end:
        line = side[row]
        if line.opens and row < line.end < end:
            reported.append((line.path, f"{sign} {_summary(side[row : line.end + 1], sign)}"))
            row = line.end + 1
            continue
        if line.text not in "{}[]":
            reported.append((line.path, f"{sign} {line.text}"))
        row += 1
    return reported


def _summary(block: list[_Line], sign: str) -> str:
    """Describe a dict or list that was removed or added: a short list in full, others by their names."""
    if block[0].text.endswith("[") and len(block) <= SHORT_LIST:
        return " ".join(line.text for line in block)
    inside = [key[2].strip('"') for line in block if (key := _KEY.match(line.text)) and key[1] in _NAMES[:2]]
    named = [name for name in dict.fromkeys(inside) if name != block[0].opens]
    what = f" ({', '.join(named[:4])}{', ...' if len(named) > 4 else ''})" if named else ""
    return f"{block[0].opens}{what} is {'gone' if sign == '-' else 'new'} ({len(block)} lines)"


def _read(text: str) -> list[_Line]:
    """Split a text into lines with their paths."""
    lines = text.splitlines()
    found: list[_Line] = []
    stack: list[tuple[str, int]] = []
    ends = _ends(lines)
    for row, line in enumerate(lines):
        while stack and row > stack[-1][1]:
            stack.pop()
        path = tuple(name for name, _ in stack if name and name not in _NOT_IN_PATHS)
        opens = ""
        if ends[row] > row:
            key = _KEY.match(line)
            opens = key[1] if key is not None else _name_below(lines, row, ends[row])
            stack.append((opens, ends[row]))
        found.append(_Line(path, line.strip(), opens, ends[row]))
    return found


def _ends(lines: list[str]) -> list[int]:
    """Return for each line that opens a dict or list the index of its closing line; for others their own."""
    ends = list(range(len(lines)))
    open_rows: list[int] = []
    for row, line in enumerate(lines):
        if line.rstrip().endswith(("{", "[")):
            open_rows.append(row)
        elif line.strip() in ("}", "]") and open_rows:
            ends[open_rows.pop()] = row
    return ends


def _name_below(lines: list[str], row: int, end: int) -> str:
    """Return a name for a dict without a key: the first of its own values that names it."""
    inner = _indent(lines[row + 1])
    for line in lines[row + 1 : end]:
        key = _KEY.match(line) if _indent(line) == inner else None
        if key is not None and key[1] in _NAMES:
            value = key[2].strip().strip('"')
            return f"{key[1]} {value}" if key[1] in ("resource", "allocation") else value
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
