"""What is resident in the middle of a schedule, as a plan: the state to plan the next one from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.plan.model.memory_plan import ALLOCATION, HELD, RESOURCE, SUBRESOURCE, MemoryPlan
from engine.plan.model.places import overlapping, settled_rows
from engine.plan.model.plan import Plan
from engine.plan.terms.table import Rows, Table, contains, stack

if TYPE_CHECKING:
    from engine.plan.resident.resident import Resident


def snapshot(resident: Resident, target: Plan) -> Plan:
    """A plan of what exists on the way to `target`: one place for each key, all others held.

    Where a key has several places, one that holds something comes before one that does not, and the newest
    before older ones.
    """
    staging = resident.staging_ids()
    resources = [resident.resources[r] for r in sorted(resident.bound) if r not in staging]
    homes = sorted({int(row["allocation"]) for row in resources})
    everything = _everything(resident, target)
    everything = everything[np.isin(everything["resource"], [int(row["id"]) for row in resources])]
    begun = resident.begun(everything)
    # A place nothing has come to may lie where another key still is: then it is not there yet.
    here = begun | ~overlapping(everything, everything[begun])
    everything, begun = everything[here], begun[here]
    _part(everything)
    everything = everything.take(np.lexsort((np.arange(len(everything)), ~begun, everything["key"])))
    first = np.ones(len(everything), bool)
    first[1:] = everything["key"][1:] != everything["key"][:-1]
    chosen, rest = everything[first], everything[~first]
    missing = chosen["key"][chosen["arrived"] < chosen["needs"]].astype(np.int64)
    memory = MemoryPlan(
        Table.of(np.array([resident.allocations[home] for home in homes], ALLOCATION), "id"),
        Table.of(np.array(resources, RESOURCE), "id"),
        Table.of(_as(SUBRESOURCE, chosen), "key"),
        target.memory.next_allocation,
        target.memory.next_resource,
        _as(HELD, rest),
        missing,
    )
    return replace(target, memory=memory, whole=False, _packing=[])


def _part(places: Rows) -> None:
    """Leave padding that reaches into another key's place to that one.

    A key that stays where it is may be planned with a coarser alignment, and so with more padding, before the
    keys that lie there have gone.
    """
    start = (places["resource"].astype(np.int64) << 44) + places["offset"]
    order = np.argsort(start, kind="stable")
    room = np.diff(start[order], append=np.iinfo(np.int64).max)
    mine = places[order]
    clipped = (room < mine["footprint"]) & (room >= mine["size"])
    places["footprint"][order[clipped]] = room[clipped]


def _everything(resident: Resident, target: Plan) -> Rows:
    """Places of the target, then older ones."""
    keys = target.memory.subresource_table.array["key"].astype(np.int64)
    waiting = resident.waiting_keys()
    settled = settled_rows(target, keys[~contains(waiting, keys)])
    return stack([settled, resident.pending[~resident.pending["published"]], resident.old])


def _as(dtype: np.dtype[np.void], rows: Rows) -> Rows:
    """The fields of `dtype` out of rows that have more."""
    made = np.zeros(len(rows), dtype)
    for name in dtype.names or ():
        made[name] = rows[name]
    return made
