"""Places: where keys are or shall be, how far their bytes have come, and how places of two plans compare."""

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
        ("arrived", np.int64),  # bytes that are there; of zeroed or moved keys: all
        ("needs", np.int64),  # bytes that must be there before it may be published
        ("published", np.bool_),
        ("owner", np.int8),  # the QueueKind that owns it, or RELEASED
    ]
)
RELEASED = 3  # by its queue, and not yet acquired by another
SAME_PLACE = ("resource", "offset", "content", "size")  # what rows of one key share where they are one place


def place_rows(plan: Plan, keys: Int64s | None = None) -> Rows:
    """The plan's subresources (those of `keys`) as places where nothing has arrived."""
    table = plan.memory.subresource_table
    rows = table.array if keys is None else table.rows(keys)
    places = np.zeros(len(rows), PLACE)
    for name in SUBRESOURCE.names or ():
        places[name] = rows[name]
    filled = ~plan.terms.with_contents(Contents.UNDEFINED)
    places["needs"] = np.where(filled[rows["terms"]], rows["size"], 0) if len(rows) else 0
    return places


def settled_rows(plan: Plan, keys: Int64s | None = None) -> Rows:
    """The plan's subresources as places that are whole and published."""
    places = place_rows(plan, keys)
    places["arrived"], places["published"] = places["needs"], True
    return places


def match(rows: Rows, existing: Rows) -> Int64s:
    """For each of `rows` the index of `existing` at the same place with the same content, or -1."""
    order = np.lexsort((existing["published"], existing["key"]))
    sorted_keys = existing["key"][order]
    left = np.searchsorted(sorted_keys, rows["key"], side="left")
    right = np.searchsorted(sorted_keys, rows["key"], side="right")
    found = np.full(len(rows), -1, np.int64)
    waiting = np.flatnonzero(right > left)
    turn = 0
    while len(waiting):
        at = order[left[waiting] + turn]
        same = np.ones(len(at), bool)
        for name in SAME_PLACE:
            same &= existing[name][at] == rows[name][waiting]
        found[waiting[same]] = at[same]
        turn += 1
        waiting = waiting[~same]
        waiting = waiting[left[waiting] + turn < right[waiting]]
    return found


def carry(places: Rows, existing: Rows) -> NDArray[np.bool_]:
    """Carry progress over into `places` from what exists at the same place; which of `existing` that was."""
    at = match(places, existing)
    hit = at >= 0
    for name in ("arrived", "published", "owner"):
        places[name][hit] = existing[name][at[hit]]
    taken = np.zeros(len(existing), bool)
    taken[at[hit]] = True
    return taken


def overlapping(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Which of `rows` share bytes or layers of a resource with one of `others`."""
    if not len(others):
        return np.zeros(len(rows), bool)
    start = (others["resource"].astype(np.int64) << 44) + others["offset"]
    order = np.argsort(start)
    start = start[order]
    reach = np.maximum.accumulate(start + others["footprint"][order])
    low = (rows["resource"].astype(np.int64) << 44) + rows["offset"]
    before = np.searchsorted(start, low + rows["footprint"], side="left") - 1
    return np.asarray((before >= 0) & (reach[np.maximum(before, 0)] > low))
