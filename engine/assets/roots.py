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


PROJECT_FILE = "diorama.project"
"""The name of the file that marks a project root, as a folder `assets` does."""


def project_root(scene: Path) -> Path:
    """Return the nearest marked folder at or above the scene file, else the scene's."""
    folder = Path(os.path.realpath(scene)).parent
    return marked_root(folder) or folder


def marked_root(folder: Path) -> Path | None:
    """Return the nearest folder at or above a resolved one that has a folder `assets` or a PROJECT_FILE."""
    for candidate in (folder, *folder.parents):
        if os.path.isdir(candidate / "assets") or os.path.isfile(candidate / PROJECT_FILE):
            return candidate
    return None


def user_cache_folder() -> Path | None:
    """Return this user's folder for files that may be deleted at any time (XDG base directory spec).

    None for a user without a home folder.
    """
    return _user_folder("LOCALAPPDATA", "XDG_CACHE_HOME", ("Library", "Caches"), ".cache")


def user_config_folder() -> Path | None:
    """Return this user's folder for what was chosen (XDG base directory spec); None without a home folder."""
    return _user_folder("APPDATA", "XDG_CONFIG_HOME", ("Library", "Application Support"), ".config")


def user_state_folder() -> Path | None:
    """Return this user's folder for what lasts between runs (XDG base directory spec); None without home."""
    return _user_folder("LOCALAPPDATA", "XDG_STATE_HOME", ("Library", "Application Support"), ".local/state")


def _user_folder(windows: str, elsewhere: str, mac: tuple[str, ...], hidden: str) -> Path | None:
    """Return a folder by the variable that names it, or by the place that each system gives it."""
    given = os.environ.get(windows if sys.platform == "win32" else elsewhere, "")
    if sys.platform != "darwin" and os.path.isabs(given):  # the specification has others ignored
        return Path(given, "diorama")
    try:
        home = Path.home()
    except RuntimeError:  # HOME is not set, and the system does not know the user
        return None
    on_windows = ("AppData", "Local" if windows == "LOCALAPPDATA" else "Roaming")
    below = {"win32": on_windows, "darwin": mac}.get(sys.platform, hidden.split("/"))
    return home.joinpath(*below, "diorama") if home.is_absolute() else None


def display_path(path: Path) -> str:
    """Return a path for messages: relative to the working folder if it is inside, `/` between parts.

    Bytes that are no UTF-8 are shown as escapes.
    """
    try:
        shown = path.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):  # elsewhere, or the working folder was deleted
        shown = path.as_posix()
    return shown if shown.isascii() else shown.encode("utf-8", "backslashreplace").decode("utf-8")
