"""The one gate to files that an input names: inside the project root, regular, of bounded size."""

from __future__ import annotations

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


class FileRejectedError(Exception):
    """A file that may not be used: `code` as in the list of error codes, the reason, and what to do."""

    def __init__(self, code: str, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.help = help


def folded(name: str) -> str:
    """`name` as a file system that ignores case and Unicode normal form sees it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class FileGate:
    """Resolves and reads the files below one project root.

    Folder listings and resolved folders are remembered: make a new gate for every load.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._folders: dict[str, str] = {}
        self._listings: dict[str, dict[str, list[str]]] = {}

    def resolve(self, text: str, base: Path) -> Path:
        """The file that `text` names, relative to the folder `base`, after following symbolic links.

        The file need not exist. Raises FileRejectedError `file.outside` for absolute paths, drives, UNC
        names, URLs and whatever ends up outside the root, `file.name` for a name that no system can have,
        and `file.case` for one that a file has in other letter case or Unicode normal form.
        """
        if not text.strip() or "\0" in text:
            raise FileRejectedError(AssetCode.FILE_NAME, "the file name is empty or holds a NUL")
        if text.startswith(("/", "\\")) or _SCHEME.match(text) or Path(text).is_absolute():
            raise FileRejectedError(
                AssetCode.FILE_OUTSIDE,
                f"'{text}' is an absolute path or a URL",
                f"name the file relative to the file that uses it, below {self.root}",
            )
        if "\\" in text:
            raise FileRejectedError(
                AssetCode.FILE_NAME, f"'{text}' holds a backslash", "write / between folders"
            )
        try:
            path = self._real(os.path.join(base, text))
        except (OSError, ValueError) as error:
            raise FileRejectedError(
                AssetCode.FILE_NAME, f"'{text}' cannot be a file name ({error})"
            ) from error
        if not path.is_relative_to(self.root):
            raise FileRejectedError(
                AssetCode.FILE_OUTSIDE,
                f"'{text}' lies outside the project root",
                f"the root is {self.root}; copy the file below it",
            )
        self._check_case(text, base)
        return path

    def stamp(self, path: Path) -> Stamp:
        """Size and mtime of a regular file. Raises FileRejectedError `file.missing` or `file.kind`."""
        try:
            info = os.stat(path)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileRejectedError(Code.FILE_MISSING, f"there is no file '{self.relative(path)}'") from error
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._check_regular(path, info)
        return Stamp(info.st_size, info.st_mtime_ns)

    def read(self, path: Path, limit: int = MAX_SOURCE_BYTES) -> tuple[bytes, Stamp]:
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

    def relative(self, path: Path) -> str:
        """`path` as caches and messages name it: relative to the root, `/` between parts."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def _real(self, joined: str) -> Path:
        folder, name = os.path.split(joined)
        if name in ("", ".", "..") or os.path.islink(joined):
            return Path(os.path.realpath(joined))
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = os.path.realpath(folder)
        return Path(real, name)

    def _check_case(self, text: str, base: Path) -> None:
        folder = os.path.realpath(base)
        for part in text.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                folder = os.path.dirname(folder)
                continue
            if Path(folder).is_relative_to(self.root):
                alike = self._listing(folder).get(folded(part), [])
                if alike and part not in alike:
                    raise FileRejectedError(
                        AssetCode.FILE_CASE,
                        f"'{part}' differs only by letter case or Unicode normal form from '{alike[0]}'",
                        f"write '{alike[0]}', or rename the file: not every system tells them apart",
                    )
            folder = os.path.join(folder, part)

    def _listing(self, folder: str) -> dict[str, list[str]]:
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = {}
            try:
                names = os.listdir(folder)
            except OSError:
                names = []  # an unreadable folder shows when the file is read, with its own reason
            for name in names:
                listing.setdefault(folded(name), []).append(name)
        return listing

    def _check_regular(self, path: Path, info: os.stat_result) -> None:
        if not stat.S_ISREG(info.st_mode):
            kind = "a folder" if stat.S_ISDIR(info.st_mode) else "no regular file"
            raise FileRejectedError(Code.FILE_KIND, f"'{self.relative(path)}' is {kind}")

    def _unreadable(self, path: Path, error: OSError) -> FileRejectedError:
        return FileRejectedError(
            Code.FILE_UNREADABLE, f"'{self.relative(path)}' cannot be read: {error.strerror}"
        )
