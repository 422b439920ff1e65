"""Collects the requirements of a tableau's active features, with all their requesters.

A feature returns the requirements for an asset once; they are cached until the asset is invalidated. All rows
that name the asset become its requesters, as whole arrays. Collecting again into the same table removes and
adds only the requirements of rows that have changed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.assets import AssetRef
from engine.feature.contract import Feature
from engine.feature.fault import RAISED, Raised
from engine.feature.feature_guard import FeatureGuard
from engine.feature.recency import ENABLED_NOW, Recency
from engine.feature.registry import Registry
from engine.feature.row_assets import RowAssets, Versions
from engine.graph import DeclarationError, check_yielded, checked_on_error, yielded
from engine.plan.requirements.requesters import Requester, RequesterTable
from engine.plan.requirements.requirements import Requirement, RequirementTable, Terms, TermsTable
from engine.plan.terms.by_database import ByDatabase
from engine.plan.terms.table import begins_run, distinct_ids, some
from engine.plan.terms.table import distinct as distinct_keys
from engine.plan.terms.vocabulary import Kind
from engine.tableau import FeatureTable, Tableau
from engine.tableau.columns import Rows, distinct

if TYPE_CHECKING:
    from engine.assets import AssetLibrary

Ints = NDArray[np.int64]
ROWS_AT_ONCE = 256
"""Rows that are collected between two looks at the clock."""

NUMBERS = ("key", "size", "content", "priority")


@dataclass(eq=False)
class AssetRequirements:
    """The requirements of one feature for one asset, as columns: numbers of their terms, and NUMBERS."""

    terms: Ints
    numbers: Ints
    """Key, size, content and priority of each requirement: int64[len(terms), 4]."""
    requests: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Their numbers in a requirement table, as long as that has the same `numbering`."""
    numbering: object = None

    def rows(self) -> set[tuple[int, ...]]:
        """Each requirement: the number of its terms, then NUMBERS."""
        return set(zip(self.terms.tolist(), *self.numbers.T.tolist(), strict=True))


class RequesterIds:
    """Assigns requester ids to the rows of a feature table; a row keeps its id while it has its object."""

    def __init__(self, tableau: Tableau, table: FeatureTable, requesters: RequesterTable) -> None:
        self.requesters = requesters
        self._tableau = tableau
        self._table = table
        self._ids = np.empty(0, np.int32)
        self._owners = np.empty((0, 2), np.int32)

    def of(self, rows: Rows) -> NDArray[np.int32]:
        """The ids of these rows; new rows are added as one block of requesters."""
        grown = len(self._table.object) - len(self._ids)
        if grown > 0:
            self._ids = np.concatenate((self._ids, np.full(grown, -1, np.int32)))
            self._owners = np.concatenate((self._owners, np.full((grown, 2), -1, np.int32)))
        objects, ids, known = self._table.object[rows], self._ids[rows], self._owners[rows]
        generations = self._tableau.generation[objects]
        fresh = (ids < 0) | (known[:, 0] != objects) | (known[:, 1] != generations)
        if not some(fresh):
            return ids
        self._assign(rows[fresh], np.stack((objects[fresh], generations[fresh]), axis=1))
        return self._ids[rows]

    def note_owners(self, owners: NDArray[np.int32]) -> None:
        """Set the objects of the rows that have ids and still have these objects, by id."""
        rows = np.flatnonzero(self._ids >= 0)
        objects = self._owners[rows, 0]
        same = (self._table.object[rows] == objects) & (
            self._tableau.generation[objects] == self._owners[rows, 1]
        )
        owners[self._ids[rows[same]]] = objects[same]

    def assigned(self, rows: Rows) -> NDArray[np.int32]:
        """The ids that these rows have at present; rows without one are skipped."""
        ids = self._ids[rows[rows < len(self._ids)]]
        return np.asarray(ids[ids >= 0], np.int32)

    def _assign(self, rows: Rows, owners: NDArray[np.int32]) -> None:
        first = self.requesters.add_block(
            self._table.type_name,
            owners[:, 0],
            lambda index: self.describe(int(rows[index]), owners[index]),
        )
        self._ids[rows] = np.arange(first, first + len(rows), dtype=np.int32)
        self._owners[rows] = owners

    def describe(self, row: int, owner: NDArray[np.int32] | tuple[int, int]) -> Requester:
        """The requester of a row while it had this object and generation."""
        table, tableau = self._table, self._tableau
        exists = table.object[row] == owner[0] and tableau.generation[owner[0]] == owner[1]
        if not exists:
            return Requester(table.type_name, "(removed)")
        position = table.position(row)
        if position is None:
            return Requester(table.type_name, table.path(row))
        return Requester(table.type_name, table.path(row), position.file, position.line, position.column)


