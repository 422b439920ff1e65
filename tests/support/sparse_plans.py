"""Plans with holes, and the fewest bytes to move for compacting them, by exhaustive search."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
from support.random_scenes import profile

from engine.plan.model.plan import Plan
from engine.plan.placement.planner import make_plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requirements import Requirement, RequirementTable
from engine.plan.terms.keys import asset_key
from engine.plan.terms.policy import Policy
from engine.plan.terms.vocabulary import BufferUsage, Contents, Kind

DEVICE = profile("unified")
POLICY = Policy(block=1024, own=256, sparse=1 << 30)  # so no page waits to be returned


def sparse_plan(rng: np.random.Generator, count: int = 10) -> Plan:
    """At most `count` buffers that are left in pages of one KiB, which were full before."""
    return full_and_sparse(rng, count)[1]


def full_and_sparse(rng: np.random.Generator, count: int = 10) -> tuple[Plan, Plan]:
    table = RequirementTable()
    sizes = rng.integers(4, 40, 60) * 16
    requesters = [table.requesters.add("visibleModel", f"object{i}") for i in range(60)]
    for i, requester in enumerate(requesters):
        usage, contents = BufferUsage.VERTEX_BUFFER, Contents.CACHE
        row = Requirement(asset_key(1, i), Kind.BUFFER, int(sizes[i]), 16, usage=usage, contents=contents)
        table.add(row, requester)
    full = make_plan(coalesce(table), DEVICE, None, POLICY)
    pages = int(rng.integers(2, 6))
    first = full.memory.subresources["resource"] < pages
    keep = full.memory.subresources["key"][first]
    keep = set(rng.choice(keep, min(int(rng.integers(2, count + 1)), len(keep)), replace=False).tolist())
    table.remove([a for i, a in enumerate(requesters) if asset_key(1, i) not in keep])
    return full, make_plan(coalesce(table), DEVICE, full, POLICY)


def fewest_bytes(plan: Plan) -> tuple[int, int]:
    """(most bytes that can be freed, fewest bytes to move for that), by exhaustive search."""
    places, resources = plan.memory.subresources, plan.memory.resources
    ids = resources["id"].tolist()
    gain = {int(r["id"]): int(plan.memory.allocation(int(r["allocation"]))["size"]) for r in resources}
    best = (0, 0)
    for emptied in chain.from_iterable(combinations(ids, n) for n in range(1, len(ids))):
        out = places[np.isin(places["resource"], emptied)]
        free = {
            r: np.ones(int(plan.memory.resource(r)["bytes"]) // 16, bool) for r in ids if r not in emptied
        }
        for place in places[~np.isin(places["resource"], emptied)]:
            start = int(place["offset"]) // 16
            free[int(place["resource"])][start : start + int(place["footprint"]) // 16] = False
        if fits_somehow(sorted((int(f) // 16 for f in out["footprint"]), reverse=True), free):
            best = max(best, (sum(gain[r] for r in emptied), -int(out["size"].sum())))
    return best[0], -best[1]


def fits_somehow(cells: list[int], free: dict[int, np.ndarray]) -> bool:
    if not cells:
        return True
    for page in free.values():
        for start in range(len(page) - cells[0] + 1):
            if page[start : start + cells[0]].all() and (start == 0 or not page[start - 1]):
                page[start : start + cells[0]] = False
                if fits_somehow(cells[1:], free):
                    return True
                page[start : start + cells[0]] = True
    return False
