"""Light handles to one object or one feature in the columns, without values of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.humon import Position, nearest
from engine.math import euler_xyz_degrees, to_euler_xyz_degrees
from engine.tableau.table import FeatureTable
from engine.tableau.tree import ROOT

if TYPE_CHECKING:
    from engine.tableau.tableau import Tableau


class StaleHandle(LookupError):
    """The object or the feature of a handle has been removed."""


class ObjectHandle:
    """One object: its transform, its flags, its features.

    `handle["shadowCaster"]` and `handle.shadowCaster` are its feature of that type. Raises StaleHandle on
    every use after the object has been removed. Handles of one object are equal.
    """

    __slots__ = ("generation", "index", "tableau")

    def __init__(self, tableau: Tableau, index: int, generation: int) -> None:
        self.tableau = tableau
        self.index = index
        self.generation = generation

    @property
    def alive(self) -> bool:
        """Whether the object still exists."""
        return self.tableau.generation_of(self.index) == self.generation

    @property
    def row(self) -> int:
        """The object's row in the columns. Raises StaleHandle."""
        if not self.alive:
            raise StaleHandle(f"the object of row {self.index} has been removed")
        return self.index

    @property
    def name(self) -> str:
        """The object's name among its siblings."""
        return self.tableau.name_of(self.row)

    @property
    def path(self) -> str:
        """Names from the top, joined by '/': `camera/reticle`."""
        return self.tableau.path(self.row)

    @property
    def position(self) -> Position | None:
        """Position of the object in a `.hu` file; None if a program created it."""
        return self.tableau.position(self.row)

    @property
    def parent(self) -> ObjectHandle | None:
        """The parent object; None at the top."""
        above = self.tableau.parent_of(self.row)
        return None if above == ROOT else self.tableau.handle(above)

    @property
    def children(self) -> tuple[ObjectHandle, ...]:
        """The child objects, in order."""
        return self.tableau.children(self)

    @property
    def translation(self) -> NDArray[np.floating]:
        """Metres from the parent's origin, float64[3]."""
        return self.tableau.value("translation", self.row)

    @translation.setter
    def translation(self, value: ArrayLike) -> None:
        self._set_transform(translation=value)

    @property
    def rotation(self) -> NDArray[np.floating]:
        """Unit quaternion x y z w, float64[4]."""
        return self.tableau.value("rotation", self.row)

    @rotation.setter
    def rotation(self, value: ArrayLike) -> None:
        self._set_transform(rotation=value)

    @property
    def euler(self) -> NDArray[np.float64]:
        """The rotation in degrees about X, then Y, then Z of the parent's axes, float64[3]."""
        return to_euler_xyz_degrees(self.tableau.rotation[self.row])

    @euler.setter
    def euler(self, value: ArrayLike) -> None:
        self._set_transform(rotation=euler_xyz_degrees(value))

    @property
    def scale(self) -> NDArray[np.floating]:
        """Factors along the object's own axes, float32[3]."""
        return self.tableau.value("scale", self.row)

    @scale.setter
    def scale(self, value: ArrayLike) -> None:
        self._set_transform(scale=value)

    @property
    def world(self) -> NDArray[np.float64]:
        """The world matrix, float64[4, 4] as stored, of the last `update_world`."""
        return np.asarray(self.tableau.world(np.array((self.row,)))[0])

    @property
    def active(self) -> bool:
        """The object's own flag; `effective_active` includes its ancestors."""
        return bool(self.tableau.flags("active")[self.row])

    @active.setter
    def active(self, value: bool) -> None:
        self.tableau.set_flag("active", np.array((self.row,), np.int32), _flag("active", value))

    @property
    def enabled(self) -> bool:
        """The object's own flag; `effective_enabled` includes its ancestors."""
        return bool(self.tableau.flags("enabled")[self.row])

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self.tableau.set_flag("enabled", np.array((self.row,), np.int32), _flag("enabled", value))

    @property
    def effective_active(self) -> bool:
        """Whether the object, all its ancestors and the tableau are active."""
        return bool(self.tableau.flags("effective_active")[self.row])

    @property
    def effective_enabled(self) -> bool:
        """Whether the object, all its ancestors and the tableau are enabled."""
        return bool(self.tableau.flags("effective_enabled")[self.row])

    @property
    def features(self) -> dict[str, FeatureHandle]:
        """The object's features by type name."""
        row = self.row
        return {
            name: FeatureHandle(table, self)
            for name, table in self.tableau.tables.items()
            if table.row_of(row) is not None
        }

    def __contains__(self, type_name: object) -> bool:
        table = self.tableau.tables.get(str(type_name))
        return table is not None and table.row_of(self.row) is not None

    def __getitem__(self, type_name: str) -> FeatureHandle:
        table = self.tableau.tables.get(type_name)
        if table is None or table.row_of(self.row) is None:
            close = nearest(type_name, self.features)
            hint = f"; did you mean {close}?" if close else ""
            raise KeyError(f"'{self.path}' has no {type_name}{hint}")
        return FeatureHandle(table, self)

    def __getattr__(self, name: str) -> FeatureHandle:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Iterator[FeatureHandle]:
        return iter(self.features.values())

    def _set_transform(self, **values: ArrayLike) -> None:
        self.tableau.set_transforms(np.array((self.row,), np.int32), **values)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ObjectHandle)
            and self.tableau is other.tableau
            and (self.index, self.generation) == (other.index, other.generation)
        )

    def __hash__(self) -> int:
        return hash((id(self.tableau), self.index, self.generation))

    def __repr__(self) -> str:
        return f"<object '{self.path}'>" if self.alive else "<removed object>"


