"""One planning round: what stays, what is replaced, what is new, what goes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.columns import Columns, columns_of
from engine.plan.model.memory_plan import SUBRESOURCE, MemoryPlan, Sharing
from engine.plan.model.packing import Packing
from engine.plan.model.plan import Plan
from engine.plan.placement.builder import Builder
from engine.plan.placement.placing import Unplaceable, Wanted, place
from engine.plan.placement.staging_bounds import staging_at_once
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, Rows, Table, distinct_ids, stack
from engine.plan.terms.vocabulary import Kind

SLACK = 32  # of staging per key, for the start and end of a run


class Keep(IntEnum):
    """How much of what is resident a round holds on to; what one has no room for may fit the next lower.

    With OWN all that shares pages is placed anew. What has an allocation of its own would gain nothing from
    that, and what the device or the host has written there would be lost.
    """

    NOTHING = 0
    OWN = 1
    PLACES = 2  # what fits stays where it is
    REPLACED = 3  # and the old range of what is replaced is given away only after the new one is published


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What a round found: at most `to_stage` bytes come through staging, of which it must hold `at_once`."""

    memory: MemoryPlan
    packing: Packing
    to_stage: int
    at_once: int


class Round:
    """Works on a copy-on-write view of the resident plan; a failed round leaves that plan as it was."""

    def __init__(
        self,
        coalesced: Coalesced,
        profile: DeviceProfile,
        resident: Plan | None,
        policy: Policy,
        terms: TermsTable,
        keep: Keep,
    ) -> None:
        self.coalesced = coalesced
        self.profile = profile
        self.policy = policy
        self.terms = terms
        self.keep = keep
        self.resident = resident
        self.memory = _kept(resident.memory, keep) if resident is not None else MemoryPlan.empty()
        if resident is not None and keep >= Keep.PLACES:
            self.packing = resident.take_packing()
        else:
            self.packing = Packing.of(self.memory, profile)

    def run(self) -> Outcome:
        """The plan of memory and what must be staged to get there.

        Raises NoRoom or Unplaceable where the device cannot hold it.
        """
        gone, ids = self._difference()
        columns = columns_of(
            self.coalesced, self.coalesced.needs.rows(ids), self.profile, self.policy, self.terms
        )
        rows = _rows(columns)
        had = self.memory.subresource_table.has(ids)
        old = self.memory.subresource_table.rows(ids[had])
        same = np.zeros(len(ids), bool)
        same[had] = (old["terms"] == rows["terms"][had]) & (old["size"] == rows["size"][had])
        same[had] &= old["content"] == rows["content"][had]
        same[had] &= old["footprint"] >= rows["footprint"][had]
        stays = same.copy()
        stays[had] |= self._fits(columns, rows, had, old)
        self._keep(rows, columns, had, old, stays)
        left = self.memory.subresource_table.rows(gone)
        replaced = old[~stays[had]]
        roomy = self.keep is Keep.REPLACED
        if not roomy:
            left, replaced = stack([left, replaced]), replaced[:0]
        dropped = self._drop(left)
        builder = Builder(self.memory, self.packing, self.profile, self.policy, grow=roomy)
        self._place(columns, rows, ~stays, builder)
        missing = np.isin(ids, self.memory.missing) if len(self.memory.missing) else np.zeros(len(ids), bool)
        fetch = ~stays & columns.cached | missing
        memory = self._finish(builder, rows[~stays], rows[~same], gone, dropped, replaced)
        to_stage = int((np.maximum(columns.bytes, columns.footprint) + SLACK)[fetch].sum())
        return Outcome(memory, self.packing, to_stage, self._at_once(columns, fetch))

    def _at_once(self, columns: Columns, fetch: NDArray[np.bool_]) -> int:
        """Bytes of staging without which one of these could never come."""
        entries = [self.terms[t] for t in distinct_ids(columns.terms[fetch]).tolist()]
        shapes = [entry.shape for entry in entries if entry.shape is not None]
        padding = (columns.footprint - columns.size)[fetch].max(initial=0)  # of buffers; of images below zero
        return staging_at_once(shapes, int(padding), self.profile, self.policy)

    def _difference(self) -> tuple[Int64s, Int64s]:
        """(keys that go, keys to look at), both sorted."""
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
        gone = places.array["key"].astype(np.int64)
        return gone[~needs.has(gone)], keys

    def _fits(self, columns: Columns, rows: Rows, had: NDArray[np.bool_], old: Rows) -> NDArray[np.bool_]:
        """Which of the resident keys may stay although what is asked of them has changed."""
        resource = self.memory.resource_table.rows(old["resource"].astype(np.int64))
        allocation = self.memory.allocation_table.rows(resource["allocation"].astype(np.int64))
        new_foot, own = columns.footprint[had], resource["sharing"] == Sharing.OWN
        fits: NDArray[np.bool_] = (old["content"] == rows["content"][had]) & (new_foot <= old["footprint"])
        fits &= columns.usage[had] & ~resource["usage"].astype(np.int64) == 0
        fits &= (resource["kind"] == Kind.IMAGE) | (old["offset"] % columns.alignment[had] == 0)
        fits &= ~own | (2 * new_foot > old["footprint"])
        if not fits.any():
            return fits
        facts = (old["terms"], columns.group[had], allocation["memory_type"], resource["sharing"])
        pairs = np.stack([*facts, resource["aliased"], rows["terms"][had]], 1)
        different, index = np.unique(pairs, axis=0, return_inverse=True)
        good = np.zeros(len(different), bool)
        for i, (terms, group, memory_type, sharing, aliased, new) in enumerate(different.tolist()):
            wanted, was = columns.groups[group], self.terms[terms]
            has = self.profile.memory_types[memory_type].properties
            good[i] = (
                wanted.sharing == sharing
                and wanted.kind is was.kind
                and wanted.shape == was.shape
                and wanted.mapped == was.persistent_map
                and not (aliased and was.lifetime != self.terms[new].lifetime)
                and not wanted.required & ~has
            )
        fits &= good[index.reshape(-1)]
        address = np.array([g.device_address for g in columns.groups], bool)
        images = resource["kind"] == Kind.IMAGE
        fits &= ~(images & own) | (new_foot == old["footprint"])
        fits &= allocation["device_address"] | ~address[columns.group[had]]
        return fits

    def _keep(
        self, rows: Rows, columns: Columns, had: NDArray[np.bool_], old: Rows, stays: NDArray[np.bool_]
    ) -> None:
        """Carry places over into `rows`, giving back what a shrunken key no longer needs."""
        kept = stays[had]
        at = np.flatnonzero(had)[kept]
        before = old[kept]
        rows["resource"][at], rows["offset"][at] = before["resource"], before["offset"]
        shrunk = np.flatnonzero(before["footprint"] != rows["footprint"][at])
        for i in shrunk.tolist():
            resource, start = int(before["resource"][i]), int(before["offset"][i])
            small, large = int(rows["footprint"][at[i]]), int(before["footprint"][i])
            if self.packing.pages.knows(resource):
                self.packing.pages.give(resource, start + small, large - small)
            else:
                rows["footprint"][at[i]] = large

    def _drop(self, places: Rows) -> tuple[Int64s, Int64s]:
        """Give places back; (resources, allocations) that hold nothing any more."""
        for place_ in places:
            self.packing.pages.give(int(place_["resource"]), int(place_["offset"]), int(place_["footprint"]))
        for ident, count in _counts(places["resource"]):
            self.packing.keys_in[ident] -= count
        empty = [ident for ident, count in self.packing.keys_in.items() if not count]
        allocations = []
        for ident in empty:
            row = self.memory.resource(ident)
            home = self.memory.allocation(int(row["allocation"]))
            if self.packing.drop_resource(row, home):
                self.packing.drop_allocation(home, self.profile)
                allocations.append(int(home["id"]))
        return np.array(empty, np.int64), np.array(allocations, np.int64)

    def _place(self, columns: Columns, rows: Rows, new: NDArray[np.bool_], builder: Builder) -> None:
        order = columns.placing_order(self.coalesced)
        order = order[new[order]]
        group = columns.group[order]
        breaks = (np.flatnonzero(group[1:] != group[:-1]) + 1).tolist()
        for start, stop in zip([0, *breaks], [*breaks, len(group)], strict=True):
            if start == stop:
                break
            at = order[start:stop]
            kind = columns.groups[int(group[start])]
            own = kind.sharing is Sharing.OWN
            wanted = Wanted(
                kind,
                [self.terms[t] for t in rows["terms"][at].tolist()] if own else [],
                columns.needs["key"][at],
                columns.footprint[at],
                columns.alignment[at],
                columns.usage[at],
            )
            try:
                rows["resource"][at], rows["offset"][at] = place(wanted, builder)
            except Unplaceable as found:
                found.key = int(wanted.key[found.row])
                raise

    def _finish(
        self,
        builder: Builder,
        placed: Rows,
        changed: Rows,
        gone: Int64s,
        dropped: tuple[Int64s, Int64s],
        replaced: Rows,
    ) -> MemoryPlan:
        """The new memory plan; only now, all being placed, are the ranges of what is replaced given back."""
        allocations, resources = builder.finish()
        for row in allocations:
            self.packing.add_allocation(row, self.profile)
        homes = {int(row["id"]): row for row in allocations}
        for row in resources:
            home = int(row["allocation"])
            self.packing.add_resource(row, homes[home] if home in homes else self.memory.allocation(home))
        for ident, count in _counts(placed["resource"]):
            self.packing.keys_in[ident] += count
        self.packing.open_new(allocations, resources, placed)
        last = self._drop(replaced)
        return MemoryPlan(
            self.memory.allocation_table.changed(allocations, np.concatenate([dropped[1], last[1]])),
            self.memory.resource_table.changed(resources, np.concatenate([dropped[0], last[0]])),
            self.memory.subresource_table.changed(changed, gone),
            builder.next_allocation,
            builder.next_resource,
        )


