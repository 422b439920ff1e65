"""Memory on the device: runs the schedules of engine/plan on Vulkan, some paging cycles per frame.

- `profile`: what a plan must know of a live device
- `structures`: rows of C structs as numpy columns, for calls that take thousands
- `objects`: VkDeviceMemory, buffers, images and views, by the ids of the plan
- `recorder`: one queue's command buffers and timeline; `queues`: which work goes where, and hand-overs
- `deferred`: what is destroyed once the last frame that used it is over
- `fills`: cache -> mapped staging, on a small pool of threads
- `copies`, `barriers`: staging -> device, moves, zeroing and ownership, as commands
- `executor`: carries out one step at a time; `published`: the addresses frames may use
- `manager`: MemoryManager, a schedule over many frames, and the accounts
- `readback`: image or buffer -> numpy; `capture`: to files; `samplers`: shared VkSamplers
- `allocators`: MemoryAllocator over blocks or over the plan; `resources`: what a ResourceAllocator makes
- `staging`, `staging_area`: bounded up- and download space in resource sets; `ring_fences`: frames kept apart
- `updators`, `uploads`, `downloads`: scoped writers into staging, and the copies they schedule
- `buffer_pages`, `atlas`, `shelves`: many small things in few buffers and images
- `context`, `extensions`: a device without a scene; `problems`: what can be done wrong with all this
"""
