"""Signatures of files, by which a change is seen without reading them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


class Signature(NamedTuple):
    """What differs between versions of a file: inode, size in bytes, mtime and ctime in ns; 0: no file."""

    inode: int = 0
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0

    @property
    def changed_ns(self) -> int:
        """When it was changed; programs set mtimes, as of copies."""
        return max(self.mtime_ns, self.ctime_ns)


Probed = dict[Path, Signature]
"""Files that were looked for, as they were then: whatever names them is read again when that has changed."""


def signature_of(path: Path) -> Signature:
    """Return the signature of what a path leads to, through links; that of no file where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return Signature()
    return Signature(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def signatures(paths: Iterable[Path]) -> dict[Path, Signature]:
    """Return the signature of each file."""
    return {path: signature_of(path) for path in paths}


def changed(before: Mapping[Path, Signature], now: Mapping[Path, Signature]) -> set[Path]:
    """Return the files whose signatures differ, of those that are in both."""
    return {path for path, signature in now.items() if before.get(path, signature) != signature}
