"""Staging buffers: planned like all other memory, for as long as there is something to transfer.

One buffer where little is transferred, otherwise two for pipelining: while the device copies out of one, the
host fills the other. Its size is limited by `Policy.staging`, an eighth of the heap, and the budget.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.plan.model.groups import Group, candidate_types
from engine.plan.model.memory_plan import SUBRESOURCE, MemoryPlan, Sharing
from engine.plan.placement.builder import Builder, HeapFull, NewResource
from engine.plan.placement.planning_round import RoundResult
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.requirements.coalesce import Coalesced
from engine.plan.terms.policy import MIB, Policy
from engine.plan.terms.table import Table
from engine.plan.terms.vocabulary import BufferUsage, Kind, MemoryProperty

STAGING_REQUESTER = "engine/memory staging"
STAGING_NAMES = ("staging 0", "staging 1")
_ONE_BUFFER = 8 * MIB
_MIN_SIZE = 64 * 1024
_GROUP = Group(
    Kind.BUFFER,
    Sharing.OWN,
    MemoryProperty.HOST_VISIBLE | MemoryProperty.HOST_COHERENT,
    MemoryProperty.HOST_CACHED,  # on an NVIDIA driver allocated in 60 % of the time, and as fast to write
    True,
    False,
    None,
    int(BufferUsage.TRANSFER_SRC),
)


def plan_staging(
    coalesced: Coalesced, result: RoundResult, profile: DeviceProfile, policy: Policy, min_staging: int | None
) -> tuple[MemoryPlan, MemoryPlan]:
    """(the memory plan with its next ids advanced, the staging plan); HeapFull where no buffer fits.

    With `min_staging`, a buffer of at least so many bytes is accepted where no larger one fits: slow, but
    everything can be transferred.
    """
    memory, to_stage = result.memory, result.to_stage
    if not to_stage:
        return memory, MemoryPlan.empty()
    bits = profile.buffer_requirements(MIB, BufferUsage.TRANSFER_SRC).type_bits
    short = HeapFull(0, _MIN_SIZE)
    for memory_type in candidate_types(_GROUP, bits, profile):
        builder = Builder(memory, result.packing, profile, policy)
        size, count = _size(builder, memory_type, to_stage, profile, policy, min_staging)
        if not size:
            short = HeapFull(profile.memory_types[memory_type].heap, _MIN_SIZE)
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
    min_staging: int | None,
) -> tuple[int, int]:
    """(bytes of one staging buffer, number of buffers); (0, 0) where the heap has no room for one."""
    heap = profile.heaps[profile.memory_types[memory_type].heap]
    unit = max(4096, profile.limits.non_coherent_atom_size)
    total = -(-to_stage // unit) * unit + unit
    room = builder.room(memory_type)
    max_size = min(policy.staging, max(heap.size // 8, _MIN_SIZE), profile.limits.max_buffer_size)
    for count in (1,) if total <= min(_ONE_BUFFER, policy.staging) else (2, 1):
        useful = min(max_size, -(-total // count // unit) * unit)
        size = min(useful, room // count // unit * unit)
        if size >= min(_MIN_SIZE, useful):
            return size, count
    return (size, 1) if min_staging is not None and size >= max(unit, min_staging) else (0, 0)
