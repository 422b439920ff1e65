"""The Vulkan boundary: the only package that imports the `vulkan` binding.

Every Vulkan call goes through here, raw (cffi) and never through the binding's own wrappers. From the
bottom up:

    binding    ffi, lib and constants; an error that names the packages to install if there is no loader
    enums      Vulkan's enums and flags that we use, generated
    structs    builds C structs that keep everything they point at alive
    errors     VkResult and its exceptions (imports nothing: usable without a loader)
    faults     counts calls and fails the N-th one on request
    commands   functions of one dispatch level, raw for hot paths or checked
    handles    live handles by type, with names
    messages   messages of the validation layers
    shader_cache   room for the cache of Mesa's drivers
    instance   VkInstance;  adapter: physical devices, and the reasons why one cannot be used
    device     VkDevice: create, destroy, submit;  facts: its properties as plain data
    timeline   timeline semaphores;  pool: command pools and command buffers

Nothing is re-exported here, so `engine.vk.errors` can be imported where no loader is installed.
"""
