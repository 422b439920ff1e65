"""An immutable table of rows sorted by an id, cheap to change: a large base and a small patch.

Changing ten rows of a plan of 100,000 must not copy it. `changed` shares the base and makes a new patch; once
a patch has more than 1/32 of the rows, both are merged into a new base. Two tables with the same base, or
with a base and the one merged from it, are compared by their changed rows only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows: TypeAlias = NDArray[np.void]
Int64s: TypeAlias = NDArray[np.int64]

_NONE = np.zeros(0, np.int64)


class _Lineage:
    """Identity of a base, the base that it was merged from, and the ids that changed in that merge."""

    def __init__(self, previous: _Lineage | None = None, changed: Int64s = _NONE) -> None:
        self.previous = previous
        self.changed = changed

    def drop_previous(self) -> None:
        """Release the previous base: only one merge is remembered."""
        self.previous, self.changed = None, _NONE


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one structured dtype, unique and sorted by the integer field `by`.

    `base` and `patch` are sorted, and patch rows replace base rows. `removed_ids` are removed from the base;
    they are sorted and disjoint from the patch.
    """

    by: str
    base: Rows
    base_ids: Int64s
    patch: Rows
    removed_ids: Int64s
    _lineage: _Lineage = field(default_factory=_Lineage, repr=False)
    _last: list[tuple[ref[Table], tuple[Int64s, Int64s]]] = field(default_factory=list, repr=False)
    """The last difference that was asked for; a weak reference, as an old table must not keep later ones."""

    @staticmethod
    def of(rows: Rows, by: str) -> Table:
        """A table of rows that are already sorted by `by`."""
        return Table(by, rows, rows[by].astype(np.int64), rows[:0], _NONE)

    def __len__(self) -> int:
        hidden = int(contains(self.base_ids, self._patch_ids).sum())
        return len(self.base) - hidden - len(self.removed_ids) + len(self.patch)

    @cached_property
    def array(self) -> Rows:
        """All rows in one sorted array."""
        if not len(self.patch) and not len(self.removed_ids):
            return self.base
        keep = np.ones(len(self.base), bool)
        hidden = self._patch_ids[contains(self.base_ids, self._patch_ids)]
        keep[np.searchsorted(self.base_ids, hidden)] = False
        keep[np.searchsorted(self.base_ids, self.removed_ids)] = False
        kept = self.base.take(np.flatnonzero(keep))
        return _merged(kept, self.base_ids[keep], self.patch, self._patch_ids)

    def has(self, ids: Int64s) -> NDArray[np.bool_]:
        """Which of `ids` have a row."""
        found = contains(self.base_ids, ids)
        if len(self.removed_ids):
            found &= ~contains(self.removed_ids, ids)
        return found | contains(self._patch_ids, ids) if len(self.patch) else found

    def rows(self, ids: Int64s) -> Rows:
        """The rows of `ids`, in that order; KeyError names the first missing id."""
        if not len(self.patch) and not len(self.removed_ids) and len(self.base):
            at = np.minimum(np.searchsorted(self.base_ids, ids), len(self.base) - 1)
            if (self.base_ids[at] == ids).all():
                return self.base.take(at)
        missing = ids[~self.has(ids)]
        if len(missing):
            raise KeyError(int(missing[0]))
        if not len(self.patch):
            return self.base.take(np.searchsorted(self.base_ids, ids))
        out = np.empty(len(ids), self.base.dtype)
        patched = contains(self._patch_ids, ids)
        out[patched] = self.patch.take(np.searchsorted(self._patch_ids, ids[patched]))
        out[~patched] = self.base.take(np.searchsorted(self.base_ids, ids[~patched]))
        return out

    def row(self, ident: int) -> np.void:
        """The row of one id; KeyError where it is missing."""
        for ids, rows in ((self._patch_ids, self.patch), (self.base_ids, self.base)):
            at = int(ids.searchsorted(ident))
            if at < len(ids) and ids[at] == ident:
                if rows is self.base and contains(self.removed_ids, np.array([ident])).any():
                    break
                found: np.void = rows[at]
                return found
        raise KeyError(ident)

    def changed(self, upserts: Rows, removed: Int64s) -> Table:
        """A table with `upserts` inserted or replaced, and without the ids `removed`."""
        if not len(upserts) and not len(removed):
            return self
        upserts = upserts.take(np.argsort(upserts[self.by], kind="stable"))
        new_ids = upserts[self.by].astype(np.int64)
        removed = distinct(removed)
        stays = ~(contains(new_ids, self._patch_ids) | contains(removed, self._patch_ids))
        patch = _merged(self.patch.take(np.flatnonzero(stays)), self._patch_ids[stays], upserts, new_ids)
        still = self.removed_ids[~contains(new_ids, self.removed_ids)]
        removed_ids = distinct(np.concatenate([still, removed[contains(self.base_ids, removed)]]))
        table = Table(self.by, self.base, self.base_ids, patch, removed_ids, self._lineage)
        if len(patch) + len(removed_ids) <= max(1024, len(self.base) // 32):
            return table
        rows = table.array
        self._lineage.drop_previous()
        lineage = _Lineage(self._lineage, distinct(np.concatenate([table._patch_ids, removed_ids])))
        return Table(self.by, rows, rows[self.by].astype(np.int64), rows[:0], _NONE, lineage)

    def difference(self, other: Table) -> tuple[Int64s, Int64s]:
        """(ids missing in `other`, ids new in `other` or with other values there), both sorted.

        Planner, schedule and resident state ask for the same one in turn, so the last is kept.
        """
        if not self._last or self._last[0][0]() is not other:
            self._last[:] = [(ref(other), self._difference(other))]
        return self._last[0][1]

    def _difference(self, other: Table) -> tuple[Int64s, Int64s]:
        changed = [self._patch_ids, self.removed_ids, other._patch_ids, other.removed_ids]
        if self._lineage is other._lineage:
            ids = distinct(np.concatenate(changed))
        elif other._lineage.previous is self._lineage:
            ids = distinct(np.concatenate([*changed, other._lineage.changed]))
        else:
            ids = distinct(np.concatenate([self.array[self.by], other.array[self.by]]))
        mine, theirs = self.has(ids), other.has(ids)
        both = ids[mine & theirs]
        differ = self.rows(both) != other.rows(both)
        added = ids[~mine & theirs]
        return ids[mine & ~theirs], distinct(np.concatenate([added, both[differ]]))

    @cached_property
    def _patch_ids(self) -> Int64s:
        return self.patch[self.by].astype(np.int64)


def _merged(rows: Rows, ids: Int64s, more: Rows, more_ids: Int64s) -> Rows:
    """Merge two sorted arrays of rows that have no id in common."""
    if not len(more) or not len(rows):
        return more if len(more) else rows
    into = np.searchsorted(ids, more_ids) + np.arange(len(more))
    out = np.empty(len(rows) + len(more), rows.dtype)
    mine = np.ones(len(out), bool)
    mine[into] = False
    out[into] = more
    out[mine] = rows
    return out


_FEW_NUMBERS = 1 << 10
_RADIX_SORT_FROM = 1 << 12  # below this many values a comparison sort is as fast


def stack(parts: Sequence[Rows]) -> Rows:
    """Concatenate rows of one dtype; np.concatenate is slow, as it resolves the dtype field by field."""
    out = np.empty(sum(len(part) for part in parts), parts[0].dtype)
    start = 0
    for part in parts:
        out[start : start + len(part)] = part
        start += len(part)
    return out


def distinct(values: NDArray[np.integer[Any]]) -> Int64s:
    """The distinct values, sorted; sorting is many times faster here than hashing."""
    if len(values) < 2:
        return values.astype(np.int64)
    ordered = np.sort(values.astype(np.int64))
    keep = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    found: Int64s = ordered[keep]
    return found


def stable_argsort(values: NDArray[np.integer[Any]]) -> Int64s:
    """Stable argsort of integers: a radix sort over 16-bit digits, which numpy sorts many times faster."""
    if len(values) < _RADIX_SORT_FROM:
        return np.argsort(values, kind="stable")
    low = values.min().astype(np.int64)
    rest = (values.astype(np.int64) - low).view(np.uint64)  # unsigned, as the difference may exceed int64
    order: Int64s | None = None
    while order is None or rest.any():
        digits = (rest & 0xFFFF).astype(np.uint16)
        if order is None:
            order = np.argsort(digits, kind="stable")
        elif digits.any():
            order = order[np.argsort(digits[order], kind="stable")]
        rest = rest >> np.uint64(16)
    return order


def distinct_ids(ids: NDArray[np.integer[Any]]) -> Int64s:
    """The distinct values of small non-negative numbers (resources, terms), sorted; by counting."""
    return np.flatnonzero(np.bincount(ids))


def is_in(values: NDArray[np.integer[Any]], ids: ArrayLike) -> NDArray[np.bool_]:
    """Which of `values` are among `ids`, in any order. `np.isin` imports masked arrays, which takes 20 ms."""
    wanted = np.asarray(ids, np.int64)
    if not len(wanted) or not len(values):
        return np.zeros(len(values), bool)
    least, most = int(wanted.min()), int(wanted.max())
    if most - least >= 4 * (len(wanted) + len(values)) + _FEW_NUMBERS:
        return contains(distinct(wanted), values)
    table = np.zeros(most - least + 2, bool)  # the last one stands for what is out of range
    table[wanted - least] = True
    at = values.astype(np.int64) - least
    at[(at < 0) | (at > most - least)] = most - least + 1
    return table[at]


def contains(sorted_ids: NDArray[np.integer[Any]], ids: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of `ids` are in `sorted_ids`, as a mask."""
    if not len(sorted_ids):
        return np.zeros(len(ids), bool)
    at = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return np.asarray(sorted_ids[at] == ids)
