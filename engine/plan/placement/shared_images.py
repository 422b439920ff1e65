"""Which images share bytes follows from the requirements alone; where these lie, from the resident plan, too.

Which images may share bytes depends on the lifetimes of all, and a pass that comes or goes changes them. So
where a lifetime has changed, all images with one are laid out as if there were no resident plan. Of an
allocation that would be as large as a resident one, the images that lie there at the same offset stay, and
those that join them are bound beside them. Images whose offset or company is another are created again,
which costs no transfer: their contents are not kept between frames.

Nothing can be bound beside an image in a dedicated allocation, which a driver prefers for most attachments.
So where others that may share its bytes would save little of them, it stays, and they lie elsewhere. That
lasts until it is created again for another reason, such as another size, or until a budget has no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.plan.model.columns import NeedColumns, need_columns
from engine.plan.model.groups import candidate_types
from engine.plan.model.memory_plan import MemoryPlan
from engine.plan.placement.aliasing import AliasCandidate, place_aliases
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.requirements.requirements import ImageShape, TermsTable
from engine.plan.terms.policy import Policy
from engine.plan.terms.table import Int64s, chosen, is_in, some
from engine.plan.terms.vocabulary import Dedicated, ImageUsage, Kind

_NONE = np.zeros(0, np.int64)
WORTH = 4
"""A dedicated image is created again where that saves at least 1/WORTH of its bytes."""


@dataclass(frozen=True, slots=True)
class _Image:
    """What is wanted of an image that may share bytes; `types` of memory may hold it, best first."""

    key: int
    shape: ImageShape
    layers: int
    usage: int
    types: tuple[int, ...]
    place: AliasCandidate


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an image lies: its resource, and the allocation of that."""

    terms: int
    resource: int
    offset: int
    size: int
    layers: int
    usage: int
    aliased: bool
    allocation: int
    room: int
    own: bool
    dedicated: bool
    memory_type: int


_Group = tuple[int, list[tuple[_Image, int]]]
"""An allocation of a plan made from nothing: its bytes, and its images with their offsets."""


@dataclass(frozen=True, slots=True)
class SharedPlaces:
    """How resident images are rearranged, so that as many share bytes as in a plan made from nothing.

    The keys `leaving`, sorted, do not stay at their places. `homes` are resident allocations, with offsets,
    for keys that join images there. `aliased` has the resources, by id, that stay and share bytes from now
    on, or do no longer.
    """

    leaving: Int64s = field(default_factory=lambda: _NONE)
    homes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    aliased: Mapping[int, bool] = field(default_factory=dict)


