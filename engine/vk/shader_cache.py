"""Room for the index of Mesa's cache of compiled shaders, without which a full disk ends the process."""

from __future__ import annotations

import os
from pathlib import Path

SWITCH = "MESA_SHADER_CACHE_DISABLE"
"""Drivers of Mesa keep no cache where it is true."""
LEAST_BYTES = 4 << 20
"""Room that a new cache needs: its index takes 1.3 MB. A file that is larger is no index of Mesa's."""


def claim_room() -> None:
    """Make sure that the index of Mesa's cache has its bytes on the disk, or have Mesa do without the cache.

    Mesa maps the index into memory, and its file has holes at first: where the disk has no room for one that
    is written, the system ends the process with SIGBUS. Call it before a driver is loaded, and again after
    that, as the index may be new: holes are filled then.
    """
    if os.environ.get(SWITCH) is not None or not hasattr(os, "posix_fallocate"):
        return
    folder = _folder()
    try:
        with (folder / "index").open("r+b") as index:
            size = index.seek(0, os.SEEK_END)
            if 0 < size <= LEAST_BYTES:
                os.posix_fallocate(index.fileno(), 0, size)
            return
    except FileNotFoundError:
        has_room = _free_bytes(folder) >= LEAST_BYTES
    except OSError:
        has_room = False
    if not has_room:
        os.environ[SWITCH] = "true"


def _folder() -> Path:
    """The folder in which Mesa keeps compiled shaders (docs.mesa3d.org/envvars.html)."""
    kept = os.environ.get("MESA_SHADER_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return Path(kept or os.path.expanduser("~/.cache"), "mesa_shader_cache")


def _free_bytes(folder: Path) -> int:
    """Bytes that are free where a folder is or would be made."""
    there = next((one for one in (folder, *folder.parents) if os.path.exists(one)), Path("/"))
    try:
        found = os.statvfs(there)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
