"""`why`: from an asset, a transient, an object, a usage bit or an address to all that is there because of it.

Answers lead from the address of every byte that fits the question to asset, feature, object and line, and
from assets, objects and features to the shaders, pipelines and descriptor sets that are there for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from engine.humon import write
from engine.plan.model.memory_plan import Address, MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.placement.staging_plan import STAGING_REQUESTER
from engine.plan.requirements.requesters import Requester
from engine.plan.terms.drawing_rows import AnyRow, DescriptorSetRow, PipelineRow, ShaderRow
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Int64s, contains, distinct
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, flag_names, flags_from_names, word

_ADDRESS = re.compile(r"(\d+)/(\d+)(?:/(\d+)(?:/(\d+))?)?")
_KEY = re.compile(r"(.+):(\d+)")


@dataclass(frozen=True, slots=True)
class Reason:
    """One key: where it lives, how many bytes it takes there, and who asks for it on what terms."""

    key: int
    name: str
    address: Address
    bytes: int
    usages: tuple[str, ...]
    requesters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An asset that is asked for and has no memory, as there is not enough of it: its fallback is drawn."""

    key: int
    name: str
    requesters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowReason:
    """One shader, pipeline or descriptor set: its name, the plan it is in, and who asks for it."""

    name: str
    plan: str
    requesters: tuple[str, ...]


AnyReason: TypeAlias = Reason | LeftOut | RowReason


def why(plan: Plan, question: str) -> list[AnyReason]:
    """All that fits `question`: what has memory, by address, what has none left for it, and then shaders,
    pipelines and descriptor sets.

    An address is `memoryType/allocation[/resource[/offset]]`, an asset `db:index` (by number or name) or part
    of its name, a usage its name (`vertex_buffer_bit`), anything else the path of an object or the name of a
    feature. PlanError `why.unknown` where nothing fits.
    """
    for look in (_at_address, _by_key, _by_usage, _by_words):
        found = look(plan, question)
        if found is not None:
            break
    if not found:
        raise PlanError(
            "why.unknown",
            f"nothing in the plan is, or is there for, '{question}'",
            "ask for an address, an asset, a usage, the path of an object or the name of a feature",
        )
    return found


def why_text(plan: Plan, question: str) -> str:
    """The answer as Humon."""
    values = []
    for reason in why(plan, question):
        value: dict[str, object]
        if isinstance(reason, RowReason):
            value = {"name": reason.name, "plan": reason.plan}
        elif isinstance(reason, LeftOut):
            value = {"asset": reason.name, "leftOut": True}
        else:
            at = reason.address
            where = f"memoryType {at.memory_type}, allocation {at.allocation}, resource {at.resource}"
            value = {"asset": reason.name, "address": where, "kind": word(at.kind), "offset": at.offset}
            value |= {"bytes": reason.bytes, "usages": list(reason.usages)}
        values.append(value | {"why": list(reason.requesters)})
    return write({"why": values})


def reason_of(plan: Plan, key: int) -> Reason:
    """Where one key lives and why; KeyError where the plan has none."""
    return _reason(plan, plan.memory, key)


def _reason(plan: Plan, memory: MemoryPlan, key: int) -> Reason:
    place = memory.subresource_table.row(key)
    row = memory.resource(int(place["resource"]))
    layers = int(row["layers"])
    size = int(row["size"]) * int(place["footprint"]) // layers if layers else int(place["footprint"])
    name, address = plan.requirements.keys.name(key), memory.address(key)
    if memory is plan.staging:
        usages = flag_names(BufferUsage(int(row["usage"])))
        return Reason(key, name, address, size, usages, (STAGING_REQUESTER,))
    requesters = _names(plan, plan.requirements.requesters_of(key))
    usages = flag_names(plan.terms[int(place["terms"])].usage_flags)
    return Reason(key, name, address, size, usages, requesters)


def _reasons(plan: Plan, memory: MemoryPlan, keys: Int64s) -> list[AnyReason]:
    """The reasons of some keys, by address."""
    places = memory.subresource_table.rows(keys)
    order = np.lexsort((places["offset"], places["resource"]))
    return [_reason(plan, memory, key) for key in keys[order].tolist()]


def _left_out(plan: Plan, fits: Callable[[int], bool]) -> list[AnyReason]:
    """The reasons of keys that have no memory."""
    asked, name = plan.requirements, plan.requirements.keys.name
    keys = [key for key in plan.left_out.tolist() if fits(key)]
    return [LeftOut(key, name(key), _names(plan, asked.requesters_of(key))) for key in keys]


def _rows(plan: Plan, fits: Callable[[AnyRow], bool]) -> list[AnyReason]:
    """The reasons of rows of the other plans."""
    rows: dict[str, tuple[AnyRow, ...]] = {
        "shaderPlan": plan.shaders,
        "pipelinePlan": plan.pipelines,
        "descriptorSetPlan": plan.descriptor_sets,
    }
    return [
        RowReason(_row_name(plan, row), name, _names(plan, row.requesters))
        for name, each in rows.items()
        for row in each
        if fits(row)
    ]


