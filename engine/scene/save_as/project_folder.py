"""The project that a scene is written to: files outside of its root cannot be named."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.assets.roots import PROJECT_FILE, marked_root
from engine.humon.saving import write_atomically

_MARK = "// Scenes in and below this folder may use the files that are in and below it.\n"


def project_of(folder: Path, *used: Path) -> Path:
    """Return the project root of a folder that scenes are written to, which may not be there yet.

    Where no folder is marked, it is the deepest one that holds `used` as well, paths as they were given; or
    the folder itself where that holds them, or where the root would hold what is no project's: the files of
    all of a user, or of all users. What links lead to must be below the root, too.
    """
    resolved = Path(os.path.realpath(folder))
    marked = marked_root(resolved)
    if marked is not None:
        return marked
    files = [Path(os.path.realpath(path)) for path in used]
    given = [os.path.abspath(folder), *(os.path.dirname(os.path.abspath(path)) for path in used)]
    try:
        common = Path(os.path.realpath(os.path.commonpath(given)))
        home = Path(os.path.realpath(Path.home()))
        is_shared = bool(os.stat(common).st_mode & stat.S_ISVTX)
    except (ValueError, RuntimeError, OSError):  # on two drives; a user without a home; a folder that is gone
        return resolved
    if is_shared or home.is_relative_to(common):
        return resolved
    return common if all(path.is_relative_to(common) for path in (*files, resolved)) else resolved


def write_mark(root: Path, folder: Path) -> Path | None:
    """Mark a root that is not the folder of a scene, and not marked; return the file, None for none.

    Raises InputError `output.write`.
    """
    if root == folder or marked_root(folder) is not None:
        return None
    write_atomically(root / PROJECT_FILE, _MARK, follow=False)
    return root / PROJECT_FILE
