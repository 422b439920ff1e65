"""Valid names of objects, and when two names count as equal."""

from __future__ import annotations

import re
import unicodedata

JOINERS = "\u200c\u200d"
"""Format characters that scripts and emoji need inside of names; others, as those of direction, are wrong."""

MAX_NAME = 255
"""Characters in the name of an object."""


def fold(name: str) -> str:
    """Return the form in which equal names are equal: Unicode NFC, case-folded.

    Siblings that differ only by that would be one file on some systems and two on others, so it is an error.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def fold_all(names: list[str]) -> list[str]:
    """Return `fold` of many names, in one pass over their text if all are ASCII."""
    text = "\0".join(names)
    if text.isascii():
        return text.lower().split("\0") if names else []
    return [fold(name) for name in names]


def are_valid_names(names: list[str]) -> bool:
    """Whether all are valid names, checked in one pass; may be False for valid ones (with `@` inside)."""
    text = "".join(names)
    short = all(names) and max(map(len, names), default=1) <= MAX_NAME
    return short and text.isprintable() and "/" not in text and "@" not in text


def invalid_name_reason(name: str) -> str:
    """Return why `name` cannot be the name of an object, or an empty string."""
    if not name:
        return "a name cannot be empty"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, not {len(name)}"
    if "/" in name:
        return "a name cannot contain '/', which separates the names in a path"
    if name[0] == "@":
        return "a name cannot begin with '@', which marks metatags"
    if name[0] in JOINERS or name[-1] in JOINERS:
        return "a name cannot begin or end with an invisible joiner"
    if not all(part.isprintable() for part in re.split(f"[{JOINERS}]", name)):
        return "a name cannot contain control characters"
    return ""
