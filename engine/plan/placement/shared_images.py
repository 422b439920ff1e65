"""Which images share bytes follows from the requirements alone, never from earlier plans.

Which images may share bytes depends on the lifetimes of all, and a pass that comes or goes changes them. So
where a lifetime has changed, all images with one are placed as if there were no resident plan. An allocation
that would hold the same images at the same places stays; images of the others are created again, which costs
no transfer: their contents are not kept between frames.
"""

from __future__ import annotations

import numpy as np

from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.model.groups import candidate_types
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.placement.aliasing import AliasCandidate, place_aliases
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import TermsTable
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, Rows, chosen, is_in, some
from engine.plan.terms.vocabulary import Dedicated, ImageUsage, Kind

_NONE = np.zeros(0, np.int64)
Shared = list[tuple[int, dict[int, int]]]
"""Allocations that several images share: their bytes, and the offset of each key."""


def to_place_again(
    coalesced: Coalesced,
    memory: MemoryPlan,
    changed: Int64s,
    removed: Int64s,
    profile: DeviceProfile,
    policy: Policy,
    terms: TermsTable,
) -> Int64s:
    """The keys, sorted, of resident images that leave their places in `memory`.

    `changed` are keys of needs that may be new or changed, `removed` those that are gone, both sorted.
    """
    limited = coalesced.terms.with_lifetime()
    before = memory.subresource_table
    gone = before.rows(removed)["terms"]
    known = before.rows(changed[before.has(changed)])["terms"]
    kept_terms = terms.with_lifetime()
    if not (
        some(limited[coalesced.needs.rows(changed)["terms"]])
        or some(kept_terms[gone])
        or some(kept_terms[known])
    ):
        return _NONE
    needs = coalesced.needs.array
    columns = need_columns(coalesced, chosen(needs, limited[needs["terms"]]), profile, policy, terms)
    shared = _shared(columns, coalesced, profile, policy, terms) if policy.alias else []
    resources = memory.resources
    places = memory.subresources
    places = places[is_in(places["resource"], resources["id"][resources["aliased"]])]
    places = places[coalesced.needs.has(places["key"].astype(np.int64))]
    leaving = set(places["key"].tolist())
    leaving.update(key for _, members in shared for key in members if key in memory)
    for size, members in shared:
        if _is_as_before(memory, places, size, members, columns, terms):
            leaving -= members.keys()
    return np.array(sorted(leaving), np.int64)


def _shared(
    columns: NeedColumns, coalesced: Coalesced, profile: DeviceProfile, policy: Policy, terms: TermsTable
) -> Shared:
    """The allocations that a plan made from nothing has for several of these images each."""
    by_type: dict[int, list[tuple[int, AliasCandidate]]] = {}
    for row in columns.placing_order(coalesced, np.ones(len(columns.needs), bool)).tolist():
        entry, group = terms[int(columns.terms[row])], columns.groups[int(columns.group[row])]
        if entry.kind is not Kind.IMAGE or group.shape is None or entry.lifetime is None:
            continue
        usage = ImageUsage(int(columns.usage[row]))
        requirements = profile.image_requirements(group.shape, int(columns.footprint[row]), usage)
        alone = requirements.requires_dedicated or entry.dedicated is Dedicated.YES
        types = candidate_types(group, requirements.type_bits, profile)
        if types and not alone and requirements.size >= policy.own:
            candidate = AliasCandidate(requirements.size, requirements.alignment, *entry.lifetime)
            by_type.setdefault(types[0], []).append((int(columns.needs["key"][row]), candidate))
    return [
        (size, {members[index][0]: offset for index, offset in together})
        for members in by_type.values()
        for size, together in place_aliases([candidate for _, candidate in members])
        if len(together) > 1
    ]


def _is_as_before(
    memory: MemoryPlan,
    places: Rows,
    size: int,
    members: dict[int, int],
    columns: NeedColumns,
    terms: TermsTable,
) -> bool:
    """Whether an allocation of `memory` holds these images, as they are wanted now, and no others.

    `places` are the needed keys of resources that share bytes.
    """
    mine = places[is_in(places["key"], list(members))]
    if len(mine) != len(members):
        return False
    resources = memory.resource_table.rows(mine["resource"].astype(np.int64))
    allocation = int(resources["allocation"][0])
    inside = memory.resource_table.rows(places["resource"].astype(np.int64))["allocation"] == allocation
    if not (resources["allocation"] == allocation).all() or inside.sum() != len(members):
        return False
    wanted = np.searchsorted(columns.needs["key"], mine["key"])
    shapes = [columns.groups[group].shape for group in columns.group[wanted].tolist()]
    return (
        [terms[number].shape for number in mine["terms"].tolist()] == shapes
        and int(memory.allocation(allocation)["size"]) == size
        and resources["offset"].tolist() == [members[key] for key in mine["key"].tolist()]
        and resources["layers"].tolist() == columns.footprint[wanted].tolist()
        and not some(columns.usage[wanted] & ~resources["usage"].astype(np.int64))
    )
