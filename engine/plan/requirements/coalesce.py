"""Coalescing: all that is requested of one key becomes one need, with every requester kept.

Usages are ORed, queue uses united, memory properties and alignment taken at their strictest (the seed's "that
will coalesce during plan-making phase"). One sort groups the statements; terms are merged once per distinct
pair, so the work in Python grows with the number of distinct terms, and no work grows with who asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import lcm

import numpy as np
from numpy.typing import NDArray

from engine.plan.requirements.request_table import REQUEST, RequestSnapshot
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import RequirementTable, Terms, TermsTable
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import Keys
from engine.plan.terms.table import Int64s, Rows, Table, contains, distinct, order_of
from engine.plan.terms.vocabulary import Dedicated, MemoryProperty

NEED = REQUEST
"""A need says what a statement says; its terms satisfy all that is requested of its key."""


@dataclass(frozen=True, eq=False)
class Coalesced:
    """One need per key (dtype NEED, sorted by key), and who asked for it then."""

    needs: Table
    requested: RequestSnapshot
    keys: Keys
    requesters: RequesterTable
    terms: TermsTable
    _requesters_of: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def requesters_of(self, key: int) -> tuple[int, ...]:
        """Ids of all who ask for `key`, rising; KeyError where nobody does."""
        found = self._requesters_of.get(key)
        if found is None:  # an inspector asks the same in every frame
            found = self._requesters_of[key] = tuple(self.requested.requesters_of(key).tolist())
        if not found:
            raise KeyError(key)
        return found

    def without(self, keys: Int64s) -> Coalesced:
        """The same, as if nobody asked for `keys`."""
        return replace(self, needs=self.needs.changed(self.needs.base[:0], keys))

    def why(self, key: int) -> str:
        """Who asks for `key`, in words; of very many, some and how many more."""
        return ", ".join(self.named_requesters(key))

    def named_requesters(self, key: int) -> tuple[str, ...]:
        """Who asks for `key`, one entry each; of very many some, and how many more in the last entry."""
        return tuple(self.requesters.names(self.requesters_of(key)))


def coalesce(table: RequirementTable, before: Coalesced | None = None) -> Coalesced:
    """Merge all that is requested in `table`; statements that contradict each other raise PlanError.

    With `before`, coalesced from the same table earlier, only what was touched since is merged again.
    """
    needs = None
    if before is not None and before.terms is table.terms:
        touched = table.touched(before.requested.version)
        if touched is not None and len(touched) <= max(64, len(before.needs) // 8):
            merged = _merge(table, table.requests(touched))
            needs = before.needs.changed(merged, touched[~contains(merged["key"], touched)])
    if needs is None:
        needs = Table.of(_merge(table, table.requests()), "key")
    return Coalesced(needs, table.requested, table.keys, table.requesters, table.terms)


def _merge(table: RequirementTable, requested: Rows) -> Rows:
    """The needs of all keys of these requests, sorted by key."""
    requested = requested.take(order_of(requested["key"]))  # nine times as fast as an index
    key = np.ascontiguousarray(requested["key"])
    new = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    needs = requested.take(starts)
    if len(starts) < len(requested):
        needs["terms"] = _merge_terms(table, requested, starts)
        for name in ("size", "priority"):
            needs[name] = np.maximum.reduceat(np.ascontiguousarray(requested[name]), starts)
        _check_contents(table, requested, starts)
    return needs


def _check_contents(table: RequirementTable, requested: Rows, starts: Int64s) -> None:
    content = np.ascontiguousarray(requested["content"])
    differ = np.flatnonzero(np.minimum.reduceat(content, starts) != np.maximum.reduceat(content, starts))
    if len(differ):
        key = int(requested["key"][starts[differ[0]]])
        raise PlanError(
            "plan.content",
            f"{table.keys.name(key)} is requested in two versions at once",
            "state the requirements again after its source has changed",
        )


def _merge_terms(table: RequirementTable, requested: Rows, starts: Int64s) -> NDArray[np.int32]:
    """Fold the distinct terms of each key into one, one distinct pair at a time."""
    terms = np.ascontiguousarray(requested["terms"])
    counts = np.diff(np.append(starts, len(terms)))
    merged = terms[starts].astype(np.int64)
    other = np.flatnonzero(terms != np.repeat(terms[starts], counts))
    group = np.searchsorted(starts, other, side="right") - 1
    span = np.int64(len(table.terms))
    code = distinct(group * span + terms[other])
    rest_group, rest_terms = code // span, code % span
    conflicts = []
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
            except ValueError:
                conflicts.append(into[index[i]])
                results[i] = pair >> 32
        merged[into] = results[inverse]
        rest_group, rest_terms = rest_group[~first], rest_terms[~first]
    if conflicts:
        raise _conflict(table, int(requested["key"][starts[min(conflicts)]]))
    return merged.astype(np.int32)


def merge(a: Terms, b: Terms) -> Terms:
    """The terms that satisfy both; ValueError says what contradicts."""
    for name, what in (("kind", "kinds"), ("shape", "shapes"), ("copies", "numbers of copies")):
        if getattr(a, name) != getattr(b, name):
            raise ValueError(f"two {what}, {_plain(getattr(a, name))} and {_plain(getattr(b, name))}")
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


def _conflict(table: RequirementTable, key: int) -> PlanError:
    """What contradicts in what is asked of `key`, and who asks; the same in whatever order they did."""
    requested = table.requests(np.array([key]))
    terms = sorted((table.terms[t] for t in distinct(requested["terms"]).tolist()), key=repr)
    what = ""
    for a, b in pairwise(terms):
        try:
            merge(a, b)
        except ValueError as conflict:
            what = str(conflict)
            break
    who = table.requesters.names(table.requested.requesters_of(key).tolist())
    return PlanError(
        "plan.conflict",
        f"{table.keys.name(key)} is asked for with {what}, by {'; '.join(who)}",
        "let all of them state the same, or use an asset for each",
    )