class FeatureHandle:
    """One feature of one object. Its fields are attributes (and items), in file form.

    `handle.light.intensity = 2.0`, `handle.camera.fovY = 60` (degrees), `handle["camera"]["projection"]`.
    Setting raises ValueError for a wrong value, AttributeError (KeyError for items) for an unknown field.
    """

    __slots__ = ("owner", "table")

    def __init__(self, table: FeatureTable, owner: ObjectHandle) -> None:
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "owner", owner)

    table: FeatureTable
    owner: ObjectHandle

    @property
    def row(self) -> int:
        """The feature's row in its table. Raises StaleHandle."""
        row = self.table.row_of(self.owner.row)
        if row is None:
            raise StaleHandle(f"{self.table.type_name} of '{self.owner.path}' has been removed")
        return row

    @property
    def position(self) -> Position | None:
        """Position of the feature in a `.hu` file; None if a program created it."""
        return self.table.position(self.row)

    @property
    def active(self) -> bool:
        """The feature's own flag: whether its memory is planned if its object is active."""
        return bool(self.table.flags("active")[self.row])

    @property
    def enabled(self) -> bool:
        """The feature's own flag: whether it takes part in frames if its object is enabled."""
        return bool(self.table.flags("enabled")[self.row])

    @property
    def failed(self) -> bool:
        """Whether the feature is switched off because its code raised an exception."""
        return bool(self.table.flags("failed")[self.row])

    def __getitem__(self, name: str) -> Any:
        spec = self.table.schema.by_name.get(name)
        if spec is None:
            raise KeyError(self.table.schema.unknown_field(name))
        return spec.file_value(self.table.column(name)[self.row])

    def __setitem__(self, name: str, value: Any) -> None:
        rows = np.array((self.row,), np.int32)
        if name in ("active", "enabled"):
            self.table.set_flag(name, rows, _flag(name, value))
            return
        spec = self.table.schema.by_name.get(name)
        if spec is None:
            raise KeyError(self.table.schema.unknown_field(name))
        self.table.set(name, rows, spec.column_value(value))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            self[name] = value
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FeatureHandle) and self.table is other.table and self.owner == other.owner

    def __hash__(self) -> int:
        return hash((self.table.type_name, self.owner))

    def __repr__(self) -> str:
        return f"<{self.table.type_name} of {self.owner!r}>"


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return bool(value)
