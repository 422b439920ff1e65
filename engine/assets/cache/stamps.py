"""Stamps of sources: size and time, and a digest of the bytes for when those differ."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from engine.assets.cache.cache import SourceStamp
from engine.assets.files import FileGate, Stamp

MIN_AGE_NS = 2_000_000_000
"""Nanoseconds; a source changed more recently than that may change again with the same time."""


def source_stamp(path: str, content: bytes, stamp: Stamp) -> SourceStamp:
    """Return the stamp of a source that was just read; without a time if too recent, see SourceStamp."""
    settled = stamp.changed_ns < time.time_ns() - MIN_AGE_NS
    return SourceStamp(path, stamp.size, stamp.changed_ns if settled else 0, digest_of(content))


def missing_stamp(path: str) -> SourceStamp:
    """Return the stamp of a source that could not be read: nothing that is there is as it says."""
    return SourceStamp(path, 0, 0, "")


def unread_stamps(paths: Iterable[Path], gate: FileGate) -> tuple[SourceStamp, ...]:
    """Return the stamps of files that could not be read."""
    return tuple(missing_stamp(gate.relative(path)) for path in sorted(set(paths)))


def digest_of(content: bytes) -> str:
    """Return the digest of a source's content for the cache."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
