"""What was tried on this machine: one small file in the user's cache folder, which is input like any other.

    DIOTRY01, CRC-32 of the rest, then JSON: [[key, verdict, reason], ...], the oldest first

A damaged or missing file holds nothing, and a folder that cannot be written only means trials again.
"""

from __future__ import annotations

import json
import re
import threading
import zlib
from pathlib import Path

from engine.assets.cache.lock import cache_lock
from engine.files import read_regular, write_whole
from engine.runtime.trials.limits import MAX_REASON, MAX_RECORD_BYTES, MAX_RECORDS
from engine.runtime.trials.trial import REMEMBERED, Outcome, Verdict

_MAGIC = b"DIOTRY01"
_HEAD = len(_MAGIC) + 4
_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = "shader-trials.bin"
_LOCK_SECONDS = 5.0


class TrialRecord:
    """The outcomes of trials by their key, 64 hexadecimal digits; any thread may call.

    Without a folder (None) they are kept for this process alone.
    """

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / _NAME
        self._lock = threading.Lock()
        self._outcomes = _read(self.path)

    def __len__(self) -> int:
        return len(self._outcomes)

    def find(self, key: str) -> Outcome | None:
        """Return the outcome of an earlier trial, None where there was none."""
        with self._lock:
            return self._outcomes.get(key)

    def add(self, key: str, outcome: Outcome) -> None:
        """Note the outcome of a trial, and write it to the file with what other processes have noted."""
        with self._lock:
            self._outcomes.pop(key, None)
            self._outcomes[key] = outcome
            if self.path is not None:
                try:
                    self.path.parent.mkdir(parents=True, exist_ok=True)
                    with cache_lock(self.path, _LOCK_SECONDS):
                        self._outcomes = {**_read(self.path), **self._outcomes}
                        # not durable: a file that a power failure damages holds nothing
                        write_whole(self.path, self._packed(), follow=False, durable=False)
                except (OSError, TimeoutError):
                    return

    def _packed(self) -> bytes:
        rows = [(key, one.verdict, _shortened(one.reason)) for key, one in self._outcomes.items()]
        rows = rows[-MAX_RECORDS:]
        while len(body := json.dumps(rows).encode()) + _HEAD > MAX_RECORD_BYTES:
            rows = rows[len(rows) // 2 :]
        return _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body


def _read(path: Path | None) -> dict[str, Outcome]:
    """Return the outcomes in a file; none where it is missing, damaged or made up."""
    if path is None:
        return {}
    try:
        content = read_regular(path, MAX_RECORD_BYTES, follow=False)
    except OSError:
        return {}
    body = content[_HEAD:]
    if content[:_HEAD] != _MAGIC + zlib.crc32(body).to_bytes(4, "little"):
        return {}
    try:
        rows = json.loads(body)
        if not isinstance(rows, list) or len(rows) > MAX_RECORDS:
            return {}
        if not all(_is_row(row) for row in rows):
            return {}
    except (ValueError, RecursionError):
        return {}
    return {key: Outcome(Verdict(verdict), reason) for key, verdict, reason in rows}


def _shortened(reason: str) -> str:
    """Return a reason that `_is_row` takes."""
    return "".join(one if one.isprintable() else " " for one in reason[:MAX_REASON])


def _is_row(row: object) -> bool:
    if not isinstance(row, list) or len(row) != 3 or not all(isinstance(value, str) for value in row):
        return False
    key, verdict, reason = row
    return (
        _KEY.fullmatch(key) is not None
        and verdict in REMEMBERED
        and len(reason) <= MAX_REASON
        and reason.isprintable()
    )
