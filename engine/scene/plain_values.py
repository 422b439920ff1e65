"""Objects, features and values as plain Python in file form, for writing."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetDb, AssetRef, find_asset
from engine.assets.names import BUILTIN
from engine.humon import InputError, Problem
from engine.math import euler_xyz_degrees, to_euler_xyz_degrees
from engine.tableau import NO_ASSET, FeatureSchema, FieldKind, FieldSpec

FLAGS = ("active", "enabled")
IDENTITY = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}


class FeatureValues(Protocol):
    """A feature table, or a copy of one."""

    @property
    def schema(self) -> FeatureSchema:
        """The schema of the feature."""

    def flags(self, name: str) -> NDArray[np.bool_]:
        """The column active or enabled."""

    def column(self, name: str) -> NDArray[Any]:
        """The column of a field."""

    def row_of(self, object_row: int) -> int | None:
        """The row of an object's feature, or None."""

    def place(self, row: int) -> tuple[int, int]:
        """What orders the features of one object: line and column in its file, the highest for none."""


class ObjectValues(Protocol):
    """A tableau, or a copy of what it held."""

    @property
    def tables(self) -> Mapping[str, FeatureValues]:
        """The feature tables by type."""

    def flags(self, name: str) -> NDArray[np.bool_]:
        """The column active or enabled."""

    def value(self, column: str, row: int) -> NDArray[np.floating]:
        """One object's translation, rotation or scale."""

    def name_of(self, row: int) -> str:
        """The name of an object."""


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


def euler_of(rotation: NDArray[np.floating]) -> list[int | float]:
    """Return a unit quaternion as degrees about X, then Y, then Z: to 1e-4, or finer where that differs."""
    angles = to_euler_xyz_degrees(rotation)
    rounded = np.round(angles, 4)
    again = euler_xyz_degrees(rounded)
    if np.abs(again - np.where(again @ rotation < 0, -1, 1) * rotation).max() < 1e-8:
        angles = rounded
    return [plain_number(float(each)) for each in angles]


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


def plain_feature(table: FeatureValues, row: int, dbs: Sequence[AssetDb]) -> dict[str, Any]:
    """Return a feature: its type, and the values that differ from the defaults."""
    plain: dict[str, Any] = {"@type": table.schema.type_name}
    for flag in FLAGS:
        if not table.flags(flag)[row]:
            plain[flag] = False
    for spec in table.schema.fields:
        value = table.column(spec.name)[row]
        if spec.kind is FieldKind.ASSET:
            if value != NO_ASSET or spec.default:
                plain[spec.name] = plain_asset(int(value), spec, dbs)
        elif not np.array_equal(value, np.asarray(spec.column_default(), spec.kind.dtype)):
            plain[spec.name] = plain_field(spec, value, dbs)
    return plain


def plain_field(spec: FieldSpec, value: Any, dbs: Sequence[AssetDb]) -> Any:
    """Return a value of a field, given in column form."""
    if spec.kind is FieldKind.ASSET:
        return plain_asset(int(value), spec, dbs)
    return plain_value(spec.file_value(value))


def plain_features(objects: ObjectValues, row: int, dbs: Sequence[AssetDb]) -> list[dict[str, Any]]:
    """Return the features of an object."""
    found = [(table, at) for table in objects.tables.values() if (at := table.row_of(row)) is not None]
    found.sort(key=lambda each: each[0].place(each[1]))
    return [plain_feature(table, at, dbs) for table, at in found]


def plain_object(
    objects: ObjectValues,
    row: int,
    dbs: Sequence[AssetDb],
    children: Callable[[int], Iterable[int]],
    leave_out: Container[int] = (),
    exact: bool = False,
) -> dict[str, Any]:
    """Return an object with its features and descendants: the values that differ from the defaults.

    `children` returns the rows of an object's children; descendants in `leave_out` are not among them. With
    `exact`, rotations are quaternions, which are read as the same bits again.
    """
    plain: dict[str, Any] = {}
    for name, default in IDENTITY.items():
        value = objects.value(name, row)
        if tuple(value.tolist()) != default and name == "rotation" and not exact:
            plain["euler"] = euler_of(value)
        elif tuple(value.tolist()) != default:
            plain[name] = plain_value(value)
    for flag in FLAGS:
        if not objects.flags(flag)[row]:
            plain[flag] = False
    features = plain_features(objects, row, dbs)
    if features:
        plain["features"] = features
    below = [each for each in children(row) if each not in leave_out]
    if below:
        plain["objects"] = {
            objects.name_of(each): plain_object(objects, each, dbs, children, leave_out, exact)
            for each in below
        }
    return plain
