"""Where memory comes from: one interface, over blocks of our own or over the plan of a running scene.

- `interface`: MemoryAllocator, MemoryAllocation and the mapping kinds; `statistics`: their accounts
- `device_allocator`: what the free-standing ones share; `sub`: many in few blocks; `dedicated`: one each
- `planned`: resources as requirements of a plan, for running scenes
- `block`: one VkDeviceMemory; `block_allocation`: bytes of it; `budgets`, `guards`: bounds and debug marks
"""
