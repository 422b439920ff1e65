"""The files that are watched, as they were when they were last looked at."""

from __future__ import annotations

from collections.abc import Iterable, KeysView, Mapping
from pathlib import Path

from engine.files.signatures import Signature, changed, signature_of, signatures


class WatchedFiles:
    """Signatures of files, and the folders that these are in. Files are added, never removed.

    A save is looked at while frames are drawn by another thread, so what it costs does not depend on how many
    files there are: `folders` are kept, not looked for again.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._signatures: dict[Path, Signature] = {}
        self._folders: set[Path] = set()
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
    def folder_count(self) -> int:
        """In how many folders the files are: with as many as before, they are in the same ones."""
        return len(self._folders)

    def folders(self) -> list[str]:
        """Return the folders that exist, sorted."""
        return sorted(str(folder) for folder in self._folders if signature_of(folder).inode)

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
        self._signatures.update(now)

    def _put(self, found: Mapping[Path, Signature]) -> None:
        self._signatures.update(found)
        self._folders.update(path.parent for path in found)
