"""One planning round: which keys stay, are replaced, are new, and are removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.model.memory_plan import SUBRESOURCE, MemoryPlan, Sharing
from engine.plan.model.packing import Packing
from engine.plan.model.plan import Plan
from engine.plan.placement.builder import Builder
from engine.plan.placement.placing import GroupNeeds, UnsatisfiableNeed, place
from engine.plan.placement.shared_images import SharedPlaces, shared_places
from engine.plan.placement.staging_bounds import min_staging
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import (
    Int64s,
    Rows,
    Table,
    chosen,
    contains,
    distinct,
    distinct_ids,
    distinct_rows,
    every,
    is_in,
    some,
    stack,
)
from engine.plan.terms.vocabulary import Kind

_NONE = np.zeros(0, np.int64)
FEW = 16
"""Rows that are looked at one by one."""
SLACK = 32  # bytes of staging per key, for the alignment of the start and end of a run


class Keep(IntEnum):
    """How much of the resident plan a round keeps; if a plan does not fit, the next lower level may.

    OWN_ALLOCATIONS places all keys in shared pages again. Resources with an allocation of their own stay: to
    place them again gains nothing, and contents written by device or host would be lost.
    """

    NOTHING = 0
    OWN_ALLOCATIONS = 1
    DENSE_PAGES = 2  # keys in pages that wait to be returned are placed again, and others that fit stay
    PLACES = 3  # keys that fit stay where they are
    OLD_RANGES = 4  # and old ranges of replaced keys until the new ones are published; dedicated images stay


@dataclass(frozen=True, eq=False, slots=True)
class RoundResult:
    """The result of a round: at most `to_stage` bytes pass through staging buffers.

    One of these needs at least `min_staging` bytes, or some asset could never be transferred.
    """

    memory: MemoryPlan
    packing: Packing
    to_stage: int
    min_staging: int


class PlanningRound:
    """Works on a copy-on-write view of the resident plan, which a failed round leaves unchanged.

    The resident keys `leaving` (sorted) do not stay at their places; no key is placed in pages of `closed`.
    """

    def __init__(
        self,
        coalesced: Coalesced,
        profile: DeviceProfile,
        resident: Plan | None,
        policy: Policy,
        terms: TermsTable,
        keep: Keep,
        leaving: Int64s = _NONE,
        closed: Sequence[int] = (),
    ) -> None:
        self.coalesced = coalesced
        self.profile = profile
        self.policy = policy
        self.terms = terms
        self.keep = keep
        self.leaving = leaving
        self.closed = closed
        self.resident = resident
        self.memory = _kept(resident.memory, keep) if resident is not None else MemoryPlan.empty()
        if resident is not None and keep >= Keep.DENSE_PAGES:
            self.packing = resident.take_packing()
        else:
            self.packing = Packing.of(self.memory, profile)

    def run(self) -> RoundResult:
        """The memory plan and the bytes to stage; HeapFull or UnsatisfiableNeed where it does not fit."""
        removed_keys, ids = self._difference()
        leaving, shared = self.leaving, SharedPlaces()
        if self.resident is not None:
            facts = self.profile, self.policy, self.terms
            most = self.keep is Keep.OLD_RANGES
            shared = shared_places(
                self.coalesced, self.memory, ids, removed_keys, *facts, keep_dedicated=most
            )
            if len(shared.leaving):
                leaving = distinct(np.concatenate([leaving, shared.leaving]))
        if len(leaving):
            ids = distinct(np.concatenate([ids, leaving]))
        columns = need_columns(
            self.coalesced, self.coalesced.needs.rows(ids), self.profile, self.policy, self.terms
        )
        rows = _rows(columns)
        had = self.memory.subresource_table.has(ids)
        old = self.memory.subresource_table.rows(ids[had])
        same = np.zeros(len(ids), bool)
        same[had] = (old["terms"] == rows["terms"][had]) & (old["size"] == rows["size"][had])
        same[had] &= old["content"] == rows["content"][had]
        same[had] &= old["footprint"] >= rows["footprint"][had]
        leaves = contains(leaving, ids)
        same &= ~leaves
        stays = same.copy()
        if not every(same | leaves):
            stays[had] |= self._fits(columns, rows, had, old) & ~leaves[had]
        self._keep(rows, columns, had, old, stays)
        moves = ~stays
        removed = self.memory.subresource_table.rows(removed_keys) if len(removed_keys) else old[:0]
        replaced = chosen(old, moves[had])
        keep_old = self.keep is Keep.OLD_RANGES
        if not keep_old:
            removed, replaced = stack([removed, replaced]), old[:0]
        dropped = self._drop(removed)
        for page in self.closed:
            self.packing.pages.close(page)
        grow = keep_old and not len(self.leaving)
        about = self.memory, self.packing, self.profile, self.policy
        builder = Builder(*about, homes=shared.homes, grow=grow)
        self._place(columns, rows, moves, builder)
        missing = is_in(ids, self.memory.missing) if len(self.memory.missing) else np.zeros(len(ids), bool)
        fetch = moves & columns.cached | missing
        placed, others = chosen(rows, moves), chosen(rows, ~same)
        memory = self._finish(builder, placed, others, removed_keys, dropped, replaced, shared.aliased)
        if not some(fetch):
            return RoundResult(memory, self.packing, 0, 0)
        to_stage = int((np.maximum(columns.bytes, columns.footprint) + SLACK)[fetch].sum())
        return RoundResult(memory, self.packing, to_stage, self._min_staging(columns, fetch))

    def _min_staging(self, columns: NeedColumns, fetch: NDArray[np.bool_]) -> int:
        """The least size in bytes of a staging buffer through which all of `fetch` can be transferred."""
        entries = [self.terms[t] for t in distinct_ids(columns.terms[fetch]).tolist()]
        shapes = [entry.shape for entry in entries if entry.shape is not None]
        padding = (columns.footprint - columns.size)[fetch].max(initial=0)  # images, in layers, never win
        return min_staging(shapes, int(padding), self.profile, self.policy)

    def _difference(self) -> tuple[Int64s, Int64s]:
        """(removed keys, keys that may be new or changed), both sorted."""
        places, needs = self.memory.subresource_table, self.coalesced.needs
        known = self.resident
        if (
            known is not None
            and places is known.memory.subresource_table
            and known.requirements.terms is self.coalesced.terms
            and known.whole
            and known.profile is self.profile
            and known.policy == self.policy
        ):
            return known.requirements.needs.difference(needs)
        keys = needs.array["key"].astype(np.int64)
        removed_keys = places.array["key"].astype(np.int64)
        return removed_keys[~needs.has(removed_keys)], keys

    def _fits(self, columns: NeedColumns, rows: Rows, had: NDArray[np.bool_], old: Rows) -> NDArray[np.bool_]:
        """Which of the resident keys can stay at their place although their need has changed."""
        resource = self.memory.resource_table.rows(old["resource"].astype(np.int64))
        allocation = self.memory.allocation_table.rows(resource["allocation"].astype(np.int64))
        new_foot, own = columns.footprint[had], resource["sharing"] == Sharing.OWN
        fits: NDArray[np.bool_] = (old["content"] == rows["content"][had]) & (new_foot <= old["footprint"])
        fits &= columns.usage[had] & ~resource["usage"].astype(np.int64) == 0
        images = resource["kind"] == Kind.IMAGE
        fits &= images | (old["offset"] % columns.alignment[had] == 0)
        fits &= ~own | (2 * new_foot > old["footprint"])
        if not some(fits):
            return fits
        facts = (old["terms"], columns.group[had], allocation["memory_type"], resource["sharing"])
        pairs = np.array(facts, np.int64).T
        different, index = distinct_rows(pairs) if len(pairs) > FEW else (pairs, slice(None))
        good = np.zeros(len(different), bool)
        for i, (terms, group, memory_type, sharing) in enumerate(different.tolist()):
            target, previous = columns.groups[group], self.terms[terms]
            has = int(self.profile.memory_types[memory_type].properties)
            good[i] = (
                target.sharing == sharing
                and target.kind is previous.kind
                and target.shape == previous.shape
                and target.mapped == previous.persistent_map
                and not int(target.required) & ~has
            )
        fits &= good[index]
        address = np.array([g.device_address for g in columns.groups], bool)
        fits &= ~(images & own) | (new_foot == old["footprint"])
        fits &= allocation["device_address"] | ~address[columns.group[had]]
        return fits

    def _keep(
        self, rows: Rows, columns: NeedColumns, had: NDArray[np.bool_], old: Rows, stays: NDArray[np.bool_]
    ) -> None:
        """Copy the places of keys that stay into `rows`, and free the rest of a footprint that has shrunk."""
        kept = stays[had]
        at = had.nonzero()[0][kept]
        before = chosen(old, kept)
        rows["resource"][at], rows["offset"][at] = before["resource"], before["offset"]
        shrunk = (before["footprint"] != rows["footprint"][at]).nonzero()[0]
        for i in shrunk.tolist():
            resource, start = int(before["resource"][i]), int(before["offset"][i])
            small, large = int(rows["footprint"][at[i]]), int(before["footprint"][i])
            if self.packing.pages.has_space(resource):
                self.packing.pages.give(resource, start + small, large - small)
            else:
                rows["footprint"][at[i]] = large

    def _drop(self, places: Rows) -> tuple[Int64s, Int64s]:
        """Free places; returns ids of (resources, allocations) that are empty and removed now."""
        for row in places:
            self.packing.pages.give(int(row["resource"]), int(row["offset"]), int(row["footprint"]))
        for ident, count in _counts(places["resource"]) if len(places) else ():
            self.packing.keys_in[ident] -= count
        empty = [ident for ident, count in self.packing.keys_in.items() if not count]
        if not empty:
            return _NONE, _NONE
        allocations = []
        for ident in empty:
            resource = self.memory.resource(ident)
            allocation = self.memory.allocation(int(resource["allocation"]))
            if self.packing.drop_resource(resource, allocation):
                self.packing.drop_allocation(allocation, self.profile)
                allocations.append(int(allocation["id"]))
        return np.array(empty, np.int64), np.array(allocations, np.int64)

    def _place(self, columns: NeedColumns, rows: Rows, new: NDArray[np.bool_], builder: Builder) -> None:
        if not some(new):
            return
        order = columns.placing_order(self.coalesced, new)
        group = columns.group[order]
        breaks = ((group[1:] != group[:-1]).nonzero()[0] + 1).tolist()
        for start, stop in zip([0, *breaks], [*breaks, len(group)], strict=True):
            if start == stop:
                break
            at = order[start:stop]
            group_ = columns.groups[int(group[start])]
            own = group_.sharing is Sharing.OWN
            needs = GroupNeeds(
                group_,
                [self.terms[t] for t in rows["terms"][at].tolist()] if own else [],
                columns.needs["key"][at],
                columns.footprint[at],
                columns.alignment[at],
                columns.usage[at],
            )
            try:
                rows["resource"][at], rows["offset"][at] = place(needs, builder)
            except UnsatisfiableNeed as need:
                need.key = int(needs.key[need.row])
                raise

    def _finish(
        self,
        builder: Builder,
        placed: Rows,
        changed: Rows,
        removed_keys: Int64s,
        dropped: tuple[Int64s, Int64s],
        replaced: Rows,
        aliased: Mapping[int, bool],
    ) -> MemoryPlan:
        """The new memory plan. Ranges of replaced keys are freed only now, after everything is placed.

        `aliased` says of resources that stay, by id, whether they share bytes now, where that has changed.
        """
        allocations, resources = builder.finish()
        new = dict(zip(allocations["id"].tolist(), allocations, strict=True))
        for row in new.values():
            self.packing.add_allocation(row, self.profile)
        for row, ident in zip(resources, resources["allocation"].tolist(), strict=True):
            self.packing.add_resource(row, new[ident] if ident in new else self.memory.allocation(ident))
        for ident, count in _counts(placed["resource"]):
            self.packing.keys_in[ident] += count
        if len(resources):
            self.packing.open_new(allocations, resources, placed)
        last = self._drop(replaced)
        if aliased:
            known = self.memory.resource_table.rows(np.array(sorted(aliased), np.int64))
            known["aliased"] = [aliased[ident] for ident in known["id"].tolist()]
            resources = stack([known, resources])
        for page in self.closed:
            self.packing.pages.open(page)
        return MemoryPlan(
            self.memory.allocation_table.changed(allocations, _both(dropped[1], last[1])),
            self.memory.resource_table.changed(resources, _both(dropped[0], last[0])),
            self.memory.subresource_table.changed(changed, removed_keys),
            builder.next_allocation,
            builder.next_resource,
        )


def _rows(columns: NeedColumns) -> Rows:
    rows = np.zeros(len(columns.needs), SUBRESOURCE)
    rows["key"], rows["content"] = columns.needs["key"], columns.needs["content"]
    rows["terms"], rows["size"] = columns.terms, columns.size
    rows["stride"], rows["footprint"] = columns.stride, columns.footprint
    rows["resource"] = -1
    return rows


def _both(ids: Int64s, others: Int64s) -> Int64s:
    return np.concatenate((ids, others)) if len(others) else ids


def _counts(ids: NDArray[np.int32]) -> list[tuple[int, int]]:
    """(id, number of occurrences) of each distinct id."""
    counts = np.bincount(ids)
    distinct_ = counts.nonzero()[0]
    return list(zip(distinct_.tolist(), counts[distinct_].tolist(), strict=True))


def _kept(memory: MemoryPlan, keep: Keep) -> MemoryPlan:
    """The part of a memory plan that `keep` keeps; the next unused ids are kept in any case."""
    if keep >= Keep.DENSE_PAGES:
        return memory
    if keep is Keep.NOTHING:
        empty = MemoryPlan.empty()
        return replace(empty, next_allocation=memory.next_allocation, next_resource=memory.next_resource)
    resources, places = memory.resources, memory.subresources
    own = memory.allocation_table.rows(resources["allocation"].astype(np.int64))["own"]
    stays = (resources["sharing"] == Sharing.OWN) & own
    stays &= is_in(resources["id"], places["resource"])
    kept = resources[stays]
    allocations = memory.allocations
    return MemoryPlan(
        Table.of(allocations[is_in(allocations["id"], kept["allocation"])], "id"),
        Table.of(kept, "id"),
        Table.of(places[is_in(places["resource"], kept["id"])], "key"),
        memory.next_allocation,
        memory.next_resource,
        missing=memory.missing,
    )
