"""Checks what features declare: each value has the type of its field, and all of it is something possible.

Annotations say which types values have. What else must hold a dataclass says in a property `fault`, which
goes on after its name in a message and is empty where nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from reprlib import repr as shortened
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np

from engine.humon import nearest, with_article

FLOAT32_MAX = 3.4028234e38
SHOWN_MEMBERS = 8
"""Members of an enum that a hint lists, where none is similar."""


class DeclarationError(ValueError):
    """What a feature declares is impossible. `help` says what to declare instead."""

    def __init__(self, problem: str, help: str) -> None:
        super().__init__(problem)
        self.help = help


class _Wrong(NamedTuple):
    """The path of a value within what is declared, what is wrong with it, and a hint."""

    path: str
    problem: str
    help: str


def check(value: object, kind: Any, name: str, help: str) -> None:
    """Raise DeclarationError where `value` is no `kind`, a type or an annotation.

    Messages call it `name`, and `help` is the hint where nothing in it is nearer to what is wrong.
    """
    if _test(kind)(value):
        return
    wrong = next(_wrong(value, kind, "", help), None)
    if wrong is not None:
        place = f"entry {wrong.path}" if wrong.path.startswith("[") else wrong.path
        of = f"{place} of {name}" if place else name
        raise DeclarationError(f"{of} {wrong.problem}", wrong.help)


def yielded(values: Any, method: str) -> list[Any]:
    """Return what a method of a feature yields. Raises DeclarationError where that is no sequence."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise DeclarationError(
            f"what `{method}` returns is {shortened(values)}, not a sequence",
            "yield one by one, or return a tuple: (one,) with a comma, () for none",
        )
    return list(values)


def mapping(values: Any, method: str) -> Mapping[str, Any]:
    """Return what a method of a feature returns. Raises DeclarationError where that is no mapping."""
    if not isinstance(values, Mapping):
        raise DeclarationError(
            f"what `{method}` returns is {shortened(values)}, not a mapping",
            "return a dict by names, {} for nothing",
        )
    return values


def check_yielded(value: object, kind: type, method: str) -> None:
    """Raise DeclarationError where what a method of a feature yields is no `kind`."""
    check(value, kind, f"what `{method}` yields", f"yield {with_article(kind.__name__)} for each")


@contextmanager
def checked_on_error(values: Iterable[object], kind: type, method: str) -> Iterator[None]:
    """Let an exception name what is wrong with these values, which a method of a feature has yielded.

    That is for many values, as checking one may take longer than using it.
    """
    try:
        yield
    except Exception:
        for value in values:
            check_yielded(value, kind, method)
        raise


_Test = Callable[[Any], bool]
"""Whether nothing is wrong with a value: quick, as most are right. Where it is False, `_wrong` decides."""


@lru_cache(512)
def _test(kind: Any, default: object = MISSING) -> _Test:
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: True
    if origin in (Union, UnionType):
        options = [_test(option, default) for option in args]
        return lambda value: any(test(value) for test in options)
    if origin is tuple:
        return _tuple_test(args)
    if origin is not None:
        return lambda value: False
    if kind is int:
        return lambda value: type(value) is int and -(2**63) <= value < 2**63
    if kind is float:
        return lambda value: type(value) in (int, float) and (abs(value) <= FLOAT32_MAX or value == default)
    plain: type[Any] = kind
    if is_dataclass(kind):
        return lambda value: isinstance(value, plain) and _fields_are_right(value)
    return lambda value: isinstance(value, plain)


def _tuple_test(args: tuple[Any, ...]) -> _Test:
    if args[-1] is ...:
        item = _test(args[0])
        return lambda value: isinstance(value, tuple) and all(item(each) for each in value)
    tests = [_test(kind) for kind in args]
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(tests)
        and all(test(each) for test, each in zip(tests, value, strict=True))
    )


def _fields_are_right(value: Any) -> bool:
    are_right = all(test(getattr(value, name)) for name, test in _field_tests(type(value)))  # type: ignore[arg-type]
    return are_right and not getattr(value, "fault", "")


@lru_cache
def _field_tests(kind: type[Any]) -> tuple[tuple[str, _Test], ...]:
    return tuple(
        (field.name, _test(expected, field.default if isinstance(field.default, int | float) else MISSING))
        for field, expected in _fields(kind)  # type: ignore[arg-type]
    )


