"""Morph targets of meshes: read from a mesh source, and packed for shaders."""
