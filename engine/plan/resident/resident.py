"""What is on the device, as pure state that the steps of a schedule advance.

The real executor and the simulated device both keep one: the executor applies each step when it has carried
it out. Every step checks its preconditions and raises StepError where they do not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatchmethod

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.model.places import (
    PLACE,
    RELEASED,
    SAME_PLACE,
    carry,
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
from engine.plan.terms.table import Int64s, Rows, Table, contains, distinct, distinct_ids, stack
from engine.plan.terms.vocabulary import QueueKind

_REMEMBERED = 8  # arrays of keys: a schedule's cycles overlap, and each speaks of its keys in four steps


@dataclass(slots=True)
class InFlight:
    """Transfers out of one staging buffer that have not been waited for.

    Each is (rows, which of them it writes to, bytes); the rows are `Resident.pending` of its time.
    """

    dbs: set[int]
    transfers: list[tuple[Rows, Int64s, Int64s]]


class Resident:
    """Allocations, resources and places that exist, and how far each key has come.

    `target` is the plan that is being settled. `pending` are those of its subresources that are not published
    yet (dtype PLACE, sorted by key; rows stay until the next plan), all others are where the plan says; `old`
    are the places of earlier plans that still hold something. So a small change costs a small time.
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
        self._found: dict[int, tuple[Int64s, Int64s]] = {}
        self._waiting = 0

    @staticmethod
    def settled_at(plan: Plan) -> Resident:
        """The state in which `plan` is resident, whole and published."""
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
        """Take up `plan` as the target: what is at its place already stays, all else becomes old."""
        self.pending, self.old = self.towards(plan)
        self._keys = self.pending["key"].astype(np.int64)
        self._found.clear()
        self._waiting = len(self.pending)
        self.target = plan

    def towards(self, plan: Plan, *, landed: bool = False) -> tuple[Rows, Rows]:
        """(pending, old) as they are once `plan` is the target; `landed`: and all under way has arrived."""
        pending = self.pending[~self.pending["published"]]
        gone, changed = self._difference(plan)
        touched = distinct(np.concatenate([gone, changed]))
        stays = pending[~contains(touched, pending["key"])]
        existing = stack(
            [pending[contains(touched, pending["key"])], self._settled(touched, pending), self.old]
        )
        existing = existing[np.isin(existing["resource"], list(self.bound))]
        arrived = self.landed(existing)
        if landed:
            existing["arrived"], stays["arrived"] = arrived, self.landed(stays)
        fresh = place_rows(plan, changed)
        taken = carry(fresh, existing)
        both = stack([stays, fresh[~fresh["published"]]])
        both = both.take(np.argsort(both["key"], kind="stable"))
        # What is replaced is kept while it is in use, or whole and so can be copied from.
        whole = (arrived >= existing["needs"]) & (existing["needs"] > 0)
        wanted = plan.memory.subresource_table.has(existing["key"].astype(np.int64))
        there = wanted & ~contains(both["key"], existing["key"])
        return both, existing[~taken & (existing["published"] | whole) & ~there]

    def published(self, key: int) -> np.void | None:
        """The place (dtype PLACE) where users of `key` find it, None where they take its fallback."""
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
        """(keys that the plan lacks, keys that it has new or elsewhere), from the target on."""
        table = plan.memory.subresource_table
        if self.target is None:
            return np.zeros(0, np.int64), table.array["key"].astype(np.int64)
        return self.target.memory.subresource_table.difference(table)

    def _settled(self, keys: Int64s, pending: Rows) -> Rows:
        """Those of `keys` that are published where the target says."""
        if self.target is None:
            return self.pending[:0]
        known = self.target.memory.subresource_table.has(keys) & ~contains(pending["key"], keys)
        return settled_rows(self.target, keys[known])

    def landed(self, rows: Rows) -> Int64s:
        """Bytes that will have arrived in `rows` once all transfers under way are complete."""
        arrived: Int64s = rows["arrived"].copy()
        for flight in self.in_flight.values():
            for pending, places, sizes in flight.transfers:
                at = match(pending.take(places), rows)
                arrived[at[at >= 0]] += sizes[at >= 0]
        return arrived

    def settled(self) -> bool:
        """Whether resident and planned are the same and nothing is left to do."""
        plan = self.target
        if plan is None:
            return not self.allocations and not self.resources
        return (
            not len(self.old)
            and not self.in_flight
            and not self._waiting
            and sorted(self.allocations) == self._wanted("allocations")
            and sorted(self.bound) == sorted(self.resources) == self._wanted("resources")
        )

    def snapshot(self) -> Plan | None:
        """What is there now as a plan to make the next one from; None where nothing ever was."""
        return self.target if self.target is None or self.settled() else snapshot(self, self.target)

    def waiting_keys(self) -> Int64s:
        """Keys of the target that are not published yet, sorted."""
        keys: Int64s = self._keys[~self.pending["published"]]
        return keys

    def begun(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of `rows` hold something, or will once what is under way has arrived."""
        return np.asarray(rows["published"] | (self.landed(rows) > 0))

    @singledispatchmethod
    def apply(self, step: Step) -> None:
        """Carry out one step on this state; StepError where its preconditions do not hold."""
        raise StepError(f"{type(step).__name__} is no step of a schedule")

    @apply.register
    def _(self, step: Allocate) -> None:
        _need(step.allocation not in self.allocations, step, "the allocation exists already")
        row = _row(self._plans(), "allocation_table", step.allocation)
        _need(row is not None and int(row["size"]) == step.size, step, "no plan has this allocation")
        assert row is not None
        _need(step.dedicated_to < 0 or step.dedicated_to in self.resources, step, "its resource comes first")
        self.allocations[step.allocation] = row

    @apply.register(CreateBuffer)
    @apply.register(CreateImage)
    def _(self, step: CreateBuffer | CreateImage) -> None:
        _need(step.resource not in self.resources, step, "the resource exists already")
        row = _row(self._plans(), "resource_table", step.resource)
        _need(row is not None and int(row["usage"]) == step.usage, step, "no plan has this resource")
        assert row is not None
        self.resources[step.resource] = row

    @apply.register
    def _(self, step: Bind) -> None:
        _need(step.resource in self.resources, step, "the resource does not exist")
        _need(step.allocation in self.allocations, step, "the allocation does not exist")
        _need(step.resource not in self.bound, step, "a resource is bound once (rule 3)")
        row, home = self.resources[step.resource], self.allocations[step.allocation]
        _need(step.offset % int(row["alignment"]) == 0, step, "misaligned (rule 1)")
        _need(step.offset + int(row["size"]) <= int(home["size"]), step, "beyond the allocation (rule 1)")
        for other in self.bound:
            mate = self.resources[other]
            if int(mate["allocation"]) == step.allocation and not (mate["aliased"] and row["aliased"]):
                end = int(mate["offset"] + mate["size"])
                apart = step.offset >= end or step.offset + int(row["size"]) <= int(mate["offset"])
                _need(apart, step, f"overlaps resource {other}")
        self.bound.add(step.resource)

    @apply.register
    def _(self, step: SetWindow) -> None:
        for window in step.windows:
            busy = any(window.db in flight.dbs for flight in self.in_flight.values())
            _need(not busy, step, f"transfers from assetDb {window.db} are under way")
            self.windows[window.db] = window

    @apply.register
    def _(self, step: Transfer) -> None:
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
            "too much",
        )
        self._need_free(at, step)
        flight = self.in_flight.setdefault(step.staging, InFlight(set(), []))
        flight.dbs.add(step.db)
        flight.transfers.append((self.pending, at, step.sizes))
        if self._transfer_queue():
            self.pending["owner"][at] = QueueKind.TRANSFER

    @apply.register
    def _(self, step: Fill) -> None:
        at = self._find(step.keys, step)
        self._need_bound(self.pending["resource"][at], step)
        _need(not self.pending["published"][at].any(), step, "writes to published places")
        self._need_free(at, step)
        self.pending["arrived"][at] = self.pending["needs"][at]

    @apply.register
    def _(self, step: ClearStaging) -> None:
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

    @apply.register
    def _(self, step: Move) -> None:
        _need(step.from_resource in self.bound and step.to_resource in self.bound, step, "not bound")
        at = self._find(step.keys, step)
        _need(not self.pending["published"][at].any(), step, "writes to published places")
        self._need_free(at, step)
        source = self._sources(step)
        there = (source["arrived"] >= source["needs"]) & (source["owner"] == QueueKind.GRAPHICS)
        _need(bool(there.all()), step, "the source is not complete")
        self.pending["arrived"][at] = self.pending["needs"][at]

    @apply.register
    def _(self, step: Release) -> None:
        at = self._find(step.keys, step)
        _need(bool((self.pending["owner"][at] == step.source).all()), step, "not the owner (rule 14)")
        self.pending["owner"][at] = RELEASED

    @apply.register
    def _(self, step: Acquire) -> None:
        at = self._find(step.keys, step)
        _need(bool((self.pending["owner"][at] == RELEASED).all()), step, "not released (rule 14)")
        self.pending["owner"][at] = step.target

    @apply.register
    def _(self, step: Publish) -> None:
        at = self._find(step.keys, step)
        places = self.pending
        _need(not places["published"][at].any(), step, "published already")
        same = (places["resource"][at] == step.resources) & (places["offset"][at] == step.offsets)
        _need(bool(same.all()), step, "the plan has them elsewhere")
        _need(bool((places["arrived"][at] >= places["needs"][at]).all()), step, "bytes are missing")
        _need(bool((places["owner"][at] == QueueKind.GRAPHICS).all()), step, "not acquired (rule 14)")
        self._need_bound(places["resource"][at], step)
        self._need_free(at, step)
        places["published"][at] = True
        self._waiting -= len(at)
        if len(self.old):
            self.old = self.old[~np.isin(self.old["key"], step.keys)]

    @apply.register
    def _(self, step: Withdraw) -> None:
        self.old = self.old[~np.isin(self.old["key"], step.keys)]

    @apply.register
    def _(self, step: Destroy) -> None:
        _need(step.resource in self.resources, step, "the resource does not exist")
        mine = self.old["resource"] == step.resource
        _need(not self.old["published"][mine].any(), step, "keys are published in it")
        plan = self.target
        used = plan is not None and plan.memory.resource_table.has(np.array([step.resource]))[0]
        _need(not used, step, "the plan has keys in it")
        _need(step.resource not in self.in_flight, step, "transfers out of it are under way")
        self.old = self.old[~mine]
        del self.resources[step.resource]
        self.bound.discard(step.resource)

    @apply.register
    def _(self, step: Free) -> None:
        _need(step.allocation in self.allocations, step, "the allocation does not exist")
        for ident in self.bound:
            home = int(self.resources[ident]["allocation"])
            _need(home != step.allocation, step, f"resource {ident} is bound to it")
        del self.allocations[step.allocation]

    def _plans(self) -> tuple[MemoryPlan, ...]:
        return (self.target.memory, self.target.staging) if self.target is not None else ()

    def staging_ids(self) -> set[int]:
        """Resources that no plan keeps: staging buffers."""
        return (
            set(self.resources)
            - set(self._wanted("resources"))
            - set(distinct(self.old["resource"]).tolist())
        )

    def _wanted(self, what: str) -> list[int]:
        assert self.target is not None
        return [int(ident) for ident in getattr(self.target.memory, what)["id"]]

    def _transfer_queue(self) -> bool:
        plan = self.target
        return plan is not None and plan.policy.transfer_queue and plan.profile.has_transfer_queue()

    def _pending_at(self, rows: Rows) -> Int64s:
        """For each of `rows` the index of the same place in `pending`, or -1; `match` without any sorting."""
        if not len(self._keys):
            return np.full(len(rows), -1, np.int64)
        at = np.minimum(np.searchsorted(self._keys, rows["key"]), len(self._keys) - 1)
        same = self._keys[at] == rows["key"]
        for name in SAME_PLACE:
            same &= self.pending[name][at] == rows[name]
        return np.where(same, at, -1)

    def _find(self, keys: Int64s, step: Step) -> Int64s:
        """Where keys are in `pending`; steps that speak of the same keys share one array of them."""
        known = self._found.get(id(keys))
        if known is not None and known[0] is keys:
            return known[1]
        at = np.searchsorted(self._keys, keys)
        there = bool((at < len(self._keys)).all()) and bool((self._keys[at] == keys).all())
        _need(there, step, "a key is not in the plan, or published already")
        while len(self._found) >= _REMEMBERED:
            del self._found[next(iter(self._found))]
        self._found[id(keys)] = (keys, at)
        return at

    def _need_bound(self, resources: NDArray[np.int32], step: Step) -> None:
        missing = set(distinct_ids(resources).tolist()) - self.bound
        _need(not missing, step, f"resources {sorted(missing)} are not bound")

    def _need_free(self, at: Int64s, step: Step) -> None:
        """No published place of an earlier plan lies where these places are."""
        if not len(self.old):
            return
        live = self.old[self.old["published"]]
        _need(not overlapping(self.pending.take(at), live).any(), step, "a published key lies there")

    def _sources(self, step: Move) -> Rows:
        """The old places that a Move copies from, by key."""
        order = np.argsort(step.keys)
        keys, sources = step.keys[order], step.sources[order]
        mine = self.old[(self.old["resource"] == step.from_resource) & np.isin(self.old["key"], keys)]
        found: Rows = mine[mine["offset"] == sources[np.searchsorted(keys, mine["key"])]]
        _need(len(found) == len(keys), step, "nothing to move there")
        return found


def _row(plans: tuple[MemoryPlan, ...], table: str, ident: int) -> np.void | None:
    for plan in plans:
        rows: Table = getattr(plan, table)
        if rows.has(np.array([ident]))[0]:
            return rows.row(ident)
    return None


def _need(holds: bool, step: Step, why: str) -> None:
    if not holds:
        raise StepError(f"{type(step).__name__}: {why}")
