"""`why`: explains what is in a plan, and who requested it, for an asset, object, feature, usage or address.

Answers go from addresses to asset, feature, object and line, and from assets, objects and features to the
shaders, pipelines and descriptor sets that exist because of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from engine.humon import write
from engine.plan.model.memory_plan import Address, MemoryPlan
from engine.plan.model.plan import Plan
from engine.plan.placement.staging_plan import STAGING_REQUESTER
from engine.plan.requirements.requesters import Requester, RequesterTable
from engine.plan.terms.drawing_rows import AnyRow, DescriptorSetRow, PipelineRow, ShaderRow
from engine.plan.terms.errors import PlanError
from engine.plan.terms.table import Int64s, contains, distinct
from engine.plan.terms.vocabulary import BufferUsage, ImageUsage, flag_names, flags_from_names, word

_ADDRESS = re.compile(r"(\d{1,18})/(\d{1,18})(?:/(\d{1,18})(?:/(\d{1,18}))?)?", re.ASCII)
_KEY = re.compile(r"(.+):(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reason:
    """One key in memory: its address, its bytes there, its usages and its requesters."""

    key: int
    name: str
    address: Address
    bytes: int
    usages: tuple[str, ...]
    requesters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A requested asset that was left out for lack of memory: its fallback is drawn."""

    key: int
    name: str
    requesters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waits:
    """A page that waits to be returned: its address without an offset, and the bytes that come back."""

    page: str
    bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class RowReason:
    """One shader, pipeline or descriptor set: its name, its plan and its requesters."""

    name: str
    plan: str
    requesters: tuple[str, ...]


AnyReason: TypeAlias = Reason | Waits | LeftOut | RowReason


def why(plan: Plan, question: str) -> list[AnyReason]:
    """All matches of `question`: keys in memory by address, each page of them that waits to be returned, then
    keys left out, then shaders, pipelines and descriptor sets.

    An address is `memoryType/allocation[/resource[/offset]]`, an asset `db:index` (by number or name) or part
    of its name, a usage its name (`vertex_buffer_bit`), anything else the path of an object or the name of a
    feature. PlanError `why.unknown` where nothing matches.
    """
    for find in (_at_address, _by_key, _by_usage, _by_words):
        found = find(plan, question)
        if found is not None:
            break
    if not found:
        raise PlanError(
            "why.unknown",
            f"nothing in the plan matches '{question}'",
            "give an address, an asset, a usage, the path of an object or the name of a feature",
        )
    return found


def why_text(plan: Plan, question: str) -> str:
    """The answer of `why` as Humon text."""
    values = []
    for reason in why(plan, question):
        value: dict[str, object]
        if isinstance(reason, Waits):
            values.append({"page": reason.page, "waits": reason.bytes, "why": [reason.reason]})
            continue
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
    """The address and requesters of one key; KeyError where it has no memory."""
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
    """The reasons of `keys`, sorted by address."""
    places = memory.subresource_table.rows(keys)
    order = np.lexsort((places["offset"], places["resource"]))
    reasons: list[AnyReason] = [_reason(plan, memory, key) for key in keys[order].tolist()]
    return reasons + _waits(plan, memory, set(places["resource"].tolist()))


def _waits(plan: Plan, memory: MemoryPlan, resources: set[int]) -> list[AnyReason]:
    """Which of `resources` wait to be returned."""
    return [
        Waits(
            f"memoryType {page.memory_type}, allocation {page.allocation}, resource {page.resource}",
            page.bytes,
            page.reason,
        )
        for page in plan.waiting
        if memory is plan.memory and page.resource in resources
    ]


def _left_out(plan: Plan, matches: Callable[[int], bool]) -> list[AnyReason]:
    """The reasons of matching keys that were left out."""
    requirements, name = plan.requirements, plan.requirements.keys.name
    keys = [key for key in plan.left_out.tolist() if matches(key)]
    return [LeftOut(key, name(key), _names(plan, requirements.requesters_of(key))) for key in keys]


def _rows(plan: Plan, matches: Callable[[AnyRow], bool]) -> list[AnyReason]:
    """The reasons of matching shaders, pipelines and descriptor sets."""
    rows: dict[str, tuple[AnyRow, ...]] = {
        "shaderPlan": plan.shaders,
        "pipelinePlan": plan.pipelines,
        "descriptorSetPlan": plan.descriptor_sets,
    }
    return [
        RowReason(_row_name(plan, row), name, _names(plan, row.requesters))
        for name, each in rows.items()
        for row in each
        if matches(row)
    ]


def _row_name(plan: Plan, row: AnyRow) -> str:
    return plan.requirements.keys.name(row.key) if isinstance(row, ShaderRow) else row.name


