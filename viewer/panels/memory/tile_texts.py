"""What a byte of the map is, in words, and what a click on it selects."""

from __future__ import annotations

import numpy as np

from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind, flag_names
from viewer.panels.memory.map.composition import MOST_LANES
from viewer.panels.memory.map.places import NO_PLACE
from viewer.panels.memory.map.tile_colors import Presence
from viewer.panels.memory.map.tiles import STATE_NAMES, TileState
from viewer.panels.memory.plan_models import PlanModels
from viewer.panels.memory.resident_overlay import ResidentOverlay
from viewer.panels.memory.table.memory_table import Level, memory_type_text
from viewer.panels.number_format import bytes_text, count_text

_PRESENCE = {
    Presence.RESIDENT: "resident",
    Presence.IN_FLIGHT: "is being transferred",
    Presence.MISSING: "wanted, not resident yet",
}
_MOST_OWNERS = 8


def tile_lines(
    models: PlanModels, overlay: ResidentOverlay, tile: int, *, lane: float = 0.0
) -> tuple[str, ...]:
    """The lines of the tool tip of a tile: name, address, size, usage bits, state, requesters.

    What has a key is described whole, as in the panel *why*, also where others share some of its bytes;
    `lane` says which of them is meant, as in `selected_by`.
    """
    tiles, places = models.tiles, models.places
    state = TileState(int(tiles.states[tile]))
    place = owner_of(models, tile, lane)
    if place == NO_PLACE or state is TileState.PADDING:
        of = f" of {name_of(models, place)}" if place != NO_PLACE else ""
        where = _where(models, int(tiles.starts[tile]), int(tiles.starts[tile + 1]))
        return (f"{STATE_NAMES[state]}{of}", where, *_waiting_lines(models, tile))
    begin, used, _ = places.ranges
    lines = [name_of(models, place), _where(models, int(begin[place]), int(used[place]))]
    lines += [" | ".join(usage_names(models, place)), _PRESENCE[overlay.presence[place]]]
    lines += sharing_lines(models, place)
    if place < places.planned_count:
        count = int(models.requests.counts(places.subresources["key"][place : place + 1].astype("int64"))[0])
        lines.append(f"{count_text(count, 'requester')}; a click shows why it is here")
    return tuple(lines)


def _where(models: PlanModels, begin: int, end: int) -> str:
    """Size, address and memory type of a range on the line of all bytes, within one allocation."""
    places = models.places
    row, offset = places.line_address(begin)
    allocation = int(places.allocations["id"][row])
    kind = memory_type_text(models.plan, int(places.allocations["memory_type"][row]))
    span = f"{offset:#x} to {offset + end - begin:#x}"
    return f"{size_text(end - begin)} at allocation {allocation}: {span}, {kind}"


def sharing_lines(models: PlanModels, place: int) -> tuple[str, ...]:
    """Which bytes of a place others share, and who: a line for each of the first, and how many more."""
    places, aliased = models.places, models.tiles.aliased
    starts, _, ends = places.ranges
    begin, end = int(starts[place]), int(ends[place])
    others = np.flatnonzero((aliased.starts < end) & (aliased.ends > begin) & (aliased.places != place))
    if not len(others) or place not in aliased.places:
        return ()
    lines = []
    for at in others[:_MOST_OWNERS].tolist():
        low, high = max(begin, int(aliased.starts[at])), min(end, int(aliased.ends[at]))
        _, offset = places.line_address(low)
        name = name_of(models, int(aliased.places[at]))
        part = "all of it" if (low, high) == (begin, end) else f"{bytes_text(high - low)} of it"
        lines.append(f"shares {part}, {offset:#x} to {offset + high - low:#x}, with {name}")
    if len(others) > _MOST_OWNERS:
        lines.append(f"and with {len(others) - _MOST_OWNERS:,} more")
    return (*lines, "what shares bytes is never live at once")


def size_text(size: int) -> str:
    """A size for reading, and exactly: `1.59 KiB (1,632 bytes)`."""
    return f"{bytes_text(size)} ({size:,} bytes)" if size >= 1000 else bytes_text(size)


def name_of(models: PlanModels, place: int) -> str:
    """The name of the key at a place, and what it is made from."""
    return models.plan.requirements.keys.caption(int(models.places.subresources["key"][place]))


def usage_names(models: PlanModels, place: int) -> tuple[str, ...]:
    """The usage bits of a place: those of its terms, or of the staging buffer."""
    places = models.places
    if place < places.planned_count:
        terms = models.plan.terms[int(places.subresources["terms"][place])]
        return flag_names(terms.usage_flags)
    resource = places.resources[places.resource_of[place]]
    bits = int(resource["usage"])
    return flag_names(BufferUsage(bits) if resource["kind"] == Kind.BUFFER else ImageUsage(bits))


def owner_of(models: PlanModels, tile: int, lane: float = 0.0) -> int:
    """The place that a tile belongs to, or NO_PLACE.

    `lane` is how far down in the row it is, 0 to 1: the first MOST_LANES aliased owners lie below each other.
    """
    owners = models.tiles.owners(tile)[:MOST_LANES]
    return int(owners[min(int(lane * len(owners)), len(owners) - 1)]) if len(owners) else NO_PLACE


def selected_by(models: PlanModels, tile: int, *, lane: float = 0.0) -> tuple[int, int]:
    """(level, id or key) of what a click on a tile selects: its key, else its resource or allocation.

    `lane` is that of `owner_of`.
    """
    tiles, places = models.tiles, models.places
    owner = owner_of(models, tile, lane)
    if owner != NO_PLACE and tiles.states[tile] != TileState.PADDING:
        return int(Level.SUBRESOURCE), int(places.subresources["key"][owner])
    resource = int(tiles.resource[tile])
    if resource >= 0:
        return int(Level.RESOURCE), int(places.resources["id"][resource])
    row, _ = places.line_address(int(tiles.starts[tile]))
    return int(Level.ALLOCATION), int(places.allocations["id"][row])


def selected_range(models: PlanModels, piece: tuple[int, int] | None) -> tuple[int, int] | None:
    """Begin and end of (level, id or key) on the line of all bytes; None where it is not in the plan."""
    if piece is None:
        return None
    places = models.places
    level, identity = piece
    if level == Level.ALLOCATION:
        row = places.allocation_row(identity)
        return None if row is None else (int(places.bases[row]), int(places.bases[row + 1]))
    if level == Level.RESOURCE:
        row = places.resource_row(identity)
        if row is None:
            return None
        begin = int(places.resource_start[row])
        return begin, begin + int(places.resources["size"][row])
    place = places.place_of(identity)
    if place is None:
        return None
    starts, used, _ = places.ranges
    return int(starts[place]), int(used[place])


def _waiting_lines(models: PlanModels, tile: int) -> tuple[str, ...]:
    """Why the page of a tile waits to be returned, if it does."""
    resource = int(models.tiles.resource[tile])
    if resource < 0 or models.tiles.states[tile] != TileState.WAITING:
        return ()
    ident = int(models.places.resources["id"][resource])
    return tuple(
        f"{bytes_text(page.bytes)} come back: {page.reason}"
        for page in models.plan.waiting
        if page.resource == ident
    )
