"""Memory allocators: one interface, over VkDeviceMemory blocks or over the plan of a running scene.

- `interface`: MemoryAllocator, MemoryAllocation and the kinds of mapping; `statistics`: counts of bytes
- `device_allocator`: the common part of the two without a scene: `sub_allocator` puts many allocations into
  few blocks, `dedicated` gives each its own
- `planned`: allocations as requirements of a plan, for running scenes
- `block`: one VkDeviceMemory; `block_allocation`: a part of it; `budgets`: limits; `guards`: debug fills
"""
