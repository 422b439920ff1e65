"""Reads values of features from nodes in column form, each distinct text once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.assets import AssetDb, builtin_db, find_asset
from engine.assets.limits import MAX_HINTS
from engine.assets.names import BUILTIN
from engine.humon import (
    Document,
    InputError,
    Kind,
    Node,
    Problem,
    boolean,
    choice,
    expect,
    failure,
    integer,
    named,
    nearest,
    number,
    text,
    texts,
    vector,
    with_article,
    write,
)
from engine.scene.plain_values import plain_value
from engine.scene.vectors import read_vector
from engine.tableau import NO_ASSET, FieldKind, FieldSpec
from engine.tableau.schema import FLOAT32_MAX, NOT_GIVEN

LOST = NO_ASSET - 1
"""The key of an asset of a database that is not there, which is reported once for all that name it."""

TRUE_INSTEAD = True, "its default, true,"
"""What is used in place of a wrong flag, and which that is."""


MAX_SHOWN = 8
"""Numbers of a list that a hint shows."""


class AssetNames:
    """Looks up `[assetDb0 cube]` in the databases of a scene.

    With `are_all` False, a file or a database of the scene cannot be read, so that a name that is not known
    may be one of its: LOST.
    """

    def __init__(self, dbs: Sequence[AssetDb], are_all: bool = True) -> None:
        self._dbs = dbs
        self._are_all = are_all
        self._builtin: AssetDb | None = None
        self._wrong = 0

    def find(self, node: Node, types: Sequence[str]) -> int:
        """Return the key of the asset that a node names. Raises InputError `asset.reference`."""
        parts = texts(node) if all(child.kind is Kind.VALUE for child in node) else []
        if len(parts) != 2:
            raise failure(
                "asset.reference",
                f"{named(node)} must name an asset by its database and its name or index",
                node,
                self._form_hint(node.text if node.kind is Kind.VALUE else "", types),
            )
        dbs = self._known(parts[0])
        is_reported = not self._are_all or (not dbs and self._wrong > 0)
        if is_reported and all(db.name != parts[0] for db in dbs):
            return LOST  # also where it is a number, as databases are missing among those that it counts
        try:
            return find_asset(dbs, parts[0], parts[1], types, hint=self._wrong < MAX_HINTS).key
        except KeyError as error:
            self._wrong += 1
            message, _, hint = str(error.args[0]).partition("; ")
            hint = (
                hint or f"write `[database asset]` with the name of {' or '.join(map(with_article, types))}"
            )
            raise failure("asset.reference", message, node, hint) from error

    def _form_hint(self, word: str, types: Sequence[str]) -> str:
        """Return how to name an asset of these types: the one that a word names or nearly does, or any."""
        self._wrong += 1
        dbs = self._dbs if self._wrong <= MAX_HINTS else ()
        names = {row.name: db.name for db in reversed(dbs) for row in db.assets if row.type in types}
        names.pop("", None)
        near = word if word in names else nearest(word, names)
        if near is not None:
            return f"did you mean `[{names[near]} {near}]`?"
        of_db = [name for name, db in names.items() if db == word] or list(names)
        name = min(of_db, default="")
        shown = f"[{names[name]} {name}]" if name else "[assetDb0 cube]"
        return (
            f"write the name of a database and of {' or '.join(map(with_article, types))}, such as `{shown}`"
        )

    def default(self, spec: FieldSpec) -> int:
        """Return the key of a field's default asset; NO_ASSET if there is none, or LOST."""
        if spec.default is None:
            return NO_ASSET
        db, asset = spec.default
        if not self._are_all and all(each.name != db for each in self._known(db)):
            return LOST
        try:
            return find_asset(self._known(db), db, asset, spec.asset_types).key
        except KeyError:
            return NO_ASSET

    def _known(self, name: str) -> Sequence[AssetDb]:
        if name != BUILTIN:
            return self._dbs
        if self._builtin is None:
            self._builtin = builtin_db()
        return (*self._dbs, self._builtin)


