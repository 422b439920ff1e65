"""Carries out the schedules of engine/plan on a Vulkan device, a few paging cycles per frame.

- `device`: Vulkan objects by the ids of the plan, their published addresses, the profile of a live device
- `commands`: command buffers, copies, barriers, queue family ownership transfers, deferred deletion
- `streaming`: MemoryManager runs a schedule over many frames; threads read cache files into staging,
  or directly into buffers that the host can write
- `readback`: copies an image or a buffer from the device to numpy

Classes for code that owns GPU data of its own (allocators, atlases, updators) are in engine/storage.
"""
