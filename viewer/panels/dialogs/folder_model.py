"""What a folder has to open: its folders, and the scenes, models and skies in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from viewer.session.opening import is_openable

MAX_ENTRIES = 10_000
"""More are not looked at."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder, by its name; `size` in bytes, 0 for folders."""

    name: str
    is_folder: bool
    size: int = 0


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that was looked at: folders first, then files, by name. `problem` says why it is empty."""

    path: Path
    entries: tuple[Entry, ...]
    problem: str = ""


def read_folder(path: Path, *, hidden: bool = False, also: tuple[str, ...] = ()) -> Folder:
    """Look at a folder; one that cannot be read is empty, with the reason.

    Names that end in one of `also`, in lower case, are listed beside scenes and models.
    """
    path = Path(os.path.abspath(path))
    found: list[Entry] = []
    problem = ""
    try:
        with os.scandir(path) as entries:
            for count, entry in enumerate(entries):
                if count >= MAX_ENTRIES:
                    problem = f"the first {MAX_ENTRIES:,} entries are shown"
                    break
                if entry.name.startswith(".") and not hidden:
                    continue
                is_folder = os.path.isdir(entry.path)
                is_listed = is_openable(entry.name) or entry.name.lower().endswith(also)
                if is_folder or is_listed:
                    found.append(Entry(entry.name, is_folder, 0 if is_folder else _size(entry)))
    except OSError as error:
        problem = error.strerror or str(error)
    found.sort(key=lambda each: (not each.is_folder, each.name.lower(), each.name))
    return Folder(path, tuple(found), problem)


def matching(entries: tuple[Entry, ...], part: str) -> tuple[Entry, ...]:
    """Return the entries whose names begin with a part of a name, then those that contain it elsewhere."""
    wanted = part.casefold()
    found = [entry for entry in entries if wanted in entry.name.casefold()]
    return tuple(sorted(found, key=lambda entry: not entry.name.casefold().startswith(wanted)))


def distinct_names(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names of files, each with as much of its folder as others of its name lack."""
    found: list[tuple[str, str]] = []
    for path in paths:
        name, folders = os.path.basename(path), Path(path).parent.parts
        others = [
            Path(other).parent.parts for other in paths if other != path and os.path.basename(other) == name
        ]
        count = 1
        while count < len(folders) and any(other[-count:] == folders[-count:] for other in others):
            count += 1
        found.append((name, os.path.join(*folders[-count:]) if others and folders else ""))
    return found


def _size(entry: os.DirEntry[str]) -> int:
    """The bytes of a file; 0 for a link to nothing."""
    try:
        return entry.stat().st_size
    except OSError:
        return 0
