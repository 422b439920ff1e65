"""What the rows of a feature draw: the asset that each names, or that another feature names on its object.

A row whose material is replaced draws a variant of its model, which is an asset like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetRef
from engine.tableau import NO_ASSET, FeatureTable, Tableau
from engine.tableau.columns import Rows, distinct
from engine.tableau.journal import Journal

if TYPE_CHECKING:
    from engine.assets import AssetLibrary

Ints = NDArray[np.int64]
Versions = tuple[int, ...]


class ChosenObjects:
    """Objects that are drawn once more by passes which are `chosen_only`: `rows`, ascending, each once."""

    def __init__(self) -> None:
        self.rows: Rows = np.zeros(0, np.int32)
        self.changes = Journal()

    def choose(self, rows: Rows) -> None:
        """Choose these objects and no others."""
        changed = np.setxor1d(self.rows, rows, assume_unique=True)
        if len(changed):
            self.rows = rows
            self.changes.note(changed)

    def has(self, objects: Rows) -> NDArray[np.bool_]:
        """Which of these objects are chosen."""
        if not len(self.rows):
            return np.zeros(len(objects), np.bool_)
        places = np.searchsorted(self.rows, objects).clip(max=len(self.rows) - 1)
        return np.asarray(self.rows[places] == objects)


class RowAssets:
    """The assets that the rows of a feature table draw, by its schema (`drawn_field`, `material_field`).

    A row without an asset draws what the feature `schema.draws_as` draws on the same object, if it has one.
    With `chosen`, rows of other objects draw nothing.
    """

    def __init__(
        self,
        tableau: Tableau,
        table: FeatureTable,
        library: AssetLibrary,
        chosen: ChosenObjects | None = None,
    ) -> None:
        self._table = table
        self._library = library
        self._chosen = chosen
        other = tableau.tables.get(table.schema.draws_as)
        self._other = RowAssets(tableau, other, library) if other is not None else None

    @property
    def version(self) -> Versions:
        """Rises with every change of a row, its own or of the other feature, and of what is chosen."""
        chosen = 0 if self._chosen is None else self._chosen.changes.version
        own = self._table.version, chosen
        return own if self._other is None else own + self._other.version

    def changed(self, since: Versions | None) -> Rows:
        """Return the rows that may draw something else than at a version; None: all rows."""
        if since is None:
            return np.arange(len(self._table.object), dtype=np.int32)
        rows = self._table.changes.since(since[0])
        if rows is not None and self._chosen is not None:
            rows = self._chosen_since(since[1], rows)
        if rows is None:
            return self.changed(None)
        if self._other is None or self._other.version == since[2:]:
            return rows
        objects = self._other._table.object[self._other.changed(since[2:])]
        following = self._table.rows_of(objects[objects >= 0])
        drawn = self._table.schema.drawn_field
        if drawn is not None:  # a row that names an asset draws that, whatever the other feature does
            following = following[self._table.column(drawn.name)[following] == NO_ASSET]
        return distinct(rows, following) if len(following) else rows

    def _chosen_since(self, version: int, rows: Rows) -> Rows | None:
        """Return rows, and those of objects that were chosen since a version or are so no longer."""
        assert self._chosen is not None
        objects = self._chosen.changes.since(version)
        if objects is None or not len(objects):
            return rows if objects is not None else None
        return distinct(rows, self._table.rows_of(objects[self._table.owned_by(objects)]))

    def of(self, rows: Rows) -> Ints:
        """Return the key of what each of these rows draws, NO_ASSET for nothing."""
        keys = self._named(rows)
        if self._chosen is not None:
            keys = np.where(self._chosen.has(self._table.object[rows]), keys, NO_ASSET)
        return keys

    def _named(self, rows: Rows) -> Ints:
        schema = self._table.schema
        if schema.drawn_field is None:
            return np.full(len(rows), NO_ASSET, np.int64)
        keys = self._table.column(schema.drawn_field.name)[rows]
        if schema.material_field is not None:
            materials = self._table.column(schema.material_field.name)[rows]
            if ((materials != NO_ASSET) & (keys != NO_ASSET)).any():
                keys = self._variants(keys, materials)
        if self._other is None or not (keys == NO_ASSET).any():
            return keys
        lacking = np.flatnonzero(keys == NO_ASSET)
        objects = self._table.object[rows[lacking]]
        lacking = lacking[self._other._table.owned_by(objects) & (objects >= 0)]
        keys = keys.copy()
        keys[lacking] = self._other.of(self._other._table.rows_of(self._table.object[rows[lacking]]))
        return keys

    def _variants(self, keys: Ints, materials: Ints) -> Ints:
        """Return the keys of these models with these materials, where there is one."""
        chosen = np.flatnonzero((materials != NO_ASSET) & (keys != NO_ASSET))
        pairs, inverse = np.unique(
            np.stack((keys[chosen], materials[chosen]), axis=1), axis=0, return_inverse=True
        )
        made = [
            self._library.variant(AssetRef.from_key(model), AssetRef.from_key(material)).key
            for model, material in pairs.tolist()
        ]
        found = keys.copy()
        found[chosen] = np.array(made, np.int64)[inverse.ravel()]
        return found