def _rows(columns: Columns) -> Rows:
    rows = np.zeros(len(columns.needs), SUBRESOURCE)
    rows["key"], rows["content"] = columns.needs["key"], columns.needs["content"]
    rows["terms"], rows["size"] = columns.terms, columns.size
    rows["stride"], rows["footprint"] = columns.stride, columns.footprint
    rows["resource"] = -1
    return rows


def _counts(ids: NDArray[np.int32]) -> list[tuple[int, int]]:
    """How often each id occurs."""
    ordered = np.sort(ids)
    starts = np.flatnonzero(np.concatenate([[True] * (len(ids) > 0), ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.append(starts, len(ids)))
    return list(zip(ordered[starts].tolist(), counts.tolist(), strict=True))


def _kept(memory: MemoryPlan, keep: Keep) -> MemoryPlan:
    """What is held on to of a memory plan; new ids go on from its own in any case."""
    if keep >= Keep.PLACES:
        return memory
    if keep is Keep.NOTHING:
        empty = MemoryPlan.empty()
        return replace(empty, next_allocation=memory.next_allocation, next_resource=memory.next_resource)
    resources, places = memory.resources, memory.subresources
    homes = memory.allocation_table.rows(resources["allocation"].astype(np.int64))
    stays = (resources["sharing"] == Sharing.OWN) & homes["own"]
    stays &= np.isin(resources["id"], places["resource"])
    kept = resources[stays]
    allocations = memory.allocations
    return MemoryPlan(
        Table.of(allocations[np.isin(allocations["id"], kept["allocation"])], "id"),
        Table.of(kept, "id"),
        Table.of(places[np.isin(places["resource"], kept["id"])], "key"),
        memory.next_allocation,
        memory.next_resource,
        missing=memory.missing,
    )
