"""Compaction: empty whole pages into the holes of others, so that their memory returns.

Asked for explicitly and bounded by bytes and moves; what it would gain is known before anything runs. It
needs no new memory: a page is emptied only where all that lives in it fits into holes of pages that stay.
Only what comes from caches is moved: of all else none but who asks for it knows what has been written there.
Of all sets of pages that give back the most, the one that moves the fewest bytes is taken: by trying all sets
where pages are few, from the emptiest page on where they are many.
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
from engine.plan.placement.fitting import Effort, Hole, Item, fit
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Rows, contains
from engine.plan.terms.vocabulary import Contents

_EXACT_PAGES = 10
_EFFORT = 3_000_000
"""Looks at holes in all that is tried: some 0.3 s a million."""


@dataclass(frozen=True, eq=False)
class Compaction:
    """A plan with fewer pages: `gain` bytes return for `moved` bytes in `moves` moves; none has run yet."""

    plan: Plan
    gain: int
    moved: int
    moves: int


@dataclass(frozen=True, eq=False, slots=True)
class Page:
    """A page: its resource, what emptying it gives back (0: it must stay), and what lives in it.

    `rows` are those of its keys in the plan, `footprint` what they take and `moved` what they are (bytes;
    footprints of layers in layers); `holes` is int64[n, 2], start and size.
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
    """The plan that gives back the most memory within these bounds; `plan` itself if nothing is to gain.

    PlanError `plan.stale` in the middle of a schedule, or before the first: only what is settled can be
    compacted.
    """
    if plan is None:
        raise PlanError("plan.stale", "nothing has been planned yet", "draw a frame first")
    if not plan.whole:
        raise PlanError("plan.stale", "a schedule is under way", "compact once it has settled")
    gain = moved = 0
    places: dict[int, tuple[int, int]] = {}
    emptied: list[int] = []
    pools = list(_pools(plan))
    for pages in pools:
        effort = Effort(_EFFORT // len(pools))
        choice = _choose(plan, pages, max_bytes - moved, max_moves - len(places), effort)
        if choice is not None:
            gain, moved = gain + choice.gain, moved + choice.moved
            places.update(choice.places)
            emptied += choice.emptied
    if not emptied:
        return Compaction(plan, 0, 0, 0)
    return Compaction(_moved(plan, places, emptied), gain, moved, len(places))


def _pools(plan: Plan) -> Iterator[list[Page]]:
    """Pages by pool, where one has several: keys may only go where the same class lives."""
    memory = plan.memory
    pools: dict[Hashable, list[int]] = {}
    for at in np.flatnonzero(memory.resources["sharing"] != Sharing.OWN).tolist():
        row = memory.resources[at]
        pools.setdefault(page_pool(row, memory.allocation(int(row["allocation"]))), []).append(at)
    for pool in sorted(pools, key=repr):
        if len(pools[pool]) > 1:
            yield _pages(plan, memory.resources[pools[pool]])


def _pages(plan: Plan, resources: Rows) -> list[Page]:
    """Summarise the pages of one pool."""
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


def _choose(plan: Plan, pages: list[Page], max_bytes: int, max_moves: int, effort: Effort) -> _Choice | None:
    """The best set of pages to empty: most gain, then fewest bytes moved."""
    may_go = [p for p in pages if p.gain and p.moved <= max_bytes and len(p.rows) <= max_moves]
    for candidate in _candidates(may_go, len(pages)):
        if effort.left <= 0:
            break
        moved, moves = sum(p.moved for p in candidate), sum(len(p.rows) for p in candidate)
        stay = [p for p in pages if p not in candidate]
        room = sum(int(p.holes[:, 1].sum()) for p in stay)
        if moved > max_bytes or moves > max_moves or sum(p.footprint for p in candidate) > room:
            continue
        items = [item for page in candidate for item in _items(plan, page)]
        holes = [Hole(size, p.resource, start, p.usage) for p in stay for start, size in p.holes.tolist()]
        places = fit(items, holes, effort)
        if places is not None:
            emptied = tuple(p.resource for p in candidate)
            return _Choice(emptied, places, sum(p.gain for p in candidate), moved)
    return None


def _candidates(pages: list[Page], count: int) -> Iterable[tuple[Page, ...]]:
    """Sets of pages to empty, of `count` that there are, the best first."""
    if count <= _EXACT_PAGES:
        sets = [chosen for n in range(1, len(pages) + 1) for chosen in combinations(pages, n)]
        return sorted(sets, key=lambda s: (-sum(p.gain for p in s), sum(p.moved for p in s)))
    by_cost = sorted(pages, key=lambda p: (p.moved / p.gain, p.resource))
    sizes, size = [], len(by_cost)
    while size:  # ever fewer, by an eighth where they are many: each try looks at every key
        sizes.append(size)
        size -= max(1, size // 8)
    return [*(tuple(by_cost[:size]) for size in sizes), *((page,) for page in by_cost[1:])]


def _items(plan: Plan, page: Page) -> Iterator[Item]:
    """What lives in a page, as things to be placed."""
    memory = plan.memory
    in_layers = int(memory.resource(page.resource)["layers"]) > 0
    places = memory.subresources[page.rows]
    columns = (page.rows.tolist(), places["footprint"].tolist(), places["terms"].tolist())
    for row, footprint, index in zip(*columns, strict=True):
        terms = plan.terms[index]
        yield Item(row, footprint, 1 if in_layers else terms.alignment, terms.usage)


def _moved(plan: Plan, places: dict[int, tuple[int, int]], emptied: list[int]) -> Plan:
    memory = plan.memory
    rows = memory.subresources[sorted(places)].copy()
    for row, at in zip(rows, sorted(places), strict=True):
        row["resource"], row["offset"] = places[at]
    gone = np.array(sorted(emptied), np.int64)
    homes = memory.resource_table.rows(gone)["allocation"].astype(np.int64)
    return replace(
        plan,
        memory=MemoryPlan(
            memory.allocation_table.changed(memory.allocations[:0], homes),
            memory.resource_table.changed(memory.resources[:0], gone),
            memory.subresource_table.changed(rows, np.zeros(0, np.int64)),
            memory.next_allocation,
            memory.next_resource,
        ),
        staging=MemoryPlan.empty(),
        _packing=[],
    )
