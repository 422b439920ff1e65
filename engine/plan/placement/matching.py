"""Matches the ids of a plan with those of the resident plan, so that a schedule can lead to it.

A plan that was made on its own, such as one read from a file, numbers its allocations and resources from 0. A
schedule compares by id. So objects that both plans have must get the same id, and new objects an unused one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import replace

import numpy as np

from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, SUBRESOURCE, MemoryPlan
from engine.plan.model.packing import Packing
from engine.plan.model.plan import Plan
from engine.plan.placement.builder import HeapFull
from engine.plan.placement.planning_round import SLACK, RoundResult
from engine.plan.placement.staging_bounds import min_staging
from engine.plan.placement.staging_plan import plan_staging
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Rows, Table, distinct_ids
from engine.plan.terms.vocabulary import Contents, Kind

_ALLOCATION = [name for name in ALLOCATION.names or () if name != "id"]
_RESOURCE = [name for name in RESOURCE.names or () if name not in ("id", "allocation", "aliased")]
_ANYWHERE = [name for name in _RESOURCE if name != "offset"]
_CONTENT = [name for name in SUBRESOURCE.names or () if name not in ("resource", "offset")]
_PLACE = ["offset", "size", "content"]


def matched(plan: Plan, resident: Plan) -> Plan:
    """`plan` with the ids of `resident` for equal objects, and with staging for keys that are not resident.

    Both plans use the same `Keys`. An allocation that differs only in the order of its contents is equal and
    keeps the resident order; an image is equal whether others share its bytes or not. Raises PlanError
    `plan.budget` where no staging fits beside the plan.
    """
    terms = np.array([resident.terms.id(entry) for entry in plan.terms.entries], np.int32)
    places = plan.memory.subresources.copy()
    places["terms"] = terms[places["terms"]]
    renamed = replace(plan.memory, subresource_table=Table.of(places, "key"))
    memory = _Matching(resident.memory, renamed).run()
    return _with_staging(replace(plan, memory=memory, terms=resident.terms, _packing=[]), resident.memory)


class _Matching:
    """Finds equal objects; `allocations` and `resources` map ids of `new` to ids of `old`."""

    def __init__(self, old: MemoryPlan, new: MemoryPlan) -> None:
        self.old, self.new = old, new
        self.allocations: dict[int, int] = {}
        self.resources: dict[int, int] = {}
        self.reordered: set[int] = set()  # allocations of `new` that get the order of `old`

    def run(self) -> MemoryPlan:
        self._match_whole()
        self._match_parts()
        return self._renumbered()

    def _match_whole(self) -> None:
        """Match allocations with equal contents in any order."""
        candidates = defaultdict(list)
        for allocation, (signature, members) in _signatures(self.old).items():
            candidates[signature].append((allocation, members))
        for allocation, (signature, members) in _signatures(self.new).items():
            if candidates[signature]:
                self.allocations[allocation], known = candidates[signature].pop(0)
                self.reordered.add(allocation)
                for alike, resources in members.items():
                    self.resources.update(zip(resources, known[alike], strict=True))

    def _match_parts(self) -> None:
        """Match equal resources in equal allocations that have a key at the same place, most bytes first."""
        shared: Counter[tuple[int, int]] = Counter()
        before = dict(zip(self.old.subresources["key"].tolist(), self.old.subresources, strict=True))
        for place in self.new.subresources:
            previous = before.get(int(place["key"]))
            if previous is not None and all(previous[name] == place[name] for name in _PLACE):
                shared[int(previous["resource"]), int(place["resource"])] += int(place["size"])
        old, new = _Properties(self.old), _Properties(self.new)
        new_of = {mine: other for other, mine in self.allocations.items()}
        used = set(self.resources.values())
        for (mine, other), _ in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0])):
            home, target = old.allocation_of[mine], new.allocation_of[other]
            alike = (
                old.resources[mine] == new.resources[other]
                and old.allocations[home] == new.allocations[target]
            )
            free = other not in self.resources and mine not in used
            consistent = self.allocations.get(target, home) == home and new_of.get(home, target) == target
            if alike and free and consistent and target not in self.reordered:
                self.allocations[target], new_of[home] = home, target
                self.resources[other] = mine
                used.add(mine)

    def _renumbered(self) -> MemoryPlan:
        allocations, resources = self.new.allocations.copy(), self.new.resources.copy()
        places = self.new.subresources.copy()
        allocation_ids, next_allocation = _numbers(allocations, self.allocations, self.old.next_allocation)
        resource_ids, next_resource = _numbers(resources, self.resources, self.old.next_resource)
        allocation_of = _Properties(self.new).allocation_of
        reordered = {ident for ident, allocation in allocation_of.items() if allocation in self.reordered}
        for row in resources:
            ident = int(row["id"])
            row["id"], row["allocation"] = resource_ids[ident], allocation_ids[int(row["allocation"])]
            if ident in reordered:
                row["offset"] = self.old.resource(resource_ids[ident])["offset"]
        for row in places:
            ident = int(row["resource"])
            row["resource"] = resource_ids[ident]
            if ident in reordered:
                row["offset"] = self.old.subresource_table.row(int(row["key"]))["offset"]
        allocations["id"] = [allocation_ids[ident] for ident in allocations["id"].tolist()]
        return MemoryPlan(
            Table.of(np.sort(allocations, order="id"), "id"),
            Table.of(np.sort(resources, order="id"), "id"),
            Table.of(places, "key"),
            next_allocation,
            next_resource,
        )


class _Properties:
    """Properties of a plan's allocations and resources, by id, and the allocation of each resource."""

    def __init__(self, memory: MemoryPlan) -> None:
        self.allocations = _properties(memory.allocations, _ALLOCATION)
        self.resources = _properties(memory.resources, _RESOURCE)
        ids = memory.resources["id"].tolist(), memory.resources["allocation"].tolist()
        self.allocation_of: dict[int, int] = dict(zip(*ids, strict=True))


