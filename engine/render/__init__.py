"""Recording and submitting frames over resident resources: pipelines, descriptor sets, draws, targets.

The renderer looks nothing up by feature name and allocates no memory: it is given compiled passes,
draw tables and the memory manager's published addresses.
"""
