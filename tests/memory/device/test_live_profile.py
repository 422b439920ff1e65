"""The profile of a live device matches the device."""

from __future__ import annotations

import pytest
from support.schedules import SAMPLED, SHAPE, STAGED

from engine.memory.device.live_profile import buffer_info, image_info
from engine.plan.profile.device_profile import DeviceProfile
from engine.plan.terms.vocabulary import BufferUsage, MemoryProperty, QueueKind
from engine.vk.device import Device
from engine.vk.structs import new

pytestmark = pytest.mark.gpu


def test_measured_requirements_match_those_of_the_created_object(
    device: Device, profile: DeviceProfile
) -> None:
    cases = [
        ("Buffer", buffer_info(100_001, STAGED), profile.buffer_requirements(100_001, STAGED)),
        ("Image", image_info(SHAPE, 5, SAMPLED), profile.image_requirements(SHAPE, 5, SAMPLED)),
    ]
    for kind, info, needs in cases:
        handle = device.create(kind, info)
        query = new(f"Vk{kind}MemoryRequirementsInfo2", **{kind.lower(): handle})
        answer = new("VkMemoryRequirements2")
        getattr(device.vk, f"vkGet{kind}MemoryRequirements2")(device.handle, query, answer)
        reported = answer.memoryRequirements
        assert (needs.size, needs.alignment, needs.type_bits) == (
            reported.size,
            reported.alignment,
            reported.memoryTypeBits,
        )
        assert not needs.estimated
        device.destroy(kind, handle)


def test_measuring_creates_no_object_and_queries_once(device: Device, profile: DeviceProfile) -> None:
    before = device.handles.total
    first = profile.buffer_requirements(12_345, BufferUsage.VERTEX_BUFFER)
    assert profile.buffer_requirements(12_345, BufferUsage.VERTEX_BUFFER) is first
    assert profile.buffer_requirements(12_346, BufferUsage.VERTEX_BUFFER) is not first
    assert device.handles.total == before


def test_the_profile_names_types_heaps_and_queues(device: Device, profile: DeviceProfile) -> None:
    assert profile.name == device.adapter.name
    assert any(row.properties & MemoryProperty.HOST_VISIBLE for row in profile.memory_types)
    assert all(0 <= row.heap < len(profile.heaps) for row in profile.memory_types)
    assert all(heap.size > 0 for heap in profile.heaps)
    everything = {QueueKind.GRAPHICS, QueueKind.COMPUTE, QueueKind.TRANSFER}
    assert profile.queue_families[device.graphics.family].kinds == everything
    assert profile.has_transfer_queue() == (device.transfer is not None)
    assert profile.limits.max_image_dimension_2d >= 4096
    assert 0 < profile.limits.max_memory_allocation_size < 1 << 63
