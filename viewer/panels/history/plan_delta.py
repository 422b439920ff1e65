"""What differs between two memory plans, as rows: enough to make either from the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.terms.table import Int64s, Rows, Table, contains, stack

TABLES = ("allocation_table", "resource_table", "subresource_table")


@dataclass(frozen=True, eq=False, slots=True)
class TableDelta:
    """The rows that differ, as they were in the first table and as they are in the second; both sorted.

    A row that only one of them has is in one of the arrays, a changed row in both.
    """

    by: str
    old: Rows
    new: Rows

    @property
    def nbytes(self) -> int:
        """Bytes of both arrays."""
        return self.old.nbytes + self.new.nbytes

    @property
    def reversed(self) -> TableDelta:
        """The way back."""
        return TableDelta(self.by, self.new, self.old)

    def apply(self, table: Table) -> Table:
        """The second table, from the first."""
        removed = _ids(self.old, self.by)
        return table.changed(self.new, removed[~contains(_ids(self.new, self.by), removed)])

    def then(self, after: TableDelta) -> TableDelta:
        """From the first table of this delta to the second of one that follows it."""
        mine = _union(_ids(self.old, self.by), _ids(self.new, self.by))
        theirs = _union(_ids(after.old, self.by), _ids(after.new, self.by))
        old = _joined(self.by, self.old, after.old[~contains(mine, _ids(after.old, self.by))])
        new = _joined(self.by, after.new, self.new[~contains(theirs, _ids(self.new, self.by))])
        both = np.intersect1d(_ids(old, self.by), _ids(new, self.by), assume_unique=True)
        at, to = _ids(old, self.by).searchsorted(both), _ids(new, self.by).searchsorted(both)
        same = old[at] == new[to]
        return TableDelta(self.by, np.delete(old, at[same]), np.delete(new, to[same]))


@dataclass(frozen=True, eq=False, slots=True)
class PlanDelta:
    """The delta of each table of two memory plans."""

    tables: tuple[TableDelta, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return sum(table.nbytes for table in self.tables)

    @property
    def reversed(self) -> PlanDelta:
        """The way back."""
        return PlanDelta(tuple(table.reversed for table in self.tables))

    def apply(self, memory: MemoryPlan) -> MemoryPlan:
        """The second plan, from the first; without what is held while a schedule runs."""
        allocations, resources, subresources = self.tables
        return replace(
            memory,
            allocation_table=allocations.apply(memory.allocation_table),
            resource_table=resources.apply(memory.resource_table),
            subresource_table=subresources.apply(memory.subresource_table),
        )

    def then(self, after: PlanDelta) -> PlanDelta:
        """From the first plan of this delta to the second of one that follows it."""
        return PlanDelta(tuple(a.then(b) for a, b in zip(self.tables, after.tables, strict=True)))


def plan_delta(first: MemoryPlan, second: MemoryPlan) -> PlanDelta:
    """Compare two memory plans; of those that follow each other at the cost of what has changed."""
    return PlanDelta(tuple(_table_delta(getattr(first, name), getattr(second, name)) for name in TABLES))


def _table_delta(first: Table, second: Table) -> TableDelta:
    gone, changed = first.difference(second)
    old = np.union1d(gone, changed[first.has(changed)])
    return TableDelta(first.by, first.rows(old), second.rows(changed))


def _ids(rows: Rows, by: str) -> Int64s:
    return rows[by].astype(np.int64)


def _union(a: Int64s, b: Int64s) -> Int64s:
    found: Int64s = np.union1d(a, b)
    return found


def _joined(by: str, a: Rows, b: Rows) -> Rows:
    rows = stack([a, b])
    return rows[np.argsort(rows[by], kind="stable")]
