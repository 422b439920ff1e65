"""Writes the caches of databases whole, in another process, once their sources have been at rest for a while.

What was saved is drawn from a side file at once. The caches are for the next start: a process of its own
cooks them as any other would, so that frames share neither a processor's time with it nor the interpreter's
lock, and a crash leaves the cache that was there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.assets import AssetDb

REST_S = 1.0
"""How long sources must have stayed the same before caches are written, in seconds."""

_ROOT = Path(__file__).resolve().parents[2]


class WholeCaches:
    """Has caches written that are behind. Call `poll` from time to time, from one thread; close it.

    `written` counts the processes that have ended well. Where one fails, the cache is written at the next
    start.
    """

    def __init__(self, jobs: int = 1) -> None:
        self.written = 0
        self._jobs = jobs
        self._behind: dict[str, tuple[AssetDb, Path]] = {}
        self._since = 0.0
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pending(self) -> bool:
        """Whether a cache is behind, or being written."""
        return bool(self._behind) or self._child is not None

    def add(self, db: AssetDb, cache: Path) -> None:
        """Have the cache of a database written, at this path, once its sources are at rest."""
        self._behind[db.name] = db, cache
        self._since = time.monotonic()

    def poll(self) -> None:
        """Start a process if it is time, and note the end of one."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            self.written += self._child.returncode == 0
            self._child = None
        if self._behind and time.monotonic() - self._since >= REST_S:
            behind, self._behind = self._behind, {}
            self._child = _start(list(behind.values()), self._jobs)

    def close(self) -> None:
        """End a process that is writing, which leaves the cache as it was."""
        child, self._child = self._child, None
        self._behind.clear()
        if child is not None:
            child.kill()
            child.wait()


def _start(dbs: Sequence[tuple[AssetDb, Path]], jobs: int) -> subprocess.Popen[bytes] | None:
    others = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(_ROOT), *([others] if others else [])])
    rows = [[str(db.path), str(db.root), db.name, str(cache)] for db, cache in dbs]
    command = [sys.executable, "-P", "-m", "engine.live.cooking_process", str(jobs), json.dumps(rows)]
    with suppress(OSError):  # there are no processes left: the next start cooks
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
    return None
