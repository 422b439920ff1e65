"""Objects, features and values as plain Python in file form, for writing."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from engine.assets import AssetDb, AssetRef, find_asset
from engine.assets.names import BUILTIN
from engine.humon import InputError, Problem
from engine.tableau import NO_ASSET, FeatureTable, FieldKind, FieldSpec, Tableau

IDENTITY = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}


def plain_number(number: float) -> int | float:
    """Return the shortest number with the same float32, `2` instead of `2.0`."""
    return _plain(float(str(np.float32(number))))


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < 1e7 else value


def plain_value(value: Any) -> Any:
    """Return a value in file form as plain Python."""
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return plain_number(value)
    if isinstance(value, np.ndarray) and value.dtype == np.float64:  # a translation or a rotation
        return [_plain(each) for each in value.tolist()]
    return [plain_number(float(each)) for each in value]


def plain_asset(key: int, spec: FieldSpec, dbs: Sequence[AssetDb]) -> list[str | int]:
    """Return an asset as `[assetDb0 cube]`, with its index if its name is not unique; empty for no asset."""
    if key == NO_ASSET:
        return []
    ref = AssetRef.from_key(key)
    if ref.db == 0:
        return [BUILTIN, ref.index]
    db = next((each for each in dbs if each.id == ref.db), None)
    if db is None:
        message = f"{spec.name} names an asset of another scene file, which this one cannot name"
        raise InputError(Problem("asset.reference", message, help="use an asset of its own databases"))
    name = db[ref].name
    try:
        named = bool(name) and find_asset([db], db.name, name, spec.asset_types) == ref
    except KeyError:
        named = False
    return [db.name, name if named else ref.index]


def plain_feature(table: FeatureTable, row: int, dbs: Sequence[AssetDb]) -> dict[str, Any]:
    """Return a feature: its type, and the values that differ from the defaults."""
    plain: dict[str, Any] = {"@type": table.type_name}
    for flag in ("active", "enabled"):
        if not table.flags(flag)[row]:
            plain[flag] = False
    for spec in table.schema.fields:
        value = table.column(spec.name)[row]
        if spec.kind is FieldKind.ASSET:
            if value != NO_ASSET:
                plain[spec.name] = plain_asset(int(value), spec, dbs)
        elif not np.array_equal(value, np.asarray(spec.column_default(), spec.kind.dtype)):
            plain[spec.name] = plain_value(spec.file_value(value))
    return plain


def plain_object(
    tableau: Tableau,
    row: int,
    dbs: Sequence[AssetDb],
    features_only: bool = False,
    leave_out: Container[int] = (),
) -> dict[str, Any]:
    """Return an object with its features and descendants: the values that differ from the defaults.

    Descendants whose rows are in `leave_out` are not among them.
    """
    plain: dict[str, Any] = {}
    if not features_only:
        for name, default in IDENTITY.items():
            value = tableau.value(name, row)
            if tuple(value.tolist()) != default:
                plain[name] = plain_value(value)
        for flag in ("active", "enabled"):
            if not tableau.flags(flag)[row]:
                plain[flag] = False
    owned = {name: table.row_of(row) for name, table in tableau.tables.items()}
    features = [plain_feature(tableau.tables[name], at, dbs) for name, at in owned.items() if at is not None]
    if features or features_only:
        plain["features"] = features
    children = [each for each in tableau.children(tableau.handle(row)) if each.row not in leave_out]
    if children and not features_only:
        plain["objects"] = {
            child.name: plain_object(tableau, child.row, dbs, leave_out=leave_out) for child in children
        }
    return plain
