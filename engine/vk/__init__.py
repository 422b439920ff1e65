"""The Vulkan boundary: the only package that imports the `vulkan` binding.

Every C call goes through here, raw (cffi) and never through the binding's own wrappers. From the
bottom up:

    binding    ffi, lib and constants; says what to install where no loader is found
    structs    builds C structs that keep everything they point at alive
    errors     VkResult and the exceptions it becomes (imports nothing: usable without a loader)
    faults     counts calls and fails the N-th one on request
    commands   functions of a dispatch level, raw for hot paths or checked
    handles    live handles by type, with names
    messages   what the validation layers say
    instance   VkInstance;  adapter: physical devices and why one cannot be used
    device     VkDevice: create, destroy, submit;  timeline, pool: semaphores and command buffers

Nothing is re-exported here, so `engine.vk.errors` can be imported where no loader is installed.
"""
