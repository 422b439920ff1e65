"""The cache file of a database: header, data, table of contents; nothing is used before it is checked.

    header   4096 bytes: magic, version, length of the file, offsets of data and table, checksums
    data     one range per asset, in the order of use, each aligned to 16 bytes
    table    JSON: the sources of each range, its offset, its checksum, its facts

The table is at the end because it is complete last; the header is written after it, and the file gets its
name by a rename. Checksums are CRC-32, which detects every single flipped bit.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.assets.limits import CACHE_ALIGNMENT

MAGIC = b"ogCache\0"
VERSION = 1
HEADER_BYTES = 4096
"""The header takes a page, so that the data and windows on it start at a page."""

_HEADER = struct.Struct("<8sIIQQQQQII")
_CRC_PLACE = _HEADER.size - 4
_CHECKED_AT_ONCE = 16 << 20


class CacheMissError(Exception):
    """The cache cannot be used, for the reason in the text; it is cooked again without a report."""


class SourceStamp(NamedTuple):
    """A source when it was imported: path relative to the root, size in bytes, mtime in ns, digest.

    An mtime of 0 means that a later change could have the same mtime: compare the digest.
    """

    path: str
    size: int
    mtime_ns: int
    digest: str


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

    @classmethod
    def from_json(cls, data: Mapping[str, Any], data_size: int) -> Entry:
        """Return the entry of plain values. Raises ValueError, TypeError or KeyError if it is invalid."""
        entry = cls(
            **{
                **data,
                "sources": tuple(SourceStamp(*row) for row in data["sources"]),
                "warnings": tuple(data["warnings"]),
                "failure": tuple(data["failure"]),
            }
        )
        numbers = (entry.offset, entry.size, entry.alignment, entry.checksum)
        if not all(isinstance(value, int) and value >= 0 for value in numbers):
            raise ValueError("a negative or missing number")
        if entry.offset % CACHE_ALIGNMENT or padded(entry.size) > data_size - entry.offset:
            raise ValueError("a range outside the data")
        return entry


def padded(size: int) -> int:
    """Return `size` rounded up to the alignment of assets; the checksum includes the padding zeros."""
    return -(-size // CACHE_ALIGNMENT) * CACHE_ALIGNMENT


@dataclass(slots=True)
class CacheImage:
    """An open cache: its entries and its data, mapped from the file or in memory.

    `descriptor` is the open file and `begin` the offset of its data, for bulk copies with preadv: reading a
    mapping of a file that is truncated raises SIGBUS.
    """

    entries: tuple[Entry, ...]
    data: memoryview
    path: Path | None = None
    _whole: memoryview = field(default_factory=lambda: memoryview(b""))
    _map: mmap.mmap | None = None
    descriptor: int | None = None
    begin: int = HEADER_BYTES

    @property
    def size(self) -> int:
        """Size of the data in bytes."""
        return len(self.data)

    def view(self, entry: Entry) -> memoryview:
        """Return the bytes of one asset."""
        return self.data[entry.offset : entry.offset + entry.size]

    def range_with_padding(self, entry: Entry) -> memoryview:
        """Return the bytes of one asset with the padding zeros."""
        return self.data[entry.offset : entry.offset + padded(entry.size)]

    def damaged(self) -> frozenset[str]:
        """Return the identities of the assets whose bytes do not match their checksum."""

        def is_damaged(entry: Entry) -> bool:
            return zlib.crc32(self.range_with_padding(entry)) != entry.checksum

        if len(self.data) > _CHECKED_AT_ONCE:
            from concurrent.futures import ThreadPoolExecutor  # importing takes 5 ms

            with ThreadPoolExecutor() as pool:
                results = list(pool.map(is_damaged, self.entries, chunksize=64))
        else:
            results = [is_damaged(entry) for entry in self.entries]
        return frozenset(entry.identity for entry, bad in zip(self.entries, results, strict=True) if bad)

    def close(self) -> None:
        """Close the file. Existing views stay valid."""
        self.data.release()
        self._whole.release()
        if self._map is not None:
            with contextlib.suppress(BufferError):  # a view still exists: the last one unmaps
                self._map.close()
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def open_cache(path: Path) -> CacheImage:
    """Map a cache file. Raises CacheMissError if it is missing, damaged, or of another version."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < HEADER_BYTES:
                raise CacheMissError(f"{size} bytes are too few")
            mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            descriptor = os.dup(file.fileno())
    except (OSError, ValueError) as error:
        raise CacheMissError(str(error)) from error
    whole = memoryview(mapped)
    try:
        entries, data = _read(whole)
    except CacheMissError:
        whole.release()
        mapped.close()
        os.close(descriptor)
        raise
    return CacheImage(entries, data, path, whole, mapped, descriptor)


def cache_in_memory(content: bytes) -> CacheImage:
    """Open a cache from bytes, where no file can be written."""
    whole = memoryview(content)
    entries, data = _read(whole)
    return CacheImage(entries, data, None, whole)


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


def _read(whole: memoryview) -> tuple[tuple[Entry, ...], memoryview]:
    """Check header and table against the size of the file; return entries and data."""
    magic, version, header_bytes, length, toc_offset, toc_size, data_offset, data_size, toc_crc, crc = (
        _HEADER.unpack_from(whole)
    )
    if magic != MAGIC or version != VERSION or header_bytes != HEADER_BYTES:
        raise CacheMissError("another format or version")
    blank = bytes(whole[:_CRC_PLACE]) + b"\0\0\0\0" + bytes(whole[_CRC_PLACE + 4 : HEADER_BYTES])
    if zlib.crc32(blank) != crc:
        raise CacheMissError("the header's checksum is wrong")
    if length != len(whole) or data_offset != HEADER_BYTES:
        raise CacheMissError("the file's length differs from its header")
    if toc_offset != HEADER_BYTES + data_size or toc_offset + toc_size != length:
        raise CacheMissError("the parts do not add up to the file")
    toc = bytes(whole[toc_offset : toc_offset + toc_size])
    if zlib.crc32(toc) != toc_crc:
        raise CacheMissError("the table's checksum is wrong")
    try:
        rows = json.loads(toc)["entries"]
        entries = tuple(Entry.from_json(row, data_size) for row in rows)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise CacheMissError(f"the table cannot be read: {error}") from error
    return entries, whole[data_offset : data_offset + data_size]
