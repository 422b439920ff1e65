"""Changes of a scene that can be undone, saved, copied and recovered. Nothing here draws."""
