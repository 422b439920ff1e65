"""The resident state in the middle of a schedule as a plan, from which the next plan is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.plan.model.memory_plan import ALLOCATION, HELD, RESOURCE, SUBRESOURCE, MemoryPlan
from engine.plan.model.places import overlapping, settled_rows
from engine.plan.model.plan import Plan
from engine.plan.terms.table import Rows, Table, chosen, contains, is_in, stack

if TYPE_CHECKING:
    from engine.plan.resident.resident import Resident


def snapshot(resident: Resident, target: Plan) -> Plan:
    """A plan of the present state on the way to `target`: one place for each key, its other places `held`.

    Of several places of a key, one with contents is chosen before one without, then a newer before an older.
    """
    staging = resident.staging_ids()
    resources = [resident.resources[r] for r in sorted(resident.bound) if r not in staging]
    homes = sorted({int(row["allocation"]) for row in resources})
    everything = _everything(resident, target)
    everything = chosen(everything, is_in(everything["resource"], [int(row["id"]) for row in resources]))
    filled = resident.has_contents(everything)
    # An empty place may overlap a place that is still in use: then it does not exist yet.
    exists = filled | ~overlapping(everything, chosen(everything, filled))
    everything, filled = chosen(everything, exists), filled[exists]
    _clip_footprints(everything)
    everything = everything.take(np.lexsort((np.arange(len(everything)), ~filled, everything["key"])))
    first = np.ones(len(everything), bool)
    first[1:] = everything["key"][1:] != everything["key"][:-1]
    mine, rest = chosen(everything, first), chosen(everything, ~first)
    missing = mine["key"][mine["arrived"] < mine["needs"]].astype(np.int64)
    memory = MemoryPlan(
        Table.of(np.array([resident.allocations[home] for home in homes], ALLOCATION), "id"),
        Table.of(np.array(resources, RESOURCE), "id"),
        Table.of(_as(SUBRESOURCE, mine), "key"),
        target.memory.next_allocation,
        target.memory.next_resource,
        _as(HELD, rest),
        missing,
    )
    return replace(target, memory=memory, whole=False, _packing=[])


def _clip_footprints(places: Rows) -> None:
    """Shorten footprints whose padding overlaps the next place.

    A key that stays at its place can have a coarser alignment in the target, and so more padding, while the
    keys that are still stored in that padding have not been removed yet.
    """
    start = (places["resource"].astype(np.int64) << 44) + places["offset"]
    order = np.argsort(start, kind="stable")
    room = np.diff(start[order], append=np.iinfo(np.int64).max)
    mine = places.take(order)
    clipped = (room < mine["footprint"]) & (room >= mine["size"])
    places["footprint"][order[clipped]] = room[clipped]


def _everything(resident: Resident, target: Plan) -> Rows:
    """All places: those of the target, then those of earlier plans."""
    keys = target.memory.subresource_table.array["key"].astype(np.int64)
    waiting = resident.waiting_keys()
    settled = settled_rows(target, keys[~contains(waiting, keys)])
    return stack([settled, chosen(resident.pending, ~resident.pending["published"]), resident.old])


def _as(dtype: np.dtype[np.void], rows: Rows) -> Rows:
    """Rows reduced to the fields of `dtype`."""
    made = np.zeros(len(rows), dtype)
    for name in dtype.names or ():
        made[name] = rows[name]
    return made
