"""GPU resources, each with one owner, released once after their last use.

- `resource`: closing, finalizers and names; `resource_allocator`: ResourceAllocator, which makes them
- `buffer`: one VkBuffer; `image`: VkImage with its view; `texture`: image, view and sampler
- `acceleration`: bottom and top level acceleration structures, built and compacted
"""
