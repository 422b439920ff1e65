"""Where the bytes of assets lie in the caches, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.plan.errors import PlanError
from engine.plan.keys import Keys
from engine.plan.table import Int64s


@dataclass(frozen=True, eq=False)
class Sources:
    """Cache ranges, sorted by key: key, number of the assetDb, byte offset in its cache, size in bytes."""

    key: Int64s
    db: Int64s
    offset: Int64s
    size: Int64s

    @staticmethod
    def of(key: ArrayLike, db: ArrayLike, offset: ArrayLike, size: ArrayLike) -> Sources:
        """Sources from columns in any order; they are broadcast against the keys."""
        given = [np.asarray(column, np.int64) for column in (key, db, offset, size)]
        columns = [column.reshape(-1) for column in np.broadcast_arrays(*given)]
        order = np.argsort(columns[0], kind="stable")
        return Sources(*(np.ascontiguousarray(c[order]) for c in columns))

    @staticmethod
    def none() -> Sources:
        """No sources: for plans without cached assets."""
        return Sources.of([], [], [], [])

    def find(self, keys: Int64s, size: Int64s, names: Keys) -> Int64s:
        """Rows of `keys`, each of which must be there with `size` bytes, or PlanError names it."""
        at = np.searchsorted(self.key, keys)
        inside = np.minimum(at, max(len(self.key) - 1, 0))
        known = self.key[inside] == keys if len(self.key) else np.zeros(len(keys), bool)
        if not known.all():
            name = names.name(int(keys[~known][0]))
            raise PlanError("plan.source", f"{name} has no range in any cache", "cook the assetDb again")
        wrong = np.flatnonzero(self.size[inside] != size)
        if len(wrong):
            row = wrong[0]
            name, has = names.name(int(keys[row])), self.size[inside[row]]
            raise PlanError(
                "plan.source", f"{name} takes {size[row]} bytes, its cache range has {has}", "cook it again"
            )
        self._check_overlaps(inside, names)
        return inside

    def _check_overlaps(self, rows: Int64s, names: Keys) -> None:
        order = rows[np.lexsort((self.offset[rows], self.db[rows]))]
        a, b = order[:-1], order[1:]
        bad = (self.db[a] == self.db[b]) & (self.offset[a] + self.size[a] > self.offset[b])
        bad &= (self.offset[a] != self.offset[b]) | (self.size[a] != self.size[b])
        bad |= self.offset[b] < 0
        for row in np.flatnonzero(bad)[:1]:
            first, second = names.name(int(self.key[a[row]])), names.name(int(self.key[b[row]]))
            raise PlanError(
                "plan.source", f"the cache ranges of {first} and {second} overlap", "delete the cache"
            )
