"""Records frames over resident resources: pipelines, descriptor sets, draws, swapchain.

The renderer knows no feature by name and allocates no memory: its input is compiled passes, draw tables
and the memory manager's published addresses.
"""
