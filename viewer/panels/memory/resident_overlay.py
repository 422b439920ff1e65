"""What is resident and what is in flight, laid over the planned places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.memory_plan import RESOURCE
from engine.plan.model.plan import Plan
from engine.plan.terms.table import Int64s, contains, distinct
from viewer.panels.memory.map.places import Places
from viewer.panels.memory.map.tile_colors import Presence

if TYPE_CHECKING:
    from engine.plan.resident.resident import Resident


@dataclass(frozen=True, eq=False)
class ResidentOverlay:
    """`presence` (Presence) of each place, and ranges that are still resident though no longer wanted there.

    `old_begin` and `old_end` are on the line of all bytes; `bytes` are the sums of places by Presence.
    `unfilled` are the bytes of planned memory that is allocated, but whose places are not resident yet.
    """

    presence: NDArray[np.uint8]
    old_begin: Int64s
    old_end: Int64s
    bytes: tuple[int, int, int]
    unfilled: int

    @property
    def is_settled(self) -> bool:
        """Whether all that is wanted is resident, and nothing else."""
        return not any(self.bytes[1:]) and not len(self.old_end)

    @staticmethod
    def of(plan: Plan, places: Places, resident: Resident) -> ResidentOverlay:
        """The state of this moment; the work grows with what is not settled."""
        keys = places.subresources["key"][: places.planned_count]
        presence = np.zeros(len(places), np.uint8)
        if resident.target is not plan:
            # Its schedule has not begun: nothing is said to be resident before that.
            presence[: places.planned_count] = Presence.MISSING
        else:
            waiting = resident.waiting_keys()
            presence[: places.planned_count][contains(waiting, keys)] = Presence.MISSING
        flying = in_flight_keys(resident)
        is_flying = contains(flying, keys) & (presence[: places.planned_count] == Presence.MISSING)
        presence[: places.planned_count][is_flying] = Presence.IN_FLIGHT
        staged = np.arange(places.planned_count, len(places))
        if len(staged):
            bound = np.isin(places.subresources["resource"][staged], list(resident.bound))
            presence[staged[~bound]] = Presence.MISSING
        begin, used, _ = places.ranges
        sums = np.bincount(presence, used - begin, 3)
        old = old_ranges(places, resident)
        unfilled = _unfilled(places, presence, resident)
        return ResidentOverlay(presence, *old, (int(sums[0]), int(sums[1]), int(sums[2])), unfilled)


def _unfilled(places: Places, presence: NDArray[np.uint8], resident: Resident) -> int:
    """Planned bytes in existing allocations that are not resident; those of several places count once."""
    at = np.flatnonzero(presence[: places.planned_count] != Presence.RESIDENT)
    if not len(at):
        return 0
    homes = places.row_of_resource[places.resource_of[at]]
    exists = np.isin(places.allocations["id"][homes], list(resident.allocations))
    begin, used, _ = (column[at[exists]] for column in places.ranges)
    order = np.argsort(begin, kind="stable")
    begin, end = begin[order], np.maximum.accumulate(used[order])
    return int((end - np.maximum(begin, np.append(0, end[:-1]))).clip(0).sum()) if len(begin) else 0


def in_flight_keys(resident: Resident) -> Int64s:
    """The keys to which transfers are under way, sorted."""
    found = [
        places["key"][at].astype(np.int64)
        for flight in resident.in_flight.values()
        for places, at, _ in flight.transfers
    ]
    return distinct(np.concatenate([np.zeros(0, np.int64), *found]))


def old_ranges(places: Places, resident: Resident) -> tuple[Int64s, Int64s]:
    """Begins and ends of places of earlier plans that are still kept, on the line of all bytes."""
    old = resident.old
    ids = distinct(old["resource"]) if len(old) else np.zeros(0, np.int64)
    rows = [resident.resources[ident] for ident in ids.tolist() if ident in resident.resources]
    known = [row for row in rows if places.allocation_row(int(row["allocation"])) is not None]
    if not known:
        none = np.zeros(0, np.int64)
        return none, none
    resources = np.array(known, RESOURCE)
    old = old[np.isin(old["resource"], resources["id"])]
    at = np.searchsorted(resources["id"], old["resource"])
    base = places.bases[places.allocation_rows(resources["allocation"])] + resources["offset"]
    layers, size = resources["layers"][at].astype(np.int64), resources["size"][at]
    last = old["offset"] + old["footprint"]
    count = np.maximum(layers, 1)
    begin = np.where(layers > 0, size * old["offset"] // count, old["offset"])
    end = np.where(layers > 0, size * last // count, last)
    return base[at] + begin, base[at] + end


def layered(
    overlay: ResidentOverlay, *, wanted: bool, current: bool, in_flight: bool
) -> NDArray[np.uint8] | None:
    """The presence to draw with these layers switched on; None where all places are drawn alike."""
    if wanted and not current and not in_flight:
        return None
    table = np.array([Presence.RESIDENT, Presence.IN_FLIGHT, Presence.MISSING], np.uint8)
    if not current:  # what is there looks like what is not, but for the wish
        table[[Presence.RESIDENT, Presence.MISSING]] = Presence.RESIDENT if wanted else Presence.MISSING
    if not in_flight:
        table[Presence.IN_FLIGHT] = table[Presence.MISSING]
    return table[overlay.presence]
