"""Coalescing: all requests for one key become one need, and every requester is kept.

Usages and memory properties are ORed, queue uses united, alignments combined to their least common multiple
(the seed's "that will coalesce during plan-making phase"). One sort groups the requests; a distinct pair of
terms is merged once, so the work in Python grows with the number of distinct terms, not of requesters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import lcm

import numpy as np
from numpy.typing import NDArray

from engine.plan.requirements.request_table import RequestSnapshot
from engine.plan.requirements.requesters import RequesterTable
from engine.plan.requirements.requirements import RequirementTable, Terms, TermsTable
from engine.plan.terms.errors import PlanError
from engine.plan.terms.keys import Keys
from engine.plan.terms.table import Int64s, Rows, Table, begins_run, contains, distinct, stable_argsort
from engine.plan.terms.vocabulary import Dedicated, MemoryProperty


@dataclass(frozen=True, eq=False)
class Coalesced:
    """One need per key (dtype REQUEST, sorted by key), and a snapshot of the requests behind it.

    A need has the columns of a request; its terms satisfy all requests for its key.
    """

    needs: Table
    requested: RequestSnapshot
    keys: Keys
    requesters: RequesterTable
    terms: TermsTable
    _requesters_of: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def requesters_of(self, key: int) -> tuple[int, ...]:
        """Ids of all requesters of `key`, ascending; KeyError where there is none."""
        found = self._requesters_of.get(key)
        if found is None:  # cached, as an inspector reads the same keys in every frame
            found = self._requesters_of[key] = tuple(self.requested.requesters_of(key).tolist())
        if not found:
            raise KeyError(key)
        return found

    def without(self, keys: Int64s) -> Coalesced:
        """The same without the needs of `keys`."""
        return replace(self, needs=self.needs.changed(self.needs.base[:0], keys))

    def why(self, key: int) -> str:
        """The requesters of `key` as text: the first 16, and the number of the others."""
        return ", ".join(self.named_requesters(key))

    def named_requesters(self, key: int) -> tuple[str, ...]:
        """The first 16 requesters of `key` as text, followed by the number of the others."""
        return tuple(self.requesters.names(self.requesters_of(key)))


def coalesce(table: RequirementTable, before: Coalesced | None = None) -> Coalesced:
    """Merge all requests in `table`; contradicting requests raise PlanError.

    With `before`, an earlier result for the same table, only keys touched since then are merged again.
    """
    needs = None
    if before is not None and before.terms is table.terms:
        if before.requested.version == table.version:
            return before
        touched = table.touched(before.requested.version)
        if touched is not None and len(touched) <= max(64, len(before.needs) // 8):
            merged = _merge(table, table.requests(touched))
            needs = before.needs.changed(merged, touched[~contains(merged["key"], touched)])
    if needs is None:
        needs = Table.of(_merge(table, table.requests()), "key")
    return Coalesced(needs, table.requested, table.keys, table.requesters, table.terms)


def _merge(table: RequirementTable, requested: Rows) -> Rows:
    """The needs of all keys of these requests, sorted by key."""
    requested = requested.take(stable_argsort(requested["key"]))  # `take` is 9 times as fast as indexing
    key = np.ascontiguousarray(requested["key"])
    starts = begins_run(key).nonzero()[0]
    needs = requested.take(starts)
    if len(starts) < len(requested):
        needs["terms"] = _merge_terms(table, requested, starts)
        for name in ("size", "priority"):
            needs[name] = np.maximum.reduceat(np.ascontiguousarray(requested[name]), starts)
        _check_contents(table, requested, starts)
    return needs


def _check_contents(table: RequirementTable, requested: Rows, starts: Int64s) -> None:
    content = np.ascontiguousarray(requested["content"])
    differ = (np.minimum.reduceat(content, starts) != np.maximum.reduceat(content, starts)).nonzero()[0]
    if len(differ):
        key = int(requested["key"][starts[differ[0]]])
        raise PlanError(
            "plan.content",
            f"{table.keys.name(key)} is requested in two versions at once",
            "collect the requirements again after the source has changed",
            key,
        )


def _merge_terms(table: RequirementTable, requested: Rows, starts: Int64s) -> NDArray[np.int32]:
    """The merged terms of each key; every distinct pair of terms is merged once."""
    terms = np.ascontiguousarray(requested["terms"])
    counts = np.diff(np.append(starts, len(terms)))
    merged = terms[starts].astype(np.int64)
    other = (terms != np.repeat(terms[starts], counts)).nonzero()[0]
    group = np.searchsorted(starts, other, side="right") - 1
    span = np.int64(len(table.terms))
    code = distinct(group * span + terms[other])
    rest_group, rest_terms = code // span, code % span
    conflicts = []
    while len(rest_group):
        first = begins_run(rest_group)
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
    """The terms that satisfy both; ValueError names the contradiction."""
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
    """The error for contradicting requests for `key`; independent of the order of the requests."""
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
        f"{table.keys.name(key)} is requested with {what}, by {'; '.join(who)}",
        "request the same everywhere, or use a separate asset for each",
        key,
    )
