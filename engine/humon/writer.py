"""Writes plain Python values as formatted Humon text."""

import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Final

from engine.humon.limits import MAX_DEPTH
from engine.humon.tokens import quote

INDENT: Final = "    "
WIDTH: Final = 100
_INLINE_DEPTH = 2


def write(value: object, *, braces: bool = False, width: int = WIDTH) -> str:
    """Return the Humon text of a plain Python value, ending with a line break.

    dict (also any Mapping) -> dict, list or tuple -> list; str, bool, int and float -> value. A dict key
    that begins with `@` is written as a metatag: `{"@type": "mesh"}` is `{ @type: mesh }`. The braces of a
    root dict are omitted unless `braces`. A container that fits into `width` columns and is at most two
    levels deep is written on one line. Equal values give equal texts.

    Raises TypeError for any other type, ValueError for nan, infinity, a NUL or nesting beyond the limit.
    """
    if not isinstance(value, Mapping) or braces or all(str(key).startswith("@") for key in value):
        lines = list(_lines(value, "", "", width, 1))
    else:
        lines = [line for prefix, child in _pairs(value) for line in _lines(child, prefix, "", width, 1)]
    return "\n".join(lines) + "\n"


def inline(value: object, depth: int = MAX_DEPTH) -> str:
    """Return the Humon text of a plain Python value on one line (except line breaks inside strings)."""
    if isinstance(value, Mapping):
        _check_depth(depth)
        pairs = [prefix + inline(child, depth - 1) for prefix, child in _pairs(value)]
        return f"{{ {'  '.join(pairs)} }}" if pairs else "{ }"
    if isinstance(value, (list, tuple)):
        _check_depth(depth)
        return f"[{' '.join([inline(child, depth - 1) for child in value])}]"
    return scalar(value)


def pair_lines(key: str | None, value: object, margin: str, width: int = WIDTH) -> list[str]:
    """Return `key: value` as lines with a margin: one if it fits into `width` columns, as `write` else.

    Without a key it is an entry of a list.
    """
    prefix = "" if key is None else f"{quote(key)}: "
    line = margin + prefix + inline(value)
    return [line] if len(line) <= width or "\n" in line else list(_lines(value, prefix, margin, width, 1))


def scalar(value: object, like: str = "") -> str:
    """Return the lexeme of a str, bool, int or float, with the quotes of the lexeme `like` if they fit."""
    if isinstance(value, str):
        return quote(str(value), like)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{number} cannot be written: finite numbers only")
        return repr(number)
    raise TypeError(f"a {type(value).__name__} cannot be written as Humon")


def _pairs(value: Mapping[object, object]) -> list[tuple[str, object]]:
    """Return metatags, then members, as (text before the value, value)."""
    tags, members = [], []
    for key, child in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key must be a str, not {type(key).__name__}")
        if key.startswith("@"):
            if isinstance(child, (Mapping, list, tuple)):
                raise TypeError(f"the metatag {key} must be a plain value")
            tags.append((f"@{quote(key[1:])}: ", child))
        else:
            members.append((f"{quote(key)}: ", child))
    return tags + members


def _lines(value: object, prefix: str, indent: str, width: int, depth: int) -> Iterator[str]:
    """Yield the lines of a value after `prefix`."""
    if not isinstance(value, (Mapping, list, tuple)):
        yield indent + prefix + scalar(value)
        return
    _check_depth(MAX_DEPTH - depth)
    if _is_shallow(value, _INLINE_DEPTH):
        line = indent + prefix + inline(value)
        if len(line) <= width and "\n" not in line:
            yield line
            return
    inner = indent + INDENT
    if isinstance(value, Mapping):
        pairs = _pairs(value)
        tags = [before + scalar(child) for before, child in pairs if before[0] == "@"]
        yield indent + prefix + "  ".join(["{", *tags]).replace("{  ", "{ ", 1)
        for before, child in pairs[len(tags) :]:
            yield from _lines(child, before, inner, width, depth + 1)
        yield indent + "}"
    else:
        yield indent + prefix + "["
        if any(isinstance(child, (Mapping, list, tuple)) for child in value):
            for child in value:
                yield from _lines(child, "", inner, width, depth + 1)
        else:
            yield from _rows([scalar(child) for child in value], inner, width)
        yield indent + "]"


def _rows(lexemes: list[str], indent: str, width: int) -> Iterator[str]:
    row = indent
    for lexeme in lexemes:
        if len(row) > len(indent) and len(row) + 1 + len(lexeme) > width:
            yield row
            row = indent
        row += lexeme if len(row) == len(indent) else f" {lexeme}"
    yield row


def _is_shallow(value: object, depth: int) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        return True
    return depth > 0 and len(value) <= WIDTH and all(_is_shallow(child, depth - 1) for child in value)


def _check_depth(left: int) -> None:
    if left < 0:
        raise ValueError(f"nesting is deeper than the limit of {MAX_DEPTH}")
