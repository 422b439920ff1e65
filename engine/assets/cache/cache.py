"""The cache file of a database: header, data, table of contents; nothing is used before it is checked.

    header   4096 bytes: magic, version, length of the file, offsets of data and table, checksums
    data     one range per asset, in the order of use, each aligned to 16 bytes
    table    JSON: the sources of each range, its offset, its checksum, its facts

The table is at the end because it is complete last; the header is written after it, and the file gets its
name by a rename. Checksums are CRC-32, which detects every single flipped bit.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from engine.assets.cache.stored_values import (
    StoredValueError,
    fixed,
    integer,
    optional,
    record,
    several,
    text,
)
from engine.assets.codes import AssetCode
from engine.assets.limits import CACHE_ALIGNMENT, MAX_ASSETS
from engine.files import open_regular
from engine.gltf.codes import GltfCode
from engine.humon.codes import Code
from engine.obj.codes import ObjCode

MAGIC = b"ogCache\0"
VERSION = 1
HEADER_BYTES = 4096
"""The header takes a page, so that the data and windows on it start at a page."""

_HEADER = struct.Struct("<8sIIQQQQQII")
_CRC_PLACE = _HEADER.size - 4
_CHECKED_AT_ONCE = 16 << 20
_PIECE_BYTES = 1 << 20
_TOC_BYTES = 1 << 20
_ENTRY_BYTES = 64 << 10
_KEPT_TABLES = 8
TICK_NS = 20_000_000
"""Nanoseconds; more than the step of the clock by which systems stamp files."""
_LOOKS = 3
"""A table of contents takes no more than this and `_ENTRY_BYTES` for each asset: it is parsed as a whole."""


class CacheMissError(Exception):
    """The cache cannot be used, for the reason in the text; it is cooked again without a report."""


class SourceStamp(NamedTuple):
    """A source when it was imported: path relative to the root, size in bytes, when changed in ns, digest.

    A time of 0 means that a later change could have the same one: compare the digest. Without a digest there
    was no such file, or it could not be read. For the time see `Stamp`.
    """

    path: str
    size: int
    changed_ns: int
    digest: str

    @property
    def is_missing(self) -> bool:
        """Whether the file was not there."""
        return not self.digest


@dataclass(frozen=True, slots=True)
class Entry:
    """One asset in a cache. `identity` is the identity of its recipe, `tool` that of the compiler, if any.

    `failure` has the problems of an asset that cannot be imported, as plain values; it has no data then.
    """

    identity: str
    tool: str
    sources: tuple[SourceStamp, ...]
    offset: int = 0
    size: int = 0
    alignment: int = CACHE_ALIGNMENT
    checksum: int = 0
    facts: Mapping[str, Any] | None = None
    warnings: tuple[Mapping[str, Any], ...] = ()
    failure: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


def _source_path(value: Any) -> str:
    """Read the path of a source below the project root."""
    path: str = _PATH(value)
    if not path or path[0] == "/" or "\\" in path or ".." in path.split("/"):
        raise StoredValueError(f"{path!r:.80} is no path below the root")
    return path


def _object(value: Any) -> Mapping[str, Any]:
    """Read any object; `engine.assets.cache.facts` reads its members once the type of the asset is known."""
    if type(value) is not dict:
        raise StoredValueError("no object")
    return value


def _code(value: Any) -> str:
    """Read the code of a problem that an import can have."""
    if value not in _codes():
        raise StoredValueError(f"{value!r:.80} is no code of a problem")
    return str(value)


@cache
def _codes() -> frozenset[str]:
    return frozenset(str(code) for codes in (Code, AssetCode, GltfCode, ObjCode) for code in codes)


_PATH = text(4096)
_STAMP = fixed(_source_path, integer(0), integer(), text(64), make=SourceStamp._make)
_PROBLEM = record(
    {
        "code": _code,
        "message": text(),
        "position": optional(fixed(_source_path, integer(0), integer(0), make=list)),
        "excerpt": text(),
        "help": text(),
    }
)
_ENTRY = record(
    {
        "identity": text(64),
        "tool": text(1024),
        "sources": several(_STAMP, 1024),
        "offset": integer(0),
        "size": integer(0),
        "alignment": integer(CACHE_ALIGNMENT, CACHE_ALIGNMENT),
        "checksum": integer(0, 0xFFFF_FFFF),
        "facts": optional(_object),
        "warnings": several(_PROBLEM, 1024),
        "failure": several(_PROBLEM, 1024),
    },
    Entry,
)


def padded(size: int) -> int:
    """Return `size` rounded up to the alignment of assets; the checksum includes the padding zeros."""
    return -(-size // CACHE_ALIGNMENT) * CACHE_ALIGNMENT


@dataclass(slots=True)
class CacheImage:
    """An open cache: its entries, and `size` bytes of data in the file `descriptor` from `begin` on.

    The file is read and not mapped: reading a mapping of a file that another process truncates raises SIGBUS.
    What is read after somebody has written to the file is not used: `stamp` is its size and its mtime in ns;
    None for a file that no other process can open, which is not closed but `released`. The content is in
    `memory` instead where no file was written, and on systems without preadv, where it is mapped: Windows
    keeps mapped files from being truncated.
    """

    entries: tuple[Entry, ...]
    size: int
    path: Path | None = None
    descriptor: int | None = None
    memory: memoryview | None = None
    begin: int = HEADER_BYTES
    stamp: tuple[int, int] | None = (0, 0)
    released: Callable[[], None] | None = None

    @property
    def data(self) -> bytes | memoryview:
        """All data; that of a file is read into memory. Raises CacheMissError, as all that reads the file."""
        return self.bytes_at(self.begin, self.size)

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of one asset."""
        return b"".join(self.pieces(entry))

    def pieces(self, entry: Entry, row_bytes: int = 1) -> Iterator[memoryview]:
        """Yield the bytes of one asset in pieces of about a MiB, each of whole rows of `row_bytes`.

        Raises CacheMissError after the last one if they are not those of the checksum.
        """
        step = max(row_bytes, _PIECE_BYTES - _PIECE_BYTES % row_bytes)
        at, end = entry.offset, entry.offset + entry.size
        checksum = 0
        while at < end:
            size = step if at + step < end else padded(end) - at
            content = self.bytes_at(self.begin + at, size)
            checksum = zlib.crc32(content, checksum)
            yield memoryview(content)[: end - at]
            at += step
        if checksum != entry.checksum:
            raise CacheMissError("the checksum of an asset is wrong")

    def damaged(
        self, entries: Sequence[Entry] | None = None, fits: Callable[[Entry], bool] | None = None
    ) -> frozenset[str]:
        """Return the identities of those `entries` (None: all) whose bytes do not match their checksum.

        `fits` reads all `pieces` of an entry, on any thread, and says whether they are what they should be.
        """
        entries = self.entries if entries is None else entries
        read_all = fits or (lambda entry: all(True for _ in self.pieces(entry)))

        def is_damaged(entry: Entry) -> bool:
            try:
                return not read_all(entry)
            except CacheMissError:
                return True

        if self.size > _CHECKED_AT_ONCE:
            from concurrent.futures import ThreadPoolExecutor  # importing takes 5 ms

            with ThreadPoolExecutor() as pool:
                results = list(pool.map(is_damaged, entries, chunksize=64))
        else:
            results = [is_damaged(entry) for entry in entries]
        return frozenset(entry.identity for entry, bad in zip(entries, results, strict=True) if bad)

    def bytes_at(self, offset: int, size: int) -> bytes | memoryview:
        """Return a range of the file."""
        if self.memory is not None:
            return self.memory[offset : offset + size]
        if self.descriptor is None:
            raise CacheMissError("the cache is closed")
        parts: list[bytes] = []
        while size:  # a read returns at most 2 GiB
            try:
                part = os.pread(self.descriptor, size, offset)
            except OSError as error:
                raise CacheMissError(str(error)) from error
            if not part:
                raise CacheMissError("the file ends too early")
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        if self.stamp is not None and stamp_of(self.descriptor) != self.stamp:
            raise CacheMissError("another process has written to it")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def discard(self) -> None:
        """Delete the file unless another one has taken its place, so that who opens it next cooks again.

        What is open stays so. Nothing happens where the file may not be deleted.
        """
        if self.descriptor is None or self.path is None:
            return
        with suppress(OSError):
            if os.path.samestat(os.fstat(self.descriptor), os.stat(self.path, follow_symlinks=False)):
                os.unlink(self.path)

    def close(self) -> None:
        """Close the file, or release it. What was read stays valid."""
        self.memory = None
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None and self.released is not None:
            self.released()
        elif descriptor is not None:
            os.close(descriptor)


