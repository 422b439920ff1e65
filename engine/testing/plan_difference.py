"""Where two plan texts differ, each change below the place in the plan that it belongs to."""

from __future__ import annotations

import difflib
import re

MOST_LINES = 60
_KEY = re.compile(r'^(\s*)(?:"?([\w. ]+)"?)\s*:\s*(.*)$')
_UNSAID = ("featureDb", "resources", "subresources")
_NAMES = ("transient", "assetCache", "resource", "allocation", "name")


def plan_difference(expected: str, actual: str, lines: int = MOST_LINES) -> str:
    """Return the differing lines of two texts, `-` expected and `+` actual; empty where they are the same.

    Above each group stands where it is: `memoryPlan > memoryType 0 > allocation 3 > resource 5`.
    """
    old, new = expected.splitlines(), actual.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    found: list[str] = []
    before = ""
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        place = _place(old, i1) if i1 < i2 else _place(new, j1)
        if place != before:
            found.append(f"@ {place or 'the top'}")
            before = place
        found += [f"- {line.strip()}" for line in old[i1:i2]] + [f"+ {line.strip()}" for line in new[j1:j2]]
    if not found and expected != actual:
        return "only line breaks differ"
    more = [f"... and {len(found) - lines} lines more"] if len(found) > lines else []
    return "\n".join([*found[:lines], *more])


def _place(lines: list[str], index: int) -> str:
    """Return the names of everything that encloses a line, outermost first."""
    parts: list[str] = []
    indent = _indent(lines[index]) if index < len(lines) else 0
    row = index
    while row > 0 and indent > 0:
        row -= 1
        line = lines[row]
        if not line.strip() or _indent(line) >= indent:
            continue
        indent = _indent(line)
        key = _KEY.match(line)
        if key is not None and key[3].strip() in ("{", "["):
            parts.append(key[2].strip())
        elif line.strip() in ("{", "["):
            name = _name_below(lines, row)
            parts += [name] if name else []
    return " > ".join(part for part in reversed(parts) if part not in _UNSAID)


def _name_below(lines: list[str], row: int) -> str:
    """Return what a nameless dict is called: the first of its own values that names it."""
    indent = _indent(lines[row])
    inner = None
    for line in lines[row + 1 :]:
        if line.strip() and _indent(line) <= indent:
            break
        inner = _indent(line) if inner is None else inner
        key = _KEY.match(line)
        if key is not None and _indent(line) == inner and key[2].strip() in _NAMES:
            value = key[3].strip().strip('"')
            return f"{key[2]} {value}" if key[2] in ("resource", "allocation") else value
    return ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
