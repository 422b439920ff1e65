"""Watches the files of a scene and cooks what has changed, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import watch

from engine.assets.cook import CookedDb, cook_database
from engine.assets.database import read_asset_db
from engine.assets.files import FileGate
from engine.assets.importers.models.model_files import is_model
from engine.assets.recipes import recipes_of
from engine.assets.updating.library_update import LibraryUpdate, make_update
from engine.humon import InputError, Problem, read
from engine.live.signatures import Signature, changed, signature_of, signatures
from engine.scene import load_scenes
from engine.scene.models import model_document

if TYPE_CHECKING:
    from engine.assets import AssetDb, AssetLibrary
    from engine.scene import Scene

RESCAN_S = 2.0
"""How often all files are looked at, besides when the system reports a change: reports may be lost."""

SETTLE_S = 0.06
"""How long a file must stay the same before it is read."""

SLOWEST_S = 60.0
"""How long a file that goes on changing is waited for."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What has come of a change: an update of the library, the scene read again, problems of what cannot be.

    `seconds` passed from when the files had settled.
    """

    update: LibraryUpdate | None
    scene: Scene | None = None
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0


class LiveSources:
    """Watches the files of a scene and of its library, and makes updates. Close it before the library."""

    def __init__(self, library: AssetLibrary, scene: Scene, *, jobs: int = 1) -> None:
        """`jobs` is the number of threads that cook."""
        self._library = library
        self._scenes = [part.files[0].path for part in scene.parts]
        self._texts = _texts(scene)
        self._jobs = jobs
        self._lock = threading.Condition()
        self._made: Reload | None = None
        self._stopped = threading.Event()
        self._files = signatures(self._watched())
        self._thread = threading.Thread(target=self._run, name="live sources", daemon=True)
        self._failure: BaseException | None = None
        self._thread.start()

    def take(self) -> Reload | None:
        """Return what has been made since the last call, if anything; an update must be applied at once.

        Raises what ended the thread, if something did.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            made, self._made = self._made, None
            if made is not None:
                self._lock.notify_all()
            return made

    def close(self) -> None:
        """Stop watching, and wait for a cook that is under way."""
        self._stopped.set()
        with self._lock:
            self._lock.notify_all()
        self._thread.join()

    def __enter__(self) -> LiveSources:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            for _ in self._reports():
                found = self._settled()
                if found and not self._stopped.is_set():
                    self._reload(found, time.monotonic())
        except BaseException as error:  # noqa: BLE001 (`take` raises it)
            self._failure = error

    def _reports(self) -> Iterator[None]:
        """Yield when the system reports a change in a folder of a watched file, and from time to time."""
        while not self._stopped.is_set():
            folders = {path.parent for path in self._files}
            there = sorted(str(folder) for folder in folders if signature_of(folder).inode)
            for _ in watch(
                *there,
                stop_event=self._stopped,
                recursive=False,
                debounce=20,
                step=10,
                rust_timeout=int(RESCAN_S * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                watch_filter=None,
            ):
                yield
                if {path.parent for path in self._files} != folders:
                    break

    def _settled(self) -> set[Path]:
        """Return the files that have changed, once they no longer do."""
        now = signatures(self._files)
        found = changed(self._files, now)
        until = time.monotonic() + SLOWEST_S
        while found and not self._stopped.wait(SETTLE_S):
            again = signatures(self._files)
            if again == now or time.monotonic() > until:
                break
            now, found = again, changed(self._files, again)
        self._files = now
        return found

    def _reload(self, found: set[Path], since: float) -> None:
        """Read the scene again if its text has changed, cook what has a changed source, and offer both."""
        cooked: list[CookedDb] = []
        problems: list[Problem] = []
        scene: Scene | None = None
        if not found.isdisjoint(self._texts):
            try:
                scene = load_scenes(self._scenes)
                self._texts |= _texts(scene)
                problems += (*scene.rejected, *scene.warnings)
            except InputError as error:
                problems += error.problems
        number = len(self._library.dbs)
        for db in self._stale(found, scene):
            try:
                again = _read_again(db, number + len(cooked), found)
                cooked.append(cook_database(again, jobs=self._jobs))
            except InputError as error:
                problems += error.problems
        update = make_update(self._library, cooked) if cooked else None
        if update is not None and not update.changes and not _differs(self._library, update):
            for one in cooked:
                one.image.close()
            update = None
        if scene is not None and len(cooked) < len(self._stale(found, scene)):
            scene = None  # it may name assets of a database that cannot be read
        if update is not None or scene is not None or problems:
            self._offer(Reload(update, scene, tuple(problems), time.monotonic() - since))
        self._files |= {
            path: signature
            for path, signature in signatures(self._watched()).items()
            if path not in self._files
        }

    def _stale(self, found: set[Path], scene: Scene | None) -> list[AssetDb]:
        """Return the databases that have a changed source, and those that are new in a scene."""
        current = self._library.current[1:]
        names = {one.db.name for one in current}
        fresh = [db for db in scene.dbs if db.name not in names] if scene is not None else []
        return [*(one.db for one in current if not found.isdisjoint(_sources(one))), *fresh]

    def _offer(self, made: Reload) -> None:
        """Wait until what was made is taken, so that the next one is made of what came of it."""
        with self._lock:
            self._made = made
            while self._made is not None and not self._stopped.is_set():
                self._lock.wait(0.5)

    def _watched(self) -> dict[Path, Signature]:
        """Return the files of the scene and of all databases but the builtin one."""
        files = (path for one in self._library.current[1:] for path in _sources(one))
        return dict.fromkeys((*self._texts, *files), Signature())


def _texts(scene: Scene) -> set[Path]:
    """Return the files of a scene."""
    return {file.path for part in scene.parts for file in part.files}


def _differs(library: AssetLibrary, update: LibraryUpdate) -> bool:
    """Whether problems are others than before."""
    found = [problem for _, one, broken, _ in update.added for problem in (*one.problems, *broken.problems)]
    names = {one.db.name for _, one, *_ in update.added}
    return found != library.problems_of(names)


def _sources(cooked: CookedDb) -> set[Path]:
    """Return the files that a database was made of: its text, its sources, and what they name."""
    gate = FileGate(cooked.db.root)
    found = {cooked.db.path}
    for recipe in recipes_of(cooked.db).values():
        found |= {recipe.source, *recipe.more}
    for entry in cooked.entries.values():
        found |= {Path(gate.locate(stamp.path)) for stamp in entry.sources}
    return found


def _read_again(db: AssetDb, number: int, found: set[Path]) -> AssetDb:
    """Return a database with another id; its text is read again if it has changed. Raises InputError."""
    document = db.document
    if db.path in found:
        if is_model(db.path):
            document, _ = model_document(db.path, FileGate(db.root))
        else:
            document = read(db.path, document.name)
    read_db = read_asset_db(document, db.path, number, db.root)
    assert read_db is not None, "its text had a database before"
    return read_db
