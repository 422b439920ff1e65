"""Vulkan objects by the ids of the plan: memory, buffers, images, samplers, and their addresses."""
