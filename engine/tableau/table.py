"""The table of one feature type: one row per object that has the feature, one column per field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.humon import Position
from engine.tableau.activity import FLAGS
from engine.tableau.columns import Columns, Rows, distinct
from engine.tableau.journal import Journal
from engine.tableau.schema import NOT_GIVEN, FeatureSchema, FieldKind

if TYPE_CHECKING:
    from engine.tableau.tableau import Tableau

FIELD = "field."


class FeatureTable:
    """All features of one type in a tableau. A feature is a row; an object has at most one of each type.

    Other columns than fields: object (row of the object, -1 in a free row), active and enabled (the
    feature's own), failed (switched off because its code raised), effective_active and effective_enabled
    (including the object and its ancestors). Asset columns hold int64 keys (NO_ASSET: none), angle columns
    radians, choice columns indices.

    `version` rises with every change; `changes` has the changed rows, effective flags included.
    """

    def __init__(self, tableau: Tableau, schema: FeatureSchema) -> None:
        self.schema = schema
        self.changes = Journal()
        self._tableau = tableau
        self._pending = tableau.pending
        specs: dict[str, tuple[Any, tuple[int, ...], Any]] = {
            "object": (np.int32, (), -1),
            "active": (np.bool_, (), True),
            "enabled": (np.bool_, (), True),
            "failed": (np.bool_, (), False),
            "effective_active": (np.bool_, (), False),
            "effective_enabled": (np.bool_, (), False),
            "file": (np.int32, (), -1),
            "line": (np.int32, (), 0),
            "column": (np.int32, (), 0),
        }
        for spec in schema.fields:
            shape = (spec.kind.width,) if spec.kind.width > 1 else ()
            specs[FIELD + spec.name] = (spec.kind.dtype, shape, spec.column_default())
        self._columns = Columns(specs)
        self._row_of = np.full(16, -1, np.int32)
        self._cached: dict[str, tuple[int, NDArray[np.int32]]] = {}
        self._plain: tuple[int, int, Mapping[str, Any]] | None = None

    @property
    def type_name(self) -> str:
        """The feature's type, the value of `@type`."""
        return self.schema.type_name

    # -- reading -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._columns.used

    @property
    def version(self) -> int:
        """Rises with every change of a row, its effective flags included."""
        if self._pending:
            self._tableau.flush()
        return self.changes.version

    @property
    def object(self) -> NDArray[np.int32]:
        """The object row of each feature row; -1 in a free row."""
        return self._read_only("object")

    def column(self, name: str) -> NDArray[Any]:
        """Return the column of a field, one value per row; read-only, valid until the table changes.

        Raises KeyError with the nearest field for an unknown name.
        """
        if name not in self.schema.by_name:
            raise KeyError(self.schema.unknown_field(name))
        return self._read_only(FIELD + name)

    def values(self, row: int) -> Mapping[str, Any]:
        """Return the fields of a row as plain numbers and lists of numbers, as columns have them."""
        if self._plain is None or self._plain[:2] != (self.version, row):
            made = {spec.name: self._columns[FIELD + spec.name][row].tolist() for spec in self.schema.fields}
            self._plain = self.version, row, made
        return self._plain[2]

    def flags(self, name: str) -> NDArray[np.bool_]:
        """Return the column active, enabled, failed, effective_active or effective_enabled; read-only."""
        if name.startswith("effective"):
            self._tableau.flush()
        return self._read_only(name)

    def rows_active(self) -> NDArray[np.int32]:
        """Return the rows whose memory is planned, ascending: active, not failed, on an active object."""
        return self._rows("effective_active")

    def rows_enabled(self) -> NDArray[np.int32]:
        """Return the rows that take part in this frame, ascending: active, enabled, on an enabled object."""
        return self._rows("effective_enabled")

    def row_of(self, object_row: int) -> int | None:
        """Return the row of an object's feature, or None."""
        row = int(self._row_of[object_row]) if object_row < len(self._row_of) else -1
        return row if row >= 0 else None

    def owned_by(self, objects: Rows) -> NDArray[np.bool_]:
        """Return a mask of these objects that have the feature."""
        inside = objects < len(self._row_of)
        found = np.zeros(len(objects), np.bool_)
        found[inside] = self._row_of[objects[inside]] >= 0
        return found

    def rows_of(self, objects: Rows) -> Rows:
        """Return the rows of these objects' features, without objects that have none."""
        if len(objects) and objects.max() >= len(self._row_of):
            objects = objects[objects < len(self._row_of)]
        rows: Rows = self._row_of[objects]
        return rows if len(rows) and rows.min() >= 0 else rows[rows >= 0]

    def nearest_above(self, objects: Rows) -> Rows:
        """Return for each object the row of its own feature, else of its nearest ancestor; -1 for none."""
        found, now = np.full(len(objects), -1, np.int32), np.asarray(objects, np.int32)
        searched = np.arange(len(objects))
        while len(searched):
            owned = self.owned_by(now)
            found[searched[owned]] = self._row_of[now[owned]]
            above = self._tableau.parent[now]
            left = ~owned & (above >= 0)
            searched, now = searched[left], above[left]
        return found

    def position(self, row: int) -> Position | None:
        """Return the position of the feature in a `.hu` file; None if a program created it."""
        file = int(self._columns["file"][row])
        if file < 0:
            return None
        return Position(
            self._tableau.files[file], int(self._columns["line"][row]), int(self._columns["column"][row])
        )

    def place(self, row: int) -> tuple[int, int]:
        """Return what orders the features of one object: line and column, the highest without a file."""
        if self._columns["file"][row] < 0:
            return (1 << 31, 0)
        return int(self._columns["line"][row]), int(self._columns["column"][row])

    def located(self, row: int, field: str = "") -> tuple[Position | None, str]:
        """Return the position of a field's value in a `.hu` file, and its line with a caret under it.

        It is that of the feature where the file does not give the field; the line is empty where it is not
        known, and there is no position where a program created the feature.
        """
        place = self.position(row)
        return (None, "") if place is None else self._tableau.locate(place, field)

    @property
    def has_unpositioned(self) -> bool:
        """Whether a feature has no position in a file."""
        return bool(((self._columns["file"] < 0) & (self._columns["object"] >= 0)).any())

    def path(self, row: int) -> str:
        """Return the path of the object with this row; empty for a free row."""
        owner = int(self._columns["object"][row])
        return self._tableau.path(owner) if owner >= 0 else ""

    def row_values(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bool]]:
        """Return fields in column form and flags from those of one row in file form.

        Raises KeyError for an unknown field, ValueError for a wrong value.
        """
        values: dict[str, Any] = {}
        flags = dict.fromkeys(FLAGS, True)
        for name, value in given.items():
            if name in FLAGS:
                flags[name] = bool(value)
            elif name in self.schema.by_name:
                values[name] = self.schema.by_name[name].column_value(value)
            else:
                raise KeyError(self.schema.unknown_field(name))
        return values, flags

    # -- changing ----------------------------------------------------------------------------------

    def add(
        self,
        objects: Rows,
        values: Mapping[str, ArrayLike] | None = None,
        *,
        active: ArrayLike = True,
        enabled: ArrayLike = True,
        failed: ArrayLike = False,
        positions: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    ) -> Rows:
        """Add the feature to objects; `values` are in column form, one each or one for all.

        `positions` are (file, line, column), files as numbers from `Tableau.file_number`.
        Raises ValueError if an object has the feature already.
        """
        objects = np.asarray(objects, np.int32)
        taken = self.rows_of(objects)
        if len(taken) or len(distinct(objects)) != len(objects):
            raise ValueError(f"an object has at most one {self.type_name}")
        rows = self._columns.allocate(len(objects))
        self._columns["object"][rows] = objects
        self._columns["active"][rows] = active
        self._columns["enabled"][rows] = enabled
        self._columns["failed"][rows] = failed
        for name, value in (values or {}).items():
            self._columns[FIELD + name][rows] = value
        if positions is not None:
            self.set_positions(rows, positions)
        self._reserve(int(objects.max(initial=-1)) + 1)
        self._row_of[objects] = rows
        self._changed(rows)
        return rows

    def set_positions(self, rows: Rows, positions: tuple[ArrayLike, ArrayLike, ArrayLike]) -> None:
        """Set the positions of rows: (file, line, column), files as numbers from `Tableau.file_number`."""
        for name, value in zip(("file", "line", "column"), positions, strict=True):
            self._columns[name][rows] = value

    def positions(self, rows: Rows) -> list[NDArray[np.int32]]:
        """Return the positions of rows, as `set_positions` takes them."""
        return [self._columns[name][rows] for name in ("file", "line", "column")]

    def set_default_asset(self, name: str, key: int) -> None:
        """Set the default asset of a field, once the databases are loaded."""
        self._columns.set_fresh(FIELD + name, key)

    def remove(self, rows: Rows) -> None:
        """Remove the feature from the objects of these rows."""
        if not len(rows):
            return
        self._row_of[self._columns["object"][rows]] = -1
        self._columns["object"][rows] = -1
        for flag in ("effective_active", "effective_enabled"):
            self._columns[flag][rows] = False
        self._columns.free(rows)
        self._note(rows)

    def copied(self, rows: Rows) -> dict[str, NDArray[Any]]:
        """Return all columns of rows, to be added again by `add_copied`."""
        return {name: self._columns[name][rows] for name in self._columns}

    def add_copied(self, columns: Mapping[str, NDArray[Any]]) -> Rows:
        """Add features as they were when they were copied; raises as `add` does."""
        fields = {name: columns[FIELD + name] for name in self.schema.by_name}
        positions = columns["file"], columns["line"], columns["column"]
        flags = {flag: columns[flag] for flag in ("active", "enabled")}
        return self.add(columns["object"], fields, positions=positions, failed=columns["failed"], **flags)

    def set(self, name: str, rows: Rows, values: ArrayLike) -> None:
        """Set a field of many rows: column form, one value each or one for all.

        Raises KeyError for an unknown field, ValueError for a number that is not finite or out of range.
        """
        spec = self.schema.by_name.get(name)
        if spec is None:
            raise KeyError(self.schema.unknown_field(name))
        array = np.asarray(values, spec.kind.dtype)
        if spec.kind.numeric:
            numbers = np.degrees(array) if spec.kind is FieldKind.ANGLE else array
            if spec.kind is FieldKind.NUMBERS:
                numbers = numbers[numbers != NOT_GIVEN]
            slack = 1e-5 * np.abs(numbers)
            low = -np.inf if spec.minimum is None else spec.minimum
            high = np.inf if spec.maximum is None else spec.maximum
            if not (np.isfinite(numbers) & (numbers >= low - slack) & (numbers <= high + slack)).all():
                raise ValueError(f"{name} must be {spec.range_text() or 'finite'}")
            if spec.nonzero and not array.reshape(-1, spec.kind.width).any(axis=1).all():
                raise ValueError(f"{name} must not be {spec.kind.width} zeros")
        self._columns[FIELD + name][rows] = array
        self._tableau.values_version += 1
        self.changes.note(np.asarray(rows, np.int32))

    def set_flag(self, name: str, rows: Rows, value: ArrayLike) -> None:
        """Set active or enabled of many rows. Setting active clears `failed`."""
        if name not in ("active", "enabled"):
            raise KeyError(f"a feature has the flags active and enabled, not {name}")
        self._columns[name][rows] = value
        if name == "active":
            self._columns["failed"][rows] = False
        self._changed(np.asarray(rows, np.int32))

    def switch_off(self, rows: Rows) -> None:
        """Switch rows off (plan and frame) because the feature's code raised an exception."""
        self._columns["failed"][rows] = True
        self._changed(np.asarray(rows, np.int32))

    def refresh(self, rows: Rows) -> None:
        """Update the effective flags of rows after those of their objects, and log what changed."""
        self.changes.note(self._refresh(rows))

    def _refresh(self, rows: Rows) -> Rows:
        """Update the effective flags of rows; return those that have others than before."""
        column = self._columns
        owners = column["object"][rows]
        if not len(owners) or owners.min() < 0:
            rows = rows[owners >= 0]
            owners = column["object"][rows]
        if not len(rows):
            return rows
        active, enabled = self._tableau.effective(owners)
        active &= column["active"][rows] & ~column["failed"][rows]
        enabled &= active & column["enabled"][rows]
        of_active, of_enabled = column["effective_active"], column["effective_enabled"]
        differs = (of_active[rows] != active) | (of_enabled[rows] != enabled)
        of_active[rows], of_enabled[rows] = active, enabled
        changed: Rows = rows[differs]
        return changed

    def _changed(self, rows: Rows) -> None:
        self._tableau.structure_version += 1
        self.changes.note(rows)
        self._tableau.flush()
        self._refresh(rows)  # of rows that are noted already

    def _note(self, rows: Rows) -> None:
        self._tableau.structure_version += 1
        self.changes.note(rows)

    def _rows(self, flag: str) -> NDArray[np.int32]:
        version = self.version
        cached = self._cached.get(flag)
        if cached is None or cached[0] != version:
            rows = self._columns[flag].nonzero()[0].astype(np.int32)
            rows.flags.writeable = False
            cached = self._cached[flag] = (version, rows)
        return cached[1]

    def _read_only(self, name: str) -> NDArray[Any]:
        return self._columns.read_only(name)

    def _reserve(self, objects: int) -> None:
        if objects > len(self._row_of):
            grown = np.full(max(objects, 2 * len(self._row_of)), -1, np.int32)
            grown[: len(self._row_of)] = self._row_of
            self._row_of = grown
