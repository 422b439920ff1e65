"""Failure messages of assertions: a sentence, and the details indented below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

SHOWN = 24


def fail(*parts: str | Iterable[str]) -> NoReturn:
    """Raise AssertionError: texts as given, lists of lines indented below them and truncated."""
    __tracebackhide__ = True
    lines = []
    for part in parts:
        if isinstance(part, str):
            lines.append(part)
        else:
            lines += [f"    {line}" for line in truncated(list(part))]
    raise AssertionError("\n".join(lines))


def truncated(lines: list[str], shown: int = SHOWN) -> list[str]:
    """Return the first lines, and how many more there are."""
    return lines if len(lines) <= shown else [*lines[:shown], f"... and {len(lines) - shown} more"]
