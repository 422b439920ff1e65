"""The tableau: the objects of a scene as columns, and a table for each feature type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.humon import Position, Problem, Severity
from engine.math import decompose
from engine.tableau import activity, companions, transforms
from engine.tableau.activity import FLAGS, Activity
from engine.tableau.bindings import Bindings
from engine.tableau.clock import Clock
from engine.tableau.columns import Columns, Rows
from engine.tableau.editing.rearranging import Rearranging
from engine.tableau.gaps import AllGaps
from engine.tableau.handles import ObjectHandle, StaleHandle
from engine.tableau.pose import Pose
from engine.tableau.schema import FeatureSchema
from engine.tableau.table import FeatureTable
from engine.tableau.transforms import Fault, Transforms
from engine.tableau.tree import ROOT, Tree, default_names

Locate = Callable[[Position, str], tuple[Position, str]]  # of feature and field: place and excerpt
Objects = Rows | slice | ObjectHandle | Iterable[ObjectHandle] | None
"""The objects of a bulk call: rows, a slice of rows, handles, or None for all."""


class Tableau:
    """Objects, their transforms, their flags and their features.

    Read by columns (`tableau.origin`, `tableau.tables["light"]`) or by handles (`tableau["camera/reticle"]`);
    columns are read-only views, valid until objects are added. Change through handles or the bulk calls.

    `moves` has the objects whose placements `update_world` has changed, `reshapes` those with other axes; who
    changes shapes notes those in both. `turns` has those found mirrored, or no longer mirrored.

    `place` is where a file has the tableau, None if a program made it; `locate` finds fields in the file,
    `gaps` are what is left out of each, by the row of its root. `clock` is the time of its features,
    `bindings` looks up numbers of fields by their paths.

    A version that has not changed means that there is nothing to do: `structure_version` (objects and
    features added or removed, active, enabled), `values_version` (fields of features), `world_version`.
    """

    def __init__(self, schemas: Iterable[FeatureSchema] = (), name: str = "") -> None:
        self.name = name
        self.clock = Clock()
        self.bindings = Bindings(self)
        self.structure_version = self.values_version = 0
        self._numbered = 0  # no number below it names another object, as rows are used again
        self.files: list[str] = []
        self.place: Position | None = None
        self.locate: Locate = lambda place, field: (place, "")
        self.warnings: list[Problem] = []
        self.gaps = AllGaps()
        self._file_numbers: dict[str, int] = {}
        self._columns = Columns(
            {
                "parent": (np.int32, (), ROOT),
                "level": (np.int32, (), -1),
                "children": (np.int32, (), 0),
                "rank": (np.int64, (), 0),
                "generation": (np.int32, (), None),
                "warned": (np.uint8, (), 0),
                "file": (np.int32, (), -1),
                "line": (np.int32, (), 0),
                "column": (np.int32, (), 0),
                **transforms.COLUMNS,
                **activity.COLUMNS,
            }
        )
        self._tree = Tree(self._columns)
        self.names: Sequence[str] = self._tree.names  # by row, empty in free ones; not to be changed
        self._transforms = Transforms(self._columns, self._tree, self._warn)
        self.moves, self.reshapes = self._transforms.moves, self._transforms.reshapes
        self.turns = self._transforms.turns
        self._activity = Activity(self._columns, self._tree, self._activity_changed)
        self.pending = self._activity.pending  # objects whose effective flags `flush` updates
        self.rearranging = Rearranging(self, self._columns, self._tree, self._transforms, self._activity)
        self.tables: dict[str, FeatureTable] = {
            schema.type_name: FeatureTable(self, schema) for schema in schemas
        }

    # -- objects -----------------------------------------------------------------------------------

    def add_object(
        self,
        name: str,
        parent: ObjectHandle | str | None = None,
        *,
        translation: ArrayLike = (0.0, 0.0, 0.0),
        rotation: ArrayLike = (0.0, 0.0, 0.0, 1.0),
        scale: ArrayLike = (1.0, 1.0, 1.0),
        active: bool = True,
        enabled: bool = True,
        features: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> ObjectHandle:
        """Add one object; `features` are fields in file form by type name, including `active` and `enabled`.

        Raises ValueError for an invalid value or name or a duplicate name, KeyError for an unknown feature,
        field or parent; nothing is added then.
        """
        given = (features or {}).items()
        prepared = [(table := self._table(kind), table.row_values(fields)) for kind, fields in given]
        companions.check_new((table.schema for table, _ in prepared), name)
        rows = self.add_objects(
            names=[name],
            parent=parent,
            translation=translation,
            rotation=rotation,
            scale=scale,
            active=active,
            enabled=enabled,
        )
        for table, (values, flags) in prepared:
            table.add(rows, values, active=flags["active"], enabled=flags["enabled"])
        return self.handle(int(rows[0]))

    def add_objects(
        self,
        count: int | None = None,
        *,
        names: Sequence[str] | None = None,
        prefix: str = "object",
        parent: ObjectHandle | str | Rows | None = None,
        transforms: ArrayLike | None = None,
        translation: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        active: ArrayLike = True,
        enabled: ArrayLike = True,
        positions: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    ) -> Rows:
        """Add many objects at once and return their rows.

        Their number follows from `count`, `names`, `transforms` (matrices [n, 4, 4] as stored, without shear)
        or `translation` [n, 3]. `parent` is one for all, or a row for each (-1: at the top). Without `names`,
        names are `prefix` and a number. `positions` are (file, line, column) with files as numbers from
        `file_number`. Raises as `add_object` does.
        """
        if transforms is not None:
            translation, rotation, scale = decompose(transforms)
        count = _object_count(count, names, translation)
        if names is None:
            first = max(self._columns.count, self._numbered)
            names, self._numbered = default_names(prefix, count, first), first + count
        if len(names) != count:
            raise ValueError(f"{len(names)} names for {count} objects")
        rows = self._tree.add(names, self._parent_rows(parent))
        if positions is not None:
            self.set_positions(rows, positions)
        self._transforms.add(rows, translation, rotation, scale)
        for flag, value in (("active", active), ("enabled", enabled)):
            self._columns[flag][rows] = value
        self._activity.mark(rows)
        self.structure_version += 1
        return rows

    def remove(self, target: ObjectHandle | str) -> None:
        """Remove an object with its features and all its descendants. Their handles become stale."""
        row = target.row if isinstance(target, ObjectHandle) else self._tree.find(target)
        gone = self._tree.subtree(row)
        for table in self.tables.values():
            table.remove(np.sort(table.rows_of(gone)))
        self._tree.remove(row)
        self.structure_version += 1

    def __len__(self) -> int:
        return self._columns.used

    def __getitem__(self, path: str) -> ObjectHandle:
        return self.handle(self._tree.find(path))

    def __contains__(self, path: object) -> bool:
        try:
            self._tree.find(str(path))
        except KeyError:
            return False
        return True

    def handle(self, row: int) -> ObjectHandle:
        """Return the handle of an object by its row. Raises StaleHandle for a row without an object."""
        if not 0 <= row < self._columns.count or self._columns["level"][row] < 0:
            raise StaleHandle(f"row {row} has no object")
        return ObjectHandle(self, row, int(self._columns["generation"][row]))

    def children(self, parent: ObjectHandle | None = None) -> tuple[ObjectHandle, ...]:
        """Return the children of an object, or the objects at the top, in order."""
        return tuple(self.handle(row) for row in self._tree.children(ROOT if parent is None else parent.row))

    def rows(self) -> Rows:
        """Return the rows of all objects, ascending."""
        return np.flatnonzero(self._tree.alive).astype(np.int32)

    def path(self, row: int) -> str:
        """Return the path of an object by its row."""
        return self._tree.path(row)

    @property
    def tree_version(self) -> int:
        """A number that rises when objects are added, removed, renamed or put below others."""
        return self._tree.version

    def name_of(self, row: int) -> str:
        """Return the name of an object by its row; empty for a free row."""
        return self._tree.names[row]

    def parent_of(self, row: int) -> int:
        """Return the row of an object's parent, -1 at the top."""
        return int(self._columns["parent"][row])

    def generation_of(self, row: int) -> int:
        """Return how many objects have been removed from a row, which identifies stale handles."""
        return int(self._columns["generation"][row])

    def position(self, row: int) -> Position | None:
        """Return the position of an object in a `.hu` file; None if a program created it."""
        file = int(self._columns["file"][row])
        if file < 0:
            return None
        return Position(self.files[file], int(self._columns["line"][row]), int(self._columns["column"][row]))

    @property
    def has_unpositioned(self) -> bool:
        """Whether an object or a feature has no position in a file, since a program created it."""
        objects = (self._columns["file"] < 0) & (self._columns["level"] >= 0)
        return bool(objects.any()) or any(table.has_unpositioned for table in self.tables.values())

    def set_positions(self, rows: Rows, positions: tuple[ArrayLike, ArrayLike, ArrayLike]) -> None:
        """Set the positions of objects: (file, line, column), files as numbers from `file_number`."""
        for column, values in zip(("file", "line", "column"), positions, strict=True):
            self._columns[column][rows] = values

    def positions(self, rows: Rows) -> list[NDArray[np.int32]]:
        """Return the positions of objects, as `set_positions` takes them."""
        return [self._columns[name][rows] for name in ("file", "line", "column")]

    def file_number(self, name: str) -> int:
        """Return the number of a file in position columns."""
        number = self._file_numbers.get(name)
        if number is None:
            number = self._file_numbers[name] = len(self.files)
            self.files.append(name)
        return number

    # -- columns -----------------------------------------------------------------------------------

    @property
    def parent(self) -> NDArray[np.int32]:
        """The row of each object's parent, -1 at the top, int32[n]."""
        return self._read_only("parent")

    @property
    def level(self) -> NDArray[np.int32]:
        """The depth of each object, 0 at the top, -1 in rows without an object, int32[n]."""
        return self._read_only("level")

    @property
    def rank(self) -> NDArray[np.int64]:
        """What orders the children of one object, ascending, int64[n]."""
        return self._read_only("rank")

    @property
    def generation(self) -> NDArray[np.int32]:
        """How many objects have been removed from each row, int32[n]."""
        return self._read_only("generation")

    @property
    def translation(self) -> NDArray[np.float64]:
        """Metres from the parent's origin, float64[n, 3]."""
        return self._read_only("translation")

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Unit quaternions x y z w, float64[n, 4]."""
        return self._read_only("rotation")

    @property
    def scale(self) -> NDArray[np.float32]:
        """Factors along the objects' own axes, float32[n, 3]."""
        return self._read_only("scale")

    @property
    def origin(self) -> NDArray[np.float64]:
        """Where in the world each object's origin is, float64[n, 3] metres, of the last `update_world`."""
        return self._read_only("origin")

    @property
    def placement(self) -> NDArray[np.float32]:
        """What shaders read of each object, float32[n, 4, 4], of the last `update_world`: see Transforms."""
        return self._read_only("placement")

    @property
    def mirrored(self) -> NDArray[np.bool_]:
        """Whether each object is mirrored in the world, bool[n], of the last `update_world`."""
        return self._read_only("mirrored")

    def world(self, objects: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return world matrices of objects, float64[k, 4, 4] as stored, of the last `update_world`."""
        made: NDArray[np.float64] = self._columns["placement"][objects].astype(np.float64)
        made[:, :3, 3], made[:, 3, 3] = 0.0, 1.0
        made[:, 3, :3] = self._columns["origin"][objects]
        return made

    def value(self, column: str, row: int) -> NDArray[np.floating]:
        """Return a copy of one object's translation, rotation or scale."""
        return np.array(self._columns[column][row])

    def flags(self, name: str) -> NDArray[np.bool_]:
        """Return the column active, enabled, effective_active or effective_enabled; read-only."""
        if name.startswith("effective"):
            self.flush()
        return self._read_only(name)

    def _read_only(self, name: str) -> NDArray[Any]:
        return self._columns.read_only(name)

    # -- transforms --------------------------------------------------------------------------------

    @property
    def features_version(self) -> tuple[int, int]:
        """A value that is another whenever a row of a feature table may have changed, or will by `flush`."""
        return self.structure_version, self.values_version

    @property
    def world_version(self) -> int:
        """A number that rises with `moves`."""
        return self.moves.version

    @property
    def own_version(self) -> int:
        """A number that rises when `set_transforms` sets a value, but not when features move an object."""
        return self._transforms.own_version

    @property
    def pose(self) -> Pose:
        """What objects that features move as time passes have in place of their own transforms."""
        return self._transforms.pose

    def set_transforms(
        self,
        objects: Objects = None,
        *,
        translation: ArrayLike | None = None,
        rotation: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        """Set transforms of many objects: values [n, 3], [n, 4] and [n, 3], or one for all of them."""
        self._transforms.set(self._rows(objects), translation, rotation, scale)

    def move(self, rows: Rows, values: Mapping[str, NDArray[np.floating]]) -> None:
        """Let exactly these objects (ascending rows) have a pose, see `Pose.set`."""
        self._transforms.move(rows, values)

    def update_world(self) -> NDArray[np.int64]:
        """Update the placements of moved objects and their descendants, level by level.

        Returns the changed rows as ascending ranges int64[k, 2] (first row, row after the last).
        """
        return self._transforms.update()

    # -- active and enabled ------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """The tableau's own flag: if False, no feature is active."""
        return self._activity.tableau_flag("active")

    @active.setter
    def active(self, value: bool) -> None:
        self.structure_version += self._activity.set_tableau_flag("active", value)

    @property
    def enabled(self) -> bool:
        """The tableau's own flag: if False, no feature is enabled."""
        return self._activity.tableau_flag("enabled")

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.structure_version += self._activity.set_tableau_flag("enabled", value)

    def set_flag(self, name: str, objects: Objects, value: bool | NDArray[np.bool_]) -> None:
        """Set active or enabled of many objects."""
        if name not in FLAGS:
            raise KeyError(f"an object has the flags active and enabled, not {name}")
        self.structure_version += self._activity.set(self._rows(objects), name, value)

    def flush(self) -> None:
        """Update the effective flags; reading them through `flags` does it too."""
        self._activity.flush()

    def effective(self, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return copies of the effective flags (active, enabled) of objects, of the last `flush`."""
        return self._columns["effective_active"][rows], self._columns["effective_enabled"][rows]

    def _activity_changed(self, objects: Rows) -> None:
        for table in self.tables.values():
            table.refresh(table.rows_of(objects))

    # -- features ----------------------------------------------------------------------------------

    def add_feature(self, type_name: str, objects: Objects, values: Mapping[str, Any] | None = None) -> Rows:
        """Add a feature to objects, with the same fields (file form, including `active` and `enabled`).

        Returns the rows in the feature's table. Raises KeyError for an unknown feature or field, ValueError
        for a wrong value, an object that has the feature already, lacks one that it requires or has one that
        it conflicts with.
        """
        table = self._table(type_name)
        columns, flags = table.row_values(values or {})
        rows = self._rows(objects)
        for required, without in companions.lacking(table.schema, rows, self.has_feature):
            raise ValueError(companions.requires_text(type_name, self.path(int(without[0])), required))
        others = (other.schema for other in self.tables.values())
        for conflict, having in companions.conflicting(table.schema, others, rows, self.has_feature):
            raise ValueError(companions.conflicts_text(type_name, self.path(int(having[0])), conflict))
        return table.add(rows, columns, active=flags["active"], enabled=flags["enabled"])

    def remove_feature(self, type_name: str, objects: Objects) -> None:
        """Remove a feature from objects; those without it do not change.

        Raises ValueError if another feature of one of them requires it.
        """
        table = self._table(type_name)
        rows = self._rows(objects)
        for other in self.tables.values():
            if type_name in other.schema.requires:
                held = rows[self.has_feature(other.type_name, rows) & self.has_feature(type_name, rows)]
                if len(held):
                    raise ValueError(
                        companions.requires_text(other.type_name, self.path(int(held[0])), type_name)
                    )
        table.remove(np.sort(table.rows_of(rows)))

    def has_feature(self, type_name: str, objects: Rows) -> NDArray[np.bool_]:
        """Return a mask of these objects, given by their rows, that have a feature of a type."""
        table = self.tables.get(type_name)
        return np.zeros(len(objects), np.bool_) if table is None else table.owned_by(objects)

    def _table(self, type_name: str) -> FeatureTable:
        table = self.tables.get(type_name)
        if table is None:
            raise KeyError(f"there is no feature {type_name}; known: {', '.join(sorted(self.tables))}")
        return table

    # -- inside ------------------------------------------------------------------------------------

    def _rows(self, objects: Objects) -> Rows:
        if objects is None:
            return self.rows()
        if isinstance(objects, ObjectHandle):
            return np.array((objects.row,), np.int32)
        if isinstance(objects, slice):
            return np.arange(*objects.indices(self._columns.count), dtype=np.int32)
        if isinstance(objects, np.ndarray):
            return objects.astype(np.int32, copy=False)
        return np.fromiter((handle.row for handle in objects), np.int32)

    def _parent_rows(self, parent: ObjectHandle | str | Rows | None) -> int | Rows:
        if parent is None:
            return ROOT
        if isinstance(parent, str):
            return self._tree.find(parent)
        if isinstance(parent, ObjectHandle):
            return parent.row
        rows = parent.astype(np.int32, copy=False)
        below = rows[rows != ROOT]
        if len(below) and (below.max() >= self._columns.count or (self._columns["level"][below] < 0).any()):
            raise StaleHandle("a parent's row has no object")
        return rows

    def _warn(self, rows: Rows, fault: Fault) -> None:
        """Report what is wrong with the transforms of objects, once for each."""
        warned = self._columns["warned"]
        fresh = rows[warned[rows] & fault.bit == 0]
        warned[fresh] |= fault.bit
        for row in fresh.tolist():
            self.warnings.append(
                Problem(
                    fault.code,
                    f"object '{self.path(row)}' has a {fault.what}; {fault.done}",
                    self.position(row),
                    help=fault.help,
                    severity=Severity.WARNING,
                )
            )


def _object_count(count: int | None, names: Sequence[str] | None, translation: ArrayLike | None) -> int:
    if count is not None:
        return count
    if names is not None:
        return len(names)
    if translation is None:
        raise ValueError("give the number of objects by count, names, transforms or translation")
    return len(np.atleast_2d(np.asarray(translation)))
