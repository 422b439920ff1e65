"""make_schedule: the steps from the resident state, at any point of an earlier schedule, to a plan.

The order is: wait for transfers in flight; withdraw and free keys that are no longer planned; create new
objects; move keys that are already resident; transfer the rest through staging; free what was replaced. New
objects are created before old ones are freed if the budgets allow both; otherwise old ones are freed first.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import shape_of
from engine.plan.model.places import RELEASED, overlapping
from engine.plan.model.plan import Plan
from engine.plan.requirements.sources import Sources
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import (
    Acquire,
    Allocate,
    AnyStep,
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
    Withdraw,
)
from engine.plan.schedule.paging import VisibilityQuery, paging
from engine.plan.terms.in_steps import Steps, finished
from engine.plan.terms.table import Int64s, Rows, chosen, distinct, is_in, some
from engine.plan.terms.vocabulary import Contents, Kind, QueueKind

_NOWHERE = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Schedule:
    """The steps to `plan`: `staged` bytes pass through staging, `moved` bytes are copied on the device."""

    plan: Plan
    steps: tuple[AnyStep, ...]
    staged: int
    moved: int

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        """One line with counts; `schedule_listing` has the steps."""
        return f"<schedule: {len(self)} steps, {self.staged:,} bytes staged, {self.moved:,} moved>"


def make_schedule(
    resident: Resident, plan: Plan, sources: Sources, visible: VisibilityQuery | None = None
) -> Schedule:
    """A schedule from the present state of `resident` to `plan`; visible keys are transferred first.

    `resident` is not changed: `resident.begin(plan)` and then `resident.apply(step)` do that. Raises
    PlanError where a cached key has no source.
    """
    return finished(schedule_in_steps(resident, plan, sources, visible))


def schedule_in_steps(
    resident: Resident, plan: Plan, sources: Sources, visible: VisibilityQuery | None = None
) -> Steps[Schedule]:
    """Make it in several steps of similar cost; `resident` may not change meanwhile."""
    return _Scheduler(resident, plan, sources, visible).run()


class _Scheduler:
    def __init__(
        self, resident: Resident, plan: Plan, sources: Sources, visible: VisibilityQuery | None
    ) -> None:
        self.plan = plan
        self.sources = sources
        self.visible = visible
        self.resident = resident
        places, self.old = resident.towards(plan, transfers_complete=True)
        self.places = places.copy()
        self.steps: list[AnyStep] = []
        self.allocations = dict(resident.allocations)
        self.resources = dict(resident.resources)
        self.final_allocations = set(plan.memory.allocations["id"].tolist())
        self.final_resources = set(plan.memory.resources["id"].tolist())

    def run(self) -> Steps[Schedule]:
        self.steps += [ClearStaging(s) for s in sorted(self.resident.in_flight)]
        self._withdraw_unplanned()
        self._free_early()
        staging = self.plan.staging
        allocations = set(staging.allocations["id"].tolist())
        resources = set(staging.resources["id"].tolist())
        if len(self._to_fetch()):
            self.final_allocations |= allocations
            self.final_resources |= resources
            self._free_early()
        self._free_unneeded()
        self._create()
        self._publish_ready()
        moved = self._move()
        self._free_unneeded()
        fetch = self._to_fetch()
        buffers = staging.subresources["resource"].tolist()
        yield
        self.steps += yield from paging(self.plan, self.places, fetch, self.sources, buffers, self.visible)
        staged = int((self.places["needs"] - self.places["arrived"])[fetch].sum())
        self.places["arrived"][fetch] = self.places["needs"][fetch]
        self._retire(self.places["key"][fetch])
        self.final_allocations -= allocations
        self.final_resources -= resources
        self._free_unneeded()
        return Schedule(self.plan, tuple(self.steps), staged, moved)

    def _has_contents(self, contents: Contents) -> NDArray[np.bool_]:
        """Which places have these initial contents."""
        of_terms = self.plan.terms.with_contents(contents)
        return of_terms[self.places["terms"]] if len(self.places) else np.zeros(0, bool)

    def _movable(self) -> Int64s:
        """For each place the row of `old` from which it can be moved, or -1."""
        source = np.full(len(self.places), -1, np.int64)
        old = self.old
        if not len(old) or not len(self.places):
            return source
        complete = (old["arrived"] >= old["needs"]) & (old["needs"] > 0)
        ready = (complete & (old["owner"] == QueueKind.GRAPHICS)).nonzero()[0]
        if not len(ready) or not self.plan.policy.movable:
            return source
        ready = ready[np.argsort(old["key"][ready], kind="stable")]
        at = np.minimum(np.searchsorted(old["key"][ready], self.places["key"]), len(ready) - 1)
        row = ready[at]
        fits = (old["key"][row] == self.places["key"]) & (old["content"][row] == self.places["content"])
        fits &= (old["size"][row] == self.places["size"]) & (self.places["arrived"] < self.places["needs"])
        fits &= self._has_contents(Contents.CACHE)
        source[fits] = row[fits]
        return source

    def _to_fetch(self) -> Int64s:
        """Indices of places whose bytes must be transferred from a cache."""
        places = self.places
        incomplete = places["arrived"] < places["needs"]
        if not some(incomplete):
            return _NOWHERE
        incomplete &= self._has_contents(Contents.CACHE)
        if not some(incomplete):
            return _NOWHERE
        at: Int64s = (incomplete & (self._movable() < 0)).nonzero()[0]
        return at

    def _withdraw_unplanned(self) -> None:
        """Withdraw keys that are not in the plan, and keys whose old range the plan uses for others."""
        if not len(self.old):
            return
        unplanned = ~self.plan.memory.subresource_table.has(self.old["key"].astype(np.int64))
        self._withdraw(distinct(self.old["key"][unplanned | self._overwritten()]))

    def _overwritten(self) -> NDArray[np.bool_]:
        """Which old places overlap new places of the plan or are in displaced resources."""
        fresh = chosen(self.places, (self.places["arrived"] == 0) & ~self.places["published"])
        return overlapping(self.old, fresh) | is_in(self.old["resource"], self._displaced())

    def _displaced(self) -> list[int]:
        """Old resources that overlap resources that the plan creates in a shared allocation.

        Not images that share their bytes with those: no frame draws with both.
        """
        found = []
        new = self.plan.memory.resources
        new = new[~is_in(new["id"], list(self.resident.bound))]
        for ident, row in self.resources.items():
            if ident in self.final_resources or ident not in self.resident.bound:
                continue
            others = new[(new["allocation"] == row["allocation"]) & ~(new["aliased"] & row["aliased"])]
            start, end = int(row["offset"]), int(row["offset"] + row["size"])
            if ((others["offset"] < end) & (others["offset"] + others["size"] > start)).any():
                found.append(ident)
        return found

    def _withdraw(self, keys: Int64s) -> None:
        if len(keys):
            self.steps.append(Withdraw(keys.astype(np.int64)))
            self.old = chosen(self.old, ~is_in(self.old["key"], keys))

    def _free_early(self) -> None:
        """Withdraw old places while old and new allocations together exceed a budget or the count limit."""
        if not self._retained():
            return
        plan = self.plan
        heaps = [t.heap for t in plan.profile.memory_types]
        planned = [*plan.memory.allocations, *plan.staging.allocations]
        for heap in range(len(plan.profile.heaps)):
            new = sum(
                int(a["size"])
                for a in planned
                if heaps[int(a["memory_type"])] == heap and int(a["id"]) in self.final_allocations
            )
            kept = self._retained()
            mine = [a for a in kept if heaps[int(self.allocations[a]["memory_type"])] == heap]
            over = new + sum(int(self.allocations[a]["size"]) for a in mine) - plan.profile.budget(heap)
            for allocation in sorted(mine, key=lambda a: (-int(self.allocations[a]["size"]), a)):
                if over <= 0:
                    break
                self._withdraw_allocation(allocation)
                over -= int(self.allocations[allocation]["size"])
        kept = self._retained()
        excess = len(self.final_allocations) + len(kept) - plan.profile.limits.max_memory_allocation_count
        by_size = sorted(kept, key=lambda a: (int(self.allocations[a]["size"]), a))
        for allocation in by_size[: max(excess, 0)]:
            self._withdraw_allocation(allocation)

    def _withdraw_allocation(self, allocation: int) -> None:
        """Withdraw all keys in an allocation, so that it can be freed before new ones are created."""
        inside = [r for r, row in self.resources.items() if int(row["allocation"]) == allocation]
        self._withdraw(distinct(self.old["key"][is_in(self.old["resource"], inside)]))

    def _retained(self) -> set[int]:
        """Allocations that are not in the plan but still have old places."""
        used = distinct(self.old["resource"]).tolist()
        return {int(self.resources[r]["allocation"]) for r in used} - self.final_allocations

    def _free_unneeded(self) -> None:
        unplanned = self.resources.keys() - self.final_resources
        if unplanned:
            unplanned -= set(self.old["resource"].tolist())
        for ident in sorted(unplanned):
            self.steps.append(Destroy(ident))
            del self.resources[ident]
        empty = self.allocations.keys() - self.final_allocations
        if empty:
            empty -= {int(row["allocation"]) for row in self.resources.values()}
        for ident in sorted(empty):
            self.steps.append(Free(ident))
            del self.allocations[ident]

    def _create(self) -> None:
        """Create resources, then allocate, then bind: dedicated allocations name their resource."""
        if self.final_resources <= self.resident.bound and self.final_allocations <= self.allocations.keys():
            return
        plans = (self.plan.memory, self.plan.staging)
        resources, allocations = [p.resources for p in plans], [p.allocations for p in plans]
        for row in _missing(resources, self.final_resources, self.resources):
            self.resources[int(row["id"])] = row
            if row["kind"] == Kind.BUFFER:
                self.steps.append(CreateBuffer(int(row["id"]), int(row["bytes"]), int(row["usage"])))
            else:
                shape = shape_of(row)
                self.steps.append(CreateImage(int(row["id"]), shape, int(row["layers"]), int(row["usage"])))
        resource_in: dict[int, int] = {}
        for rows in resources:
            resource_in.update(zip(rows["allocation"].tolist(), rows["id"].tolist(), strict=True))
        for row in _missing(allocations, self.final_allocations, self.allocations):
            ident = int(row["id"])
            self.allocations[ident] = row
            self.steps.append(
                Allocate(
                    ident,
                    int(row["memory_type"]),
                    int(row["size"]),
                    resource_in[ident] if row["dedicated"] else -1,
                    bool(row["device_address"]),
                    bool(row["mapped"]),
                )
            )
        for row in _missing(resources, self.final_resources, self.resident.bound):
            self.steps.append(Bind(int(row["id"]), int(row["allocation"]), int(row["offset"])))

    def _publish_ready(self) -> None:
        """Zero the places that require zeros, and publish all complete places."""
        places = self.places
        if not len(places):
            return
        empty = places["arrived"] < places["needs"]
        if some(empty):
            empty &= self._has_contents(Contents.ZERO)
        if some(empty):
            self.steps.append(Fill(places["key"][empty].astype(np.int64)))
            places["arrived"][empty] = places["needs"][empty]
        ready = ~places["published"] & (places["arrived"] >= places["needs"])
        self._transfer_ownership(ready)
        self._publish(ready.nonzero()[0])

    def _transfer_ownership(self, ready: NDArray[np.bool_]) -> None:
        """Finish queue family ownership transfers that an earlier schedule has left unfinished."""
        source, target = QueueKind.TRANSFER, QueueKind.GRAPHICS
        unowned = ready & (self.places["owner"] != target)
        if not some(unowned):
            return
        keys = self.places["key"].astype(np.int64)
        owned = unowned & (self.places["owner"] == source)
        if some(owned):
            self.steps.append(Release(keys[owned], source, target))
        released = owned | (unowned & (self.places["owner"] == RELEASED))
        if some(released):
            self.steps.append(Acquire(keys[released], source, target))

    def _publish(self, at: Int64s) -> None:
        if len(at):
            rows = self.places.take(at)
            self.steps.append(publish(rows))
            self.places["published"][at] = True
            self._retire(rows["key"])

    def _retire(self, keys: Int64s) -> None:
        if not len(self.old):
            return
        self.old = chosen(self.old, ~is_in(self.old["key"], keys))

    def _move(self) -> int:
        """Move resident keys to their new places, one step per pair of resources; returns the bytes moved."""
        source = self._movable()
        at = (source >= 0).nonzero()[0]
        if not len(at):
            return 0
        old, new = self.old.take(source[at]), self.places.take(at)
        order = np.lexsort((new["offset"], new["resource"], old["resource"]))
        pairs = np.stack([old["resource"][order], new["resource"][order]], 1)
        for part in np.split(order, ((np.diff(pairs, axis=0) != 0).any(axis=1)).nonzero()[0] + 1):
            self.steps.append(
                Move(
                    new["key"][part].astype(np.int64),
                    int(old["resource"][part[0]]),
                    int(new["resource"][part[0]]),
                    old["offset"][part].astype(np.int64),
                    new["offset"][part].astype(np.int64),
                    new["size"][part].astype(np.int64),
                )
            )
        self.places["arrived"][at] = self.places["needs"][at]
        self._publish(at)
        return int(new["size"].sum())


def _missing(parts: list[Rows], wanted: Container[int], there: Container[int]) -> list[np.void]:
    """The rows of allocations or resources with a wanted id that are not there yet."""
    return [
        rows[at]
        for rows in parts
        for at, ident in enumerate(rows["id"].tolist())
        if ident in wanted and ident not in there
    ]


def publish(rows: Rows) -> Publish:
    """The Publish step of these places."""
    return Publish(
        rows["key"].astype(np.int64), rows["resource"].astype(np.int32), rows["offset"].astype(np.int64)
    )
