"""Plans built by hand, for tests that only read them."""

from __future__ import annotations

import numpy as np
from support.random_scenes import profile

from engine.humon import Position
from engine.plan.model.drawing_plan import NO_DRAWING
from engine.plan.model.memory_plan import ALLOCATION, RESOURCE, SUBRESOURCE, MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.requirements.coalesce import coalesce
from engine.plan.requirements.requesters import Group, Requester
from engine.plan.requirements.requirements import ImageShape, Requirement, RequirementTable
from engine.plan.terms.formats import Format
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, Kind

MIB = 1 << 20


def filled(dtype: np.dtype, rows: list[dict[str, int]]) -> np.ndarray:
    made = np.zeros(len(rows), dtype)
    for index, row in enumerate(rows):
        for name, value in row.items():
            made[name][index] = value
    return made


def cube_plan() -> Plan:
    """Two allocations: one for a shadow map, and a block with one buffer of vertices and indices."""
    table = RequirementTable()
    model = table.requesters.add("visibleModel", "cube", Position("scenes/cube.hu", 14, 9))
    caster = table.requesters.add("shadowCaster", "cube", Position("scenes/cube.hu", 15, 9))
    shadow = table.keys.transient("shadowMap")
    shape = ImageShape(Format.D32_SFLOAT, 2048, 2048)
    usage = ImageUsage.DEPTH_STENCIL_ATTACHMENT | ImageUsage.SAMPLED
    table.add(Requirement(shadow, Kind.IMAGE, shape=shape, usage=usage), caster)
    table.add(Requirement(2, Kind.BUFFER, size=1632, usage=BufferUsage.VERTEX_BUFFER), (model, caster))
    table.add(Requirement(3, Kind.BUFFER, size=72, usage=BufferUsage.INDEX_BUFFER), (model, caster))
    coalesced = coalesce(table)
    terms = {int(row["key"]): int(row["terms"]) for row in coalesced.needs.array}
    allocations = filled(
        ALLOCATION,
        [
            {"id": 0, "size": 16 * MIB, "dedicated": 1},
            {"id": 4, "memory_type": 1, "size": 4096, "mapped": 1, "linear": 1},
        ],
    )
    image = {"width": 2048, "height": 2048, "mip_levels": 1, "samples": 1, "layers": 1}
    resources = filled(
        RESOURCE,
        [
            {"id": 1, "size": 16 * MIB, "kind": 1, "format": 126, "usage": int(usage), **image},
            {"id": 7, "allocation": 4, "size": 2048, "bytes": 2048, "usage": 0xC0},
        ],
    )
    subresources = filled(
        SUBRESOURCE,
        [
            {"key": 2, "resource": 7, "size": 1632, "footprint": 1632, "terms": terms[2]},
            {"key": 3, "resource": 7, "offset": 1632, "size": 72, "footprint": 72, "terms": terms[3]},
            {"key": shadow, "resource": 1, "footprint": 1, "terms": terms[shadow]},
        ],
    )
    memory = MemoryPlan(
        Table.of(allocations, "id"), Table.of(resources, "id"), Table.of(subresources, "key"), 5, 8
    )
    return _plan(memory, coalesced, table)


def large_plan(count: int) -> Plan:
    """One buffer with `count` assets, each requested by one of a hundred objects."""
    table = RequirementTable()
    requesters = [table.requesters.add("visibleModel", f"object{number}") for number in range(100)]
    terms = Requirement(0, Kind.BUFFER, size=256, usage=BufferUsage.VERTEX_BUFFER).terms()
    keys = np.arange(count)
    table.add_rows(terms, key=keys, size=256, requester=np.array(requesters, np.int32)[keys % 100])
    coalesced = coalesce(table)
    size = 256 * count
    subresources = np.zeros(count, SUBRESOURCE)
    subresources["key"], subresources["offset"] = keys, keys * 256
    subresources["size"] = subresources["footprint"] = 256
    memory = MemoryPlan(
        Table.of(filled(ALLOCATION, [{"size": size, "linear": 1}]), "id"),
        Table.of(filled(RESOURCE, [{"size": size, "bytes": size, "usage": 0x80}]), "id"),
        Table.of(subresources, "key"),
    )
    return _plan(memory, coalesced, table)


def _plan(memory: MemoryPlan, coalesced: object, table: RequirementTable) -> Plan:
    device = profile("nvidia-h200")
    return Plan(memory, MemoryPlan.empty(), NO_DRAWING, coalesced, table.terms, device, Policy())  # type: ignore[arg-type]


def group_of(feature: str, count: int) -> Group:
    """A group of so many objects, in the rows from 0 on."""
    return Group(feature, np.arange(count, dtype=np.int32), lambda index: Requester(feature, f"o{index}"))
