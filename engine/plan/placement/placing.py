"""Placing needs into pages: holes of resident pages first, new pages for the shortfall.

Within a group the needs lie by alignment, coarsest first, and then by key, that is in the order of the cache:
no padding between them, and neighbours in the cache are neighbours in the buffer, so that copies merge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.plan.model.groups import Group, candidate_types
from engine.plan.model.memory_plan import Sharing
from engine.plan.placement.builder import Builder, NewResource, NoRoom
from engine.plan.profile.device_profile import Limits, Needs
from engine.plan.requirements.requirements import Terms
from engine.plan.terms.table import Int64s
from engine.plan.terms.vocabulary import BufferUsage, Dedicated, ImageUsage, Kind, flag_names


@dataclass(frozen=True, eq=False)
class Wanted:
    """Needs of one group, in placing order: keys, footprints (bytes or layers), alignments and usage bits.

    `terms` are those of each, for groups whose resources hold one key.
    """

    group: Group
    terms: list[Terms]
    key: Int64s
    footprint: Int64s
    alignment: Int64s
    usage: Int64s


class Unplaceable(Exception):
    """A need that this device cannot hold at all: `row` is its index in the Wanted, `why` what is in the way.

    `key` is filled in by the planner, which knows names and requesters.
    """

    def __init__(self, row: int, why: str, code: str = "plan.size") -> None:
        super().__init__(why)
        self.row = row
        self.why = why
        self.code = code
        self.key = -1


def place(wanted: Wanted, builder: Builder) -> tuple[NDArray[np.int32], Int64s]:
    """(resource id, offset) of each need; NoRoom or Unplaceable where the device cannot hold them."""
    resource = np.full(len(wanted.key), -1, np.int32)
    offset = np.zeros(len(wanted.key), np.int64)
    _check_limits(wanted, builder.profile.limits)
    usage = int(np.bitwise_or.reduce(wanted.usage))
    bits = _needs(wanted, builder, usage, int(wanted.footprint[0])).type_bits
    types = candidate_types(wanted.group, bits, builder.profile)
    if not types:
        wants = " ".join(flag_names(wanted.group.required))
        have = "; ".join(
            " ".join(flag_names(t.properties)) or "none"
            for i, t in enumerate(builder.profile.memory_types)
            if bits >> i & 1
        )
        why = f"needs memory that is {wants}, and what it may use is {have or 'no memory at all'}"
        raise Unplaceable(0, why, "plan.memory_type")
    for memory_type in types:
        rest = np.flatnonzero(resource < 0)
        if wanted.group.sharing is not Sharing.OWN:
            _fill_holes(wanted, builder, memory_type, rest, resource, offset)
            rest = np.flatnonzero(resource < 0)
            if len(rest):
                _new_pages(wanted, builder, memory_type, rest, resource, offset)
        else:
            for row in rest.tolist():
                _new_own(wanted, builder, memory_type, row, resource)
    rest = np.flatnonzero(resource < 0)
    if len(rest):
        largest = rest[np.argmax(wanted.footprint[rest])]
        size = _needs(wanted, builder, usage, int(wanted.footprint[largest])).size
        heaps = {builder.profile.memory_types[t].heap for t in types}
        limit = builder.profile.limits.max_memory_allocation_size
        if all(size > min(builder.profile.budget(h), limit) for h in heaps):
            raise Unplaceable(int(largest), f"takes {size} bytes, more than any heap it may use allows")
        raise NoRoom(builder.profile.memory_types[types[0]].heap, size)
    return resource, offset


def pack(footprint: Int64s, alignment: Int64s, limit: int) -> tuple[Int64s, Int64s, list[int]]:
    """Lay needs one after another into pages of at most `limit` (a larger one gets a page alone).

    Returns the page index and offset of each, and the page sizes. Rows must be sorted into few runs of
    equal alignment, with footprints that are multiples of it.
    """
    page, offset = np.zeros(len(footprint), np.int64), np.zeros(len(footprint), np.int64)
    total = np.concatenate([[0], np.cumsum(footprint)])
    breaks = np.flatnonzero(np.diff(alignment)) + 1
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
    wanted: Wanted,
    builder: Builder,
    memory_type: int,
    rest: Int64s,
    resource: NDArray[np.int32],
    offset: Int64s,
) -> None:
    pages, usages = builder.packing.pages, builder.packing.page_usage
    pool = _pool(wanted.group, memory_type)
    allow: dict[int, set[int]] = {}
    for row in rest[wanted.footprint[rest] <= pages.largest(pool)].tolist():
        bits = int(wanted.usage[row])
        allowed = allow.get(bits)
        if allowed is None:
            allowed = allow[bits] = {page for page, usage in usages.items() if not bits & ~usage}
        found = pages.take(pool, int(wanted.footprint[row]), int(wanted.alignment[row]), allowed)
        if found is not None:
            resource[row], offset[row] = found


def _new_pages(
    wanted: Wanted,
    builder: Builder,
    memory_type: int,
    rest: Int64s,
    resource: NDArray[np.int32],
    offset: Int64s,
) -> None:
    profile, policy = builder.profile, builder.policy
    usage = int(np.bitwise_or.reduce(wanted.usage[rest]))
    images = wanted.group.kind is Kind.IMAGE
    limit = min(policy.block, max(builder.room(memory_type), 1))
    if images:
        layer = _needs(wanted, builder, usage, 1).size
        limit = max(1, min(profile.limits.max_image_array_layers, limit // layer))
    else:
        limit = min(limit, profile.limits.max_buffer_size)
    page, start, sizes = pack(wanted.footprint[rest], wanted.alignment[rest], limit)
    share = min(limit, builder.share(builder.packing.in_pages[_pool(wanted.group, memory_type)]))
    like = int(wanted.footprint[rest[-1]])
    for index, size in enumerate(sizes):
        needs = _needs(wanted, builder, usage, size)
        if needs.size > builder.room(memory_type):
            continue
        if index == len(sizes) - 1 and size + like <= share:
            more = size + (share - size) // like * like  # room for more of the same, with nothing left over
            larger = _needs(wanted, builder, usage, more)
            if larger.size <= builder.room(memory_type):
                size, needs = more, larger
        ident = builder.add(_resource(wanted.group, usage, needs, memory_type, size))
        rows = rest[page == index]
        resource[rows] = ident
        offset[rows] = start[page == index]


def _new_own(
    wanted: Wanted, builder: Builder, memory_type: int, row: int, resource: NDArray[np.int32]
) -> None:
    usage, size = int(wanted.usage[row]), int(wanted.footprint[row])
    needs = _needs(wanted, builder, usage, size)
    if needs.size <= builder.room(memory_type):
        new = _resource(wanted.group, usage, needs, memory_type, size)
        terms = wanted.terms[row]
        resource[row] = builder.add(
            replace(new, dedicated=terms.dedicated is Dedicated.YES, lifetime=terms.lifetime)
        )


def _resource(group: Group, usage: int, needs: Needs, memory_type: int, size: int) -> NewResource:
    images = group.kind is Kind.IMAGE
    return NewResource(
        group.kind,
        group.sharing,
        usage,
        needs,
        memory_type,
        group.mapped,
        group.device_address,
        bytes=0 if images else size,
        shape=group.shape,
        layers=size if images else 0,
    )


def _needs(wanted: Wanted, builder: Builder, usage: int, size: int) -> Needs:
    if wanted.group.shape is not None:
        return builder.profile.image_requirements(wanted.group.shape, size, ImageUsage(usage))
    return builder.profile.buffer_requirements(size, BufferUsage(usage))


def _pool(group: Group, memory_type: int) -> tuple[object, ...]:
    common = (int(group.sharing), memory_type, group.mapped, group.device_address)
    if group.shape is None:
        return common
    shape = group.shape
    return (*common, int(shape.format), shape.width, shape.height, shape.mip_levels, shape.samples)


def _check_limits(wanted: Wanted, limits: Limits) -> None:
    shape, row = wanted.group.shape, int(np.argmax(wanted.footprint))
    if shape is None:
        if wanted.footprint[row] > limits.max_buffer_size:
            why = f"takes {wanted.footprint[row]} bytes, and maxBufferSize is {limits.max_buffer_size}"
            raise Unplaceable(row, why)
        return
    if max(shape.width, shape.height) > limits.max_image_dimension_2d or min(shape.width, shape.height) < 1:
        why = f"is {shape.width}x{shape.height}, and maxImageDimension2D is {limits.max_image_dimension_2d}"
        raise Unplaceable(0, why)
    if wanted.footprint[row] > limits.max_image_array_layers:
        raise Unplaceable(
            row,
            f"has {wanted.footprint[row]} layers, and maxImageArrayLayers is {limits.max_image_array_layers}",
        )
