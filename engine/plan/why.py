"""`why`: from an asset, a transient, an object, a usage bit or an address to all that is there because of it.

Answers lead from the address of every byte that fits the question to asset, feature, object and line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.humon import write
from engine.plan.errors import PlanError
from engine.plan.keys import asset_key
from engine.plan.memory_plan import Address
from engine.plan.plan import Plan
from engine.plan.table import Int64s, distinct
from engine.plan.vocabulary import BufferUsage, ImageUsage, flag_names, flags_from_names, word

_ADDRESS = re.compile(r"(\d+)/(\d+)(?:/(\d+)(?:/(\d+))?)?")
_KEY = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class Reason:
    """One key: where it lives, how many bytes it takes there, and who asks for it on what terms."""

    key: int
    name: str
    address: Address
    bytes: int
    usages: tuple[str, ...]
    askers: tuple[str, ...]


def why(plan: Plan, question: str) -> list[Reason]:
    """All keys that fit `question`, by address.

    An address is `memoryType/allocation[/resource[/offset]]`, an asset `db:index` or part of its name, a
    usage its name (`vertex_buffer_bit`), anything else the path of an object or the name of a feature.
    PlanError `why.unknown` where nothing fits.
    """
    keys = _at_address(plan, question)
    if keys is None:
        keys = _by_key(plan, question)
    if keys is None:
        keys = _by_usage(plan, question)
    if keys is None:
        keys = _by_words(plan, question)
    if not len(keys):
        raise PlanError("why.unknown", f"nothing in the plan is, or is there for, '{question}'")
    places = plan.memory.subresource_table.rows(keys)
    keys = keys[np.lexsort((places["offset"], places["resource"]))]
    return [reason_of(plan, key) for key in keys.tolist()]


def why_text(plan: Plan, question: str) -> str:
    """The answer as Humon."""
    values = []
    for reason in why(plan, question):
        at = reason.address
        where = f"memoryType {at.memory_type}, allocation {at.allocation}, resource {at.resource}"
        place = {"asset": reason.name, "address": where, "kind": word(at.kind), "offset": at.offset}
        tail = {"bytes": reason.bytes, "usages": list(reason.usages), "why": list(reason.askers)}
        values.append(place | tail)
    return write({"why": values})


def reason_of(plan: Plan, key: int) -> Reason:
    """Where one key lives and why; KeyError where the plan has none."""
    place = plan.memory.subresource_table.row(key)
    row = plan.memory.resource(int(place["resource"]))
    layers = int(row["layers"])
    size = int(row["size"]) * int(place["footprint"]) // layers if layers else int(place["footprint"])
    askers = plan.requirements.askers
    return Reason(
        key,
        plan.requirements.keys.name(key),
        plan.address(key),
        size,
        flag_names(plan.terms[int(place["terms"])].usage_flags),
        tuple(sorted(str(askers[a]) for a in plan.requirements.askers_of(key))),
    )


def _at_address(plan: Plan, question: str) -> Int64s | None:
    found = _ADDRESS.fullmatch(question)
    if found is None:
        return None
    memory_type, allocation, resource, offset = (None if g is None else int(g) for g in found.groups())
    places = plan.memory.subresources
    within = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
    home = plan.memory.allocation_table.rows(within["allocation"].astype(np.int64))
    fits = (home["memory_type"] == memory_type) & (home["id"] == allocation)
    if resource is not None:
        fits &= places["resource"] == resource
    if offset is not None:
        fits &= (places["offset"] <= offset) & (offset < places["offset"] + places["footprint"])
    keys: Int64s = places["key"][fits].astype(np.int64)
    return keys


def _by_key(plan: Plan, question: str) -> Int64s | None:
    found = _KEY.fullmatch(question)
    if found is None:
        return None
    key = asset_key(int(found[1]), int(found[2]))
    return np.array([key] if key in plan.memory else [], np.int64)


def _by_usage(plan: Plan, question: str) -> Int64s | None:
    places = plan.memory.subresources
    within = plan.memory.resource_table.rows(places["resource"].astype(np.int64))
    usage = np.array([t.usage for t in plan.terms.entries], np.int64)[places["terms"]]
    fits, known = np.zeros(len(places), bool), False
    for kind, flags in enumerate((BufferUsage, ImageUsage)):
        try:
            bit = int(flags_from_names(flags, [question]))
        except (KeyError, ValueError):
            continue
        known = True
        fits |= (within["kind"] == kind) & (usage & bit != 0)
    return places["key"][fits].astype(np.int64) if known else None


def _by_words(plan: Plan, question: str) -> Int64s:
    """Keys whose name holds the words, or that an object, anything below it, or a feature asks for."""
    keys = plan.requirements.keys
    rows, planned = plan.requirements.asked.rows, plan.memory.subresources["key"]
    fits = np.zeros(len(plan.requirements.askers), bool)
    for number in distinct(rows["asker"]).tolist():
        asker = plan.requirements.askers[number]
        fits[number] = asker.feature == question or f"{asker.object_path}/".startswith(f"{question}/")
    asked = np.isin(planned, rows["key"][fits[rows["asker"]]])
    asked |= np.array([question in keys.name(key) for key in planned.tolist()], bool)
    return planned[asked].astype(np.int64)
