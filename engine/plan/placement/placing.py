"""Placement of needs in pages: holes of resident pages first, new pages for the rest.

Within a group needs are placed by alignment, coarsest first, then by key, which is the order of the cache.
So there is no padding between them, and neighbours in the cache are neighbours in the buffer: copies merge.
Holes of mapped pages, which the host writes, are filled by size, largest first: what comes back after it was
switched off fits into the holes that it has left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.groups import Group, candidate_types
from engine.plan.model.memory_plan import Sharing
from engine.plan.model.refusals import Refusal, heap_refusal, limit_refusal, memory_refusal
from engine.plan.placement.builder import Builder, HeapFull, NewResource
from engine.plan.profile.device_profile import Limits, MemoryRequirements
from engine.plan.requirements.requirements import Terms
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import BufferUsage, Dedicated, ImageUsage, Kind


@dataclass(frozen=True, eq=False)
class GroupNeeds:
    """The needs of one group, in placing order: keys, footprints (bytes or layers), alignments, usage bits.

    `terms` has the terms of each need in groups of Sharing.OWN, and is empty in others.
    """

    group: Group
    terms: list[Terms]
    key: Int64s
    footprint: Int64s
    alignment: Int64s
    usage: Int64s


class UnsatisfiableNeed(Exception):
    """A need that this device can never hold: `row` is its index in the GroupNeeds, `problem` the cause.

    `place` leaves `key` at -1; the planning round sets it.
    """

    def __init__(self, row: int, refusal: Refusal) -> None:
        super().__init__(refusal.problem)
        self.row = row
        self.problem = refusal.problem
        self.code = refusal.code
        self.key = -1


def place(needs: GroupNeeds, builder: Builder) -> tuple[NDArray[np.int32], Int64s]:
    """Resource ids and offsets of the needs; HeapFull or UnsatisfiableNeed where they do not fit."""
    resource = np.full(len(needs.key), -1, np.int32)
    offset = np.zeros(len(needs.key), np.int64)
    _check_limits(needs, builder.profile.limits)
    usage = int(np.bitwise_or.reduce(needs.usage))
    bits = _memory_requirements(needs, builder, usage, int(needs.footprint[0])).type_bits
    types = candidate_types(needs.group, bits, builder.profile)
    if not types:
        raise UnsatisfiableNeed(0, memory_refusal(needs.group.required, bits, builder.profile))
    for memory_type in types:
        rest = (resource < 0).nonzero()[0]
        if needs.group.sharing is not Sharing.OWN:
            _fill_holes(needs, builder, memory_type, rest, resource, offset)
            rest = (resource < 0).nonzero()[0]
            if len(rest):
                _new_pages(needs, builder, memory_type, rest, resource, offset)
        else:
            for row in rest.tolist():
                _new_own(needs, builder, memory_type, row, resource)
    rest = (resource < 0).nonzero()[0]
    if len(rest):
        largest = rest[np.argmax(needs.footprint[rest])]
        size = _memory_requirements(needs, builder, usage, int(needs.footprint[largest])).size
        too_large = heap_refusal(size, types, builder.profile)
        if too_large is not None:
            raise UnsatisfiableNeed(int(largest), too_large)
        raise HeapFull(builder.profile.memory_types[types[0]].heap, size)
    return resource, offset


def pack(footprint: Int64s, alignment: Int64s, limit: int) -> tuple[Int64s, Int64s, list[int]]:
    """Place needs one after another in pages of at most `limit`; a larger need gets a page of its own.

    Returns the page index and offset of each need, and the page sizes. Needs must be sorted into few runs of
    equal alignment, with footprints that are multiples of it.
    """
    page, offset = np.zeros(len(footprint), np.int64), np.zeros(len(footprint), np.int64)
    total = np.concatenate([[0], np.cumsum(footprint)])
    breaks = np.diff(alignment).nonzero()[0] + 1
    sizes: list[int] = []
    end = 0
    for at, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), len(footprint)], strict=True):
        step = int(alignment[at])
        while at < stop:
            start = -(-end // step) * step
            fits = int(np.searchsorted(total, total[at] + limit - start, side="right")) - 1 - at
            fits = min(fits, stop - at)
            if fits <= 0 and end:
                sizes.append(end)
                end = 0
                continue
            upto = at + max(fits, 1)
            offset[at:upto] = start + total[at:upto] - total[at]
            page[at:upto] = len(sizes)
            end = start + int(total[upto] - total[at])
            at = upto
    return page, offset, [*sizes, end]


def _fill_holes(
    needs: GroupNeeds,
    builder: Builder,
    memory_type: int,
    rest: Int64s,
    resource: NDArray[np.int32],
    offset: Int64s,
) -> None:
    pages, usages = builder.packing.pages, builder.packing.page_usage
    pool = _pool(needs.group, memory_type)
    allow: dict[int, set[int]] = {}
    rows = rest[needs.footprint[rest] <= pages.largest(pool)]
    if needs.group.mapped:
        rows = rows[np.argsort(-needs.footprint[rows], kind="stable")]
    for row in rows.tolist():
        bits = int(needs.usage[row])
        allowed = allow.get(bits)
        if allowed is None:
            allowed = allow[bits] = {page for page, usage in usages.items() if not bits & ~usage}
        found = pages.take(pool, int(needs.footprint[row]), int(needs.alignment[row]), allowed)
        if found is not None:
            resource[row], offset[row] = found


def _new_pages(
    needs: GroupNeeds,
    builder: Builder,
    memory_type: int,
    rest: Int64s,
    resource: NDArray[np.int32],
    offset: Int64s,
) -> None:
    profile, policy = builder.profile, builder.policy
    usage = int(np.bitwise_or.reduce(needs.usage[rest]))
    images = needs.group.kind is Kind.IMAGE
    limit = min(policy.block, max(builder.room(memory_type), 1))
    if images:
        layer = _memory_requirements(needs, builder, usage, 1).size
        limit = max(1, min(profile.limits.max_image_array_layers, limit // layer))
    else:
        limit = min(limit, profile.limits.max_buffer_size)
    page, start, sizes = pack(needs.footprint[rest], needs.alignment[rest], limit)
    min_size = min(limit, builder.min_growth(builder.packing.in_pages[_pool(needs.group, memory_type)]))
    unit = int(needs.footprint[rest[-1]])
    for index, size in enumerate(sizes):
        memory = _memory_requirements(needs, builder, usage, size)
        if memory.size > builder.room(memory_type):
            continue
        if index == len(sizes) - 1 and size + unit <= min_size:
            larger_size = size + (min_size - size) // unit * unit  # whole multiples of the last need
            larger = _memory_requirements(needs, builder, usage, larger_size)
            if larger.size <= builder.room(memory_type):
                size, memory = larger_size, larger
        ident = builder.add(_resource(needs.group, usage, memory, memory_type, size))
        rows = rest[page == index]
        resource[rows] = ident
        offset[rows] = start[page == index]


def _new_own(
    needs: GroupNeeds, builder: Builder, memory_type: int, row: int, resource: NDArray[np.int32]
) -> None:
    usage, size = int(needs.usage[row]), int(needs.footprint[row])
    memory = _memory_requirements(needs, builder, usage, size)
    new = _resource(needs.group, usage, memory, memory_type, size, needs.terms[row])
    home = builder.homes.get(int(needs.key[row]))
    if home is not None:
        resource[row] = builder.join(new, home)
    elif builder.has_room(new):
        resource[row] = builder.add(new)


def _resource(
    group: Group,
    usage: int,
    memory: MemoryRequirements,
    memory_type: int,
    size: int,
    terms: Terms | None = None,
) -> NewResource:
    """A page, or with `terms` the resource of one need alone."""
    images = group.kind is Kind.IMAGE
    return NewResource(
        group.kind,
        group.sharing,
        usage,
        memory,
        memory_type,
        group.mapped,
        group.device_address,
        bytes=0 if images else size,
        shape=group.shape,
        layers=size if images else 0,
        dedicated=terms is not None and terms.dedicated is Dedicated.YES,
        lifetime=terms.lifetime if terms is not None else None,
    )


def _memory_requirements(needs: GroupNeeds, builder: Builder, usage: int, size: int) -> MemoryRequirements:
    if needs.group.shape is not None:
        return builder.profile.image_requirements(needs.group.shape, size, ImageUsage(usage))
    return builder.profile.buffer_requirements(size, BufferUsage(usage))


def _pool(group: Group, memory_type: int) -> tuple[object, ...]:
    common = (int(group.sharing), memory_type, group.mapped, group.device_address)
    if group.shape is None:
        return common
    shape = group.shape
    return (*common, int(shape.format), shape.width, shape.height, shape.mip_levels, shape.samples)


def _check_limits(needs: GroupNeeds, limits: Limits) -> None:
    row = int(needs.footprint.argmax())
    beyond = limit_refusal(needs.group.shape, int(needs.footprint[row]), limits)
    if beyond is not None:
        raise UnsatisfiableNeed(row, beyond)
