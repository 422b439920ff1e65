"""Finding the scene that a command line names."""

from __future__ import annotations

from pathlib import Path


def find_scene(given: Path) -> Path:
    """Find the scene file: as given, else among the scenes that Diorama brings along.

    Where there is neither, the name comes back as it was given, for the error that reading it makes.
    """
    if given.exists() or given.is_absolute():
        return given
    from engine.assets.roots import data_root

    beside = data_root() / given
    return beside if beside.exists() else given
