"""The validator: every rule a plan must obey on plan data alone, as vectorised checks.

Findings name the rule and where it is broken; none is a proof for this plan. The rules, by their numbers
here, after the valid-usage ids of the Vulkan specification:

1 alignment, range, type bits, size (vkBindBufferMemory-None-10739 and -10741,
vkBindImageMemory-None-10735 and -10737, memory-01035, memory-01047); 2 bufferImageGranularity between
linear and optimal neighbours; 3 bound once (-07459, -07460); 4 dedicated allocations (-01444, -01445); 5
count and size of allocations (vkAllocateMemory-04101, -01713); 6 usages coalesce first; 7 descriptor
offset alignments; 8 device addresses (-03339); 9 mapped ranges and atoms (VkMappedMemoryRange-01389,
-01390); 13 transfer usages (-00118, -00120); 16 aliases are never live together. Rules 10 to 12 are about
copies: see `validate_schedule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.plan.memory_plan import MemoryPlan, shape_of
from engine.plan.plan import Plan
from engine.plan.profile import Needs
from engine.plan.table import Int64s, Rows, stack
from engine.plan.vocabulary import BufferUsage, Contents, ImageUsage, Kind, MemoryProperty


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule: its name, and where and how."""

    rule: str
    where: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.where}"


@dataclass(frozen=True, eq=False)
class Joined:
    """A plan's tables joined by row: each resource with its allocation, each place with its resource."""

    plan: Plan
    memory: MemoryPlan
    home: Rows
    needs: list[Needs]
    within: Rows

    @staticmethod
    def of(plan: Plan, memory: MemoryPlan) -> Joined:
        """Join; KeyError where an id points nowhere."""
        home = memory.allocation_table.rows(memory.resources["allocation"].astype(np.int64))
        within = memory.resource_table.rows(memory.subresources["resource"].astype(np.int64))
        return Joined(plan, memory, home, [_needs(plan, row) for row in memory.resources], within)


def validate(plan: Plan) -> list[Finding]:
    """All broken rules of the memory plan and of the staging plan; none where the plan is valid."""
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


def _bad(rule: str, wrong: NDArray[np.bool_], say: Callable[[int], str]) -> list[Finding]:
    return [Finding(rule, say(int(i))) for i in np.flatnonzero(wrong)]


def _binding(j: Joined) -> list[Finding]:
    """Rule 1: aligned, inside the allocation, of a legal memory type, and as large as the device says."""
    r = j.memory.resources
    size = np.array([n.size for n in j.needs], np.int64)
    alignment = np.array([n.alignment for n in j.needs], np.int64)
    bits = np.array([n.type_bits for n in j.needs], np.int64)

    def say(i: int) -> str:
        return f"resource {r['id'][i]} at {r['offset'][i]} of allocation {r['allocation'][i]}"

    found = _bad("1 alignment", r["offset"] % np.maximum(alignment, 1) != 0, say)
    found += _bad("1 range", (r["offset"] < 0) | (r["offset"] + r["size"] > j.home["size"]), say)
    found += _bad("1 type bits", bits >> j.home["memory_type"].astype(np.int64) & 1 == 0, say)
    return found + _bad("1 size", r["size"] < size, say)