def _keys_of(row: AnyRow) -> set[int]:
    """The keys of assets and transients that a row refers to."""
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
    home = memory_type, allocation
    for memory in (plan.memory, plan.staging):
        places = memory.subresources
        resources = memory.resource_table.rows(places["resource"].astype(np.int64))
        allocations = memory.allocation_table.rows(resources["allocation"].astype(np.int64))
        matches = (allocations["memory_type"] == memory_type) & (allocations["id"] == allocation)
        if resource is not None:
            matches &= places["resource"] == resource
        if offset is not None:
            matches &= (places["offset"] <= offset) & (offset < places["offset"] + places["footprint"])
        inside = _reasons(plan, memory, places["key"][matches].astype(np.int64))
        free = {page.resource for page in plan.waiting if (page.memory_type, page.allocation) == home}
        reasons += inside or _waits(plan, memory, free if resource is None else free & {resource})
    return reasons


def _by_key(plan: Plan, question: str) -> list[AnyReason] | None:
    """Match `db:index`; `db` is the number of a database, or its name, with which asset names begin."""
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
    present = np.array(sorted(key for key in keys if key in plan.memory), np.int64)
    reasons = _reasons(plan, plan.memory, present) + _left_out(plan, keys.__contains__)
    return reasons + _rows(plan, lambda row: not keys.isdisjoint(_keys_of(row)))


def _by_usage(plan: Plan, question: str) -> list[AnyReason] | None:
    places = plan.memory.subresources
    resources = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
    usage = np.array([t.usage for t in plan.terms.entries], np.int64)[places["terms"]]
    matches, known = np.zeros(len(places), bool), False
    entries = plan.requirements.terms.entries
    requested = np.zeros(len(entries), bool)
    for kind, flags in enumerate((BufferUsage, ImageUsage)):
        try:
            bit = int(flags_from_names(flags, [question]))
        except (KeyError, ValueError):
            continue
        known = True
        matches |= (resources["kind"] == kind) & (usage & bit != 0)
        requested |= np.array([terms.kind == kind and terms.usage & bit != 0 for terms in entries], bool)
    if not known:
        return None
    rows = plan.requirements.requested.rows
    keys = set(rows["key"][requested[rows["terms"]]].tolist())
    found = _reasons(plan, plan.memory, places["key"][matches].astype(np.int64))
    return found + _left_out(plan, keys.__contains__)


def _by_words(plan: Plan, question: str) -> list[AnyReason]:
    """Match keys and rows by a part of their name, or by requester: a feature, an object or one below it."""
    keys, requesters = plan.requirements.keys, plan.requirements.requesters
    rows, planned = plan.requirements.requested.rows, plan.memory.subresources["key"]
    of_groups = _matching_members(requesters, distinct(rows["requester"]), question)
    mask = np.array([_requester_matches(requesters[n], question) for n in range(len(requesters))], bool)
    mask[list(of_groups)] = True
    requested = distinct(rows["key"][mask[rows["requester"]]])
    matches = contains(requested, planned)
    matches |= np.array([question in keys.name(key) for key in planned.tolist()], bool)
    keys_requested, ids = set(requested.tolist()), set(np.flatnonzero(mask).tolist())
    left_out = _left_out(plan, lambda key: key in keys_requested or question in keys.name(key))
    named = _rows(plan, lambda row: question in _row_name(plan, row) or not ids.isdisjoint(row.requesters))
    found = _reasons(plan, plan.memory, planned[matches].astype(np.int64)) + left_out + named
    return [_with_members(reason, requesters, of_groups) for reason in found]


def _matching_members(requesters: RequesterTable, ids: Int64s, question: str) -> dict[int, list[str]]:
    """The members of the groups among `ids` that match, as text; not where the feature does."""
    found: dict[int, list[str]] = {}
    for ident in ids[requesters.columns.group[ids]].tolist():
        group = requesters.group(ident)
        if group is not None and group.feature != question:
            members = map(group.describe, range(len(group.objects)))
            found[ident] = [str(one) for one in members if _requester_matches(one, question)]
    return {ident: members for ident, members in found.items() if members}


def _with_members(
    reason: AnyReason, requesters: RequesterTable, of_groups: dict[int, list[str]]
) -> AnyReason:
    """The same with the matching members of its groups named before the others, which stay counted."""
    if isinstance(reason, Waits):
        return reason
    named = set(reason.requesters)
    for ident, members in of_groups.items():
        group = requesters[ident]
        if str(group) in named:
            named -= {str(group)}
            named |= set(members)
            left = group.more - len(members)
            named |= {str(replace(group, more=left))} if left else set()
    return reason if named == set(reason.requesters) else replace(reason, requesters=tuple(sorted(named)))


def _requester_matches(requester: Requester, question: str) -> bool:
    return requester.feature == question or f"{requester.object_path}/".startswith(f"{question}/")
