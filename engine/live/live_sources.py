"""Watches the files of a scene and cooks what has changed, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from engine.assets.cook import CookedDb, cache_path, cook_database
from engine.assets.importers.models.model_files import is_model, is_text
from engine.assets.recipes import Recipe
from engine.assets.tools.kept_compiler import KeptCompiler
from engine.assets.updating.asset_index import AssetIndex
from engine.assets.updating.changed_text import cook_changed_text, names_offsets
from engine.assets.updating.library_update import LibraryUpdate, is_nothing, make_update, name_of
from engine.assets.updating.patch import make_patches
from engine.assets.updating.refusal import make_refusal
from engine.assets.updating.side_file import SideFile
from engine.files.signatures import Probed
from engine.humon import Code, InputError, Problem
from engine.live.before_watching import saved_before
from engine.live.changes import Changes
from engine.live.includes import Includes
from engine.live.reading import LeftOut, databases_of, left_out_of, models_of, read_again, texts_of
from engine.live.watched_files import WatchedFiles
from engine.live.whole_caches import WholeCaches
from engine.scene import load_scenes

if TYPE_CHECKING:
    from engine.assets import AssetDb, AssetLibrary, AssetRef
    from engine.assets.records import AssetType
    from engine.scene import Scene


@dataclass(frozen=True, slots=True)
class Reload:
    """What has come of a change: an update of the library, the scene read again, problems of what cannot be.

    `problems` are those of all texts as they are now, also of texts that this change has not touched.
    `unread` are the names of databases whose texts cannot be read, so that others are drawn; `unused` those
    of databases that the texts of the scene include no more.
    `files` have changed, the last of them at `saved` (seconds since the epoch); they had settled at `settled`
    (of `time.monotonic`), and `seconds` later this was made. With `is_requested`, assets were cooked again
    because `LiveSources.cook_again` says so.
    """

    update: LibraryUpdate | None
    scene: Scene | None = None
    problems: tuple[Problem, ...] = ()
    files: frozenset[Path] = frozenset()
    saved: float = 0.0
    settled: float = 0.0
    seconds: float = 0.0
    is_requested: bool = False
    unread: frozenset[str] = frozenset()
    unused: frozenset[str] = frozenset()


class LiveSources:
    """Watches the files of a scene and of its library, and makes updates. Close it before the library.

    What is new of a database that is drawn is cooked alone, into a side file, and its cache is written behind
    (`WholeCaches`).
    """

    def __init__(self, library: AssetLibrary, scene: Scene, *, jobs: int = 1) -> None:
        """`jobs` is the number of threads that cook."""
        self._library = library
        self._scenes, self._sky = [part.opened for part in scene.parts], scene.sky
        self._texts = texts_of(scene)
        self._read = [file for part in scene.parts for file in part.files]
        self._dbs = scene.dbs
        """Those of the scene as it was read last."""
        self._models = models_of(scene)
        """What the texts around model files were made of last."""
        self._jobs = jobs
        self._lock = threading.Condition()
        self._made: Reload | None = None
        self._stopped = threading.Event()
        self._indices = {one.db.name: AssetIndex(one) for one in library.current[1:]}
        self._files = WatchedFiles(self._watched(), self._roots(scene))
        for part in scene.parts:
            self._expect(part.probed)
        self._misread: dict[Path, Path] = {}
        """Files that a text names, see `AssetIndex.misread`, for which it was read again."""
        self._caches = {one.db.name: one.image.path for one in library.current[1:]}
        self._behind = WholeCaches(jobs)
        self._compiler = KeptCompiler()
        folders = (path.parent for path in self._caches.values() if path is not None)
        self._side = SideFile(next(folders, None))
        self._requested: set[tuple[str, AssetType, str | int]] = set()  # database, and see `name_of`
        self._refused: deque[tuple[Mapping[AssetRef, Problem], Mapping[int, int]]] = deque()
        self._followed: deque[tuple[list[Path], set[Path], LeftOut, Path | None]] = deque()
        requested = self._requested, self._refused, self._followed
        self._changes = Changes(self._files, self._stopped, requested)
        self._thread = threading.Thread(target=self._run, name="live sources", daemon=True)
        self._failure: BaseException | None = None
        self._scene_problems: tuple[Problem, ...] = (*scene.rejected, *scene.warnings)
        self._left_out = left_out_of(scene)
        self._unread: dict[str, tuple[Problem, ...]] = {}
        """Why databases cannot be read, by their names."""
        self._includes = Includes(scene)
        self._offered: tuple[object, ...] = (self._scene_problems, self._includes.unused)
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

    def has_written(self, path: Path) -> None:
        """Note that a file has just been written by the program itself: that is no change."""
        self._changes.has_written(path)

    def cook_again(self, refs: Iterable[AssetRef]) -> None:
        """Cook the data of these assets, and of what they are made of, though no file has changed."""
        dbs = self._library.dbs  # references are of one version, which may go before it is their turn
        named = {(dbs[ref.db].name, *name_of(dbs[ref.db][ref])) for ref in refs}
        with self._lock:
            self._requested |= named

    def refuse(self, refused: Mapping[AssetRef, Problem], earlier: Mapping[int, int]) -> None:
        """Restore assets that cannot be drawn with, and report why, unless they were saved again by now.

        `earlier` are the keys of changed assets, now and as they are drawn; see `make_refusal`.
        """
        self._refused.append((refused, earlier))

    def follow(self, scene: Scene) -> None:
        """Read a scene again that goes on as other files, and watch these in place of those of before."""
        opened = [part.opened for part in scene.parts]
        self._followed.append((opened, texts_of(scene), left_out_of(scene), scene.sky))

    def close(self) -> None:
        """Stop watching, and wait for a cook that is under way."""
        self._stopped.set()
        with self._lock:
            self._lock.notify_all()
        self._thread.join()
        if self._made is not None and self._made.update is not None:  # which nobody takes any more
            for _, one, *_ in self._made.update.added:
                one.image.close()
            self._made = None
        self._behind.close()
        self._side.close()
        self._compiler.close()

    def __enter__(self) -> LiveSources:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def behind(self) -> WholeCaches:
        """The caches that are behind what was made."""
        return self._behind

    def _run(self) -> None:
        try:
            for reported in chain([self._saved_before()], self._changes.reports()):
                found = self._changes.settled(reported)
                while self._followed:
                    self._scenes, self._texts, self._left_out, self._sky = self._followed.popleft()
                    self._files.add(self._texts)
                    found |= self._texts
                while self._refused:
                    update = make_refusal(self._library, self._indices, *self._refused.popleft(), self._side)
                    self._report(update, None, set(), time.monotonic())
                if (found or self._requested) and not self._stopped.is_set():
                    self._reload(found, time.monotonic())
                self._behind.poll()
                self._compiler.rest()
        except BaseException as error:  # noqa: BLE001 (`take` raises it)
            self._failure = error

    def _take_requests(self) -> dict[str, list[int]]:
        """Return the assets to cook again, by the names of their databases."""
        with self._lock:
            named = self._requested.copy()
            self._requested.clear()
        requested: dict[str, list[int]] = {}
        for one in self._library.current[1:] if named else ():
            name = one.db.name
            found = [asset.ref.index for asset in one.db.assets if (name, *name_of(asset)) in named]
            if found and name in self._indices:
                requested[name] = found
        return requested

    def _saved_before(self) -> set[Path]:
        """Return the files that were saved before they were watched, as if they had not been there then."""
        indices = self._indices
        texts, self._read = self._read, []
        missed = saved_before(self._library.current[1:], indices, texts, self._files.signatures)
        self._files.outdate(missed)
        return missed

    def _reload(self, found: set[Path], since: float) -> None:
        """Read the scene again if its text has changed, cook what has a changed source, and offer both.

        What was requested waits until the texts are as before. Of a database that cannot be read, what has a
        changed source is cooked by the text that is drawn.
        """
        scene: Scene | None = None
        requested: dict[str, list[int]] = {}
        unread, regained = False, frozenset[str]()
        leading = {index.text for index in self._indices.values() if index.leads_elsewhere(found)}
        if not self._texts.isdisjoint(found | leading):  # what a text names says what is left out of it
            probed = Probed()
            try:
                known = chain.from_iterable(self._left_out.values())
                scene = load_scenes(
                    self._scenes,
                    tolerated=list(known),
                    earlier=[db for db in self._dbs if db.path not in leading],
                    probed=probed,
                    sky=self._sky,
                    models=self._models,
                )
                self._dbs, self._models = scene.dbs, models_of(scene)
                for part in scene.parts:
                    _ = part.saver.before.paths  # worked out on this thread
                self._texts |= texts_of(scene)
                self._scene_problems = (*scene.rejected, *scene.warnings)
                regained = self._includes.update(scene, self._scenes, self._library.current[1:])
                named = {db.name for db in scene.dbs}
                self._unread = {name: why for name, why in self._unread.items() if name in named}
            except InputError as error:
                self._scene_problems = tuple(error.problems)
            self._expect(probed)
        stale = self._stale(found, scene, regained)
        if stale:
            update, unread = self._cook_texts(stale, found, databases_of(scene))
            if any(self._unread.values()):
                scene = None  # it may name assets of a database that cannot be read
        else:
            requested = self._take_requests()
            update = self._cook_sources(found, requested)
        if scene is not None:
            self._left_out |= left_out_of(scene)
            self._files.within(self._roots(scene))
            self._files.add(texts_of(scene))
            self._read = [file for part in scene.parts for file in part.files]
        self._report(update, scene, found, since, bool(requested))
        if stale:
            again = {db.name for db in stale}
            self._indices = {
                (name := one.db.name): AssetIndex(one, self._indices.get(name))
                if name in again
                else self._indices[name]
                for one in self._library.current[1:]
            }
            self._caches |= {
                one.db.name: one.image.path
                for one in self._library.current[1:]
                if one.db.name not in self._caches
            }
            self._files.add(self._watched())
        if unread:
            self._report(self._cook_sources(found - self._texts, {}), None, found, since)
        self._look_again()

    def _report(
        self,
        update: LibraryUpdate | None,
        scene: Scene | None,
        found: set[Path],
        since: float,
        is_requested: bool = False,
    ) -> None:
        """Offer what has come of changed files, if anything has; they had settled at `since`."""
        unread = list(chain.from_iterable(self._unread.values()))
        if any(problem.code == Code.FILE_MISSING for problem in self._scene_problems):
            unread = [problem for problem in unread if problem.code != Code.FILE_MISSING]  # the same file
        problems = (*self._scene_problems, *unread)
        names, unused = frozenset(self._unread), self._includes.unused
        is_new = (problems, unused) != self._offered
        if update is not None or scene is not None or is_new or is_requested:
            self._offered = problems, unused
            latest = max((self._files[path].mtime_ns for path in found), default=0) / 1e9
            saved = min(latest, time.time()) if latest else time.time()
            took = time.monotonic() - since
            times = saved, since, took
            files = frozenset(found)
            self._offer(Reload(update, scene, problems, files, *times, is_requested, names, unused))

    def _cook_sources(self, found: set[Path], requested: Mapping[str, Sequence[int]]) -> LibraryUpdate | None:
        """Cook what the changed files concern, and what is requested, of databases with texts as before.

        With any of a database, what was refused of it is tried again: it may fit what it did not.
        """
        wanted: dict[str, list[Recipe]] = {}
        refused = {one.db.name: one.refused for one in self._library.current[1:] if one.refused}
        for name, index in self._indices.items():
            recipes = {one.identity: one for one in index.concerned(found)}
            recipes |= {one.identity: one for one in index.making(requested.get(name, ()))}
            if recipes:
                tried = (index.recipes[each] for each in refused.get(name, ()) if each in index.recipes)
                recipes |= {one.identity: one for one in tried}
                wanted[name] = list(recipes.values())
        update, new = make_patches(
            self._library, self._indices, wanted, self._side, self._jobs, self._compiler
        )
        self._files.add(new)
        for one in self._library.current[1:]:
            path = self._caches.get(one.db.name)
            if path is not None and one.db.name in wanted:
                self._behind.add(one.db, path)
        return update

    def _cook_texts(
        self, stale: Sequence[AssetDb], found: set[Path], fresh: Mapping[str, AssetDb]
    ) -> tuple[LibraryUpdate | None, bool]:
        """Read databases again and cook what is new; return the update, and whether one cannot be read.

        `fresh` are those of the scene as it was read again, by their names.
        """
        cooked: list[CookedDb] = []
        current = {one.db.name: one for one in self._library.current[1:]}
        for db in stale:
            number = self._library.next_id + len(cooked)
            if db.name not in fresh and not is_text(db.path):
                self._unread[db.name] = ()  # why is said of the scene that is made around it
                continue
            try:
                again = read_again(db, fresh.get(db.name), db.path in found, number)
                cooked.append(self._cook_again(again, current.get(db.name), found))
                self._unread.pop(db.name, None)
            except InputError as error:
                self._unread[db.name] = tuple(error.problems)
        update = make_update(self._library, cooked) if cooked else None
        is_moved = any(
            current[one.db.name].db.path != one.db.path for one in cooked if one.db.name in current
        )
        if update is not None and not is_moved and is_nothing(self._library, update):
            for one in cooked:
                one.image.close()
            update = None
        return update, len(cooked) < len(stale)

    def _cook_again(self, db: AssetDb, before: CookedDb | None, found: set[Path]) -> CookedDb:
        """Cook what is new of a database beside its cache; all of it where that is new or cannot be."""
        if before is not None and before.db.cache_file != db.cache_file:
            self._caches[db.name] = cache_path(db)
        path = self._caches.get(db.name)
        if before is None or path is None or names_offsets(db):
            return cook_database(db, jobs=self._jobs, path=path)
        stale = {recipe.identity for recipe in self._indices[db.name].concerned(found)}
        self._behind.add(db, path)
        return cook_changed_text(self._library, before, db, stale, self._side, self._jobs)

    def _stale(self, found: set[Path], scene: Scene | None, regained: Collection[str]) -> list[AssetDb]:
        """Return the databases to read again: where a text has changed, those with a changed file.

        Those that are new in a scene are among them, and `regained` ones, which it has included before.
        """
        current = self._library.current[1:]
        names = {one.db.name for one in current}
        fresh = [db for db in scene.dbs if db.name not in names] if scene is not None else []
        indices = self._indices
        named = databases_of(scene)

        def is_outdated(one: CookedDb) -> bool:
            index, now = indices[one.db.name], named.get(one.db.name)
            if one.db.name in self._includes.unused:
                return False
            if index.leads_elsewhere(found) or one.db.name in self._unread or one.db.name in regained:
                return True
            if now is None or (is_model(now.path) and index.has_text(found)):
                return index.has_text(found)
            return not now.reads_as(one.db)

        outdated = {one.db.name for one in current if is_outdated(one)}
        if not fresh and not outdated:
            return []
        concerned = (
            one.db for one in current if one.db.name in outdated or indices[one.db.name].concerned(found)
        )
        return [*concerned, *fresh]

    def _offer(self, made: Reload) -> None:
        """Wait until what was made is taken, so that the next one is made of what came of it."""
        with self._lock:
            self._made = made
            while self._made is not None and not self._stopped.is_set():
                self._lock.wait(0.5)
        base = None if made.update is None else made.update.base
        while base is not None and self._library.version == base and not self._stopped.wait(0.001):
            pass  # it is being applied by the thread that has taken it

    def _watched(self) -> Iterator[Path]:
        """Yield the files of the scene and of all databases but the builtin one."""
        yield from self._texts
        for index in self._indices.values():
            yield from index.files

    def _roots(self, scene: Scene) -> set[Path]:
        """Return the project roots of the files of a scene, and of all databases."""
        roots = {index.gate.root for index in self._indices.values()}
        return roots.union(file.gate.root for part in scene.parts for file in part.files)

    def _expect(self, probed: Probed) -> None:
        """Watch the files that were looked for as texts, as they were then."""
        self._files.expect(probed)
        self._texts |= probed.keys()

    def _look_again(self) -> None:
        """Take new files that were saved between being read and being watched for changed ones, and links."""
        new = self._files.take_new()
        texts, self._read = [file for file in self._read if file.path in new], []
        if new:
            missed = saved_before(self._library.current[1:], self._indices, texts, new)
            self._files.outdate(missed & new.keys())
        misread = {path: to for index in self._indices.values() for path, to in index.misread.items()}
        self._files.outdate(path for path, to in misread.items() if self._misread.get(path) != to)
        self._misread = misread
