"""The files that are watched, as they were when they were last looked at, and their folders."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, KeysView, Mapping
from pathlib import Path

from engine.files.signatures import Signature, changed, signature_of, signatures
from engine.live.ways import Ways


class WatchedFiles:
    """Signatures of files, and the ways to them. Files are added, never removed.

    A save is looked at while frames are drawn by another thread, so what it costs does not depend on how many
    files there are: `folders` are kept, not looked for again.
    """

    def __init__(self, paths: Iterable[Path], roots: Iterable[Path] = ()) -> None:
        """A folder below one of the `roots` may be replaced, as any link: that is seen, too."""
        self._signatures: dict[Path, Signature] = {}
        self._ways = Ways(roots)
        self._replaced = 0
        self._new: dict[Path, Signature] = {}
        self._put(signatures(paths))

    def __getitem__(self, path: Path) -> Signature:
        return self._signatures[path]

    def __len__(self) -> int:
        return len(self._signatures)

    @property
    def paths(self) -> KeysView[Path]:
        """All files."""
        return self._signatures.keys()

    @property
    def signatures(self) -> Mapping[Path, Signature]:
        """The signature of each file."""
        return self._signatures

    @property
    def version(self) -> tuple[int, int]:
        """What is another one once other folders are to be watched, or one has been replaced."""
        return len(self._ways.folders), self._replaced

    def folders(self) -> list[str]:
        """Return the folders to watch that exist and may be listed, sorted; no links lead to them."""
        there = (folder for folder in self._ways.folders if signature_of(Path(folder)).inode)
        return sorted(folder for folder in there if os.access(folder, os.R_OK))

    def at(self, reported: Iterable[Path]) -> Collection[Path]:
        """Return the files that changes in `folders` may concern: all where one is on the way to a file."""
        entries = set(map(str, reported))
        if self._ways.lead_through(entries):
            self._replaced += 1
            self._ways.look_again(self._signatures)
            return self.paths
        return self._ways.files_at(entries)

    def within(self, roots: Iterable[Path]) -> None:
        """Watch the folders below these roots too, as far as they lead to files."""
        if self._ways.add_roots(roots):
            self._ways.look_again(self._signatures)

    def add(self, paths: Iterable[Path]) -> None:
        """Watch these files too."""
        new = signatures(path for path in paths if path not in self._signatures)
        self._put(new)
        self._new |= new

    def expect(self, files: Mapping[Path, Signature]) -> None:
        """Watch these files too, as they were when they were looked for: what was saved since has changed."""
        self._put({path: then for path, then in files.items() if path not in self._signatures})

    def take_new(self) -> dict[Path, Signature]:
        """Return what was added since the last call, with its signatures."""
        new, self._new = self._new, {}
        return new

    def outdate(self, paths: Iterable[Path]) -> None:
        """Take files for changed ones when they are looked at next."""
        self._put(dict.fromkeys(paths, Signature(-1)))

    def changed(self, now: Mapping[Path, Signature]) -> set[Path]:
        """Return the files whose signatures are not what they are `now`."""
        return changed(self._signatures, now)

    def update(self, now: Mapping[Path, Signature]) -> None:
        """Take over signatures of files that are watched."""
        found = self.changed(now)
        self._signatures.update(now)
        self._ways.add(found)  # one may be a link now

    def _put(self, found: Mapping[Path, Signature]) -> None:
        self._signatures.update(found)
        self._ways.add(found)
