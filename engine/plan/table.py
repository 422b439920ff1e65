"""An immutable table of rows sorted by an id, cheap to change: a large base and a small patch.

A plan of 100,000 rows that changes in ten of them must not be copied to be a new value. `changed` shares the
base and makes a new patch; once a patch holds more than a thirty-second of the rows they are merged. Tables
over the same base are compared by their patches alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.void]
Int64s: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one structured dtype, unique and sorted by the integer field `by`.

    `base` and `patch` are sorted; `gone` are ids taken out of the base, sorted, none of them in the patch.
    """

    by: str
    base: Rows
    base_ids: Int64s
    patch: Rows
    gone: Int64s

    @staticmethod
    def of(rows: Rows, by: str) -> Table:
        """A table of rows that are sorted by `by` already."""
        return Table(by, rows, rows[by].astype(np.int64), rows[:0], np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.base) - int(self._hidden.sum()) - len(self.gone) + len(self.patch)

    @cached_property
    def array(self) -> Rows:
        """All rows in one sorted array."""
        if not len(self.patch) and not len(self.gone):
            return self.base
        keep = np.ones(len(self.base), bool)
        keep[np.searchsorted(self.base_ids, self._patch_ids[self._hidden])] = False
        keep[np.searchsorted(self.base_ids, self.gone)] = False
        kept = self.base[keep]
        return np.insert(kept, np.searchsorted(self.base_ids[keep], self._patch_ids), self.patch)

    def has(self, ids: Int64s) -> NDArray[np.bool_]:
        """Which of `ids` have a row."""
        return np.asarray((_in(self.base_ids, ids) & ~_in(self.gone, ids)) | _in(self._patch_ids, ids))

    def rows(self, ids: Int64s) -> Rows:
        """The rows of `ids`, all of which must be there; KeyError names the first that is not."""
        missing = ids[~self.has(ids)]
        if len(missing):
            raise KeyError(int(missing[0]))
        out = np.empty(len(ids), self.base.dtype)
        patched = _in(self._patch_ids, ids)
        out[patched] = self.patch[np.searchsorted(self._patch_ids, ids[patched])]
        out[~patched] = self.base[np.searchsorted(self.base_ids, ids[~patched])]
        return out

    def row(self, id: int) -> np.void:
        """The row of one id; KeyError where there is none."""
        for ids, rows in ((self._patch_ids, self.patch), (self.base_ids, self.base)):
            at = int(ids.searchsorted(id))
            if at < len(ids) and ids[at] == id:
                if rows is self.base and _in(self.gone, np.array([id])).any():
                    break
                found: np.void = rows[at]
                return found
        raise KeyError(id)

    def changed(self, upserts: Rows, removed: Int64s) -> Table:
        """A table with `upserts` in place of or beside these rows, and without the ids `removed`."""
        upserts = upserts[np.argsort(upserts[self.by], kind="stable")]
        new_ids = upserts[self.by].astype(np.int64)
        removed = distinct(removed)
        stays = ~(_in(new_ids, self._patch_ids) | _in(removed, self._patch_ids))
        patch = np.concatenate([self.patch[stays], upserts])
        patch = patch[np.argsort(patch[self.by], kind="stable")]
        back = _in(new_ids, self.gone)
        gone = np.union1d(self.gone[~back], removed[_in(self.base_ids, removed)])
        table = Table(self.by, self.base, self.base_ids, patch, gone)
        if len(patch) + len(gone) > max(1024, len(self.base) // 32):
            return Table.of(table.array, self.by)
        return table

    def difference(self, other: Table) -> tuple[Int64s, Int64s]:
        """(ids that only `other` lacks, ids that `other` has new or with other values), both sorted."""
        if self.base is other.base:
            ids = distinct(np.concatenate([self._patch_ids, self.gone, other._patch_ids, other.gone]))
        else:
            ids = np.union1d(self.array[self.by], other.array[self.by]).astype(np.int64)
        mine, theirs = self.has(ids), other.has(ids)
        both = ids[mine & theirs]
        differ = self.rows(both) != other.rows(both)
        return ids[mine & ~theirs], np.union1d(ids[~mine & theirs], both[differ])

    @cached_property
    def _patch_ids(self) -> Int64s:
        return self.patch[self.by].astype(np.int64)

    @cached_property
    def _hidden(self) -> NDArray[np.bool_]:
        return _in(self.base_ids, self._patch_ids)


def distinct(values: NDArray[np.integer[Any]]) -> Int64s:
    """The distinct values, sorted: by sorting, which is many times faster here than hashing."""
    ordered = np.sort(values.astype(np.int64))
    keep = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    found: Int64s = ordered[keep]
    return found


def _in(sorted_ids: Int64s, ids: Int64s) -> NDArray[np.bool_]:
    if not len(sorted_ids):
        return np.zeros(len(ids), bool)
    at = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return np.asarray(sorted_ids[at] == ids)
