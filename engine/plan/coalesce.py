"""Coalescing: all rows for one key become one need, with every asker kept.

Usages are ORed, queue uses united, memory properties and alignment taken at their strictest (the seed's "that
will coalesce during plan-making phase"). One sort groups the rows; terms are merged once per distinct
pair, so the work in Python grows with the number of distinct terms and not with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm

import numpy as np
from numpy.typing import NDArray

from engine.plan.askers import AskerTable
from engine.plan.errors import PlanError
from engine.plan.keys import Keys
from engine.plan.requirements import RequirementTable, Terms, TermsTable
from engine.plan.table import Int64s, Table, contains
from engine.plan.vocabulary import Dedicated, MemoryProperty

NEED = np.dtype(
    [
        ("key", np.int64),
        ("size", np.int64),
        ("content", np.int64),
        ("terms", np.int32),
        ("priority", np.int32),
        ("first_ask", np.int64),
        ("asks", np.int32),
    ]
)


class Asks:
    """Asker ids of many needs one after another; appended to, never changed, and shared by versions."""

    def __init__(self, ids: NDArray[np.int32]) -> None:
        self.ids = ids
        self.count = len(ids)

    def append(self, ids: NDArray[np.int32]) -> int:
        """Add ids; where they begin."""
        start = self.count
        self.count += len(ids)
        if self.count > len(self.ids):
            room = np.zeros(max(self.count, len(self.ids) + len(self.ids) // 8) - start, np.int32)
            self.ids = np.concatenate([self.ids[:start], room])
        self.ids[start : self.count] = ids
        return start


@dataclass(frozen=True, eq=False)
class Coalesced:
    """One need per key (dtype NEED, sorted by key) and the askers of each: `asks.ids[first_ask:+asks]`.

    `version` is that of the requirement table it was made from.
    """

    needs: Table
    asks: Asks
    keys: Keys
    askers: AskerTable
    terms: TermsTable
    version: int = 0

    @property
    def asked_by(self) -> NDArray[np.int32]:
        """Asker ids that the needs' `first_ask` and `asks` speak of."""
        return self.asks.ids[: self.asks.count]

    def askers_of(self, key: int) -> tuple[int, ...]:
        """Ids of all who ask for `key`; KeyError where nobody does."""
        need = self.needs.row(key)
        first = int(need["first_ask"])
        return tuple(int(a) for a in self.asks.ids[first : first + int(need["asks"])])

    def why(self, key: int) -> str:
        """All who ask for `key`, in words."""
        return ", ".join(sorted(str(self.askers[a]) for a in self.askers_of(key)))


def coalesce(table: RequirementTable, before: Coalesced | None = None) -> Coalesced:
    """Merge all rows of `table`; rows that contradict each other raise PlanError naming both askers.

    With `before`, coalesced from the same table earlier, only what was touched since is merged again.
    """
    if before is not None and before.terms is table.terms:
        touched = table.touched(before.version)
        small = len(touched) <= max(64, len(before.needs) // 8)
        if small and before.asks.count <= 2 * int(before.needs.base["asks"].sum()) + 1024:
            needs, asked_by = _merge(table, table.rows_of(touched))
            needs["first_ask"] += before.asks.append(asked_by)
            changed = before.needs.changed(needs, touched[~contains(needs["key"], touched)])
            return Coalesced(changed, before.asks, table.keys, table.askers, table.terms, table.version)
    needs, asked_by = _merge(table, table.rows)
    whole = Table.of(needs, "key")
    return Coalesced(whole, Asks(asked_by), table.keys, table.askers, table.terms, table.version)


def _merge(table: RequirementTable, rows: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """Needs of these rows, sorted by key, and their askers one after another."""
    rows = rows.take(np.argsort(rows["key"]))  # of whole rows `take` is nine times as fast as an index
    key = np.ascontiguousarray(rows["key"])
    new = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, len(key)))
    group = np.repeat(np.arange(len(starts)), counts)
    needs = np.zeros(len(starts), NEED)
    needs["key"] = key[starts]
    needs["terms"] = _merge_terms(table, needs["key"], np.ascontiguousarray(rows["terms"]), group, starts)
    if len(starts):
        _merge_numbers(table, needs, rows, starts)
        code = group << 32
        code |= rows["asker"]
        code.sort()  # askers of each group in order; groups stay where they are
        np.not_equal(code[1:], code[:-1], out=new[1:])
        needs["asks"] = np.add.reduceat(new, starts, dtype=np.int32)
        needs["first_ask"] = np.cumsum(needs["asks"]) - needs["asks"]
        return needs, code[new].astype(np.int32)
    return needs, np.zeros(0, np.int32)