def _wrong(value: object, kind: Any, path: str, help: str, default: object = MISSING) -> Iterator[_Wrong]:
    """Yield what is wrong with a value, and with what is in it; `help` is the hint where none is nearer."""
    if kind is Any:
        return
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        found = [list(_wrong(value, option, path, help, default)) for option in args]
        if all(found):
            same = (of for option, of in zip(args, found, strict=True) if type(value) is option)
            yield from next(same, [_Wrong(path, f"is {shortened(value)}, not {_word(kind)}", help)])
    elif origin is tuple:
        yield from _wrong_tuple(value, args, path, help)
    elif not _is(value, kind):
        yield _Wrong(path, f"is {shortened(value)}, not {_word(kind)}", _hint(value, kind) or help)
    elif is_dataclass(kind):
        yield from _wrong_fields(value, path)
    elif kind is float and value != default and not abs(float(value)) <= FLOAT32_MAX:  # type: ignore[arg-type]
        yield _Wrong(path, f"is {value}, which is no finite 32-bit number", help)
    elif kind is int and not -(2**63) <= int(value) < 2**63:  # type: ignore[call-overload]
        yield _Wrong(path, f"is {value}, which is no 64-bit number", help)


def _wrong_tuple(value: object, args: tuple[Any, ...], path: str, help: str) -> Iterator[_Wrong]:
    if not isinstance(value, tuple):
        advice = "write a tuple: (one,) with a comma, (one, two), or () for none"
        yield _Wrong(path, f"is {shortened(value)}, not a tuple", advice if args[-1] is ... else help)
    elif args[-1] is ...:
        for index, item in enumerate(value):
            yield from _wrong(item, args[0], f"{path}[{index}]", help)
    elif len(value) != len(args):
        yield _Wrong(path, f"is {shortened(value)}, which are not {len(args)} values", help)
    else:
        for index, (item, kind) in enumerate(zip(value, args, strict=True)):
            yield from _wrong(item, kind, f"{path}[{index}]", help)


def _wrong_fields(value: object, path: str) -> Iterator[_Wrong]:
    kind: type[Any] = type(value)
    before = f"{path}." if path else ""
    right = True
    for field, expected in _fields(kind):  # type: ignore[arg-type] # classes can be hashed
        advice = f"{with_article(kind.__name__)} has {field.name}: {field.type}"
        for wrong in _wrong(getattr(value, field.name), expected, before + field.name, advice, field.default):
            right = False
            yield wrong
    fault = getattr(value, "fault", "") if right else ""
    if fault:
        yield _Wrong(path, fault, f"help({kind.__module__}.{kind.__name__}) says more")


@lru_cache
def _fields(kind: type[Any]) -> tuple[tuple[Field[Any], Any], ...]:
    """Return the fields of a dataclass with their types."""
    types = get_type_hints(kind)
    return tuple((field, types[field.name]) for field in fields(kind))


def _is(value: object, kind: type) -> bool:
    """Whether a value is one of a plain type; numpy's numbers are, too."""
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if kind is int:
        return isinstance(value, int | np.integer) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return isinstance(value, kind)


def _hint(value: object, kind: type) -> str:
    """Return which members an enum has: the one that is probably meant, or all; empty for another type."""
    if not issubclass(kind, Enum):
        return ""
    names = list(kind.__members__)
    near = nearest(value.upper(), names) if isinstance(value, str) else None
    if near is not None:
        return f"write {kind.__name__}.{near}"
    shown = ", ".join(names[:SHOWN_MEMBERS])
    more = f" and {len(names) - SHOWN_MEMBERS} more" if len(names) > SHOWN_MEMBERS else ""
    return f"{kind.__name__} has {shown}{more}"


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "True or False", NoneType: "None"}


def _word(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_word(option) for option in get_args(kind))
    if get_origin(kind) is tuple:
        args = get_args(kind)
        return "a tuple" if args[-1] is ... else f"a tuple of {len(args)}"
    return _WORDS.get(kind) or with_article(kind.__name__)


def is_name(name: str) -> bool:
    """Whether plans and messages can print a name."""
    return bool(name) and name.isprintable()