def shared_places(
    coalesced: Coalesced,
    memory: MemoryPlan,
    changed: Int64s,
    removed: Int64s,
    profile: DeviceProfile,
    policy: Policy,
    terms: TermsTable,
    *,
    keep_dedicated: bool,
) -> SharedPlaces:
    """How the images of `memory` are rearranged for these needs.

    `changed` are keys of needs that may be new or changed, `removed` those that are gone, both sorted. With
    `keep_dedicated` a dedicated image stays where others would save less than 1/WORTH of its bytes in it.
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
        return SharedPlaces()
    needs = coalesced.needs.array
    columns = need_columns(coalesced, chosen(needs, limited[needs["terms"]]), profile, policy, terms)
    resources, places = memory.resources, memory.subresources
    places = places[is_in(places["resource"], resources["id"][resources["aliased"]])]
    shared = set(places["key"][coalesced.needs.has(places["key"].astype(np.int64))].tolist())
    groups = [
        (size, members)
        for size, members in (_groups(columns, coalesced, profile, policy, terms) if policy.alias else ())
        if len(members) > 1 or members[0][0].key in shared
    ]
    resident = _places(memory, columns.needs["key"].astype(np.int64)) if groups else {}
    leaving, homes, aliased = set(shared), dict[int, tuple[int, int]](), dict[int, bool]()
    taken = set[int]()
    for size, members in groups:
        home, staying = _home(resident, size, members, taken, terms)
        if keep_dedicated and home is None and _stays_dedicated(resident, size, members, terms):
            continue
        leaving.update(image.key for image, _ in members if image.key in resident)
        leaving.difference_update(staying)
        if home is not None:
            taken.add(home)
            homes.update({image.key: (home, at) for image, at in members if image.key not in staying})
        for place in map(resident.__getitem__, staying):
            if place.aliased != (len(members) > 1):
                aliased[place.resource] = len(members) > 1
    return SharedPlaces(np.array(sorted(leaving), np.int64), homes, aliased)


def _groups(
    columns: NeedColumns, coalesced: Coalesced, profile: DeviceProfile, policy: Policy, terms: TermsTable
) -> Iterable[_Group]:
    """The allocations that a plan made from nothing has for these images."""
    by_type: dict[int, list[_Image]] = {}
    for row in columns.placing_order(coalesced, np.ones(len(columns.needs), bool)).tolist():
        entry, group = terms[int(columns.terms[row])], columns.groups[int(columns.group[row])]
        if entry.kind is not Kind.IMAGE or group.shape is None or entry.lifetime is None:
            continue
        layers, usage = int(columns.footprint[row]), int(columns.usage[row])
        requirements = profile.image_requirements(group.shape, layers, ImageUsage(usage))
        alone = requirements.requires_dedicated or entry.dedicated is Dedicated.YES
        types = candidate_types(group, requirements.type_bits, profile)
        if types and not alone and requirements.size >= policy.own:
            place = AliasCandidate(requirements.size, requirements.alignment, *entry.lifetime)
            image = _Image(int(columns.needs["key"][row]), group.shape, layers, usage, types, place)
            by_type.setdefault(types[0], []).append(image)
    for images in by_type.values():
        for size, together in place_aliases([image.place for image in images]):
            yield size, [(images[index], offset) for index, offset in together]


def _places(memory: MemoryPlan, keys: Int64s) -> dict[int, _Place]:
    """Where these of the keys lie that are resident."""
    keys = keys[memory.subresource_table.has(keys)]
    rows = memory.subresource_table.rows(keys)
    resources = memory.resource_table.rows(rows["resource"].astype(np.int64))
    allocations = memory.allocation_table.rows(resources["allocation"].astype(np.int64))
    columns = (
        rows["terms"],
        *(resources[name] for name in ("id", "offset", "size", "layers", "usage", "aliased")),
        *(allocations[name] for name in ("id", "size", "own", "dedicated", "memory_type")),
    )
    found = zip(*(column.tolist() for column in columns), strict=True)
    return {key: _Place(*of) for key, of in zip(keys.tolist(), found, strict=True)}


def _home(
    resident: Mapping[int, _Place],
    size: int,
    members: list[tuple[_Image, int]],
    taken: set[int],
    terms: TermsTable,
) -> tuple[int | None, list[int]]:
    """The resident allocation where most bytes of a group stay, and the keys that stay there.

    None where there is no such allocation that is not `taken` by another group.
    """
    keys: dict[int, list[int]] = {}
    kept: Counter[int] = Counter()
    for image, offset in members:
        place = resident.get(image.key)
        if (
            place is not None
            and place.allocation not in taken
            and _is_as_wanted(place, image, offset, terms)
            and _may_hold(place, size, members)
        ):
            keys.setdefault(place.allocation, []).append(image.key)
            kept[place.allocation] += image.place.size
    if not kept:
        return None, []
    best = max(kept, key=lambda home: (kept[home], -home))
    return best, keys[best]


def _stays_dedicated(
    resident: Mapping[int, _Place], size: int, members: list[tuple[_Image, int]], terms: TermsTable
) -> bool:
    """Whether the largest image of a group stays in its dedicated allocation, as the others save too little.

    Each group has its largest image first, which alone is as large as the group.
    """
    (largest, offset), *others = members
    place = resident.get(largest.key)
    if place is None or not place.dedicated or not _is_as_wanted(place, largest, offset, terms):
        return False
    saved = sum(taken for taken, _ in place_aliases([image.place for image, _ in others]))
    return place.room == size and place.memory_type in largest.types and saved * WORTH < size


def _is_as_wanted(place: _Place, image: _Image, offset: int, terms: TermsTable) -> bool:
    """Whether a resident image is what is wanted, at this offset."""
    return (
        terms[place.terms].shape == image.shape
        and place.layers == image.layers
        and place.offset == offset
        and place.size == image.place.size
        and not image.usage & ~place.usage
    )


def _may_hold(place: _Place, size: int, members: list[tuple[_Image, int]]) -> bool:
    """Whether the allocation of a resident image is as large as a group, and may hold all of its images."""
    is_alone = len(members) == 1
    return (
        place.own
        and place.room == size
        and (is_alone or not place.dedicated)
        and all(place.memory_type in image.types for image, _ in members)
    )
