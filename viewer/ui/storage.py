"""The UI's GPU memory: an atlas for its textures, buffer pages for its triangles, staging for uploads.

All of it comes from one `MemoryAllocator`. In a scene that is a `PlannedAllocator`, so every page of the UI
is a requirement of the scene's plan, requested by "viewer/inspector".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from engine.memory.device.samplers import SamplerPool
from engine.plan import BufferUsage, Format, ImageShape
from engine.plan.profile.device_profile import DeviceProfile
from engine.storage.allocators.interface import MemoryAllocator, MemoryMapping
from engine.storage.atlas import Atlas
from engine.storage.buffer_pages import BufferPages
from engine.storage.resources.resource_allocator import ResourceAllocator
from engine.storage.staging_memory import StagingMemoryManager
from engine.vk.device import Device
from engine.vk.timeline import Timeline

REQUESTER = "viewer/inspector"
PAGE = ImageShape(Format.R8G8B8A8_SRGB, 1024, 512)
"""A page of the atlas; larger textures get a page of their own. sRGB leaves the alpha of glyphs alone."""
MOST_PAGES = 64
GEOMETRY_PAGE_BYTES = 1 << 20
STAGING_BYTES = 9 << 18
"""A texture as large as a page arrives in one frame, a larger one in bands over several."""
LEAST_STAGING_BYTES = 1 << 18
"""Holds the widest rows of a texture with those of its gutter."""
STAGING_SHARE = 128
"""Staging takes this part of the budget where that is less: textures arrive later, and assets stay."""


class UiStorage:
    """Owns atlas, geometry pages and staging; closes them in order, once nothing of them is in flight."""

    def __init__(
        self,
        device: Device,
        profile: DeviceProfile,
        memory: MemoryAllocator,
        samplers: SamplerPool,
        timeline: Timeline,
        frames_in_flight: int,
    ) -> None:
        """`timeline` is the one that frames signal when they are finished."""
        self._undo = ExitStack()
        self._sets: list[int | None] = [None] * frames_in_flight
        with ExitStack() as undo:
            self.staging = StagingMemoryManager(
                device, profile, memory, upload_bytes=staging_bytes(profile), name="ui staging"
            )
            undo.callback(self.staging.close)
            self.staging.uploads.reserve()  # in the plan that has the atlas: no window without an interface
            self._allocator = ResourceAllocator(device, memory, self.staging, samplers)
            undo.callback(self._allocator.close)
            self._allocator.follow(timeline)
            self.geometry = BufferPages(
                self._allocator,
                BufferUsage.VERTEX_BUFFER | BufferUsage.INDEX_BUFFER,
                page_bytes=GEOMETRY_PAGE_BYTES,
                mapping=MemoryMapping.HOST_ACCESS_SEQUENTIAL_WRITE,
                name="ui geometry",
                why=REQUESTER,
            )
            undo.callback(self.geometry.close)
            self.atlas = Atlas(
                self._allocator, PAGE, layers=1, max_pages=MOST_PAGES, name="ui atlas", why=REQUESTER
            )
            undo.callback(self.atlas.close)
            self._undo = undo.pop_all()

    @property
    def frames_in_flight(self) -> int:
        """How many frames may be in flight; `begin` takes a slot below that."""
        return len(self._sets)

    def begin(self, slot: int) -> None:
        """Start a frame: release the staging of the frame that had this slot before, which is finished."""
        set_id, self._sets[slot] = self._sets[slot], None
        if set_id is not None:
            self.staging.release_resource_set(set_id)
        self._allocator.collect()

    def end(self, slot: int, recorded: int) -> None:
        """End the frame's uploads, of which `recorded` copies are in its command buffer."""
        if recorded:
            self._sets[slot] = self.staging.finalize_resource_set()

    def retire(self, release: Callable[[], object]) -> None:
        """Call `release` once no frame in flight uses what it releases."""
        self._allocator.retire([release])

    def close(self) -> None:
        """Release everything, in order; once."""
        self._undo.close()


def staging_bytes(profile: DeviceProfile) -> int:
    """How many bytes of textures may be staged at once, within the budgets of a device."""
    budget = max(profile.budget(heap) for heap in range(len(profile.heaps)))
    return min(STAGING_BYTES, max(LEAST_STAGING_BYTES, budget // STAGING_SHARE))
