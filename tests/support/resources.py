"""A resource allocator with everything that it needs, closed in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from engine.memory.device.samplers import SamplerPool
from engine.plan.profile.device_profile import DeviceProfile
from engine.storage.allocators.guards import Guards
from engine.storage.allocators.sub_allocator import SubAllocator
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.staging_memory import StagingMemoryManager
from engine.vk.device import Device


@contextmanager
def resources_on(device: Device, profile: DeviceProfile, **staging: Any) -> Iterator[ResourceAllocator]:
    """Yield an allocator over guarded memory; on exit, its accounts must be balanced."""
    with ExitStack() as stack:
        memory = SubAllocator(device, profile, guards=Guards(fill=True, margin=16))
        stack.callback(memory.close)
        uploads = StagingMemoryManager(device, profile, memory, **staging)
        stack.callback(uploads.close)
        samplers = SamplerPool(device)
        stack.callback(samplers.close)
        with ResourceAllocator(device, memory, uploads, samplers) as allocator:
            yield allocator
            memory.check()
        samplers.close()
        uploads.close()
        assert memory.statistics().allocations == 0
        memory.close()
        assert not memory.leaks
        assert memory.device_bytes == 0
