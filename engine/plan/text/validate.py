"""The validator: every rule that can be checked on plan data alone, as vectorised checks.

A plan without findings obeys all rules. The rules by number, with the valid-usage ids of the Vulkan
specification:

1 alignment, range, type bits, size (vkBindBufferMemory-None-10739 and -10741,
vkBindImageMemory-None-10735 and -10737, memory-01035, memory-01047); 2 bufferImageGranularity between
linear and optimal neighbours; 3 bound once (-07459, -07460); 4 dedicated allocations (-01444, -01445); 5
count and size of allocations (vkAllocateMemory-04101, -01713); 6 usages coalesce first; 7 descriptor
offset alignments; 8 device addresses (-03339); 9 mapped ranges and atoms (VkMappedMemoryRange-01389,
-01390); 13 transfer usages (-00118, -00120); 16 aliases are never live together. Rules 10 to 12 concern
copies: see `validate_schedule`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.plan.model.findings import Finding, Joined, Part, about_resources
from engine.plan.model.plan import Plan
from engine.plan.terms.table import Int64s, Rows, is_in, stack
from engine.plan.terms.vocabulary import BufferUsage, Contents, Kind, MemoryProperty

_UNIFORM, _STORAGE = int(BufferUsage.UNIFORM_BUFFER), int(BufferUsage.STORAGE_BUFFER)
_TEXELS = int(BufferUsage.UNIFORM_TEXEL_BUFFER | BufferUsage.STORAGE_TEXEL_BUFFER)


def validate(plan: Plan) -> list[Finding]:
    """All broken rules of the memory plan and of the staging plan; empty if the plan is valid."""
    findings: list[Finding] = []
    for memory in (plan.memory, plan.staging):
        try:
            joined = Joined.of(plan, memory)
        except KeyError as missing:
            findings.append(Finding("reference", f"id {missing} is not in the plan"))
            continue
        for check in _CHECKS:
            findings += check(joined)
    findings += _complete(plan) + _limits(plan)
    return findings


def _binding(j: Joined) -> list[Finding]:
    """Rule 1: aligned, inside the allocation, of an allowed memory type, at least of the required size."""
    r = j.memory.resources
    size = np.array([n.size for n in j.requirements], np.int64)
    alignment = np.array([n.alignment for n in j.requirements], np.int64)
    bits = np.array([n.type_bits for n in j.requirements], np.int64)
    found = j.resources("1 alignment", r["offset"] % np.maximum(alignment, 1) != 0)
    found += j.resources("1 range", (r["offset"] < 0) | (r["offset"] + r["size"] > j.allocation_of["size"]))
    found += j.resources("1 type bits", bits >> j.allocation_of["memory_type"].astype(np.int64) & 1 == 0)
    return found + j.resources("1 size", r["size"] < size)


def _extents(j: Joined) -> list[Finding]:
    """Size limits (VkBufferCreateInfo-size-06409, VkImageCreateInfo-extent-02252, -02253); cubes (-08866)."""
    r, limits = j.memory.resources, j.plan.profile.limits
    found = j.resources("extent", r["bytes"] > limits.max_buffer_size)
    wide = np.maximum(r["width"], r["height"]) > limits.max_image_dimension_2d
    found += j.resources("extent", wide | (r["layers"] > limits.max_image_array_layers))
    odd = (r["width"] != r["height"]) | (r["layers"] % 6 != 0) | (r["samples"] != 1)
    return found + j.resources("cube", r["cube"] & odd)


def _granularity(j: Joined) -> list[Finding]:
    """Rule 2 between neighbours in an allocation, and no overlap except between aliased resources."""
    r = j.memory.resources
    r = r[np.lexsort((r["offset"], r["allocation"]))]
    linear, end = r["kind"] == Kind.BUFFER, r["offset"] + r["size"]
    same = r["allocation"][1:] == r["allocation"][:-1]
    base = np.cumsum(np.concatenate([[0], ~same])) * np.int64(1 << 44)
    reach = np.maximum.accumulate(base + end)[:-1] - base[1:]
    overlap = same & (r["offset"][1:] < reach)
    overlap &= ~(r["aliased"][1:] & r["aliased"][:-1])
    page = max(j.plan.profile.limits.buffer_image_granularity, 1)
    near = same & ((end[:-1] - 1) // page == r["offset"][1:] // page) & (linear[1:] != linear[:-1])
    found = [about_resources("overlap", r[i], r[i + 1]) for i in np.flatnonzero(overlap)]
    found += [about_resources("2 granularity", r[i], r[i + 1]) for i in np.flatnonzero(near)]
    return found + _aliases(j, r, end)


def _aliases(j: Joined, r: Rows, end: Int64s) -> list[Finding]:
    """Rule 16, as far as it concerns plans: resources that share bytes are never live in the same pass."""
    found = []
    shared = np.flatnonzero(r["aliased"])  # by allocation and offset
    lifetimes = {int(i): _lifetime(j, int(r["id"][i])) for i in shared}
    for position, a in enumerate(shared.tolist()):
        for b in shared[position + 1 :].tolist():
            if r["allocation"][a] != r["allocation"][b] or r["offset"][b] >= end[a]:
                continue
            one, two = lifetimes[a], lifetimes[b]
            if one is None or two is None or (one[0] <= two[1] and two[0] <= one[1]):
                found.append(about_resources("16 alias", r[a], r[b]))
    return found


def _lifetime(j: Joined, resource: int) -> tuple[int, int] | None:
    """First and last pass in which a resource is live; None where it always is."""
    mine = j.memory.subresources["resource"] == resource
    lifetimes = [j.plan.terms[int(t)].lifetime for t in j.memory.subresources["terms"][mine]]
    limited = [lifetime for lifetime in lifetimes if lifetime is not None]
    if not limited or len(limited) < len(lifetimes):
        return None
    return min(first for first, _ in limited), max(last for _, last in limited)


def _dedicated(j: Joined) -> list[Finding]:
    """Rule 4: resources that require it have a dedicated allocation; own allocations hold one resource."""
    r = j.memory.resources
    required = np.array([n.requires_dedicated for n in j.requirements], bool)
    counts = np.bincount(r["allocation"], minlength=1)
    alone = (counts[r["allocation"]] == 1) & (r["offset"] == 0)
    single = j.allocation_of["dedicated"] | (j.allocation_of["own"] & ~r["aliased"])
    return j.resources("4 dedicated", required & ~(alone & j.allocation_of["dedicated"]) | single & ~alone)


def _usage(j: Joined) -> list[Finding]:
    """Rules 6, 8 and 13: a resource has the usages of all its keys; device addresses; transfer bits."""
    usage = j.resource_of["usage"].astype(np.int64)
    staged = j.terms(lambda t: t.contents is not Contents.UNDEFINED) > 0
    found = j.places("6 usage", j.terms(lambda t: t.usage) & ~usage != 0)
    found += j.places("13 transfer", staged & (usage & int(BufferUsage.TRANSFER_DST) == 0))
    r = j.memory.resources
    address = (r["kind"] == Kind.BUFFER) & (r["usage"] & int(BufferUsage.SHADER_DEVICE_ADDRESS) != 0)
    return found + j.resources("8 device address", address & ~j.allocation_of["device_address"])


def _properties(j: Joined) -> list[Finding]:
    """Memory types have the properties that keys require, and mapped keys are in mapped memory."""
    allocations = j.memory.allocation_table.rows(j.resource_of["allocation"].astype(np.int64))
    properties = np.array([int(t.properties) for t in j.plan.profile.memory_types], np.int64)
    has = properties[allocations["memory_type"]]
    mapped = j.terms(lambda t: t.persistent_map) > 0
    visible = has & int(MemoryProperty.HOST_VISIBLE) != 0
    found = j.places("memory properties", j.terms(lambda t: int(t.properties)) & ~has != 0)
    return found + j.places("9 mapping", mapped & ~(allocations["mapped"] & visible))


def _ranges(j: Joined) -> list[Finding]:
    """Keys are inside their resource and do not overlap; descriptor alignments (7) and atoms (9)."""
    s, limits = j.memory.subresources, j.plan.profile.limits
    buffer = j.resource_of["kind"] == Kind.BUFFER
    room = np.where(buffer, j.resource_of["bytes"], j.resource_of["layers"])
    found = j.places("range", (s["offset"] < 0) | (s["offset"] + s["footprint"] > room))
    usage, alignment = j.terms(lambda t: t.usage), j.terms(lambda t: t.alignment, 1)
    copies = j.terms(lambda t: t.copies, 1)
    for rule, mine, required in (
        ("7 alignment", buffer, alignment),
        ("7 descriptor", buffer & (usage & _UNIFORM != 0), limits.min_uniform_buffer_offset_alignment),
        ("7 descriptor", buffer & (usage & _STORAGE != 0), limits.min_storage_buffer_offset_alignment),
        ("7 descriptor", buffer & (usage & _TEXELS != 0), limits.min_texel_buffer_offset_alignment),
    ):
        found += j.places(rule, mine & ((s["offset"] % required != 0) | (s["stride"] % required != 0)))
    mapped = j.terms(lambda t: t.persistent_map) > 0
    atom = limits.non_coherent_atom_size
    found += j.places("9 atom", mapped & buffer & ((s["offset"] % atom != 0) | (s["footprint"] % atom != 0)))
    order = np.lexsort((s["offset"], s["resource"]))
    one, two = s[order][:-1], s[order][1:]
    clash = (one["resource"] == two["resource"]) & (one["offset"] + one["footprint"] > two["offset"])
    found += [j.place("overlap", int(order[i]), int(order[i + 1])) for i in np.flatnonzero(clash)]
    need = np.where(buffer, np.where(copies > 1, s["stride"] * copies, s["size"]), copies)
    return found + j.places("size", s["footprint"] < need)


_CHECKS = (_binding, _extents, _granularity, _dedicated, _usage, _properties, _ranges)


def _complete(plan: Plan) -> list[Finding]:
    """Every need has one place, every place one need with requesters, and nothing else has memory."""
    memory, needs = plan.memory, plan.requirements.needs.array
    keys, name = memory.subresources["key"], plan.requirements.keys.name

    requested = plan.requirements.requested.rows["key"]

    def about(rule: str, keys: Int64s, text: str) -> list[Finding]:
        return [Finding(rule, text.format(name(k)), Part.SUBRESOURCE, (k,)) for k in keys.tolist()]

    found = about("complete", np.setdiff1d(needs["key"], keys), "{} has no place")
    unneeded, without = np.setdiff1d(keys, needs["key"]), ~is_in(needs["key"], requested)
    found += about("why", np.concatenate([unneeded, needs["key"][without]]), "{} has no requester")
    for part, ids, used in (
        (Part.RESOURCE, memory.resources["id"], memory.subresources["resource"]),
        (Part.ALLOCATION, memory.allocations["id"], memory.resources["allocation"]),
    ):
        empty = np.setdiff1d(ids, used).tolist()
        found += [Finding("why", f"{part.value} {ident} is empty", part, (ident,)) for ident in empty]
    return found


def _limits(plan: Plan) -> list[Finding]:
    """Rule 5 and budgets; ids are unique across memory plan and staging plan."""
    rows = stack([plan.memory.allocations, plan.staging.allocations])
    limits, profile = plan.profile.limits, plan.profile
    found = []
    if len(rows) >= limits.max_memory_allocation_count:
        found.append(Finding("5 count", f"{len(rows)} allocations"))
    heap = np.array([t.heap for t in profile.memory_types], np.int64)[rows["memory_type"]]
    sizes = np.array([h.size for h in profile.heaps], np.int64)[heap]
    wrong = (rows["size"] > limits.max_memory_allocation_size) | (rows["size"] > sizes) | (rows["size"] <= 0)
    for row in rows[np.flatnonzero(wrong)]:
        where = f"allocation {row['id']} of {row['size']} bytes"
        found.append(Finding("5 size", where, Part.ALLOCATION, (int(row["id"]),)))
    total = np.bincount(heap, rows["size"], minlength=len(profile.heaps))
    for index, used in enumerate(total.tolist()):
        if used > profile.budget(index):
            where = f"heap {index} holds {int(used)} of {profile.budget(index)}"
            found.append(Finding("budget", where, Part.HEAP, (index,)))
    for part in (Part.ALLOCATION, Part.RESOURCE):
        both = np.intersect1d(*(getattr(m, f"{part.value}s")["id"] for m in (plan.memory, plan.staging)))
        found += [Finding("ids", f"{part.value} {i} exists twice", part, (i,)) for i in both.tolist()]
    return found


def stays_bound(before: Plan, after: Plan) -> Iterator[Finding]:
    """Rule 3 between two plans: an id in both is the same object, bound to the same range."""
    for part, fields in (
        (Part.ALLOCATION, ("memory_type", "size", "own", "dedicated", "device_address", "mapped", "linear")),
        (
            Part.RESOURCE,
            ("allocation", "offset", "size", "bytes", "usage", "kind", "format", "cube", "layers"),
        ),
    ):
        old, new = (getattr(plan.memory, f"{part.value}s") for plan in (before, after))
        both = np.intersect1d(old["id"], new["id"])
        mine, theirs = old[is_in(old["id"], both)], new[is_in(new["id"], both)]
        for field in fields:
            for i in np.flatnonzero(mine[field] != theirs[field]):
                where = f"{part.value} {both[i]} changes its {field}"
                yield Finding("3 bound once", where, part, (int(both[i]),))
