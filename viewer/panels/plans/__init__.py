"""The plans as they are printed: memory, shaders, pipelines, descriptor sets; and what was requested."""
