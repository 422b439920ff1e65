"""Whether things fit into holes, and where: by trying everything where they are few, best fit else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.plan.model.holes import Holes

_EXACT_ITEMS = 64
_EXACT_HOLES = 128
_LOOKS = 32
_HANDLING = 8
"""What placing an item by best fit costs, and taking up a hole for it, in looks at holes."""


class Item(NamedTuple):
    """What is to be placed: its row, footprint and alignment (bytes or layers), and usage bits."""

    row: int
    footprint: int
    alignment: int
    usage: int


class Hole(NamedTuple):
    """A free range: its size, resource and start (bytes or layers), and the resource's usage bits."""

    size: int
    resource: int
    start: int
    usage: int


@dataclass(slots=True)
class Effort:
    """How many more looks at holes all that is asked with it may take.

    What has begun by best fit is ended; where nothing is left, nothing is found.
    """

    left: int


Places = dict[int, tuple[int, int]]


def fit(items: list[Item], holes: list[Hole], effort: Effort) -> Places | None:
    """Places (resource, offset) for all `items` in `holes`, by row; None where none were found.

    Largest first into the smallest hole that takes it; going back where that fails, if they are few.
    """
    if effort.left <= 0 or sum(i.footprint for i in items) > sum(h.size for h in holes):
        return None
    items = sorted(items, key=lambda i: (-i.footprint, -i.alignment, i.row))
    found: Places = {}
    if len(items) <= _EXACT_ITEMS and len(holes) <= _EXACT_HOLES:
        return found if _put(items, 0, sorted(holes), found, effort) else None
    effort.left -= _LOOKS * len(items) + _HANDLING * len(holes)
    return _best_fit(items, holes)


def _put(items: list[Item], index: int, holes: list[Hole], found: Places, effort: Effort) -> bool:
    """Place the items from `index` on into sorted holes, going back where that fails."""
    if index == len(items):
        return True
    item = items[index]
    tried: set[tuple[int, int, int]] = set()
    for at, hole in enumerate(holes):
        offset = -(-hole.start // item.alignment) * item.alignment
        left = hole.start + hole.size - offset - item.footprint
        kind = (hole.size, offset - hole.start, hole.usage)
        if left < 0 or item.usage & ~hole.usage or kind in tried:
            continue
        tried.add(kind)
        if effort.left <= 0:
            return False
        effort.left -= len(holes)
        rest = holes[:at] + holes[at + 1 :]
        if offset > hole.start:
            rest.append(Hole(offset - hole.start, hole.resource, hole.start, hole.usage))
        if left:
            rest.append(Hole(left, hole.resource, offset + item.footprint, hole.usage))
        if _put(items, index + 1, sorted(rest), found, effort):
            found[item.row] = (hole.resource, offset)
            return True
    return False


def _best_fit(items: list[Item], holes: list[Hole]) -> Places | None:
    """Best fit without going back."""
    free = Holes()
    usage = {hole.resource: hole.usage for hole in holes}
    for resource in usage:
        free.add_space(resource, None)
    for hole in holes:
        free.give(hole.resource, hole.start, hole.size)
    found: Places = {}
    allow: dict[int, set[int]] = {}
    for item in items:
        allowed = allow.setdefault(item.usage, {r for r, bits in usage.items() if not item.usage & ~bits})
        place = free.take(None, item.footprint, item.alignment, allowed)
        if place is None:
            return None
        found[item.row] = place
    return found
