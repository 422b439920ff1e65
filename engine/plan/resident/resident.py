"""The resident state of a device as pure data, advanced by the steps of a schedule.

The executor and the simulated device both keep one: the executor applies each step once it is carried out.
Every step checks its preconditions and raises StepError where they do not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.places import (
    PLACE,
    RELEASED,
    SAME_PLACE,
    copy_progress,
    match,
    overlapping,
    place_rows,
    settled_rows,
)
from engine.plan.model.plan import Plan
from engine.plan.resident.snapshot import snapshot
from engine.plan.resident.steps import (
    Acquire,
    Allocate,
    Bind,
    ClearStaging,
    CreateBuffer,
    CreateImage,
    Destroy,
    Fill,
    Free,
    Move,
    Publish,
    Release,
    SetWindow,
    Step,
    Transfer,
    Window,
    Withdraw,
)
from engine.plan.terms.errors import StepError
from engine.plan.terms.table import (
    Int64s,
    Rows,
    Table,
    chosen,
    contains,
    distinct,
    distinct_ids,
    is_in,
    stack,
)
from engine.plan.terms.vocabulary import QueueKind

_MAX_CACHED_LOOKUPS = 8  # key arrays: paging cycles overlap, and each uses its keys in four steps


@dataclass(slots=True)
class InFlight:
    """Transfers out of one staging buffer that are not known to be complete.

    Each is (places, indices of the places that it writes to, bytes for each); the places are
    `Resident.pending` at the time of the Transfer step.
    """

    dbs: set[int]
    transfers: list[tuple[Rows, Int64s, Int64s]]


class Resident:
    """Allocations, resources and places that exist, and the transfer progress of each key.

    `target` is the plan that is being settled. `pending` are the subresources of `target` that were not
    published when it became the target (dtype PLACE, sorted by key); all others are settled. `old` are places
    of earlier plans that are still in use or can be copied from. So a small change costs little time.
    """

    def __init__(self) -> None:
        self.target: Plan | None = None
        self.allocations: dict[int, np.void] = {}
        self.resources: dict[int, np.void] = {}
        self.bound: set[int] = set()
        self.pending: Rows = np.zeros(0, PLACE)
        self.old: Rows = np.zeros(0, PLACE)
        self.in_flight: dict[int, InFlight] = {}
        self.windows: dict[int, Window] = {}
        self._keys: Int64s = np.zeros(0, np.int64)
        self._lookups: dict[int, tuple[Int64s, Int64s]] = {}  # by id of the key array: (keys, indices)
        self._unpublished = 0
        self._towards: tuple[Plan, bool, tuple[Rows, Rows]] | None = None

    @staticmethod
    def settled_at(plan: Plan) -> Resident:
        """The state in which `plan` is settled."""
        resident = Resident()
        resident.target = plan
        resident.allocations = {int(row["id"]): row for row in plan.memory.allocations}
        resident.resources = {int(row["id"]): row for row in plan.memory.resources}
        resident.bound = set(resident.resources)
        return resident

    @property
    def live_bytes(self) -> int:
        """Bytes of all VkDeviceMemory."""
        return sum(int(row["size"]) for row in self.allocations.values())

    def heap_bytes(self, plan: Plan) -> list[int]:
        """Bytes of VkDeviceMemory in each heap of the plan's profile."""
        used = [0] * len(plan.profile.heaps)
        for row in self.allocations.values():
            used[plan.profile.memory_types[int(row["memory_type"])].heap] += int(row["size"])
        return used

    def begin(self, plan: Plan) -> None:
        """Make `plan` the target: places that it keeps stay, all others become old."""
        self.pending, self.old = self.towards(plan)
        self._towards = None
        self._keys = self.pending["key"].astype(np.int64)
        self._lookups.clear()
        self._unpublished = len(self.pending)
        if self.target is not None:
            table = plan.memory.resource_table
            for ident in self.target.memory.resource_table.difference(table)[1].tolist():
                if ident in self.resources:  # others share its bytes now, or do no longer
                    self.resources[ident] = table.row(ident)
        self.target = plan

    def towards(self, plan: Plan, *, transfers_complete: bool = False) -> tuple[Rows, Rows]:
        """(pending, old) once `plan` is the target; with `transfers_complete`, as if none were in flight.

        The schedule and `begin` ask in turn, so the last answer is kept until a step changes the state; it
        must not be changed in place.
        """
        completed = transfers_complete and bool(self.in_flight)
        known = self._towards
        if known is None or known[0] is not plan or known[1] != completed:
            found = self._places_towards(plan, transfers_complete=completed)
            known = self._towards = plan, completed, found
        return known[2]

    def _places_towards(self, plan: Plan, *, transfers_complete: bool) -> tuple[Rows, Rows]:
        if self.target is not None and not (self._unpublished or len(self.old) or self.in_flight):
            return self._published_towards(self.target, plan)
        pending = chosen(self.pending, ~self.pending["published"])
        removed_keys, changed = self._difference(plan)
        touched = distinct(np.concatenate([removed_keys, changed]))
        is_touched = contains(touched, pending["key"])
        unchanged = chosen(pending, ~is_touched)
        existing = stack([chosen(pending, is_touched), self._settled(touched, pending), self.old])
        existing = chosen(existing, is_in(existing["resource"], list(self.bound)))
        arrived = self.expected_bytes(existing)
        if transfers_complete:
            existing["arrived"], unchanged["arrived"] = arrived, self.expected_bytes(unchanged)
        fresh = place_rows(plan, changed)
        taken = copy_progress(fresh, existing)
        both = stack([unchanged, chosen(fresh, ~fresh["published"])])
        both = both.take(np.argsort(both["key"], kind="stable"))
        # A replaced place is kept while it is published, or complete, so that it can be copied from.
        complete = (arrived >= existing["needs"]) & (existing["needs"] > 0)
        planned = plan.memory.subresource_table.has(existing["key"].astype(np.int64))
        settled = planned & ~contains(both["key"], existing["key"])
        return both, chosen(existing, ~taken & (existing["published"] | complete) & ~settled)

    def _published_towards(self, before: Plan, plan: Plan) -> tuple[Rows, Rows]:
        """The same where every key of the target, `before`, is published and no earlier place exists."""
        removed, changed = self._difference(plan)
        table = before.memory.subresource_table
        was = table.has(changed)
        at = was.nonzero()[0]
        if len(at):
            old, new = table.rows(changed[at]), plan.memory.subresource_table.rows(changed[at])
            same = old["resource"] == new["resource"]
            for name in SAME_PLACE[1:]:
                same &= old[name] == new[name]
            was[at] = ~same
            removed = np.concatenate((removed, changed[was]))
            removed.sort()
            was[at] = same
        return place_rows(plan, changed[~was]), settled_rows(before, removed)

    def published(self, key: int) -> np.void | None:
        """The published place of `key` (dtype PLACE), None where its users draw with a fallback."""
        mine = self.old[(self.old["key"] == key) & self.old["published"]]
        if len(mine):
            found: np.void = mine[0]
            return found
        plan, keys = self.target, np.array([key], np.int64)
        if plan is None or not plan.memory.subresource_table.has(keys)[0]:
            return None
        at = int(np.searchsorted(self._keys, key))
        if at < len(self._keys) and self._keys[at] == key and not self.pending["published"][at]:
            return None
        place: np.void = settled_rows(plan, keys)[0]
        return place

    def _difference(self, plan: Plan) -> tuple[Int64s, Int64s]:
        """(keys of the target missing in `plan`, keys that are new or have other places in `plan`)."""
        table = plan.memory.subresource_table
        if self.target is None:
            return np.zeros(0, np.int64), table.array["key"].astype(np.int64)
        return self.target.memory.subresource_table.difference(table)

    def _settled(self, keys: Int64s, pending: Rows) -> Rows:
        """Places of those `keys` that are published at their place in the target."""
        if self.target is None:
            return self.pending[:0]
        known = self.target.memory.subresource_table.has(keys) & ~contains(pending["key"], keys)
        return settled_rows(self.target, keys[known])

    def expected_bytes(self, rows: Rows) -> Int64s:
        """Bytes that will have arrived at these places once all transfers in flight are complete."""
        arrived: Int64s = rows["arrived"].copy()
        for flight in self.in_flight.values():
            for pending, places, sizes in flight.transfers:
                at = match(pending.take(places), rows)
                arrived[at[at >= 0]] += sizes[at >= 0]
        return arrived

    def settled(self) -> bool:
        """Whether the resident state equals the target and no step is left."""
        plan = self.target
        if plan is None:
            return not self.allocations and not self.resources
        return (
            not len(self.old)
            and not self.in_flight
            and not self._unpublished
            and sorted(self.allocations) == self._planned_ids("allocations")
            and sorted(self.bound) == sorted(self.resources) == self._planned_ids("resources")
        )

    def snapshot(self) -> Plan | None:
        """The present state as a plan, for making the next one; None before the first plan."""
        return self.target if self.target is None or self.settled() else snapshot(self, self.target)

    def waiting_keys(self) -> Int64s:
        """Keys of the target that are not published yet, sorted."""
        keys: Int64s = self._keys[~self.pending["published"]]
        return keys

    def has_contents(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of these places are published or have bytes, counting those in flight."""
        return np.asarray(rows["published"] | (self.expected_bytes(rows) > 0))

    def apply(self, step: Step) -> None:
        """Apply one step to this state; StepError where its preconditions do not hold."""
        method = _METHODS.get(type(step))
        if method is None:
            raise StepError(f"{type(step).__name__} is not a step of a schedule")
        self._towards = None
        method(self, step)

    def _allocate(self, step: Allocate) -> None:
        _need(step.allocation not in self.allocations, step, "the allocation exists already")
        row = _row(self._plans(), "allocation_table", step.allocation)
        _need(row is not None and int(row["size"]) == step.size, step, "no plan has this allocation")
        assert row is not None
        _need(
            step.dedicated_to < 0 or step.dedicated_to in self.resources,
            step,
            "its resource must exist first",
        )
        self.allocations[step.allocation] = row

    def _create(self, step: CreateBuffer | CreateImage) -> None:
        _need(step.resource not in self.resources, step, "the resource exists already")
        row = _row(self._plans(), "resource_table", step.resource)
        _need(row is not None and int(row["usage"]) == step.usage, step, "no plan has this resource")
        assert row is not None
        self.resources[step.resource] = row

    def _bind(self, step: Bind) -> None:
        _need(step.resource in self.resources, step, "the resource does not exist")
        _need(step.allocation in self.allocations, step, "the allocation does not exist")
        _need(step.resource not in self.bound, step, "the resource is bound already (rule 3)")
        row, home = self.resources[step.resource], self.allocations[step.allocation]
        _need(step.offset % int(row["alignment"]) == 0, step, "misaligned (rule 1)")
        _need(step.offset + int(row["size"]) <= int(home["size"]), step, "beyond the allocation (rule 1)")
        for other in self.bound:
            neighbour = self.resources[other]
            aliases = neighbour["aliased"] and row["aliased"]
            if int(neighbour["allocation"]) == step.allocation and not aliases:
                end = int(neighbour["offset"] + neighbour["size"])
                apart = step.offset >= end or step.offset + int(row["size"]) <= int(neighbour["offset"])
                _need(apart, step, f"overlaps resource {other}")
        self.bound.add(step.resource)

    def forget_windows(self, dbs: Iterable[int]) -> None:
        """Forget the windows of databases that are gone, from which no transfer is in flight."""
        for db in dbs:
            self.windows.pop(db, None)

    def _set_window(self, step: SetWindow) -> None:
        for window in step.windows:
            busy = any(window.db in flight.dbs for flight in self.in_flight.values())
            _need(not busy, step, f"transfers from assetDb {window.db} are in flight")
            self.windows[window.db] = window

    def _transfer(self, step: Transfer) -> None:
        _need(step.staging in self.bound, step, "the staging buffer is not bound")
        window = self.windows.get(step.db)
        _need(window is not None, step, "no window is set")
        assert window is not None
        reads = step.reads
        inside = (reads["cache_offset"] >= window.offset) & (
            reads["cache_offset"] + reads["size"] <= window.offset + window.size
        )
        _need(bool(inside.all()), step, "reads outside the window")
        at = self._find(step.keys, step)
        self._need_bound(self.pending["resource"][at], step)
        _need(not self.pending["published"][at].any(), step, "writes to published places")
        _need(
            bool((self.pending["arrived"][at] + step.sizes <= self.pending["needs"][at]).all()),
            step,
            "more bytes than the key needs",
        )
        self._need_free(at, step)
        flight = self.in_flight.setdefault(step.staging, InFlight(set(), []))
        flight.dbs.add(step.db)
        flight.transfers.append((self.pending, at, step.sizes))
        if self._transfer_queue():
            self.pending["owner"][at] = QueueKind.TRANSFER

    def _fill(self, step: Fill) -> None:
        at = self._find(step.keys, step)
        self._need_bound(self.pending["resource"][at], step)
        _need(not self.pending["published"][at].any(), step, "writes to published places")
        self._need_free(at, step)
        self.pending["arrived"][at] = self.pending["needs"][at]

    def _clear_staging(self, step: ClearStaging) -> None:
        flight = self.in_flight.pop(step.staging, None)
        if flight is not None:
            for pending, at, sizes in flight.transfers:
                if pending is self.pending and not len(self.old):
                    self.pending["arrived"][at] += sizes
                    continue
                places = pending.take(at)
                for rows, at in (
                    (self.pending, self._pending_at(places)),
                    (self.old, match(places, self.old)),
                ):
                    rows["arrived"][at[at >= 0]] += sizes[at >= 0]

    def _move(self, step: Move) -> None:
        _need(step.from_resource in self.bound and step.to_resource in self.bound, step, "not bound")
        at = self._find(step.keys, step)
        _need(not self.pending["published"][at].any(), step, "writes to published places")
        self._need_free(at, step)
        source = self._sources(step)
        ready = (source["arrived"] >= source["needs"]) & (source["owner"] == QueueKind.GRAPHICS)
        _need(bool(ready.all()), step, "the source is not complete")
        self.pending["arrived"][at] = self.pending["needs"][at]

    def _release(self, step: Release) -> None:
        at = self._find(step.keys, step)
        _need(bool((self.pending["owner"][at] == step.source).all()), step, "not the owner (rule 14)")
        self.pending["owner"][at] = RELEASED

    def _acquire(self, step: Acquire) -> None:
        at = self._find(step.keys, step)
        _need(bool((self.pending["owner"][at] == RELEASED).all()), step, "not released (rule 14)")
        self.pending["owner"][at] = step.target

    def _publish(self, step: Publish) -> None:
        at = self._find(step.keys, step)
        places = self.pending
        _need(not places["published"][at].any(), step, "published already")
        same = (places["resource"][at] == step.resources) & (places["offset"][at] == step.offsets)
        _need(bool(same.all()), step, "the plan places them elsewhere")
        _need(bool((places["arrived"][at] >= places["needs"][at]).all()), step, "bytes are missing")
        _need(bool((places["owner"][at] == QueueKind.GRAPHICS).all()), step, "not acquired (rule 14)")
        self._need_bound(places["resource"][at], step)
        self._need_free(at, step)
        places["published"][at] = True
        self._unpublished -= len(at)
        if len(self.old):
            self.old = chosen(self.old, ~is_in(self.old["key"], step.keys))

    def _withdraw(self, step: Withdraw) -> None:
        self.old = chosen(self.old, ~is_in(self.old["key"], step.keys))

    def _destroy(self, step: Destroy) -> None:
        _need(step.resource in self.resources, step, "the resource does not exist")
        mine = self.old["resource"] == step.resource
        _need(not self.old["published"][mine].any(), step, "keys are published in it")
        plan = self.target
        used = plan is not None and plan.memory.resource_table.has(np.array([step.resource]))[0]
        _need(not used, step, "the plan has keys in it")
        _need(step.resource not in self.in_flight, step, "transfers out of it are in flight")
        self.old = chosen(self.old, ~mine)
        del self.resources[step.resource]
        self.bound.discard(step.resource)

    def _free(self, step: Free) -> None:
        _need(step.allocation in self.allocations, step, "the allocation does not exist")
        for ident in self.bound:
            home = int(self.resources[ident]["allocation"])
            _need(home != step.allocation, step, f"resource {ident} is bound to it")
        del self.allocations[step.allocation]

    def _plans(self) -> tuple[MemoryPlan, ...]:
        return (self.target.memory, self.target.staging) if self.target is not None else ()

    def staging_ids(self) -> set[int]:
        """Ids of the staging buffers: resources without places of the target or of earlier plans."""
        used = {*self._planned_ids("resources"), *distinct(self.old["resource"]).tolist()}
        return set(self.resources) - used

    def _planned_ids(self, table: str) -> list[int]:
        assert self.target is not None
        return [int(ident) for ident in getattr(self.target.memory, table)["id"]]

    def _transfer_queue(self) -> bool:
        plan = self.target
        return plan is not None and plan.policy.transfer_queue and plan.profile.has_transfer_queue()

    def _pending_at(self, rows: Rows) -> Int64s:
        """For each of `rows` the index of the same place in `pending`, or -1; as `match`, without sorting."""
        if not len(self._keys):
            return np.full(len(rows), -1, np.int64)
        at = np.minimum(np.searchsorted(self._keys, rows["key"]), len(self._keys) - 1)
        same = self._keys[at] == rows["key"]
        for name in SAME_PLACE:
            same &= self.pending[name][at] == rows[name]
        return np.where(same, at, -1)

    def _find(self, keys: Int64s, step: Step) -> Int64s:
        """The indices of `keys` in `pending`; cached by array, as steps for the same keys share one array."""
        known = self._lookups.get(id(keys))
        if known is not None and known[0] is keys:
            return known[1]
        at = np.searchsorted(self._keys, keys)
        found = bool((at < len(self._keys)).all()) and bool((self._keys[at] == keys).all())
        _need(found, step, "a key is not in the plan, or published already")
        while len(self._lookups) >= _MAX_CACHED_LOOKUPS:
            del self._lookups[next(iter(self._lookups))]
        self._lookups[id(keys)] = (keys, at)
        return at

    def _need_bound(self, resources: NDArray[np.int32], step: Step) -> None:
        missing = set(distinct_ids(resources).tolist()) - self.bound
        _need(not missing, step, f"resources {sorted(missing)} are not bound")

    def _need_free(self, at: Int64s, step: Step) -> None:
        """Require that no published place of an earlier plan overlaps these places."""
        if not len(self.old):
            return
        live = chosen(self.old, self.old["published"])
        _need(not overlapping(self.pending.take(at), live).any(), step, "overlaps a published key")

    def _sources(self, step: Move) -> Rows:
        """The old places that a Move copies from, in no particular order."""
        order = np.argsort(step.keys)
        keys, sources = step.keys[order], step.sources[order]
        mine = self.old[(self.old["resource"] == step.from_resource) & is_in(self.old["key"], keys)]
        found: Rows = mine[mine["offset"] == sources[np.searchsorted(keys, mine["key"])]]
        _need(len(found) == len(keys), step, "no such source")
        return found


_METHODS: dict[type[Step], Callable[[Resident, Any], None]] = {
    Allocate: Resident._allocate,
    CreateBuffer: Resident._create,
    CreateImage: Resident._create,
    Bind: Resident._bind,
    SetWindow: Resident._set_window,
    Transfer: Resident._transfer,
    Fill: Resident._fill,
    ClearStaging: Resident._clear_staging,
    Move: Resident._move,
    Release: Resident._release,
    Acquire: Resident._acquire,
    Publish: Resident._publish,
    Withdraw: Resident._withdraw,
    Destroy: Resident._destroy,
    Free: Resident._free,
}
"""How each kind of step is applied."""


def _row(plans: tuple[MemoryPlan, ...], table: str, ident: int) -> np.void | None:
    for plan in plans:
        rows: Table = getattr(plan, table)
        if rows.has(np.array([ident]))[0]:
            return rows.row(ident)
    return None


def _need(holds: bool, step: Step, problem: str) -> None:
    if not holds:
        raise StepError(f"{type(step).__name__}: {problem}")
