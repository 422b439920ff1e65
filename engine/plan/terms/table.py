"""An immutable table of rows sorted by an id, cheap to change: a large base and a small patch.

Changing ten rows of a plan of 100,000 must not copy it. `changed` shares the base and makes a new patch; once
a patch has more than 1/32 of the rows, both are merged into a new base. In a small table that is done at
once: a copy costs less there than looking up every row in two places. Two tables with the same base, or with
a base and the one merged from it, are compared by their changed rows only.
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
every = np.logical_and.reduce
"""Whether all of some bools are true; three times as fast as the method of few."""
some = np.logical_or.reduce
SMALL = 4096
"""Tables of at most so many rows have no patch: a copy of their rows takes a few microseconds."""


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

    is_whole: bool = field(init=False)
    """Whether all rows are in the base."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_whole", not len(self.patch) and not len(self.removed_ids))

    @staticmethod
    def of(rows: Rows, by: str) -> Table:
        """A table of rows that are already sorted by `by`."""
        return Table(by, rows, rows[by].astype(np.int64), rows[:0], _NONE)

    def __len__(self) -> int:
        if self.is_whole:
            return len(self.base)
        hidden = int(contains(self.base_ids, self._patch_ids).sum()) if len(self.patch) else 0
        return len(self.base) - hidden - len(self.removed_ids) + len(self.patch)

    @property
    def array(self) -> Rows:
        """All rows in one sorted array."""
        return self.base if self.is_whole else self._all

    @cached_property
    def _all(self) -> Rows:
        return _changed(self.base, self.base_ids, self.patch, self._patch_ids, self.removed_ids)[0]

    def has(self, ids: Int64s) -> NDArray[np.bool_]:
        """Which of `ids` have a row."""
        found = contains(self.base_ids, ids)
        if len(self.removed_ids):
            found &= ~contains(self.removed_ids, ids)
        return found | contains(self._patch_ids, ids) if len(self.patch) else found

    def rows(self, ids: Int64s) -> Rows:
        """The rows of `ids`, in that order; KeyError names the first missing id."""
        if self.is_whole and len(self.base):
            at = self.base_ids.searchsorted(ids)
            if every(self.base_ids.take(at, mode="clip") == ids):
                return self.base.take(at)
        missing = ids[~self.has(ids)]
        if len(missing):
            raise KeyError(int(missing[0]))
        if not len(self.patch):
            return self.base.take(self.base_ids.searchsorted(ids))
        patched = contains(self._patch_ids, ids)
        out = self.base.take(self.base_ids.searchsorted(ids), mode="clip")
        put(out, patched.nonzero()[0], self.patch.take(self._patch_ids.searchsorted(ids[patched])))
        return out

    def find(self, ids: Int64s) -> tuple[NDArray[np.bool_], Rows]:
        """Which of `ids` have a row, and their rows; in place of one that is missing there is any other."""
        if self.is_whole and len(self.base):
            at = self.base_ids.searchsorted(ids)
            return self.base_ids.take(at, mode="clip") == ids, self.base.take(at, mode="clip")
        found = self.has(ids)
        rows = np.zeros(len(ids), self.base.dtype)
        put(rows, found.nonzero()[0], self.rows(ids[found]))
        return found, rows

    def row(self, ident: int) -> np.void:
        """The row of one id; KeyError where it is missing."""
        parts = [(self.base_ids, self.base)]
        if len(self.patch):
            parts.insert(0, (self._patch_ids, self.patch))
        if len(self.removed_ids) and ident in self.removed_ids:
            raise KeyError(ident)
        for ids, rows in parts:
            at = ids.searchsorted(ident)
            if at < len(ids) and ids[at] == ident:
                found: np.void = rows[at]
                return found
        raise KeyError(ident)

    def changed(self, upserts: Rows, removed: Int64s) -> Table:
        """A table with `upserts` inserted or replaced, and without the ids `removed`."""
        if not len(upserts) and not len(removed):
            return self
        new_ids = upserts[self.by].astype(np.int64)
        if len(upserts) > 1:
            order = new_ids.argsort(kind="stable")
            upserts, new_ids = upserts.take(order), new_ids.take(order)
        if self.is_whole and len(self.base) <= SMALL:
            return self._copied(upserts, new_ids, removed)
        removed = distinct(removed)
        patch, patch_ids = upserts, new_ids
        if len(self.patch):
            stays = ~(contains(new_ids, self._patch_ids) | contains(removed, self._patch_ids))
            patch = _merged(self.patch[stays], self._patch_ids[stays], upserts, new_ids)
            patch_ids = patch[self.by].astype(np.int64)
        removed = removed[contains(self.base_ids, removed)]
        if len(self.removed_ids):
            still = self.removed_ids[~contains(new_ids, self.removed_ids)]
            removed = distinct(np.concatenate([still, removed]))
        limit = max(1024, len(self.base) // 32)
        if len(self.base) > SMALL and len(patch) + len(removed) <= limit:
            return Table(self.by, self.base, self.base_ids, patch, removed, self._lineage)
        rows, ids = _changed(self.base, self.base_ids, patch, patch_ids, removed)
        self._lineage.drop_previous()
        changed = distinct(np.concatenate([patch_ids, removed])) if len(removed) else patch_ids
        return Table(self.by, rows, ids, rows[:0], _NONE, _Lineage(self._lineage, changed))

    def _copied(self, upserts: Rows, new_ids: Int64s, removed: Int64s) -> Table:
        """A copy of this whole, small table with such changes, in few calls; `upserts` are sorted."""
        gone = distinct(np.concatenate((removed, new_ids))) if len(removed) else new_ids
        at = self.base_ids.searchsorted(gone)
        there = at[_at(self.base_ids, at, gone)]
        self._lineage.drop_previous()
        lineage = _Lineage(self._lineage, gone)
        whole = np.dtype((np.void, self.base.dtype.itemsize))
        if len(there) == len(new_ids) == len(gone):  # they replace others
            rows, ids = self.base.copy(), self.base_ids
            rows.view(whole)[at] = upserts.view(whole)
        else:
            stays = np.ones(len(self.base), bool)
            stays[there] = False
            both, ids = self.base.view(whole)[stays], self.base_ids[stays]
            if len(new_ids):
                ids = np.concatenate((ids, new_ids))
                order = ids.argsort(kind="stable")
                both, ids = np.concatenate((both, upserts.view(whole))).take(order), ids.take(order)
            rows = both.view(self.base.dtype)
        return Table(self.by, rows, ids, rows[:0], _NONE, lineage)

    def difference(self, other: Table) -> tuple[Int64s, Int64s]:
        """(ids missing in `other`, ids new in `other` or with other values there), both sorted.

        Planner, schedule and resident state ask for the same one in turn, so the last is kept.
        """
        if not self._last or self._last[0][0]() is not other:
            self._last[:] = [(ref(other), self._difference(other))]
        return self._last[0][1]

    def _difference(self, other: Table) -> tuple[Int64s, Int64s]:
        if other._lineage.previous is self._lineage and self.is_whole and other.is_whole:
            return self._difference_in(other, other._lineage.changed)
        changed = [self._patch_ids, self.removed_ids, other._patch_ids, other.removed_ids]
        if self._lineage is other._lineage:
            ids = distinct(np.concatenate(changed))
        elif other._lineage.previous is self._lineage:
            ids = distinct(np.concatenate([*changed, other._lineage.changed]))
        else:
            ids = distinct(np.concatenate([self.array[self.by], other.array[self.by]]))
        mine, theirs = self.has(ids), other.has(ids)
        both = ids[mine & theirs]
        differs = theirs.copy()
        differs[mine & theirs] = _differ(self.rows(both), other.rows(both))
        return ids[mine & ~theirs], ids[differs]

    def _difference_in(self, other: Table, ids: Int64s) -> tuple[Int64s, Int64s]:
        """The difference of two whole tables, which differ in these ids (sorted) alone."""
        in_mine, in_theirs = self.base_ids.searchsorted(ids), other.base_ids.searchsorted(ids)
        mine, theirs = _at(self.base_ids, in_mine, ids), _at(other.base_ids, in_theirs, ids)
        both = mine & theirs
        differs = theirs.copy()
        differs[both] = _differ(self.base.take(in_mine[both]), other.base.take(in_theirs[both]))
        return ids[mine > theirs], ids[differs]

    @cached_property
    def _patch_ids(self) -> Int64s:
        return self.patch[self.by].astype(np.int64)


def _changed(rows: Rows, ids: Int64s, more: Rows, more_ids: Int64s, removed: Int64s) -> tuple[Rows, Int64s]:
    """Rows and their ids without `removed`, with `more` inserted or in place of others; all sorted by id."""
    at = ids.searchsorted(more_ids)
    known = _at(ids, at, more_ids)
    if not len(removed) and every(known):  # they replace others
        rows = rows.copy()
        put(rows, at, more)
        return rows, ids
    stays = np.ones(len(ids), bool)
    stays[ids.searchsorted(removed)] = stays[at[known]] = False
    kept = stays.nonzero()[0]
    rows, ids = rows.take(kept), ids.take(kept)
    if not len(more) or not len(rows):
        return (more, more_ids) if len(more) else (rows, ids)
    into = ids.searchsorted(more_ids) + np.arange(len(more))
    out, out_ids = np.empty(len(rows) + len(more), rows.dtype), np.empty(len(rows) + len(more), np.int64)
    mine = np.ones(len(out), bool)
    mine[into] = False
    put(out, into, more)
    put(out, mine, rows)
    out_ids[into], out_ids[mine] = more_ids, ids
    return out, out_ids


def _at(sorted_ids: Int64s, at: Int64s, ids: Int64s) -> NDArray[np.bool_]:
    """Which of `ids` are in `sorted_ids`, where `searchsorted` has found these places."""
    if not len(sorted_ids):
        return np.zeros(len(ids), bool)
    found: NDArray[np.bool_] = sorted_ids.take(at, mode="clip") == ids
    return found


def _merged(rows: Rows, ids: Int64s, more: Rows, more_ids: Int64s) -> Rows:
    """Merge two sorted arrays of rows that have no id in common."""
    if not len(more) or not len(rows):
        return more if len(more) else rows
    into = ids.searchsorted(more_ids) + np.arange(len(more))
    out = np.empty(len(rows) + len(more), rows.dtype)
    mine = np.full(len(out), True)
    mine[into] = False
    put(out, into, more)
    put(out, mine.nonzero()[0], rows)
    return out


def _differ(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Which rows differ from those beside them, by their bytes: fields have no padding between them."""
    differ: NDArray[np.bool_] = _whole(rows) != _whole(others)
    return differ


def _whole(rows: Rows) -> Rows:
    """The same rows without their fields, one by one of which numpy copies and compares others."""
    return rows.view(np.dtype((np.void, rows.dtype.itemsize)))


def put(rows: Rows, at: NDArray[np.integer[Any] | np.bool_], others: Rows) -> None:
    """Store others (or one) at these indices; numpy takes ten times as long where it copies each field."""
    whole = np.dtype((np.void, rows.dtype.itemsize))
    rows.view(whole)[at] = others.view(whole)


def chosen(rows: Rows, mask: NDArray[np.bool_]) -> Rows:
    """The rows that a mask chooses; numpy takes ten times as long to index rows of fields."""
    return rows.take(mask.nonzero()[0])


_FEW_NUMBERS = 1 << 10
_RADIX_SORT_FROM = 1 << 12  # below this many values a comparison sort is as fast


def stack(parts: Sequence[Rows]) -> Rows:
    """Concatenate rows of one dtype; numpy takes thirty times as long where it copies each field."""
    dtype = parts[0].dtype
    whole = np.dtype((np.void, dtype.itemsize))
    return np.concatenate([part.view(whole) for part in parts]).view(dtype)


def distinct(values: NDArray[np.integer[Any]]) -> Int64s:
    """The distinct values, sorted; sorting is many times faster here than hashing."""
    if len(values) < 2:
        return values.astype(np.int64)
    ordered = values.astype(np.int64)
    ordered.sort()
    found: Int64s = ordered[begins_run(ordered)]
    return found


def distinct_keys(keys: Int64s) -> tuple[Int64s, Int64s]:
    """The distinct keys, ascending, and the index of each key among them."""
    if len(keys) < 2:
        return keys, np.zeros(len(keys), np.int64)
    db, index = keys >> 32, keys & 0xFFFF_FFFF
    stride = int(index.max(initial=0)) + 1
    if (int(db.max(initial=0)) + 1) * stride > 4 * len(keys) + 65_536:
        return np.unique(keys, return_inverse=True)
    code = db * stride + index  # small, as databases and their assets are numbered from 0: no sort is needed
    used = np.bincount(code).nonzero()[0]
    places = np.zeros(int(used.max(initial=0)) + 1, np.int64)
    places[used] = np.arange(len(used))
    return used // stride << 32 | used % stride, places[code]


def begins_run(ordered: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which of these values, equal ones side by side, differ from the value before them."""
    begins = np.empty(len(ordered), bool)
    begins[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return begins


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
    return np.bincount(ids).nonzero()[0]


def distinct_rows(rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.integer[Any]], Int64s]:
    """The distinct rows of int[n, k], sorted, and the index of each row among them."""
    if (rows == rows[:1]).all():
        return rows[:1], np.zeros(len(rows), np.int64)
    order = np.lexsort(rows.T[::-1])
    ordered = rows.take(order, axis=0)
    new = np.full(len(rows), True)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    index = np.empty(len(rows), np.int64)
    index[order] = new.cumsum() - 1
    return ordered[new], index


def is_in(values: NDArray[np.integer[Any]], ids: ArrayLike) -> NDArray[np.bool_]:
    """Which of `values` are among `ids`, in any order. `np.isin` imports masked arrays, which takes 20 ms."""
    wanted = np.asarray(ids, np.int64)
    if not len(wanted) or not len(values):
        return np.zeros(len(values), bool)
    if len(wanted) == 1:
        return np.asarray(values == wanted[0])
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
    found: NDArray[np.bool_] = sorted_ids.take(sorted_ids.searchsorted(ids), mode="clip") == ids
    return found
