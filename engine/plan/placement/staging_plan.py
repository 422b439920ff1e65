"""Staging buffers: planned like everything else, for as long as something is to be transferred.

One buffer where all of it is small, two for pipelining: while the device copies out of one, the host fills
the other. Each takes at most `Policy.staging`, an eighth of its heap and what the budget leaves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.plan.model.groups import Group, candidate_types
from engine.plan.model.memory_plan import SUBRESOURCE, MemoryPlan, Sharing
from engine.plan.placement.builder import Builder, NewResource, NoRoom
from engine.plan.placement.planning_round import Outcome
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.terms.policy import MIB, Policy
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage, Kind, MemoryProperty

STAGING_REQUESTER = "engine/memory staging"
STAGING_NAMES = ("staging 0", "staging 1")
_ONE_BUFFER = 8 * MIB
_LEAST = 64 * 1024
_GROUP = Group(
    Kind.BUFFER,
    Sharing.OWN,
    MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT,
    MemoryProperty.HOST_CACHED,  # an NVIDIA driver gives it in 60 % of the time, and it is as fast
    True,
    False,
    None,
    int(BufferUsage.TRANSFER_SRC),
)


def plan_staging(
    coalesced: Coalesced, found: Outcome, profile: DeviceProfile, policy: Policy, least: int | None
) -> tuple[MemoryPlan, MemoryPlan]:
    """(the memory plan with its next ids advanced, the staging plan); NoRoom where not even the least fits.

    With `least`, what is left is taken if it is so many bytes, however little: rather slowly than not at all.
    """
    memory, to_stage = found.memory, found.to_stage
    if not to_stage:
        return memory, MemoryPlan.empty()
    bits = profile.buffer_requirements(MIB, BufferUsage.TRANSFER_SRC).type_bits
    short = NoRoom(0, _LEAST)
    for memory_type in candidate_types(_GROUP, bits, profile):
        builder = Builder(memory, found.packing, profile, policy)
        size, count = _size(builder, memory_type, to_stage, profile, policy, least)
        if not size:
            short = NoRoom(profile.memory_types[memory_type].heap, _LEAST)
            continue
        rows = np.zeros(count, SUBRESOURCE)
        for i in range(count):
            needs = profile.buffer_requirements(size, BufferUsage.TRANSFER_SRC)
            new = NewResource(
                Kind.BUFFER,
                Sharing.OWN,
                int(BufferUsage.TRANSFER_SRC),
                needs,
                memory_type,
                mapped=True,
                device_address=False,
                dedicated=True,
                bytes=size,
            )
            rows[i]["key"] = coalesced.keys.transient(STAGING_NAMES[i])
            rows[i]["resource"] = builder.add(new)
        rows["size"] = rows["footprint"] = rows["stride"] = size
        rows["terms"] = -1
        allocations, resources = builder.finish()
        staging = MemoryPlan(
            Table.of(allocations, "id"),
            Table.of(resources, "id"),
            Table.of(rows[np.argsort(rows["key"])], "key"),
            builder.next_allocation,
            builder.next_resource,
        )
        after = replace(memory, next_allocation=builder.next_allocation, next_resource=builder.next_resource)
        return after, staging
    raise short


def _size(
    builder: Builder,
    memory_type: int,
    to_stage: int,
    profile: DeviceProfile,
    policy: Policy,
    least: int | None,
) -> tuple[int, int]:
    """(bytes of one staging buffer, how many); (0, 0) where the heap has no room for any."""
    heap = profile.heaps[profile.memory_types[memory_type].heap]
    unit = max(4096, profile.limits.non_coherent_atom_size)
    wanted = -(-to_stage // unit) * unit + unit
    room = builder.room(memory_type)
    most = min(policy.staging, max(heap.size // 8, _LEAST), profile.limits.max_buffer_size)
    for count in (1,) if wanted <= min(_ONE_BUFFER, policy.staging) else (2, 1):
        useful = min(most, -(-wanted // count // unit) * unit)
        size = min(useful, room // count // unit * unit)
        if size >= min(_LEAST, useful):
            return size, count
    return (size, 1) if least is not None and size >= max(unit, least) else (0, 0)
