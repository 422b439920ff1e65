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

from engine.plan.errors import PlanError
from engine.plan.holes import Holes
from engine.plan.memory_plan import MemoryPlan, Sharing
from engine.plan.packing import page_pool
from engine.plan.plan import Plan
from engine.plan.vocabulary import Contents

_EXACT_PAGES = 10
_EXACT_NODES = 20_000


@dataclass(frozen=True, eq=False)
class Compaction:
    """A plan with fewer pages: `gain` bytes return for `moved` bytes in `moves` moves; none has run yet."""

    plan: Plan
    gain: int
    moved: int
    moves: int


@dataclass(frozen=True, slots=True)
class Item:
    """A key in a page: its row in the plan, footprint and alignment (bytes or layers), usage, bytes moved."""

    row: int
    footprint: int
    alignment: int
    usage: int
    moved: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page that could be emptied: its resource, what that gives back, and who lives in it."""

    resource: int
    gain: int
    usage: int
    items: tuple[Item, ...]
    holes: tuple[tuple[int, int], ...]

    @property
    def moved(self) -> int:
        """Bytes that must be moved to empty it."""
        return sum(item.moved for item in self.items)


@dataclass(frozen=True, eq=False)
class _Choice:
    emptied: tuple[int, ...]
    places: dict[int, tuple[int, int]]
    gain: int
    moved: int


def compact(plan: Plan, max_bytes: int = 1 << 62, max_moves: int = 1 << 30) -> Compaction:
    """The plan that gives back the most memory within these bounds; `plan` itself if nothing is to gain.

    PlanError `plan.stale` in the middle of a schedule: only what is settled can be compacted.
    """
    if not plan.whole:
        raise PlanError("plan.stale", "a schedule is under way", "compact once it has settled")
    gain = moved = 0
    places: dict[int, tuple[int, int]] = {}
    emptied: list[int] = []
    for pages in _pools(plan):
        choice = _choose(pages, max_bytes - moved, max_moves - len(places))
        if choice.gain:
            gain, moved = gain + choice.gain, moved + choice.moved
            places.update(choice.places)
            emptied += choice.emptied
    if not emptied:
        return Compaction(plan, 0, 0, 0)
    return Compaction(_moved(plan, places, emptied), gain, moved, len(places))


def _pools(plan: Plan) -> Iterator[list[Page]]:
    """Pages by pool: keys may only go where the same class lives."""
    memory = plan.memory
    pools: dict[Hashable, list[Page]] = {}
    order = np.lexsort((memory.subresources["offset"], memory.subresources["resource"]))
    ids = memory.subresources["resource"][order]
    for row in memory.resources[memory.resources["sharing"] != Sharing.OWN]:
        home = memory.allocation(int(row["allocation"]))
        first, last = np.searchsorted(ids, [row["id"], row["id"] + 1])
        page = _page(plan, row, home, order[first:last])
        pools.setdefault(page_pool(row, home), []).append(page)
    for pool in sorted(pools, key=repr):
        if len(pools[pool]) > 1:
            yield pools[pool]


def _page(plan: Plan, row: np.void, home: np.void, rows: NDArray[np.intp]) -> Page:
    places = plan.memory.subresources[rows]
    layers = int(row["layers"])
    movable = plan.policy.movable
    items = []
    for at, place in zip(rows.tolist(), places, strict=True):
        terms = plan.terms[int(place["terms"])]
        footprint = int(place["footprint"])
        alignment = 1 if layers else terms.alignment
        movable &= terms.contents is Contents.CACHE
        items.append(Item(at, footprint, alignment, terms.usage, int(place["size"])))
    ends = np.concatenate([[0], places["offset"] + places["footprint"]])
    starts = np.append(places["offset"], layers or int(row["bytes"]))
    holes = tuple((int(e), int(s - e)) for e, s in zip(ends, starts, strict=True) if s > e)
    gain = int(home["size"]) if home["own"] and movable else 0
    return Page(int(row["id"]), gain, int(row["usage"]), tuple(items), holes)


def _choose(pages: list[Page], max_bytes: int, max_moves: int) -> _Choice:
    """The best set of pages to empty: most gain, then fewest bytes moved."""
    may = [p for p in pages if p.gain and p.moved <= max_bytes and len(p.items) <= max_moves]
    best = _Choice((), {}, 0, 0)
    if len(pages) <= _EXACT_PAGES:
        sets: Iterable[tuple[Page, ...]] = (s for n in range(1, len(may) + 1) for s in combinations(may, n))
        ranked = sorted(sets, key=lambda s: (-sum(p.gain for p in s), sum(p.moved for p in s)))
    else:
        by_cost = sorted(may, key=lambda p: (p.moved / p.gain, p.resource))
        ranked = [tuple(by_cost[:n]) for n in range(len(by_cost), 0, -1)]
    for candidate in ranked:
        moved = sum(p.moved for p in candidate)
        if moved > max_bytes or sum(len(p.items) for p in candidate) > max_moves:
            continue
        stay = [p for p in pages if p not in candidate]
        places = fit([i for p in candidate for i in p.items], stay)
        if places is not None:
            return _Choice(
                tuple(p.resource for p in candidate), places, sum(p.gain for p in candidate), moved
            )
    return best


def fit(items: list[Item], pages: list[Page]) -> dict[int, tuple[int, int]] | None:
    """Places (resource, offset) for all `items` in the holes of `pages`, by row; None where they do not fit.

    Largest first into the smallest hole that takes it, going back where that fails, for a bounded time.
    """
    holes = [(size, page.resource, start, page.usage) for page in pages for start, size in page.holes]
    if sum(i.footprint for i in items) > sum(h[0] for h in holes):
        return None
    items = sorted(items, key=lambda i: (-i.footprint, -i.alignment, i.row))
    found: dict[int, tuple[int, int]] = {}
    nodes = 0

    def put(index: int, holes: list[tuple[int, int, int, int]]) -> bool:
        nonlocal nodes
        if index == len(items):
            return True
        item = items[index]
        tried: set[tuple[int, int, int]] = set()
        for at, (size, resource, start, usage) in enumerate(sorted(holes)):
            offset = -(-start // item.alignment) * item.alignment
            left = start + size - offset - item.footprint
            kind = (size, offset - start, usage)
            if left < 0 or item.usage & ~usage or kind in tried:
                continue
            tried.add(kind)
            nodes += 1
            if nodes > _EXACT_NODES:
                return False
            rest = sorted(holes)
            rest.pop(at)
            if offset > start:
                rest.append((offset - start, resource, start, usage))
            if left:
                rest.append((left, resource, offset + item.footprint, usage))
            if put(index + 1, rest):
                found[item.row] = (resource, offset)
                return True
        return False

    if len(items) <= 64:
        return found if put(0, holes) else None
    return _first_fit(items, holes)


def _first_fit(
    items: list[Item], holes: list[tuple[int, int, int, int]]
) -> dict[int, tuple[int, int]] | None:
    """Best fit without going back, for many items."""
    free = Holes()
    usage = {resource: bits for _, resource, _, bits in holes}
    for resource in usage:
        free.add_space(resource, None)
    for size, resource, start, _ in holes:
        free.give(resource, start, size)
    found = {}
    allow: dict[int, set[int]] = {}
    for item in items:
        allowed = allow.setdefault(item.usage, {r for r, bits in usage.items() if not item.usage & ~bits})
        place = free.take(None, item.footprint, item.alignment, allowed)
        if place is None:
            return None
        found[item.row] = place
    return found


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
