"""Matching a plan with what is resident: the same plan, in which what is there already keeps its ids.

A plan that was made on its own, such as one read from a file, numbers its allocations and resources from 0. A
schedule compares by id. So before one can lead to that plan, what both plans have must have one id, and what
only the new plan has must have an id that was never used.
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
_RESOURCE = [name for name in RESOURCE.names or () if name not in ("id", "allocation")]
_ANYWHERE = [name for name in _RESOURCE if name != "offset"]
_CONTENT = [name for name in SUBRESOURCE.names or () if name not in ("resource", "offset")]
_PLACE = ["offset", "size", "content"]


def matched(plan: Plan, resident: Plan) -> Plan:
    """`plan` with the ids of `resident` where both are the same, and with staging for what is not resident.

    Both speak of the same `Keys`. An allocation that differs only in the order of what is in it is the same:
    the order that is there stays. Raises PlanError `plan.budget` where no staging fits beside the plan.
    """
    terms = np.array([resident.terms.id(entry) for entry in plan.terms.entries], np.int32)
    places = plan.memory.subresources.copy()
    places["terms"] = terms[places["terms"]]
    renamed = replace(plan.memory, subresource_table=Table.of(places, "key"))
    memory = _Matching(resident.memory, renamed).run()
    return _with_staging(replace(plan, memory=memory, terms=resident.terms, _packing=[]), resident.memory)


class _Matching:
    """Finds the allocation and resource of `old` that one of `new` is, by id."""

    def __init__(self, old: MemoryPlan, new: MemoryPlan) -> None:
        self.old, self.new = old, new
        self.homes: dict[int, int] = {}
        self.pages: dict[int, int] = {}
        self.reordered: set[int] = set()  # allocations of `new` that keep the order of `old`

    def run(self) -> MemoryPlan:
        self._match_whole()
        self._match_parts()
        return self._renumbered()

    def _match_whole(self) -> None:
        """Match allocations that hold the same, in whatever order."""
        there = defaultdict(list)
        for home, (signature, members) in _signatures(self.old).items():
            there[signature].append((home, members))
        for home, (signature, members) in _signatures(self.new).items():
            if there[signature]:
                self.homes[home], known = there[signature].pop(0)
                self.reordered.add(home)
                for alike, pages in members.items():
                    self.pages.update(zip(pages, known[alike], strict=True))

    def _match_parts(self) -> None:
        """Match resources of the same kind, size and place in alike allocations where a key stays put."""
        shared: Counter[tuple[int, int]] = Counter()
        before = dict(zip(self.old.subresources["key"].tolist(), self.old.subresources, strict=True))
        for place in self.new.subresources:
            was = before.get(int(place["key"]))
            if was is not None and all(was[name] == place[name] for name in _PLACE):
                shared[int(was["resource"]), int(place["resource"])] += int(place["size"])
        old, new = _Described(self.old), _Described(self.new)
        owners = {home: owner for owner, home in self.homes.items()}
        kept = set(self.pages.values())
        for (was_page, page), _ in sorted(shared.items(), key=lambda pair: (-pair[1], pair[0])):
            was_home, home = old.home[was_page], new.home[page]
            alike = old.pages[was_page] == new.pages[page] and old.homes[was_home] == new.homes[home]
            free = page not in self.pages and was_page not in kept
            one = self.homes.get(home, was_home) == was_home and owners.get(was_home, home) == home
            if alike and free and one and home not in self.reordered:
                self.homes[home], owners[was_home] = was_home, home
                self.pages[page] = was_page
                kept.add(was_page)

    def _renumbered(self) -> MemoryPlan:
        allocations, resources = self.new.allocations.copy(), self.new.resources.copy()
        places = self.new.subresources.copy()
        homes, next_allocation = _numbers(allocations, self.homes, self.old.next_allocation)
        pages, next_resource = _numbers(resources, self.pages, self.old.next_resource)
        kept = {page for page, home in _Described(self.new).home.items() if home in self.reordered}
        for row in resources:
            ident = int(row["id"])
            row["id"], row["allocation"] = pages[ident], homes[int(row["allocation"])]
            if ident in kept:
                row["offset"] = self.old.resource(pages[ident])["offset"]
        for row in places:
            ident = int(row["resource"])
            row["resource"] = pages[ident]
            if ident in kept:
                row["offset"] = self.old.subresource_table.row(int(row["key"]))["offset"]
        allocations["id"] = [homes[ident] for ident in allocations["id"].tolist()]
        return MemoryPlan(
            Table.of(np.sort(allocations, order="id"), "id"),
            Table.of(np.sort(resources, order="id"), "id"),
            Table.of(places, "key"),
            next_allocation,
            next_resource,
        )


class _Described:
    """What the allocations and resources of a plan are, by id, and which allocation a resource is in."""

    def __init__(self, memory: MemoryPlan) -> None:
        self.homes = _described(memory.allocations, _ALLOCATION)
        self.pages = _described(memory.resources, _RESOURCE)
        ids = memory.resources["id"].tolist(), memory.resources["allocation"].tolist()
        self.home: dict[int, int] = dict(zip(*ids, strict=True))


def _described(rows: Rows, names: list[str]) -> dict[int, Hashable]:
    return dict(zip(rows["id"].tolist(), rows[names].tolist(), strict=True))


def _signatures(memory: MemoryPlan) -> dict[int, tuple[Hashable, dict[Hashable, list[int]]]]:
    """What each allocation is and holds, in no order; and its resources by what they are and hold."""
    contents: dict[int, list[Hashable]] = defaultdict(list)
    places = memory.subresources
    for page, content in zip(places["resource"].tolist(), places[_CONTENT].tolist(), strict=True):
        contents[page].append(content)
    pages = _described(memory.resources, _ANYWHERE)
    members: dict[int, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
    for page, home in _Described(memory).home.items():
        members[home][pages[page], tuple(contents[page])].append(page)
    return {
        home: ((row, frozenset((alike, len(ids)) for alike, ids in members[home].items())), members[home])
        for home, row in _described(memory.allocations, _ALLOCATION).items()
    }


def _numbers(rows: Rows, known: dict[int, int], first: int) -> tuple[dict[int, int], int]:
    """The id that each row gets, and the next one: a known id, or one from `first` on."""
    fresh = [ident for ident in rows["id"].tolist() if ident not in known]
    return known | {ident: first + at for at, ident in enumerate(fresh)}, first + len(fresh)


def _with_staging(plan: Plan, old: MemoryPlan) -> Plan:
    """The plan with staging for everything from caches that is not at its place in `old`."""
    places = plan.memory.subresources
    was = old.subresource_table
    fetch = plan.terms.with_contents(Contents.CACHE)[places["terms"]] if len(places) else np.zeros(0, bool)
    there = was.has(places["key"].astype(np.int64))
    before = was.rows(places["key"][there].astype(np.int64))
    same = np.ones(len(before), bool)
    for name in ("resource", *_PLACE):
        same &= before[name] == places[name][there]
    fetch[np.flatnonzero(there)[same]] = False
    to_fetch = places.take(np.flatnonzero(fetch))
    entries = [plan.terms[number] for number in distinct_ids(to_fetch["terms"]).tolist()]
    buffers = plan.memory.resource_table.rows(to_fetch["resource"].astype(np.int64))["kind"] == Kind.BUFFER
    bytes_ = np.where(buffers, np.maximum(to_fetch["size"], to_fetch["footprint"]), to_fetch["size"])
    padding = int((to_fetch["footprint"] - to_fetch["size"])[buffers].max(initial=0))
    shapes = [entry.shape for entry in entries if entry.shape is not None]
    least = min_staging(shapes, padding, plan.profile, plan.policy)
    packing = Packing.of(plan.memory, plan.profile)
    found = RoundResult(plan.memory, packing, int((bytes_ + SLACK).sum()), least)
    try:
        memory, staging = plan_staging(plan.requirements, found, plan.profile, plan.policy, least)
    except HeapFull as short:
        what = (
            f"heap {short.heap} cannot hold the plan and a staging buffer to bring {len(to_fetch)} assets in"
        )
        raise PlanError("plan.budget", what, "raise the budget, or plan for less") from None
    return replace(plan, memory=memory, staging=staging)
