"""The validator of schedules: rules 3, 9 to 13 on the steps' own data; order is checked by `Resident`."""

from __future__ import annotations

import numpy as np

from engine.plan.formats import Aspect
from engine.plan.memory_plan import MemoryPlan, shape_of
from engine.plan.plan import Plan
from engine.plan.resident import Resident
from engine.plan.schedule import Schedule
from engine.plan.shapes import mip_levels
from engine.plan.steps import Bind, Fill, Move, SetWindow, Transfer
from engine.plan.table import Rows, stack
from engine.plan.validate import Finding
from engine.plan.vocabulary import BufferUsage, Kind, MemoryProperty, QueueKind


def validate_schedule(resident: Resident, schedule: Schedule) -> list[Finding]:
    """All broken rules of a schedule that begins at `resident`; none where it is valid."""
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
    found += _disjoint(copies[order], where)
    for copy in copies:
        if copy["offset"] + copy["size"] > rows[int(copy["resource"])]["bytes"]:
            found.append(Finding("12 range", f"{where}: beyond resource {copy['resource']}"))
    return found + _images(plan, rows, step, where)


def _disjoint(copies: Rows, where: str) -> list[Finding]:
    """Rule 12: destinations of one command do not overlap; `copies` by resource and offset."""
    one, two = copies[:-1], copies[1:]
    clash = (one["resource"] == two["resource"]) & (one["offset"] + one["size"] > two["offset"])
    return [Finding("12 disjoint", f"{where}: copies {i} and {i + 1}") for i in np.flatnonzero(clash)]


def _images(plan: Plan, rows: dict[int, np.void], step: Transfer, where: str) -> list[Finding]:
    """Rules 10 and 11 for every image copy, and rule 12 for their rows."""
    found = []
    use_queue = plan.policy.transfer_queue and plan.profile.has_transfer_queue()
    families = [f for f in plan.profile.queue_families if f.kinds == frozenset({QueueKind.TRANSFER})]
    rows_at_once = min((f.image_granularity[1] for f in families), default=1) if use_queue else 1
    covered: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    for number, copy in enumerate(step.image_copies):
        shape = shape_of(rows[int(copy["resource"])])
        info, level = shape.format.info, mip_levels(shape)[int(copy["mip"])]
        offset = int(copy["staging_offset"])
        four = use_queue or bool(info.aspect & (Aspect.DEPTH | Aspect.STENCIL))
        if offset % info.block_bytes or (four and offset % 4):
            found.append(Finding("10 bufferOffset", f"{where}: image copy {number} from {offset}"))
        top, bottom = int(copy["y"]), int(copy["y"] + copy["height"])
        multiple = rows_at_once * info.block_height
        whole = bottom == level.height
        part = top % multiple == 0 and (whole or bottom % multiple == 0) if multiple else top == 0 and whole
        if not part:
            found.append(Finding("11 granularity", f"{where}: image copy {number} of rows {top} to {bottom}"))
        if int(copy["width"]) != level.width or bottom > level.height:
            found.append(Finding("10 rows", f"{where}: image copy {number} is not whole rows of its level"))
        lines = covered.setdefault((int(copy["resource"]), int(copy["layer"]), int(copy["mip"])), [])
        if any(top < other[1] and other[0] < bottom for other in lines):
            found.append(Finding("12 disjoint", f"{where}: image copy {number} overlaps another"))
        lines.append((top, bottom))
    return found


def _staging(plan: Plan, rows: dict[int, np.void], step: Transfer, where: str) -> list[Finding]:
    """Rule 9: staging is coherent, so writers need no atoms; and reads stay inside it, apart."""
    found = []
    memory: MemoryPlan = plan.staging
    home = memory.allocation(int(rows[step.staging]["allocation"]))
    has = plan.profile.memory_types[int(home["memory_type"])].properties
    if not has & MemoryProperty.HOST_COHERENT or not home["mapped"]:
        found.append(Finding("9 atom", f"{where}: staging {step.staging} is not coherent or not mapped"))
    reads = np.sort(step.reads, order="staging_offset")
    end = reads["staging_offset"] + reads["size"]
    if (end > rows[step.staging]["bytes"]).any():
        found.append(Finding("1 range", f"{where}: reads beyond staging {step.staging}"))
    clash = np.flatnonzero(end[:-1] > reads["staging_offset"][1:])
    return found + [Finding("12 disjoint", f"{where}: reads {i} and {i + 1} overlap") for i in clash]


def _move(rows: dict[int, np.void], step: Move, where: str) -> list[Finding]:
    """Rules 12 and 13 for a move: no source overlaps a target, targets are apart, usages allow it."""
    found = _usage(rows, [step.from_resource], int(BufferUsage.TRANSFER_SRC), where)
    found += _usage(rows, [step.to_resource], int(BufferUsage.TRANSFER_DST), where)
    image = rows[step.from_resource]["kind"] == Kind.IMAGE
    size = np.ones(len(step.keys), np.int64) if image else step.sizes
    ranges = np.zeros(len(step.keys), [("resource", "i4"), ("offset", "i8"), ("size", "i8")])
    ranges["resource"], ranges["offset"], ranges["size"] = step.to_resource, step.targets, size
    sources = ranges.copy()
    sources["resource"], sources["offset"] = step.from_resource, step.sources
    both = stack([ranges, sources]) if step.from_resource == step.to_resource else ranges
    return found + _disjoint(both[np.lexsort((both["offset"], both["resource"]))], where)


def _usage(rows: dict[int, np.void], resources: list[int], bit: int, where: str) -> list[Finding]:
    """Rule 13; the transfer bits of buffers and images have the same numbers."""
    lacking = [r for r in resources if not int(rows[r]["usage"]) & bit]
    name = "TRANSFER_DST" if bit == BufferUsage.TRANSFER_DST else "TRANSFER_SRC"
    return [Finding("13 transfer", f"{where}: resource {r} lacks {name}") for r in lacking]
