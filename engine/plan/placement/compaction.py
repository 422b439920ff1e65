"""Compaction: move the keys of whole pages into holes of other pages, so that their memory can be freed.

It runs only on request, is bounded by bytes and moves, and its gain is known before anything is moved. It
needs no new memory: a page is emptied only where all its keys fit into holes of pages that stay. In pools
where no page can be emptied so, such as those of one page, pages that wait to be returned move to new ones.
Only cached assets are moved; the contents of other resources are known to their requesters alone.
Of the sets of pages that free the most memory, the one that moves the fewest bytes is chosen: exactly where
pages are few, greedily from the emptiest page on where they are many.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.holes import gaps
from engine.plan.model.memory_plan import MemoryPlan, Sharing
from engine.plan.model.packing import page_pool
from engine.plan.model.plan import Plan
from engine.plan.placement.fitting import Hole, Item, SearchBudget, fit
from engine.plan.placement.page_return import placed_again
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Int64s, Rows, contains
from engine.plan.terms.vocabulary import Contents

_EXACT_PAGES = 10
_SEARCH_BUDGET = 3_000_000
"""Holes examined in all attempts together; a million take about 0.3 s."""


@dataclass(frozen=True, eq=False)
class Compaction:
    """A plan with fewer or smaller pages: it frees `gain` bytes, and moves `moves` keys of `moved` bytes.

    Nothing has been carried out yet.
    """

    plan: Plan
    gain: int
    moved: int
    moves: int


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """A page: its resource, the bytes that emptying it frees (`gain`, 0: it must stay), and its keys.

    `rows` are the rows of its keys in the plan's subresources, `footprint` is the sum of their footprints
    (bytes or layers), `moved` the sum of their sizes in bytes; `holes` is int64[n, 2]: start and size.
    """

    resource: int
    gain: int
    usage: int
    rows: NDArray[np.intp]
    footprint: int
    moved: int
    holes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Choice:
    emptied: tuple[int, ...]
    places: dict[int, tuple[int, int]]
    gain: int
    moved: int


def compact(plan: Plan | None, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
    """The plan that frees the most memory within these bounds; `plan` itself where nothing can be gained.

    PlanError `plan.stale` in the middle of a schedule and before the first plan: only a settled plan can be
    compacted.
    """
    if plan is None:
        raise PlanError("plan.stale", "nothing has been planned yet", "draw a frame first")
    if not plan.whole:
        raise PlanError("plan.stale", "a schedule is in progress", "compact once it has settled")
    gain = moved = 0
    places: dict[int, tuple[int, int]] = {}
    emptied: list[int] = []
    pools = list(_pools(plan))
    sparse = {page.resource for page in plan.waiting}
    for pages in pools:
        budget = SearchBudget(_SEARCH_BUDGET // len(pools))
        choice = _choose(plan, pages, max_bytes - moved, max_moves - len(places), budget)
        if choice is not None:
            gain, moved = gain + choice.gain, moved + choice.moved
            places.update(choice.places)
            emptied += choice.emptied
            sparse -= {page.resource for page in pages}
    made = _moved(plan, places, emptied) if emptied else plan
    keys = _keys_of(plan, sparse, max_bytes - moved, max_moves - len(places))
    smaller = placed_again(made, keys, [page.resource for page in made.waiting]) if len(keys) else None
    if smaller is None:
        return Compaction(made, gain, moved, len(places))
    gain += made.planned_bytes - smaller.planned_bytes
    moved += int(plan.memory.subresource_table.rows(keys)["size"].sum())
    return Compaction(smaller, gain, moved, len(places) + len(keys))


def _keys_of(plan: Plan, pages: set[int], max_bytes: int, max_moves: int) -> Int64s:
    """The keys, sorted, of as many waiting pages of `pages` as the bounds allow, most worthwhile first."""
    places = plan.memory.subresources
    found: list[Int64s] = [np.zeros(0, np.int64)]
    for page in plan.waiting:
        mine = places["key"][places["resource"] == page.resource].astype(np.int64)
        if page.resource in pages and page.moved <= max_bytes and len(mine) <= max_moves:
            max_bytes, max_moves = max_bytes - page.moved, max_moves - len(mine)
            found.append(mine)
    return np.sort(np.concatenate(found))


def _pools(plan: Plan) -> Iterator[list[Page]]:
    """The pages of each pool that has several; a key can only be moved within its pool."""
    memory = plan.memory
    pools: dict[Hashable, list[int]] = {}
    for at in np.flatnonzero(memory.resources["sharing"] != Sharing.OWN).tolist():
        row = memory.resources[at]
        pools.setdefault(page_pool(row, memory.allocation(int(row["allocation"]))), []).append(at)
    for pool in sorted(pools, key=repr):
        if len(pools[pool]) > 1:
            yield _pages(plan, memory.resources[pools[pool]])


def _pages(plan: Plan, resources: Rows) -> list[Page]:
    """The pages of one pool, given their resource rows."""
    places, ids = plan.memory.subresources, resources["id"].astype(np.int64)
    rows = np.flatnonzero(contains(ids, places["resource"]))
    rows = rows[np.lexsort((places["offset"][rows], places["resource"][rows]))]
    places = places[rows]
    home = places["resource"].astype(np.int64)
    lengths = np.where(resources["layers"] > 0, resources["layers"], resources["bytes"]).astype(np.int64)
    taken = places["offset"].astype(np.int64), places["footprint"].astype(np.int64)
    space, start, free = gaps(home, *taken, ids, lengths)
    is_cached = plan.terms.with_contents(Contents.CACHE)[places["terms"]]
    pages = []
    for row, ident in zip(resources, ids.tolist(), strict=True):
        mine = slice(*np.searchsorted(home, [ident, ident + 1]))
        hole = slice(*np.searchsorted(space, [ident, ident + 1]))
        block = plan.memory.allocation(int(row["allocation"]))
        may_go = block["own"] and plan.policy.movable and is_cached[mine].all()
        pages.append(
            Page(
                ident,
                int(block["size"]) if may_go else 0,
                int(row["usage"]),
                rows[mine],
                int(taken[1][mine].sum()),
                int(places["size"][mine].sum()),
                np.stack([start[hole], free[hole]], 1),
            )
        )
    return pages


def _choose(
    plan: Plan, pages: list[Page], max_bytes: int, max_moves: int, budget: SearchBudget
) -> _Choice | None:
    """The best set of pages to empty: most gain, then fewest bytes moved; None if no set fits."""
    may_go = [p for p in pages if p.gain and p.moved <= max_bytes and len(p.rows) <= max_moves]
    for candidate in _candidates(may_go, len(pages)):
        if budget.left <= 0:
            break
        moved, moves = sum(p.moved for p in candidate), sum(len(p.rows) for p in candidate)
        stay = [p for p in pages if p not in candidate]
        room = sum(int(p.holes[:, 1].sum()) for p in stay)
        if moved > max_bytes or moves > max_moves or sum(p.footprint for p in candidate) > room:
            continue
        items = [item for page in candidate for item in _items(plan, page)]
        holes = [Hole(size, p.resource, start, p.usage) for p in stay for start, size in p.holes.tolist()]
        places = fit(items, holes, budget)
        if places is not None:
            emptied = tuple(p.resource for p in candidate)
            return _Choice(emptied, places, sum(p.gain for p in candidate), moved)
    return None


def _candidates(pages: list[Page], count: int) -> Iterable[tuple[Page, ...]]:
    """Sets of `pages` to empty, best first; `count` is the number of all pages of the pool."""
    if count <= _EXACT_PAGES:
        sets = [chosen for n in range(1, len(pages) + 1) for chosen in combinations(pages, n)]
        return sorted(sets, key=lambda s: (-sum(p.gain for p in s), sum(p.moved for p in s)))
    by_cost = sorted(pages, key=lambda p: (p.moved / p.gain, p.resource))
    sizes, size = [], len(by_cost)
    while size:  # reduced by an eighth while there are many, as each attempt examines every key
        sizes.append(size)
        size -= max(1, size // 8)
    return [*(tuple(by_cost[:size]) for size in sizes), *((page,) for page in by_cost[1:])]


def _items(plan: Plan, page: Page) -> Iterator[Item]:
    """The keys of a page as items to place."""
    memory = plan.memory
    in_layers = int(memory.resource(page.resource)["layers"]) > 0
    places = memory.subresources[page.rows]
    columns = (page.rows.tolist(), places["footprint"].tolist(), places["terms"].tolist())
    for row, footprint, index in zip(*columns, strict=True):
        terms = plan.terms[index]
        yield Item(row, footprint, 1 if in_layers else terms.alignment, terms.usage)


def _moved(plan: Plan, places: dict[int, tuple[int, int]], emptied: list[int]) -> Plan:
    """The plan with rows of subresources at new places (resource, offset), and without emptied resources."""
    memory = plan.memory
    rows = memory.subresources[sorted(places)].copy()
    for row, at in zip(rows, sorted(places), strict=True):
        row["resource"], row["offset"] = places[at]
    removed = np.array(sorted(emptied), np.int64)
    allocations = memory.resource_table.rows(removed)["allocation"].astype(np.int64)
    return replace(
        plan,
        memory=MemoryPlan(
            memory.allocation_table.changed(memory.allocations[:0], allocations),
            memory.resource_table.changed(memory.resources[:0], removed),
            memory.subresource_table.changed(rows, np.zeros(0, np.int64)),
            memory.next_allocation,
            memory.next_resource,
        ),
        staging=MemoryPlan.empty(),
        _packing=[],
    )
