"""Finds the scene that a command line names."""

from __future__ import annotations

import os
from pathlib import Path


def find_scene(given: Path) -> Path:
    """Return the path of a scene: as given, else among the scenes that are installed with Diorama.

    If neither exists, the given path is returned, and reading it raises the error.
    """
    if os.path.exists(given) or given.is_absolute():
        return given
    from engine.assets.roots import data_root

    beside = data_root() / given
    return beside if os.path.exists(beside) else given
