"""The validator of schedules: rules 3 and 9 to 13 on the data of steps; `Resident` checks their order."""

from __future__ import annotations

from math import lcm

import numpy as np

from engine.plan.model.findings import Finding
from engine.plan.model.memory_plan import shape_of
from engine.plan.model.plan import Plan
from engine.plan.requirements.shapes import mip_levels
from engine.plan.resident.resident import Resident
from engine.plan.resident.steps import Bind, Fill, Move, SetWindow, Transfer
from engine.plan.schedule.schedule import Schedule
from engine.plan.terms.table import Int64s, Rows, distinct, stack
from engine.plan.terms.vocabulary import BufferUsage, Kind, MemoryProperty, QueueKind
from engine.plan.terms.vulkan_enums import Aspect

RANGE = np.dtype([("resource", np.int32), ("offset", np.int64), ("size", np.int64)])


def validate_schedule(resident: Resident, schedule: Schedule) -> list[Finding]:
    """All broken rules of a schedule that begins at `resident`; empty if it is valid."""
    plan = schedule.plan
    rows = _resources(resident, plan)
    findings: list[Finding] = []
    bound = set(resident.bound)
    for number, step in enumerate(schedule.steps):
        where = f"step {number} ({type(step).__name__})"
        if isinstance(step, Bind):
            if step.resource in bound:
                findings.append(Finding("3 bound once", f"{where}: resource {step.resource}"))
            bound.add(step.resource)
        elif isinstance(step, Transfer):
            findings += _transfer(plan, rows, step, where)
        elif isinstance(step, Move):
            findings += _move(rows, step, where)
        elif isinstance(step, Fill):
            targets = plan.memory.subresource_table.rows(step.keys)["resource"].tolist()
            findings += _usage(rows, targets, int(BufferUsage.TRANSFER_DST), where)
        elif isinstance(step, SetWindow):
            large = [w for w in step.windows if w.size > plan.policy.window]
            findings += [Finding("window", f"{where}: assetDb {w.db} maps {w.size} bytes") for w in large]
    return findings


def _resources(resident: Resident, plan: Plan) -> dict[int, np.void]:
    rows = dict(resident.resources)
    for memory in (plan.memory, plan.staging):
        rows.update({int(row["id"]): row for row in memory.resources})
    return rows


def _transfer(plan: Plan, rows: dict[int, np.void], step: Transfer, where: str) -> list[Finding]:
    targets = {*step.buffer_copies["resource"].tolist(), *step.image_copies["resource"].tolist()}
    found = _usage(rows, sorted(targets), int(BufferUsage.TRANSFER_DST), where)
    found += _usage(rows, [step.staging], int(BufferUsage.TRANSFER_SRC), where)
    found += _staging(plan, rows, step, where)
    copies = step.buffer_copies
    order = np.lexsort((copies["offset"], copies["resource"]))
    found += _disjoint(copies[order], "copies to resource", where)
    length = np.array([rows[int(r)]["bytes"] for r in copies["resource"]], np.int64)
    found += _outside(copies["offset"], copies["size"], length, f"{where}: buffer copy")
    for number in distinct(step.image_copies["resource"]).tolist():
        mine = np.flatnonzero(step.image_copies["resource"] == number)
        found += _image(plan, rows[number], step.image_copies[mine], f"{where}: resource {number}")
    return found


def _disjoint(ranges: Rows, what: str, where: str) -> list[Finding]:
    """Rule 12: ranges of one resource do not overlap; `ranges` are sorted by resource and offset."""
    one, two = ranges[:-1], ranges[1:]
    clash = (one["resource"] == two["resource"]) & (one["offset"] + one["size"] > two["offset"])
    pairs = [(one["resource"][i], one["offset"][i], two["offset"][i]) for i in np.flatnonzero(clash)]
    return [Finding("12 disjoint", f"{where}: {what} {r} at {a} and at {b}") for r, a, b in pairs]


def _outside(offset: Int64s, size: Int64s, length: Int64s, where: str) -> list[Finding]:
    """Ranges that are empty or exceed `length` (VkBufferCopy-size-01988, srcOffset-00113)."""
    wrong = np.flatnonzero((offset < 0) | (size <= 0) | (offset + size > length))
    return [Finding("12 range", f"{where} {i} of {size[i]} bytes at {offset[i]}") for i in wrong]