def _granularity(j: Joined) -> list[Finding]:
    """Rule 2, and no overlap at all but between aliases: neighbours in an allocation, both sides."""
    r = j.memory.resources
    order = np.lexsort((r["offset"], r["allocation"]))
    r, linear = r[order], (r["kind"] == Kind.BUFFER)[order]
    end = r["offset"] + r["size"]
    same = r["allocation"][1:] == r["allocation"][:-1]
    base = np.cumsum(np.concatenate([[0], ~same])) * np.int64(1 << 44)
    reach = np.maximum.accumulate(base + end)[:-1] - base[1:]

    def say(i: int) -> str:
        return f"resources {r['id'][i]} and {r['id'][i + 1]} in allocation {r['allocation'][i]}"

    overlap = same & (r["offset"][1:] < reach)
    found = _bad("overlap", overlap & ~(r["aliased"][1:] & r["aliased"][:-1]), say)
    page = max(j.plan.profile.limits.buffer_image_granularity, 1)
    near = same & ((end[:-1] - 1) // page == r["offset"][1:] // page)
    found += _bad("2 granularity", near & (linear[1:] != linear[:-1]), say)
    return found + _aliases(j, r, end)


def _aliases(j: Joined, r: Rows, end: Int64s) -> list[Finding]:
    """Rule 16's plan side: resources that share bytes are never live in the same pass."""
    found = []
    shared = np.flatnonzero(r["aliased"])
    lives = {int(i): _lifetime(j, int(r["id"][i])) for i in shared}
    for position, a in enumerate(shared.tolist()):
        for b in shared[position + 1 :].tolist():
            if (
                r["allocation"][a] != r["allocation"][b]
                or r["offset"][b] >= end[a]
                or r["offset"][a] >= end[b]
            ):
                continue
            one, two = lives[a], lives[b]
            if one is None or two is None or (one[0] <= two[1] and two[0] <= one[1]):
                found.append(Finding("16 alias", f"resources {r['id'][a]} and {r['id'][b]} live at once"))
    return found


def _lifetime(j: Joined, resource: int) -> tuple[int, int] | None:
    mine = j.memory.subresources["resource"] == resource
    lives = [j.plan.terms[int(t)].lifetime for t in j.memory.subresources["terms"][mine]]
    if not lives or any(life is None for life in lives):
        return None
    return min(life[0] for life in lives if life), max(life[1] for life in lives if life)


def _dedicated(j: Joined) -> list[Finding]:
    """Rule 4: what requires it has its own allocation at offset 0; own allocations hold one resource."""
    r = j.memory.resources
    required = np.array([n.requires_dedicated for n in j.needs], bool)
    counts = np.bincount(r["allocation"], minlength=1) if len(r) else np.zeros(1, np.int64)
    alone = (counts[r["allocation"]] == 1) & (r["offset"] == 0) if len(r) else np.zeros(0, bool)

    def say(i: int) -> str:
        return f"resource {r['id'][i]} in allocation {r['allocation'][i]}"

    found = _bad("4 dedicated", required & ~(alone & j.home["dedicated"]), say)
    single = j.home["dedicated"] | (j.home["own"] & ~r["aliased"])
    return found + _bad("4 dedicated", single & ~alone, say)


def _usage(j: Joined) -> list[Finding]:
    """Rules 6, 8 and 13: usages of all keys are the resource's; device addresses; transfer bits."""
    s, terms = (
        j.memory.subresources,
        [j.plan.terms[int(t)] if t >= 0 else None for t in j.memory.subresources["terms"]],
    )
    wants = np.array([t.usage if t else 0 for t in terms], np.int64)
    staged = np.array([t is not None and t.contents is not Contents.UNDEFINED for t in terms], bool)

    def say(i: int) -> str:
        return f"key {int(s['key'][i]):#x} in resource {s['resource'][i]}"

    usage = j.within["usage"].astype(np.int64)
    found = _bad("6 usage", wants & ~usage != 0, say)
    found += _bad("13 transfer", staged & (usage & int(BufferUsage.TRANSFER_DST) == 0), say)
    r = j.memory.resources
    address = (r["kind"] == Kind.BUFFER) & (r["usage"] & int(BufferUsage.SHADER_DEVICE_ADDRESS) != 0)
    return found + _bad(
        "8 device address", address & ~j.home["device_address"], lambda i: f"resource {r['id'][i]}"
    )


def _properties(j: Joined) -> list[Finding]:
    """What keys require of memory is what their memory type has, and mapped keys are in mapped memory."""
    s = j.memory.subresources
    homes = j.memory.allocation_table.rows(j.within["allocation"].astype(np.int64))
    terms = [j.plan.terms[int(t)] if t >= 0 else None for t in s["terms"]]
    required = np.array([int(t.properties) if t else 0 for t in terms], np.int64)
    has = np.array([int(t.properties) for t in j.plan.profile.memory_types], np.int64)[homes["memory_type"]]
    mapped = np.array([t is not None and t.persistent_map for t in terms], bool)
    visible = has & int(MemoryProperty.HOST_VISIBLE) != 0

    def say(i: int) -> str:
        return f"key {int(s['key'][i]):#x} in memory type {homes['memory_type'][i]}"

    found = _bad("memory properties", required & ~has != 0, say)
    return found + _bad("9 mapping", mapped & ~(homes["mapped"] & visible), say)


def _ranges(j: Joined) -> list[Finding]:
    """Keys lie inside their resource and apart; rule 7's descriptor alignments and rule 9's atoms."""
    s, limits = j.memory.subresources, j.plan.profile.limits
    buffer = j.within["kind"] == Kind.BUFFER
    room = np.where(buffer, j.within["bytes"], j.within["layers"])

    def say(i: int) -> str:
        return f"key {int(s['key'][i]):#x} at {s['offset'][i]} of resource {s['resource'][i]}"

    found = _bad("range", (s["offset"] < 0) | (s["offset"] + s["footprint"] > room), say)
    terms = [j.plan.terms[int(t)] if t >= 0 else None for t in s["terms"]]
    usage = np.array([t.usage if t else 0 for t in terms], np.int64)
    asked = np.array([t.alignment if t else 1 for t in terms], np.int64)
    copies = np.array([t.copies if t else 1 for t in terms], np.int64)
    found += _bad(
        "7 alignment", buffer & ((s["offset"] % asked != 0) | (s["stride"] % asked != 0) & (copies > 1)), say
    )
    for bits, needed in (
        (BufferUsage.UNIFORM_BUFFER, limits.min_uniform_buffer_offset_alignment),
        (BufferUsage.STORAGE_BUFFER, limits.min_storage_buffer_offset_alignment),
        (
            BufferUsage.UNIFORM_TEXEL_BUFFER | BufferUsage.STORAGE_TEXEL_BUFFER,
            limits.min_texel_buffer_offset_alignment,
        ),
    ):
        used = buffer & (usage & int(bits) != 0)
        found += _bad("7 descriptor", used & (s["offset"] % needed != 0), say)
        found += _bad("7 descriptor", used & (copies > 1) & (s["stride"] % needed != 0), say)
    mapped = np.array([t is not None and t.persistent_map for t in terms], bool)
    atom = limits.non_coherent_atom_size
    found += _bad("9 atom", mapped & buffer & ((s["offset"] % atom != 0) | (s["footprint"] % atom != 0)), say)
    order = np.lexsort((s["offset"], s["resource"]))
    one, two = s[order][:-1], s[order][1:]
    clash = (one["resource"] == two["resource"]) & (one["offset"] + one["footprint"] > two["offset"])
    found += _bad("overlap", clash, lambda i: f"{say(int(order[i]))} and {say(int(order[i + 1]))}")
    need = np.where(buffer, np.where(copies > 1, s["stride"] * copies, s["size"]), copies)
    return found + _bad("size", s["footprint"] < need, say)


_CHECKS = (_binding, _granularity, _dedicated, _usage, _properties, _ranges)


def _complete(plan: Plan) -> list[Finding]:
    """Every need has one place, every place one need with askers; every byte has a why."""
    keys = plan.memory.subresources["key"]
    needs = plan.requirements.needs.array
    found = [
        Finding("complete", f"key {k:#x} has no place") for k in np.setdiff1d(needs["key"], keys).tolist()
    ]
    found += [
        Finding("why", f"nobody asks for key {k:#x}") for k in np.setdiff1d(keys, needs["key"]).tolist()
    ]
    unasked = ~np.isin(needs["key"], plan.requirements.asked.rows["key"])
    found += _bad("why", unasked, lambda i: f"nobody asks for key {int(needs['key'][i]):#x}")
    used = set(plan.memory.subresources["resource"].tolist())
    found += [
        Finding("why", f"resource {r} is empty")
        for r in plan.memory.resources["id"].tolist()
        if r not in used
    ]
    homes = set(plan.memory.resources["allocation"].tolist())
    allocations = plan.memory.allocations["id"].tolist()
    return found + [Finding("why", f"allocation {a} is empty") for a in allocations if a not in homes]


def _limits(plan: Plan) -> list[Finding]:
    """Rule 5 and budgets; ids are unique; a VkDeviceMemory of an image page is not shared with buffers."""
    rows = stack([plan.memory.allocations, plan.staging.allocations])
    limits, profile = plan.profile.limits, plan.profile
    found = []
    if len(rows) >= limits.max_memory_allocation_count:
        found.append(Finding("5 count", f"{len(rows)} allocations"))
    heap = np.array([t.heap for t in profile.memory_types], np.int64)[rows["memory_type"]]
    sizes = np.array([h.size for h in profile.heaps], np.int64)[heap]

    def say(i: int) -> str:
        return f"allocation {rows['id'][i]} of {rows['size'][i]} bytes"

    found += _bad("5 size", (rows["size"] > limits.max_memory_allocation_size) | (rows["size"] > sizes), say)
    found += _bad("5 size", rows["size"] <= 0, say)
    total = np.bincount(heap, rows["size"], minlength=len(profile.heaps))
    for index, used in enumerate(total.tolist()):
        if used > profile.budget(index):
            found.append(Finding("budget", f"heap {index} holds {int(used)} of {profile.budget(index)}"))
    for name in ("allocations", "resources"):
        both = np.concatenate([getattr(plan.memory, name)["id"], getattr(plan.staging, name)["id"]])
        if len(np.unique(both)) != len(both):
            found.append(Finding("ids", f"{name} share an id"))
    return found


def _needs(plan: Plan, row: np.void) -> Needs:
    if row["kind"] == Kind.BUFFER:
        return plan.profile.buffer_requirements(int(row["bytes"]), BufferUsage(int(row["usage"])))
    usage = ImageUsage(int(row["usage"]))
    return plan.profile.image_requirements(shape_of(row), int(row["layers"]), usage)


def stays_bound(before: Plan, after: Plan) -> Iterator[Finding]:
    """Rule 3 between two plans: an id that stays is the same object, bound to the same place."""
    for name, fields in (
        ("allocations", ("memory_type", "size", "own", "dedicated", "device_address", "mapped", "linear")),
        ("resources", ("allocation", "offset", "size", "bytes", "usage", "kind", "format", "layers")),
    ):
        old, new = getattr(before.memory, name), getattr(after.memory, name)
        both = np.intersect1d(old["id"], new["id"])
        mine, theirs = old[np.isin(old["id"], both)], new[np.isin(new["id"], both)]
        for field in fields:
            for i in np.flatnonzero(mine[field] != theirs[field]):
                yield Finding("3 bound once", f"{name[:-1]} {both[i]} changes its {field}")
