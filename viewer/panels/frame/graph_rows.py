"""The frame graph as rows: passes in their order, images with their lives, sizes and places in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.graph import CompiledGraph
from engine.plan.model.plan import Plan

READ, WRITE = 1, 2


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image of the frame.

    Attributes
    ----------
    name, format : str
    extent : (int, int)
        Width and height in texels.
    size : int
        Bytes in memory; 0 while it has no place.
    first, last : int
        The passes (by number) between which its content is needed.
    uses : tuple of int
        READ, WRITE or both or 0, for each pass.
    place : (int, int) or None
        Id of its allocation and byte offset in it.
    shares_with : tuple of str
        Images that lie in the same bytes at other times of the frame.
    """

    name: str
    format: str
    extent: tuple[int, int]
    size: int
    first: int
    last: int
    uses: tuple[int, ...]
    place: tuple[int, int] | None
    shares_with: tuple[str, ...]


def pass_names(graph: CompiledGraph) -> list[str]:
    """The names of the passes, in the order in which they are drawn."""
    return [one.declaration.name for one in graph.passes]


def image_rows(graph: CompiledGraph, plan: Plan, size: tuple[int, int]) -> list[ImageRow]:
    """The images of a frame of `size` pixels, by the passes that use them first and last.

    An image that is looked at is kept until the frame's end, but stays where it is in this order.
    """
    places = _places(graph, plan)
    rows = []
    for life in graph.images:
        image = life.image
        uses = []
        for one in graph.passes:
            writes = image.name in one.written()
            reads = any(name == image.name for _, name in one.reads)
            uses.append(READ * reads | WRITE * writes)
        place = places.get(image.name)
        shared = () if place is None else _sharing(image.name, places)
        rows.append(
            ImageRow(
                image.name,
                image.format.name.lower(),
                image.extent.resolve(size),
                0 if place is None else place[2],
                life.first,
                life.last,
                tuple(uses),
                None if place is None else place[:2],
                shared,
            )
        )
    return sorted(rows, key=_order)


def _order(row: ImageRow) -> tuple[int, int, str]:
    used = [number for number, use in enumerate(row.uses) if use] or [len(row.uses)]
    return used[0], used[-1], row.name


def _places(graph: CompiledGraph, plan: Plan) -> Mapping[str, tuple[int, int, int]]:
    """Allocation, offset in it and size, by image."""
    memory, keys = plan.memory, plan.requirements.keys
    found = {}
    transients = keys.transients
    for life in graph.images:
        name = life.image.name
        if name not in transients:
            continue
        at = np.flatnonzero(memory.subresources["key"] == keys.transient(name))
        if not len(at):
            continue
        part = memory.subresources[at[0]]
        resource = memory.resource(int(part["resource"]))
        found[name] = int(resource["allocation"]), int(resource["offset"]), int(resource["size"])
    return found


def _sharing(name: str, places: Mapping[str, tuple[int, int, int]]) -> tuple[str, ...]:
    allocation, offset, size = places[name]
    return tuple(
        other
        for other, (where, start, length) in places.items()
        if other != name and where == allocation and start < offset + size and offset < start + length
    )
