"""Readers of the plain values that a cache stores: each checks type and range, and nothing else is taken.

A cache is an input like any other: whoever writes one can give it correct checksums. `reader_of` makes the
reader of a type from its annotations: a dataclass is an object with exactly its fields, an enum one of its
values, a tuple an array. What a value must be beside that, such as the size of a texture with its mip levels,
is checked by `engine.assets.cache.fact_checks`.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

MAX_TEXT = 1 << 16
"""Most characters of one text."""

MAX_ENTRIES = 1 << 16
"""Most entries of one array in an asset's facts."""

_LARGEST = (1 << 63) - 1
_MAX_FLOAT32 = 3.4028234663852886e38

Reader: TypeAlias = Callable[[Any], Any]
"""Returns the checked value; raises StoredValueError."""


class StoredValueError(ValueError):
    """A stored value has another type or range than it is written with."""


def integer(least: int = -_LARGEST, most: int = _LARGEST) -> Reader:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise StoredValueError(f"{value!r:.80} is no whole number from {least} to {most}")
        return value

    return read


def real(value: Any) -> float:
    """Read a finite number within the range of 32-bit floats."""
    if type(value) not in (int, float) or not -_MAX_FLOAT32 <= value <= _MAX_FLOAT32 or math.isnan(value):
        raise StoredValueError(f"{value!r:.80} is no finite number")
    return float(value)


def flag(value: Any) -> bool:
    """Read true or false."""
    if type(value) is not bool:
        raise StoredValueError(f"{value!r:.80} is neither true nor false")
    return value


def text(most: int = MAX_TEXT) -> Reader:
    """Return a reader of texts of at most `most` characters without NUL and without lone surrogates."""

    def read(value: Any) -> str:
        if type(value) is not str or len(value) > most or "\0" in value:
            raise StoredValueError(f"{value!r:.80} is no text of at most {most} characters")
        if not value.isascii():
            value.encode()  # a UnicodeEncodeError is a ValueError, too
        return value

    return read


def several(item: Reader, most: int = MAX_ENTRIES, make: Callable[[Any], Any] = tuple) -> Reader:
    """Return a reader of arrays of at most `most` entries; `make` makes the result of the read entries."""

    def read(value: Any) -> Any:
        if type(value) is not list or len(value) > most:
            raise StoredValueError(f"no array of at most {most} entries")
        return make([item(entry) for entry in value])

    return read


def fixed(*items: Reader, make: Callable[[Any], Any] = tuple) -> Reader:
    """Return a reader of arrays with exactly one entry for each of `items`."""

    def read(value: Any) -> Any:
        if type(value) is not list or len(value) != len(items):
            raise StoredValueError(f"no array of {len(items)} entries")
        return make([item(entry) for item, entry in zip(items, value, strict=True)])

    return read


def optional(item: Reader) -> Reader:
    """Return a reader of null or what `item` reads."""
    return lambda value: None if value is None else item(value)


def record(members: Mapping[str, Reader], make: Callable[..., Any] = dict) -> Reader:
    """Return a reader of objects with exactly these members; `make` takes them by name."""
    names = members.keys()

    def read(value: Any) -> Any:
        if type(value) is not dict or value.keys() != names:
            raise StoredValueError(f"no object with the members {', '.join(names)}")
        return make(**{name: item(value[name]) for name, item in members.items()})

    return read


@cache
def reader_of(kind: Any) -> Reader:
    """Return the reader of a type: int, float, bool, str, an enum, a dataclass, a tuple, or one or None."""
    simple: Mapping[Any, Reader] = {int: integer(), float: real, bool: flag, str: text()}
    if kind in simple:
        return simple[kind]
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return several(_later(arguments[0]))
        return fixed(*map(_later, arguments))
    if get_origin(kind) in (Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return optional(_later(next(argument for argument in arguments if argument is not type(None))))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice({member.value: member for member in kind})
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return record({member.name: _later(hints[member.name]) for member in fields(kind)}, kind)
    raise TypeError(f"{kind} cannot be stored in a cache")


def _later(kind: Any) -> Reader:
    """Return a reader that is made when it is needed: a type may contain itself."""
    return lambda value: reader_of(kind)(value)


def _choice(known: Mapping[Any, Enum]) -> Reader:
    def read(value: Any) -> Enum:
        if type(value) is not str or value not in known:
            raise StoredValueError(f"{value!r:.80} is not a known name")
        return known[value]

    return read
