"""Messages between the two processes of a trial: an object of JSON, then binary parts, of limited sizes."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

from engine.runtime.trials.limits import MAX_BLOB_BYTES, MAX_BLOBS, MAX_HEADER_BYTES

_HEAD = struct.Struct("<4sI")
_MAGIC = b"DTRY"
_SIZES = "sizes"


class NotAMessage(ValueError):
    """What was read is no message."""


def write_message(stream: BinaryIO, values: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Write and flush a message. Raises OSError."""
    text = json.dumps({**values, _SIZES: [len(blob) for blob in blobs]}).encode()
    stream.write(b"".join((_HEAD.pack(_MAGIC, len(text)), text, *blobs)))
    stream.flush()


def read_message(stream: BinaryIO) -> tuple[dict[str, Any], list[bytes]]:
    """Read a message; believes nothing. Raises EOFError at the end of the stream, NotAMessage, OSError."""
    magic, size = _HEAD.unpack(_read(stream, _HEAD.size))
    if magic != _MAGIC or size > MAX_HEADER_BYTES:
        raise NotAMessage("it does not begin as a message")
    try:
        values = json.loads(_read(stream, size))
    except (ValueError, RecursionError) as error:
        raise NotAMessage("its text is not JSON") from error
    sizes = values.pop(_SIZES, None) if isinstance(values, dict) else None
    if not isinstance(sizes, list) or len(sizes) > MAX_BLOBS:
        raise NotAMessage("it has no list of sizes")
    if any(type(one) is not int or not 0 <= one <= MAX_BLOB_BYTES for one in sizes):
        raise NotAMessage("a size is out of range")
    return values, [_read(stream, one) for one in sizes]


def _read(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