def open_cache(path: Path, assets: int = MAX_ASSETS) -> CacheImage:
    """Open the cache file of a database of so many assets, and check its header and its table.

    Raises CacheMissError if it is missing, damaged, or of another version.
    """
    try:
        descriptor = open_regular(path, follow=False)
    except (OSError, ValueError) as error:
        raise CacheMissError(str(error)) from error
    try:
        stamp = _settled_stamp(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    image = cache_of_file(descriptor, path, stamp)
    try:
        _read_table(image, stamp[0], _TOC_BYTES + assets * _ENTRY_BYTES)
    except BaseException:
        image.close()
        raise
    return image


def stamp_of(descriptor: int) -> tuple[int, int]:
    """Return size and mtime in ns of an open file."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns


def _settled_stamp(descriptor: int) -> tuple[int, int]:
    """Return the stamp of an open file, which every write from now on changes.

    A file that was written to within a tick of the clock is looked at again after it. Raises CacheMissError
    where it is still being written then.
    """
    for _ in range(_LOOKS):
        stamp = stamp_of(descriptor)
        if not 0 <= time.time_ns() - stamp[1] < TICK_NS:
            return stamp
        time.sleep(TICK_NS / 1e9)
    raise CacheMissError("another process is writing to it")


def cache_of_file(
    descriptor: int,
    path: Path,
    stamp: tuple[int, int],
    entries: tuple[Entry, ...] = (),
    data_size: int = 0,
) -> CacheImage:
    """Return the cache in an open file, whose descriptor it owns. Raises CacheMissError."""
    memory = None
    if not hasattr(os, "preadv"):
        try:
            memory = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            os.close(descriptor)
            raise CacheMissError(str(error)) from error
    return CacheImage(entries, data_size, path, descriptor, memory, stamp=stamp)


def pack_header(length: int, toc_offset: int, toc: bytes) -> bytes:
    """Return the header of a cache of `length` bytes whose table of contents `toc` is at `toc_offset`."""
    header = _HEADER.pack(
        MAGIC,
        VERSION,
        HEADER_BYTES,
        length,
        toc_offset,
        len(toc),
        HEADER_BYTES,
        toc_offset - HEADER_BYTES,
        zlib.crc32(toc),
        0,
    ).ljust(HEADER_BYTES, b"\0")
    return header[:_CRC_PLACE] + struct.pack("<I", zlib.crc32(header)) + header[_CRC_PLACE + 4 :]


def _read_table(image: CacheImage, file_size: int, most_toc_bytes: int) -> None:
    """Check header and table against the size of the file, and give the image its entries and its size."""
    if file_size < HEADER_BYTES:
        raise CacheMissError(f"{file_size} bytes are too few")
    header = bytes(image.bytes_at(0, HEADER_BYTES))
    magic, version, header_bytes, length, toc_offset, toc_size, data_offset, data_size, toc_crc, crc = (
        _HEADER.unpack_from(header)
    )
    if magic != MAGIC or version != VERSION or header_bytes != HEADER_BYTES:
        raise CacheMissError("another format or version")
    if zlib.crc32(header[:_CRC_PLACE] + b"\0\0\0\0" + header[_CRC_PLACE + 4 :]) != crc:
        raise CacheMissError("the header's checksum is wrong")
    if length != file_size or data_offset != HEADER_BYTES:
        raise CacheMissError("the file's length differs from its header")
    if toc_offset != HEADER_BYTES + data_size or toc_offset + toc_size != length:
        raise CacheMissError("the parts do not add up to the file")
    if toc_size > most_toc_bytes:
        raise CacheMissError(f"a table of {toc_size} bytes is larger than that of any such database")
    toc = bytes(image.bytes_at(toc_offset, toc_size))
    if zlib.crc32(toc) != toc_crc:
        raise CacheMissError("the table's checksum is wrong")
    entries = (_entries_again if toc_size <= _TOC_BYTES else _entries_of)(toc)
    _check_layout(entries, data_size)
    image.entries, image.size = entries, data_size


def _entries_of(toc: bytes) -> tuple[Entry, ...]:
    """Read the entries of a table of contents. Raises CacheMissError."""
    try:
        rows = json.loads(toc)["entries"]
        entries: tuple[Entry, ...] = several(_ENTRY, MAX_ASSETS)(rows)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise CacheMissError(f"the table cannot be read: {error}") from error
    return entries


_entries_again = lru_cache(_KEPT_TABLES)(_entries_of)
"""The same bytes have the same entries: all scenes of a process open the builtin database."""


def _check_layout(entries: Sequence[Entry], data_size: int) -> None:
    """Check that the ranges follow each other as they are written, and that no asset is there twice."""
    end = 0
    for entry in entries:
        if entry.offset != end or (entry.failure and entry.size) or not (entry.failure or entry.facts):
            raise CacheMissError("an entry is not laid out as it is written")
        end += padded(entry.size)
    if end != data_size:
        raise CacheMissError("the ranges do not add up to the data")
    if len({entry.identity for entry in entries}) != len(entries):
        raise CacheMissError("two entries have one identity")
