"""Resources: what a ResourceAllocator makes, each with one owner, released once after its last use.

- `resource`: closing, finalizers and names; `allocator`: ResourceAllocator
- `buffer`: one VkBuffer; `image`: VkImage with its view; `texture`: image, view and sampler
- `acceleration`: bottom and top level acceleration structures, built and compacted
"""
