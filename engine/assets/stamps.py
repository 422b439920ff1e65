"""How a source is known again: its size and mtime, and a digest of its bytes for when those differ."""

from __future__ import annotations

import hashlib
import time

from engine.assets.cache import SourceStamp
from engine.assets.files import Stamp

SETTLED_NS = 2_000_000_000
"""A source changed less than this before it was read may change again without another mtime."""


def source_stamp(path: str, content: bytes, stamp: Stamp) -> SourceStamp:
    """The stamp of a source that was just read. One that is very fresh gets no mtime, see SourceStamp."""
    settled = stamp.mtime_ns < time.time_ns() - SETTLED_NS
    return SourceStamp(path, stamp.size, stamp.mtime_ns if settled else 0, digest_of(content))


def digest_of(content: bytes) -> str:
    """The content hash that the cache keeps of a source."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
