"""The byte ranges of assets in their caches, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.plan.requirements.coalesce import Coalesced
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Int64s, is_in


@dataclass(frozen=True, eq=False)
class Sources:
    """Cache ranges, sorted by key: key, number of the assetDb, byte offset in its cache, size in bytes."""

    key: Int64s
    db: Int64s
    offset: Int64s
    size: Int64s

    @staticmethod
    def of(key: ArrayLike, db: ArrayLike, offset: ArrayLike, size: ArrayLike) -> Sources:
        """Sources from columns with rows in any order; columns are broadcast against the keys."""
        given = [np.asarray(column, np.int64) for column in (key, db, offset, size)]
        columns = [column.reshape(-1) for column in np.broadcast_arrays(*given)]
        order = np.argsort(columns[0], kind="stable")
        return Sources(*(np.ascontiguousarray(c[order]) for c in columns))

    def joined(self, other: Sources) -> Sources:
        """These sources and others of other keys."""
        pairs = [(getattr(self, name), getattr(other, name)) for name in ("key", "db", "offset", "size")]
        return Sources.of(*(np.concatenate(pair) for pair in pairs))

    def without(self, dbs: ArrayLike) -> Sources:
        """These sources but for those of some databases."""
        left = ~is_in(self.db, dbs)
        return Sources(*(getattr(self, name)[left] for name in ("key", "db", "offset", "size")))

    @staticmethod
    def none() -> Sources:
        """No sources: for plans without cached assets."""
        return Sources.of([], [], [], [])

    def find(self, keys: Int64s, size: Int64s, requirements: Coalesced) -> Int64s:
        """Row numbers of `keys`, whose ranges must have `size` bytes each.

        PlanError names an asset without such a range, or two with overlapping ranges, and their requesters.
        """
        at = np.searchsorted(self.key, keys)
        inside = np.minimum(at, max(len(self.key) - 1, 0))
        known = self.key[inside] == keys if len(self.key) else np.zeros(len(keys), bool)
        if not known.all():
            name = _named(requirements, keys[~known][:1])
            raise PlanError("plan.source", f"{name} has no range in any cache", "cook the assetDb again")
        wrong = np.flatnonzero(self.size[inside] != size)
        if len(wrong):
            row = wrong[0]
            what = f"takes {size[row]} bytes, its cache range has {self.size[inside[row]]}"
            name = _named(requirements, keys[row : row + 1])
            raise PlanError("plan.source", f"{name} {what}", "cook it again")
        before = np.flatnonzero(self.offset[inside] < 0)
        if len(before):
            name = _named(requirements, keys[before[:1]])
            raise PlanError("plan.source", f"{name} begins before its cache", "delete the cache")
        self._check_overlaps(inside, requirements)
        return inside

    def _check_overlaps(self, rows: Int64s, requirements: Coalesced) -> None:
        order = rows[np.lexsort((self.offset[rows], self.db[rows]))]
        a, b = order[:-1], order[1:]
        bad = (self.db[a] == self.db[b]) & (self.offset[a] + self.size[a] > self.offset[b])
        bad &= (self.offset[a] != self.offset[b]) | (self.size[a] != self.size[b])
        for row in np.flatnonzero(bad)[:1]:
            pair = _named(requirements, self.key[[a[row], b[row]]])
            raise PlanError("plan.source", f"cache ranges overlap: those of {pair}", "delete the cache")


def _named(requirements: Coalesced, keys: Int64s) -> str:
    """Names of assets, each followed by its requesters in brackets."""
    name, why = requirements.keys.name, requirements.why
    return " and ".join(f"{name(key)} (requested by {why(key)})" for key in keys.tolist())
