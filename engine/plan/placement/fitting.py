"""Fits items into holes: by exhaustive search where both are few, otherwise by best fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.plan.model.holes import Holes

_EXACT_ITEMS = 64
_EXACT_HOLES = 128
_ITEM_COST = 32
_HOLE_COST = 8
"""Cost of best fit per item and per hole, in examined holes."""


class Item(NamedTuple):
    """An item to place: its row, footprint and alignment (bytes or layers), and usage bits."""

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
class SearchBudget:
    """How many holes may still be examined by all calls of `fit` that share this budget.

    A best fit that has begun is finished, even if `left` becomes negative; with nothing left `fit` fails.
    """

    left: int


Placements = dict[int, tuple[int, int]]


def fit(items: list[Item], holes: list[Hole], budget: SearchBudget) -> Placements | None:
    """(resource, offset) of each item in `holes`, by row; None where no solution was found.

    Largest item first, into the smallest hole that fits; with backtracking where items and holes are few.
    """
    if budget.left <= 0 or sum(i.footprint for i in items) > sum(h.size for h in holes):
        return None
    items = sorted(items, key=lambda i: (-i.footprint, -i.alignment, i.row))
    found: Placements = {}
    if len(items) <= _EXACT_ITEMS and len(holes) <= _EXACT_HOLES:
        return found if _search(items, 0, sorted(holes), found, budget) else None
    budget.left -= _ITEM_COST * len(items) + _HOLE_COST * len(holes)
    return _best_fit(items, holes)


def _search(
    items: list[Item], index: int, holes: list[Hole], found: Placements, budget: SearchBudget
) -> bool:
    """Place the items from `index` on into sorted holes, with backtracking; False where that fails."""
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
        if budget.left <= 0:
            return False
        budget.left -= len(holes)
        rest = holes[:at] + holes[at + 1 :]
        if offset > hole.start:
            rest.append(Hole(offset - hole.start, hole.resource, hole.start, hole.usage))
        if left:
            rest.append(Hole(left, hole.resource, offset + item.footprint, hole.usage))
        if _search(items, index + 1, sorted(rest), found, budget):
            found[item.row] = (hole.resource, offset)
            return True
    return False


def _best_fit(items: list[Item], holes: list[Hole]) -> Placements | None:
    """Best fit without backtracking."""
    free = Holes()
    usage = {hole.resource: hole.usage for hole in holes}
    for resource in usage:
        free.add_space(resource, None)
    for hole in holes:
        free.give(hole.resource, hole.start, hole.size)
    found: Placements = {}
    allow: dict[int, set[int]] = {}
    for item in items:
        allowed = allow.setdefault(item.usage, {r for r, bits in usage.items() if not item.usage & ~bits})
        place = free.take(None, item.footprint, item.alignment, allowed)
        if place is None:
            return None
        found[item.row] = place
    return found
