"""What changes among watched files: reported by the system, looked for from time to time, and settled."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from watchfiles import watch

from engine.files.signatures import Signature, signature_of, signatures
from engine.live.watched_files import WatchedFiles

RESCAN_S = 2.0
"""How often all files are looked at, besides when the system reports a change: reports may be lost."""

QUIET_S = 0.2
"""How long nothing is reported until all files are looked at once after watching begins: what changed before
is not reported."""

SETTLE_S = 0.06
"""How long a file must stay the same before it is read."""

FEW_FILES = 8
"""Where more files than these change, as by a checkout, others are about to: all are looked at."""

SLOWEST_S = 60.0
"""How long a file that goes on changing is waited for."""


class _Interruption:
    """Ends a wait for changes: for good, or as something is requested."""

    def __init__(self, stopped: threading.Event, requested: Sequence[Collection[object]]) -> None:
        self._stopped = stopped
        self._requested = requested

    def is_set(self) -> bool:
        return any(self._requested) or self._stopped.is_set()


class Changes:
    """The changes of watched files, on a thread that waits for them until `stopped` is set."""

    def __init__(
        self, files: WatchedFiles, stopped: threading.Event, requested: Sequence[Collection[object]]
    ) -> None:
        """A wait ends as one of the collections in `requested` gets something."""
        self._files = files
        self._stopped = stopped
        self._requested = requested
        self._looked = time.monotonic()
        self._own: dict[Path, Signature] = {}
        """The signatures of files as the program itself has written them."""

    def has_written(self, path: Path) -> None:
        """Note that a file has just been written by the program itself: that is no change."""
        self._own[path] = signature_of(path)

    def reports(self) -> Iterator[set[Path] | None]:
        """Yield entries of folders of which the system reports a change, and from time to time None: all."""
        while not self._stopped.is_set():
            if any(self._requested):
                yield set()
            version, there = self._files.version, self._files.folders()
            try:
                is_quiet = False
                for reports in watch(
                    *there,
                    stop_event=_Interruption(self._stopped, self._requested),
                    recursive=False,
                    debounce=20,
                    step=10,
                    rust_timeout=int(min(RESCAN_S, QUIET_S) * 1000),
                    yield_on_timeout=True,
                    raise_interrupt=False,
                    watch_filter=None,
                ):
                    if reports:
                        yield {Path(path) for _, path in reports}
                    elif self._is_late or not is_quiet:
                        yield None
                    is_quiet = is_quiet or not reports
                    if self._files.version != version:
                        break
            except (OSError, RuntimeError):  # a folder has just gone, or no watches are left in the system
                if self._files.folders() == there:
                    self._stopped.wait(RESCAN_S)
                yield None

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self._looked >= RESCAN_S

    def settled(self, reported: set[Path] | None) -> set[Path]:
        """Return the files that have changed, once they no longer do.

        Of a few that are `reported`, no others are looked at: a save costs the same, however many there are.
        """
        paths = self._files.paths
        concerned = paths if reported is None else self._files.at(reported)
        looked_at: Collection[Path] = paths if self._is_late else concerned
        now = signatures(looked_at)
        found = self._files.changed(now)
        until = time.monotonic() + SLOWEST_S
        while found and not self._stopped.wait(SETTLE_S):
            if len(found) > FEW_FILES:
                looked_at = paths
            again = signatures(looked_at)
            if again == now or time.monotonic() > until:
                break
            now, found = again, self._files.changed(again)
        self._files.update(now)
        if len(looked_at) == len(self._files):
            self._looked = time.monotonic()
        return {path for path in found if self._own.get(Path(os.path.realpath(path))) != now[path]}