def _merge_numbers(
    table: RequirementTable, needs: NDArray[np.void], rows: NDArray[np.void], starts: Int64s
) -> None:
    needs["size"] = np.maximum.reduceat(np.ascontiguousarray(rows["size"]), starts)
    needs["priority"] = np.maximum.reduceat(np.ascontiguousarray(rows["priority"]), starts)
    content = np.ascontiguousarray(rows["content"])
    needs["content"] = np.maximum.reduceat(content, starts)
    differ = np.flatnonzero(np.minimum.reduceat(content, starts) != needs["content"])
    if len(differ):
        raise PlanError(
            "plan.content",
            f"{table.keys.name(int(needs['key'][differ[0]]))} is asked for in two versions at once",
            "state the requirements again after its source has changed",
        )


def _merge_terms(
    table: RequirementTable, keys: Int64s, terms: NDArray[np.int32], group: Int64s, starts: Int64s
) -> NDArray[np.int32]:
    """Fold the distinct terms of each group into one, one distinct pair at a time."""
    merged = terms[starts].astype(np.int64)
    other = terms != np.repeat(merged, np.diff(np.append(starts, len(terms))))
    span = np.int64(len(table.terms))
    code = np.sort(group[other] * span + terms[other])
    code = code[np.concatenate([np.ones(min(len(code), 1), bool), code[1:] != code[:-1]])]
    rest_group, rest_terms = code // span, code % span
    while len(rest_group):
        first = np.concatenate([[True], rest_group[1:] != rest_group[:-1]])
        into, with_terms = rest_group[first], rest_terms[first]
        pairs, index, inverse = np.unique(
            merged[into] << 32 | with_terms, return_index=True, return_inverse=True
        )
        results = np.empty(len(pairs), np.int64)
        for i, pair in enumerate(pairs.tolist()):
            a, b = table.terms[pair >> 32], table.terms[pair & 0xFFFF_FFFF]
            try:
                results[i] = table.terms.id(merge(a, b))
            except ValueError as conflict:
                key = int(keys[into[index[i]]])
                raise _conflict(table, key, str(conflict)) from None
        merged[into] = results[inverse]
        rest_group, rest_terms = rest_group[~first], rest_terms[~first]
    return merged.astype(np.int32)


def merge(a: Terms, b: Terms) -> Terms:
    """The terms that satisfy both; ValueError says what contradicts."""
    for field, what in (("kind", "kinds"), ("shape", "shapes"), ("copies", "numbers of copies")):
        if getattr(a, field) != getattr(b, field):
            raise ValueError(f"two {what}, {_plain(getattr(a, field))} and {_plain(getattr(b, field))}")
    lifetime = None
    if a.lifetime is not None and b.lifetime is not None:
        lifetime = (min(a.lifetime[0], b.lifetime[0]), max(a.lifetime[1], b.lifetime[1]))
    return Terms(
        a.kind,
        lcm(a.alignment, b.alignment),
        a.shape,
        a.usage | b.usage,
        MemoryProperty(a.properties | b.properties),
        MemoryProperty(a.preferred | b.preferred),
        tuple(sorted({*a.uses, *b.uses})),
        Dedicated(max(a.dedicated, b.dedicated)),
        max(a.contents, b.contents),
        a.copies,
        lifetime,
        a.persistent_map or b.persistent_map,
    )


def _plain(value: object) -> str:
    return value.name.lower() if hasattr(value, "name") else str(value)


def _conflict(table: RequirementTable, key: int, what: str) -> PlanError:
    rows = table.rows[table.rows["key"] == key]
    who = sorted({str(table.askers[int(a)]) for a in rows["asker"]})
    return PlanError(
        "plan.conflict",
        f"{table.keys.name(key)} is asked for with {what}, by {'; '.join(who)}",
        "let all of them state the same, or use an asset for each",
    )
