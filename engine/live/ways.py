"""The ways to files: the folders and links that lead to them, of which each may be replaced by another."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

MOST_LINKS = 40
"""How many links in a row are followed, as by the system."""


class Ways:
    """Which entries of which folders files depend on.

    An entry is a name in a folder that no link leads through: that of a file itself, of a link to it, of a
    folder or of a link to a folder. What the system reports of the watched `folders` are entries.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        """Folders are watched for being replaced below these `roots`; links everywhere."""
        self.folders: set[str] = set()
        """The folders that have entries on the way to a file."""
        self._roots = {os.path.join(root, "") for root in roots}
        self._through: set[str] = set()
        self._files: dict[str, set[Path]] = {}
        self._resolved: dict[str, str] = {}

    def add_roots(self, roots: Iterable[Path]) -> bool:
        """Add roots; return whether one of them is new."""
        new = {os.path.join(root, "") for root in roots} - self._roots
        self._roots |= new
        return bool(new)

    def add(self, paths: Collection[Path]) -> None:
        """Add the ways to these files as they are now."""
        if paths:
            self._resolved.clear()
        for path in paths:
            self._add_file(path)

    def look_again(self, paths: Collection[Path]) -> None:
        """Forget all ways, and add those to these files as they are now."""
        self.folders.clear()
        self._through.clear()
        self._files.clear()
        self.add(paths)

    def lead_through(self, entries: Collection[str]) -> bool:
        """Whether the way to a file leads through one of these entries, a folder or a link to one."""
        return not self._through.isdisjoint(entries)

    def files_at(self, entries: Iterable[str]) -> set[Path]:
        """Return the files that are at these entries, or at the end of links there."""
        return {path for entry in entries for path in self._files.get(entry, ())}

    def _add_file(self, path: Path) -> None:
        """Add the entries of a file and of the links that follow each other in its place."""
        place = str(path)
        for _ in range(MOST_LINKS):
            above, name = os.path.split(place)
            if name in ("", os.curdir, os.pardir):
                return  # a link to a folder
            folder = self._folder(above)
            self.folders.add(folder)
            entry = os.path.join(folder, name)
            self._files.setdefault(entry, set()).add(path)
            target = _target(entry)
            if target is None:
                return
            place = os.path.join(folder, target)

    def _folder(self, path: str) -> str:
        """Return the folder that a path leads to, and add the entries on the way."""
        known = self._resolved.get(path)
        if known is None:
            known = self._resolved[path] = self._resolve(path)
        return known

    def _resolve(self, path: str) -> str:
        above, name = os.path.split(path)
        if above == path:
            return path
        folder = self._folder(above)
        if name in ("", os.curdir):
            return folder
        if name == os.pardir:
            return os.path.dirname(folder)
        entry = os.path.join(folder, name)
        target = _target(entry)
        if target is not None or entry.startswith(tuple(self._roots)):
            self._through.add(entry)
            self.folders.add(folder)
        if target is None:
            return entry
        self._resolved[path] = entry  # of links that lead to each other
        return self._folder(os.path.join(folder, target))


def _target(entry: str) -> str | None:
    """Return where a link leads, None for what is none."""
    try:
        return os.readlink(entry)
    except OSError:
        return None