def read_value(node: Node, spec: FieldSpec, assets: AssetNames) -> Any:
    """Return a value of a field in column form; of a field that need not name an asset, `[]` names none.

    Raises InputError with a code `value.*` or `asset.reference`.
    """
    kind = spec.kind
    if kind is FieldKind.BOOL:
        return boolean(node)
    if kind is FieldKind.TEXT:
        return text(node)
    if kind is FieldKind.CHOICE:
        return spec.choices.index(str(choice(node, spec.choices)))
    if kind is FieldKind.ASSET:
        is_none = not spec.required and node.kind is Kind.LIST and not len(node)
        return NO_ASSET if is_none else assets.find(node, spec.asset_types)
    low = -math.inf if spec.minimum is None else spec.minimum
    high = math.inf if spec.maximum is None else spec.maximum
    if kind is FieldKind.INT:
        return integer(node, int(low), int(high))
    if kind.width == 1:
        value = number(node, low, high)
        if abs(value) > FLOAT32_MAX:
            nearest = f"write `{spec.name}: {math.copysign(FLOAT32_MAX, value):g}`"
            raise failure("value.range", f"{named(node)} must fit into a 32-bit float", node, nearest)
        return math.radians(value) if kind is FieldKind.ANGLE else value
    numbers = vector(node) if kind is FieldKind.NUMBERS else read_vector(node, kind.width)
    if not all(low <= each <= high for each in numbers):
        nearest = " ".join(f"{min(max(each, low), high):g}" for each in numbers[:MAX_SHOWN])
        more = " ..." if len(numbers) > MAX_SHOWN else ""
        message = f"{named(node)} must be {spec.range_text()} in each number"
        raise failure("value.range", message, node, f"write `{spec.name}: [{nearest}{more}]`")
    if len(numbers) > kind.width:
        message = f"{named(node)} has {len(numbers)} numbers, at most {kind.width}"
        raise failure("value.count", message, node, f"leave out {len(numbers) - kind.width} of them")
    values = np.full(kind.width, NOT_GIVEN)
    values[: len(numbers)] = numbers
    if spec.nonzero and not values.any():
        message = f"{named(node)} must be a direction, not {kind.width} zeros"
        raise failure("value.range", message, node, f"write `{spec.name}: [0 1 0]`")
    return values


def value_instead(node: Node, spec: FieldSpec) -> tuple[Any, str]:
    """Return what is used in place of a wrong value that is no asset, in column form, and which that is.

    Of numbers beyond the limits of the field it is the nearest within them, of all else the default.
    """
    nearest = _nearest(node, spec) if spec.kind.numeric else None
    value = spec.default if nearest is None else nearest
    column = spec.column_value(value)
    shown = write(plain_value(spec.file_value(column))).strip()
    return column, f"its default, {shown}," if nearest is None else f"the nearest, {shown},"


def _nearest(node: Node, spec: FieldSpec) -> Any:
    """Return the numbers within the limits that are nearest to those of a node, in file form, or None."""
    read = integer if spec.kind is FieldKind.INT else number
    try:
        written = (node,) if spec.kind.width == 1 else tuple(expect(node, Kind.LIST))
        numbers = [_limited(read(each), spec) for each in written]
        value = numbers if spec.kind.width > 1 else numbers[0]
        spec.column_value(value)
    except (InputError, ValueError):
        return None  # no numbers, not so many, or beyond what a float holds
    return value


def _limited(value: float, spec: FieldSpec) -> float:
    """Return the nearest number within the limits of a field."""
    low = value if spec.minimum is None else spec.minimum
    high = value if spec.maximum is None else spec.maximum
    return max(low, min(value, high))


class ValueReader:
    """Reads one field of many rows; a text that was read before costs one look-up.

    `instead` returns what is used in place of a wrong value, and which that is, for its problem.
    `wrong` are the rows of the nodes with errors.
    """

    def __init__(
        self, document: Document, read: Callable[[Node], Any], instead: Callable[[Node], tuple[Any, str]]
    ) -> None:
        self._document = document
        self._read = read
        self._instead = instead
        self._seen: dict[str, Any] = {}
        self.wrong: set[int] = set()

    def value(self, row: int, problems: list[InputError]) -> Any:
        """Return the value of a node by its row; appends errors to `problems`."""
        content = self._document.columns.contents[row]
        if isinstance(content, str) and content in self._seen:
            return self._seen[content]
        node = Node(self._document, row)
        try:
            value = self._read(node)
        except InputError as error:
            instead, shown = self._instead(node)
            problems.append(using(error, shown))
            self.wrong.add(row)
            return instead
        if isinstance(content, str):
            self._seen[content] = value
        return value


def using(error: InputError, shown: str) -> InputError:
    """Return the problems of a value, each with what is used in place of it; without, if that is empty."""
    return InputError(_using(problem, shown) if shown else problem for problem in error.problems)


def _using(problem: Problem, shown: str) -> Problem:
    gap = " " if problem.help.endswith("?") else "; " if problem.help else ""
    return replace(problem, help=f"{problem.help}{gap}{shown} is used now")
