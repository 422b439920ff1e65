"""The one gate to files that an input names: inside the project root, regular, of bounded size."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import NamedTuple

from engine.assets.codes import AssetCode
from engine.assets.limits import MAX_SOURCE_BYTES
from engine.humon import Code

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")


class Stamp(NamedTuple):
    """What tells that a file has changed without reading it: its size in bytes and its mtime in ns."""

    size: int
    mtime_ns: int


class _Listing(NamedTuple):
    """The names in a folder, by how a system sees them that ignores case; which of them are links."""

    names: dict[str, list[str]]
    links: set[str]


class FileRejectedError(Exception):
    """A file that may not be used: `code` as in the list of error codes, the reason, and what to do."""

    def __init__(self, code: str, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.help = help


def folded(name: str) -> str:
    """`name` as a file system that ignores case and Unicode normal form sees it."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def relative_name(path: str | Path, root: str | Path) -> str:
    """`path` relative to `root` where it lies below it, `/` between parts; both are resolved paths."""
    text, below = str(path), os.path.join(str(root), "")
    return (text[len(below) :] if text.startswith(below) else text).replace(os.sep, "/")


class FileGate:
    """Resolves and reads the files below one project root.

    Folder listings and resolved folders are remembered: make a new gate for every load.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._root = str(self.root)
        self._below = os.path.join(self._root, "")
        self._folders: dict[tuple[str, str], str] = {}
        self._listings: dict[str, _Listing] = {}

    def resolve(self, text: str, base: Path) -> Path:
        """The file that `text` names, relative to the folder `base`, after following symbolic links.

        The file need not exist. Raises FileRejectedError `file.outside` for absolute paths, drives, UNC
        names, URLs and whatever ends up outside the root, `file.name` for a name that no system can have,
        and `file.case` for one that a file has in other letter case or Unicode normal form.
        """
        if not text.strip() or "\0" in text:
            raise FileRejectedError(AssetCode.FILE_NAME, "the file name is empty or holds a NUL")
        if text[0] in "/\\" or _SCHEME.match(text):
            raise FileRejectedError(
                AssetCode.FILE_OUTSIDE,
                f"'{text}' is an absolute path or a URL",
                f"name the file relative to the file that uses it, below {self.root}",
            )
        if "\\" in text:
            reason = f"'{text}' holds a backslash"
            raise FileRejectedError(AssetCode.FILE_NAME, reason, "write / between folders")
        try:
            path = self._real(text, str(base))
        except (OSError, ValueError) as error:
            reason = f"'{text[:80]}' cannot be a file name ({error})"
            raise FileRejectedError(AssetCode.FILE_NAME, reason) from error
        if not self._is_inside(path):
            raise FileRejectedError(
                AssetCode.FILE_OUTSIDE,
                f"'{text}' lies outside the project root",
                f"the root is {self.root}; copy the file below it",
            )
        return Path(path)

    def stamp(self, path: str | Path) -> Stamp:
        """Size and mtime of a regular file. Raises FileRejectedError `file.missing` or `file.kind`."""
        try:
            info = os.stat(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileRejectedError(Code.FILE_MISSING, f"there is no file '{self.relative(path)}'") from error
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._check_regular(path, info)
        return Stamp(info.st_size, info.st_mtime_ns)

    def read(self, path: str | Path, limit: int = MAX_SOURCE_BYTES) -> tuple[bytes, Stamp]:
        """The bytes of a regular file and its stamp. Never blocks on a FIFO or a device.

        Raises FileRejectedError `file.missing`, `file.kind`, `file.size` or `file.unreadable`.
        """
        self.stamp(path)
        try:
            descriptor = os.open(
                path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            )
            with open(descriptor, "rb") as file:
                info = os.fstat(descriptor)
                self._check_regular(path, info)
                if info.st_size > limit:
                    reason = f"'{self.relative(path)}' has {info.st_size} bytes; at most {limit} are read"
                    raise FileRejectedError(AssetCode.FILE_SIZE, reason)
                data = file.read(limit + 1)
        except OSError as error:
            raise self._unreadable(path, error) from error
        if len(data) > limit:
            raise FileRejectedError(AssetCode.FILE_SIZE, f"'{self.relative(path)}' grew beyond {limit} bytes")
        return data, Stamp(info.st_size, info.st_mtime_ns)

    def relative(self, path: str | Path) -> str:
        """`path` as caches and messages name it: relative to the root, `/` between parts."""
        return relative_name(path, self._root)

    def _is_inside(self, path: str) -> bool:
        return path.startswith(self._below) or path == self._root

    def _real(self, text: str, base: str) -> str:
        """Where `text` leads. A folder is walked once; after that a name in it costs one look-up."""
        folder_text, _, name = text.rpartition("/")
        if name in ("", ".", ".."):
            folder_text, name = text, ""
        folder = self._folders.get((base, folder_text))
        if folder is None:
            folder = self._folders[base, folder_text] = self._walk(folder_text, os.path.realpath(base))
        if not name:
            return folder
        if not self._is_inside(folder):
            return os.path.realpath(os.path.join(folder, name))
        listing = self._listing(folder)
        self._check_case(name, listing)
        path = os.path.join(folder, name)
        return os.path.realpath(path) if name in listing.links else path

    def _walk(self, text: str, folder: str) -> str:
        """The folder that the parts of `text` lead to from `folder`, each looked up by its exact name."""
        for part in text.split("/"):
            if part not in ("", ".", "..") and self._is_inside(folder):
                self._check_case(part, self._listing(folder))
            folder = os.path.realpath(os.path.join(folder, part))
        return folder

    def _check_case(self, name: str, listing: _Listing) -> None:
        alike = listing.names.get(folded(name), [])
        if alike and name not in alike:
            raise FileRejectedError(
                AssetCode.FILE_CASE,
                f"'{name}' differs only by letter case or Unicode normal form from '{alike[0]}'",
                f"write '{alike[0]}', or rename the file: not every system tells them apart",
            )

    def _listing(self, folder: str) -> _Listing:
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = _Listing({}, set())
            # a folder that is absent or unreadable shows when the file is read, with its own reason
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    listing.names.setdefault(folded(entry.name), []).append(entry.name)
                    if entry.is_symlink():
                        listing.links.add(entry.name)
        return listing

    def _check_regular(self, path: str | Path, info: os.stat_result) -> None:
        if not stat.S_ISREG(info.st_mode):
            kind = "a folder" if stat.S_ISDIR(info.st_mode) else "no regular file"
            raise FileRejectedError(Code.FILE_KIND, f"'{self.relative(path)}' is {kind}")

    def _unreadable(self, path: str | Path, error: OSError) -> FileRejectedError:
        return FileRejectedError(
            Code.FILE_UNREADABLE, f"'{self.relative(path)}' cannot be read: {error.strerror}"
        )
