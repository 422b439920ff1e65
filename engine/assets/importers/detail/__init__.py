"""Meshes made quick to draw when they are cooked: order of indices and vertices, coarser levels of detail."""