class RequirementCollector:
    """Collects the requirements of one tableau's active features.

    `library` is passed to the features. A feature that raises for an asset is switched off on the objects
    that name the asset, and reported once in `tableau.warnings`; and so is one that is not built in, and
    requests what `check` raises DeclarationError for.
    """

    def __init__(
        self,
        tableau: Tableau,
        registry: Registry,
        library: AssetLibrary,
        check: Callable[[Requirement], None] = lambda _: None,
    ) -> None:
        self._tableau = tableau
        self._registry = registry
        self._library = library
        self._guard = FeatureGuard(tableau)
        self._check = check
        self._cached: defaultdict[str, ByDatabase[AssetRequirements]] = defaultdict(ByDatabase)
        self._terms = TermsTable()
        self._right: set[int] = set()
        """Terms, by their numbers, whose values have the right types."""
        self._ids: dict[str, RequesterIds] = {}
        self._collected: RequirementTable | None = None
        self._assets: dict[str, RowAssets] = {}
        self._versions: dict[str, Versions | None] = {}
        """The version up to which each feature table has been collected; None: all rows are due again."""
        self._left: dict[str, Rows] = {}
        """Changed rows up to that version that are still to be collected, ascending."""
        self._drawing: list[tuple[Feature, FeatureTable, RowAssets]] = []

    def collect(self, requirements: RequirementTable, until: float | None = None) -> bool:
        """Update a table to the requirements of the active features, with every active row as a requester.

        In the table of the last call only the requirements of changed rows are replaced; to any other table
        all are added. From `until` on (CPU seconds of this thread) rows are left to the next call; returns
        whether none is left.
        """
        if requirements is not self._collected:
            self._collected = requirements
            self._versions.clear()
            self._left.clear()
        for feature, table, assets in self._with_assets():
            if assets.version != self._versions.get(table.type_name) or self._left:
                self._update(feature, table, requirements, until)
        return not self._left

    def _with_assets(self) -> list[tuple[Feature, FeatureTable, RowAssets]]:
        """Return the features whose rows name assets, with their tables and what the rows draw."""
        if not self._drawing:
            self._drawing = [
                (self._registry[name], table, self._assets_of(table))
                for name, table in self._tableau.tables.items()
                if name in self._registry and table.schema.asset_fields
            ]
        return self._drawing

    def _update(
        self, feature: Feature, table: FeatureTable, requirements: RequirementTable, until: float | None
    ) -> None:
        name, assets = table.type_name, self._assets_of(table)
        last, version = self._versions.get(name), assets.version
        is_known = name in self._versions
        if last == version and name not in self._left:
            return
        changed = assets.changed(last)
        ids = self._ids_of(table, requirements.requesters)
        if name in self._left:
            changed = distinct(changed, self._left[name])
        self._left.pop(name, None)
        self._versions[name] = version
        at_once = len(changed) if until is None else ROWS_AT_ONCE
        for start in range(0, len(changed), max(at_once, 1)):
            if start and until is not None and time.thread_time() >= until:
                self._left[name] = changed[start:]
                return
            rows = changed[start : start + at_once]
            if is_known:
                requirements.remove(ids.assigned(rows).tolist())
            active = _active(table, rows)
            if len(active) and self._cache_new_assets(feature, table, active):
                active = _active(table, rows)
            if len(active):
                self._add_rows(table, active, ids, requirements)
        if until is None and len(changed):
            self._versions[name] = assets.version

    def requesters(
        self, type_name: str, requesters: RequesterTable, limit: int | None = None
    ) -> NDArray[np.int32]:
        """Requester ids of the first `limit` active rows of a feature type, by default of all."""
        table = self._tableau.tables[type_name]
        return self._ids_of(table, requesters).of(table.rows_active()[:limit])

    def owners(self, requesters: RequesterTable) -> NDArray[np.int32]:
        """Return for each requester the row of its object, -1 for one that is no object's active feature."""
        found = np.full(len(requesters), -1, np.int32)
        for ids in self._ids.values():
            if ids.requesters is requesters:
                ids.note_owners(found)
        return found

    def invalidate(self, assets: set[AssetRef] | None = None) -> None:
        """Drop the cached requirements for these assets (None: all), so that features return them again."""
        self._versions = dict.fromkeys(self._versions)
        if assets is None:
            self._cached.clear()
        for known in self._cached.values():
            for asset in assets or ():
                known.pop(asset.key, None)

    def last_enabled(self, requesters: RequesterTable, recency: Recency) -> Ints:
        """For each requester the time at which its row was last enabled; ENABLED_NOW if it is no row."""
        times = np.full(len(requesters), ENABLED_NOW, np.int64)
        for name, table in self._tableau.tables.items():
            ids = self._ids.get(name)
            if ids is not None and ids.requesters is requesters:
                rows = table.rows_active()
                times[ids.of(rows)] = recency.last_enabled(table, rows)
        return times

    def switch_off(self, feature: Feature, error: Raised) -> None:
        """Switch off a feature on all objects because its code raised, and report it once."""
        self._guard.switch_off(feature, error)

    def switch_off_assets(self, feature: Feature, errors: Mapping[int, Raised]) -> None:
        """Switch off a feature on the objects that name an asset for which its code raised, by its key."""
        table = self._tableau.tables[feature.type_name]
        for keys_of in self._keys_of(table):
            named = set(_assets(keys_of(table.rows_active())))
            of_field = {key: error for key, error in errors.items() if key in named}
            if of_field:
                self._guard.switch_off_assets(feature, keys_of, of_field)

    def requests_for(self, key: int) -> Iterator[tuple[str, int, Terms, int]]:
        """Yield (feature type, asset, terms, content) of what the assets of active rows request for a key."""
        for type_name, table in self._tableau.tables.items():
            if type_name not in self._registry or not table.schema.asset_fields:
                continue
            rows = table.rows_active()
            assets = {asset for keys_of in self._keys_of(table) for asset in _assets(keys_of(rows))}
            for asset in sorted(assets):
                known = self._cached[type_name].get(asset)
                if known is not None:
                    for at in (known.numbers[:, 0] == key).nonzero()[0].tolist():
                        content = int(known.numbers[at, NUMBERS.index("content")])
                        yield type_name, asset, self._terms[int(known.terms[at])], content

    def changed(self) -> int:
        """Return how many rows have changed since they were collected, active or not."""
        count = 0
        for _, table, assets in self._with_assets():
            last = self._versions.get(table.type_name)
            if assets.version != last:
                count += len(assets.changed(last))
            count += len(self._left.get(table.type_name, ()))
        return count

    def unknown(self) -> list[tuple[str, int]]:
        """Return (feature type, key) of the assets of active rows whose requirements are not known yet."""
        found = []
        for type_name, table in self._tableau.tables.items():
            if type_name in self._registry and table.schema.asset_fields:
                rows = _active(table, self._changed(table))
                known = self._cached[type_name]
                for keys_of in self._keys_of(table):
                    found += [(type_name, key) for key in _assets(keys_of(rows)) if key not in known]
        return found

    def learn(self, type_name: str, key: int) -> None:
        """Get a feature's requirements for one asset ahead of time; `collect` reports it if that raises."""
        feature, known = self._registry[type_name], self._cached[type_name]
        if key not in known:
            with suppress(*RAISED):
                known[key] = self._found(feature, key)

    def new_keys(self, type_name: str, now: int, before: int) -> set[int]:
        """Return the keys of what one asset requires and another does not; both were learnt, or it is all."""
        known = self._cached[type_name]
        found, had = known.get(now), known.get(before)
        if found is None:
            return set()
        requested = set() if had is None else had.rows()
        return {row[1] for row in found.rows() - requested}

    def forget(self, dbs: Collection[int]) -> None:
        """Forget the requirements of assets of databases that are gone, by the numbers of these."""
        for known in self._cached.values():
            known.forget(dbs)

    def _changed(self, table: FeatureTable) -> Rows:
        """Return the rows that have changed since they were collected."""
        return self._assets_of(table).changed(self._versions.get(table.type_name))

    def _assets_of(self, table: FeatureTable) -> RowAssets:
        known = self._assets.get(table.type_name)
        if known is None:
            known = self._assets[table.type_name] = RowAssets(self._tableau, table, self._library)
        return known

    def _keys_of(self, table: FeatureTable) -> list[Callable[[Rows], Ints]]:
        """Return what returns the assets of rows: those that they draw, then those of each other field."""
        schema = table.schema
        drawn = (schema.drawn_field, schema.material_field)
        columns = [table.column(spec.name) for spec in schema.asset_fields if spec not in drawn]
        return [self._assets_of(table).of, *(column.__getitem__ for column in columns)]

    def _cache_new_assets(self, feature: Feature, table: FeatureTable, rows: Rows) -> bool:
        """Get the feature's requirements for each asset of these rows that is not cached yet.

        Returns whether rows were switched off, as the feature's code raised for their assets.
        """
        raised, known = False, self._cached[feature.type_name]
        for keys_of in self._keys_of(table):
            errors: dict[int, Raised] = {}
            for key in _assets(keys_of(rows)):
                if key in known:
                    continue
                try:
                    found = self._found(feature, key)
                except RAISED as error:
                    errors[key] = error
                else:
                    known[key] = found
            if errors:
                raised = True
                self._guard.switch_off_assets(feature, keys_of, errors)
        return raised

    def _found(self, feature: Feature, key: int) -> AssetRequirements:
        """What a feature requires for an asset. Raises whatever its code does, and DeclarationError."""
        rows = yielded(feature.requirements(AssetRef.from_key(key), self._library), "requirements")
        found = self._columns(rows)
        if not self._registry.is_built_in(feature.type_name):
            for each in rows:
                self._check(each)
        return found

    def _columns(self, rows: list[Requirement]) -> AssetRequirements:
        """Requirements as columns for `RequirementTable.add_rows`. Raises DeclarationError."""
        with checked_on_error(rows, Requirement, "requirements"):
            numbers = [[getattr(each, name) for name in NUMBERS] for each in rows]
            terms = [self._terms.id(each.terms()) for each in rows]
            columns = np.array(numbers, np.int64).reshape(-1, len(NUMBERS))
            is_known = self._right.issuperset(terms) and columns.tolist() == numbers
        for each, number in zip(rows, terms, strict=True):
            if not is_known:
                check_yielded(each, Requirement, "requirements")
                self._right.add(number)
            fault = self._terms[number].fault
            if each.kind is Kind.BUFFER and each.size < 1:
                fault = f"{each.size} bytes"
            if fault:
                raise DeclarationError(
                    f"it has a requirement with {fault}", "help(engine.plan.Requirement) says more"
                )
        return AssetRequirements(np.array(terms, np.int64), columns)

    def _add_rows(
        self, table: FeatureTable, rows: Rows, requester_ids: RequesterIds, requirements: RequirementTable
    ) -> None:
        """Add the requirements of the assets that these rows name, with the rows as requesters."""
        ids = requester_ids.of(rows)
        for keys_of in self._keys_of(table):
            keys = keys_of(rows)
            order = keys.argsort(kind="stable")
            keys = keys[order]
            starts = begins_run(keys).nonzero()[0]
            counts = np.concatenate((starts[1:], (len(keys),))) - starts
            cached = list(map(self._cached[table.type_name].get, keys[starts].tolist()))
            known = [index for index, each in enumerate(cached) if each is not None]
            if known:
                parts = [each for each in cached if each is not None]
                self._add(parts, starts[known], counts[known], ids[order], requirements)

    def _add(
        self,
        assets: list[AssetRequirements],
        first: Ints,
        count: Ints,
        ids: NDArray[np.int32],
        requirements: RequirementTable,
    ) -> None:
        """Add the requirements for each asset, with ids[first : first + count] as its requesters."""
        new = [each for each in assets if each.numbering is not requirements.numbering]
        if new:
            self._number(new, requirements)
        sizes = [len(each.requests) for each in assets]
        first, count = first.repeat(sizes), count.repeat(sizes)
        requests = np.concatenate([each.requests for each in assets]).repeat(count)
        requirements.add_requests(requests, ids[_spans(first, count)])

    def _number(self, assets: list[AssetRequirements], requirements: RequirementTable) -> None:
        """Number the requests for assets whose requirements this table has not had yet."""
        terms = np.concatenate([each.terms for each in assets])
        numbers = np.concatenate([each.numbers for each in assets])
        requests = np.empty(len(terms), np.int64)
        for index in distinct_ids(terms).tolist():
            of_terms = terms == index
            named = dict(zip(NUMBERS, numbers[of_terms].T, strict=True))
            requests[of_terms] = requirements.numbers(self._terms[index], **named)
        end = 0
        for each in assets:
            start, end = end, end + len(each.terms)
            each.requests, each.numbering = requests[start:end], requirements.numbering

    def _ids_of(self, table: FeatureTable, requesters: RequesterTable) -> RequesterIds:
        known = self._ids.get(table.type_name)
        if known is None or known.requesters is not requesters:
            known = self._ids[table.type_name] = RequesterIds(self._tableau, table, requesters)
        return known


def _active(table: FeatureTable, rows: Rows) -> Rows:
    """Those of these rows that are effectively active."""
    active: Rows = rows[table.flags("effective_active")[rows]]
    return active


def _spans(first: Ints, count: Ints) -> Ints:
    """The concatenated ranges [first, first + count)."""
    ends: Ints = count.cumsum()
    return (first - (ends - count)).repeat(count) + np.arange(int(ends[-1]) if len(ends) else 0)


def _assets(keys: Ints) -> list[int]:
    """The distinct keys, ascending, without negative ones, which stand for no asset."""
    found: list[int] = distinct_keys(keys[keys >= 0]).tolist()
    return found
