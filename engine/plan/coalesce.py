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
from engine.plan.table import Int64s, Table
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


@dataclass(frozen=True, eq=False)
class Coalesced:
    """One need per key (dtype NEED, sorted by key) and the askers of each: `asked_by[first_ask:+asks]`."""

    needs: Table
    asked_by: NDArray[np.int32]
    keys: Keys
    askers: AskerTable
    terms: TermsTable

    def askers_of(self, key: int) -> tuple[int, ...]:
        """Ids of all who ask for `key`."""
        need = self.needs.row(key)
        first = int(need["first_ask"])
        return tuple(int(a) for a in self.asked_by[first : first + int(need["asks"])])

    def why(self, key: int) -> str:
        """All who ask for `key`, in words."""
        return ", ".join(sorted(str(self.askers[a]) for a in self.askers_of(key)))


def coalesce(table: RequirementTable) -> Coalesced:
    """Merge all rows of `table`; rows that contradict each other raise PlanError naming both askers."""
    rows = table.rows
    order = np.argsort(rows["key"])
    key = rows["key"][order]
    starts = (
        np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, np.intp)
    )
    counts = np.diff(np.append(starts, len(key)))
    group = np.repeat(np.arange(len(starts)), counts)
    needs = np.zeros(len(starts), NEED)
    needs["key"] = key[starts]
    needs["terms"] = _merge_terms(table, needs["key"], rows["terms"][order], group, starts)
    if len(starts):
        _merge_numbers(table, needs, order, starts)
    code = np.unique(group * np.int64(len(table.askers) or 1) + rows["asker"][order])
    asks = np.bincount(code // (len(table.askers) or 1), minlength=len(starts))
    needs["asks"] = asks
    needs["first_ask"] = np.cumsum(asks) - asks
    asked_by = (code % (len(table.askers) or 1)).astype(np.int32)
    return Coalesced(Table.of(needs, "key"), asked_by, table.keys, table.askers, table.terms)


def _merge_numbers(table: RequirementTable, needs: NDArray[np.void], order: Int64s, starts: Int64s) -> None:
    rows = table.rows
    needs["size"] = np.maximum.reduceat(rows["size"][order], starts)
    needs["priority"] = np.maximum.reduceat(rows["priority"][order], starts)
    content = rows["content"][order]
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
    code = np.unique(group[other] * span + terms[other])
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
