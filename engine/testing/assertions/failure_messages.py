"""How failures are worded: a sentence, and below it the lines to look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

SHOWN = 24


def fail(*parts: str | Iterable[str]) -> NoReturn:
    """Raise AssertionError: texts as they are, lists of lines indented below them, long ones cut."""
    __tracebackhide__ = True
    lines = []
    for part in parts:
        if isinstance(part, str):
            lines.append(part)
        else:
            lines += [f"    {line}" for line in cut(list(part))]
    raise AssertionError("\n".join(lines))


def cut(lines: list[str], shown: int = SHOWN) -> list[str]:
    """Return the first lines of many, and how many more there are."""
    return lines if len(lines) <= shown else [*lines[:shown], f"... and {len(lines) - shown} more"]


def listed(names: Iterable[str]) -> list[str]:
    """Return names sorted."""
    return sorted(names)
