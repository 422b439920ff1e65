"""Reads values of features from nodes in column form, each distinct text once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.assets import AssetDb, builtin_db, find_asset, has_db
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


class AssetNames:
    """Looks up `[assetDb0 cube]` in the databases of a scene; None if those have errors: reports nothing.

    While files are missing, which may have them (`is_complete`), unknown databases are no errors, and where
    there are none at all only the first is.
    """

    def __init__(self, dbs: Sequence[AssetDb] | None, *, is_complete: bool = True) -> None:
        self._dbs = dbs
        self._is_complete = is_complete
        self._builtin: AssetDb | None = None
        self._wrong = 0

    @property
    def known(self) -> bool:
        """Whether there are databases to look up in."""
        return self._dbs is not None

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
        if self._dbs is None:
            return NO_ASSET
        dbs = self._known(parts[0])
        is_cause_known = not self._is_complete or (not dbs and self._wrong > 0)
        if is_cause_known and not has_db(dbs, parts[0]):
            return NO_ASSET
        try:
            return find_asset(dbs, parts[0], parts[1], types, hint=self._wrong < MAX_HINTS).key
        except KeyError as error:
            self._wrong += 1
            message, _, hint = str(error.args[0]).partition("; ")
            raise failure("asset.reference", message, node, hint) from error

    def default(self, spec: FieldSpec) -> int:
        """Return the key of a field's default asset; NO_ASSET if there is none."""
        if self._dbs is None or spec.default is None:
            return NO_ASSET
        db, asset = spec.default
        try:
            return find_asset(self._known(db), db, asset, spec.asset_types).key
        except KeyError:
            return NO_ASSET

    def _known(self, name: str) -> Sequence[AssetDb]:
        assert self._dbs is not None
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
        raise failure("value.range", f"'{node.key}' must be {spec.range_text()} in each number", node)
    if len(numbers) > kind.width:
        raise failure("value.count", f"'{node.key}' has {len(numbers)} numbers, at most {kind.width}", node)
    values = np.full(kind.width, NOT_GIVEN)
    values[: len(numbers)] = numbers
    if spec.nonzero and not values.any():
        message = f"'{node.key}' must be a direction, not {kind.width} zeros"
        raise failure("value.range", message, node, f"write `{spec.name}: [0 1 0]`")
    return values


class ValueReader:
    """Reads one field of many rows; a text that was read before costs one look-up."""

    def __init__(self, document: Document, read: Callable[[Node], Any], otherwise: Any) -> None:
        self._document = document
        self._read = read
        self._otherwise = otherwise
        self._seen: dict[str, Any] = {}

    def value(self, row: int, problems: list[InputError]) -> Any:
        """Return the value of a node by its row; appends errors to `problems`."""
        content = self._document.columns.contents[row]
        if isinstance(content, str) and content in self._seen:
            return self._seen[content]
        try:
            value = self._read(Node(self._document, row))
        except InputError as error:
            problems.append(error)
            return self._otherwise
        if isinstance(content, str):
            self._seen[content] = value
        return value
