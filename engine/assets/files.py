"""Access to files named in inputs: only regular files inside the project root, of limited size."""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from engine.assets.codes import AssetCode
from engine.assets.limits import MAX_SOURCE_BYTES
from engine.assets.roots import data_root
from engine.files import NotRegularError, OutsideError, open_below, reason_of
from engine.files.opening import check_regular
from engine.humon import Code

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")

BUILTIN_PREFIX = "builtin:"
"""What a path begins with that is relative to the folder of Diorama's own assets: `builtin:mesh/cube.hu`."""


class Stamp(NamedTuple):
    """Size in bytes of a file, and when it was changed in ns, to detect a change without reading it.

    That is the later one of mtime and ctime: programs set mtimes, as of copies and of builds.
    """

    size: int
    changed_ns: int


class _Listing(NamedTuple):
    """The names in a folder by their case-folded form, and which of them are symbolic links."""

    names: dict[str, list[str]]
    links: set[str]


class FileRejectedError(Exception):
    """A file must not be used: `code` is the problem code, `reason` the message, `help` the hint."""

    def __init__(self, code: str, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.help = help


def folded(name: str) -> str:
    """Return the form of `name` in which names that differ by case or Unicode normal form are equal."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def relative_name(path: str | Path, root: str | Path) -> str:
    """Return `path` relative to `root` if it is inside, with `/` between parts; both are resolved paths.

    A path outside, in the folder of Diorama's own assets, begins with `builtin:`.
    """
    text = str(path)
    for folder, prefix in ((str(root), ""), (_builtin_folder(), BUILTIN_PREFIX)):
        below = os.path.join(folder, "")
        if text.startswith(below):
            return prefix + text[len(below) :].replace(os.sep, "/")
    return text.replace(os.sep, "/")


def located(name: str, root: str | Path) -> str:
    """Return the path of a name that `relative_name` has returned."""
    if name.startswith(BUILTIN_PREFIX):
        return os.path.join(_builtin_folder(), name[len(BUILTIN_PREFIX) :])
    return os.path.join(str(root), name)


@cache
def _builtin_folder() -> str:
    return os.path.realpath(data_root() / "assets" / "builtin")


def _resolved_child(folder: str, name: str) -> str:
    """Return the real path of a name in a resolved folder, whose own path is not looked at again."""
    path = os.path.join(folder, name)
    return os.path.realpath(path) if os.name == "nt" or os.path.islink(path) else path


def _is_encodable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, as JSON may have it; names of files in bytes may."""
    return text.isascii() or not any(
        "\ud800" <= letter < "\udc80" or "\udd00" <= letter < "\ue000" for letter in text
    )


class FileGate:
    """Resolves and reads the files below one project root.

    Folder listings and resolved paths are cached: create a new gate for every load.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._root = str(self.root)
        self._below = os.path.join(self._root, "")
        self._folders: dict[tuple[str, str], str] = {}
        self._resolved: dict[tuple[str, str], Path] = {}
        self._listings: dict[str, _Listing] = {}
        self._holds_builtin = self._is_inside(_builtin_folder())

    def resolve(self, text: str, base: Path) -> Path:
        """Return the file that `text` names, relative to the folder `base`, with symbolic links resolved.

        The file need not exist. Raises FileRejectedError `file.outside` for absolute paths, drives, UNC
        names, URLs and paths that lead outside the root, `file.name` for an invalid name, and `file.case` if
        a file's name differs only by letter case or Unicode normal form.
        """
        key = (text, str(base))
        if key not in self._resolved:
            self._resolved[key] = self._resolve(text, base)
        return self._resolved[key]

    def _resolve(self, text: str, base: Path) -> Path:
        if not text.strip() or "\0" in text:
            raise FileRejectedError(AssetCode.FILE_NAME, "the file name is empty or contains a NUL")
        if not _is_encodable(text):
            raise FileRejectedError(AssetCode.FILE_NAME, "the file name has half of a character")
        if text.startswith(BUILTIN_PREFIX):
            return self._builtin(text)
        if not self._holds_builtin and str(base).startswith(_builtin_folder()):
            return self._builtin_gate.resolve(text, base)  # one of Diorama's own files names it
        if text[0] in "/\\" or _SCHEME.match(text):
            raise FileRejectedError(
                AssetCode.FILE_OUTSIDE,
                f"'{text}' is an absolute path or a URL",
                f"write a path inside {self.root}, relative to the file that uses it",
            )
        if "\\" in text:
            reason = f"'{text}' contains a backslash"
            raise FileRejectedError(AssetCode.FILE_NAME, reason, "write / between folders")
        try:
            path = self._real(text, str(base))
        except (OSError, ValueError) as error:
            reason = f"'{text[:80]}' cannot be a file name ({error})"
            raise FileRejectedError(AssetCode.FILE_NAME, reason) from error
        if not self._is_inside(path):
            raise FileRejectedError(
                AssetCode.FILE_OUTSIDE,
                f"'{text}' is outside the project root",
                f"the root is {self.root}; copy the file into it",
            )
        return Path(path)

    def places(self, text: str, base: Path) -> set[Path]:
        """Return where a file is, or would be, that `text` names: as it is written, and where links lead.

        None where it must not be read.
        """
        if "\0" in text or not _is_encodable(text):
            return set()
        written = os.path.normpath(os.path.join(base, text))
        found = {written} if self._is_inside(written) else set()
        with contextlib.suppress(FileRejectedError):
            found.add(str(self.resolve(text, base)))
        return set(map(Path, found))

    def named(self, text: str, base: Path, resolved: Path) -> Path:
        """Return the path that `text` is, with links in it, if it leads to the file that it was resolved to.

        A cache knows a file by it, so that it sees when a link leads elsewhere.
        """
        path = os.path.normpath(os.path.join(base, text))
        is_link = path != str(resolved) and self._is_inside(path) and os.path.realpath(path) == str(resolved)
        return Path(path) if is_link else resolved

    def locate(self, name: str) -> str:
        """Return the path of a name as `relative` returns it. What it leads to is not checked."""
        return located(name, self._root)

    def is_missing(self, path: Path) -> bool:
        """Whether there is no file; one that cannot be read is there."""
        try:
            self.stamp(path)
        except FileRejectedError as error:
            return error.code == Code.FILE_MISSING
        return False

    def stamp(self, path: str | Path) -> Stamp:
        """Return the stamp of a regular file.

        Raises FileRejectedError `file.missing`, `file.kind` or `file.unreadable`.
        """
        try:
            info = os.lstat(path)  # paths are resolved: a link has come since
            check_regular(info, path)
        except (FileNotFoundError, NotADirectoryError) as error:
            message = f"there is no file '{self.relative(path)}'"
            raise FileRejectedError(Code.FILE_MISSING, message, "add it, or correct its path") from error
        except NotRegularError as error:
            raise self._not_regular(path, error) from error
        except OSError as error:
            raise self._unreadable(path, error) from error
        return _stamp_of(info)

    def read(self, path: str | Path, limit: int = MAX_SOURCE_BYTES) -> tuple[bytes, Stamp]:
        """Return the bytes of a regular file and its stamp. Never blocks on a FIFO or a device.

        Raises FileRejectedError `file.missing`, `file.kind`, `file.size` or `file.unreadable`, and
        `file.outside` where a link has come on the way since the path was resolved.
        """
        self.stamp(path)
        try:
            with open(open_below(self._root_of(str(path)), path), "rb") as file:
                info = os.fstat(file.fileno())
                if info.st_size > limit:
                    reason = f"'{self.relative(path)}' has {info.st_size} bytes; at most {limit} are read"
                    raise FileRejectedError(AssetCode.FILE_SIZE, reason)
                data = file.read(limit + 1)
        except NotRegularError as error:
            raise self._not_regular(path, error) from error
        except OutsideError as error:
            reason = f"'{self.relative(path)}' is no longer below the root: {reason_of(error)}"
            raise FileRejectedError(AssetCode.FILE_OUTSIDE, reason) from error
        except OSError as error:
            raise self._unreadable(path, error) from error
        if len(data) > limit:
            raise FileRejectedError(AssetCode.FILE_SIZE, f"'{self.relative(path)}' grew beyond {limit} bytes")
        return data, _stamp_of(info)

    def relative(self, path: str | Path) -> str:
        """Return `path` as in caches and messages: relative to the root, `/` between parts."""
        return relative_name(path, self._root)

    @cached_property
    def _builtin_gate(self) -> FileGate:
        """The gate to Diorama's own assets."""
        return FileGate(Path(_builtin_folder()))

    def _builtin(self, text: str) -> Path:
        """Return the file among Diorama's own assets that `text` names."""
        gate = self._builtin_gate
        try:
            return gate.resolve(text[len(BUILTIN_PREFIX) :], gate.root)
        except FileRejectedError as error:
            reason = f"'{text}' is none of Diorama's own assets: {error.reason}"
            raise FileRejectedError(error.code, reason, error.help) from error

    def _root_of(self, path: str) -> str:
        """Return the folder that a path must be below: the root, or that of Diorama's own assets."""
        folder = _builtin_folder()
        return (
            folder if not self._is_inside(path) and path.startswith(os.path.join(folder, "")) else self._root
        )

    def _is_inside(self, path: str) -> bool:
        return path.startswith(self._below) or path == self._root

    def _real(self, text: str, base: str) -> str:
        """Return the real path of `text`; each folder is resolved once, its names then take one look-up."""
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
        """Return the folder at the path `text` from the resolved `folder`, checking each name."""
        for part in text.split("/"):
            if part == "..":
                folder = os.path.dirname(folder)
            elif part not in ("", "."):
                if self._is_inside(folder):
                    self._check_case(part, self._listing(folder))
                folder = _resolved_child(folder, part)
        return folder

    def _check_case(self, name: str, listing: _Listing) -> None:
        alike = listing.names.get(folded(name), [])
        if alike and name not in alike:
            raise FileRejectedError(
                AssetCode.FILE_CASE,
                f"'{name}' differs only by letter case or Unicode normal form from '{alike[0]}'",
                f"write '{alike[0]}', or rename the file: some systems treat them as one",
            )

    def _listing(self, folder: str) -> _Listing:
        listing = self._listings.get(folder)
        if listing is None:
            listing = self._listings[folder] = _Listing({}, set())
            # reading the file reports a missing or unreadable folder
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    listing.names.setdefault(folded(entry.name), []).append(entry.name)
                    if entry.is_symlink():
                        listing.links.add(entry.name)
        return listing

    def _not_regular(self, path: str | Path, error: NotRegularError) -> FileRejectedError:
        kind = "a folder" if error.is_folder else "no regular file"
        return FileRejectedError(Code.FILE_KIND, f"'{self.relative(path)}' is {kind}")

    def _unreadable(self, path: str | Path, error: OSError) -> FileRejectedError:
        return FileRejectedError(
            Code.FILE_UNREADABLE, f"'{self.relative(path)}' cannot be read: {reason_of(error)}"
        )


def _stamp_of(info: os.stat_result) -> Stamp:
    return Stamp(info.st_size, max(info.st_mtime_ns, info.st_ctime_ns))
