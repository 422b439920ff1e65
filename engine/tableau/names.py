"""How objects may be named and when two names count as one."""

from __future__ import annotations

import unicodedata

MAX_NAME = 255
"""Characters in the name of an object."""


def fold(name: str) -> str:
    """The form under which two names count as one: Unicode NFC, without regard to case.

    Siblings that differ only so would be one file on some systems and two on others, hence an error on all.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def fold_all(names: list[str]) -> list[str]:
    """`fold` for many names: one pass over their text when all are ASCII."""
    text = "\0".join(names)
    if text.isascii():
        return text.lower().split("\0") if names else []
    return [fold(name) for name in names]


def are_plain(names: list[str]) -> bool:
    """Whether all of them can name objects, seen in one pass over their text; of some that can it says no."""
    text = "".join(names)
    short = all(names) and max(map(len, names), default=1) <= MAX_NAME
    return short and text.isprintable() and "/" not in text and "@" not in text


def invalid_name_reason(name: str) -> str:
    """Why `name` cannot name an object; empty when it can."""
    if not name:
        return "a name cannot be empty"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters, not {len(name)}"
    if "/" in name:
        return "a name cannot hold '/', which joins the names of a path"
    if name[0] == "@":
        return "a name cannot begin with '@', which marks metatags"
    if not name.isprintable():
        return "a name cannot hold control characters"
    return ""