def _properties(rows: Rows, names: list[str]) -> dict[int, Hashable]:
    return dict(zip(rows["id"].tolist(), rows[names].tolist(), strict=True))


def _signatures(memory: MemoryPlan) -> dict[int, tuple[Hashable, dict[Hashable, list[int]]]]:
    """Each allocation's properties and contents, without order, and its resources by theirs."""
    contents: dict[int, list[Hashable]] = defaultdict(list)
    places = memory.subresources
    for resource, content in zip(places["resource"].tolist(), places[_CONTENT].tolist(), strict=True):
        contents[resource].append(content)
    resources = _properties(memory.resources, _ANYWHERE)
    members: dict[int, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
    for resource, allocation in _Properties(memory).allocation_of.items():
        members[allocation][resources[resource], tuple(contents[resource])].append(resource)
    return {
        allocation: ((row, frozenset((alike, len(ids)) for alike, ids in within.items())), within)
        for allocation, row in _properties(memory.allocations, _ALLOCATION).items()
        for within in (members[allocation],)
    }


def _numbers(rows: Rows, known: dict[int, int], first: int) -> tuple[dict[int, int], int]:
    """The new id of each row, a known one or an unused one from `first` on, and the next unused id."""
    fresh = [ident for ident in rows["id"].tolist() if ident not in known]
    return known | {ident: first + at for at, ident in enumerate(fresh)}, first + len(fresh)


def _with_staging(plan: Plan, old: MemoryPlan) -> Plan:
    """The plan with staging for all cached keys that are not at their place in `old`."""
    places = plan.memory.subresources
    table = old.subresource_table
    fetch = plan.terms.with_contents(Contents.CACHE)[places["terms"]] if len(places) else np.zeros(0, bool)
    known = table.has(places["key"].astype(np.int64))
    before = table.rows(places["key"][known].astype(np.int64))
    same = np.ones(len(before), bool)
    for name in ("resource", *_PLACE):
        same &= before[name] == places[name][known]
    fetch[np.flatnonzero(known)[same]] = False
    to_fetch = places.take(np.flatnonzero(fetch))
    entries = [plan.terms[number] for number in distinct_ids(to_fetch["terms"]).tolist()]
    buffers = plan.memory.resource_table.rows(to_fetch["resource"].astype(np.int64))["kind"] == Kind.BUFFER
    bytes_ = np.where(buffers, np.maximum(to_fetch["size"], to_fetch["footprint"]), to_fetch["size"])
    padding = int((to_fetch["footprint"] - to_fetch["size"])[buffers].max(initial=0))
    shapes = [entry.shape for entry in entries if entry.shape is not None]
    least = min_staging(shapes, padding, plan.profile, plan.policy)
    packing = Packing.of(plan.memory, plan.profile)
    result = RoundResult(plan.memory, packing, int((bytes_ + SLACK).sum()), least)
    try:
        memory, staging = plan_staging(plan.requirements, result, plan.profile, plan.policy, least)
    except HeapFull as full:
        problem = (
            f"heap {full.heap} cannot hold the plan and staging for the transfer of {len(to_fetch)} assets"
        )
        raise PlanError("plan.budget", problem, "raise the budget, or request less") from None
    return replace(plan, memory=memory, staging=staging)
