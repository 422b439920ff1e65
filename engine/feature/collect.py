"""Collects what the active features of a tableau require, each with all who ask for it.

A feature states its requirements for one asset, once; the statement is kept until somebody says that the
asset has changed. All rows that name the asset ask on these terms, and are attached as whole arrays. When it
is collected again into the same table, only what changed rows ask for is taken back and stated anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetRef
from engine.feature.contract import Feature
from engine.feature.feature_guard import FeatureGuard
from engine.feature.recency import STILL, Recency
from engine.feature.registry import Registry
from engine.plan.requirements.requesters import Requester, RequesterTable
from engine.plan.requirements.requirements import Requirement, RequirementTable, TermsTable
from engine.tableau import NO_ASSET, FeatureTable, Tableau
from engine.tableau.columns import Rows

if TYPE_CHECKING:
    from engine.assets import AssetLibrary

Ints = NDArray[np.int64]
ALL = -1
"""In place of a version: all rows are to be collected anew."""

NUMBERS = ("key", "size", "content", "priority")


@dataclass(frozen=True)
class Stated:
    """What one feature says of one asset: for each requirement the number of its terms, and four numbers."""

    terms: Ints
    numbers: Ints
    """Key, size, content and priority of each: int64[len(terms), 4]."""


class RequesterIds:
    """Gives each row of a feature table its requester id; a row keeps it as long as it has its object."""

    def __init__(self, tableau: Tableau, table: FeatureTable, requesters: RequesterTable) -> None:
        self.requesters = requesters
        self._tableau = tableau
        self._table = table
        self._ids = np.empty(0, np.int32)
        self._owners = np.empty((0, 2), np.int32)

    def of(self, rows: Rows) -> NDArray[np.int32]:
        """The ids of these rows; new rows are taken in as one block that is told when looked at."""
        grown = len(self._table.object) - len(self._ids)
        if grown > 0:
            self._ids = np.concatenate((self._ids, np.full(grown, -1, np.int32)))
            self._owners = np.concatenate((self._owners, np.full((grown, 2), -1, np.int32)))
        objects = self._table.object[rows]
        owners = np.stack((objects, self._tableau.generation[objects]), axis=1)
        fresh = (self._ids[rows] < 0) | (self._owners[rows] != owners).any(axis=1)
        if fresh.any():
            self._take_in(rows[fresh], owners[fresh])
        return np.asarray(self._ids[rows], np.int32)

    def known(self, rows: Rows) -> NDArray[np.int32]:
        """The ids that these rows have had so far; rows without one are left out."""
        ids = self._ids[rows[rows < len(self._ids)]]
        return np.asarray(ids[ids >= 0], np.int32)

    def _take_in(self, rows: Rows, owners: NDArray[np.int32]) -> None:
        first = self.requesters.add_block(
            len(rows), lambda index: self._report(int(rows[index]), owners[index])
        )
        self._ids[rows] = np.arange(first, first + len(rows), dtype=np.int32)
        self._owners[rows] = owners

    def _report(self, row: int, owner: NDArray[np.int32]) -> Requester:
        table, tableau = self._table, self._tableau
        there = table.object[row] == owner[0] and tableau.generation[owner[0]] == owner[1]
        if not there:
            return Requester(table.type_name, "(removed)")
        position = table.position(row)
        if position is None:
            return Requester(table.type_name, table.path(row))
        return Requester(table.type_name, table.path(row), position.file, position.line, position.column)


class RequirementCollector:
    """Collects the requirements of one tableau's active features.

    `library` is handed to the features. A feature that raises for an asset is switched off on the objects
    that name it, and reported once in `tableau.warnings`.
    """

    def __init__(self, tableau: Tableau, registry: Registry, library: AssetLibrary) -> None:
        self._tableau = tableau
        self._registry = registry
        self._library = library
        self._guard = FeatureGuard(tableau)
        self._stated: dict[tuple[str, int], Stated] = {}
        self._terms = TermsTable()
        self._ids: dict[str, RequesterIds] = {}
        self._collected: RequirementTable | None = None
        self._seen: dict[str, int] = {}
        """The version up to which each feature table has been collected."""

    def collect(self, requirements: RequirementTable) -> None:
        """Bring a table up to date with the active features: what they require, with every row that asks.

        A table that was given before is changed where rows have changed since; any other one is added to.
        """
        if requirements is not self._collected:
            self._collected = requirements
            self._seen.clear()
        for type_name, table in self._tableau.tables.items():
            feature = self._registry.get(type_name)
            if feature is not None and table.schema.asset_fields:
                self._update(feature, table, requirements)

    def _update(self, feature: Feature, table: FeatureTable, requirements: RequirementTable) -> None:
        version = table.version
        seen = self._seen.get(table.type_name)
        changed = table.changes.since(seen) if seen is not None else None
        ids = self._ids_of(table, requirements.requesters)
        if changed is None:
            changed = np.arange(len(table.object), dtype=np.int32)
        if len(changed):
            if seen is not None:
                requirements.remove(ids.known(changed))
            self._state_all(feature, table, _active(table, changed))
            self._attach(table, _active(table, changed), ids, requirements)
            version = table.version
        self._seen[table.type_name] = version

    def requesters(
        self, type_name: str, requesters: RequesterTable, limit: int | None = None
    ) -> NDArray[np.int32]:
        """Ids of the active rows of a feature type, at most `limit`: who asks for what its passes need."""
        table = self._tableau.tables[type_name]
        return self._ids_of(table, requesters).of(table.rows_active()[:limit])

    def forget(self, assets: set[AssetRef] | None = None) -> None:
        """Let features state anew what they require of these assets (None: of all), which have changed."""
        self._seen = dict.fromkeys(self._seen, ALL)
        keys = None if assets is None else {asset.key for asset in assets}
        self._stated = {} if keys is None else {k: v for k, v in self._stated.items() if k[1] not in keys}

    def until(self, requesters: RequesterTable, recency: Recency) -> Ints:
        """For each requester the time until which its row was enabled; STILL for all that are no rows."""
        until = np.full(len(requesters), STILL, np.int64)
        for name, table in self._tableau.tables.items():
            ids = self._ids.get(name)
            if ids is not None and ids.requesters is requesters:
                rows = table.rows_active()
                until[ids.of(rows)] = recency.until(table, rows)
        return until

    def switch_off(self, feature: Feature, error: Exception) -> None:
        """Switch off a feature on all objects because its code raised, and report it once."""
        self._guard.switch_off(feature, error)

    def _state_all(self, feature: Feature, table: FeatureTable, rows: Rows) -> None:
        """Have the feature state its requirements for each asset of these rows that is new to it."""
        for spec in table.schema.asset_fields:
            keys = table.column(spec.name)[rows]
            for key in _distinct(keys):
                if (feature.type_name, key) in self._stated:
                    continue
                try:
                    stated = self._split(feature.requirements(AssetRef.from_key(key), self._library))
                except Exception as error:  # noqa: BLE001 (a feature's author may raise anything)
                    self._guard.switch_off(feature, error, rows[keys == key], cause=key)
                else:
                    self._stated[feature.type_name, key] = stated

    def _split(self, requirements: Iterable[Requirement]) -> Stated:
        """Split requirements as a RequirementTable wants them."""
        stated = list(requirements)
        numbers = [[getattr(each, name) for name in NUMBERS] for each in stated]
        terms = [self._terms.id(each.terms()) for each in stated]
        return Stated(np.array(terms, np.int64), np.array(numbers, np.int64).reshape(-1, len(NUMBERS)))

    def _attach(
        self, table: FeatureTable, rows: Rows, known_ids: RequesterIds, requirements: RequirementTable
    ) -> None:
        """Add a row for each requirement of each asset and each of these rows that names the asset."""
        ids = known_ids.of(rows)
        for spec in table.schema.asset_fields:
            keys = table.column(spec.name)[rows]
            order = np.argsort(keys, kind="stable")
            starts = np.flatnonzero(np.diff(keys[order], prepend=NO_ASSET - 1))
            requesters = np.diff(starts, append=len(keys))
            stated = [self._stated.get((table.type_name, int(key))) for key in keys[order][starts]]
            known = [index for index, each in enumerate(stated) if each is not None]
            if known:
                parts = [each for each in stated if each is not None]
                self._add(parts, starts[known], requesters[known], ids[order], requirements)

    def _add(
        self,
        stated: list[Stated],
        first: Ints,
        count: Ints,
        ids: NDArray[np.int32],
        requirements: RequirementTable,
    ) -> None:
        """Add what was stated of each asset, for the requesters ids[first : first + count] of that asset."""
        sizes = [len(each.terms) for each in stated]
        terms = np.concatenate([each.terms for each in stated])
        numbers = np.concatenate([each.numbers for each in stated])
        first, count = np.repeat(first, sizes), np.repeat(count, sizes)
        for index in _distinct(terms):
            of_terms = terms == index
            asking = ids[_spans(first[of_terms], count[of_terms])]
            named = dict(zip(NUMBERS, numbers[of_terms].T, strict=True))
            requirements.add_rows(self._terms[index], requester=asking, counts=count[of_terms], **named)

    def _ids_of(self, table: FeatureTable, requesters: RequesterTable) -> RequesterIds:
        known = self._ids.get(table.type_name)
        if known is None or known.requesters is not requesters:
            known = self._ids[table.type_name] = RequesterIds(self._tableau, table, requesters)
        return known


def _active(table: FeatureTable, rows: Rows) -> Rows:
    """Those of these rows that inform the plan now."""
    return np.asarray(rows[table.flags("effective_active")[rows]], np.int32)


def _spans(first: Ints, count: Ints) -> Ints:
    """All numbers of the spans first, first + 1, ... of these lengths, one span after another."""
    ends = np.cumsum(count)
    return np.repeat(first - (ends - count), count) + np.arange(int(ends[-1]))


def _distinct(keys: Ints) -> list[int]:
    """Each value once, rising; negative ones (no asset) left out."""
    ordered = np.sort(keys[keys >= 0])
    if not len(ordered):
        return []
    return [int(key) for key in ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]]
