"""What a byte of the map is, in words, and what a click on it selects."""

from __future__ import annotations

from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind, flag_names
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


def tile_lines(models: PlanModels, overlay: ResidentOverlay, tile: int) -> tuple[str, ...]:
    """The lines of the tool tip of a tile: name, address, size, usage bits, state, requesters."""
    tiles, places = models.tiles, models.places
    begin, end = int(tiles.starts[tile]), int(tiles.starts[tile + 1])
    row, offset = places.line_address(begin)
    allocation = int(places.allocations["id"][row])
    state = TileState(int(tiles.states[tile]))
    address = f"allocation {allocation}: {offset:#x} to {offset + end - begin:#x}"
    size = size_text(end - begin)
    kind = memory_type_text(models.plan, int(places.allocations["memory_type"][row]))
    where = f"{size} at {address}, {kind}"
    place = int(tiles.place[tile])
    if place == NO_PLACE or state is TileState.PADDING:
        of = f" of {name_of(models, place)}" if place != NO_PLACE else ""
        return (f"{STATE_NAMES[state]}{of}", where, *_waiting_lines(models, tile))
    owners = tiles.owners(tile).tolist()
    names = [name_of(models, owner) for owner in owners[:_MOST_OWNERS]]
    if len(owners) > _MOST_OWNERS:
        names.append(f"{len(owners) - _MOST_OWNERS:,} more")
    lines = [names[0], where, " | ".join(usage_names(models, place)), _PRESENCE[overlay.presence[place]]]
    if len(owners) > 1:
        lines.append(f"shares its bytes with {', '.join(names[1:])}: they are never live at once")
    if place < places.planned_count:
        count = int(models.requests.counts(places.subresources["key"][place : place + 1].astype("int64"))[0])
        lines.append(f"{count_text(count, 'requester')}; a click shows why it is here")
    return tuple(lines)


def size_text(size: int) -> str:
    """A size for reading, and exactly: `1.59 KiB (1,632 bytes)`."""
    return f"{bytes_text(size)} ({size:,} bytes)" if size >= 1000 else bytes_text(size)


def name_of(models: PlanModels, place: int) -> str:
    """The name of the key at a place."""
    return models.plan.requirements.keys.name(int(models.places.subresources["key"][place]))


def usage_names(models: PlanModels, place: int) -> tuple[str, ...]:
    """The usage bits of a place: those of its terms, or of the staging buffer."""
    places = models.places
    if place < places.planned_count:
        terms = models.plan.terms[int(places.subresources["terms"][place])]
        return flag_names(terms.usage_flags)
    resource = places.resources[places.resource_of[place]]
    bits = int(resource["usage"])
    return flag_names(BufferUsage(bits) if resource["kind"] == Kind.BUFFER else ImageUsage(bits))


def selected_by(models: PlanModels, tile: int, *, lane: float = 0.0) -> tuple[int, int]:
    """(level, id or key) of what a click on a tile selects: its key, else its resource or allocation.

    `lane` is how far down in the row it was, 0 to 1: aliased owners lie below each other.
    """
    tiles, places = models.tiles, models.places
    owners = tiles.owners(tile)
    if len(owners) and tiles.states[tile] != TileState.PADDING:
        owner = int(owners[min(int(lane * len(owners)), len(owners) - 1)])
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
