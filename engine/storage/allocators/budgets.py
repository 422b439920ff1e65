"""Bytes left in each heap: the smaller of the caller's budget and the system's."""

from __future__ import annotations

from engine.plan.profile.device_profile import DeviceProfile
from engine.storage.allocators.statistics import HeapFacts
from engine.vk.device import Device


class Budgets:
    """Bytes that an allocator has taken from each heap; the system's budget is read every time."""

    def __init__(self, device: Device, profile: DeviceProfile) -> None:
        self._device = device
        self._profile = profile
        self.allocated = [0] * len(profile.heaps)

    def room(self, heap: int) -> int:
        """Bytes that may still be taken from a heap; not above 0 where its budget is used up."""
        own = self._profile.budget(heap) - self.allocated[heap]
        found = self._device.memory_budget()
        if found is None:
            return own
        budget, usage = found[heap]
        return min(own, budget - usage)

    def facts(self) -> tuple[HeapFacts, ...]:
        """Return each heap's account."""
        return tuple(
            HeapFacts(row.size, self.allocated[heap] + max(self.room(heap), 0), self.allocated[heap])
            for heap, row in enumerate(self._profile.heaps)
        )
