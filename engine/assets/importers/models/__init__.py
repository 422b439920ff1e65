"""Parts of model files as sources for the importers of meshes, skeletons, animations and textures."""
