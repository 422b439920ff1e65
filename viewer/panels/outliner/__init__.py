"""The outliner: the objects of a scene as a tree, with their features."""
