"""A plan as Humon text, in the seed's shape.

`featureDb: { memoryPlan shaderPlan pipelinePlan descriptorSetPlan }`. Every subresource names its requesters
in `why`. Sorted throughout, with no times and no handles: the same input gives the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntFlag
from typing import Any

import numpy as np

from engine.humon import write
from engine.plan.model.memory_plan import MemoryPlan, Sharing, shape_of
from engine.plan.model.plan import Plan
from engine.plan.placement.staging_plan import STAGING_REQUESTER
from engine.plan.requirements.requirements import QueueUse, Terms
from engine.plan.terms.drawing_rows import DescriptorSetRow, PipelineRow, PipelineState, ShaderRow
from engine.plan.terms.keys import is_transient, split_key
from engine.plan.terms.table import distinct, is_in
from engine.plan.terms.vocabulary import (
    BufferUsage,
    Contents,
    ImageUsage,
    Kind,
    MemoryProperty,
    flag_names,
    word,
)

Text = dict[str, Any]


def plan_text(plan: Plan) -> str:
    """The whole plan as Humon text."""
    return write(plan_values(plan))


def plan_values(plan: Plan) -> Text:
    """The plan as plain Python values, ready for `engine.humon.write`."""
    used = plan.heap_bytes()
    values: Text = {
        "profile": plan.profile.name,
        "plannedBytes": plan.planned_bytes,
        "wasteBytes": plan.waste_bytes,
        **({"waitingBytes": plan.waiting_bytes} if plan.waiting else {}),
        "heaps": [
            {"heap": i, "planned": int(used[i]), "budget": plan.profile.budget(i)}
            for i in range(len(plan.profile.heaps))
        ],
        "memoryPlan": memory_values(plan, plan.memory),
    }
    if len(plan.staging.allocations):
        values["stagingPlan"] = memory_values(plan, plan.staging)
    if plan.waiting:
        values["waits"] = [
            {"allocation": p.allocation, "resource": p.resource, "bytes": p.bytes, "why": p.reason}
            for p in plan.waiting
        ]
    if len(left_out := plan.left_out):
        values["leftOut"] = [_left_out(plan, key) for key in left_out.tolist()]
    values["shaderPlan"] = [shader_values(plan, row) for row in plan.shaders]
    values["pipelinePlan"] = [pipeline_values(plan, row) for row in plan.pipelines]
    values["descriptorSetPlan"] = [descriptor_set_values(plan, row) for row in plan.descriptor_sets]
    return {"featureDb": values}


def memory_values(plan: Plan, memory: MemoryPlan) -> Text:
    """A memory plan as plain Python values: memory type -> allocations -> resources -> subresources."""
    places: dict[int, list[np.void]] = defaultdict(list)
    for place in memory.subresources[np.lexsort((memory.subresources["offset"],))]:
        places[int(place["resource"])].append(place)
    resources: dict[int, list[np.void]] = defaultdict(list)
    for row in memory.resources[np.lexsort((memory.resources["id"], memory.resources["offset"]))]:
        resources[int(row["allocation"])].append(row)
    values: Text = {}
    for memory_type in distinct(memory.allocations["memory_type"]).tolist():
        mine = memory.allocations[memory.allocations["memory_type"] == memory_type]
        properties = flag_names(plan.profile.memory_types[memory_type].properties)
        values[f"memoryType {memory_type}"] = [
            _allocation(plan, row, list(properties), resources[int(row["id"])], places) for row in mine
        ]
    return values


def allocation_values(plan: Plan, memory: MemoryPlan, ident: int) -> Text:
    """One allocation of a memory plan, with all that is in it, as plain Python values."""
    row = memory.allocation(ident)
    rows = memory.resources[memory.resources["allocation"] == ident]
    rows = rows[np.lexsort((rows["id"], rows["offset"]))]
    mine = memory.subresources[is_in(memory.subresources["resource"], rows["id"])]
    places: dict[int, list[np.void]] = defaultdict(list)
    for place in mine[np.lexsort((mine["offset"],))]:
        places[int(place["resource"])].append(place)
    properties = flag_names(plan.profile.memory_types[int(row["memory_type"])].properties)
    return _allocation(plan, row, list(properties), list(rows), places)


def _allocation(
    plan: Plan,
    row: np.void,
    properties: list[str],
    resources: list[np.void],
    places: dict[int, list[np.void]],
) -> Text:
    values: Text = {"allocation": int(row["id"]), "size": int(row["size"]), "memoryProperties": properties}
    for flag, name in (("own", "own"), ("dedicated", "dedicated"), ("mapped", "mapped")):
        if row[flag]:
            values[name] = True
    if row["device_address"]:
        values["deviceAddress"] = True
    values["resources"] = [_resource(plan, r, places[int(r["id"])]) for r in resources]
    return values


def _resource(plan: Plan, row: np.void, places: list[np.void]) -> Text:
    kind = Kind(int(row["kind"]))
    flags: IntFlag = (BufferUsage if kind is Kind.BUFFER else ImageUsage)(int(row["usage"]))
    values: Text = {
        "resource": int(row["id"]),
        "kind": word(kind),
        "offset": int(row["offset"]),
        "size": int(row["size"]),
        "alignment": int(row["alignment"]),
        "usages": list(flag_names(flags)),
    }
    if kind is Kind.BUFFER:
        values["bytes"] = int(row["bytes"])
    else:
        shape = shape_of(row)
        values["format"] = word(shape.format)
        values["dims"] = [shape.width, shape.height]
        values |= {"mipLevels": shape.mip_levels, "samples": shape.samples, "layers": int(row["layers"])}
        if shape.cube:
            values["cube"] = True
    values["sharing"] = word(Sharing(int(row["sharing"])))
    for flag in ("estimated", "aliased"):
        if row[flag]:
            values[flag] = True
    queues = sorted({use.queue for p in places if (t := _terms(plan, p)) for use in t.uses})
    values |= {"sharingMode": "exclusive", "queues": [word(q) for q in queues]}
    values["subresources"] = [_place(plan, place, kind) for place in places]
    return values


def _place(plan: Plan, place: np.void, kind: Kind) -> Text:
    key = int(place["key"])
    values: Text = {}
    if is_transient(key):
        values["transient"] = plan.requirements.keys.name(key)
    else:
        values["assetCache"] = plan.requirements.keys.name(key)
        values["address"] = list(split_key(key))
    values["offset" if kind is Kind.BUFFER else "layer"] = int(place["offset"])
    values |= {"size": int(place["size"]), "footprint": int(place["footprint"])}
    if place["stride"] != place["size"]:
        values["stride"] = int(place["stride"])
    if place["content"]:
        values["content"] = int(place["content"])
    terms = _terms(plan, place)
    if terms is None:
        return values | {"why": [STAGING_REQUESTER]}
    values |= _terms_values(terms)
    need = plan.requirements.needs.row(key)
    if need["priority"]:
        values["priority"] = int(need["priority"])
    return values | {"why": _why(plan, plan.requirements.requesters_of(key))}


def _left_out(plan: Plan, key: int) -> Text:
    requirements = plan.requirements
    return {"asset": requirements.keys.name(key), "why": _why(plan, requirements.requesters_of(key))}


def _terms_values(terms: Terms) -> Text:
    values: Text = {
        "usages": list(flag_names(terms.usage_flags)),
        "memoryProperties": list(flag_names(terms.properties)),
    }
    if terms.preferred:
        values["preferred"] = list(flag_names(MemoryProperty(terms.preferred)))
    if terms.alignment != 1:
        values["alignment"] = terms.alignment
    values["queues"] = queue_uses(terms)
    if terms.dedicated:
        values["dedicated"] = word(terms.dedicated)
    if terms.contents is not Contents.UNDEFINED:
        values["contents"] = word(terms.contents)
    if terms.copies != 1:
        values["copies"] = terms.copies
    if terms.lifetime is not None:
        values["lifetime"] = list(terms.lifetime)
    if terms.persistent_map:
        values["mapped"] = True
    return values


def queue_uses(terms: Terms) -> list[list[str | list[str]]]:
    """The queue uses of `terms`, each as in the seed."""
    return [_use(use) for use in terms.uses]


def _use(use: QueueUse) -> list[str | list[str]]:
    """As in the seed, [queue access stage]; several accesses or stages as lists."""
    return [word(use.queue), _one_or_many(use.access), _one_or_many(use.stage)]


def _one_or_many(flags: IntFlag) -> str | list[str]:
    names = flag_names(flags)
    return names[0] if len(names) == 1 else list(names)


def _terms(plan: Plan, place: np.void) -> Terms | None:
    """The planned terms of a place; None for staging buffers, which have no requirement."""
    return plan.terms[int(place["terms"])] if place["terms"] >= 0 else None


def _why(plan: Plan, requesters: tuple[int, ...]) -> list[str]:
    return sorted(str(plan.requirements.requesters[a]) for a in requesters)


def _key(plan: Plan, key: int) -> Text:
    name = plan.requirements.keys.name(key)
    return {"transient": name} if is_transient(key) else {"assetCache": name, "address": list(split_key(key))}


def shader_values(plan: Plan, row: ShaderRow) -> Text:
    """A row of the shaderPlan as plain Python values."""
    values = _key(plan, row.key)
    values |= {"stage": list(flag_names(row.stage)), "entryPoint": row.entry_point}
    if row.content:
        values["content"] = row.content
    return values | {"why": _why(plan, row.requesters)}


def pipeline_values(plan: Plan, row: PipelineRow) -> Text:
    """A row of the pipelinePlan as plain Python values."""
    values: Text = {"name": row.name, "shaders": [plan.requirements.keys.name(key) for key in row.shaders]}
    if row.state is not None:
        values["vertexFormat"] = [[name, word(texel)] for name, texel in row.vertex_format]
        values["vertexStride"] = row.vertex_stride
        values["topology"] = word(row.topology)
    values["pass"] = row.pass_name
    if row.constants:
        values["constants"] = [list(constant) for constant in row.constants]
    if row.push is not None:
        values["pushConstants"] = {
            "stages": list(flag_names(row.push.stages)),
            "bytes": row.push.bytes,
            "members": [list(member) for member in row.push.members],
        }
    if row.state is not None:
        values["state"] = _state(row.state)
    return values | {"why": _why(plan, row.requesters)}


def _state(state: PipelineState) -> Text:
    values: Text = {
        "cull": word(state.cull),
        "frontFace": word(state.front_face),
        "depthTest": state.depth_test,
        "depthWrite": state.depth_write,
        "depthCompare": word(state.depth_compare),
    }
    if state.depth_bias is not None:
        values["depthBias"] = [float(b) for b in state.depth_bias]
    if state.depth_clamp:
        values["depthClamp"] = True
    if state.wireframe:
        values["wireframe"] = True
    if state.alpha_to_coverage:
        values["alphaToCoverage"] = True
    if state.sides_apart:
        values["sidesApart"] = True
    if state.blends:
        blends = [word(blend) for blend in state.blends]
        values["blend"] = blends[0] if len(set(blends)) == 1 else blends
    return values | {
        "samples": state.samples,
        "colourFormats": [word(texel) for texel in state.colour_formats],
        "depthFormat": word(state.depth_format),
    }


def descriptor_set_values(plan: Plan, row: DescriptorSetRow) -> Text:
    """A row of the descriptorSetPlan as plain Python values."""
    values: Text = {
        "name": row.name,
        "layout": [
            [b.binding, b.name, word(b.type), b.count, list(flag_names(b.stages))] for b in row.layout
        ],
        "contents": [[binding, plan.requirements.keys.name(key)] for binding, key in row.contents],
    }
    if row.samplers:
        values["samplers"] = [[binding, *words] for binding, words in row.samplers]
    return values | {"why": _why(plan, row.requesters)}
