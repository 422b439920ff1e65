"""Divides a glTF file into its JSON text and the binary chunk of a `.glb` (glTF 2.0, chapter 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.gltf.codes import GltfCode
from engine.humon import InputError, Position, Problem

MAGIC = b"glTF"
"""The first bytes of a binary container; any other file is read as JSON."""

_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")
_JSON, _BINARY = b"JSON", b"BIN\0"
_BOM = b"\xef\xbb\xbf"
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Container:
    """The parts of a file: its JSON text, at which byte that begins, and the binary chunk, if any.

    `is_binary` is whether it was a `.glb`.
    """

    text: memoryview
    text_start: int
    binary: memoryview | None
    is_binary: bool


def read_container(data: bytes | memoryview, name: str) -> Container:
    """Divide a file by its first bytes, without a copy.

    Raises InputError: `gltf.container`, `gltf.version`.
    """
    view = memoryview(data)
    if view[:4] != MAGIC:
        start = len(_BOM) if view[: len(_BOM)] == _BOM else 0
        if name.lower().endswith(".glb") and bytes(view[start : start + 64]).lstrip()[:1] != b"{":
            first = bytes(view[: len(MAGIC)])
            raise _damaged(f"the file is no GLB: it begins with {first!r}, not with {MAGIC!r}", name)
        return Container(view[start:], start, None, is_binary=False)
    if len(view) < _HEADER.size:
        raise _damaged(f"the file ends after {len(view)} bytes, within its header", name)
    _, version, length = _HEADER.unpack_from(view)
    if version != _VERSION:
        message = f"the file is of version {version} of glTF's container; version 2 is read"
        raise InputError(
            Problem(GltfCode.VERSION, message, Position(name), help="export the model as glTF 2.0")
        )
    if length > len(view):
        raise _damaged(f"the header says that the file has {length} bytes; it has {len(view)}", name)
    text, start, at = _chunk(view, _HEADER.size, length, _JSON, name)
    binary = None
    if at < length:
        kind = bytes(view[at + 4 : at + 8])
        if kind == _BINARY:
            binary, _, at = _chunk(view, at, length, _BINARY, name)
    return Container(text, start, binary, is_binary=True)


def _chunk(view: memoryview, at: int, end: int, kind: bytes, name: str) -> tuple[memoryview, int, int]:
    """Return a chunk's bytes, at which byte of the file they begin, and where the next chunk begins."""
    if at + _CHUNK.size > end:
        raise _damaged(f"the file ends at byte {end}, where a chunk should begin", name)
    length, found = _CHUNK.unpack_from(view, at)
    if found != kind:
        shown = found.decode("latin-1").strip("\0")
        raise _damaged(f"the chunk at byte {at} is of type {shown!r}; the first one is JSON", name)
    start = at + _CHUNK.size
    if start + length > end:
        raise _damaged(f"the chunk at byte {at} has {length} bytes; {end - start} are left in the file", name)
    return view[start : start + length], start, min(start + length + -length % 4, end)


def _damaged(message: str, name: str) -> InputError:
    return InputError(Problem(GltfCode.CONTAINER, message, Position(name), help="export the model again"))
