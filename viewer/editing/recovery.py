"""Changes that are not saved, kept in a file aside, so that they survive a crash."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.files.opening import read_regular, reason_of
from engine.humon import Document, InputError, integer, parse, required, text, write
from engine.humon.saving import write_atomically
from engine.scene.snapshot import Snapshot
from viewer.editing.editor import Editor
from viewer.editing.history import EditError
from viewer.editing.unsaved import Redoing, unsaved

MOST_OWN = 100
"""Files of one scene that one process may leave."""
INTERVAL_S = 3.0
"""The least time between two files."""
MAX_BYTES = 32 << 20
"""Of a file that is read: some 300,000 changed objects, read within seconds."""
VERSION = 1


@dataclass(frozen=True)
class Found:
    """A file of an earlier run that has ended without removing it; `when` in seconds since the epoch."""

    path: Path
    when: float
    document: Document


class Recovery:
    """Writes what is not saved into a file, on a thread of its own; removes it once all is saved."""

    def __init__(
        self,
        editor: Editor,
        folder: Path | None,
        report: Callable[[str], None],
        is_saved: Callable[[], bool] | None = None,
        moved: Callable[[], object] = lambda: None,
    ) -> None:
        """`folder` holds the files of all scenes; None for none. `report` is called with what goes wrong.

        `is_saved` is whether nothing has to be kept, and `moved` returns another value where what moves
        without changes, as a camera, is elsewhere.
        """
        self._editor = editor
        self._is_saved = is_saved or (lambda: editor.history.is_saved)
        self._moved = moved
        self._report = report
        self._folder = folder
        self._name, self._path = self._place()
        self._written = self._state()
        self._has_written = False
        self._next = 0.0
        self._thread = ThreadPoolExecutor(1, "recovery")
        self._under_way: Future[None] | None = None

    def _place(self) -> tuple[str, Path | None]:
        """Return what the names of the scene's files begin with, and the file of this run."""
        scenes = [str(part.files[0].path) for part in self._editor.scene.parts] or ["scene"]
        digest = hashlib.sha256("\n".join(scenes).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        name, folder = f"{Path(scenes[0]).stem[:40]}-{digest}", self._folder
        return name, _free(folder / f"{name}-{os.getpid()}.hu") if folder is not None else None

    def follow(self) -> None:
        """Go on with the scene under another name, by which all is saved."""
        self.wait()
        if self._path is not None and self._has_written:
            self._remove(self._path)
        self._has_written, self._written = False, self._state()
        self._name, self._path = self._place()

    def found(self) -> list[Found]:
        """Return the files of runs that have ended, and of this one when it had the scene open before.

        The latest comes first. What cannot be read is reported.
        """
        found: list[Found] = []
        if self._folder is None or not os.path.isdir(self._folder):
            return found
        for path in sorted(self._folder.glob(f"{self._name}-*.hu")):
            number = path.stem.rpartition("-")[2].partition(".")[0]
            if path == self._path or not number.isdecimal():
                continue
            if int(number) != os.getpid() and _is_running(int(number)):
                continue
            try:
                document = parse(read_regular(path, MAX_BYTES, follow=False), str(path))
                integer(required(document.root, "version"), VERSION, VERSION)
                found.append(Found(path, os.stat(path).st_mtime, document))
            except (OSError, InputError) as error:
                self._report(f"warning[viewer.recovery]: {path} cannot be read: {error}")
        return sorted(found, key=lambda each: -each.when)

    def recover(self, found: Found) -> list[str]:
        """Do what a file has; return the paths of objects that are not there. The file is removed.

        Raises EditError where that is impossible, and does nothing then.
        """
        missed: list[str] = []
        try:
            with self._editor.history.group("Recover unsaved changes"):
                for node in required(found.document.root, "parts"):
                    name = text(required(node, "file"))
                    for part in self._editor.scene.parts:
                        if str(part.files[0].path) == name:
                            redoing = Redoing(self._editor, part)
                            redoing.redo(required(node, "unsaved"))
                            missed += redoing.missed
        except InputError as error:
            raise EditError(f"the changes cannot be recovered: {error.problems[0].message}") from error
        self.discard(found)
        return missed

    def discard(self, found: Found) -> None:
        """Remove a file; why that cannot be done is reported."""
        self._remove(found.path)

    def poll(self) -> None:
        """Start writing if something has changed and it is time; call it once a frame."""
        if self._path is None or time.monotonic() < self._next or (state := self._state()) == self._written:
            return
        if self._under_way is not None:
            if not self._under_way.done():
                return
            self._finish()
        began = time.perf_counter()
        self._written = state
        parts = self._editor.scene.parts
        states = (
            []
            if self._is_saved()
            else [
                (
                    str(part.files[0].path),
                    part.saver.before,
                    Snapshot.of(self._editor.tableau, part.root),
                    part.dbs,
                )
                for part in parts
                if part.home is not None
            ]
        )
        schemas = {name: table.schema for name, table in self._editor.tableau.tables.items()}

        def work() -> None:
            listed: list[dict[str, object]] = [
                {"file": name, "unsaved": found}
                for name, before, now, dbs in states
                if (found := unsaved(before, now, schemas, dbs))
            ]
            self._write(self._path, listed)

        self._has_written = True
        self._under_way = self._thread.submit(work)
        self._next = time.monotonic() + max(INTERVAL_S, 100 * (time.perf_counter() - began))

    def close(self) -> None:
        """End: the file is removed where all is saved; else it has what is not, to be offered next time.

        Where nothing but the camera was moved, that is left behind.
        """
        self._next = 0.0
        self.wait()
        self.poll()
        self.wait()
        self._thread.shutdown(wait=True)
        if self._path is not None and self._has_written and self._editor.history.is_saved:
            self._remove(self._path)

    def _state(self) -> tuple[object, ...]:
        """Another value where there is something else to keep."""
        return self._editor.history.version, self._moved()

    def wait(self) -> None:
        """Wait until what is being written is there."""
        if self._under_way is not None:
            self._finish()

    def _finish(self) -> None:
        """Take the result of the thread; what has failed is reported."""
        assert self._under_way is not None
        error = self._under_way.exception()
        self._under_way = None
        if error is not None:
            what = error.problems[0].message if isinstance(error, InputError) else str(error)
            self._report(f"warning[viewer.recovery]: changes that are not saved are not kept aside: {what}")

    def _remove(self, path: Path) -> None:
        try:
            _unlink(path)
        except OSError as error:
            self._report(f"warning[viewer.recovery]: {path} cannot be removed: {reason_of(error)}")

    @staticmethod
    def _write(path: Path | None, listed: list[dict[str, object]]) -> None:
        if path is None:
            return
        if not listed:
            _unlink(path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, write({"version": VERSION, "parts": listed}))


def _unlink(path: Path) -> None:
    """Remove a file if there is one. Raises OSError."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()


def _free(path: Path) -> Path:
    """Return a name of this process that no file has: earlier changes of the scene stay to be offered."""
    names = (path, *(path.with_suffix(f".{number}.hu") for number in range(1, MOST_OWN)))
    return next((name for name in names if not os.path.lexists(name)), path)


def _is_running(process: int) -> bool:
    """Whether there is a process with this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
