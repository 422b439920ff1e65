"""Places: current or planned subresources of keys with their transfer progress, and how they compare."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import SUBRESOURCE
from engine.plan.model.plan import Plan
from engine.plan.terms.table import Int64s, Rows
from engine.plan.terms.vocabulary import Contents

PLACE = np.dtype(
    [
        *((name, SUBRESOURCE[name]) for name in SUBRESOURCE.names or ()),
        ("arrived", np.int64),  # bytes written so far; all bytes once a key was zeroed or moved
        ("needs", np.int64),  # bytes that must have arrived before it may be published
        ("published", np.bool_),
        ("owner", np.int8),  # the QueueKind that owns it, or RELEASED
    ]
)
RELEASED = 3  # released by one queue and not yet acquired by another
SAME_PLACE = (
    "resource",
    "offset",
    "content",
    "size",
)  # rows of one key are the same place if these are equal


def place_rows(plan: Plan, keys: Int64s | None = None) -> Rows:
    """The plan's subresources (all, or those of `keys`) as places to which no byte has arrived."""
    table = plan.memory.subresource_table
    rows = table.array if keys is None else table.rows(keys)
    places = np.zeros(len(rows), PLACE)
    for name in SUBRESOURCE.names or ():
        places[name] = rows[name]
    filled = ~plan.terms.with_contents(Contents.UNDEFINED)
    places["needs"] = np.where(filled[rows["terms"]], rows["size"], 0) if len(rows) else 0
    return places


def settled_rows(plan: Plan, keys: Int64s | None = None) -> Rows:
    """The plan's subresources (all, or those of `keys`) as complete, published places."""
    places = place_rows(plan, keys)
    places["arrived"], places["published"] = places["needs"], True
    return places


def match(rows: Rows, existing: Rows) -> Int64s:
    """For each of `rows` the index in `existing` of the same place (SAME_PLACE) of the same key, or -1."""
    if not len(existing):
        return np.full(len(rows), -1, np.int64)
    order = np.lexsort((existing["published"], existing["key"]))
    sorted_keys = existing["key"][order]
    left = np.searchsorted(sorted_keys, rows["key"], side="left")
    right = np.searchsorted(sorted_keys, rows["key"], side="right")
    found = np.full(len(rows), -1, np.int64)
    waiting = (right > left).nonzero()[0]
    candidate = 0
    while len(waiting):
        at = order[left[waiting] + candidate]
        same = np.ones(len(at), bool)
        for name in SAME_PLACE:
            same &= existing[name][at] == rows[name][waiting]
        found[waiting[same]] = at[same]
        candidate += 1
        waiting = waiting[~same]
        waiting = waiting[left[waiting] + candidate < right[waiting]]
    return found


def copy_progress(places: Rows, existing: Rows) -> NDArray[np.bool_]:
    """Copy progress into `places` from `existing` rows at the same place; returns the mask of those rows."""
    at = match(places, existing)
    hit = at >= 0
    for name in ("arrived", "published", "owner"):
        places[name][hit] = existing[name][at[hit]]
    taken = np.zeros(len(existing), bool)
    taken[at[hit]] = True
    return taken


def overlapping(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Which of `rows` share bytes or layers of a resource with any of `others`."""
    if not len(others):
        return np.zeros(len(rows), bool)
    start = (others["resource"].astype(np.int64) << 44) + others["offset"]
    order = np.argsort(start)
    start = start[order]
    reach = np.maximum.accumulate(start + others["footprint"][order])
    low = (rows["resource"].astype(np.int64) << 44) + rows["offset"]
    before = np.searchsorted(start, low + rows["footprint"], side="left") - 1
    return np.asarray((before >= 0) & (reach[np.maximum(before, 0)] > low))