def _row_name(plan: Plan, row: AnyRow) -> str:
    return plan.requirements.keys.name(row.key) if isinstance(row, ShaderRow) else row.name


def _keys_of(row: AnyRow) -> set[int]:
    """The assets and transients that a row is made of."""
    match row:
        case ShaderRow():
            return {row.key}
        case PipelineRow():
            return set(row.shaders)
        case DescriptorSetRow():
            return {key for _, key in row.contents}


def _names(plan: Plan, requesters: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(sorted({str(plan.requirements.requesters[a]) for a in requesters}))


def _at_address(plan: Plan, question: str) -> list[AnyReason] | None:
    found = _ADDRESS.fullmatch(question)
    if found is None:
        return None
    memory_type, allocation, resource, offset = (None if g is None else int(g) for g in found.groups())
    reasons: list[AnyReason] = []
    for memory in (plan.memory, plan.staging):
        places = memory.subresources
        within = memory.resource_table.rows(places["resource"].astype(np.int64))
        home = memory.allocation_table.rows(within["allocation"].astype(np.int64))
        fits = (home["memory_type"] == memory_type) & (home["id"] == allocation)
        if resource is not None:
            fits &= places["resource"] == resource
        if offset is not None:
            fits &= (places["offset"] <= offset) & (offset < places["offset"] + places["footprint"])
        reasons += _reasons(plan, memory, places["key"][fits].astype(np.int64))
    return reasons


def _by_key(plan: Plan, question: str) -> list[AnyReason] | None:
    """By database and index; the database by its number, or by its name, with which names of assets begin."""
    found = _KEY.fullmatch(question)
    if found is None:
        return None
    db, index = found[1], int(found[2])
    known = {*plan.memory.subresources["key"].tolist(), *plan.left_out.tolist()}
    rows: tuple[AnyRow, ...] = (*plan.shaders, *plan.pipelines, *plan.descriptor_sets)
    known.update(*map(_keys_of, rows))
    name = plan.requirements.keys.name
    keys = {
        key
        for key in known
        if key & 0xFFFF_FFFF == index and (str(key >> 32) == db or name(key).startswith(f"{db} "))
    }
    here = np.array(sorted(key for key in keys if key in plan.memory), np.int64)
    reasons = _reasons(plan, plan.memory, here) + _left_out(plan, keys.__contains__)
    return reasons + _rows(plan, lambda row: not keys.isdisjoint(_keys_of(row)))


def _by_usage(plan: Plan, question: str) -> list[AnyReason] | None:
    places = plan.memory.subresources
    within = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
    usage = np.array([t.usage for t in plan.terms.entries], np.int64)[places["terms"]]
    fits, known = np.zeros(len(places), bool), False
    entries = plan.requirements.terms.entries
    stated = np.zeros(len(entries), bool)
    for kind, flags in enumerate((BufferUsage, ImageUsage)):
        try:
            bit = int(flags_from_names(flags, [question]))
        except (KeyError, ValueError):
            continue
        known = True
        fits |= (within["kind"] == kind) & (usage & bit != 0)
        stated |= np.array([terms.kind == kind and terms.usage & bit != 0 for terms in entries], bool)
    if not known:
        return None
    rows = plan.requirements.requested.rows
    lacking = set(rows["key"][stated[rows["terms"]]].tolist())
    found = _reasons(plan, plan.memory, places["key"][fits].astype(np.int64))
    return found + _left_out(plan, lacking.__contains__)


def _by_words(plan: Plan, question: str) -> list[AnyReason]:
    """What has these words in its name, or an object, anything below it, or a feature asks for."""
    keys, requesters = plan.requirements.keys, plan.requirements.requesters
    rows, planned = plan.requirements.requested.rows, plan.memory.subresources["key"]
    fits = np.array([_is_or_is_below(requesters[n], question) for n in range(len(requesters))], bool)
    wanted = distinct(rows["key"][fits[rows["requester"]]])
    asked = contains(wanted, planned)
    asked |= np.array([question in keys.name(key) for key in planned.tolist()], bool)
    lacking = set(wanted.tolist())
    asks = set(np.flatnonzero(fits).tolist())
    named = _rows(plan, lambda row: question in _row_name(plan, row) or not asks.isdisjoint(row.requesters))
    gone = _left_out(plan, lambda key: key in lacking or question in keys.name(key))
    return _reasons(plan, plan.memory, planned[asked].astype(np.int64)) + gone + named


def _is_or_is_below(requester: Requester, question: str) -> bool:
    return requester.feature == question or f"{requester.object_path}/".startswith(f"{question}/")
