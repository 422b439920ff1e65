"""Vulkan objects of the plan, and their addresses.

- `objects`: creates and destroys VkDeviceMemory, buffers, images and views by the ids of the plan
- `background_allocation`: allocates and frees large memory on a thread; `host_memory`: imports host pages
- `published`: the addresses that frames may use; `addresses`: Location, Statistics and LiveTable as values
- `live_profile`: the device profile that plans are made with, read from a live device
- `samplers`: equal configurations share one VkSampler
- `problems`: exceptions for wrong use of memory and resources
"""
