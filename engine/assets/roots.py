"""Folders: the project root of a scene, Diorama's own data, the user's cache folder."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path


@cache
def data_root() -> Path:
    """Return the folder with Diorama's `assets` and `scenes`: the checkout, else the installation's share.

    Raises FileNotFoundError if neither has the builtin database.
    """
    checkout = Path(__file__).resolve().parents[2]
    candidates = [checkout, Path(sys.prefix, "share", "diorama"), checkout.parent / "share" / "diorama"]
    for folder in candidates:
        if os.path.isfile(folder / "assets" / "builtin" / "builtin.hu"):
            return folder
    looked = ", ".join(str(folder) for folder in candidates)
    raise FileNotFoundError(f"Diorama's own assets are missing; looked in {looked}")


def project_root(scene: Path) -> Path:
    """Return the nearest folder at or above the scene file with an `assets` folder, else the scene's."""
    folder = Path(os.path.realpath(scene)).parent
    for candidate in (folder, *folder.parents):
        if os.path.isdir(candidate / "assets"):
            return candidate
    return folder


def user_cache_folder() -> Path:
    """Return this user's folder for files that may be deleted at any time (XDG base directory spec)."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base, "diorama")


def display_path(path: Path) -> str:
    """Return a path for messages: relative to the working folder if it is inside, `/` between parts."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
