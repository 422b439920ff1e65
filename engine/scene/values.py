"""Reads values of features from nodes in column form, each distinct text once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.assets import AssetDb, builtin_db, find_asset
from engine.assets.limits import MAX_HINTS
from engine.assets.names import BUILTIN
from engine.humon import (
    Document,
    InputError,
    Node,
    boolean,
    choice,
    failure,
    integer,
    number,
    text,
    texts,
    vector,
)
from engine.scene.vectors import read_vector
from engine.tableau import NO_ASSET, FieldKind, FieldSpec
from engine.tableau.schema import FLOAT32_MAX, NOT_GIVEN

LOST = NO_ASSET - 1
"""The key of an asset of a database that is not there, which is reported once for all that name it."""


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
        parts = texts(node)
        if len(parts) != 2:
            raise failure(
                "asset.reference",
                f"'{node.key}' must name an asset by its database and its name or index",
                node,
                "write `[assetDb0 cube]` or `[assetDb0 0]`",
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
            raise failure("asset.reference", message, node, hint) from error

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
    """Return a value of a field in column form.

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
        return assets.find(node, spec.asset_types)
    low = -FLOAT32_MAX if spec.minimum is None else spec.minimum
    high = FLOAT32_MAX if spec.maximum is None else spec.maximum
    if kind is FieldKind.INT:
        return integer(node, int(low), int(high))
    if kind.width == 1:
        value = number(node, low, high)
        return math.radians(value) if kind is FieldKind.ANGLE else value
    numbers = vector(node) if kind is FieldKind.NUMBERS else read_vector(node, kind.width)
    if not all(low <= each <= high for each in numbers):
        nearest = " ".join(f"{min(max(each, low), high):g}" for each in numbers[:MAX_SHOWN])
        more = " ..." if len(numbers) > MAX_SHOWN else ""
        message = f"'{node.key}' must be {spec.range_text()} in each number"
        raise failure("value.range", message, node, f"write `{spec.name}: [{nearest}{more}]`")
    if len(numbers) > kind.width:
        message = f"'{node.key}' has {len(numbers)} numbers, at most {kind.width}"
        raise failure("value.count", message, node, f"leave out {len(numbers) - kind.width} of them")
    values = np.full(kind.width, NOT_GIVEN)
    values[: len(numbers)] = numbers
    if spec.nonzero and not values.any():
        message = f"'{node.key}' must be a direction, not {kind.width} zeros"
        raise failure("value.range", message, node, f"write `{spec.name}: [0 1 0]`")
    return values


class ValueReader:
    """Reads one field of many rows; a text that was read before costs one look-up.

    `wrong` are the rows of the nodes with errors, whose value is `otherwise`.
    """

    def __init__(self, document: Document, read: Callable[[Node], Any], otherwise: Any) -> None:
        self._document = document
        self._read = read
        self._otherwise = otherwise
        self._seen: dict[str, Any] = {}
        self.wrong: set[int] = set()

    def value(self, row: int, problems: list[InputError]) -> Any:
        """Return the value of a node by its row; appends errors to `problems`."""
        content = self._document.columns.contents[row]
        if isinstance(content, str) and content in self._seen:
            return self._seen[content]
        try:
            value = self._read(Node(self._document, row))
        except InputError as error:
            problems.append(error)
            self.wrong.add(row)
            return self._otherwise
        if isinstance(content, str):
            self._seen[content] = value
        return value
