"""The features that use each asset: those that name it, and those that draw what it is a part of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetLibrary, AssetRef
from engine.assets.records import AssetType
from engine.feature import RAISED, Registry
from engine.feature.row_assets import RowAssets, Versions
from engine.tableau import FeatureTable
from engine.tableau.tableau import Tableau
from viewer.panels.assets.asset_rows import AssetRows, references

Ints = NDArray[np.int64]


class AssetUsers:
    """Counts and lists the rows that use assets; a table is read again only when its rows have changed.

    A row uses what its fields name, what it draws (by the feature it draws as, or with another material), and
    all that these are made of, but for textures that its feature does not request: a shadow caster reads the
    texture with the holes and no other. Rows that are switched off count too.
    """

    def __init__(self, tableau: Tableau, library: AssetLibrary, features: Registry) -> None:
        self._tableau = tableau
        self._library = library
        self._features = features
        self._version = -1
        self._parts: dict[tuple[str, int], frozenset[int]] = {}
        self._assets: dict[str, RowAssets] = {}
        self._reads = 0  # how often a table was read
        self._counted: tuple[AssetRows, int, Ints] | None = None
        self._read: dict[str, tuple[Versions, Ints, Ints, list[frozenset[int]]]] = {}

    def counts(self, rows: AssetRows) -> Ints:
        """How many rows of features use each asset, int64[n]; counted again when a table has changed."""
        tables = [known for _, known in self._tables()]
        if self._counted is None or self._counted[0] is not rows or self._counted[1] != self._reads:
            counts = np.zeros(len(rows), np.int64)
            row_of = {key: row for row, key in enumerate(rows.keys.tolist())}
            for _, _, which, used in tables:
                for keys, number in zip(used, np.bincount(which, minlength=len(used)).tolist(), strict=True):
                    counts[[row_of[key] for key in keys if key in row_of]] += number
            self._counted = rows, self._reads, counts
        return self._counted[2]

    def of(self, key: int) -> list[tuple[str, int]]:
        """The features that use an asset: (type, row of its table)."""
        found: list[tuple[str, int]] = []
        for name, (_, rows, which, used) in self._tables():
            uses = np.array([key in keys for keys in used], np.bool_)
            found += [(name, row) for row in rows[uses[which]].tolist()]
        return found

    def _tables(self) -> Iterator[tuple[str, tuple[Versions, Ints, Ints, list[frozenset[int]]]]]:
        """Yield each table with assets: its rows, which combination of assets each has, what those use."""
        if self._version != self._library.version:
            self._version = self._library.version
            self._parts.clear()
            self._read.clear()
        for name, table in self._tableau.tables.items():
            if not table.schema.asset_fields:
                continue
            assets = self._assets.get(name)
            if assets is None:
                assets = self._assets[name] = RowAssets(self._tableau, table, self._library)
            version, known = assets.version, self._read.get(name)
            if known is None or known[0] != version:
                self._reads += 1
                known = self._read[name] = version, *self._combinations(table, assets)
            yield name, known

    def _combinations(
        self, table: FeatureTable, assets: RowAssets
    ) -> tuple[Ints, Ints, list[frozenset[int]]]:
        rows = np.flatnonzero(table.object >= 0)
        drawn = assets.of(rows.astype(np.int32))
        columns = [drawn, *(table.column(spec.name)[rows] for spec in table.schema.asset_fields)]
        which, first = np.zeros(len(rows), np.int64), np.zeros(0, np.int64)
        for column in columns:
            numbers = np.unique(column, return_inverse=True)[1].ravel()
            _, first, inverse = np.unique(
                which * (len(rows) + 1) + numbers, return_index=True, return_inverse=True
            )
            which = inverse.ravel()
        used = [
            frozenset(int(column[at]) for column in columns[1:])
            | self._used(table.type_name, int(drawn[at]))
            | frozenset[int]().union(
                *(
                    self._used(table.type_name, int(column[at]))
                    for spec, column in zip(table.schema.asset_fields, columns[1:], strict=True)
                    if spec not in (table.schema.drawn_field, table.schema.material_field)
                )
            )
            for at in first.tolist()
        ]
        return rows.astype(np.int64), which, used

    def _used(self, type_name: str, key: int) -> frozenset[int]:
        """The keys of an asset and of its parts that a feature uses; none for no asset."""
        found = self._parts.get((type_name, key))
        if found is None:
            found = self._parts[type_name, key] = frozenset(self._reached(type_name, key))
        return found

    def _reached(self, type_name: str, key: int) -> set[int]:
        reached: set[int] = set()
        textures: set[int] = set()
        waiting = [key] if key >= 0 else []
        while waiting:
            part = waiting.pop()
            if part in reached:
                continue
            reached.add(part)
            record = self._library.record(AssetRef.from_key(part))
            if record.type is AssetType.TEXTURE2D:
                textures.add(part)
            waiting += [self._library.kept(ref).key for ref in references(record)]
        return reached - textures | (textures & self._requested(type_name, key)) | ({key} & textures)

    def _requested(self, type_name: str, key: int) -> set[int]:
        """The keys that a feature requests for an asset; none where it raises, which the plan reports."""
        found: set[int] = set()
        if type_name in self._features:
            with suppress(*RAISED):
                ref = AssetRef.from_key(key)
                found.update(each.key for each in self._features[type_name].requirements(ref, self._library))
        return found