def _image(plan: Plan, image: np.void, copies: Rows, where: str) -> list[Finding]:
    """Rules 10 and 11 for all copies to one image, and rule 12 for their rows."""
    shape = shape_of(image)
    info, levels = shape.format.info, mip_levels(shape)
    inside = (copies["mip"] >= 0) & (copies["mip"] < shape.mip_levels)
    inside &= (copies["layer"] >= 0) & (copies["layer"] < image["layers"])
    if not inside.all():
        wrong = copies[int(np.argmin(inside))]
        return [Finding("12 range", f"{where} has no layer {wrong['layer']}, mip {wrong['mip']}")]
    width, height = (
        np.array([getattr(level, name) for level in levels], np.int64)[copies["mip"]]
        for name in ("width", "height")
    )
    use_queue = plan.policy.transfer_queue and plan.profile.has_transfer_queue()
    step = info.block_bytes
    if use_queue or info.aspect & (Aspect.DEPTH | Aspect.STENCIL):
        step = lcm(step, 4)
    top, bottom = copies["y"].astype(np.int64), copies["y"] + copies["height"].astype(np.int64)
    whole = (copies["width"] == width) & (top >= 0) & (top % info.block_height == 0)
    whole &= (bottom > top) & (bottom <= height) & ((bottom % info.block_height == 0) | (bottom == height))
    multiple = _queue_row_granularity(plan) * info.block_height if use_queue else info.block_height
    if multiple:
        part = (top % multiple == 0) & ((bottom % multiple == 0) | (bottom == height))
    else:
        part = (top == 0) & (bottom == height)

    def at(i: int) -> str:
        return f"{where}, layer {copies['layer'][i]}, mip {copies['mip'][i]}, rows {top[i]} to {bottom[i]}"

    found = []
    for rule, good in (("10 bufferOffset", copies["staging_offset"] % step == 0), ("10 rows", whole)):
        found += [Finding(rule, at(i)) for i in np.flatnonzero(~good).tolist()]
    found += [Finding("11 granularity", at(i)) for i in np.flatnonzero(~part).tolist()]
    order = np.lexsort((top, copies["mip"], copies["layer"]))
    one, two = copies[order][:-1], copies[order][1:]
    clash = (
        (one["layer"] == two["layer"]) & (one["mip"] == two["mip"]) & (bottom[order][:-1] > top[order][1:])
    )
    return found + [Finding("12 disjoint", at(int(order[i + 1]))) for i in np.flatnonzero(clash)]


def _queue_row_granularity(plan: Plan) -> int:
    """Block rows that the transfer queue can copy at once; 0 where it copies whole levels only (rule 11)."""
    families = [f for f in plan.profile.queue_families if f.kinds == frozenset({QueueKind.TRANSFER})]
    return min(family.image_granularity[1] for family in families)


def _staging(plan: Plan, rows: dict[int, np.void], step: Transfer, where: str) -> list[Finding]:
    """Rule 9: staging is mapped and coherent, so it needs no flushes; reads and copies are inside it.

    Reads do not overlap.
    """
    found = []
    allocation = plan.staging.allocation(int(rows[step.staging]["allocation"]))
    has = plan.profile.memory_types[int(allocation["memory_type"])].properties
    if not has & MemoryProperty.HOST_COHERENT or not allocation["mapped"]:
        found.append(Finding("9 atom", f"{where}: staging {step.staging} is not coherent or not mapped"))
    reads = np.zeros(len(step.reads), RANGE)
    reads["resource"], reads["offset"] = step.staging, step.reads["staging_offset"]
    reads["size"] = step.reads["size"]
    found += _disjoint(np.sort(reads, order="offset"), "reads into staging", where)
    length = np.full(1, rows[step.staging]["bytes"], np.int64)
    for name, each in (("read", step.reads), ("copy", step.buffer_copies), ("image copy", step.image_copies)):
        found += _outside(each["staging_offset"], each["size"], length, f"{where}: staging, {name}")
    return found


def _move(rows: dict[int, np.void], step: Move, where: str) -> list[Finding]:
    """Rules 12 and 13 for a move: no source overlaps a target, targets do not overlap, usages allow it."""
    found = _usage(rows, [step.from_resource], int(BufferUsage.TRANSFER_SRC), where)
    found += _usage(rows, [step.to_resource], int(BufferUsage.TRANSFER_DST), where)
    image = rows[step.from_resource]["kind"] == Kind.IMAGE
    source = rows[step.from_resource]
    size = np.full(len(step.keys), shape_of(source).layers, np.int64) if image else step.sizes
    ranges = []
    for resource, offset in ((step.to_resource, step.targets), (step.from_resource, step.sources)):
        made = np.zeros(len(step.keys), RANGE)
        made["resource"], made["offset"], made["size"] = resource, offset, size
        length = np.full(1, rows[resource]["layers" if image else "bytes"], np.int64)
        found += _outside(offset, size, length, f"{where}: resource {resource}, range")
        ranges.append(made)
    both = stack(ranges) if step.from_resource == step.to_resource else ranges[0]
    return found + _disjoint(
        both[np.lexsort((both["offset"], both["resource"]))], "ranges of resource", where
    )


def _usage(rows: dict[int, np.void], resources: list[int], bit: int, where: str) -> list[Finding]:
    """Rule 13; the transfer bits of buffers and images have the same values."""
    lacking = [r for r in resources if not int(rows[r]["usage"]) & bit]
    name = "TRANSFER_DST" if bit == BufferUsage.TRANSFER_DST else "TRANSFER_SRC"
    return [Finding("13 transfer", f"{where}: resource {r} lacks {name}") for r in lacking]
